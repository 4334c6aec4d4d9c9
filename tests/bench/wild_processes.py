"""Derivatives of smaller libraries: kernels of scikit-optimize, links of pyGAM, bounds of LMFIT, and their like."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Wild, gathered  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("scipy",)


def cases() -> Iterator[Wild]:
    """Yield those whose libraries are there."""
    for package, library, parts in (
        ("skopt", "scikit-optimize", (_kernels, _acquisitions)),
        ("pygam", "pyGAM", (_links,)),
        ("lmfit", "LMFIT", (_bounds,)),
        ("distrax", "Distrax", (_bijectors,)),
        ("gpytorch", "GPyTorch", (_covariances,)),
        ("lifelines", "lifelines", (_cox,)),
    ):
        if find_spec(package):
            yield from gathered(library, parts)


def _kernels() -> Iterator[Wild]:
    numpy, kernels = import_module("numpy"), import_module("skopt.learning.gaussian_process.kernels")
    rng = numpy.random.default_rng(3)
    train, start = rng.normal(size=(4, 2)), rng.normal(size=2)
    table = {
        "RBF": lambda: kernels.RBF(0.8),
        "RBF, anisotropic": lambda: kernels.RBF([0.8, 1.4]),
        "Matern(0.5)": lambda: kernels.Matern(0.8, nu=0.5),
        "Matern(1.5)": lambda: kernels.Matern(0.8, nu=1.5),
        "Matern(2.5)": lambda: kernels.Matern([0.8, 1.4], nu=2.5),
        "RationalQuadratic": lambda: kernels.RationalQuadratic(0.8, 1.3),
        "ExpSineSquared": lambda: kernels.ExpSineSquared(0.8, 1.3),
        "DotProduct": lambda: kernels.DotProduct(0.8),
        "WhiteKernel": lambda: kernels.WhiteKernel(0.8),
        "ConstantKernel": lambda: kernels.ConstantKernel(0.8),
        "Sum": lambda: kernels.RBF(0.8) + kernels.DotProduct(0.5),
        "Product": lambda: kernels.RBF(0.8) * kernels.Matern(1.1, nu=1.5),
        "Exponentiation": lambda: kernels.RBF(0.8) ** 3,
    }
    for name, make in table.items():

        def made(make: Any = make) -> Any:
            kernel = make()
            return (
                lambda x: kernel(x[None], train)[0],
                lambda x: numpy.asarray(kernel.gradient_x(x, train)),
            )

        yield Wild("scikit-optimize", f"kernels.{name}", f"kernels.{name}.gradient_x", made, start=start)


def _acquisitions() -> Iterator[Wild]:
    numpy, skopt = import_module("numpy"), import_module("skopt.acquisition")
    learning = import_module("skopt.learning")
    rng = numpy.random.default_rng(4)
    inputs = rng.normal(size=(6, 2))
    targets = numpy.sin(inputs).sum(1)
    options = {"gaussian_lcb": {}, "gaussian_pi": {"y_opt": -0.4}, "gaussian_ei": {"y_opt": -0.4}}
    kernels = import_module("skopt.learning.gaussian_process.kernels")
    for name, option in options.items():

        def made(name: str = name, option: Any = option) -> Any:
            model = learning.GaussianProcessRegressor(kernel=kernels.RBF(1.0), alpha=1e-3, optimizer=None)
            model.fit(inputs, targets)
            function = getattr(skopt, name)
            return (
                lambda x: float(function(x[None], model, **option)[0]),
                lambda x: function(x[None], model, return_grad=True, **option)[1],
            )

        yield Wild("scikit-optimize", f"acquisition.{name}", f"{name}(return_grad)", made, start=rng.normal(size=2))


def _links() -> Iterator[Wild]:
    numpy, links = import_module("numpy"), import_module("pygam.links")
    levels = import_module("types").SimpleNamespace(levels=3)
    for name, box in {
        "IdentityLink": (0.2, 2.0), "LogitLink": (0.2, 2.8), "LogLink": (0.2, 2.0), "InverseLink": (0.2, 2.0),
        "InvSquaredLink": (0.2, 2.0),
    }.items():  # fmt: skip

        def made(name: str = name) -> Any:
            link = getattr(links, name)()
            one = lambda method, x: float(numpy.ravel(method(numpy.array([x]), levels))[0])  # noqa: E731 - one line
            return partial(one, link.link), partial(one, link.gradient)

        yield Wild("pyGAM", f"links.{name}.link", f"links.{name}.gradient", made, (box,))


def _bounds() -> Iterator[Wild]:
    lmfit = import_module("lmfit")
    for name, bounds in {"min": {"min": -1.0}, "max": {"max": 2.0}, "both": {"min": -1.0, "max": 2.0}}.items():

        def made(bounds: Any = bounds) -> Any:
            parameter = lmfit.Parameter("a", value=0.5, **bounds)
            parameter.setup_bounds()
            return lambda x: float(parameter.from_internal(x)), lambda x: float(parameter.scale_gradient(x))

        yield Wild(
            "LMFIT", f"Parameter({name}).from_internal", f"Parameter({name}).scale_gradient", made, ((-3.0, 3.0),)
        )


def _bijectors() -> Iterator[Wild]:
    import_module("jax").config.update("jax_enable_x64", True)
    jnp, distrax = import_module("jax.numpy"), import_module("distrax")
    table = {
        "Tanh": distrax.Tanh,
        "Sigmoid": distrax.Sigmoid,
        "GumbelCDF": distrax.GumbelCDF,
        "ScalarAffine": lambda: distrax.ScalarAffine(jnp.array(0.3), scale=jnp.array(1.7)),
        "Inverse(Tanh)": lambda: distrax.Inverse(distrax.Sigmoid()),
        "RationalQuadraticSpline": lambda: distrax.RationalQuadraticSpline(
            jnp.linspace(-1, 1, 13) ** 2, range_min=-2.0, range_max=2.0
        ),
        "Chain": lambda: distrax.Chain([distrax.Tanh(), distrax.ScalarAffine(jnp.array(0.3), scale=jnp.array(0.5))]),
        "Lambda": lambda: distrax.Lambda(jnp.sinh),
    }
    for name, make in table.items():
        box = (0.1, 0.9) if name.startswith("Inverse") else (-1.8, 1.8)

        def made(make: Any = make) -> Any:
            bijector = make()
            sign = lambda x: 1.0 if bijector.forward(jnp.array(x + 1e-3)) > bijector.forward(jnp.array(x)) else -1.0  # noqa: E731
            return (
                lambda x: float(bijector.forward(jnp.array(x))),
                lambda x: sign(x) * float(jnp.exp(bijector.forward_log_det_jacobian(jnp.array(x)))),
            )

        yield Wild("Distrax", f"{name}.forward", f"{name}.forward_log_det_jacobian", made, (box,))


def _covariances() -> Iterator[Wild]:
    torch, functions = import_module("torch"), import_module("gpytorch.functions")
    numpy = import_module("numpy")
    rng = numpy.random.default_rng(7)
    x1, x2 = torch.tensor(rng.normal(size=(3, 2))), torch.tensor(rng.normal(size=(4, 2)))
    kernels = import_module("gpytorch.kernels")
    distance = lambda a, b: kernels.Kernel().covar_dist(a, b, square_dist=True)  # noqa: E731 - one line
    table = {f"MaternCovariance({nu})": lambda s, nu=nu: functions.MaternCovariance.apply(
        x1, x2, s, nu, lambda a, b: kernels.Kernel().covar_dist(a, b)) for nu in (0.5, 1.5, 2.5)}  # fmt: skip
    table["RBFCovariance"] = lambda s: functions.RBFCovariance.apply(x1, x2, s, distance)
    table["log_normal_cdf"] = functions.log_normal_cdf
    for name, function in table.items():
        start = torch.tensor([[0.8]], dtype=torch.float64)
        yield Wild(
            "GPyTorch", f"functions.{name}", f"functions.{name}: backward", lambda f=function: (f, None), start=start
        )


def _cox() -> Iterator[Wild]:
    numpy = import_module("numpy")
    pandas, lifelines = import_module("pandas"), import_module("lifelines")
    rng = numpy.random.default_rng(8)
    rows = pandas.DataFrame(rng.normal(size=(12, 3)))
    times = pandas.Series(numpy.sort(rng.integers(1, 7, 12)).astype(float))
    events, weights = pandas.Series(rng.random(12) < 0.7), pandas.Series(rng.uniform(0.5, 2, 12))
    fitter = lifelines.CoxPHFitter()._model if hasattr(lifelines.CoxPHFitter(), "_model") else None
    made = fitter or import_module("lifelines.fitters.coxph_fitter").SemiParametricPHFitter()
    entries = pandas.Series(numpy.zeros(12))
    for name in ("_get_efron_values_single", "_get_efron_values_batch"):

        def both(name: str = name) -> Any:
            method = getattr(made, name)
            call = lambda b: method(rows, times, events, weights, entries, b)  # noqa: E731 - one line
            return lambda b: float(call(b)[2]), lambda b: numpy.asarray(call(b)[1])

        yield Wild("lifelines", f"{name}, value", f"{name}, gradient", both, start=rng.normal(size=3) / 2)

        def second(name: str = name) -> Any:
            method = getattr(made, name)
            call = lambda b: method(rows, times, events, weights, entries, b)  # noqa: E731 - one line
            return lambda b: numpy.asarray(call(b)[1]), lambda b: numpy.asarray(call(b)[0])

        yield Wild("lifelines", f"{name}, gradient", f"{name}, hessian", second, start=rng.normal(size=3) / 2)
