"""Lowering: from the graph of a trace to a tape.

Leaves that are older than the trace are read afresh at every call, so they become inputs, after those of the arguments.
Leaves made while tracing are constants.
"""

from __future__ import annotations

from autograd_mini.compiler.primitives import Primitive
from autograd_mini.compiler.tape import BASIC, GATHERS, TRUTHS, Builder
from autograd_mini.engine.ops import CHOICE, TABLE
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape
    from autograd_mini.compiler.tracer import Trace


class Below:
    """What the outputs of a traced function were computed from.

    Attributes:
        nodes: the symbols with their operands, oldest first, inputs left out.
        outside: the leaves from outside, oldest first.

    Raises:
        TracingError: if they were computed from a result of an operation outside.

    """

    def __init__(self, trace: Trace, outputs: Sequence[Value | float]) -> None:
        self.trace, self.outputs = trace, outputs
        reached = {y for y in outputs if isinstance(y, Value)}
        self.nodes: list[tuple[Value, tuple[Value | float, ...]]] = []
        for node in reversed(trace.nodes):  # they were made in this order, operands before results
            if node in reached and node._pull is not None:
                args = node._pull.rule.args(node)
                self.nodes.append((node, args))
                reached.update([arg for arg in args if isinstance(arg, Value)])
        self.nodes.reverse()
        # Not by their ticks: another thread may have assigned a parameter since the trace began.
        self.outside = sorted(reached.difference(trace.nodes, trace.constants), key=lambda leaf: leaf._tick)
        for leaf in self.outside:
            if leaf._pull is not None:
                raise TracingError(
                    f"the traced function uses {leaf!r}, which was computed outside by {leaf.op}(…): compute it inside "
                    "of the function, pass it as an argument, or use its number (x.data, read outside) as a constant"
                )

    def lowered(self, parameters: Sequence[Value]) -> Tape:
        """Return the program that computes the outputs; the inputs of parameters follow those of the trace.

        Raises:
            TracingError: if there is an operation that cannot be compiled.

        """
        trace = self.trace
        builder = Builder(len(trace.inputs) + len(parameters))
        places = _Places(builder)
        for node, at in trace.inputs.items():
            places[node] = builder.input(at)
        for at, parameter in enumerate(parameters, start=len(trace.inputs)):
            places[parameter] = builder.input(at)
        names: dict[Any, str] = {}  # of the rules met so far whose rows a machine has
        truths: set[int] = set()
        for node, args in self.nodes:
            rule: Any = node._pull.rule  # type: ignore[union-attr]  # inputs are left out
            operands = [places[arg] if isinstance(arg, Value) else builder.constant(arg) for arg in args]
            name = names.get(rule)
            if name is None or not truths.isdisjoint(operands):
                places[node] = at = _step(builder, rule, operands)
                named = rule.op.name
                if builder.steps[at][0] in TRUTHS:
                    truths.add(at)
                elif TABLE.get(named) is rule.op and named in BASIC:
                    names[rule] = named
            else:
                made = (name, *operands)
                places[node] = builder.placed(made, made)
        return builder.finished(
            [builder.number(places[y]) if isinstance(y, Value) else builder.constant(y) for y in self.outputs]
        )


class _Places(dict[Value, int]):
    """The steps of symbols and leaves; a leaf that was made while tracing is a constant."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def __missing__(self, leaf: Value) -> int:
        """Return the step of such a leaf."""
        at = self[leaf] = self._builder.constant(leaf._data)
        return at


def _step(builder: Builder, rule: Any, operands: list[int]) -> int:
    """Return the step that a node ends in."""
    name = rule.op.name
    if rule.op is CHOICE:
        condition, this, otherwise = operands
        if builder.steps[condition] in {("constant", True), ("constant", False)}:
            return this if builder.steps[condition][1] else otherwise
        return builder.step("select", builder.truth(condition), builder.number(this), builder.number(otherwise))
    if name == "stop":
        return operands[0]
    if name in TRUTHS and isinstance(rule, Primitive):
        turned = builder.truth if name in {"and", "or", "not"} else builder.number
        return builder.step(name, *map(turned, operands))
    if name in GATHERS and isinstance(rule, Primitive):
        return builder.step(name, *map(builder.number, operands))
    if TABLE.get(name) is not rule.op:
        raise TracingError(
            f"{name}(…) cannot be compiled: its derivative, or its value, is a function of the user's; leave it out of "
            "the compiled function, or define it by formulas with autograd_mini.operation"
        )
    return builder.apply(name, *map(builder.number, operands))
