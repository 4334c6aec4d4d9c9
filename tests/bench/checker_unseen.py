"""The unseen part of the corpus: difficult functions written after the checker, on which nothing in it was tuned."""

from __future__ import annotations

from itertools import pairwise

from checker_corpus import Case


def _one(name: str, f: str, df: str, at: tuple[float, ...], domain: tuple[object, ...], **more: object) -> Case:
    special = tuple((x,) for x in more.pop("special", ()))  # type: ignore[attr-defined]
    return Case(name, f, (df,), tuple((x,) for x in at), (domain,), special, **more)  # type: ignore[arg-type]


def _singles() -> list[Case]:
    roots = [f"(x-{k})" for k in range(1, 13)]
    product = "*".join(roots)
    slopes = "+".join("*".join(r for r in roots if r != root) for root in roots)
    sharp = "log1p(exp(-abs(1e5*(x-0.3))))/1e5+max(x-0.3,0.0)"
    flat = "(exp(-1/x**2) if x else 0.0)"
    return [
        _one("continued fraction", "1/(x+1/(x+1/(x+1/x)))",
             "-(1-(1-(1-1/x**2)/(x+1/x)**2)/(x+1/(x+1/x))**2)/(x+1/(x+1/(x+1/x)))**2", (0.4, 7.0), (0.05, 10)),
        _one("rough cosines", "sum(0.5**k*cos(3**k*x) for k in range(12))",
             "sum(-1.5**k*sin(3**k*x) for k in range(12))", (0.7, 2.0), (0, 3)),
        _one("sharp softplus", sharp, "expit(1e5*(x-0.3))", (0.3, 0.300005, 0.4), (0.2, 0.5)),
        _one("power three halves", "abs(x)**1.5", "1.5*sign(x)*abs(x)**0.5", (0.3, -1e-5), (-2, 3), special=(0.0,)),
        _one("cusp", "abs(x)**0.5", "0.5*sign(x)/abs(x)**0.5", (0.3, -1e-5), (-2, 3), special=(0.0,)),
        _one("discontinuous slope", "(x**2*sin(1/x) if x else 0.0)", "(2*x*sin(1/x)-cos(1/x) if x else 0.0)",
             (0.2, -0.01), (-1, 1), special=(0.0,)),
        _one("x minus its sine", "x-sin(x)", "1-cos(x)", (0.3, 1e-2), (0.01, 1), grain=2e-16),
        _one("log of cosh", "log(cosh(x))", "tanh(x)", (500.0, 0.3, -3.0), (-600, 600)),
        _one("small bump on a sine", "sin(x)+1e-3*exp(-((x-1)/1e-5)**2)",
             "cos(x)-200*((x-1)/1e-5)*exp(-((x-1)/1e-5)**2)", (1.000007, 2.0), (0, 2)),
        _one("triangle wave", "abs(x*50-floor(x*50+0.5))", "50*sign(x*50-floor(x*50+0.5))", (0.123, 0.907), (0, 1)),
        _one("exponential of exponential", "exp(-exp(x))", "-exp(x)*exp(-exp(x))", (3.0, -2.0), (-5, 5)),
        _one("flat at zero", flat, "(2/x**3*exp(-1/x**2) if x else 0.0)", (0.5, -0.1), (-1, 1), special=(0.0,)),
        _one("power of tanh", "tanh(x)**15", "15*tanh(x)**14*sech2(x)", (0.3, 2.0), (-4, 4)),
        _one("black body", "x**3/(exp(x)-1)", "3*x**2/(exp(x)-1)-x**3*exp(x)/(exp(x)-1)**2", (0.5, 20.0),
             ("log", 0.01, 300.0), grain=1e-13),
        _one("polynomial of twelve roots", product, slopes, (1.5, 11.9, 30.0), (0, 13), special=(6.0,)),
        _one("x to the x", "x**x", "x**x*(log(x)+1)", (0.4, 5.0), (0.01, 6)),
        _one("one in disguise", "sin(x)**2+cos(x)**2", "0.0*x", (0.7, 40.0), (-3, 3)),
        _one("smoothed modulus", "sqrt(x**2+1e-12)", "x/sqrt(x**2+1e-12)", (1e-6, 0.5), (-1, 1), special=(0.0,)),
        _one("noise on an offset", "1e5*(1+1e-13*noise(x))+x**2", "2*x", (3.0, -0.7), (-5, 5), grain=2e-8),
    ]  # fmt: skip


def _several() -> list[Case]:
    q = "(x**2+y**2)"
    d = "((log(x/y)+(0.03+z**2/2)*w)/(z*sqrt(w)))"
    e = f"({d}-z*sqrt(w))"
    normal = "(0.5*(1+erf({}/sqrt(2))))"
    bell = "(exp(-{}**2/2)/sqrt(2*pi))"
    money = "y*exp(-0.03*w)"
    names = [f"x{i}" for i in range(10)]
    valley = "+".join(f"100*({b}-{a}**2)**2+(1-{a})**2" for a, b in pairwise(names))
    slopes = []
    for i, name in enumerate(names):
        terms = []
        if i + 1 < len(names):
            terms.append(f"-400*{name}*({names[i + 1]}-{name}**2)-2*(1-{name})")
        if i:
            terms.append(f"200*({name}-{names[i - 1]}**2)")
        slopes.append("+".join(terms))
    ramps = [f"x{i}" for i in range(16)]
    weights = [10.0 ** (k - 6) for k in range(12)]
    spread = [f"x{i}" for i in range(12)]
    inside = "+".join(f"{w!r}*sin({n})" for w, n in zip(weights, spread, strict=True))
    return [
        Case("lennard jones", f"4*({q}**-6-{q}**-3)",
             (f"4*(-12*x*{q}**-7+6*x*{q}**-4)", f"4*(-12*y*{q}**-7+6*y*{q}**-4)"), ((0.8, 0.7), (2.0, -1.0)),
             ((0.6, 3), (0.3, 3))),
        Case("angle with a cut", "atan(y/x)+pi*(x < 0)", (f"-y/{q}", f"x/{q}"), ((1.0, 0.5), (-0.4, 2.0)),
             ((-2, 2), (0.5, 3))),
        Case("price of an option", f"x*{normal.format(d)}-{money}*{normal.format(e)}",
             (normal.format(d), f"-exp(-0.03*w)*{normal.format(e)}", f"x*{bell.format(d)}*sqrt(w)",
              f"x*{bell.format(d)}*z/(2*sqrt(w))+0.03*{money}*{normal.format(e)}"),
             ((100.0, 95.0, 0.2, 0.5), (20.0, 30.0, 0.5, 3.0)), ((50, 150), (60, 140), (0.1, 0.6), (0.1, 3))),
        Case("valley of 10", valley, tuple(slopes), (tuple(0.9 - 0.13 * i for i in range(10)),), ((-2, 2),) * 10),
        Case("ramps of 16", "+".join(f"max({n}, 0.0)" for n in ramps),
             tuple(f"(1.0 if {n} > 0 else 0.0)" for n in ramps),
             (tuple((-1) ** i * (0.2 + 0.1 * i) for i in range(16)),), ((-1, 1.5),) * 16, ((0.0,) * 16,)),
        Case("weights from 1e-6 to 1e5", inside, tuple(f"{w!r}*cos({n})" for w, n in zip(weights, spread, strict=True)),
             (tuple(0.2 + 0.1 * i for i in range(12)),), ((-1, 1),) * 12),
    ]  # fmt: skip


UNSEEN = (*_singles(), *_several())
