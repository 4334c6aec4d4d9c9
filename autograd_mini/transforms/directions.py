"""Derivatives in given directions: a Jacobian times a vector, forward, and a vector times a Jacobian, backward."""

from __future__ import annotations

from autograd_mini.engine.value import Value
from autograd_mini.transforms.structure import matching
from autograd_mini.transforms.tracing import Run, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f and its derivative in one direction: the Jacobian times a vector, by one forward pass.

    Args:
        f: a function that returns a number or a structure of numbers.
        primals: the arguments, as a list or tuple.
        tangents: how fast each of them moves, in the same structure.

    Returns:
        the result of f and the tangent of the result, in the structure of the result.

    Raises:
        TypeError: if an argument, a tangent or the result has something in it that is no number.
        ValueError: if the tangents have another structure than the arguments.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)

    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{name} is a list or tuple with one item an argument; got a {type(given).__name__}")
    with Run(f, primals, {}, tuple(range(len(primals)))) as run:
        directions = matching(run.structure, tuple(tangents), "tangents", "primals")
        run.joined_by(directions)
        outputs, structure = run.outputs()
        values = run.finished([y if run.on_values else plain(y) for y in outputs])
        return structure.build(values), structure.build(run.finished(run.forward(outputs, directions)))


def vjp(f: Callable[..., Any], *primals: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return f and its pullback: a vector times the Jacobian, one reverse pass for each vector.

    Args:
        f: a function that returns a number or a structure of numbers.
        primals: its arguments.
        kwargs: its keyword arguments, which are not differentiated.

    Returns:
        the result of f, and a function `pull(cotangent)`. That takes the gradient of some scalar with respect to the
        result, in the structure of the result, and returns the gradients with respect to the arguments, as a tuple.

    Raises:
        TypeError: if an argument or the result has something in it that is no number.
        ValueError: from `pull`, if the cotangent has another structure than the result.

    >>> out, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> out, pull([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))

    """
    with Run(f, primals, kwargs, tuple(range(len(primals)))) as run:
        outputs, structure = run.outputs()
        result = structure.build(run.finished([y if run.on_values else plain(y) for y in outputs]))

    def pull(cotangent: Any) -> tuple[Any, ...]:
        weights = matching(structure, cotangent, "the cotangent", "the result")
        with run.resumed(weights) as again:
            total: Value | float = 0.0
            for y, weight in zip(outputs, weights, strict=True):
                if isinstance(y, Value) and (isinstance(weight, Value) or weight != 0.0):
                    total = y * weight + total
            slopes: tuple[Any, ...] = again.structure.build(again.finished(again.reverse(total)))
        return slopes

    return result, pull
