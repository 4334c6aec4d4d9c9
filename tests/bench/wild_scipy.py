"""Derivatives of SciPy and NumPy: special functions, densities, splines, polynomials, losses and test functions."""

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

PACKAGES = ("scipy", "numpy")


def cases() -> Iterator[Wild]:
    """Yield them all."""
    yield from gathered(
        "SciPy",
        (
            _special,
            _returned_together,
            _integrals,
            _densities,
            _test_functions,
            _arrays,
            _splines,
            _polynomials,
        ),
    )


def _special() -> Iterator[Wild]:
    special = import_module("scipy.special")
    for name, low in (("jv", 0.1), ("yv", 0.3), ("iv", 0.1), ("kv", 0.3)):
        for order in (0, 1.5, 4):
            yield Wild(
                "SciPy",
                f"special.{name}({order}, x)",
                f"special.{name}p({order}, x)",
                lambda n=name, v=order: (partial(getattr(special, n), v), partial(getattr(special, n + "p"), v)),
                ((low, 12.0),),
            )
    for name in ("jv", "yv"):
        yield Wild(
            "SciPy",
            f"special.{name}p(2, x)",
            f"special.{name}p(2, x, n=2)",
            lambda n=name: (
                lambda x: getattr(special, n + "p")(2, x),
                lambda x: getattr(special, n + "p")(2, x, 2),
            ),
            ((0.4, 12.0),),
        )
    for name in ("jn", "yn", "in", "kn"):
        for order in (0, 3):
            yield Wild(
                "SciPy",
                f"special.spherical_{name}({order}, x)",
                f"special.spherical_{name}({order}, x, derivative=True)",
                lambda n=name, v=order: (
                    lambda x: getattr(special, "spherical_" + n)(v, x),
                    lambda x: getattr(special, "spherical_" + n)(v, x, derivative=True),
                ),
                ((0.5, 9.0),),
            )
    for name in ("ber", "bei", "ker", "kei"):
        yield Wild(
            "SciPy",
            f"special.{name}",
            f"special.{name}p",
            lambda n=name: (getattr(special, n), getattr(special, n + "p")),
            ((0.3, 15.0),),
        )
    yield Wild(
        "SciPy", "special.gammaln", "special.digamma", lambda: (special.gammaln, special.digamma), ((0.1, 30.0),)
    )
    for order in (0, 1, 2, 3):
        yield Wild(
            "SciPy",
            f"special.polygamma({order}, x)",
            f"special.polygamma({order + 1}, x)",
            lambda n=order: (
                lambda x: float(special.polygamma(n, x)),
                lambda x: float(special.polygamma(n + 1, x)),
            ),
            ((0.2, 20.0),),
        )
    yield Wild(
        "SciPy",
        "special.kolmogorov",
        "special._ufuncs._kolmogp",
        lambda: (special.kolmogorov, import_module("scipy.special._ufuncs")._kolmogp),
        ((0.3, 3.0),),
        points=(0.83, 0.85),
        mistake=Mistake(
            "1.17.1",
            "its alternating series, used from 0.82 on, is cut too early: 2e-8 off there, right beyond 1.2",
            0.83,
            lambda: _kolmogorov_slope(0.83),
        ),
    )
    for count in (3, 20):
        yield Wild(
            "SciPy",
            f"special.smirnov({count}, x)",
            f"special._ufuncs._smirnovp({count}, x)",
            lambda n=count: (
                lambda x: special.smirnov(n, x),
                lambda x: import_module("scipy.special._ufuncs")._smirnovp(n, x),
            ),
            ((0.02, 0.98),),
        )
    for degree, order in ((4, 0), (4, 2), (7, 1)):
        yield Wild(
            "SciPy",
            f"special.assoc_legendre_p({degree}, {order}, x)",
            f"special.assoc_legendre_p({degree}, {order}, x, diff_n=1)",
            lambda n=degree, m=order: (
                lambda x: special.assoc_legendre_p(n, m, x)[0],
                lambda x: special.assoc_legendre_p(n, m, x, diff_n=1)[1],
            ),
            ((-0.95, 0.95),),
        )
        yield Wild(
            "SciPy",
            f"special.sph_legendre_p({degree}, {order}, x)",
            f"special.sph_legendre_p({degree}, {order}, x, diff_n=1)",
            lambda n=degree, m=order: (
                lambda x: special.sph_legendre_p(n, m, x)[0],
                lambda x: special.sph_legendre_p(n, m, x, diff_n=1)[1],
            ),
            ((0.1, 3.0),),
        )
    for degree in (3, 8):
        for first, second in ((0, 1), (1, 2)):
            yield Wild(
                "SciPy",
                f"special.legendre_p({degree}, x), derivative {first}",
                f"special.legendre_p({degree}, x, diff_n=2), derivative {second}",
                lambda n=degree, a=first, b=second: (
                    lambda x: special.legendre_p(n, x, diff_n=2)[a],
                    lambda x: special.legendre_p(n, x, diff_n=2)[b],
                ),
                ((-2.0, 2.0),),
            )
    yield Wild(
        "SciPy",
        "special.lqn(3, x)[0]",
        "special.lqn(3, x)[1]",
        lambda: (lambda x: special.lqn(3, x), True),
        ((-0.9, 0.9),),
    )
    for name in ("riccati_jn", "riccati_yn"):
        yield Wild(
            "SciPy",
            f"special.{name}(3, x)[0]",
            f"special.{name}(3, x)[1]",
            lambda n=name: (lambda x: getattr(special, n)(3, x), True),
            ((0.5, 9.0),),
        )


def _kolmogorov_slope(x: float) -> Any:
    """Return d/dx of 2 sum (-1)^(k-1) exp(-2 k^2 x^2), the survival function of the Kolmogorov distribution."""
    mpmath = many_digits()
    x = mpmath.mpf(x)
    return 2 * sum((-1) ** k * 4 * k * k * x * mpmath.exp(-2 * k * k * x * x) for k in range(1, 60))


def _k0_integral(x: float) -> Any:
    """Return the integral of K0(t)/t from x on."""
    mpmath = many_digits()
    return mpmath.quad(lambda t: mpmath.besselk(0, t) / t, [x, x + 2, x + 8, x + 60])


def _returned_together() -> Iterator[Wild]:
    """Functions that return a value and its derivative."""
    special = import_module("scipy.special")
    table: list[tuple[str, tuple[Any, ...], tuple[float, float]]] = [
        ("pbdv", (1.5,), (-4.0, 4.0)),
        ("pbdv", (-2.5,), (-3.0, 4.0)),
        ("pbvv", (1.5,), (-3.0, 3.0)),
        ("pbwa", (0.7,), (-4.0, 4.0)),
        ("mathieu_modcem1", (2, 1.5), (0.1, 2.0)),
        ("mathieu_modcem2", (2, 1.5), (0.1, 2.0)),
        ("mathieu_modsem1", (2, 1.5), (0.1, 2.0)),
        ("mathieu_modsem2", (2, 1.5), (0.1, 2.0)),
        ("pro_ang1", (1, 3, 2.0), (-0.9, 0.9)),
        ("obl_ang1", (1, 3, 2.0), (-0.9, 0.9)),
        ("pro_rad1", (1, 3, 2.0), (1.1, 5.0)),
        ("pro_rad2", (1, 3, 2.0), (1.1, 5.0)),
        ("obl_rad1", (1, 3, 2.0), (0.2, 5.0)),
        ("obl_rad2", (1, 3, 2.0), (0.2, 5.0)),
    ]
    for name, fixed, box in table:
        yield Wild(
            "SciPy",
            f"special.{name}{(*fixed,)}[0]",
            f"special.{name}{(*fixed,)}[1]",
            lambda n=name, a=fixed: (partial(getattr(special, n), *a), True),
            (box,),
        )
    for name in ("mathieu_cem", "mathieu_sem"):  # whose argument is in degrees, and the derivative by radians
        yield Wild(
            "SciPy",
            f"special.{name}(2, 1.5, degrees(x))[0]",
            f"special.{name}(2, 1.5, degrees(x))[1]",
            lambda n=name: (lambda x: getattr(special, n)(2, 1.5, x * 57.29577951308232), True),
            ((-3.0, 3.0),),
        )
    for first in (0, 2):
        yield Wild(
            "SciPy",
            f"special.airy(x)[{first}]",
            f"special.airy(x)[{first + 1}]",
            lambda k=first: (lambda x: special.airy(x)[k], lambda x: special.airy(x)[k + 1]),
            ((-9.0, 6.0),),
        )


def _integrals() -> Iterator[Wild]:
    """Integrals whose integrands are functions of the library too."""
    special = import_module("scipy.special")
    np = import_module("numpy")
    yield Wild(
        "SciPy",
        "special.itairy",
        "integrand of special.itairy",
        lambda: (
            special.itairy,
            lambda x: [special.airy(x)[0], special.airy(x)[2], special.airy(-x)[0], special.airy(-x)[2]],
        ),
        ((0.1, 9.0),),
        points=(2.0, 9.0),
        mistake=Mistake(
            "1.17.1",
            "the power series up to 9.25 loses the integral of Ai to cancellation: at 9 it returns 7.9 times of it",
            9.0,
            lambda: many_digits().airyai(9, derivative=-1),
            of_function=True,
        ),
    )
    yield Wild(
        "SciPy",
        "special.it2i0k0",
        "integrand of special.it2i0k0",
        lambda: (special.it2i0k0, lambda x: [(special.i0(x) - 1) / x, -special.k0(x) / x]),
        ((0.2, 15.0),),
        points=(14.0,),
        mistake=Mistake(
            "1.17.1",
            "beyond 12, its integral of K0(t)/t is many times too large: 14 times at 14",
            14.0,
            lambda: _k0_integral(14),
            index=1,
            of_function=True,
        ),
    )
    table: list[tuple[str, Any, Any, tuple[float, float]]] = [
        ("iti0k0", special.iti0k0, lambda x: [special.i0(x), special.k0(x)], (0.2, 15.0)),
        ("itj0y0", special.itj0y0, lambda x: [special.j0(x), special.y0(x)], (0.2, 15.0)),
        ("it2j0y0", special.it2j0y0, lambda x: [(1 - special.j0(x)) / x, -special.y0(x) / x], (0.2, 15.0)),
        ("itstruve0", special.itstruve0, lambda x: special.struve(0, x), (0.2, 15.0)),
        ("it2struve0", special.it2struve0, lambda x: -special.struve(0, x) / x, (0.2, 15.0)),
        ("itmodstruve0", special.itmodstruve0, lambda x: special.modstruve(0, x), (0.2, 12.0)),
        ("spence", special.spence, lambda x: np.log(x) / (1 - x) if x != 1 else -1.0, (0.05, 6.0)),
        ("fresnel", special.fresnel, lambda x: [np.sin(np.pi * x * x / 2), np.cos(np.pi * x * x / 2)], (-4.0, 4.0)),
        ("sici", special.sici, lambda x: [np.sin(x) / x, (np.cos(x)) / x], (0.2, 20.0)),
        ("shichi", special.shichi, lambda x: [np.sinh(x) / x, np.cosh(x) / x], (0.2, 12.0)),
        ("expi", special.expi, lambda x: np.exp(x) / x, (0.1, 12.0)),
        ("exp1", special.exp1, lambda x: -np.exp(-x) / x, (0.1, 12.0)),
        ("ndtr", special.ndtr, lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), (-6.0, 6.0)),
        ("dawsn", special.dawsn, lambda x: 1 - 2 * x * special.dawsn(x), (-8.0, 8.0)),
        ("erfi", special.erfi, lambda x: 2 / np.sqrt(np.pi) * np.exp(x * x), (-4.0, 4.0)),
        ("expit", special.expit, lambda x: special.expit(x) * special.expit(-x), (-20.0, 20.0)),
        ("logit", special.logit, lambda x: 1 / (x * (1 - x)), (0.01, 0.99)),
    ]
    for name, f, df, box in table:
        yield Wild("SciPy", f"special.{name}", f"integrand of special.{name}", lambda f=f, df=df: (f, df), (box,))


_PARAMETERS: dict[str, tuple[float, ...]] = {
    "alpha": (3.57,), "anglit": (), "arcsine": (), "argus": (1.0,), "beta": (2.31, 0.627), "betaprime": (5, 6),
    "bradford": (0.3,), "burr": (10.5, 4.3), "burr12": (10, 4), "cauchy": (), "chi": (8,), "chi2": (5,), "cosine": (),
    "crystalball": (2.0, 3.0), "dgamma": (1.1,), "dpareto_lognorm": (3, 1.2, 1.5, 2), "dweibull": (2.07,),
    "expon": (), "exponnorm": (1.5,), "exponpow": (2.7,), "exponweib": (2.89, 1.95), "f": (29, 18),
    "fatiguelife": (2.9,), "fisk": (3.09,), "foldcauchy": (4.72,), "foldnorm": (1.95,), "gamma": (1.99,),
    "genexpon": (9.1, 16.2, 3.28), "genextreme": (-0.1,), "gengamma": (4.42, -3.12), "genhalflogistic": (0.773,),
    "geninvgauss": (2.3, 1.5), "genlogistic": (0.412,), "gennorm": (1.3,), "genpareto": (0.1,), "gibrat": (),
    "gompertz": (0.947,), "gumbel_l": (), "gumbel_r": (), "halfcauchy": (), "halfgennorm": (0.675,),
    "halflogistic": (), "halfnorm": (), "hypsecant": (), "invgamma": (4.07,), "invgauss": (0.145,),
    "invweibull": (10.58,), "irwinhall": (10,), "jf_skew_t": (8, 4), "johnsonsb": (4.32, 3.18),
    "johnsonsu": (2.55, 2.25), "kappa3": (1.0,), "kappa4": (0.1, 0.0), "ksone": (30,), "kstwo": (10,),
    "kstwobign": (), "landau": (), "laplace": (), "laplace_asymmetric": (2,), "levy": (), "levy_l": (),
    "loggamma": (0.414,), "logistic": (), "loglaplace": (3.25,), "lognorm": (0.954,), "loguniform": (0.01, 1.25),
    "lomax": (1.88,), "maxwell": (), "mielke": (10.4, 4.6), "moyal": (), "nakagami": (4.97,), "ncf": (27, 27, 0.416),
    "nct": (14, 0.24), "ncx2": (21, 1.06), "norm": (), "pareto": (2.62,), "pearson3": (-2,), "powerlaw": (0.659,),
    "powerlognorm": (2.14, 0.446), "powernorm": (4.45,), "rayleigh": (), "rdist": (1.6,), "recipinvgauss": (0.63,),
    "rel_breitwigner": (36.5,), "rice": (0.775,), "semicircular": (), "skewcauchy": (0.5,), "skewnorm": (4.0,),
    "t": (2.74,), "trapezoid": (0.2, 0.8), "triang": (0.158,), "truncexpon": (4.69,), "truncnorm": (0.1, 2.0),
    "truncpareto": (-2, 5), "truncweibull_min": (2.5, 0.25, 1.75), "tukeylambda": (3.13,), "uniform": (),
    "vonmises": (3.99,), "wald": (), "weibull_max": (2.87,), "weibull_min": (1.79,), "wrapcauchy": (0.031,),
}  # fmt: skip


def _densities() -> Iterator[Wild]:
    """Distributions: the density is the derivative of the distribution function, each with its own formula."""
    stats = import_module("scipy.stats")
    wrong = {
        "kstwobign": Mistake(
            "1.17.1", "it is computed by special._ufuncs._kolmogp, see there", 0.83, lambda: -_kolmogorov_slope(0.83)
        )
    }
    for name, shape in _PARAMETERS.items():
        distribution = getattr(stats, name, None)
        if distribution is None:
            continue
        frozen = distribution(*shape)
        low, high = map(float, frozen.ppf([0.02, 0.98]))
        yield Wild(
            "SciPy",
            f"stats.{name}{shape}.cdf",
            f"stats.{name}{shape}.pdf",
            lambda d=frozen: (d.cdf, d.pdf),
            ((low, high),),
            points=(wrong[name].at,) if name in wrong else (),
            mistake=wrong.get(name),
        )


def _test_functions() -> Iterator[Wild]:
    """The test functions of root finders, with their first and second derivatives."""
    utils = import_module("scipy.optimize._tstutils")
    fixed: dict[str, tuple[tuple[float, ...], tuple[float, float]]] = {
        "f1": ((), (0.5, 1.7)), "f2": ((), (0.5, 1.7)), "f3": ((), (0.5, 1.7)), "aps01": ((), (1.6, 3.1)),
        "aps02": ((), (4.5, 8.5)), "aps03": ((-40, -1), (-3.0, 9.0)), "aps04": ((6, 0.2), (0.1, 5.0)),
        "aps05": ((), (0.0, 1.5)), "aps06": ((5,), (0.0, 1.0)), "aps07": ((5,), (0.0, 1.0)),
        "aps08": ((5,), (0.0, 1.0)), "aps09": ((4,), (0.0, 1.0)), "aps10": ((5,), (0.0, 1.0)),
        "aps11": ((5,), (0.01, 1.0)), "aps12": ((5,), (1.0, 100.0)), "aps13": ((), (-1.0, 4.0)),
        "aps14": ((5,), (-6.0, 1.5)), "aps15": ((20,), (-0.001, 0.0005)),
    }  # fmt: skip
    wrong = {
        "aps02_fpp": Mistake(
            "1.17.1",
            "the sign: the derivative of u**-4 is -4*u**-5",
            5.0,
            lambda: -24 * sum((2 * i - 5) ** 2 / many_digits().mpf(5 - i**2) ** 5 for i in range(1, 21)),
        ),
        "aps09_fpp": Mistake("1.17.1", "a factor n is lost, by the chain rule", 0.5, lambda: -12 * 4**2),
        "aps10_fpp": Mistake(
            "1.17.1",
            "-n*x stands where -n belongs",
            0.5,
            lambda: many_digits().exp(-2.5) * (-5 * (-5 * (-0.5) + 1) - 5) + 20 * 0.125,
        ),
        "aps15_fp": Mistake("1.17.1", "where f is constant, it returns the constant instead of 0", -0.0005, lambda: 0),
        "aps15_fpp": Mistake("1.17.1", "where f is constant, it returns the constant instead of 0", -0.0005, lambda: 0),
    }
    for name, (arguments, box) in fixed.items():
        for first, second in (("f", "fp"), ("fp", "fpp")):
            of = name if first == "f" and name[0] == "f" else f"{name}_{first}"
            short = f"{name}_{second}"
            mistake = wrong.get(short)
            yield Wild(
                "SciPy",
                f"optimize._tstutils.{of}",
                f"optimize._tstutils.{short}",
                lambda f=of, df=short, a=arguments: (
                    lambda x: getattr(utils, f)(x, *a),
                    lambda x: getattr(utils, df)(x, *a),
                ),
                (box,),
                points=(mistake.at,) if mistake else (),
                mistake=mistake,
            )


def _arrays() -> Iterator[Wild]:
    """Functions of arrays: test functions, robust losses, the exponential of a matrix."""
    np = import_module("numpy")
    optimize = import_module("scipy.optimize")
    start = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
    yield Wild(
        "SciPy", "optimize.rosen", "optimize.rosen_der", lambda: (optimize.rosen, optimize.rosen_der),
        ((-2.0, 2.0),) * 5, start, array=np.asarray,
    )  # fmt: skip
    yield Wild(
        "SciPy", "optimize.rosen_der", "optimize.rosen_hess", lambda: (optimize.rosen_der, optimize.rosen_hess),
        ((-2.0, 2.0),) * 5, start, array=np.asarray,
    )  # fmt: skip
    losses = import_module("scipy.optimize._lsq.least_squares")
    losses = sys.modules["scipy.optimize._lsq.least_squares"]
    for name in ("huber", "soft_l1", "cauchy", "arctan"):
        for order in (0, 1):
            yield Wild(
                "SciPy",
                f"least_squares: {name}, rho[{order}]",
                f"least_squares: {name}, rho[{order + 1}]",
                lambda n=name, k=order: (
                    lambda z: _rho(getattr(losses, n), z)[k],
                    lambda z: _rho(getattr(losses, n), z)[k + 1],
                ),
                ((0.05, 4.0),),
            )
    linalg = import_module("scipy.linalg")
    side = np.arange(9.0).reshape(3, 3) / 7 - 0.4

    def along(x: Any) -> Any:
        return linalg.expm_frechet(side @ side.T * x - side, side @ side.T, compute_expm=False)

    yield Wild(
        "SciPy", "linalg.expm(A*x + B)", "linalg.expm_frechet",
        lambda: (lambda x: linalg.expm(side @ side.T * x - side), along), ((-1.0, 2.0),),
    )  # fmt: skip


def _rho(loss: Any, z: float) -> Any:
    """Return value, first and second derivative of a robust loss of `least_squares`."""
    np = import_module("numpy")
    rho = np.empty((3, 1))
    loss(np.array([z]), rho, cost_only=False)
    return rho[:, 0]


def _splines() -> Iterator[Wild]:
    np = import_module("numpy")
    interpolate = import_module("scipy.interpolate")
    x = np.array([0.0, 0.7, 1.1, 2.0, 3.2, 4.0, 4.6, 6.0])
    y = np.array([1.0, -0.5, 2.0, 0.3, 1.7, 1.2, -1.0, 0.4])

    def made(name: str) -> Any:
        if name == "CubicHermiteSpline":
            return interpolate.CubicHermiteSpline(x, y, y[::-1])
        if name == "make_interp_spline":
            return interpolate.make_interp_spline(x, y, k=5)
        if name == "make_smoothing_spline":
            return interpolate.make_smoothing_spline(x, y)
        if name == "UnivariateSpline":
            return interpolate.UnivariateSpline(x, y, k=4, s=0.5)
        if name == "BPoly":
            return interpolate.BPoly.from_derivatives(x, np.stack([y, y[::-1]], axis=1))
        return getattr(interpolate, name)(x, y)

    for name in (
        "CubicSpline", "PchipInterpolator", "Akima1DInterpolator", "CubicHermiteSpline", "make_interp_spline",
        "make_smoothing_spline", "UnivariateSpline", "BPoly",
    ):  # fmt: skip
        yield Wild(
            "SciPy", f"interpolate.{name}", f"interpolate.{name}: derivative",
            lambda n=name: (made(n), made(n).derivative()), ((0.1, 5.9),),
        )  # fmt: skip
    for name in ("CubicSpline", "make_interp_spline", "BPoly"):
        yield Wild(
            "SciPy", f"interpolate.{name}: antiderivative", f"antiderivative of interpolate.{name}",
            lambda n=name: (made(n).antiderivative(), made(n)), ((0.1, 5.9),),
        )  # fmt: skip
    for name in ("KroghInterpolator", "BarycentricInterpolator"):
        yield Wild(
            "SciPy", f"interpolate.{name}", f"interpolate.{name}.derivative",
            lambda n=name: (made(n), made(n).derivative), ((0.1, 5.9),),
        )  # fmt: skip
    surface = interpolate.RectBivariateSpline(x, x[:6], np.outer(y, y[:6]) + y[:, None])
    yield Wild(
        "SciPy", "interpolate.RectBivariateSpline.ev", "interpolate.RectBivariateSpline.ev(dx, dy)",
        lambda: (surface.ev, lambda u, v: (surface.ev(u, v, dx=1), surface.ev(u, v, dy=1))),
        ((0.2, 4.6), (0.2, 3.1)),
    )  # fmt: skip
    u, v = np.stack(np.meshgrid(x, x[:6]), axis=-1).reshape(-1, 2).T
    smooth = interpolate.SmoothBivariateSpline(u, v, np.sin(u) * v)
    yield Wild(
        "SciPy", "interpolate.SmoothBivariateSpline.ev", "interpolate.SmoothBivariateSpline.ev(dx, dy)",
        lambda: (smooth.ev, lambda u, v: (smooth.ev(u, v, dx=1), smooth.ev(u, v, dy=1))),
        ((0.2, 4.6), (0.2, 3.1)),
    )  # fmt: skip


def _polynomials() -> Iterator[Wild]:
    np = import_module("numpy")
    coefficients = [0.3, -1.2, 0.7, 0.0, 0.4, -0.1]
    for name in ("Polynomial", "Chebyshev", "Legendre", "Hermite", "HermiteE", "Laguerre"):
        for times in (1, 2):
            yield Wild(
                "NumPy", f"polynomial.{name}, derivative {times - 1}", f"polynomial.{name}.deriv({times})",
                lambda n=name, k=times: tuple(getattr(np.polynomial, n)(coefficients).deriv(m) for m in (k - 1, k)),
                ((-1.5, 1.5),),
            )  # fmt: skip
        yield Wild(
            "NumPy", f"polynomial.{name}.integ", f"integrand of polynomial.{name}.integ",
            lambda n=name: (
                getattr(np.polynomial, n)(coefficients).integ(), getattr(np.polynomial, n)(coefficients)
            ),
            ((-1.5, 1.5),),
        )  # fmt: skip
    yield Wild(
        "NumPy", "poly1d", "poly1d.deriv", lambda: (np.poly1d(coefficients), np.poly1d(coefficients).deriv()),
        ((-1.5, 1.5),),
    )  # fmt: skip
    special = import_module("scipy.special")
    for name, fixed in (
        ("legendre", ()), ("chebyt", ()), ("chebyu", ()), ("hermite", ()), ("hermitenorm", ()), ("laguerre", ()),
        ("jacobi", (0.5, 1.5)), ("gegenbauer", (0.7,)), ("genlaguerre", (0.7,)),
    ):  # fmt: skip
        yield Wild(
            "SciPy", f"special.{name}(5)", f"special.{name}(5).deriv()",
            lambda n=name, a=fixed: (getattr(special, n)(5, *a), np.poly1d(getattr(special, n)(5, *a)).deriv()),
            ((-0.9, 0.9),),
        )  # fmt: skip
