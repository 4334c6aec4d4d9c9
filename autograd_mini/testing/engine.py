"""The engine under test: how the checker hands Values to a function, and asks the engine for its derivative."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.testing.problem import Point


def has_values(given: Any) -> bool:
    """Return whether there is a Value in a number, a list, a tuple or an array.

    >>> has_values([1.0, Value(2.0)]), has_values(1.0)
    (True, False)
    """
    if hasattr(given, "tolist"):
        given = given.tolist()
    return isinstance(given, Value) or (isinstance(given, (list, tuple)) and any(map(has_values, given)))


def as_values(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments with a fresh Value for every number in them.

    >>> as_values((1.0, [2.0]))
    (Value(data=1.0), [Value(data=2.0)])
    """
    from autograd_mini.transforms.structure import flatten

    numbers, structure = flatten(tuple(args), "at")
    built: tuple[Any, ...] = structure.build([Value(n) if not isinstance(n, Value) else n for n in numbers])
    return built


def engine_derivative(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the derivative of ``f`` by the engine, by all numbers that are passed to it, apart or in a list or array.

    No ``grad`` changes, not that of a Parameter that ``f`` uses either. Applied twice, it gives second derivatives.

    >>> engine_derivative(lambda x, y: x * y)(2.0, 3.0)
    (3.0, 2.0)
    """

    @wraps(f)
    def derivative(*args: Any) -> Any:
        from autograd_mini.transforms import jacobian

        return jacobian(f, 0 if len(args) == 1 else tuple(range(len(args))))(*args)

    return derivative


class Call:
    """A function as the checker calls it: with plain numbers, or, where it fails on these alone, with Values.

    Args:
        function: the user's function.
        enter: what makes its arguments of a point.
        on_values: whether it is given Values from the start.

    """

    def __init__(
        self, function: Callable[..., Any], enter: Callable[[Point], tuple[Any, ...]], *, on_values: bool
    ) -> None:
        self.function, self.enter, self.on_values = function, enter, on_values
        self.settled = on_values

    def __call__(self, point: Point) -> Any:
        """Return what the function returns at a point."""
        args = self.enter(point)
        if self.on_values:
            return self.function(*as_values(args))
        try:
            result = self.function(*args)
        except (TypeError, AttributeError) as error:
            if self.settled:
                raise
            try:
                result = self.function(*as_values(args))
            except Exception:  # noqa: BLE001 - whatever Values bring, what numbers brought is what to report
                raise error from None
            self.on_values = True
        self.settled = True
        return result
