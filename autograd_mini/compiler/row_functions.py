"""The formulas of the table as compiled functions over an algebra: something that has a method for every operation.

A formula is evaluated on symbols to differentiate a traced graph, and on a tape's builder to write a row out in
operations that machines have. Both run the text of `codegen.over_algebra`.
"""

from __future__ import annotations

import operator

from autograd_mini.engine.codegen import build, over_algebra
from autograd_mini.engine.formula import RELATIONS, parse, scaled
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.operators import where

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from autograd_mini.engine.ops import Op
    from autograd_mini.engine.value import Value

_values: dict[Op, Callable[..., Any]] = {}
_partials: dict[tuple[Op, str], tuple[Callable[..., Any], ...]] = {}


def value(op: Op) -> Callable[..., Any]:
    """Return a row's value as a function of an algebra and the operands."""
    if op not in _values:
        written = over_algebra(parse(op.value, op.operands, own=op))
        text = f"def value(a, {', '.join(op.operands)}):\n    return {written}\n"
        _values[op] = build(f"value of {op.name}", text, {})["value"]
    return _values[op]


def partials(op: Op, variant: str) -> tuple[Callable[..., Any], ...]:
    """Return for each operand of a variant the function (node, g) -> g times the partial, on symbols."""
    if (op, variant) not in _partials:
        made: list[Callable[..., Any]] = []
        for wanted in variant:
            operand = op.operands.index(wanted)
            tree = parse(op.partials[operand], (*op.operands, "z"), own=op)
            operands = ", ".join((*op.operands, "_")[:2])
            text = (
                f"def share(node, g):\n    {operands} = (*rule_args(node), None)[:2]\n    z = node\n"
                f"    return {over_algebra(scaled(tree, 'g'))}\n"
            )
            names = {"a": SYMBOLS, "rule_args": _args}
            made.append(build(f"{op.name}_{variant}_times_d{wanted} on symbols", text, names)["share"])
        _partials[op, variant] = tuple(made)
    return _partials[op, variant]


def _args(node: Value) -> tuple[Any, ...]:
    return node._pull.rule.args(node)  # type: ignore[union-attr]  # only computed nodes are asked


class _Symbols:
    """The algebra of symbols and numbers: operations are those of Values, and a comparison may be of numbers alone."""

    where = staticmethod(where)
    all_of = staticmethod(operator.and_)
    any_of = staticmethod(operator.or_)

    def __getattr__(self, name: str) -> Any:
        relation = name in RELATIONS.values()
        made: Any = getattr(operator, name) if relation else getattr(ON_VALUES, name.removesuffix("_"))
        setattr(self, name, made)
        return made


SYMBOLS = _Symbols()
