"""Derivatives of GPy: its kernels, likelihoods, links, priors, warpings and constraints, written by hand."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = ("GPy",)


def cases() -> Iterator[Wild]:
    """Yield them all."""
    yield from gathered("GPy", (_links, _likelihoods, _kernels, _inputs, _priors, _constraints, _warpings))


def _elementwise(function: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Any:
    """Return functions of arrays of one number as functions of that number."""
    numpy = import_module("numpy")
    first, second = ((lambda x, f=f: float(numpy.ravel(f(numpy.array([[x]])))[0])) for f in (function, derivative))
    return first, second


def _links() -> Iterator[Wild]:
    chain = ("transf", "dtransf_df", "d2transf_df2", "d3transf_df3")
    for name in ["Identity", "Probit", "ScaledProbit", "Cloglog", "Log", "Log_ex_1", "Reciprocal"]:
        box = (0.3, 3.0) if name == "Reciprocal" else (-2.0, 2.0)
        for of, by in pairwise(chain):
            options = (1.7,) if name == "ScaledProbit" else ()
            made = partial(_of_link, name, options, of, by)
            yield Wild("GPy", f"link_functions.{name}.{of}", f"link_functions.{name}.{by}", made, (box,))


def _of_link(name: str, options: tuple[float, ...], of: str, by: str) -> Any:
    link = getattr(import_module("GPy.likelihoods.link_functions"), name)(*options)
    return _elementwise(getattr(link, of), getattr(link, by))


def _likelihoods() -> Iterator[Wild]:
    likelihoods = import_module("GPy.likelihoods")
    numpy = import_module("numpy")
    chain = ("logpdf_link", "dlogpdf_dlink", "d2logpdf_dlink2", "d3logpdf_dlink3")
    table = {
        "Gaussian": ((-2.0, 2.0), 0.4, {"variance": 0.7}, None),
        "Bernoulli": ((0.1, 0.9), 1.0, {}, None),
        "Poisson": ((0.3, 4.0), 3.0, {}, None),
        "StudentT": ((-2.0, 2.0), 0.4, {"deg_free": 4.5, "sigma2": 1.3}, None),
        "Exponential": ((0.3, 4.0), 1.2, {}, None),
        "Gamma": ((0.3, 4.0), 1.2, {"beta": 1.4}, None),
        "Weibull": ((0.3, 4.0), 1.2, {"beta": 1.4}, "censored"),
        "LogLogistic": ((0.3, 4.0), 1.2, {"r": 1.4}, "censored"),
        "Binomial": ((0.1, 0.9), 2.0, {}, "trials"),
    }
    for name, (box, y, options, meta) in table.items():
        data = {"censored": numpy.array([[0.0]]), "trials": numpy.array([[5.0]])} if meta else None
        for of, by in pairwise(chain):

            def made(n: str = name, f: str = of, d: str = by, y: float = y, o: Any = options, data: Any = data) -> Any:
                model, seen = getattr(likelihoods, n)(**o), numpy.array([[y]])
                first, second = (partial(getattr(model, m), y=seen, Y_metadata=data) for m in (f, d))
                return _elementwise(first, second)

            yield Wild("GPy", f"likelihoods.{name}.{of}", f"likelihoods.{name}.{by}", made, (box,))


KERNELS = (
    "RBF Exponential OU Matern32 Matern52 ExpQuad Cosine ExpQuadCosine Sinc RatQuad Linear Poly MLP StdPeriodic White "
    "Bias Brownian Spline"
)


def _kernels() -> Iterator[Wild]:
    numpy = import_module("numpy")
    rng = numpy.random.default_rng(1)
    points = rng.uniform(0.2, 2.0, size=(4, 1))
    weights = rng.normal(size=(4, 4))
    weights = weights + weights.T
    kernels = import_module("GPy.kern")
    for name in KERNELS.split():

        def made(n: str = name) -> Any:
            kernel = getattr(kernels, n)(1)

            def value(parameters: Any) -> float:
                kernel[:] = parameters
                return float(numpy.sum(weights * kernel.K(points)))

            def gradient(parameters: Any) -> Any:
                kernel[:] = parameters
                kernel.update_gradients_full(weights, points)
                return kernel.gradient.copy()

            return value, gradient

        if hasattr(kernels, name):
            start = numpy.full(getattr(kernels, name)(1).size, 0.8) + 0.1 * numpy.arange(getattr(kernels, name)(1).size)
            yield Wild("GPy", f"kern.{name}.K", f"kern.{name}.update_gradients_full", made, start=start)


def _inputs() -> Iterator[Wild]:
    numpy = import_module("numpy")
    rng = numpy.random.default_rng(2)
    kernels = import_module("GPy.kern")
    other, weights = rng.normal(size=(4, 2)), rng.normal(size=(3, 4))
    for name in KERNELS.split():
        if name in ("Brownian", "Spline", "Poly") or not hasattr(kernels, name):
            continue

        def made(n: str = name) -> Any:
            kernel = getattr(kernels, n)(2)
            return (
                lambda x: float(numpy.sum(weights * kernel.K(x, other))),
                lambda x: kernel.gradients_X(weights, x, other),
            )

        def diagonal(n: str = name) -> Any:
            kernel = getattr(kernels, n)(2)
            return lambda x: float(weights[0, :3] @ kernel.Kdiag(x)), lambda x: kernel.gradients_X_diag(
                weights[0, :3], x
            )

        start = rng.normal(size=(3, 2))
        yield Wild("GPy", f"kern.{name}.K by X", f"kern.{name}.gradients_X", made, start=start)
        yield Wild("GPy", f"kern.{name}.Kdiag", f"kern.{name}.gradients_X_diag", diagonal, start=start)


def _priors() -> Iterator[Wild]:
    priors = import_module("GPy.core.parameterization.priors")
    table = {
        "Gaussian": ((-2.0, 2.0), (0.3, 1.2)),
        "LogGaussian": ((0.2, 3.0), (0.3, 1.2)),
        "Gamma": ((0.2, 3.0), (1.3, 2.2)),
        "InverseGamma": ((0.2, 3.0), (1.3, 2.2)),
        "Exponential": ((0.2, 3.0), (1.3,)),
        "StudentT": ((-2.0, 2.0), (0.3, 1.2, 4.5)),
        "HalfT": ((0.2, 3.0), (1.3, 4.5)),
    }
    for name, (box, parameters) in table.items():

        def made(n: str = name, p: Any = parameters) -> Any:
            prior = getattr(priors, n)(*p)
            return _elementwise(prior.lnpdf, prior.lnpdf_grad)

        yield Wild("GPy", f"priors.{name}.lnpdf", f"priors.{name}.lnpdf_grad", made, (box,))


def _constraints() -> Iterator[Wild]:
    mistake = Mistake("1.15", "the sign: f is its own slope", 0.7, lambda: -many_digits().exp(0.7))
    transformations, numpy = import_module("paramz.transformations"), import_module("numpy")
    for name in ["Logexp", "Exponent", "NegativeLogexp", "NegativeExponent", "Square", "Logistic"]:

        def made(n: str = name) -> Any:
            constraint = getattr(transformations, n)(*((0.5, 2.5) if n == "Logistic" else ()))
            ones = numpy.ones(1)
            return _elementwise(constraint.f, lambda x: constraint.gradfactor(constraint.f(x).ravel(), ones))

        box = (0.3, 3.0) if name == "Square" else (-3.0, 3.0)
        found = mistake if name == "NegativeExponent" else None
        yield Wild(
            "GPy", f"transformations.{name}.f", f"transformations.{name}.gradfactor", made, (box,), mistake=found
        )


def _warpings() -> Iterator[Wild]:
    warpings = import_module("GPy.util.warping_functions")
    for name, box in {"TanhFunction": (-2.0, 2.0), "LogFunction": (0.3, 3.0), "IdentityFunction": (-2.0, 2.0)}.items():

        def made(n: str = name) -> Any:
            warping = getattr(warpings, n)()
            return _elementwise(warping.f, warping.fgrad_y)

        yield Wild("GPy", f"warping_functions.{name}.f", f"warping_functions.{name}.fgrad_y", made, (box,))
