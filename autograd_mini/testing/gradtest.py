"""A test of an operation: its values against those of an oracle, and its derivatives, over its domain."""

from __future__ import annotations

import inspect
import math
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.ops import Op
from autograd_mini.testing.adapters import Call
from autograd_mini.testing.domain import intervals
from autograd_mini.testing.gradcheck import assert_grad, assert_hess
from autograd_mini.testing.libraries import leaves

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from autograd_mini.engine.checks import Function

    class Tested(Protocol):
        """An operation with its test."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Return the result of the operation."""

        def test(self) -> None:
            """Run the test."""


_VALUES = 200
"""Points at which `gradtest` compares values with an oracle."""
_AGREEMENT = 1e-9
"""Relative difference up to which they agree."""


def gradtest(
    derivative: Function | None = None,
    *,
    domain: Any = None,
    oracle: Function | None = None,
    order: int | None = None,
    seed: int = 0,
) -> Callable[[Callable[..., Any]], Tested]:
    """Return a decorator that gives an operation ``op`` a test: ``test_op = op.test`` in a test module runs it.

    The operation is a function of numbers with a ``derivative``, a function on Values, or what `operation` returned. A
    failing test raises `AssertionError` with the point that fails.

    Args:
        derivative: the derivative; None for the engine's.
        domain: where to check: see `check_grad`. By default, of an operation of the table, what it was defined with.
        oracle: another implementation, such as mpmath's, to compare the values with at points over the domain.
        order: 1 to leave out the second derivative, which is checked where both are the engine's.
        seed: what draws the points.

    >>> import math
    >>> @gradtest(lambda x: 2 * x, domain={"x": (-3, 3)}, oracle=lambda x: x**2)
    ... def square(x):
    ...     return x * x
    >>> square.test()
    >>> from autograd_mini import operation
    >>> cube = gradtest(oracle=lambda x: x**3)(operation("cube", "x * x * x", "3 * x * x"))
    >>> cube.test()

    """
    if order not in (None, 1, 2):
        raise ValueError(f"order is {order!r}, expected 1 or 2")
    if order == 2 and derivative is not None:
        raise ValueError("order is 2 beside a derivative, expected 1: use assert_hess with the second derivative")

    def decorate(operation: Any) -> Any:
        over = own_domain(operation) if domain is None else domain

        def test() -> None:
            __tracebackhide__ = True
            if oracle is not None:
                _compare(operation, oracle, over, seed)
            if derivative is not None or order == 1:
                assert_grad(operation, derivative, domain=over, seed=seed)
            else:
                assert_hess(operation, domain=over, seed=seed)

        operation.test = test
        return operation

    return decorate


def own_domain(operation: Callable[..., Any]) -> Any:
    """Return the domain that an operation of the table was defined with."""
    row = inspect.getclosurevars(operation).nonlocals.get("row") if inspect.isfunction(operation) else None
    if not isinstance(row, Op):
        raise TypeError(
            "domain is missing, expected an interval for each input, by name or in a list: gradtest(domain=...)"
        )
    return list(row.domain)


def _compare(operation: Callable[..., Any], oracle: Callable[..., Any], domain: Any, seed: int) -> None:
    __tracebackhide__ = True
    box, _ = intervals(operation, domain, seed)
    rng = Random(seed)
    value = Call(operation, tuple)
    for _ in range(_VALUES):
        point = tuple(interval.at(rng.random()) for interval in box)
        (found,) = leaves(value(point), "the operation")
        (expected,) = leaves(oracle(*point), "the oracle")
        if not math.isclose(found, expected, rel_tol=_AGREEMENT, abs_tol=1e-300):
            name = getattr(operation, "__name__", "the operation")
            raise AssertionError(f"{name}{point} is {found!r}, and the oracle says {expected!r}")
