"""A gradient test: a decorator that writes, for a custom operation, the tests of its value and its derivative."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.assertions import assert_grad
from autograd_mini.testing.places import intervals

if TYPE_CHECKING:
    from collections.abc import Callable

_VALUES = 200
_ULPS = 1e-9


def gradtest(
    derivative: Callable[..., Any] | None = None,
    *,
    domain: Any,
    oracle: Callable[..., Any] | None = None,
    seed: int = 0,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives an operation ``op`` a test: ``test_op = op.test`` in a test module runs it.

    ``op.test()`` compares values with ``oracle`` (another implementation, such as mpmath's) at points over ``domain``,
    and checks ``derivative`` over ``domain``. Both raise `AssertionError` with the point that fails.

    >>> import math
    >>> @gradtest(lambda x: 2 * x, domain={"x": (-3, 3)}, oracle=lambda x: x**2)
    ... def square(x):
    ...     return x * x
    >>> square.test()
    """

    def decorate(operation: Callable[..., Any]) -> Callable[..., Any]:
        def test() -> None:
            __tracebackhide__ = True
            if oracle is not None:
                _compare(operation, oracle, domain, seed)
            assert_grad(operation, derivative, domain=domain, seed=seed)

        operation.test = test  # type: ignore[attr-defined]
        return operation

    return decorate


def _compare(operation: Callable[..., Any], oracle: Callable[..., Any], domain: Any, seed: int) -> None:
    __tracebackhide__ = True
    box, _ = intervals(operation, domain, seed)
    rng = Random(seed)
    for _ in range(_VALUES):
        point = tuple(interval.at(rng.random()) for interval in box)
        found, expected = float(operation(*point)), float(oracle(*point))
        if not math.isclose(found, expected, rel_tol=_ULPS, abs_tol=1e-300):
            name = getattr(operation, "__name__", "the operation")
            raise AssertionError(f"{name}{point} is {found!r}, and the oracle says {expected!r}")
