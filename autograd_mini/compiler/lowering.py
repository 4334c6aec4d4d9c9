"""Lowering: from the graph of a trace to a tape.

Leaves that are older than the trace are read afresh at every call, so they become inputs, after those of the arguments.
Leaves made while tracing are constants.
"""

from __future__ import annotations

from autograd_mini.compiler.tape import TRUTHS, Builder
from autograd_mini.errors import TracingError
from autograd_mini.graph import order
from autograd_mini.ops import CHOICE, TABLE
from autograd_mini.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape
    from autograd_mini.compiler.trace import Trace


def closed_over(trace: Trace, outputs: Sequence[Value | float]) -> list[Value]:
    """Return the leaves from outside that the outputs were computed from, oldest first.

    Raises:
        TracingError: if they were computed from a result of an operation outside.

    """
    found = []
    for node in order(*[y for y in outputs if isinstance(y, Value)]):
        if node.symbolic or node._tick > trace.start:
            continue
        if node._pull is not None:
            raise TracingError(
                f"the traced function uses {node!r}, which was computed outside by {node.op}(…): compute it inside of "
                "the function, pass it as an argument, or use its number (x.data, read outside) as a constant"
            )
        found.append(node)
    return found


def lowered(trace: Trace, outputs: Sequence[Value | float], parameters: Sequence[Value]) -> Tape:
    """Return the program that computes the outputs.

    Args:
        trace: the trace, whose inputs come first.
        outputs: the results of the traced function.
        parameters: the leaves from outside, whose inputs follow.

    Raises:
        TracingError: if there is an operation that cannot be compiled.

    """
    builder = Builder(len(trace.inputs) + len(parameters))
    places: dict[Value, int] = {node: builder.input(at) for node, at in trace.inputs.items()}
    for at, parameter in enumerate(parameters, start=len(trace.inputs)):
        places[parameter] = builder.input(at)
    for node in order(*[y for y in outputs if isinstance(y, Value)]):
        if node in places:
            continue
        if node._pull is None:
            places[node] = builder.constant(node._data)
        else:
            places[node] = _step(builder, node, places)
    return builder.finished(
        [builder.number(places[y]) if isinstance(y, Value) else builder.constant(y) for y in outputs]
    )


def _step(builder: Builder, node: Value, places: dict[Value, int]) -> int:
    """Return the step that a node ends in."""
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # the caller took leaves out
    name = rule.op.name
    operands = [places[arg] if isinstance(arg, Value) else builder.constant(arg) for arg in rule.args(node)]
    if rule.op is CHOICE:
        condition, this, otherwise = operands
        if builder.steps[condition] in {("constant", True), ("constant", False)}:
            return this if builder.steps[condition][1] else otherwise
        return builder.step("select", builder.truth(condition), builder.number(this), builder.number(otherwise))
    if name == "stop":
        return operands[0]
    if name in TRUTHS and not hasattr(rule, "pullback"):
        turned = builder.truth if name in {"and", "or", "not"} else builder.number
        return builder.step(name, *map(turned, operands))
    if TABLE.get(name) is not rule.op:
        raise TracingError(
            f"{name}(…) cannot be compiled: its derivative, or its value, is a function of the user's; leave it out of "
            "the compiled function, or define it by formulas with autograd_mini.operation"
        )
    return builder.apply(name, *map(builder.number, operands))
