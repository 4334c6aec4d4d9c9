"""Checks of lifecycle: how long parameters, graphs and gradients live from step to step, and what keeps them alive."""

from __future__ import annotations

import gc
from functools import partial
from math import isfinite
from operator import mul

from autograd_mini.diagnosis.context import Finding, counted
from autograd_mini.engine.graph import order
from autograd_mini.engine.locations import place_of
from autograd_mini.engine.value import Computed, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from autograd_mini.diagnosis.context import Context
    from autograd_mini.diagnosis.named_parameters import NamedParameters

OLD_GRAPHS = 3
"""Ratio of stale to live parameter uses above which old graphs count as leaked. One older graph is alive as long as the
variables of the last step are."""

ROUNDING = 1e-9
"""Relative difference up to which two gradients are the same sum, added up in another order."""

MANY = 1e6
"""Upper bound on plausible accumulation counts."""

_ADDS = (
    "backward() adds to the gradients that are there. With those of earlier steps still in them, each step is too long "
    "and points partly where the steps before went."
)


def of_parameters(named: NamedParameters) -> Iterator[Finding]:
    """Look at the parameters themselves."""
    if not named.parameters and not named.computed:
        plain = f"; among its attributes are plain Values: {', '.join(named.constants[:4])}" if named.constants else ""
        yield Finding(
            "no parameters",
            f"the model has no parameters{plain or ''}",
            "An optimiser moves what parameters() lists: the Parameters among the attributes of a Module and in its "
            "lists. A plain Value is a constant.",
            "Write self.w = Parameter(0.1), or define parameters().",
        )
    for name, thing in named.repeated:
        what = "Value" if isinstance(thing, Value) else type(thing).__name__
        yield Finding(
            "repeated",
            f"{name} holds one and the same {what} several times",
            f"[{what}(…)] * 3 makes three references to one {what}: one number and one gradient, so that they stay "
            "equal for ever.",
            f"Write [{what}(…) for _ in range(3)], which makes three of them. If you mean to share it, leave it so.",
            place=place_of(thing) if isinstance(thing, Value) else None,
        )
    if named.computed:
        name, value = named.computed[0]
        rest = f"; so are {len(named.computed) - 1} more" if len(named.computed) > 1 else ""
        yield Finding(
            "computed",
            f"{name} is no parameter any more, but the result of {value.op}(…) with a history of "
            f"{counted(len(order(value)) - 1, 'node')}{rest}",
            "w = w - lr * w.grad makes a new Value that remembers the old one. backward() then goes back through all "
            "the steps before, the graph grows with every step, and an optimiser moves the old one, if there is any.",
            "Assign the number alone: w.data -= lr * w.grad, or optimizer.step().",
            place=place_of(value),
            names=[name for name, _ in named.computed],
        )


def of_loss(loss: Any) -> Iterator[Finding]:
    """Look at a loss that has no history; nothing is found of one that has."""
    if isinstance(loss, Value):
        if loss._pull is not None:
            return
        what = f"the loss is a leaf, {loss!r}, with no history"
        cause = "Value(…) of a number, detach(), stop_gradient() and no_grad() make such a Value"
    else:
        what = f"the loss is a plain number, {loss!r}"
        cause = ".data, .item(), functions of the module math, and compiled functions give plain numbers"
    yield Finding(
        "detached",
        what,
        f"backward() follows the history of the loss to the parameters, and here it has lost it: {cause}.",
        "Compute with Values up to the loss, and take loss.data only to print it. Of a compiled function pass what the "
        "function itself returns.",
        place=place_of(loss) if isinstance(loss, Value) else None,
    )


def of_graph(context: Context) -> Iterator[Finding]:
    """Look at what the loss depends on, and whether that is all of this step."""
    named, used = context.named, context.used
    unused = _unused(context)
    if named.parameters and not used and not named.computed:
        yield Finding(
            "unused",
            "the loss depends on none of the parameters",
            "Their gradients are 0, and training moves nothing.",
            "Pass the model that the loss was computed with. If that is the one, its results lost their history on the "
            "way: .data, float(), detach() and no_grad() do that.",
        )
    elif unused and used:
        yield Finding(
            "unused",
            f"the loss does not depend on {len(unused)} of {counted(len(named.parameters), 'parameter')}: "
            f"{named.summary(unused)}",
            "Their gradients are 0, and training never moves them.",
            "Use them in what the model computes. If it does use them, the result lost its history on the way: .data, "
            "float(), detach() and no_grad() do that, and zip() leaves out what the longer list has more.",
            place=place_of(unused[0]),
            names=map(named.name, unused),
        )
    fresh = {parameter for node, parameter in context.uses if node._tick > parameter._tick}
    mixed = [(node, parameter) for node, parameter in context.stale if parameter in fresh]
    if mixed:
        node, parameter = mixed[-1]
        yield Finding(
            "old graph",
            f"the loss reaches back into an earlier step: {len(mixed)} of its nodes used parameters before they were "
            f"last assigned, such as {node.op}(…) with {named.name(parameter)}",
            "The graph grows with every step, backward() takes longer and longer, and raises StaleValueError, because "
            "the numbers that those nodes used are gone.",
            "Call backward() on the loss of this step. A total for printing adds numbers, total += loss.data, and a "
            "state that is carried on is cut off, h = h.detach().",
            place=place_of(node),
            names=[named.name(parameter)],
        )
    elif context.stale:
        node, parameter = context.stale[-1]
        yield Finding(
            "stale",
            f"{named.name(parameter)} was assigned after the loss was computed",
            "The loss belongs to the old parameters, and its gradient at the new ones is not known.",
            "Call the doctor after backward() and before the step, or compute the loss again.",
            place=place_of(node),
            names=[named.name(parameter)],
        )
    yield from _kept(context)


def _unused(context: Context) -> list[Value]:
    """Return the parameters that the loss does not depend on, but for rows of a table of which others are looked up."""
    used, named = set(context.used), context.named
    rows = {parameter: named.row(parameter) for parameter in named.parameters}
    in_use = {row for parameter, row in rows.items() if row and parameter in used}
    tables = {table for _, table in in_use}
    return [
        parameter
        for parameter, row in rows.items()
        if parameter not in used and not (row and row not in in_use and row[1] in tables)
    ]


def _kept(context: Context) -> Iterator[Finding]:
    """Look for graphs of earlier steps that are still in memory."""
    graph, known = set(context.nodes), set(context.named.parameters)
    old = [
        node
        for node in gc.get_objects()
        if type(node) is Computed
        and node not in graph
        and any(x in known and x._tick > node._tick for x in (getattr(node, "_x", None), getattr(node, "_y", None)))
    ]
    if len(old) < OLD_GRAPHS * max(1, len(context.uses)):
        return
    yield Finding(
        "old graphs",
        f"results of earlier steps are still in memory: {counted(len(old), 'node')} used the parameters before they "
        f"were last assigned, beside {len(context.uses)} in the loss",
        "Each keeps the whole graph below it alive, so that the memory in use grows with every step.",
        "Keep numbers where results are collected: losses.append(loss.data), total += loss.data.",
        place=place_of(old[-1]),
    )


def of_gradients(context: Context) -> Iterator[Finding]:
    """Look at whether the gradients that are there are those of the loss, and of no other."""
    if context.own or not context.gradients:
        return
    parameters = context.named.parameters
    found = [p.grad for p in parameters]
    held = [p for p, g in zip(parameters, found, strict=True) if g != 0.0]
    many = counted(len(parameters), "parameter")
    finding = partial(Finding, "zero_grad")
    again = "Call model.zero_grad() or optimizer.zero_grad()"
    if not context.loss.has_grad:
        if held:
            yield finding(
                f"{len(held)} of {many} have a gradient already, though backward() has not been called on this loss",
                _ADDS,
                f"{again} before loss.backward(). If your loop does so a line further on, call the doctor after "
                "backward().",
                names=map(context.named.name, held),
            )
        return
    expected = [context.loss.grad * context.gradients.get(p, 0.0) for p in parameters]
    if not all(map(isfinite, [*expected, *found])) or _explained(found, expected):
        return
    if not held:
        yield finding(
            "all gradients are 0, though backward() was called on this loss, whose gradient is not 0",
            "They were set to 0 before the step could use them, so that a step moves nothing.",
            "The order is zero_grad(), backward(), step().",
        )
    elif times := _times(found, expected):
        once = "backward() was called several times on this loss: once is enough."
        yield finding(f"the gradients are {times} times those of this loss", _ADDS, once)
    else:
        size = max(map(abs, expected))
        wrong = [p for p, g, e in zip(parameters, found, expected, strict=True) if _apart(g, e, size)]
        yield finding(
            f"{len(wrong)} of {many} have a gradient that is not that of this loss",
            _ADDS,
            f"{again} in every step, before loss.backward(). If you add up the gradients of several losses on purpose, "
            "leave it so.",
            names=map(context.named.name, wrong),
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
