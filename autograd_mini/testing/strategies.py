"""Strategies: Values and whole computations for Hypothesis to draw, in a form that shrinks to a few short lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.formula import written
from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra

extra("hypothesis", "autograd_mini.testing.strategies")

from hypothesis import strategies as st  # noqa: E402 - after the message for those who lack it

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from autograd_mini.engine.ops import Interval, Op

_REACH = 4
_OFTEN = 6
_ARITHMETIC = {"add", "sub", "mul", "truediv", "pow"}


def values(
    min_value: float | None = None, max_value: float | None = None, kind: type[Value] = Value
) -> SearchStrategy[Value]:
    """Return the strategy of leaves with a finite number between two bounds, which default to none.

    Args:
        min_value: the least number.
        max_value: the largest number.
        kind: Value, or Parameter.

    >>> from hypothesis import given
    >>> @given(values(0, 1))
    ... def test_a_value_is_its_own_square_root_squared(x):
    ...     assert abs((x.sqrt() ** 2 - x).data) < 1e-15
    >>> test_a_value_is_its_own_square_root_squared()

    """
    return st.floats(min_value, max_value, allow_nan=False, allow_infinity=False).map(kind)


@dataclass(frozen=True)
class Expression:
    """A function of numbers or Values, drawn by `expressions`; its repr is its text in Python.

    Attributes:
        point: the numbers it was drawn at, one for each input; no operation is near a kink or an edge there.
        steps: the name of an operation with its operands: positions among the inputs and earlier results, or floats.

    """

    point: tuple[float, ...]
    steps: tuple[tuple[str, tuple[int | float, ...]], ...]

    def __call__(self, *inputs: Any) -> Any:
        """Return the result for other inputs: a Value if there is one among them."""
        registers = list(inputs)
        for name, operands in self.steps:
            registers.append(function(TABLE[name])(*(registers[o] if isinstance(o, int) else o for o in operands)))
        return registers[-1]

    def __repr__(self) -> str:
        """Show the expression as a function, line by line, and its point."""
        names = [f"x{i}" for i in range(len(self.point))]
        lines = [f"def f({', '.join(names)}):"]
        for name, operands in self.steps:
            texts = [names[o] if isinstance(o, int) else repr(o) for o in operands]
            names.append(f"v{len(names) - len(self.point)}")
            lines.append(f"    {names[-1]} = {written(name, texts)}")
        return "\n".join([*lines, f"    return {names[-1]}", f"# at {self.point}"])

    def _repr_pretty_(self, printer: Any, cycle: object) -> None:
        """Show the same text in the report of a failing test, where Hypothesis would write how it was drawn."""
        del cycle
        for number, line in enumerate(repr(self).splitlines()):
            if number:
                printer.break_()
            printer.text(line)


@dataclass(frozen=True)
class _Draft:
    """A step as it is drawn, without regard to the others, so that any of them may be left out: that shrinks well."""

    row: Op
    operands: tuple[int | float, ...]  # how many results to go back, or, as a float, a share of the domain


def expressions(
    operations: Sequence[str] | None = None, *, max_inputs: int = 3, max_operations: int = 12
) -> SearchStrategy[Expression]:
    """Return the strategy of functions made of operations of the table, with intermediate results used several times.

    Each is smooth around its point: an operand outside the domain of an operation is brought into it by a sine.

    Args:
        operations: the names of the operations to use; all rows of the table by default, one's own included.
        max_inputs: the most inputs.
        max_operations: the most operations drawn; those that the result does not depend on are left out, and those
            that bring an operand into a domain are added.

    >>> from hypothesis import given
    >>> from autograd_mini.testing import assert_grad
    >>> @given(expressions(["add", "mul", "sin"], max_operations=3))
    ... def test_the_engine_is_right(f):
    ...     assert_grad(f, at=f.point)

    """
    unknown = [name for name in operations or () if name not in TABLE]
    if unknown:
        raise ValueError(f"operations has {unknown[0]!r}, expected names of rows of the table: see autograd-mini ops")
    rows = [TABLE[name] for name in operations] if operations is not None else list(TABLE.values())
    rows += _OFTEN * [row for row in rows if row.name in _ARITHMETIC]
    number = st.floats(-2.5, 2.5).map(lambda x: round(x, 2))
    back = st.integers(0, _REACH)
    draft = st.builds(
        _Draft,
        st.sampled_from(rows),
        st.tuples(back, st.one_of(back, back, st.floats(0, 1).map(lambda s: round(s, 2)))),
    )
    return st.builds(
        _assembled,
        st.lists(number, min_size=1, max_size=max_inputs),
        st.lists(draft, min_size=1, max_size=max_operations),
    )


def _assembled(numbers: list[float], drafts: list[_Draft]) -> Expression:
    """Make an expression of drafts: find the operands, bring them into the domains, leave out what is not used."""
    assembly = _Assembly(list(numbers), [], len(numbers), list(range(len(numbers))))
    for draft in drafts:
        operands = [
            assembly.operand(drawn, interval) for drawn, interval in zip(draft.operands, draft.row.domain, strict=False)
        ]
        assembly.shown.append(assembly.add(draft.row.name, *operands))
    return _needed(tuple(numbers), assembly.steps)


@dataclass
class _Assembly:
    """An expression under construction: the numbers in its registers, and which of them later steps may use."""

    registers: list[float]
    steps: list[tuple[str, tuple[int | float, ...]]]
    inputs: int
    shown: list[int]

    def add(self, name: str, *operands: float) -> int:
        """Append a step; return the position of its result."""
        apply: Callable[..., float] = function(TABLE[name])
        self.steps.append((name, operands))
        self.registers.append(apply(*(self.registers[o] if isinstance(o, int) else o for o in operands)))
        return len(self.registers) - 1

    def operand(self, drawn: float, interval: Interval) -> int | float:
        """Return an operand inside an interval: a constant, an earlier result, or one brought into it."""
        low, high = interval
        if low == high:
            return float(low)
        if not isinstance(drawn, int):
            return round(low + (high - low) * (0.1 + 0.8 * drawn), 2)
        found = self.shown[-1 - drawn % len(self.shown)]
        if low <= self.registers[found] <= high:
            return found
        wave = self.add("mul", self.add("sin", found), round((high - low) * 0.4, 3))
        middle = round((low + high) / 2, 3)
        return self.add("add", wave, middle) if middle else wave


def _needed(numbers: tuple[float, ...], steps: list[tuple[str, tuple[int | float, ...]]]) -> Expression:
    """Return the expression without the inputs and steps that its result does not depend on."""
    inputs = len(numbers)
    used = {inputs + len(steps) - 1}
    for at in range(len(steps) - 1, -1, -1):
        if inputs + at in used:
            used.update(o for o in steps[at][1] if isinstance(o, int))
    kept = sorted(used)
    place = {old: new for new, old in enumerate(kept)}
    point = tuple(numbers[old] for old in kept if old < inputs)
    if not point:  # an expression of constants alone still is a function of something
        return _needed(numbers, [*steps, ("add", (inputs + len(steps) - 1, 0))])
    return Expression(
        point,
        tuple(
            (name, tuple(place[o] if isinstance(o, int) else o for o in operands))
            for old in kept
            if old >= inputs
            for name, operands in [steps[old - inputs]]
        ),
    )
