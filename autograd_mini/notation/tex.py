r"""LaTeX: a graph as a formula, and the algebra of expressions in TeX, in which trivial operations are simplified.

>>> from autograd_mini import tanh
>>> x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(1.0, label="b")
>>> print(latex(tanh(w * x + b)))
\tanh(w x + b)
>>> print(latex(w * x**3, wrt=x))
3 w x^{2}
"""

from __future__ import annotations

import re
from collections import Counter

from autograd_mini.engine.backward import subgraph
from autograd_mini.engine.graph import check_value, gradient
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Formula(str):
    """A formula in LaTeX, a text that a notebook shows as mathematics."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self}$"


def latex(y: Value, wrt: Value | None = None, *, names: Mapping[Value, str] | None = None, limit: int = 200) -> Formula:
    r"""Return a result, or its derivative, as a formula in LaTeX: a text, which a notebook shows as mathematics.

    A leaf stands there by its label, or by its number if it has none. Of a `where` there is the branch that was
    taken. What is used more than once and is longer than two operations is written once, as a line of its own, by
    its label or as u1, u2, and so on; so the length is at most proportional to the graph's.

    Args:
        y: the result.
        wrt: a Value to differentiate by.
        names: symbols for Values, in place of their labels.
        limit: the largest number of operations.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are more operations, or if two leaves have the same label.

    >>> x = Value(2.0, label="x")
    >>> print(latex(x.exp() / (1 + x) ** 2))
    \frac{e^{x}}{(1 + x)^{2}}

    """
    nodes, leaf_names = nodes_and_names(y, wrt, names, limit)
    uses = Counter(operand for node in nodes for operand in _operands(node))
    taken = {*leaf_names.values()}
    written: dict[Value, Tex] = {leaf: symbol(name) for leaf, name in leaf_names.items()}
    lines: list[str] = []
    for node in nodes:
        if node in written:
            continue
        if not node.op:
            shown = constant(node.data)
            shown.number = None  # it is a number by chance, not a constant to simplify by
            written[node] = shown
            continue
        args = [written[arg] if isinstance(arg, Value) else constant(arg) for arg in args_shown(node)]
        made = args[0] if node.op == "where" else apply(node.op, args)
        if uses[node] > 1 and made.size > 2:
            name = node.label if node.label and node.label not in taken else f"u{len(lines) + 1}"
            taken.add(name)
            lines.append(f"{symbol(name)} &= {made}")
            made = symbol(name)
        written[node] = made
    result = written[nodes[-1]]
    if not lines:
        return Formula(result)
    free = nodes[-1].label or next(name for name in ("y", "f", "result") if name not in taken)
    lines.append(f"{symbol(free)} &= {result}")
    return Formula("\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}")


def nodes_and_names(
    y: Value, wrt: Value | None, names: Mapping[Value, str] | None, limit: int
) -> tuple[list[Value], dict[Value, str]]:
    """Return the nodes of a formula, oldest first, the result last, and the names of its leaves."""
    check_value("y", y)
    nodes = subgraph([y if wrt is None else gradient(y, wrt)], _operands)
    shown = sum(1 for node in nodes if node.op)
    if shown > limit:
        raise ValueError(
            f"the formula has {shown} operations, expected at most limit={limit}: draw the graph, take a part of it, "
            "or give a larger limit"
        )
    named = {node: (names or {}).get(node, "" if node.op else node.label) for node in nodes}
    leaf_names = {node: name for node, name in named.items() if name}
    owners: dict[str, Value] = {}
    for node, name in leaf_names.items():
        other = owners.setdefault(name, node)
        if other is not node:
            raise ValueError(
                f"{other!r} and {node!r} are both called {name!r}, expected one Value of each name: give them "
                "different labels, or names={value: name}"
            )
    return nodes, leaf_names


def args_shown(node: Value) -> tuple[Value | float, ...]:
    """Return the operands that a formula shows: of a `where`, the one that was taken."""
    if node.op != "where":
        return node.args
    condition, this, otherwise = node.args
    return (this if condition else otherwise,)


def _operands(node: Value) -> list[Value]:
    return [arg for arg in args_shown(node) if isinstance(arg, Value)]


SUM, PRODUCT, POWER, ATOM = range(4)
"""Precedence of an expression: below that of its place it gets parentheses."""


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

    The labels of a network are written as textbooks have them, w_jk^[l] and b_j^[l].

    >>> print(symbol("w[2][1][3]"), symbol("b[2][1]"), symbol("x[10][3]"))
    {w_{13}^{[2]}} {b_{1}^{[2]}} x_{10,3}

    """
    found = _INDEXED.fullmatch(label)
    if found is not None:
        indices = re.findall(r"\d+", found[2])
        layer = indices.pop(0) if (found[1], len(indices)) in _LAYERED else ""
        index = ("," if any(len(each) > 1 for each in indices) else "").join(indices)
        return Tex(f"{{{found[1]}_{{{index}}}^{{[{layer}]}}}}" if layer else f"{found[1]}_{{{index}}}")
    stem = label.rstrip("0123456789")
    index = label[len(stem) :]
    if not index and label.count("_") == 1:
        stem, index = label.split("_")
    stem = stem.rstrip("_")
    if not stem.isalpha() or not stem.isascii() or not (index.isalnum() or not index):
        return Tex(f"\\text{{{''.join(_ESCAPED.get(letter, letter) for letter in label)}}}")
    letter = stem if len(stem) == 1 else f"\\{stem}" if stem in GREEK else f"\\mathrm{{{stem}}}"
    return Tex(f"{letter}_{{{index}}}" if index else letter)


_INDEXED = re.compile(r"([A-Za-z])((?:\[\d+\])+)")
_LAYERED = {("w", 3), ("b", 2)}
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
        upright = "\\operatorname{" + name.replace("_", "\\_") + "}"
        made = Tex(f"{_NAMES.get(name) or upright}{_brackets(*operands)}")
    if any(made is operand for operand in operands):
        return made
    size = 1 + sum(operand.size for operand in operands)
    return Tex(made.text, made.level, minus=made.minus, number=made.number, size=size, parts=made.parts)


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
    front, text = constant(number), rest.at(PRODUCT)
    dot = " \\cdot " if text[0].isdigit() or front.level < ATOM else " "
    return Tex(f"{front.text}{dot}{text}", PRODUCT, minus=front.minus, parts=(_positive(front), rest))


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


_ONE, _TWO, _E, _PI = constant(1.0), constant(2.0), Tex("e"), Tex("\\pi")

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
    "exp": lambda x: _pow(_E, x),
    "exp2": lambda x: _pow(_TWO, x),
    "expm1": lambda x: _sub(apply("exp", [x]), _ONE),
    "log1p": lambda x: Tex(f"\\log{_brackets(_add(_ONE, x))}"),
    "sqrt": lambda x: Tex(f"\\sqrt{{{x}}}"),
    "cbrt": lambda x: Tex(f"\\sqrt[3]{{{x}}}"),
    "degrees": lambda x: _mul(Tex("\\frac{180}{\\pi}"), x),
    "radians": lambda x: _mul(Tex("\\frac{\\pi}{180}"), x),
    "sinpi": lambda x: Tex(f"\\sin{_brackets(_mul(_PI, x))}"),
    "cospi": lambda x: Tex(f"\\cos{_brackets(_mul(_PI, x))}"),
    "hypot": lambda x, y: Tex(f"\\sqrt{{{_add(_pow(x, _TWO), _pow(y, _TWO))}}}"),
    "gaussian": lambda x, y: apply("exp", [_mul(y, _pow(x, _TWO)).negated()]),
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
