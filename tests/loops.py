"""Loops in programs of a few operations: what the tests of rerolling and of recurrences have in common."""

from __future__ import annotations

from autograd_mini.compiler import frontend, rerolling


def look_for_in_short_programs(monkeypatch):
    """Let loops be looked for in programs that are too short for it otherwise."""
    monkeypatch.setattr(frontend, "LONG", 20)
    monkeypatch.setattr(rerolling, "SMALLEST", 8)
    monkeypatch.setattr(rerolling, "LARGE", 0)


def gradients(leaves):
    """Return the gradients that leaves have, 0 for none, and take them away."""
    found = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    return [0.0 if slope is None else slope for slope in found]
