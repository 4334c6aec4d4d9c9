"""NumPy's dispatch to Values: the two methods that its functions look for, which load `arrays.py` when called."""

from __future__ import annotations

from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def array_ufunc(self: Value, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - as NumPy calls it
    """Take part in a universal function: this is `Value.__array_ufunc__`."""
    from autograd_mini.engine.arrays import applied

    return applied(ufunc, method, inputs, kwargs)


def array_function(self: Value, function: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ARG001
    """Take part in another function of whole arrays: this is `Value.__array_function__`."""
    from autograd_mini.engine.arrays import whole

    return whole(function, args, kwargs)


Value.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
Value.__array_function__ = array_function  # type: ignore[attr-defined]
