"""Settings of all tests: Hypothesis draws the same examples in every run, and takes the time it needs."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("suite")
