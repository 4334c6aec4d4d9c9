"""Operations of one's own: a new row of the table."""

from __future__ import annotations

from keyword import iskeyword

from autograd_mini.engine.functions import ON_VALUES, function
from autograd_mini.engine.ops import TABLE, Op
from autograd_mini.errors import FormulaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def operation(
    name: str,
    value: str,
    *partials: str,
    domain: tuple[tuple[float, float], ...] = (),
    symbol: str = "",
    doc: str = "",
) -> Any:
    """Add an operation to the table and return it as a function of Values and numbers.

        >>> from autograd_mini import Value
        >>> cube = operation("cube", "x * x * x", "3 * x * x")
        >>> x = Value(2.0)
        >>> cube(x).backward()
        >>> x.grad
        12.0

    Defining an operation again replaces it, for graphs made from then on.

    Args:
        name: its name, for formulas, pictures and messages.
        value: the formula of the result, in the operands x and y.
        partials: one formula an operand, in x, y and the result z; see `ops.py` for what a formula may use.
        domain: for each operand an interval on which the operation is smooth, for tests.
        symbol: how pictures show it; the name if not given.
        doc: one sentence for readers.

    Raises:
        FormulaError: if a formula does not parse or names something unknown, or the number of partials is wrong.
        ValueError: if the name is taken by a built-in operation or is no identifier.

    """
    from autograd_mini.engine.codegen import used_on_floats
    from autograd_mini.engine.formula import names_in, parse

    if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
        raise ValueError(f"name is an identifier such as 'cube'; got {name!r}")
    if name in {"where", "x", "y", "z"} or (name in TABLE and TABLE[name].builtin):
        raise ValueError(f"name {name!r} is taken by the package; choose another")
    if not 1 <= len(partials) <= 2:
        raise FormulaError(f"{name} has {len(partials)} partials; an operation has one for each operand: x, or x and y")
    row = Op(name, value, partials, domain=domain, symbol=symbol, doc=doc, builtin=False)
    used = names_in(parse(value, ("x", "y")))
    if used != set(row.operands):
        raise FormulaError(
            f"the formula {value!r} of {name} uses the operands {sorted(used)}, but {len(partials)} partial(s) were "
            f"given, for {list(row.operands)}: give one partial for each operand, in order"
        )
    for partial in partials:
        parse(partial, (*row.operands, "z"), own=row)
    if len(row.domain) != len(row.operands):
        raise ValueError(f"domain has one (low, high) an operand; got {domain!r} for {list(row.operands)}")
    made = function(row)
    row.uses = {used: TABLE[used] for used in used_on_floats(row) if not TABLE[used].builtin}
    row.names = {"on_values": _Definition({name: made} | {used: function(TABLE[used]) for used in row.uses})}
    TABLE[name] = row
    setattr(ON_VALUES, name, made)
    return made


class _Definition:
    """The operations by name, as they were when a new one was defined: it keeps them if one is defined again."""

    def __init__(self, own: dict[str, Any]) -> None:
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(ON_VALUES, name)
