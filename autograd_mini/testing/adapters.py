"""An adapter: how a function and its derivative, of numbers, lists, Values or arrays, become a `Problem`."""

from __future__ import annotations

import inspect
import math
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.checks import check_function
from autograd_mini.engine.pytree import holds_values
from autograd_mini.testing.arguments import as_values
from autograd_mini.testing.claims import Claims
from autograd_mini.testing.libraries import leaves
from autograd_mini.testing.problem import MOST_REMEMBERED, MOST_TOGETHER, Problem, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from autograd_mini.testing.arguments import Arguments
    from autograd_mini.testing.problem import Point


_RESIDUE = 2.0**14
"""Rounding errors up to which a result in a batch is the same as alone, beside half of its digits."""


def require_arguments(name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Raise TypeError if a function cannot be called with as many arguments as a point or a domain gives."""
    with suppress(ValueError):  # a builtin without a signature
        signature = inspect.signature(function)
        try:
            signature.bind(*args)
        except TypeError as error:
            raise TypeError(
                f"{name} is a function of {signature}, expected one of {len(args)} argument{'s' * (len(args) != 1)} "
                f"({error}): give each one a number, a list or an array, in a tuple or in a dict by name"
            ) from None


class Call:
    """A function as the checker calls it: with plain numbers, or, where it fails on these alone, with Values.

    Args:
        function: the user's function.
        enter: what makes its arguments of a point.
        values: what makes them of Values.
        on_values: whether it is given Values from the start.

    """

    def __init__(
        self,
        function: Callable[..., Any],
        enter: Callable[[Point], tuple[Any, ...]],
        values: Callable[[Point], tuple[Any, ...]] = as_values,
        *,
        on_values: bool = False,
    ) -> None:
        self.function, self.enter, self.values, self.on_values = function, enter, values, on_values
        self.settled = on_values

    def __call__(self, point: Point) -> Any:
        """Return what the function returns at a point."""
        if self.on_values:
            return self.function(*self.values(point))
        try:
            result = self.function(*self.enter(point))
        except (TypeError, AttributeError) as error:
            if self.settled:
                raise
            try:
                result = self.function(*self.values(point))
            except Exception:  # noqa: BLE001 - whatever Values bring, what numbers brought is what to report
                raise error from None
            self.on_values = True
        self.settled = True
        return result


class BatchedCall:
    """A function as the checker calls it that takes the points of a batch along the first axis of its arguments.

    Args:
        name: what the function is called in messages.
        function: the user's function.
        arguments: what makes its arguments of points.

    """

    def __init__(self, name: str, function: Callable[..., Any], arguments: Arguments) -> None:
        self.name, self.function, self.arguments = name, function, arguments
        self.alone: tuple[Point, Any] | None = None
        self.compared = False

    def __call__(self, point: Point) -> Any:
        """Return what the function returns at a point in a batch of one."""
        result = self._results([point])[0]
        self.alone = self.alone or (point, result)
        return result

    def together(self, points: Sequence[Point]) -> list[Any]:
        """Return what the function returns at each of some points; the first batch repeats a point to compare it."""
        if self.compared or self.alone is None:
            return self._results(points)
        *results, again = self._results([*points, self.alone[0]])
        self.compared = True
        before, after = (leaves(result, self.name, 2) for result in (self.alone[1], again))
        largest = max((abs(n) for n in before if math.isfinite(n)), default=0.0)
        slack = math.sqrt(self.arguments.eps) * largest + _RESIDUE * self.arguments.eps
        if any(abs(u - v) > slack for u, v in zip(before, after, strict=True)):
            raise ShapeError(
                f"{self.name} returned other numbers for a point in a batch of {len(points) + 1} than for it alone, "
                "expected each point to be computed for itself"
            )
        return results

    def _results(self, points: Sequence[Point]) -> list[Any]:
        return self._apart(self.function(*self.arguments.together(points)), len(points))

    def _apart(self, result: Any, count: int) -> list[Any]:
        """Return the result of a batch as one for each point, with the first axis of every array in it gone."""
        if isinstance(result, dict):
            rows = zip(*(self._apart(part, count) for part in result.values()), strict=True)
            return [dict(zip(result, row, strict=True)) for row in rows]
        if isinstance(result, (list, tuple)) and any(getattr(part, "shape", ()) for part in result):
            return [*zip(*(self._apart(part, count) for part in result), strict=True)]
        array = result.detach() if hasattr(result, "detach") else sys.modules["numpy"].asarray(result)
        if not array.ndim or len(array) != count:
            raise ShapeError(
                f"{self.name} returned an array of shape {tuple(array.shape)} for a batch of {count} "
                f"point{'s' * (count != 1)}, expected {count} as its first dimension"
            )
        return [*array]


def adapt(
    f: Callable[..., Any], df: Callable[..., Any] | None, arguments: Arguments, batched: Collection[str] = ()
) -> Problem:
    """Return the problem of ``f`` and ``df`` for such arguments; ``batched`` names those that take batches."""
    by_engine, by_hand = df is None and arguments.library is None, df
    if by_engine and batched:
        raise ValueError("batched is given without df, expected the derivative too: Values come one by one")
    if batched and any(leaf.labels for leaf in arguments.leaves):
        raise TypeError("batched is given for data of pandas, expected arrays: pass its values, and f one of them")
    if df is None:
        df, batched = arguments.differentiate(arguments.alone(f) if "f" in batched else f), {*batched} - {"df"}
    for name, given in (("f", f), ("df", df)):
        check_function(name, given)
        require_arguments(name, given, arguments.example)
    on_values = by_engine or holds_values(arguments.example)
    value, derivative = (
        BatchedCall(name, function, arguments)
        if name in batched
        else Call(function, arguments.of, arguments.values, on_values=on_values and name == "f")
        for name, function in (("f", f), ("df", df))
    )
    claims = Claims(arguments)

    def numbers(at: Point, result: Any) -> Sequence[float]:
        values = leaves(result, "f", arguments.complex)
        if not values:
            raise ShapeError("f returned no number, expected one or several")
        if len(values) != (problem.outputs or len(values)):
            raise ShapeError(f"f returned {len(values)} numbers at {at}, expected {problem.outputs} as elsewhere")
        if not problem.outputs:
            claims.expect(result, values)
            problem.df.most_known = max(32, MOST_REMEMBERED // (len(values) * len(arguments.names)))
            problem.df.most_together = max(1, MOST_TOGETHER // (len(values) * len(arguments.names)))
        problem.outputs = len(values)
        return values

    problem = Problem(lambda at: numbers(at, value(at)), lambda at: claims.rows(derivative(at)), arguments.names)
    problem.f.most_together = max(1, MOST_TOGETHER // len(arguments.names))
    if isinstance(value, BatchedCall):
        problem.f.together = lambda points: [*map(numbers, points, value.together(points))]
    if isinstance(derivative, BatchedCall):
        problem.df.together = lambda points: [*map(claims.rows, derivative.together(points))]
    if "df" not in batched:
        problem.derivative = by_hand
        problem.claimed_by = lambda other, at: claims.rows(Call(other, arguments.of, arguments.values)(at))
    problem.eps, problem.grid, problem.claims = arguments.eps, arguments.grid, claims
    if by_engine:
        refuse_without_values(problem, arguments.numbers)
    return problem


def refuse_without_values(problem: Problem, point: Point) -> None:
    """Raise TypeError if ``f`` does not compute with Values, so that the engine cannot differentiate it."""
    with suppress(ShapeError):  # which is for the check to report
        problem.value(point)
    for fault in problem.f.faults:
        if isinstance(fault.error, (TypeError, AttributeError)):
            raise TypeError(
                f"df is missing, and f does not compute with Values ({fault}), expected one or the other: pass the "
                "derivative to check, check_grad(f, df), or compute in f with the functions of autograd_mini"
            ) from fault.error
