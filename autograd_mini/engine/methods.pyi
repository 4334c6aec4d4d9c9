"""What the table of operations gives, for type checkers and editors: the methods of Value, and the functions.

Written by `python tests/stubs.py`: change the table, `ops.py`, and run that. There is no code behind this file, since
`operators.py` makes the methods and `functions.py` the functions.
"""

from typing import TypeVar, overload

from autograd_mini.engine.value import Value

Scalar = TypeVar("Scalar", Value, float, Value | float)
"""A type that a function keeps: a Value for a Value, a float for a number."""

__all__: list[str] = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "clamp_max",
    "clamp_min",
    "cos",
    "cosh",
    "elu",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "gaussian",
    "gelu",
    "heaviside",
    "hypot",
    "leaky_relu",
    "log",
    "log10",
    "log1p",
    "log2",
    "maximum",
    "minimum",
    "ndtr",
    "relu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
]

class Methods:
    def __lt__(self, other: Value | float) -> bool:
        """Whether the number is less than the other."""
    def __le__(self, other: Value | float) -> bool:
        """Whether the number is at most the other."""
    def __gt__(self, other: Value | float) -> bool:
        """Whether the number is greater than the other."""
    def __ge__(self, other: Value | float) -> bool:
        """Whether the number is at least the other."""
    def __add__(self, other: Value | float) -> Value:
        """The sum x + y.

        Value: x + y. Partial derivatives: 1.0; 1.0.
        """
    def __radd__(self, other: float) -> Value:
        """The sum x + y.

        Value: x + y. Partial derivatives: 1.0; 1.0.
        """
    def __sub__(self, other: Value | float) -> Value:
        """The difference x - y.

        Value: x - y. Partial derivatives: 1.0; -1.0.
        """
    def __rsub__(self, other: float) -> Value:
        """The difference x - y.

        Value: x - y. Partial derivatives: 1.0; -1.0.
        """
    def __mul__(self, other: Value | float) -> Value:
        """The product x y.

        Value: x * y. Partial derivatives: y; x.
        """
    def __rmul__(self, other: float) -> Value:
        """The product x y.

        Value: x * y. Partial derivatives: y; x.
        """
    def __truediv__(self, other: Value | float) -> Value:
        """The quotient x / y.

        Value: x / y. Partial derivatives: 1.0 / y; -z / y.
        """
    def __rtruediv__(self, other: float) -> Value:
        """The quotient x / y.

        Value: x / y. Partial derivatives: 1.0 / y; -z / y.
        """
    def __pow__(self, other: Value | float) -> Value:
        """The power x ** y; nan, never complex, for x < 0 and fractional y.

        Value: x ** y. Partial derivatives: where((y - 1.0) + 1.0 != y and 0.0 < abs(z) and abs(z) < 1e308, y * (z / x), where(z == z, where(x == 0.0 and y == 0.0, 0.0, y * x ** (y - 1.0)), z)); where(x == 0.0 and y >= 0.0, 0.0, z * log(x)).
        """
    def __rpow__(self, other: float) -> Value:
        """The power x ** y; nan, never complex, for x < 0 and fractional y.

        Value: x ** y. Partial derivatives: where((y - 1.0) + 1.0 != y and 0.0 < abs(z) and abs(z) < 1e308, y * (z / x), where(z == z, where(x == 0.0 and y == 0.0, 0.0, y * x ** (y - 1.0)), z)); where(x == 0.0 and y >= 0.0, 0.0, z * log(x)).
        """
    def __mod__(self, other: Value | float) -> Value:
        """The remainder of x / y with the sign of y, as Python has it.

        Value: x % y. Partial derivatives: where(z == z, 1.0, z); where(z == z, -(x // y), z).
        """
    def __rmod__(self, other: float) -> Value:
        """The remainder of x / y with the sign of y, as Python has it.

        Value: x % y. Partial derivatives: where(z == z, 1.0, z); where(z == z, -(x // y), z).
        """
    def __floordiv__(self, other: Value | float) -> Value:
        """The quotient x / y rounded down; its derivative is 0.

        Value: x // y. Partial derivatives: where(z == z, 0.0, z); where(z == z, 0.0, z).
        """
    def __rfloordiv__(self, other: float) -> Value:
        """The quotient x / y rounded down; its derivative is 0.

        Value: x // y. Partial derivatives: where(z == z, 0.0, z); where(z == z, 0.0, z).
        """
    def __neg__(self) -> Value:
        """The negative of x.

        Value: -x. Partial derivatives: -1.0.
        """
    def neg(self) -> Value:
        """The negative of x.

        Value: -x. Partial derivatives: -1.0.
        """
    def __abs__(self) -> Value:
        """The absolute value; derivative 0 at 0.

        Value: abs(x). Partial derivatives: sign(x).
        """
    def abs(self) -> Value:
        """The absolute value; derivative 0 at 0.

        Value: abs(x). Partial derivatives: sign(x).
        """
    def exp(self) -> Value:
        """e to the power x.

        Value: exp(x). Partial derivatives: z.
        """
    def expm1(self) -> Value:
        """exp(x) - 1, accurate near 0.

        Value: expm1(x). Partial derivatives: exp(x).
        """
    def log(self) -> Value:
        """The natural logarithm.

        Value: log(x). Partial derivatives: where(x >= 0.0, 1.0 / x, z).
        """
    def log1p(self) -> Value:
        """log(1 + x), accurate near 0.

        Value: log1p(x). Partial derivatives: where(x >= -1.0, 1.0 / (1.0 + x), z).
        """
    def log2(self) -> Value:
        """The logarithm to base 2.

        Value: log2(x). Partial derivatives: where(x >= 0.0, 1.4426950408889634 / x, z).
        """
    def log10(self) -> Value:
        """The logarithm to base 10.

        Value: log10(x). Partial derivatives: where(x >= 0.0, 0.4342944819032518 / x, z).
        """
    def sqrt(self) -> Value:
        """The square root; nan below 0.

        Value: sqrt(x). Partial derivatives: 0.5 / z.
        """
    def cbrt(self) -> Value:
        """The real cube root.

        Value: cbrt(x). Partial derivatives: 1.0 / (3.0 * z * z).
        """
    def sin(self) -> Value:
        """The sine of x radians.

        Value: sin(x). Partial derivatives: cos(x).
        """
    def cos(self) -> Value:
        """The cosine of x radians.

        Value: cos(x). Partial derivatives: -sin(x).
        """
    def tan(self) -> Value:
        """The tangent of x radians.

        Value: tan(x). Partial derivatives: 1.0 + z * z.
        """
    def asin(self) -> Value:
        """The angle whose sine is x.

        Value: asin(x). Partial derivatives: 1.0 / sqrt((1.0 - x) * (1.0 + x)).
        """
    def acos(self) -> Value:
        """The angle whose cosine is x.

        Value: acos(x). Partial derivatives: -1.0 / sqrt((1.0 - x) * (1.0 + x)).
        """
    def atan(self) -> Value:
        """The angle whose tangent is x.

        Value: atan(x). Partial derivatives: where(abs(x) < 1e150, 1.0 / (1.0 + x * x), 1.0 / x / x).
        """
    def atan2(self, y: Value | float) -> Value:
        """The angle of the point with height x and width y.

        Value: atan2(x, y). Partial derivatives: where(hypot(x, y) == 0.0, 0.0, y / hypot(x, y) / hypot(x, y)); where(hypot(x, y) == 0.0, 0.0, -x / hypot(x, y) / hypot(x, y)).
        """
    def sinh(self) -> Value:
        """The hyperbolic sine.

        Value: sinh(x). Partial derivatives: cosh(x).
        """
    def cosh(self) -> Value:
        """The hyperbolic cosine.

        Value: cosh(x). Partial derivatives: sinh(x).
        """
    def tanh(self) -> Value:
        """The hyperbolic tangent.

        Value: tanh(x). Partial derivatives: where(x > 0.0, 4.0 * exp(-2.0 * x) / (1.0 + exp(-2.0 * x)) ** 2.0, 4.0 * exp(2.0 * x) / (1.0 + exp(2.0 * x)) ** 2.0).
        """
    def asinh(self) -> Value:
        """The inverse of sinh.

        Value: asinh(x). Partial derivatives: 1.0 / hypot(x, 1.0).
        """
    def acosh(self) -> Value:
        """The inverse of cosh.

        Value: acosh(x). Partial derivatives: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)).
        """
    def atanh(self) -> Value:
        """The inverse of tanh.

        Value: atanh(x). Partial derivatives: where(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x)), z).
        """
    def hypot(self, y: Value | float) -> Value:
        """The length of the vector (x, y), without overflow on the way.

        Value: hypot(x, y). Partial derivatives: where(z == 0.0, 0.0, x / z); where(z == 0.0, 0.0, y / z).
        """
    def gaussian(self, y: Value | float = 0.5) -> Value:
        """The bell exp(-y x**2), y = 1/2 by default.

        Value: where(abs(x) < 64.0, exp(-y * (floor(x * 1024.0) / 1024.0) ** 2.0) * exp(-y * (x - (floor(x * 1024.0) / 1024.0)) * (x + (floor(x * 1024.0) / 1024.0))), exp(-y * x * x)). Partial derivatives: where(z == 0.0, 0.0, -2.0 * y * x * z); where(z == 0.0, 0.0, -x * x * z).
        """
    def erf(self) -> Value:
        """The error function.

        Value: erf(x). Partial derivatives: 1.1283791670955126 * gaussian(x, 1.0).
        """
    def erfc(self) -> Value:
        """1 - erf(x), accurate for large x.

        Value: erfc(x). Partial derivatives: -1.1283791670955126 * gaussian(x, 1.0).
        """
    def ndtr(self) -> Value:
        """The distribution function of the standard normal.

        Value: ndtr(x). Partial derivatives: 0.3989422804014327 * gaussian(x, 0.5).
        """
    def sigmoid(self) -> Value:
        """The logistic function 1 / (1 + exp(-x)).

        Value: where(x >= 0.0, 1.0 / (1.0 + exp(-x)), exp(x) / (1.0 + exp(x))). Partial derivatives: z * sigmoid(-x).
        """
    def softplus(self) -> Value:
        """log(1 + exp(x)) without overflow.

        Value: maximum(x, 0.0) + log1p(exp(-abs(x))). Partial derivatives: sigmoid(x).
        """
    def relu(self) -> Value:
        """The positive part of x; derivative 0 at 0.

        Value: where(x <= 0.0, 0.0, x). Partial derivatives: where(x > 0.0, 1.0, where(x <= 0.0, 0.0, x)).
        """
    def leaky_relu(self, y: Value | float = 0.01) -> Value:
        """x above 0, y x below; y = 0.01 by default.

        Value: where(x > 0.0, x, y * x). Partial derivatives: where(x > 0.0, 1.0, where(x <= 0.0, y, x)); where(x > 0.0, 0.0, x).
        """
    def elu(self, y: Value | float = 1.0) -> Value:
        """x above 0, y (exp(x) - 1) below; y = 1 by default (Clevert et al. 2015).

        Value: where(x > 0.0, x, y * expm1(x)). Partial derivatives: where(x > 0.0, 1.0, y * exp(x)); where(x > 0.0, 0.0, expm1(x)).
        """
    def gelu(self) -> Value:
        """x times the normal distribution function of x (Hendrycks and Gimpel 2016).

        Value: where(x < -64.0, -0.0, x * ndtr(x)). Partial derivatives: where(abs(x) > 64.0, heaviside(x), ndtr(x) + x * (0.3989422804014327 * gaussian(x, 0.5))).
        """
    def silu(self) -> Value:
        """x sigmoid(x), also called swish (Elfwing et al. 2017).

        Value: where(x < -1000.0, -0.0, x * sigmoid(x)). Partial derivatives: where(abs(x) > 1000.0, heaviside(x), sigmoid(x) * (1.0 + x * sigmoid(-x))).
        """
    def maximum(self, y: Value | float) -> Value:
        """The larger of x and y; a tie shares the derivative equally.

        Value: where(x > y, x, where(y >= x, y, x + y)). Partial derivatives: where(x > y, 1.0, where(x < y, 0.0, where(x == y, 0.5, x + y))); where(x < y, 1.0, where(x > y, 0.0, where(x == y, 0.5, x + y))).
        """
    def minimum(self, y: Value | float) -> Value:
        """The smaller of x and y; a tie shares the derivative equally.

        Value: where(x < y, x, where(y <= x, y, x + y)). Partial derivatives: where(x < y, 1.0, where(x > y, 0.0, where(x == y, 0.5, x + y))); where(x > y, 1.0, where(x < y, 0.0, where(x == y, 0.5, x + y))).
        """
    def clamp_min(self, y: Value | float) -> Value:
        """x, but at least y; at the edge the derivative goes to x.

        Value: where(x >= y, x, where(x < y, y, x + y)). Partial derivatives: where(x >= y, 1.0, where(x < y, 0.0, x + y)); where(x >= y, 0.0, where(x < y, 1.0, x + y)).
        """
    def clamp_max(self, y: Value | float) -> Value:
        """x, but at most y; at the edge the derivative goes to x.

        Value: where(x <= y, x, where(x > y, y, x + y)). Partial derivatives: where(x <= y, 1.0, where(x > y, 0.0, x + y)); where(x <= y, 0.0, where(x > y, 1.0, x + y)).
        """
    def sign(self) -> Value:
        """-1, 0 or 1; its derivative is 0.

        Value: where(x > 0.0, 1.0, where(x < 0.0, -1.0, x)). Partial derivatives: where(z == z, 0.0, z).
        """
    def heaviside(self) -> Value:
        """1 above 0, else 0; its derivative is 0.

        Value: where(x > 0.0, 1.0, where(x <= 0.0, 0.0, x)). Partial derivatives: where(z == z, 0.0, z).
        """
    def __floor__(self) -> Value:
        """x rounded down; its derivative is 0.

        Value: floor(x). Partial derivatives: where(z == z, 0.0, z).
        """
    def floor(self) -> Value:
        """x rounded down; its derivative is 0.

        Value: floor(x). Partial derivatives: where(z == z, 0.0, z).
        """
    def __ceil__(self) -> Value:
        """x rounded up; its derivative is 0.

        Value: ceil(x). Partial derivatives: where(z == z, 0.0, z).
        """
    def ceil(self) -> Value:
        """x rounded up; its derivative is 0.

        Value: ceil(x). Partial derivatives: where(z == z, 0.0, z).
        """
    def __round__(self, ndigits: int = 0) -> Value:
        """x rounded to y decimals, halves to even; its derivative is 0.

        Value: round(x, y). Partial derivatives: where(z == z, 0.0, z); where(z == z, 0.0, z).
        """
    def round(self, y: Value | float = 0.0) -> Value:
        """x rounded to y decimals, halves to even; its derivative is 0.

        Value: round(x, y). Partial derivatives: where(z == z, 0.0, z); where(z == z, 0.0, z).
        """
    def arcsin(self) -> Value:
        """NumPy's name for `asin`."""
    def arccos(self) -> Value:
        """NumPy's name for `acos`."""
    def arctan(self) -> Value:
        """NumPy's name for `atan`."""
    def arctan2(self, y: Value | float) -> Value:
        """NumPy's name for `atan2`."""
    def arcsinh(self) -> Value:
        """NumPy's name for `asinh`."""
    def arccosh(self) -> Value:
        """NumPy's name for `acosh`."""
    def arctanh(self) -> Value:
        """NumPy's name for `atanh`."""
    def rint(self, y: Value | float = 0.0) -> Value:
        """NumPy's name for `round`."""

def exp(x: Scalar, /) -> Scalar:
    """e to the power x.

    Value: exp(x). Partial derivatives: z.
    """

def expm1(x: Scalar, /) -> Scalar:
    """exp(x) - 1, accurate near 0.

    Value: expm1(x). Partial derivatives: exp(x).
    """

def log(x: Scalar, /) -> Scalar:
    """The natural logarithm.

    Value: log(x). Partial derivatives: where(x >= 0.0, 1.0 / x, z).
    """

def log1p(x: Scalar, /) -> Scalar:
    """log(1 + x), accurate near 0.

    Value: log1p(x). Partial derivatives: where(x >= -1.0, 1.0 / (1.0 + x), z).
    """

def log2(x: Scalar, /) -> Scalar:
    """The logarithm to base 2.

    Value: log2(x). Partial derivatives: where(x >= 0.0, 1.4426950408889634 / x, z).
    """

def log10(x: Scalar, /) -> Scalar:
    """The logarithm to base 10.

    Value: log10(x). Partial derivatives: where(x >= 0.0, 0.4342944819032518 / x, z).
    """

def sqrt(x: Scalar, /) -> Scalar:
    """The square root; nan below 0.

    Value: sqrt(x). Partial derivatives: 0.5 / z.
    """

def cbrt(x: Scalar, /) -> Scalar:
    """The real cube root.

    Value: cbrt(x). Partial derivatives: 1.0 / (3.0 * z * z).
    """

def sin(x: Scalar, /) -> Scalar:
    """The sine of x radians.

    Value: sin(x). Partial derivatives: cos(x).
    """

def cos(x: Scalar, /) -> Scalar:
    """The cosine of x radians.

    Value: cos(x). Partial derivatives: -sin(x).
    """

def tan(x: Scalar, /) -> Scalar:
    """The tangent of x radians.

    Value: tan(x). Partial derivatives: 1.0 + z * z.
    """

def asin(x: Scalar, /) -> Scalar:
    """The angle whose sine is x.

    Value: asin(x). Partial derivatives: 1.0 / sqrt((1.0 - x) * (1.0 + x)).
    """

def acos(x: Scalar, /) -> Scalar:
    """The angle whose cosine is x.

    Value: acos(x). Partial derivatives: -1.0 / sqrt((1.0 - x) * (1.0 + x)).
    """

def atan(x: Scalar, /) -> Scalar:
    """The angle whose tangent is x.

    Value: atan(x). Partial derivatives: where(abs(x) < 1e150, 1.0 / (1.0 + x * x), 1.0 / x / x).
    """

@overload
def atan2(x: Value, y: Value | float, /) -> Value: ...
@overload
def atan2(x: float, y: Value, /) -> Value: ...
@overload
def atan2(x: float, y: float, /) -> float:
    """The angle of the point with height x and width y.

    Value: atan2(x, y). Partial derivatives: where(hypot(x, y) == 0.0, 0.0, y / hypot(x, y) / hypot(x, y)); where(hypot(x, y) == 0.0, 0.0, -x / hypot(x, y) / hypot(x, y)).
    """

def sinh(x: Scalar, /) -> Scalar:
    """The hyperbolic sine.

    Value: sinh(x). Partial derivatives: cosh(x).
    """

def cosh(x: Scalar, /) -> Scalar:
    """The hyperbolic cosine.

    Value: cosh(x). Partial derivatives: sinh(x).
    """

def tanh(x: Scalar, /) -> Scalar:
    """The hyperbolic tangent.

    Value: tanh(x). Partial derivatives: where(x > 0.0, 4.0 * exp(-2.0 * x) / (1.0 + exp(-2.0 * x)) ** 2.0, 4.0 * exp(2.0 * x) / (1.0 + exp(2.0 * x)) ** 2.0).
    """

def asinh(x: Scalar, /) -> Scalar:
    """The inverse of sinh.

    Value: asinh(x). Partial derivatives: 1.0 / hypot(x, 1.0).
    """

def acosh(x: Scalar, /) -> Scalar:
    """The inverse of cosh.

    Value: acosh(x). Partial derivatives: 1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)).
    """

def atanh(x: Scalar, /) -> Scalar:
    """The inverse of tanh.

    Value: atanh(x). Partial derivatives: where(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x)), z).
    """

@overload
def hypot(x: Value, y: Value | float, /) -> Value: ...
@overload
def hypot(x: float, y: Value, /) -> Value: ...
@overload
def hypot(x: float, y: float, /) -> float:
    """The length of the vector (x, y), without overflow on the way.

    Value: hypot(x, y). Partial derivatives: where(z == 0.0, 0.0, x / z); where(z == 0.0, 0.0, y / z).
    """

@overload
def gaussian(x: Value, y: Value | float = 0.5, /) -> Value: ...
@overload
def gaussian(x: float, y: Value, /) -> Value: ...
@overload
def gaussian(x: float, y: float = 0.5, /) -> float:
    """The bell exp(-y x**2), y = 1/2 by default.

    Value: where(abs(x) < 64.0, exp(-y * (floor(x * 1024.0) / 1024.0) ** 2.0) * exp(-y * (x - (floor(x * 1024.0) / 1024.0)) * (x + (floor(x * 1024.0) / 1024.0))), exp(-y * x * x)). Partial derivatives: where(z == 0.0, 0.0, -2.0 * y * x * z); where(z == 0.0, 0.0, -x * x * z).
    """

def erf(x: Scalar, /) -> Scalar:
    """The error function.

    Value: erf(x). Partial derivatives: 1.1283791670955126 * gaussian(x, 1.0).
    """

def erfc(x: Scalar, /) -> Scalar:
    """1 - erf(x), accurate for large x.

    Value: erfc(x). Partial derivatives: -1.1283791670955126 * gaussian(x, 1.0).
    """

def ndtr(x: Scalar, /) -> Scalar:
    """The distribution function of the standard normal.

    Value: ndtr(x). Partial derivatives: 0.3989422804014327 * gaussian(x, 0.5).
    """

def sigmoid(x: Scalar, /) -> Scalar:
    """The logistic function 1 / (1 + exp(-x)).

    Value: where(x >= 0.0, 1.0 / (1.0 + exp(-x)), exp(x) / (1.0 + exp(x))). Partial derivatives: z * sigmoid(-x).
    """

def softplus(x: Scalar, /) -> Scalar:
    """log(1 + exp(x)) without overflow.

    Value: maximum(x, 0.0) + log1p(exp(-abs(x))). Partial derivatives: sigmoid(x).
    """

def relu(x: Scalar, /) -> Scalar:
    """The positive part of x; derivative 0 at 0.

    Value: where(x <= 0.0, 0.0, x). Partial derivatives: where(x > 0.0, 1.0, where(x <= 0.0, 0.0, x)).
    """

@overload
def leaky_relu(x: Value, y: Value | float = 0.01, /) -> Value: ...
@overload
def leaky_relu(x: float, y: Value, /) -> Value: ...
@overload
def leaky_relu(x: float, y: float = 0.01, /) -> float:
    """x above 0, y x below; y = 0.01 by default.

    Value: where(x > 0.0, x, y * x). Partial derivatives: where(x > 0.0, 1.0, where(x <= 0.0, y, x)); where(x > 0.0, 0.0, x).
    """

@overload
def elu(x: Value, y: Value | float = 1.0, /) -> Value: ...
@overload
def elu(x: float, y: Value, /) -> Value: ...
@overload
def elu(x: float, y: float = 1.0, /) -> float:
    """x above 0, y (exp(x) - 1) below; y = 1 by default (Clevert et al. 2015).

    Value: where(x > 0.0, x, y * expm1(x)). Partial derivatives: where(x > 0.0, 1.0, y * exp(x)); where(x > 0.0, 0.0, expm1(x)).
    """

def gelu(x: Scalar, /) -> Scalar:
    """x times the normal distribution function of x (Hendrycks and Gimpel 2016).

    Value: where(x < -64.0, -0.0, x * ndtr(x)). Partial derivatives: where(abs(x) > 64.0, heaviside(x), ndtr(x) + x * (0.3989422804014327 * gaussian(x, 0.5))).
    """

def silu(x: Scalar, /) -> Scalar:
    """x sigmoid(x), also called swish (Elfwing et al. 2017).

    Value: where(x < -1000.0, -0.0, x * sigmoid(x)). Partial derivatives: where(abs(x) > 1000.0, heaviside(x), sigmoid(x) * (1.0 + x * sigmoid(-x))).
    """

@overload
def maximum(x: Value, y: Value | float, /) -> Value: ...
@overload
def maximum(x: float, y: Value, /) -> Value: ...
@overload
def maximum(x: float, y: float, /) -> float:
    """The larger of x and y; a tie shares the derivative equally.

    Value: where(x > y, x, where(y >= x, y, x + y)). Partial derivatives: where(x > y, 1.0, where(x < y, 0.0, where(x == y, 0.5, x + y))); where(x < y, 1.0, where(x > y, 0.0, where(x == y, 0.5, x + y))).
    """

@overload
def minimum(x: Value, y: Value | float, /) -> Value: ...
@overload
def minimum(x: float, y: Value, /) -> Value: ...
@overload
def minimum(x: float, y: float, /) -> float:
    """The smaller of x and y; a tie shares the derivative equally.

    Value: where(x < y, x, where(y <= x, y, x + y)). Partial derivatives: where(x < y, 1.0, where(x > y, 0.0, where(x == y, 0.5, x + y))); where(x > y, 1.0, where(x < y, 0.0, where(x == y, 0.5, x + y))).
    """

@overload
def clamp_min(x: Value, y: Value | float, /) -> Value: ...
@overload
def clamp_min(x: float, y: Value, /) -> Value: ...
@overload
def clamp_min(x: float, y: float, /) -> float:
    """x, but at least y; at the edge the derivative goes to x.

    Value: where(x >= y, x, where(x < y, y, x + y)). Partial derivatives: where(x >= y, 1.0, where(x < y, 0.0, x + y)); where(x >= y, 0.0, where(x < y, 1.0, x + y)).
    """

@overload
def clamp_max(x: Value, y: Value | float, /) -> Value: ...
@overload
def clamp_max(x: float, y: Value, /) -> Value: ...
@overload
def clamp_max(x: float, y: float, /) -> float:
    """x, but at most y; at the edge the derivative goes to x.

    Value: where(x <= y, x, where(x > y, y, x + y)). Partial derivatives: where(x <= y, 1.0, where(x > y, 0.0, x + y)); where(x <= y, 0.0, where(x > y, 1.0, x + y)).
    """

def sign(x: Scalar, /) -> Scalar:
    """-1, 0 or 1; its derivative is 0.

    Value: where(x > 0.0, 1.0, where(x < 0.0, -1.0, x)). Partial derivatives: where(z == z, 0.0, z).
    """

def heaviside(x: Scalar, /) -> Scalar:
    """1 above 0, else 0; its derivative is 0.

    Value: where(x > 0.0, 1.0, where(x <= 0.0, 0.0, x)). Partial derivatives: where(z == z, 0.0, z).
    """

def floor(x: Scalar, /) -> Scalar:
    """x rounded down; its derivative is 0.

    Value: floor(x). Partial derivatives: where(z == z, 0.0, z).
    """

def ceil(x: Scalar, /) -> Scalar:
    """x rounded up; its derivative is 0.

    Value: ceil(x). Partial derivatives: where(z == z, 0.0, z).
    """
