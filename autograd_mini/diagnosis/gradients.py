"""Checks of the gradients that are there: whether they belong to this loss, and are finite."""

from __future__ import annotations

from math import isfinite
from operator import mul

from autograd_mini.diagnosis.case import counted
from autograd_mini.diagnosis.report import Finding
from autograd_mini.engine.graph import operands
from autograd_mini.engine.locations import place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.diagnosis.case import Case

ROUNDING = 1e-9
"""How far, relative to their sizes, two gradients may be apart that are the same sum, added up in another order."""

MANY = 1e6
"""So many calls of backward nobody makes."""

_ADDS = (
    "backward() adds to the gradients that are there. With those of earlier steps still in them, each step is too long "
    "and points partly where the steps before went."
)


def of_loss(case: Case) -> Iterator[Finding]:
    """Look at whether the gradients that are there are those of the loss."""
    if case.own or not case.gradients:
        return
    parameters = case.members.parameters
    found = [p.grad for p in parameters]
    held = [p for p, g in zip(parameters, found, strict=True) if g != 0.0]
    many = counted(len(parameters), "parameter")
    if not case.loss.has_grad:
        if held:
            yield Finding(
                "zero_grad",
                f"{len(held)} of {many} have a gradient already, though backward() has not been called on this loss",
                _ADDS,
                "Call model.zero_grad() or optimizer.zero_grad() before loss.backward(). If your loop does so a line "
                "further on, call the doctor after backward().",
                names=map(case.members.name, held),
            )
        return
    expected = [case.loss.grad * case.gradients.get(p, 0.0) for p in parameters]
    if not all(map(isfinite, [*expected, *found])) or _explained(found, expected):
        return
    if not held:
        yield Finding(
            "zero_grad",
            "all gradients are 0, though backward() was called on this loss, whose gradient is not 0",
            "They were set to 0 before the step could use them, so that a step moves nothing.",
            "The order is zero_grad(), backward(), step().",
        )
        return
    if times := _times(found, expected):
        yield Finding(
            "zero_grad",
            f"the gradients are {times} times those of this loss",
            _ADDS,
            "backward() was called several times on this loss: once is enough.",
        )
        return
    size = max(map(abs, expected))
    wrong = [p for p, g, e in zip(parameters, found, expected, strict=True) if _apart(g, e, size)]
    yield Finding(
        "zero_grad",
        f"{len(wrong)} of {many} have a gradient that is not that of this loss",
        _ADDS,
        "Call model.zero_grad() or optimizer.zero_grad() in every step, before loss.backward(). If you add up the "
        "gradients of several losses on purpose, leave it so.",
        names=map(case.members.name, wrong),
    )


def _explained(found: Sequence[float], expected: Sequence[float]) -> bool:
    """Return whether gradients are those of the loss, or those clipped, by their norm or one by one."""
    size = max(map(abs, expected))
    if size == 0.0:
        return not any(found)
    g, e = [x / size for x in found], [x / size for x in expected]
    factor = sum(map(mul, g, e)) / sum(map(mul, e, e))
    if 0.0 < factor <= 1.0 + ROUNDING and _same(g, [factor * x for x in e], factor):
        return True
    cut = max(map(abs, g))
    return 0.0 < cut < 1.0 and _same(g, [max(-cut, min(cut, x)) for x in e], cut)


def _times(found: Sequence[float], expected: Sequence[float]) -> int:
    """Return the whole number above 1 by which all the gradients are too large; 0 if there is none."""
    size, largest = max(map(abs, found)), max(map(abs, expected))
    times = round(size / largest) if largest and size / largest < MANY else 0
    return times if times > 1 and _same(found, [times * e for e in expected], size) else 0


def _same(found: Sequence[float], expected: Sequence[float], size: float) -> bool:
    return not any(_apart(g, e, size) for g, e in zip(found, expected, strict=True))


def _apart(a: float, b: float, size: float) -> bool:
    """Return whether two gradients differ by more than rounding does, where the largest is of some size."""
    return abs(a - b) > ROUNDING * (abs(a) + abs(b)) + 1e-3 * ROUNDING * size


def not_finite(case: Case) -> Iterator[Finding]:
    """Look for nan and infinite numbers, and for the operation that made the first."""
    if case.finite:
        return
    members = case.members
    parameters = [p for p in members.parameters if not isfinite(p._data)]
    gradients = [p for p, g in case.gradients.items() if not isfinite(g)]
    wrong = (node for node in case.nodes if node._pull is not None and not isfinite(node._data))
    made = next((node for node in wrong if all(isfinite(operand._data) for operand in operands(node))), None)
    if parameters:
        what = f"{members.summary(parameters)} became nan or infinite"
    elif not isfinite(case.loss._data):
        made_by = f": the first such number was made by {made.op}(…)" if made is not None else ""
        what = f"the loss is {case.loss._data!r}{made_by}"
    else:
        what = f"the gradients of {members.summary(gradients)} are nan or infinite"
    yield Finding(
        "not finite",
        what,
        "A step makes every parameter nan that has such a gradient, and soon all of them.",
        "Run the step inside `with ag.anomaly():`, which names the operation that made the first, its operands and its "
        "line. Parameters that are nan already have to start anew.",
        place=place_of(made) if made is not None else None,
        names=map(members.name, parameters or gradients),
    )
