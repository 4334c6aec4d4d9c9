"""A signature: which arguments a function takes, as far as it says.

>>> arity(lambda x, y, n=2: x * y**n)
2
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def parameters(f: object) -> list[inspect.Parameter]:
    """Return the parameters of ``f`` that can be given by position; none for a builtin without a signature."""
    try:
        signature = inspect.signature(f)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in signature.parameters.values() if p.kind in kinds]


def arity(f: object) -> int:
    """Return how many numbers ``f`` must be given by position; 0 if it does not say."""
    return sum(p.default is inspect.Parameter.empty for p in parameters(f))


def takes(f: object, count: int) -> bool:
    """Return whether ``f`` takes ``count`` numbers apart, rather than one sequence of them."""
    return count == 1 or arity(f) != 1 or len(parameters(f)) >= count


def names_of(f: object, count: int) -> list[str]:
    """Return a name for each of some arguments: the parameters' own, or ``x``, or ``x0``, ``x1``, ..."""
    named = [p.name for p in parameters(f)]
    return named[:count] if len(named) >= count else ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def works(f: Callable[..., Any], argument: Any) -> bool:
    """Return whether ``f`` takes an argument of such a kind, whatever else it raises."""
    try:
        f(argument)
    except (TypeError, AttributeError, LookupError):
        return False
    except Exception:  # noqa: BLE001 - of the numbers in it, which is for the check to report
        return True
    return True
