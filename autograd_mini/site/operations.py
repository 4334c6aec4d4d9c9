"""The page of operations: each with its formula, its partial derivatives, and the curves of both."""

from __future__ import annotations

import html
import re
from math import isfinite, pi, sqrt
from statistics import median

from autograd_mini.engine.formula import evaluate, parse
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra
from autograd_mini.notation.tex import PRODUCT, Tex, apply, constant, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.engine.ops import Op

_NORMAL = "0.3989422804014327 * exp(-0.5 * x * x)"
_ERROR = "1.1283791670955126 * exp(-x * x)"
_LARGER = "where(x > y, 1.0, where(x < y, 0.0, 0.5))"
_SMALLER = "where(x < y, 1.0, where(x > y, 0.0, 0.5))"

TEXTBOOK = {
    "pow": ("x ** y", "y * x ** (y - 1.0)", "x ** y * log(x)"),
    "mod": ("x % y", "1.0", "-(x // y)"),
    "floordiv": ("x // y", "0.0", "0.0"),
    "exp2": ("2.0 ** x", "2.0 ** x * log(2.0)"),
    "log": ("log(x)", "1.0 / x"),
    "log1p": ("log1p(x)", "1.0 / (1.0 + x)"),
    "log2": ("log2(x)", "1.0 / (x * log(2.0))"),
    "log10": ("log10(x)", "1.0 / (x * log(10.0))"),
    "sqrt": ("sqrt(x)", "1.0 / (2.0 * z)"),
    "sinpi": ("sinpi(x)", "3.141592653589793 * cospi(x)"),
    "cospi": ("cospi(x)", "-3.141592653589793 * sinpi(x)"),
    "sinc": ("where(x != 0.0, sinpi(x) / (3.141592653589793 * x), 1.0)", "where(x != 0.0, (cospi(x) - z) / x, 0.0)"),
    "asin": ("asin(x)", "1.0 / sqrt(1.0 - x ** 2.0)"),
    "acos": ("acos(x)", "-1.0 / sqrt(1.0 - x ** 2.0)"),
    "atan": ("atan(x)", "1.0 / (1.0 + x ** 2.0)"),
    "atan2": ("atan2(x, y)", "y / (x ** 2.0 + y ** 2.0)", "-x / (x ** 2.0 + y ** 2.0)"),
    "tanh": ("tanh(x)", "1.0 - z ** 2.0"),
    "asinh": ("asinh(x)", "1.0 / sqrt(x ** 2.0 + 1.0)"),
    "acosh": ("acosh(x)", "1.0 / sqrt(x ** 2.0 - 1.0)"),
    "atanh": ("atanh(x)", "1.0 / (1.0 - x ** 2.0)"),
    "hypot": ("hypot(x, y)", "x / z", "y / z"),
    "gaussian": ("exp(-y * x ** 2.0)", "-2.0 * y * x * z", "-(x ** 2.0) * z"),
    "erf": ("erf(x)", _ERROR),
    "erfc": ("erfc(x)", f"-{_ERROR}"),
    "ndtr": ("ndtr(x)", _NORMAL),
    "sigmoid": ("1.0 / (1.0 + exp(-x))", "z * (1.0 - z)"),
    "softplus": ("log(1.0 + exp(x))", "sigmoid(x)"),
    "relu": ("where(x > 0.0, x, 0.0)", "where(x > 0.0, 1.0, 0.0)"),
    "leaky_relu": ("where(x > 0.0, x, y * x)", "where(x > 0.0, 1.0, y)", "where(x > 0.0, 0.0, x)"),
    "elu": ("where(x > 0.0, x, y * (exp(x) - 1.0))", "where(x > 0.0, 1.0, y * exp(x))",
            "where(x > 0.0, 0.0, exp(x) - 1.0)"),
    "gelu": ("x * ndtr(x)", f"ndtr(x) + x * {_NORMAL}"),
    "silu": ("x * sigmoid(x)", "sigmoid(x) * (1.0 + x * sigmoid(-x))"),
    "maximum": ("where(x > y, x, y)", _LARGER, _SMALLER),
    "minimum": ("where(x < y, x, y)", _SMALLER, _LARGER),
    "clamp_min": ("where(x >= y, x, y)", "where(x >= y, 1.0, 0.0)", "where(x >= y, 0.0, 1.0)"),
    "clamp_max": ("where(x <= y, x, y)", "where(x <= y, 1.0, 0.0)", "where(x <= y, 0.0, 1.0)"),
    "sign": ("where(x > 0.0, 1.0, where(x < 0.0, -1.0, 0.0))", "0.0"),
    "heaviside": ("where(x > 0.0, 1.0, 0.0)", "0.0"),
    "floor": ("floor(x)", "0.0"),
    "ceil": ("ceil(x)", "0.0"),
    "round": ("round(x, y)", "0.0", "0.0"),
}  # fmt: skip
"""Value and partial derivatives as textbooks have them, where a row also cares for rounding, overflow and nan."""

_NUMBERS = {
    pi: r"\pi",
    180.0 / pi: r"\frac{180}{\pi}",
    pi / 180.0: r"\frac{\pi}{180}",
    2.0 / sqrt(pi): r"\frac{2}{\sqrt{\pi}}",
    0.3989422804014327: r"\frac{1}{\sqrt{2 \pi}}",
}
"""The names of numbers."""

_OPENING = """\
<h1>Operations</h1>
<p>Each is one row of the table that the engine, the compiler and the pictures are made from: the value <i>z</i> and its
derivative by each operand, here as textbooks have them. Beside them <i>z</i> is drawn as a line, and its derivative
dashed.</p>
"""


def body() -> str:
    """Return the page's content as HTML."""
    return _OPENING + "".join(_operation(row) for row in TABLE.values() if row.builtin)


def mathematics(tex: str) -> str:
    """Return LaTeX as MathML, which browsers show without a script; cases have a line in place of a brace."""
    written = str(extra("latex2mathml.converter", "the site").convert(tex))
    written = re.sub(r"<mo[^>]*>(?:&#x0007B;|\{)</mo>(\s*<mtable)", r'\1 class="cases"', written)
    return written.replace(
        ' fence="true" form="prefix" stretchy="false"', ' fence="true" form="prefix" stretchy="true"'
    )


def _operation(row: Op) -> str:
    """Return a row of the table as a section of a page."""
    value, *partials = TEXTBOOK.get(row.name, (row.value, *row.partials))
    formulas = [("f", f"z = {_typeset(row, value)}")]
    for operand, partial in zip(row.operands, partials, strict=True):
        formulas.append(("df", rf"\frac{{\partial z}}{{\partial {operand}}} = {_typeset(row, partial)}"))
    lines = "".join(f'<p class="wide {kind}">{mathematics(formula)}</p>' for kind, formula in formulas)
    computed = ""
    if row.name in TEXTBOOK:
        names = ("z", *(f"∂z/∂{operand}" for operand in row.operands))
        text = "\n".join(f"{name} = {text}" for name, text in zip(names, (row.value, *row.partials), strict=True))
        computed = f"<details><summary>as it is computed</summary><pre>{html.escape(text)}</pre></details>"
    curves = "".join(_curve(row, index) for index in range(len(row.operands) if row.name != "round" else 1))
    return (
        f'<section class="operation" id="{row.name}"><h2><code>{row.name}</code></h2>'
        f"<div><p>{html.escape(row.doc)}</p>{lines}{computed}</div><div>{curves}</div></section>\n"
    )


def _typeset(row: Op, formula: str) -> Tex:
    """Return a formula in LaTeX."""
    names = (*row.operands, "z")
    return evaluate(parse(formula, names, own=row), _Typesetting(), {name: symbol(name) for name in names})


class _Typesetting:
    r"""The algebra of formulas in LaTeX, where a `where` stands as its cases.

    >>> print(evaluate(parse("where(x > 0.0, x, 0.0)", ("x",)), _Typesetting(), {"x": symbol("x")}))
    \begin{cases} x & x > 0 \\ 0 & \text{else} \end{cases}

    """

    def constant(self, number: float) -> Tex:
        name = _NUMBERS.get(abs(number))
        return constant(number) if name is None else Tex(name, PRODUCT, minus=number < 0.0)

    def apply(self, name: str, operands: list[Tex]) -> Tex:
        return apply(name, operands)

    def compare(self, relation: str, x: Tex, y: Tex) -> str:
        return f"{x} {_RELATIONS.get(relation, relation)} {y}"

    def join(self, junction: str, conditions: list[str]) -> str:
        return f" \\text{{ {junction} }} ".join(conditions)

    def where(self, condition: str, this: Callable[[], Tex], otherwise: Callable[[], Tex]) -> Tex:
        rest = str(otherwise())
        if rest.startswith(_CASES):  # one brace for a chain of conditions
            rest = rest.removeprefix(_CASES).removesuffix(_END)
        else:
            rest += r" & \text{else}"
        return Tex(rf"{_CASES}{this()} & {condition} \\ {rest}{_END}")


_CASES, _END = r"\begin{cases} ", r" \end{cases}"
_RELATIONS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


LOW, HIGH, SAMPLES = -3.0, 3.0, 240
"""The interval that a curve is drawn over, and the number of steps in it."""

WIDTH, HEIGHT, EDGE = 200.0, 120.0, 14.0
"""The size of a curve in pixels, with the room below it for numbers."""


def _curve(row: Op, index: int) -> str:
    """Return the curves of an operation and of its derivative by one operand, as an SVG."""
    held = [0.25 * low + 0.75 * high for low, high in row.domain]
    values, slopes = [], []
    for step in range(SAMPLES + 1):
        x = Value(LOW + (HIGH - LOW) * step / SAMPLES)
        operands = [x if place == index else Value(number) for place, number in enumerate(held)]
        z = applied(row, operands)
        z.backward()
        values.append(z.data)
        slopes.append(x.grad)
    shown = [number for number in (*values, *slopes) if isfinite(number)]
    sizes = [abs(number) for number in shown]
    most = min(max(sizes), max(4.0, 1.5 * median(sizes)))
    bottom = -most if min(shown) < -0.01 * most else -0.1 * most
    scale = (HEIGHT - EDGE - 4.0) / (most - bottom)

    def height(number: float) -> float:
        return float(2.0 + scale * (most - number))

    lines = "".join(
        f'<polyline class="{kind}" points="{points}"/>'
        for kind, numbers in (("f", values), ("df", slopes))
        for points in _runs(numbers, [height(number) for number in numbers], bottom, most)
    )
    axes = (
        f'<line class="axis" x1="0" x2="{WIDTH:.0f}" y1="{height(0.0):.1f}" y2="{height(0.0):.1f}"/>'
        f'<line class="axis" x1="{WIDTH / 2:.0f}" x2="{WIDTH / 2:.0f}" y1="2" y2="{HEIGHT - EDGE:.0f}"/>'
    )
    name = row.operands[index]
    others = ", ".join(
        f"{other} = {number:.3g}" for other, number in zip(row.operands, held, strict=True) if other != name
    )
    at = f"{HEIGHT - 3.0:.0f}"
    texts = (
        f'<text x="0" y="{at}">−3</text><text x="{WIDTH:.0f}" y="{at}" text-anchor="end">{name} = 3</text>'
        f'<text x="{WIDTH / 2:.0f}" y="{at}" text-anchor="middle">{others}</text>'
        f'<text x="{WIDTH / 2 + 3.0:.0f}" y="11">{most:.3g}</text>'
    )
    about = f"{row.name} and its derivative by {name}, {name} from −3 to 3{f', {others}' if others else ''}"
    size = f'viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}"'
    return f'<svg class="curve" {size} role="img" aria-label="{about}">{axes}{lines}{texts}</svg>'


def applied(row: Op, operands: Sequence[Value]) -> Value:
    """Return the result of an operation of the table.

    >>> applied(TABLE["mod"], [Value(5.0), Value(3.0)]).data
    2.0

    """
    name = row.name if hasattr(Value, row.name) else f"__{row.method}__"
    result: Value = getattr(operands[0], name)(*operands[1:])
    return result


def _runs(numbers: Sequence[float], heights: Sequence[float], bottom: float, top: float) -> list[str]:
    """Return the parts of a curve that can be drawn without a gap, as the points of lines."""
    runs: list[list[str]] = [[]]
    before = None
    for step, (number, height) in enumerate(zip(numbers, heights, strict=True)):
        if not (isfinite(number) and bottom <= number <= top):
            before = None
            continue
        if before is None or abs(number - before) > 0.1 * (top - bottom):
            runs.append([])
        runs[-1].append(f"{WIDTH * step / SAMPLES:.1f},{height:.1f}")
        before = number
    return [" ".join(run) for run in runs if len(run) > 1]
