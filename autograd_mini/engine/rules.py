"""A rule: what the table's row becomes for one kind of operands.

Row `mul` becomes the method `Value.__mul__`, which computes x * y and records a node, and three pullbacks, which hand
the node's adjoint g on to its operands: `mul_xy` (both are Values), `mul_x` (y is a plain number), `mul_y` (x is one).
A plain number stays a number; it never becomes a node. A row is compiled when it is first used; `codegen.py` writes the
text.
"""

from __future__ import annotations

from autograd_mini.engine import ieee
from autograd_mini.engine.ops import TABLE, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from autograd_mini.engine.value import Value

    class Pullback(Protocol):
        """A function that adds g times each partial derivative to the adjoint of its operand."""

        rule: Rule
        __name__: str

        def __call__(self, node: Value, g: float, /) -> None:
            """Add the shares of the node's adjoint g."""


NAMESPACE: dict[str, object] = {**ieee.QUICK, "ieee": ieee}
"""The globals of the compiled functions; `operators.py` and `functions.py` put in what they name."""


class Rule:
    """How a node came about: its operation and which of the operands are Values.

    Attributes:
        op: the row of the table.
        variant: the operands that are Values: "x", "y" or "xy".
        pullback: the function (node, g) that adds g times the partials to the operands' adjoints.

    """

    __slots__ = ("_partials", "op", "pullback", "variant")

    pullback: Pullback

    def __init__(self, op: Op, variant: str) -> None:
        self.op = op
        self.variant = variant
        self._partials: tuple[Callable[..., Value], ...] | None = None

    def args(self, node: Value) -> tuple[Value | float, ...]:
        """Return the node's operands in order, plain numbers included."""
        if self.variant == "xy":
            return node._x, node._y
        if len(self.op.operands) == 1:
            return (node._x,)
        return (node._x, node._k) if self.variant == "x" else (node._k, node._x)

    def __deepcopy__(self, _: object) -> Rule:
        """Return the rule itself: it never changes."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a name, and for a user's operation its formulas, which must be those that it has on unpickling."""
        return rule_named, (self.op.name, self.variant, () if self.op.builtin else (self.op.value, *self.op.partials))

    @property
    def partials(self) -> tuple[Callable[..., Value], ...]:
        """For each operand that is a Value a function (node, g) -> g times the partial derivative, as a Value."""
        if self._partials is None:
            from autograd_mini.engine.codegen import (
                partial_on_values,  # ast is slow to import, and few rows are compiled
            )

            self._partials = tuple(
                partial_on_values(self.op, self.variant, wanted, NAMESPACE | self.op.names) for wanted in self.variant
            )
        return self._partials


class Compiled:
    """What a row becomes: functions on floats and on Values.

    Attributes:
        floats: the operation on floats.
        forward: the method of Value.
        reflected: the same with its two operands exchanged, for a plain number on the left.
        pullbacks: for each variant the function (node, g) that adds g times the partials to the operands' adjoints.

    """

    __slots__ = ("floats", "forward", "pullbacks", "reflected")

    def __init__(self, op: Op) -> None:
        from autograd_mini.engine.codegen import build, source, used_on_floats, variants

        used = {name: compiled(op.uses.get(name) or TABLE[name]).floats for name in used_on_floats(op)}
        made = build(op.name, source(op), NAMESPACE | {"row": op, **used})
        self.floats: Callable[..., float] = getattr(ieee, op.name) if op.primitive else made["on_floats"]
        self.forward: Callable[..., Value] = made["forward"]
        self.reflected: Callable[..., Value] | None = made.get("reflected")
        self.pullbacks: dict[str, Pullback] = {}
        for variant in variants(op):
            self.pullbacks[variant] = function = made[f"{op.name}_{variant}"]
            function.rule = rule = Rule(op, variant)
            rule.pullback = function
        if op.name not in ieee.QUICK:
            made[op.name] = self.floats  # a partial may call its own row
        for function, name in ((self.forward, op.name), (self.reflected, f"r{op.name}")):
            if function is not None:
                function.__name__ = f"__{name}__" if op.method else name
                function.__qualname__ = f"Value.{function.__name__}"
                function.__doc__ = op.doc


def compiled(op: Op) -> Compiled:
    """Return the compiled row, compiling it if this is its first use."""
    if op.compiled is None:
        op.compiled = Compiled(op)
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
    """Return the rule of a row of the table, for a pickle.

    Raises:
        LookupError: if there is no such row here, or one of other formulas.

    """
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
