"""The calculus: a table with one row an operation, its value and its partial derivatives as formulas.

In a formula `x` and `y` are the operands and `z` is the result. A formula may use numbers, + - * / ** % //, any
operation of this table, and `where(condition, this, otherwise)`, whose condition is a comparison (`and`, `or` join
them). There is one formula for each partial derivative, so that a partial nobody needs is never evaluated.

The same text is evaluated on floats (forward and backward), on Values (derivatives of derivatives), and checked by the
tests, so an operation is added by adding one row. Three rules keep the rows right:

- A formula never forms an intermediate that overflows, or cancels, where the result does not.
- At a kink it gives the subgradient of least norm; where the value is nan, so is every partial.
- A partial is itself differentiated, so both branches of a `where` must be right on their own at every order: tanh
  has its derivative through exp(2x) or exp(-2x), never through abs(x), which has no second derivative at 0.

A row whose value is a call of itself is a primitive: `ieee.py` holds its function on floats.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from autograd_mini.engine.rules import CompiledRow

Interval = tuple[float, float]

R: Interval = (-3.0, 3.0)
POSITIVE: Interval = (0.05, 5.0)
NEGATIVE: Interval = (-3.0, -0.1)
UNIT: Interval = (-0.95, 0.95)
STAIR: Interval = (0.1, 0.9)
APART: tuple[Interval, Interval] = (STAIR, (1.1, 3.0))
"""Operands of which the first is smaller, and no multiple of the second."""


class Op:
    """One row: an operation's name, value, partial derivatives, and where to try it.

    Args:
        name: what it is called, as a function and as a method.
        value: the formula of the result in x and y.
        partials: one formula an operand, in x, y and the result z.
        domain: for each operand an interval (low, high) inside which the operation is smooth; tests draw from it.
        symbol: how pictures and micrograd's `_op` show it; the name if not given.
        method: the special method that Python's operator calls, if it has one.
        default: the value of the last operand where a caller leaves it out.
        doc: one sentence for readers.
        activation: the kind of activation it is: "rectifier", which lets about half of its operands pass, "bounded", or
            "" for none. Networks, `doctor`, pictures and the command line list the activations by it.
        builtin: whether the package brings it, so that users cannot replace it.

    """

    __slots__ = (
        *("activation", "builtin", "compiled", "default", "doc", "domain", "method"),
        *("name", "names", "partials", "symbol", "uses", "value"),
    )

    def __init__(
        self,
        name: str,
        value: str,
        partials: Sequence[str],
        *,
        domain: Sequence[Interval] = (),
        symbol: str = "",
        method: str = "",
        default: float | None = None,
        doc: str = "",
        activation: Literal["rectifier", "bounded", ""] = "",
        builtin: bool = True,
    ) -> None:
        self.name = name
        self.value = value
        self.partials = tuple(partials)
        self.domain = tuple(domain) or (R,) * len(self.partials)
        self.symbol = symbol or name
        self.method = method
        self.default = default
        self.doc = doc
        self.activation = activation
        self.builtin = builtin
        self.uses: dict[str, Op] = {}  # of a user's operation, those that it calls, as they were when it was defined
        self.names: dict[str, object] = {}  # and what its compiled formulas are to find under a name before all else
        self.compiled: CompiledRow | None = None  # made by `rules.compiled` at the first use

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of the operands in its formulas: ("x",) or ("x", "y")."""
        return ("x", "y")[: len(self.partials)]

    @property
    def primitive(self) -> bool:
        """Whether its value is computed by a function of `ieee.py`, not by a formula."""
        return self.value == f"{self.name}({', '.join(self.operands)})"

    def __repr__(self) -> str:
        return f"Op({self.name!r}, {self.value!r}, {self.partials!r})"


# d/dx of where(x > y, x, y) and friends: 1 on one side, 0 on the other, nan (as x + y) beside a nan.
_LARGER = "where(x > y, 1.0, where(x < y, 0.0, where(x == y, 0.5, x + y)))"
_SMALLER = "where(x < y, 1.0, where(x > y, 0.0, where(x == y, 0.5, x + y)))"
_POWER_RULE = "where(z == z, where(x == 0.0 and y == 0.0, 0.0, y * x ** (y - 1.0)), z)"
_SECH_2 = "4.0 * exp({0}2.0 * x) / (1.0 + exp({0}2.0 * x)) ** 2.0"
_H = "(floor(x * 1024.0) / 1024.0)"
_NEAREST = "floor(x + 0.5)"
_EVEN = f"(1.0 - 2.0 * ({_NEAREST} % 2.0))"  # 1 where the nearest integer is even, -1 where it is odd
# The derivative of sinc for |x| < 1/2, where (cos(πx) - sinc(x)) / x cancels: x times a polynomial in x**2 with the
# coefficients (-1)**k 2k π**(2k) / (2k + 1)!, as many as matter to its tenth derivative.
_SINC = (
    *("-3.289868133696453", "3.2469697011334144", "-1.1445109447325053", "0.2091827825412384"),
    *("-0.023460810354558236", "0.001781145516372852", "-9.766223126318933e-05", "4.049947846619244e-06"),
    *("-1.3148481279991994e-07", "3.4330769499642866e-09", "-7.365893777096947e-11", "1.3217901389162318e-12"),
    *("-2.013201508080888e-14", "2.635212528439638e-16", "-2.9963715631905143e-18", "2.987171915895364e-20"),
)
_SINC_NEAR_0 = f"x * ({' + x * x * ('.join(_SINC)}{')' * len(_SINC)}"
_FLAT = "where(z == z, 0.0, z)"  # the derivative of a staircase: 0, and nan for nan
_TO_X = "where(x {0} y, 1.0, where(x {1} y, 0.0, x + y))"
_TO_Y = "where(x {0} y, 0.0, where(x {1} y, 1.0, x + y))"

_ROWS = (
    # Arithmetic. Python's operators call these; the quotient is one correctly rounded division.
    Op("add", "x + y", ("1.0", "1.0"), symbol="+", method="add", doc="The sum x + y."),
    Op("sub", "x - y", ("1.0", "-1.0"), symbol="-", method="sub", doc="The difference x - y."),
    Op("mul", "x * y", ("y", "x"), symbol="*", method="mul", doc="The product x y."),
    Op("truediv", "x / y", ("1.0 / y", "-z / y"), domain=(R, POSITIVE), symbol="/", method="truediv",
       doc="The quotient x / y."),
    # x**y / x is y's own power wherever y - 1 would round away digits of y that a large log(x) brings back.
    Op("pow", "x ** y",
       (f"where((y - 1.0) + 1.0 != y and 0.0 < abs(z) and abs(z) < 1e308, y * (z / x), {_POWER_RULE})",
        "where(x == 0.0 and y >= 0.0, 0.0, z * log(x))"),
       domain=(POSITIVE, R), symbol="**", method="pow",
       doc="The power x ** y; nan, never complex, for x < 0 and fractional y."),
    Op("mod", "x % y", ("where(z == z, 1.0, z)", "where(z == z, -(x // y), z)"), domain=APART,
       symbol="%", method="mod", doc="The remainder of x / y with the sign of y, as Python has it."),
    Op("floordiv", "x // y", (_FLAT, _FLAT), domain=APART, symbol="//", method="floordiv",
       doc="The quotient x / y rounded down; its derivative is 0."),
    Op("neg", "-x", ("-1.0",), symbol="-", method="neg", doc="The negative of x."),
    Op("abs", "abs(x)", ("sign(x)",), domain=(POSITIVE,), method="abs", doc="The absolute value; derivative 0 at 0."),
    # Exponentials, logarithms, roots.
    Op("exp", "exp(x)", ("z",), doc="e to the power x."),
    Op("exp2", "2.0 ** x", ("0.6931471805599453 * z",), doc="2 to the power x."),
    Op("expm1", "expm1(x)", ("exp(x)",), doc="exp(x) - 1, accurate near 0."),
    Op("log", "log(x)", ("where(x >= 0.0, 1.0 / x, z)",), domain=(POSITIVE,), doc="The natural logarithm."),
    Op("log1p", "log1p(x)", ("where(x >= -1.0, 1.0 / (1.0 + x), z)",), domain=((-0.9, 5.0),),
       doc="log(1 + x), accurate near 0."),
    Op("log2", "log2(x)", ("where(x >= 0.0, 1.4426950408889634 / x, z)",), domain=(POSITIVE,),
       doc="The logarithm to base 2."),
    Op("log10", "log10(x)", ("where(x >= 0.0, 0.4342944819032518 / x, z)",), domain=(POSITIVE,),
       doc="The logarithm to base 10."),
    Op("sqrt", "sqrt(x)", ("0.5 / z",), domain=(POSITIVE,), doc="The square root; nan below 0."),
    Op("cbrt", "cbrt(x)", ("1.0 / (3.0 * z * z)",), domain=(POSITIVE,), doc="The real cube root."),
    # Trigonometry, in radians.
    Op("sin", "sin(x)", ("cos(x)",), activation="bounded", doc="The sine of x radians."),
    Op("cos", "cos(x)", ("-sin(x)",), doc="The cosine of x radians."),
    Op("tan", "tan(x)", ("1.0 + z * z",), domain=((-1.3, 1.3),), doc="The tangent of x radians."),
    Op("degrees", "57.29577951308232 * x", ("57.29577951308232",), doc="An angle of x radians in degrees."),
    Op("radians", "0.017453292519943295 * x", ("0.017453292519943295",), doc="An angle of x degrees in radians."),
    # sin(πx) and cos(πx) of IEEE 754: x - floor(x + 1/2) is exact, so they are accurate at their roots too. From 2**52
    # on every float is an integer.
    Op("sinpi",
       f"where(abs(x) < 4503599627370496.0, sin(3.141592653589793 * (x - {_NEAREST})) * {_EVEN}, 0.0 * x)",
       ("3.141592653589793 * cospi(x)",), doc="sin(πx), exact where x is an integer."),
    Op("cospi", f"sin(3.141592653589793 * (0.5 - abs(x - {_NEAREST}))) * {_EVEN}", ("-3.141592653589793 * sinpi(x)",),
       doc="cos(πx), exact where 2x is an integer."),
    Op("sinc", "where(x == 0.0, 1.0, where(abs(x) < 1e300, sinpi(x) / (3.141592653589793 * x), 0.0 / x))",
       (f"where(abs(x) < 0.5, {_SINC_NEAR_0}, where(abs(x) < 1e300, (cospi(x) - z) / x, 0.0 / x))",),
       domain=((-1.3, 1.3),),
       doc="sin(πx) / (πx), and 1 at 0, as NumPy has it."),
    Op("asin", "asin(x)", ("1.0 / sqrt((1.0 - x) * (1.0 + x))",), domain=(UNIT,), doc="The angle whose sine is x."),
    Op("acos", "acos(x)", ("-1.0 / sqrt((1.0 - x) * (1.0 + x))",), domain=(UNIT,), doc="The angle whose cosine is x."),
    Op("atan", "atan(x)", ("where(abs(x) < 1e150, 1.0 / (1.0 + x * x), 1.0 / x / x)",),
       doc="The angle whose tangent is x."),
    Op("atan2", "atan2(x, y)",
       ("where(hypot(x, y) == 0.0, 0.0, y / hypot(x, y) / hypot(x, y))",
        "where(hypot(x, y) == 0.0, 0.0, -x / hypot(x, y) / hypot(x, y))"),
       domain=(R, POSITIVE), doc="The angle of the point with height x and width y."),
    # Hyperbolic functions.
    Op("sinh", "sinh(x)", ("cosh(x)",), doc="The hyperbolic sine."),
    Op("cosh", "cosh(x)", ("sinh(x)",), doc="The hyperbolic cosine."),
    Op("tanh", "tanh(x)",
       (f"where(x > 0.0, {_SECH_2.format('-')}, {_SECH_2.format('')})",),
       activation="bounded", doc="The hyperbolic tangent."),
    Op("asinh", "asinh(x)", ("1.0 / hypot(x, 1.0)",), doc="The inverse of sinh."),
    Op("acosh", "acosh(x)", ("1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))",), domain=((1.1, 5.0),),
       doc="The inverse of cosh."),
    Op("atanh", "atanh(x)", ("where(abs(x) <= 1.0, 1.0 / ((1.0 - x) * (1.0 + x)), z)",), domain=(UNIT,),
       doc="The inverse of tanh."),
    Op("hypot", "hypot(x, y)", ("where(z == 0.0, 0.0, x / z)", "where(z == 0.0, 0.0, y / z)"),
       domain=(POSITIVE, POSITIVE), doc="The length of the vector (x, y), without overflow on the way."),
    # The normal distribution. exp(-k x**2) multiplies the error of x**2, so x is cut into a part h whose square is
    # exact, the multiple of 1/1024 below it, and the rest: x**2 = h**2 + (x - h)(x + h).
    Op("gaussian", f"where(abs(x) < 64.0, exp(-y * {_H} ** 2.0) * exp(-y * (x - {_H}) * (x + {_H})), exp(-y * x * x))",
       ("where(z == 0.0, 0.0, -2.0 * y * x * z)", "where(z == 0.0, 0.0, -x * x * z)"),
       domain=(R, (0.3, 2.0)), default=0.5, doc="The bell exp(-y x**2), y = 1/2 by default."),
    Op("erf", "erf(x)", ("1.1283791670955126 * gaussian(x, 1.0)",), doc="The error function."),
    Op("erfc", "erfc(x)", ("-1.1283791670955126 * gaussian(x, 1.0)",), doc="1 - erf(x), accurate for large x."),
    Op("ndtr", "ndtr(x)", ("0.3989422804014327 * gaussian(x, 0.5)",),
       doc="The distribution function of the standard normal."),
    # Activations.
    Op("sigmoid", "where(x >= 0.0, 1.0 / (1.0 + exp(-x)), exp(x) / (1.0 + exp(x)))", ("z * sigmoid(-x)",),
       symbol="σ", activation="bounded", doc="The logistic function 1 / (1 + exp(-x))."),
    Op("softplus", "maximum(x, 0.0) + log1p(exp(-abs(x)))", ("sigmoid(x)",), activation="rectifier",
       doc="log(1 + exp(x)) without overflow."),
    Op("relu", "where(x <= 0.0, 0.0, x)", ("where(x > 0.0, 1.0, where(x <= 0.0, 0.0, x))",), domain=(POSITIVE,),
       symbol="ReLU", activation="rectifier", doc="The positive part of x; derivative 0 at 0."),
    Op("leaky_relu", "where(x > 0.0, x, y * x)",
       ("where(x > 0.0, 1.0, where(x <= 0.0, y, x))", "where(x > 0.0, 0.0, x)"),
       domain=(NEGATIVE, (0.01, 0.5)), default=0.01, activation="rectifier",
       doc="x above 0, y x below; y = 0.01 by default."),
    Op("elu", "where(x > 0.0, x, y * expm1(x))",
       ("where(x > 0.0, 1.0, y * exp(x))", "where(x > 0.0, 0.0, expm1(x))"),
       domain=(NEGATIVE, (0.5, 2.0)), default=1.0,
       activation="rectifier", doc="x above 0, y (exp(x) - 1) below; y = 1 by default (Clevert et al. 2015)."),
    Op("gelu", "where(x < -64.0, -0.0, x * ndtr(x))",
       ("where(abs(x) > 64.0, heaviside(x), ndtr(x) + x * (0.3989422804014327 * gaussian(x, 0.5)))",),
       activation="rectifier", doc="x times the normal distribution function of x (Hendrycks and Gimpel 2016)."),
    Op("silu", "where(x < -1000.0, -0.0, x * sigmoid(x))",
       ("where(abs(x) > 1000.0, heaviside(x), sigmoid(x) * (1.0 + x * sigmoid(-x)))",),
       activation="rectifier", doc="x sigmoid(x), also called swish (Elfwing et al. 2017)."),
    # Choices and staircases.
    Op("maximum", "where(x > y, x, where(y >= x, y, x + y))", (_LARGER, _SMALLER), domain=APART,
       symbol="max", doc="The larger of x and y; a tie shares the derivative equally."),
    Op("minimum", "where(x < y, x, where(y <= x, y, x + y))", (_SMALLER, _LARGER), domain=APART,
       symbol="min", doc="The smaller of x and y; a tie shares the derivative equally."),
    Op("clamp_min", "where(x >= y, x, where(x < y, y, x + y))", (_TO_X.format(">=", "<"), _TO_Y.format(">=", "<")),
       domain=APART, doc="x, but at least y; at the edge the derivative goes to x."),
    Op("clamp_max", "where(x <= y, x, where(x > y, y, x + y))", (_TO_X.format("<=", ">"), _TO_Y.format("<=", ">")),
       domain=APART, doc="x, but at most y; at the edge the derivative goes to x."),
    Op("sign", "where(x > 0.0, 1.0, where(x < 0.0, -1.0, x))", (_FLAT,), domain=(POSITIVE,),
       doc="-1, 0 or 1; its derivative is 0."),
    Op("heaviside", "where(x > 0.0, 1.0, where(x <= 0.0, 0.0, x))", (_FLAT,), domain=(POSITIVE,),
       doc="1 above 0, else 0; its derivative is 0."),
    Op("floor", "floor(x)", (_FLAT,), domain=(STAIR,), method="floor", doc="x rounded down; its derivative is 0."),
    Op("ceil", "ceil(x)", (_FLAT,), domain=(STAIR,), method="ceil", doc="x rounded up; its derivative is 0."),
    Op("round", "round(x, y)", (_FLAT, _FLAT), domain=((0.1, 0.4), (0.0, 0.0)), method="round", default=0.0,
       doc="x rounded to y decimals, halves to even; its derivative is 0."),
)  # fmt: skip

TABLE: dict[str, Op] = {row.name: row for row in _ROWS}
"""Every operation by name, the user's own (see `operation`) after the built-in ones."""

ARITHMETIC = frozenset({"add", "sub", "mul", "truediv", "pow", "mod", "floordiv"})
"""The rows behind Python's operators of two operands, which exist reflected too."""

# Kept out of the table: `where` chooses between operands, so it has no partial to multiply by. The operand that is not
# chosen receives nothing at all (not 0 times something, which may be nan).
CHOICE = Op(
    "where", "where(c, x, y)", ("where(c, 1.0, 0.0)", "where(c, 0.0, 1.0)"), doc="x where the condition holds, else y."
)
