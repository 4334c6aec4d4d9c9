"""What counts as a number: everything real that turns into a float without losing its meaning."""

from __future__ import annotations

from math import prod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsFloat


def number(given: SupportsFloat, name: str) -> float:
    """Return a number as a float.

    int, bool, Fraction, Decimal, NumPy scalars and arrays of one element are numbers. Text, complex numbers, None,
    larger arrays, and whatever carries a derivative of its own are not.

    Args:
        given: the number.
        name: the argument it was given for, to be named in the error.

    Raises:
        TypeError: if it is no real number.
        OverflowError: if it is an integer beyond the range of a float.

    >>> from fractions import Fraction
    >>> number(Fraction(1, 4), "data")
    0.25

    """
    if type(given) is float:
        return given
    if hasattr(given, "backward") and getattr(given, "requires_grad", True):  # a Value, or a tensor that records
        raise TypeError(
            f"{name} is a plain number; got a {type(given).__name__}, whose derivative would be lost: compute with it "
            "directly, or pass its number (x.data for a Value, x.item() for a tensor)"
        )
    shape = getattr(given, "shape", ())
    if _count(shape) != 1:
        raise TypeError(
            f"{name} is one number; got a {type(given).__name__} of shape {shape}: take its elements one by one"
        )
    reason: object = "convert it to a float first"
    if hasattr(given, "__float__") and _kind(given) in "biufO":
        try:
            return float(given.item() if shape else given)  # type: ignore[attr-defined]  # what has a shape has item()
        except OverflowError:
            raise OverflowError(f"{name} is a {type(given).__name__} beyond the largest float, 1.8e308") from None
        except (TypeError, ValueError) as error:
            reason = error
    shown = "" if shape else f" {given!r}"
    raise TypeError(f"{name} is a real number; got{shown} of type {type(given).__name__}: {reason}")


def _kind(given: object) -> str:
    """Return NumPy's code for what an array or scalar of its holds; that of objects for everything else."""
    if type(given).__name__ == "MaskedConstant":
        return "nothing"
    kind: str = getattr(getattr(given, "dtype", None), "kind", "O")
    return kind


def _count(shape: object) -> int:
    """Return how many elements an array of this shape has; 1 for no array."""
    return prod(shape) if isinstance(shape, tuple) else 1
