"""Diagnosis: where a nan came from, which line made a Value, and which of the classic mistakes a model shows."""

from __future__ import annotations

from autograd_mini.diagnosis.anomalies import anomaly, origin
from autograd_mini.diagnosis.context import Finding
from autograd_mini.diagnosis.diagnose import Diagnosis, doctor
from autograd_mini.engine.locations import Place, assigned_at, place_of

__all__ = ["Diagnosis", "Finding", "Place", "anomaly", "assigned_at", "doctor", "origin", "place_of"]
