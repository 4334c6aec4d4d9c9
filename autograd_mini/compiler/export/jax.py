"""A compiled function inside of a JAX program."""

from __future__ import annotations

from functools import cache, partial

from autograd_mini.compiler.export.embedded import UNDECIDED, Embedded
from autograd_mini.errors import TracingError
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.compiled_function import Compiled
    from autograd_mini.compiler.export.rows import RowFunction


def jax_function(compiled: Compiled) -> Embedded:
    """Return a compiled function on JAX's arrays: what `Compiled.jax` returns, which says more."""
    return Embedded(compiled, _Arrays(_jax()))


def _jax() -> Any:
    return extra("jax", "fast.jax()")


class _Arrays:
    """JAX as a `Library`."""

    def __init__(self, jax: Any) -> None:
        self.numpy, self._symbol = jax.numpy, jax.core.Tracer

    def table(self, found: Sequence[Any]) -> list[Any]:
        """Return arrays of one dtype, a floating one."""
        jnp = self.numpy
        kinds = [one.dtype for one in found if hasattr(one, "dtype") and jnp.issubdtype(one.dtype, jnp.floating)]
        kind = jnp.result_type(*(kinds or [float]))
        return [jnp.asarray(one, dtype=kind) for one in found]

    def moved(self, array: Any, axis: int) -> Any:
        """Return an array with an axis first."""
        return self.numpy.moveaxis(array, axis, 0)

    def join(self, parts: Sequence[Any], axis: int) -> Any:
        """Return arrays behind each other along an axis."""
        return self.numpy.concatenate([*parts], axis)

    def apply(self, function: RowFunction, rows: Any, shared: Any) -> Any:
        """Return the table of results; a TypeError for forward mode, which JAX cannot derive from a pullback."""
        try:
            return _operation()(function, rows, shared)[0]
        except TypeError as error:
            if "forward-mode" not in str(error):
                raise
            raise TypeError(
                "fast.jax() is in jvp, jacfwd or hessian, expected reverse mode: jax.jacrev(jax.grad(f)) is the Hessian"
            ) from error

    def numbers(self, array: Any) -> Any:
        """Return the numbers of an array for NumPy."""
        if isinstance(array, self._symbol):
            raise TracingError(UNDECIDED.format(library="JAX", does="traces"))
        return array


@cache
def _operation() -> Any:
    """Return the operation that JAX differentiates, made where JAX is first used."""
    jax = _jax()
    jnp = jax.numpy

    @partial(jax.custom_vjp, nondiff_argnums=(0,))
    def operation(function: RowFunction, rows: Any, shared: Any) -> Any:
        shapes = (
            jax.ShapeDtypeStruct((rows.shape[0], function.results), rows.dtype),
            jax.ShapeDtypeStruct((function.sums,), rows.dtype),
        )
        method = "broadcast_all" if function.alone else "sequential"
        return jax.pure_callback(partial(_run, function, rows.dtype), shapes, rows, shared, vmap_method=method)

    def forward(function: RowFunction, rows: Any, shared: Any) -> Any:
        return operation(function, rows, shared), (rows, shared)

    def backward(function: RowFunction, kept: Any, seeds: Any) -> Any:
        rows, shared = kept
        return operation(function.pullback, jnp.concatenate([seeds[0], rows], 1), jnp.concatenate([seeds[1], shared]))

    operation.defvjp(forward, backward)
    return operation


def _run(function: RowFunction, kind: Any, rows: Any, shared: Any) -> Any:
    """Run the tape; where nothing is shared, on the rows of every example of a vmap at once."""
    import numpy as np

    rows, shared = (np.asarray(one, dtype=np.float64) for one in (rows, shared))
    outer = rows.shape[:-2]
    table, sums = function(rows.reshape(-1, rows.shape[-1]), shared[(0,) * len(outer)])
    return (
        table.reshape(*outer, rows.shape[-2], function.results).astype(kind),
        np.broadcast_to(sums, (*outer, function.sums)).astype(kind),
    )
