"""Derivatives of SymPy: the rules of its functions, of which both sides are evaluated by mpmath in 30 digits."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("sympy", "mpmath")
DIGITS = 30

FUNCTIONS: dict[str, tuple[tuple[float, float], ...]] = {
    text: box
    for box, texts in (
        (
            ((-2.0, 2.0),),
            (
                "sin(x) cos(x) tan(x/2) sinh(x) cosh(x) tanh(x) asinh(x) atan(x) exp(x) erf(x) erfc(x) erfi(x) "
                "fresnels(x) fresnelc(x) Abs(x) legendre(3,x/2) chebyshevt(4,x) chebyshevu(3,x) hermite(4,x) "
                "laguerre(3,x) gegenbauer(3,1.5,x) jacobi(2,0.5,1.5,x) assoc_laguerre(3,0.7,x) besselj(2,x) "
                "besseli(2,x) Max(x,x**2) Min(x,1) sech(x) LambertW(exp(x)) hyper([1,0.5],[1.5,2],x/3) "
                "Piecewise((x**2,x>0),(-x,True)) cosh(x)**x"
            ),
        ),
        (
            ((0.3, 3.0),),
            (
                "log(x) sqrt(x) cbrt(x) gamma(x) loggamma(x) digamma(x) polygamma(2,x) Ei(x) expint(2,x) "
                "expint(0.7,x) Ci(x) Chi(x) li(x+1) besselj(1.5,x) bessely(2,x) besselk(2,x) "
                "hankel1(1,x)+hankel2(1,x) uppergamma(1.7,x) lowergamma(1.7,x) zeta(2.5,x) factorial(x) "
                "RisingFactorial(x,3) FallingFactorial(x,2) harmonic(x) binomial(x+3,2) beta(x,1.3) polylog(2,x/4) "
                "acosh(x+1) coth(x) csch(x) acot(x) acsch(x) atan2(x,1.3) log(x,2.5) x**2.5 trigamma(x)"
            ),
        ),
        (
            ((0.05, 0.9),),
            (
                "asin(x) acos(x) atanh(x) asech(x) erfinv(x) elliptic_k(x) elliptic_e(x) elliptic_f(0.7,x) "
                "elliptic_e(0.7,x) elliptic_pi(0.3,x) elliptic_pi(x,0.4) elliptic_f(x,0.4) elliptic_pi(x,0.5,0.4) "
                "elliptic_pi(0.3,x,0.4) legendre(2.5,x) assoc_legendre(2,1,x) betainc(1.5,2.5,0,x) "
                "betainc_regularized(1.5,2.5,0,x) polylog(1.5,x) lerchphi(x,2,1.3) appellf1(0.5,1,1,2,x,0.3) "
                "acoth(x+1.2) asec(x+1.1) acsc(x+1.1) sec(x) csc(x) cot(x) hyper([0.5,1.5],[2],x) "
                "meijerg([[],[]],[[0],[]],x) log(gamma(x))"
            ),
        ),
        (((0.3, 2.0), (0.4, 2.5)), "x**y atan2(x,y) beta(x,y) log(x,y+1) besselj(1,x*y) erf2(x,y) binomial(x,y)"),
    )
    for text in texts.split()
}


def cases() -> Iterator[Wild]:
    """Yield them all; what SymPy cannot differentiate or mpmath evaluate is left out when it is built."""
    yield from gathered("SymPy", (_functions,))


def _functions() -> Iterator[Wild]:
    mistakes = {
        "betainc_regularized(1.5,2.5,0,x)": Mistake(
            "1.14",
            "lambdify hands it to mpmath's betainc without its option regularized",
            0.4,
            lambda: many_digits().betainc(1.5, 2.5, 0, 0.4, regularized=True),
            of_function=True,
        )
    }
    for text, box in FUNCTIONS.items():
        build = partial(_of_text, text, len(box), box)
        yield Wild("SymPy", text, f"{text}: diff", build, box, mistake=mistakes.get(text))


def _of_text(text: str, count: int, box: tuple[tuple[float, float], ...]) -> Any:
    """Return a function and its derivatives, evaluated in many digits, and tried once."""
    sympy, mpmath = import_module("sympy"), import_module("mpmath")
    symbols = sympy.symbols("x y", real=True)[:count]
    expression = sympy.sympify(
        text, locals={"x": symbols[0], "y": symbols[-1], "betainc": sympy.betainc, "appellf1": sympy.appellf1}
    )
    f, *partials = (
        sympy.lambdify(symbols, e, "mpmath") for e in (expression, *(sympy.diff(expression, s) for s in symbols))
    )

    def real(function: Any, at: tuple[float, ...]) -> float:
        with mpmath.workdps(DIGITS):
            found = function(*map(mpmath.mpf, at))
            return float(found.real if isinstance(found, mpmath.mpc) else found)

    middle = tuple((low + high) / 2 for low, high in box)
    try:
        for function in (f, *partials):
            real(function, middle)
    except Exception as error:
        raise AttributeError(f"{text}: {error}") from error
    return lambda *at: real(f, at), lambda *at: [real(p, at) for p in partials]
