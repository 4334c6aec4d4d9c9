"""Typesetting: an operation on expressions in LaTeX, with the trivial simplified, for every row of the table."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly an expression holds together: what is looser than its place asks for gets parentheses."""


class Tex:
    """An expression in LaTeX.

    Args:
        text: its absolute part, without a leading minus.
        level: how tightly that holds together.
        minus: whether a minus stands before it.
        number: its number, if it is a constant that may be simplified away.
        size: how many operations it shows.
        parts: of a fraction, its numerator and denominator; of a product with a number in front, that and the rest.

    """

    __slots__ = ("level", "minus", "number", "parts", "size", "text")

    def __init__(
        self,
        text: str,
        level: int = ATOM,
        *,
        minus: bool = False,
        number: float | None = None,
        size: int = 0,
        parts: tuple[Tex, Tex] | None = None,
    ) -> None:
        self.text, self.level, self.minus, self.number, self.size = text, level, minus, number, size
        self.parts = parts

    def __str__(self) -> str:
        """Return the LaTeX."""
        return f"-{self.at(PRODUCT)}" if self.minus else self.text

    def at(self, level: int) -> str:
        """Return the absolute part, in parentheses if it is looser than `level`."""
        return self.text if self.level >= level else _bracketed(self.text)

    def factor(self, level: int) -> str:
        """Return the whole, in parentheses if it is looser than `level` or begins with a minus."""
        return _bracketed(str(self)) if self.minus else self.at(level)

    def negated(self) -> Tex:
        """Return the negative."""
        number = None if self.number is None else -self.number
        return Tex(self.text, self.level, minus=not self.minus, number=number, size=self.size, parts=self.parts)


def constant(number: float, digits: int = 6) -> Tex:
    """Return a number, rounded to some significant digits.

    >>> str(constant(-2.0)), str(constant(1e-12))
    ('-2', '10^{-12}')

    """
    text = f"{abs(number):.{digits}g}"
    level = ATOM
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"10^{{{int(exponent)}}}" if mantissa == "1" else f"{mantissa} \\cdot 10^{{{int(exponent)}}}"
        level = POWER if mantissa == "1" else PRODUCT
    text = {"inf": "\\infty", "nan": "\\text{nan}"}.get(text, text)
    return Tex(text, level, minus=number < 0.0, number=number)


# fmt: off
GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi",
    "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
))
# fmt: on


def symbol(label: str) -> Tex:
    r"""Return a label as a symbol: "x1" and "x_1" with an index, "alpha" as the letter, words upright.

    >>> print(symbol("w12"), symbol("theta_j"), symbol("loss"), symbol("50%"))
    w_{12} \theta_{j} \mathrm{loss} \text{50\%}

    """
    stem = label.rstrip("0123456789")
    index = label[len(stem) :]
    if not index and label.count("_") == 1:
        stem, index = label.split("_")
    stem = stem.rstrip("_")
    if not stem.isalpha() or not stem.isascii() or not (index.isalnum() or not index):
        return Tex(f"\\text{{{''.join(_ESCAPED.get(letter, letter) for letter in label)}}}")
    letter = stem if len(stem) == 1 else f"\\{stem}" if stem in GREEK else f"\\mathrm{{{stem}}}"
    return Tex(f"{letter}_{{{index}}}" if index else letter)


_ESCAPED = {letter: f"\\{letter}" for letter in "#$%&_{}"} | {
    "\\": "\\textbackslash{}",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
}


def apply(name: str, operands: Sequence[Tex]) -> Tex:
    """Return an operation of the table on expressions.

    >>> x = symbol("x")
    >>> str(apply("mul", [constant(2.0), apply("add", [x, constant(0.0)])]))
    '2 x'

    """
    if name in _WRITERS:
        made = _WRITERS[name](*operands)
    else:
        made = Tex(f"{_NAMES.get(name) or _upright(name)}{_brackets(*operands)}")
    if any(made is operand for operand in operands):
        return made
    size = 1 + sum(operand.size for operand in operands)
    return Tex(made.text, made.level, minus=made.minus, number=made.number, size=size, parts=made.parts)


def _upright(name: str) -> str:
    return "\\operatorname{" + name.replace("_", "\\_") + "}"


def _brackets(*operands: Tex) -> str:
    return _bracketed(", ".join(map(str, operands)))


def _bracketed(text: str) -> str:
    """Put an expression in parentheses, in growing ones only where it is tall."""
    return f"\\left({text}\\right)" if any(tall in text for tall in ("\\frac", "^", "\\sqrt")) else f"({text})"


def _add(x: Tex, y: Tex) -> Tex:
    if x.number == 0.0:
        return y
    if y.number == 0.0:
        return x
    if x.minus and not y.minus:
        x, y = y, x
    tail = y.at(PRODUCT) if y.minus else y.text
    return Tex(f"{x} {'-' if y.minus else '+'} {tail}", SUM)


def _sub(x: Tex, y: Tex) -> Tex:
    return _add(x, y.negated())


def _mul(x: Tex, y: Tex) -> Tex:
    (a, left), (b, right) = _coefficient(x), _coefficient(y)
    number = a * b
    rest = right if left is None else left if right is None else _joined(left, right)
    if rest is None or number == 0.0:
        return constant(number)
    if abs(number) == 1.0:
        return rest if number > 0.0 else rest.negated()
    return _with_coefficient(constant(number), rest)


def _coefficient(x: Tex) -> tuple[float, Tex | None]:
    """Split off the number in front, with the sign; None stands for nothing left."""
    if x.number is not None:
        return x.number, None
    if x.level == PRODUCT and x.parts and x.parts[0].number is not None:
        return (-x.parts[0].number if x.minus else x.parts[0].number), x.parts[1]
    return (-1.0, x.negated()) if x.minus else (1.0, x)


def _joined(x: Tex, y: Tex) -> Tex:
    if x.text == y.text and x.level != PRODUCT:
        return _pow(x, _TWO)
    left, right = x.at(PRODUCT), y.at(PRODUCT)
    return Tex(left + (" \\cdot " if right[0].isdigit() else " ") + right, PRODUCT)


def _with_coefficient(number: Tex, rest: Tex) -> Tex:
    right = rest.at(PRODUCT)
    dot = " \\cdot " if right[0].isdigit() or number.level < ATOM else " "
    return Tex(f"{number.text}{dot}{right}", PRODUCT, minus=number.minus, parts=(_positive(number), rest))


def _positive(x: Tex) -> Tex:
    return x.negated() if x.minus else x


def _truediv(x: Tex, y: Tex) -> Tex:
    if y.number is not None and abs(y.number) == 1.0:
        return x if y.number == 1.0 else x.negated()
    if x.number == 0.0:
        return x
    if x.level == POWER and x.parts:  # a fraction over y
        over, under = x.parts[0], _mul(x.parts[1], _positive(y))
    else:
        over, under = _positive(x), _positive(y)
    return Tex(f"\\frac{{{over}}}{{{under}}}", POWER, minus=x.minus != y.minus, parts=(over, under))


def _pow(x: Tex, y: Tex) -> Tex:
    if y.number == 1.0 or x.number == 1.0:
        return x
    if y.number == 0.0:
        return constant(1.0)
    if y.number == 0.5:
        return Tex(f"\\sqrt{{{x}}}")
    if y.number is not None and y.number < 0.0:
        return _truediv(constant(1.0), _pow(x, y.negated()))
    return Tex(f"{x.factor(ATOM)}^{{{y}}}", POWER)


def _exp(x: Tex) -> Tex:
    return Tex(f"e^{{{x}}}", POWER)


_ONE, _TWO = constant(1.0), constant(2.0)

_WRITERS: dict[str, Callable[..., Tex]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "truediv": _truediv,
    "pow": _pow,
    "neg": Tex.negated,
    "mod": lambda x, y: Tex(f"{x.factor(PRODUCT)} \\bmod {y.factor(POWER)}", SUM),
    "floordiv": lambda x, y: Tex(f"\\left\\lfloor {_truediv(x, y)} \\right\\rfloor"),
    "abs": lambda x: Tex(f"\\left|{x}\\right|"),
    "exp": _exp,
    "expm1": lambda x: _sub(_exp(x), _ONE),
    "log1p": lambda x: Tex(f"\\log{_brackets(_add(_ONE, x))}"),
    "sqrt": lambda x: Tex(f"\\sqrt{{{x}}}"),
    "cbrt": lambda x: Tex(f"\\sqrt[3]{{{x}}}"),
    "hypot": lambda x, y: Tex(f"\\sqrt{{{_add(_pow(x, _TWO), _pow(y, _TWO))}}}"),
    "gaussian": lambda x, y: _exp(_mul(y, _pow(x, _TWO)).negated()),
    "floor": lambda x: Tex(f"\\left\\lfloor {x} \\right\\rfloor"),
    "ceil": lambda x: Tex(f"\\left\\lceil {x} \\right\\rceil"),
    "clamp_min": lambda x, y: apply("maximum", [x, y]),
    "clamp_max": lambda x, y: apply("minimum", [x, y]),
}

_NAMES = {
    **{name: f"\\{name}" for name in ("log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: f"\\arc{name[1:]}" for name in ("asin", "acos", "atan")},
    **{name: f"\\operatorname{{ar{name[1:]}}}" for name in ("asinh", "acosh", "atanh")},
    "log2": "\\log_{2}",
    "log10": "\\log_{10}",
    "sigmoid": "\\sigma",
    "relu": "\\operatorname{ReLU}",
    "leaky_relu": "\\operatorname{LeakyReLU}",
    "elu": "\\operatorname{ELU}",
    "gelu": "\\operatorname{GELU}",
    "silu": "\\operatorname{SiLU}",
    "ndtr": "\\Phi",
    "sign": "\\operatorname{sgn}",
    "heaviside": "\\theta",
    "maximum": "\\max",
    "minimum": "\\min",
}
