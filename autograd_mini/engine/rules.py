"""A rule: how a node came about, and what its adjoint and its tangent are made of.

Most rules are rows of the table, one for each choice of operands that are Values. Row `mul` becomes the method
`Value.__mul__`, which computes x * y and records a node, and three pullbacks, which propagate the node's adjoint g to
its operands: `mul_xy` (both are Values), `mul_x` (y is a plain number), `mul_y` (x is one). A plain number stays a
number; it never becomes a node. A row is compiled when it is first used; `codegen.py` writes the text.
"""

from __future__ import annotations

from autograd_mini.engine import ieee
from autograd_mini.engine.ops import TABLE, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, Self

    from autograd_mini.engine.value import Value

    class Pullback(Protocol):
        """A function that adds g times each partial derivative to the adjoint of its operand."""

        rule: Rule
        __name__: str

        def __call__(self, node: Value, g: float, /) -> None:
            """Add the contributions of the node's adjoint g."""


QUICK = {name: ieee.quick(name) for name in ("pow", *[name for name, row in TABLE.items() if row.primitive])}
"""The primitives as the quick text of formulas calls them; the power has a symbol, and is called all the same."""

NAMESPACE: dict[str, object] = {**QUICK, "ieee": ieee}
"""The globals of the compiled functions; `operators.py` and `functions.py` put in what they name."""


class Rule:
    """How a node came about: its operation, and which of the operands a derivative flows to.

    Attributes:
        op: the operation.
        active: those operands: "x", "y" or "xy"; they stand in the slots `_x` and `_y` of the node.
        pullback: the function (node, g) that adds g times the partials to the operands' adjoints.

    """

    __slots__ = ("active", "op", "pullback")

    pullback: Pullback

    def __init__(self, op: Op, active: str) -> None:
        self.op = op
        self.active = active

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, g) -> g times the partial, a Value."""
        raise NotImplementedError

    def args(self, node: Value) -> tuple[Any, ...]:
        """Return the node's operands in order, plain numbers included."""
        raise NotImplementedError

    def operands(self, node: Value) -> tuple[Value, ...]:
        """Return the operands that a derivative flows to, one for each of the partials."""
        return (node._x, node._y)[: len(self.active)]

    def call(self, node: Value) -> Any:  # noqa: ARG002 - a rule may look at it
        """Return the call that the node is a result of (see `transforms/custom.py`); None for an operation."""
        return None

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        """Put the node's tangent beside those of its operands: the pullback turns one of these into a part of it."""
        total: Any = None
        if on_values:
            partials = node.times_partials() if node.symbolic else self.times_partials()  # type: ignore[attr-defined]
            for operand, times_partial in zip(self.operands(node), partials, strict=True):
                if operand in tangents:
                    part = times_partial(node, tangents[operand])
                    total = part if total is None else total + part
        else:
            p, q = node._x, node._y
            kept = p._adjoint, q._adjoint  # they may belong to a backward pass that called us
            if p in tangents:
                p._adjoint = q._adjoint = -0.0
                self.pullback(node, tangents[p])
                total = p._adjoint
            if len(self.active) == 2 and q is not p and q in tangents:
                p._adjoint = q._adjoint = -0.0
                self.pullback(node, tangents[q])
                total = q._adjoint if total is None else total + q._adjoint
            p._adjoint, q._adjoint = kept
        if total is not None:
            tangents[node] = total

    def __deepcopy__(self, _: object) -> Self:
        """Return the rule itself: it never changes."""
        return self


class RowRule(Rule):
    """A row of the table, and which of its operands are Values."""

    __slots__ = ("_partials",)

    def __init__(self, op: Op, active: str, pullback: Pullback) -> None:
        super().__init__(op, active)
        self.pullback = pullback
        self._partials: tuple[Callable[..., Value], ...] | None = None

    def args(self, node: Value) -> tuple[Value | float, ...]:
        """Return the node's operands in order, plain numbers included."""
        if self.active == "xy":
            return node._x, node._y
        if len(self.op.operands) == 1:
            return (node._x,)
        return (node._x, node._k) if self.active == "x" else (node._k, node._x)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a name, and for a user's operation its formulas, which must be those that it has on unpickling."""
        return rule_named, (self.op.name, self.active, () if self.op.builtin else (self.op.value, *self.op.partials))

    def times_partials(self) -> tuple[Callable[..., Value], ...]:
        """Return them, compiled at the first call."""
        if self._partials is None:
            from autograd_mini.engine.codegen import partial_on_values  # ast is slow to import, few rows are compiled

            self._partials = tuple(
                partial_on_values(self.op, self.active, wanted, NAMESPACE | self.op.names) for wanted in self.active
            )
        return self._partials


class CompiledRow:
    """What a row becomes: functions on floats and on Values.

    Attributes:
        floats: the operation on floats.
        forward: the method of Value.
        reflected: the same with its two operands exchanged, for a plain number on the left.
        pullbacks: for each variant the function (node, g) that adds g times the partials to the operands' adjoints.

    """

    __slots__ = ("floats", "forward", "pullbacks", "reflected")

    def __init__(self, op: Op, together: dict[Op, CompiledRow] | None = None) -> None:
        from autograd_mini.engine.codegen import build, on_floats, text_of, used_on_floats, variants

        together = {} if together is None else together  # with the rows that its formulas call, which may call it too
        together[op] = self
        made = build(op.name, text_of(op), NAMESPACE | {"row": op})
        self.floats: Callable[..., float] = getattr(ieee, op.name) if op.primitive else made["on_floats"]
        self.forward: Callable[..., Value] = made["forward"]
        self.reflected: Callable[..., Value] | None = made.get("reflected")
        self.pullbacks: dict[str, Pullback] = {}
        for variant in variants(op):
            self.pullbacks[variant] = function = made[f"{op.name}_{variant}"]
            function.rule = RowRule(op, variant, function)
        if op.name not in QUICK:
            made[on_floats(op.name)] = self.floats  # a partial may call its own row
        for function, name in ((self.forward, op.name), (self.reflected, f"r{op.name}")):
            if function is not None:
                function.__name__ = f"__{name}__" if op.method else name
                function.__qualname__ = f"Value.{function.__name__}"
                function.__doc__ = op.doc
        for name in used_on_floats(op):
            used = op.uses.get(name) or TABLE[name]
            made[on_floats(name)] = (used.compiled or together.get(used) or CompiledRow(used, together)).floats


def compiled(op: Op) -> CompiledRow:
    """Return the compiled row, compiling it if this is its first use."""
    if op.compiled is None:
        together: dict[Op, CompiledRow] = {}
        found = CompiledRow(op, together)
        for row, made in together.items():  # only now, when what they call is complete
            row.compiled = made
        return found
    return op.compiled


INLINED = (("add", "xy"), ("mul", "xy"), ("add", "x"), ("mul", "x"))
"""The rules that the sweep applies on the spot: most nodes of most graphs are these, and a call costs more."""


def sweep() -> Callable[[Iterable[Value]], None]:
    """Return the function that walks nodes newest first and hands each adjoint on to the operands."""
    from textwrap import indent

    from autograd_mini.engine.codegen import build, pullback_body

    text = "def sweep(nodes):\n    for node in nodes:\n        pull = node._pull\n        g = node._adjoint\n"
    extra: dict[str, object] = {}
    for name, variant in INLINED:
        extra[f"{name}_{variant}"] = compiled(TABLE[name]).pullbacks[variant]
        text += f"        {'elif' if len(extra) > 1 else 'if'} pull is {name}_{variant}:\n"
        text += indent(pullback_body(TABLE[name], variant), " " * 12)
    text += "        else:\n            pull(node, g)\n"
    made: Callable[[Iterable[Value]], None] = build("sweep", text, NAMESPACE | extra)["sweep"]
    return made


def rule_named(name: str, variant: str, formulas: tuple[str, ...] = ()) -> Rule:
    """Return the rule of a row of the table, for a pickle; a LookupError if there is none, or one of other formulas."""
    if name not in TABLE:
        raise LookupError(
            f"a pickled graph uses the operation {name!r}, which is not defined here: define it with operation()"
        )
    if formulas and formulas != (TABLE[name].value, *TABLE[name].partials):
        raise LookupError(
            f"a pickled graph uses an operation {name!r} with the value {formulas[0]!r} and the partials "
            f"{formulas[1:]!r}, which is not the one defined here: define it so with operation()"
        )
    rule: Rule = compiled(TABLE[name]).pullbacks[variant].rule
    return rule
