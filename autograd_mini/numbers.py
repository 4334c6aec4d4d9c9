"""What counts as a number: everything real that turns into a float without losing its meaning."""

from __future__ import annotations

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
    kind = type(given).__name__
    if isinstance(given, float):
        return float(given)
    if isinstance(given, int):
        try:
            return float(given)
        except OverflowError:
            raise OverflowError(f"{name} is an integer of {given.bit_length()} bits, too large for a float") from None
    if hasattr(given, "backward"):
        raise TypeError(
            f"{name} is a plain number; got a {kind}, whose derivative would be lost: compute with it directly, or "
            "pass its number (x.data for a Value, x.item() for a tensor)"
        )
    if hasattr(given, "item") and hasattr(given, "ndim"):  # a NumPy scalar or an array
        try:
            element = given.item()
        except (ValueError, TypeError, RuntimeError):
            shape = getattr(given, "shape", "?")
            raise TypeError(
                f"{name} is one number; got a {kind} of shape {shape}: take its elements one by one"
            ) from None
        if type(element) is not type(given):
            return number(element, name)
    if hasattr(given, "__float__") and not isinstance(given, (str, bytes, bytearray)):
        try:
            return float(given)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} is a real number; got {given!r} of type {kind}: {error}") from None
    raise TypeError(f"{name} is a real number; got {given!r} of type {kind}: convert it to a float first")
