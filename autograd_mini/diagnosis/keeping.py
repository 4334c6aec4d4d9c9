"""Checks of how parameters and graphs are kept from step to step."""

from __future__ import annotations

import gc

from autograd_mini.diagnosis.case import counted
from autograd_mini.diagnosis.report import Finding
from autograd_mini.engine.graph import order
from autograd_mini.engine.locations import place_of
from autograd_mini.engine.value import Computed, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from autograd_mini.diagnosis.case import Case
    from autograd_mini.diagnosis.members import Members

OLD_GRAPHS = 3
"""So many times more old than new uses of the parameters have to be in memory. One older graph is alive as a matter of
course, as long as the variables of the last step still stand; that of several steps is kept by somebody."""


def of_members(members: Members) -> Iterator[Finding]:
    """Look at the parameters themselves."""
    if not members.parameters and not members.computed:
        plain = (
            f"; among its attributes are plain Values: {', '.join(members.constants[:4])}" if members.constants else ""
        )
        yield Finding(
            "no parameters",
            f"the model has no parameters{plain or ''}",
            "An optimiser moves what parameters() lists: the Parameters among the attributes of a Module and in its "
            "lists. A plain Value is a constant.",
            "Write self.w = Parameter(0.1), or define parameters().",
        )
    for name, thing in members.repeated:
        what = "Value" if isinstance(thing, Value) else type(thing).__name__
        yield Finding(
            "repeated",
            f"{name} holds one and the same {what} several times",
            f"[{what}(…)] * 3 makes three references to one {what}: one number and one gradient, so that they stay "
            "equal for ever.",
            f"Write [{what}(…) for _ in range(3)], which makes three of them. If you mean to share it, leave it so.",
            place=place_of(thing) if isinstance(thing, Value) else None,
        )
    if members.computed:
        name, value = members.computed[0]
        rest = f"; so are {len(members.computed) - 1} more" if len(members.computed) > 1 else ""
        yield Finding(
            "computed",
            f"{name} is no parameter any more, but the result of {value.op}(…) with a history of "
            f"{counted(len(order(value)) - 1, 'node')}{rest}",
            "w = w - lr * w.grad makes a new Value that remembers the old one. backward() then goes back through all "
            "the steps before, the graph grows with every step, and an optimiser moves the old one, if there is any.",
            "Assign the number alone: w.data -= lr * w.grad, or optimizer.step().",
            place=place_of(value),
            names=[name for name, _ in members.computed],
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


def of_graph(case: Case) -> Iterator[Finding]:
    """Look at what the loss depends on, and whether that is all of this step."""
    members, used = case.members, case.used
    unused = _unused(case)
    if members.parameters and not used and not members.computed:
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
            f"the loss does not depend on {len(unused)} of {counted(len(members.parameters), 'parameter')}: "
            f"{members.summary(unused)}",
            "Their gradients are 0, and training never moves them.",
            "Use them in what the model computes. If it does use them, the result lost its history on the way: .data, "
            "float(), detach() and no_grad() do that, and zip() leaves out what the longer list has more.",
            place=place_of(unused[0]),
            names=map(members.name, unused),
        )
    fresh = {parameter for node, parameter in case.uses if node._tick > parameter._tick}
    mixed = [(node, parameter) for node, parameter in case.stale if parameter in fresh]
    if mixed:
        node, parameter = mixed[-1]
        yield Finding(
            "old graph",
            f"the loss reaches back into an earlier step: {len(mixed)} of its nodes used parameters before they were "
            f"last assigned, such as {node.op}(…) with {members.name(parameter)}",
            "The graph grows with every step, backward() takes longer and longer, and raises StaleValueError, because "
            "the numbers that those nodes used are gone.",
            "Call backward() on the loss of this step. A total for printing adds numbers, total += loss.data, and a "
            "state that is carried on is cut off, h = h.detach().",
            place=place_of(node),
            names=[members.name(parameter)],
        )
    elif case.stale:
        node, parameter = case.stale[-1]
        yield Finding(
            "stale",
            f"{members.name(parameter)} was assigned after the loss was computed",
            "The loss belongs to the old parameters, and its gradient at the new ones is not known.",
            "Call the doctor after backward() and before the step, or compute the loss again.",
            place=place_of(node),
            names=[members.name(parameter)],
        )
    yield from _kept(case)


def _unused(case: Case) -> list[Value]:
    """Return the parameters that the loss does not depend on, but for rows of a table of which others are looked up."""
    used, members = set(case.used), case.members
    rows = {parameter: members.row(parameter) for parameter in members.parameters}
    in_use = {row for parameter, row in rows.items() if row and parameter in used}
    tables = {table for _, table in in_use}
    return [
        parameter
        for parameter, row in rows.items()
        if parameter not in used and not (row and row not in in_use and row[1] in tables)
    ]


def _kept(case: Case) -> Iterator[Finding]:
    """Look for graphs of earlier steps that are still in memory."""
    graph, known = set(case.nodes), set(case.members.parameters)
    old = [
        node
        for node in gc.get_objects()
        if type(node) is Computed
        and node not in graph
        and any(x in known and x._tick > node._tick for x in (getattr(node, "_x", None), getattr(node, "_y", None)))
    ]
    if len(old) < OLD_GRAPHS * max(1, len(case.uses)):
        return
    yield Finding(
        "old graphs",
        f"results of earlier steps are still in memory: {counted(len(old), 'node')} used the parameters before they "
        f"were last assigned, beside {len(case.uses)} in the loss",
        "Each keeps the whole graph below it alive, so that the memory in use grows with every step.",
        "Keep numbers where results are collected: losses.append(loss.data), total += loss.data.",
        place=place_of(old[-1]),
    )
