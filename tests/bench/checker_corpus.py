"""The corpus: difficult functions with right derivatives, as text, so that they can be verified in many digits.

A case gives f and its partial derivatives as expressions of its inputs, points to check at, and a domain. `verify`
evaluates the same text with mpmath in 60 digits and compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


def hashed(x: float) -> float:
    """Return a number in [-1, 1] that jumps about with the last digits of x: noise, the same at every run."""
    return ((hash(float(x)) * 2654435761) & 0xFFFFFFFF) / 2**31 - 1


def expit(x: float) -> float:
    """Return 1/(1+exp(-x)) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def sech2(x: float) -> float:
    """Return 1/cosh(x)**2 without overflow."""
    return 4 * math.exp(-2 * abs(x)) / (1 + math.exp(-2 * abs(x))) ** 2


NAMES: dict[str, Any] = {
    **{n: getattr(math, n) for n in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "sinh", "cosh", "atan")},
    **{n: getattr(math, n) for n in ("asin", "erf", "log1p", "expm1", "floor", "pi")},
    "abs": abs, "max": max, "min": min, "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "noise": hashed, "expit": expit, "sech2": sech2,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One function of the corpus: text of f and of its partials by the inputs x, y, z ... or x0 ... x19."""

    name: str
    f: str
    partials: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    domain: tuple[tuple[Any, ...], ...]
    special: tuple[tuple[float, ...], ...] = ()
    grain: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        count = len(self.partials)
        return ("x", "y", "z", "w")[:count] if count <= 4 else tuple(f"x{i}" for i in range(count))

    def function(self) -> Any:
        """Return f as a callable of several numbers."""
        return compiled(self.names, self.f)

    def gradient(self, partials: tuple[str, ...] | None = None) -> Any:
        """Return the gradient, or one with other text for its partials, as a callable."""
        return compiled(self.names, f"({', '.join(self.partials if partials is None else partials)},)")


def compiled(names: tuple[str, ...], text: str) -> Any:
    """Return a function of ``names`` that evaluates ``text``."""
    return eval(f"lambda {', '.join(names)}: {text}", dict(NAMES))  # noqa: S307 - the corpus's own text


def _one(name: str, f: str, df: str, at: tuple[float, ...], domain: tuple[Any, ...], **more: Any) -> Case:
    special = tuple((x,) for x in more.pop("special", ()))
    return Case(name, f, (df,), tuple((x,) for x in at), (domain,), special, **more)


def _singles() -> list[Case]:  # noqa: PLR0915 - a table
    cases = []
    add = lambda *args, **more: cases.append(_one(*args, **more))  # noqa: E731
    for k in (1e-150, 1e-100, 1e-30, 1e-8, 1e8, 1e30, 1e100):
        add(f"square at {k:g}", "x**2", "2*x", (k, -3 * k), ("log", k / 10, k * 10))
        add(f"reciprocal at {k:g}", "1/x", "-1/x**2", (k, -2 * k), ("log", k / 10, k * 10))
        add(f"sine scaled to {k:g}", f"sin(x/{k!r})", f"cos(x/{k!r})/{k!r}", (0.7 * k, 3 * k), (-5 * k, 5 * k))
    for k in (1e-150, 1e150):
        add(f"line of {k:g}", f"{k!r}*x+0", f"{k!r}", (2.0, -0.3), (-10, 10), special=(0.0,))
        add(f"root at {k:g}", "sqrt(x)", "1/(2*sqrt(x))", (k, 3 * k), ("log", k / 10, k * 10))
        add(f"logarithm at {k:g}", "log(x)", "1/x", (k, 3 * k), ("log", k / 10, k * 10))
    for c in (1e3, 1e6, 1e8, -1e9, 1e10):
        add(f"sine on {c:g}", f"{c!r}+sin(x)", "cos(x)", (1.1, -2.0), (-4, 4))
        add(f"parabola on {c:g}", f"x**2+{c!r}", "2*x", (1.3, 20.0), (-40, 40))
        add(f"exponential beside {c:g}", f"exp(x)+{c!r}", "exp(x)", (2.0, 5.0), (-3, 8))
        add(f"far away {c:g}", f"(x-{c!r})**2", f"2*(x-{c!r})", (c + 3.0, c - 0.5), (c - 10, c + 10))
    for k in (5, 30, 200, 1e3, 1e4, 1e5, 1e6):
        add(f"oscillation {k:g}", f"sin({k!r}*x)", f"{k!r}*cos({k!r}*x)", (1.0, 0.31), (0.5, 0.5 + 100 / k))
        add(
            f"amplitude and frequency {k:g}",
            f"x*cos({k!r}*x)",
            f"cos({k!r}*x)-{k!r}*x*sin({k!r}*x)",
            (0.77,),
            (0.2, 0.2 + 80 / k),
        )
    for k in (10, 100, 1e3, 1e4, 1e6):
        slope = f"{k!r}*sech2({k!r}*(x-1)/2)/4"
        add(f"sigmoid {k:g}", f"expit({k!r}*(x-1))", slope, (1.0, 1 + 1.5 / k), (1 - 20 / k, 1 + 20 / k))
        add(
            f"tanh {k:g}",
            f"tanh({k!r}*(x-0.5))",
            f"{k!r}*sech2({k!r}*(x-0.5))",
            (0.5, 0.5 + 0.9 / k),
            (0.5 - 8 / k, 0.5 + 8 / k),
        )
    for c in (0.0, 1.0, -2.5):
        s = f"(x-{c!r})"
        add(f"modulus at {c:g}", f"abs{s}", f"sign{s}", (c + 0.5, c + 1e-3), (c - 2, c + 3), special=(c,))
        add(
            f"ramp at {c:g}",
            f"max({s}, 0.0)",
            f"(1.0 if {s} > 0 else 0.0)",
            (c + 0.7, c + 1e-4),
            (c - 2, c + 3),
            special=(c,),
        )
        add(
            f"leaky ramp at {c:g}",
            f"({s} if {s} > 0 else 0.01*{s})",
            f"(1.0 if {s} > 0 else 0.01)",
            (c + 0.7, c - 1e-2),
            (c - 2, c + 3),
            special=(c,),
        )
        add(f"bent parabola at {c:g}", f"{s}*abs{s}", f"2*abs{s}", (c + 1.1, c - 0.2), (c - 2, c + 3), special=(c,))
        add(
            f"sine of modulus at {c:g}",
            f"sin(abs{s})",
            f"cos{s}*sign{s}",
            (c + 1.1, c - 0.2),
            (c - 2, c + 3),
            special=(c,),
        )
    add("elu", "(x if x > 0 else exp(x)-1)", "(1.0 if x > 0 else exp(x))", (0.5, -0.5), (-4, 4), special=(0.0,))
    add(
        "huber",
        "(x**2/2 if abs(x) < 1 else abs(x)-0.5)",
        "(x if abs(x) < 1 else sign(x))",
        (0.5, 2.0),
        (-4, 4),
        special=(1.0,),
    )
    add(
        "saw of ramps",
        "max(max(x-1,0),max(2*x-5,0))+max(-x,0)",
        "(2.0 if x > 4 else 1.0 if x > 1 else -1.0 if x < 0 else 0.0)",
        (2.0, 6.0),
        (-3, 8),
    )
    add("step", "floor(x)+x**2", "2*x", (1.4, -2.3), (-3, 4), special=(2.0,))
    add("jump", "(x**3 if x < 1 else x**3+5)", "3*x**2", (0.5, 2.0), (-3, 4), special=(1.0,))
    add("cancelling cosine", "(1-cos(x))/x**2", "sin(x)/x**2-2*(1-cos(x))/x**3", (0.02, 0.5), (0.05, 3), grain=1e-12)
    add("cancelling exponential", "(exp(x)-1)/x", "exp(x)/x-(exp(x)-1)/x**2", (0.01, 0.3), (0.1, 3), grain=1e-12)
    add("one plus minus one", "(1+x)-1", "1.0+0*x", (1e-6, 1.0), (1e-3, 2), special=(1e-15,), grain=4e-16)
    add("expanded cube", "x**3-3*x**2+3*x-1", "3*x**2-6*x+3", (1.01, 1.3), (0.5, 2), grain=1e-15)
    add("difference of roots", "sqrt(x+1)-sqrt(x)", "1/(2*sqrt(x+1))-1/(2*sqrt(x))", (1e4, 3.0), (1, 100), grain=1e-13)
    for size in (1e-12, 1e-10, 1e-14):
        add(f"noise {size:g} on sine", f"sin(x)+{size!r}*noise(x)", "cos(x)", (1.0, 2.5), (-3, 3), grain=2 * size)
        add(f"noise {size:g} on square", f"x**2+{size!r}*noise(x)", "2*x", (1.5, -3.0), (-5, 5), grain=2 * size)
        add(
            f"noise {size:g} on exponential",
            f"exp(x)*(1+{size!r}*noise(x))",
            "exp(x)",
            (1.0, -1.0),
            (-3, 3),
            grain=40 * size,
        )
    add("tangent near its pole", "tan(x)", "1+tan(x)**2", (1.57, 1.5), (-1.5, 1.5))
    add("pole", "1/(x-1)", "-1/(x-1)**2", (1.001, 0.5), (1.01, 4))
    add("double pole", "1/(x-1)**2", "-2/(x-1)**3", (1.001, 0.5), (1.01, 4))
    add("lorentzian", "1/(1+1e6*(x-1)**2)", "-2e6*(x-1)/(1+1e6*(x-1)**2)**2", (1.0005, 1.002), (0.99, 1.01))
    add("logarithm at its edge", "log(x)", "1/x", (1e-9, 0.5), (0.01, 4))
    add("root at its edge", "sqrt(x)", "1/(2*sqrt(x))", (1e-6, 2.0), (0.01, 4), special=(0.0,))
    add("arcsine at its edge", "asin(x)", "1/sqrt(1-x**2)", (0.999, 0.3), (-0.99, 0.99))
    add("x log x", "x*log(x)", "log(x)+1", (0.1, 3.0), (0.01, 5))
    add("gaussian", "exp(-x**2)", "-2*x*exp(-x**2)", (0.7, 2.0), (-4, 4), special=(0.0,))
    add("narrow gaussian", "exp(-((x-2)/1e-3)**2)", "-2e6*(x-2)*exp(-((x-2)/1e-3)**2)", (2.0005, 1.999), (1.99, 2.01))
    add("tall exponential", "exp(x)", "exp(x)", (600.0, -600.0), (-20, 20))
    add("high power", "x**50", "50*x**49", (1.1, 3.0), (0.5, 3))
    add("small power", "x**0.01", "0.01*x**-0.99", (1.1, 3e3), ("log", 1e-3, 1e3))
    add("error function", "erf(x)", "2/sqrt(pi)*exp(-x**2)", (0.5, 2.0), (-3, 3))
    add("softplus", "log1p(exp(-abs(x)))+max(x, 0.0)", "expit(x)", (0.5, -4.0), (-10, 10), special=(0.0,))
    add("chirp", "sin(x**3)", "3*x**2*cos(x**3)", (2.0, 5.0), (0, 6), special=(0.0,))
    add("reciprocal chirp", "sin(1/x)", "-cos(1/x)/x**2", (0.01, 0.3), (0.05, 1))
    add("constant", "3.0+0*x", "0.0*x", (1.0, -4.0), (-3, 3))
    add("cube", "x**3", "3*x**2", (1.2, -0.4), (-3, 3), special=(0.0,))
    add("arctangent far out", "atan(x)", "1/(1+x**2)", (30.0, 0.2), (-50, 50))
    add("rational", "(x**2+1)/(x**3+2)", "2*x/(x**3+2)-3*x**2*(x**2+1)/(x**3+2)**2", (1.5, 4.0), (-1, 5))
    add("swish", "x*expit(x)", "expit(x)+x*expit(x)*(1-expit(x))", (1.0, -3.0), (-8, 8))
    add(
        "logarithmic derivative",
        "log(1+x**2+sin(x)**2)",
        "(2*x+2*sin(x)*cos(x))/(1+x**2+sin(x)**2)",
        (1.0, 4.0),
        (-5, 5),
    )
    return cases


def _several() -> list[Case]:
    cases = [
        Case("product and sine", "x*y+sin(x)", ("y+cos(x)", "x"), ((0.91, 1.73), (-2.0, 0.4)), ((-3, 3), (-2, 2))),
        Case("rosenbrock", "(1-x)**2+100*(y-x**2)**2", ("-2*(1-x)-400*x*(y-x**2)", "200*(y-x**2)"), ((1.2, -0.7), (0.3, 2.0)), ((-2, 2), (-1, 3))),  # noqa: E501 - a row of a table
        Case("quotient", "x/y", ("1/y", "-x/y**2"), ((1.5, 0.3), (-2.0, 7.0)), ((-3, 3), (0.1, 5))),
        Case("power", "x**y", ("y*x**(y-1)", "x**y*log(x)"), ((1.5, 2.3), (3.0, -1.2)), ((0.2, 4), (-2, 3))),
        Case("hypotenuse", "sqrt(x**2+y**2)", ("x/sqrt(x**2+y**2)", "y/sqrt(x**2+y**2)"), ((3.0, 4.5), (1e-3, 2.0)), ((0.1, 3), (-4, 4))),  # noqa: E501 - a row of a table
        Case("angle", "atan(y/x)", ("-y/(x**2+y**2)", "x/(x**2+y**2)"), ((1.0, 2.0), (-1.5, 0.2)), ((0.5, 3), (-3, 3))),
        Case("maximum", "max(x, y)", ("(1.0 if x > y else 0.0)", "(0.0 if x > y else 1.0)"), ((1.0, 0.5), (-1.0, 2.0)), ((-3, 3), (-2, 2)), ((1.0, 1.0),)),  # noqa: E501 - a row of a table
        Case("minimum of a product", "min(x*y, x+y)", ("(y if x*y < x+y else 1.0)", "(x if x*y < x+y else 1.0)"), ((1.0, 0.5), (5.0, 2.0)), ((-3, 5), (-2, 4))),  # noqa: E501 - a row of a table
        Case("absolute difference", "abs(x-y)*x", ("sign(x-y)*x+abs(x-y)", "-sign(x-y)*x"), ((1.0, 0.5), (-1.0, 2.0)), ((-3, 3), (-2, 2)), ((1.0, 1.0),)),  # noqa: E501 - a row of a table
        Case("different scales", "x*1e6+y*1e-6", ("1e6", "1e-6"), ((1e-6, 1e6), (2e-6, -3e6)), ((-1e-5, 1e-5), (-1e7, 1e7))),  # noqa: E501 - a row of a table
        Case("large beside small", "1e6*x**2+sin(y)", ("2e6*x", "cos(y)"), ((1.0, 0.5), (0.2, 2.0)), ((-2, 2), (-3, 3))),  # noqa: E501 - a row of a table
        Case("log of sum of exponentials", "log(exp(x)+exp(y))", ("exp(x)/(exp(x)+exp(y))", "exp(y)/(exp(x)+exp(y))"), ((1.0, 2.0), (-3.0, 0.5)), ((-5, 5), (-4, 4))),  # noqa: E501 - a row of a table
        Case("cross entropy", "-(x*log(y)+(1-x)*log(1-y))", ("log(1-y)-log(y)", "(1-x)/(1-y)-x/y"), ((0.3, 0.6), (0.9, 0.2)), ((0.05, 0.95), (0.05, 0.95))),  # noqa: E501 - a row of a table
        Case("wave", "sin(40*x)*cos(3*y)", ("40*cos(40*x)*cos(3*y)", "-3*sin(40*x)*sin(3*y)"), ((0.4, 0.2), (1.3, -0.6)), ((-1, 1), (-1, 1))),  # noqa: E501 - a row of a table
        Case("gas", "x*y/(z-0.04)-3.6/z**2", ("y/(z-0.04)", "x/(z-0.04)", "-x*y/(z-0.04)**2+7.2/z**3"), ((0.08, 300.0, 1.2), (0.1, 250.0, 3.0)), ((0.05, 0.2), (200, 400), (0.5, 5))),  # noqa: E501 - a row of a table
        Case("triple product", "x*y*z", ("y*z", "x*z", "x*y"), ((1.0, 2.0, 3.0), (0.1, -4.0, 2.5)), ((-2, 2), (-3, 3), (1, 5))),  # noqa: E501 - a row of a table
        Case("ellipsoid", "sqrt(x**2+2*y**2+3*z**2)", ("x/sqrt(x**2+2*y**2+3*z**2)", "2*y/sqrt(x**2+2*y**2+3*z**2)", "3*z/sqrt(x**2+2*y**2+3*z**2)"), ((1.0, 2.0, 3.0), (0.1, -4.0, 2.5)), ((0.5, 2), (-3, 3), (1, 5))),  # noqa: E501 - a row of a table
        Case("neuron", "tanh(x*y+z*w)", ("y*sech2(x*y+z*w)", "x*sech2(x*y+z*w)", "w*sech2(x*y+z*w)", "z*sech2(x*y+z*w)"), ((0.5, 1.2, -0.3, 0.8), (1.0, 0.2, 0.4, -2.0)), ((-1, 1), (-2, 2), (-1, 1), (-2, 2))),  # noqa: E501 - a row of a table
        Case("used twice", "x*x*y+y*y*x", ("2*x*y+y*y", "x*x+2*y*x"), ((0.7, 1.9), (-1.1, 0.4)), ((-2, 2), (-3, 3))),
        Case("noisy product", "x*y+1e-12*noise(x*y)", ("y", "x"), ((0.7, 1.9), (-1.1, 0.4)), ((-2, 2), (-3, 3)), (), 2e-12),  # noqa: E501 - a row of a table
    ]  # fmt: skip
    for count in (5, 8, 12, 20):
        names = [f"x{i}" for i in range(count)]
        point = tuple(0.3 + 0.37 * ((7 * i) % count) / count + 0.1 * i for i in range(count))
        shifted = tuple(-0.8 * v + 0.05 for v in point)
        box = ((-2, 2.5),) * count
        squares = "+".join(f"{i + 1}*{n}**2" for i, n in enumerate(names))
        cases.append(
            Case(
                f"weighted squares of {count}",
                squares,
                tuple(f"{2 * i + 2}*{n}" for i, n in enumerate(names)),
                (point, shifted),
                box,
            )
        )
        inner = "+".join(f"{0.3 + 0.1 * i:.1f}*{n}" for i, n in enumerate(names))
        cases.append(
            Case(
                f"sine of a sum of {count}",
                f"sin({inner})",
                tuple(f"{0.3 + 0.1 * i:.1f}*cos({inner})" for i in range(count)),
                (point,),
                ((-0.5, 0.5),) * count,
            )
        )
        chain = "+".join(f"{a}*{b}" for a, b in pairwise(names))
        links = tuple("+".join(names[j] for j in (i - 1, i + 1) if 0 <= j < count) for i in range(count))
        cases.append(Case(f"chain of {count}", chain, links, (point, shifted), box))
        total = "+".join(f"exp({n})" for n in names)
        cases.append(
            Case(
                f"softmax of {count}",
                f"log({total})",
                tuple(f"exp({n})/({total})" for n in names),
                (point, shifted),
                box,
            )
        )
    return cases


TUNED = (*_singles(), *_several())


def verify(case: Case, digits: int = 200) -> float:
    """Return the largest relative error of the stated partials at the case's points, against mpmath differences.

    A difference has lost a quarter of the digits; an error below half of them is none.
    """
    import mpmath

    with mpmath.workdps(digits):
        names = {n: getattr(mpmath, n) for n in NAMES if hasattr(mpmath, n)}
        names |= {"abs": abs, "max": max, "min": min, "sign": mpmath.sign, "noise": lambda _x: 0, "floor": mpmath.floor}
        names |= {"expit": lambda x: 1 / (1 + mpmath.exp(-x)), "sech2": lambda x: mpmath.sech(x) ** 2}
        exact = eval(f"lambda {', '.join(case.names)}: {case.f}", names)  # noqa: S307
        worst = 0.0
        for point in case.points:
            stated = case.gradient()(*point)
            for i, claim in enumerate(stated):
                step = mpmath.mpf(10) ** (-digits // 4) * (abs(mpmath.mpf(point[i])) or 1)
                high, low = ([mpmath.mpf(x) for x in point] for _ in range(2))
                high[i] += step
                low[i] -= step
                true = (exact(*high) - exact(*low)) / (2 * step)
                invisible = mpmath.mpf(10) ** (-digits // 2) * abs(exact(*point)) / (abs(mpmath.mpf(point[i])) or 1)
                if abs(claim - true) > invisible:
                    worst = max(worst, float(abs(claim - true) / (abs(true) or 1)))
    return worst
