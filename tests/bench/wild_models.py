"""Derivatives of models and distributions: Astropy, TensorFlow Probability, distributions of PyTorch."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("scipy",)


def cases() -> Iterator[Wild]:
    """Yield those whose libraries are there."""
    for package, library, parts in (
        ("astropy", "astropy", (_models,)),
        ("tensorflow_probability", "tensorflow-probability", (_distributions, _bijectors)),
        ("torch", "PyTorch", (_torch_distributions, _transforms)),
    ):
        if find_spec(package):
            yield from gathered(library, parts)


def _models() -> Iterator[Wild]:
    """Models by their parameters."""
    np, models = import_module("numpy"), import_module("astropy.modeling.models")
    table: dict[str, tuple[float, ...]] = {
        "ArcCosine1D": (6.1, 0.09, 0.1), "ArcSine1D": (6.1, 0.09, 0.1), "ArcTangent1D": (2.1, 0.3, 0.1),
        "BrokenPowerLaw1D": (2.0, 1.85, 1.3, 2.1), "Const1D": (1.3,), "Cosine1D": (1.7, 0.3, 0.1),
        "Drude1D": (1.5, 2.2, 0.9), "Exponential1D": (1.5, 2.0), "ExponentialCutoffPowerLaw1D": (1.5, 1.2, 1.4, 3.0),
        "Gaussian1D": (1.5, 1.7, 0.8), "KingProjectedAnalytic1D": (1.5, 1.2, 7.0), "Linear1D": (1.5, 0.4),
        "LogParabola1D": (1.5, 1.2, 1.4, 0.6), "Logarithmic1D": (1.5, 2.0), "Lorentz1D": (1.5, 1.7, 0.8),
        "Moffat1D": (1.5, 1.7, 0.8, 1.6), "Plummer1D": (1.5, 1.1), "PowerLaw1D": (1.5, 1.2, 1.4),
        "RedshiftScaleFactor": (0.7,), "Scale": (1.3,), "Multiply": (1.3,), "Shift": (0.6,),
        "Schechter1D": (1.5, -0.7, -1.2), "Sine1D": (1.7, 0.3, 0.1), "Tangent1D": (1.7, 0.05, 0.02),
        "SmoothlyBrokenPowerLaw1D": (1.5, 1.85, 1.4, 2.2, 0.3), "Voigt1D": (1.7, 1.5, 0.8, 0.6),
        "Gaussian2D": (1.5, 1.7, 0.9, 0.8, 1.1, 0.3), "Lorentz2D": (1.5, 1.7, 0.9, 0.8),
        "Moffat2D": (1.5, 1.7, 0.9, 0.8, 1.6), "Planar2D": (1.5, 0.4, 0.2),
    }  # fmt: skip
    x, y = np.array([0.7, 1.3, 2.4, 3.1]), np.array([0.4, 1.5, 0.8, 1.9])
    wrong = {
        "Drude1D": Mistake(
            "8.0.2", "the derivative of x/x_0 by x_0 is -x/x_0**2, not -x/x_0: right where x_0 is 1 only",
            np.array(table["Drude1D"]), lambda: _drude_slope(0.7, *table["Drude1D"]), index=1,
        )
    }  # fmt: skip
    for name, parameters in table.items():

        def made(name: str = name, count: int = len(parameters)) -> Any:
            model = getattr(models, name)()
            at = (x, y) if name.endswith("2D") else (x,)
            split = lambda p: [p[i : i + 1] for i in range(count)]  # noqa: E731 - one line
            return (
                lambda p: model.evaluate(*at, *split(p)),
                lambda p: np.array([np.broadcast_to(d, x.shape) for d in model.fit_deriv(*at, *split(p))]).T,
            )

        box = tuple((v - 0.2 * abs(v), v + 0.2 * abs(v)) for v in parameters)
        yield Wild(
            "astropy", f"models.{name}.evaluate", f"models.{name}.fit_deriv", made, box, np.array(parameters),
            array=np.asarray, mistake=wrong.get(name),
        )  # fmt: skip
    for name in ("Polynomial1D", "Chebyshev1D", "Legendre1D", "Hermite1D"):

        def series(name: str = name) -> Any:
            model = getattr(models, name)(4)
            return (
                lambda c: model.evaluate(x, *(v for v in c[:, None])),
                lambda c: np.asarray(model.fit_deriv(x, *(v for v in c[:, None]))),
            )

        yield Wild(
            "astropy", f"models.{name}.evaluate", f"models.{name}.fit_deriv", series, ((-1.0, 1.0),) * 5,
            np.array([0.3, -0.7, 1.1, 0.2, -0.4]), array=np.asarray,
        )  # fmt: skip


def _drude_slope(x: float, amplitude: float, middle: float, width: float) -> Any:
    mpmath = many_digits()

    def drude(x_0: Any) -> Any:
        share = (width / x_0) ** 2
        return amplitude * share / ((x / x_0 - x_0 / x) ** 2 + share)

    return mpmath.diff(drude, mpmath.mpf(middle))


def jax_number(f: Any, df: Any = None) -> Any:
    """Return a function of JAX and its derivative, by its engine unless one is given, as functions of a number."""
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    one, slope = jax.jit(f), jax.jit(df or jax.grad(f))
    return lambda x: float(one(x)), lambda x: float(slope(x))


def _distributions() -> Iterator[Wild]:
    """Distributions, of which the density is the slope of the distribution function, each with its own formula."""
    import_module("jax").config.update("jax_enable_x64", True)
    jnp = import_module("jax.numpy")
    made = import_module("tensorflow_probability.substrates.jax").distributions
    table: dict[str, tuple[tuple[float, ...], tuple[float, float]]] = {
        "Beta": ((2.3, 1.7), (0.05, 0.95)),
        "Cauchy": ((0.3, 1.2), (-4.0, 4.0)),
        "Chi2": ((3.7,), (0.2, 9.0)),
        "Chi": ((3.7,), (0.2, 5.0)),
        "ContinuousBernoulli": ((0.3,), (0.05, 0.95)),
        "ExpGamma": ((2.3, 1.1), (-2.0, 2.0)),
        "Exponential": ((1.3,), (0.1, 5.0)),
        "ExponentiallyModifiedGaussian": ((0.3, 1.2, 0.7), (-4.0, 5.0)),
        "Gamma": ((2.3, 1.1), (0.1, 7.0)),
        "GeneralizedExtremeValue": ((0.3, 1.2, 0.2), (-3.0, 5.0)),
        "GeneralizedNormal": ((0.3, 1.2, 1.6), (-4.0, 4.0)),
        "GeneralizedPareto": ((0.3, 1.2, 0.4), (0.4, 6.0)),
        "Gumbel": ((0.3, 1.2), (-3.0, 5.0)),
        "HalfCauchy": ((0.3, 1.2), (0.4, 6.0)),
        "HalfNormal": ((1.2,), (0.1, 4.0)),
        "InverseGamma": ((2.3, 1.1), (0.1, 4.0)),
        "InverseGaussian": ((1.3, 1.1), (0.1, 4.0)),
        "JohnsonSU": ((0.3, 1.4, 0.2, 1.1), (-3.0, 3.0)),
        "Kumaraswamy": ((2.3, 1.7), (0.05, 0.95)),
        "Laplace": ((0.3, 1.2), (-4.0, 4.0)),
        "LogLogistic": ((0.3, 0.8), (0.1, 5.0)),
        "LogNormal": ((0.3, 0.8), (0.1, 5.0)),
        "Logistic": ((0.3, 1.2), (-5.0, 5.0)),
        "LogitNormal": ((0.3, 0.8), (0.05, 0.95)),
        "Moyal": ((0.3, 1.2), (-2.0, 6.0)),
        "Normal": ((0.3, 1.2), (-4.0, 4.0)),
        "Pareto": ((2.3, 1.1), (1.2, 6.0)),
        "PERT": ((0.0, 0.4, 1.0), (0.05, 0.95)),
        "SigmoidBeta": ((2.3, 1.7), (-3.0, 3.0)),
        "StudentT": ((3.7, 0.3, 1.2), (-4.0, 4.0)),
        "Triangular": ((0.0, 1.0, 0.4), (0.05, 0.95)),
        "TruncatedCauchy": ((0.3, 1.2, -2.0, 3.0), (-1.8, 2.8)),
        "TruncatedNormal": ((0.3, 1.2, -2.0, 3.0), (-1.8, 2.8)),
        "TwoPieceNormal": ((0.3, 1.2, 0.8), (-4.0, 4.0)),
        "TwoPieceStudentT": ((3.7, 0.3, 1.2, 0.8), (-4.0, 4.0)),
        "Uniform": ((0.1, 1.2), (0.2, 1.1)),
        "VonMises": ((0.3, 1.2), (-2.5, 2.5)),
        "Weibull": ((1.6, 1.2), (0.1, 3.0)),
        "SinhArcsinh": ((0.3, 1.2, 0.2, 1.1), (-3.0, 3.0)),
    }
    for name, (parameters, box) in table.items():

        def pair(name: str = name, parameters: Any = parameters) -> Any:
            d = getattr(made, name)(*(jnp.array(p) for p in parameters))
            return jax_number(d.cdf, lambda x: jnp.exp(d.log_prob(x)))

        yield Wild(
            "tensorflow-probability", f"distributions.{name}.cdf", f"distributions.{name}.log_prob", pair, (box,)
        )


def _bijectors() -> Iterator[Wild]:
    import_module("jax").config.update("jax_enable_x64", True)
    jnp = import_module("jax.numpy")
    made = import_module("tensorflow_probability.substrates.jax").bijectors
    both, positive, unit = (-2.5, 2.5), (0.1, 4.0), (0.05, 0.95)
    table: dict[str, tuple[tuple[Any, ...], tuple[float, float]]] = {
        "Exp": ((), both),
        "Expm1": ((), both),
        "Log": ((), positive),
        "Log1p": ((), positive),
        "Sigmoid": ((), both),
        "Softplus": ((), both),
        "Softsign": ((), both),
        "Tanh": ((), both),
        "Sinh": ((), both),
        "NormalCDF": ((), both),
        "SinhArcsinh": ((0.3, 1.2), both),
        "Square": ((), positive),
        "Reciprocal": ((), positive),
        "Power": ((1.7,), positive),
        "PowerTransform": ((0.4,), both),
        "GumbelCDF": ((0.3, 1.2), both),
        "WeibullCDF": ((1.2, 1.6), positive),
        "KumaraswamyCDF": ((2.3, 1.7), unit),
        "GeneralizedExtremeValueCDF": ((0.3, 1.2, 0.2), both),
        "MoyalCDF": ((0.3, 1.2), both),
        "FrechetCDF": ((0.0, 1.2, 1.6), positive),
        "GompertzCDF": ((0.4, 1.1), positive),
        "RayleighCDF": ((1.2,), positive),
        "GeneralizedPareto": ((0.3, 1.2, 0.4), both),
        "LambertWTail": ((0.3, 1.2, 0.4), both),
        "NormalCDF, inverse": ((), unit),
        "SoftClip": ((-1.5, 1.7), both),
        "Shift": ((0.3,), both),
        "Scale": ((1.2,), both),
    }
    for name, (parameters, box) in table.items():

        def pair(name: str = name, parameters: Any = parameters) -> Any:
            b = getattr(made, name.partition(",")[0])(*(jnp.array(p) for p in parameters))
            b = made.Invert(b) if "inverse" in name else b
            sign = -1.0 if name == "Reciprocal" else 1.0
            return jax_number(b.forward, lambda x: sign * jnp.exp(b.forward_log_det_jacobian(x, event_ndims=0)))

        yield Wild(
            "tensorflow-probability", f"bijectors.{name}.forward", f"bijectors.{name}.forward_log_det_jacobian", pair,
            (box,),
        )  # fmt: skip


def _torch_distributions() -> Iterator[Wild]:
    torch, made = import_module("torch"), import_module("torch.distributions")
    table: dict[str, tuple[tuple[float, ...], tuple[float, float]]] = {
        "Cauchy": ((0.3, 1.2), (-4.0, 4.0)),
        "Chi2": ((3.7,), (0.2, 9.0)),
        "ContinuousBernoulli": ((0.3,), (0.05, 0.95)),
        "Exponential": ((1.3,), (0.1, 5.0)),
        "Gamma": ((2.3, 1.1), (0.1, 7.0)),
        "Gumbel": ((0.3, 1.2), (-3.0, 5.0)),
        "HalfCauchy": ((1.2,), (0.1, 6.0)),
        "HalfNormal": ((1.2,), (0.1, 4.0)),
        "InverseGamma": ((2.3, 1.1), (0.1, 4.0)),
        "Kumaraswamy": ((2.3, 1.7), (0.05, 0.95)),
        "Laplace": ((0.3, 1.2), (-4.0, 4.0)),
        "LogNormal": ((0.3, 0.8), (0.1, 5.0)),
        "Normal": ((0.3, 1.2), (-4.0, 4.0)),
        "Pareto": ((1.1, 2.3), (1.2, 6.0)),
        "Uniform": ((0.1, 1.2), (0.2, 1.1)),
        "Weibull": ((1.2, 1.6), (0.1, 3.0)),
    }
    for name, (parameters, box) in table.items():

        def pair(name: str = name, parameters: Any = parameters) -> Any:
            d = getattr(made, name)(*(torch.tensor(p, dtype=torch.float64) for p in parameters))
            number = lambda f, x: f(torch.tensor(x, dtype=torch.float64)).item()  # noqa: E731 - one line
            return partial(number, d.cdf), lambda x: number(lambda t: d.log_prob(t).exp(), x)

        yield Wild("PyTorch", f"distributions.{name}.cdf", f"distributions.{name}.log_prob", pair, (box,))


def _transforms() -> Iterator[Wild]:
    torch, made = import_module("torch"), import_module("torch.distributions.transforms")
    both, positive = (-2.5, 2.5), (0.1, 4.0)
    table: dict[str, tuple[Any, tuple[float, float]]] = {
        "ExpTransform": (made.ExpTransform, both), "SigmoidTransform": (made.SigmoidTransform, both),
        "TanhTransform": (made.TanhTransform, both), "SoftplusTransform": (made.SoftplusTransform, both),
        "AffineTransform": (lambda: made.AffineTransform(0.3, 1.2), both),
        "PowerTransform": (lambda: made.PowerTransform(torch.tensor(1.7, dtype=torch.float64)), positive),
        "ComposeTransform": (lambda: made.ComposeTransform([made.TanhTransform(), made.ExpTransform()]), both),
        "ExpTransform.inv": (lambda: made.ExpTransform().inv, positive),
        "CumulativeDistributionTransform": (
            lambda: made.CumulativeDistributionTransform(
                import_module("torch.distributions").Normal(*torch.tensor([0.3, 1.2], dtype=torch.float64))
            ),
            both,
        ),
    }  # fmt: skip
    for name, (make, box) in table.items():

        def pair(make: Any = make) -> Any:
            t = make()
            tensor = lambda x: torch.tensor(x, dtype=torch.float64)  # noqa: E731 - one line
            return (
                lambda x: t(tensor(x)).item(),
                lambda x: t.log_abs_det_jacobian(tensor(x), t(tensor(x))).exp().item(),
            )

        yield Wild("PyTorch", f"transforms.{name}", f"transforms.{name}.log_abs_det_jacobian", pair, (box,))
