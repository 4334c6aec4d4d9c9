"""Derivatives of operations of smaller libraries: CasADi, PyTensor, uncertainties, Optax, JAXopt, BoTorch and more."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it
from wild_models import jax_number  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("scipy",)


def cases() -> Iterator[Wild]:
    """Yield those whose libraries are there."""
    for package, library, parts in (
        ("uncertainties", "uncertainties", (_propagated,)),
        ("casadi", "casadi", (_casadi,)),
        ("pytensor", "pytensor", (_pytensor,)),
        ("optax", "optax", (_optax,)),
        ("jaxopt", "jaxopt", (_projections,)),
        ("botorch", "botorch", (_botorch,)),
        ("autograd_gamma", "autograd-gamma", (_incomplete,)),
        ("sksurv", "scikit-survival", (_survival,)),
    ):
        if find_spec(package):
            yield from gathered(library, parts)


def _propagated() -> Iterator[Wild]:
    """Operations on numbers with uncertainties, whose derivatives are written by hand."""
    umath, ufloat = import_module("uncertainties.umath"), import_module("uncertainties").ufloat
    both, positive, unit = (-2.5, 2.5), (0.1, 4.0), (-0.95, 0.95)
    table: dict[str, tuple[Any, tuple[float, float]]] = {
        f"umath.{name}": (getattr(umath, name, None), box)
        for box, names in (
            (both, "sin cos tan sinh cosh tanh asinh atan exp expm1 erf erfc degrees radians fabs"),
            (positive, "log log10 log1p sqrt gamma lgamma"),
            (unit, "asin acos atanh"),
            ((1.1, 5.0), "acosh"),
        )
        for name in names.split()
    } | {
        "umath.atan2(x, 1.3)": (lambda x: umath.atan2(x, 1.3), both),
        "umath.atan2(1.3, x)": (lambda x: umath.atan2(1.3, x), positive),
        "umath.hypot(x, 1.3)": (lambda x: umath.hypot(x, 1.3), both),
        "umath.pow(x, 2.5)": (lambda x: umath.pow(x, 2.5), positive),
        "umath.fmod(x, 1.3)": (lambda x: umath.fmod(x, 1.3), (0.1, 1.2)),
        "umath.log(x, 3)": (lambda x: umath.log(x, 3), positive),
        "x**x": (lambda x: x**x, positive),
        "x**-3": (lambda x: x**-3, positive),
        "2.5**x": (lambda x: 2.5**x, both),
        "1/(1 + x*x)": (lambda x: 1 / (1 + x * x), both),
        "abs(x)": (abs, both),
        "x % 1.3": (lambda x: x % 1.3, (0.1, 1.2)),
        "x // 7": (lambda x: x // 7 + x, (0.1, 6.0)),
    }
    for name, (operation, box) in table.items():

        def pair(operation: Any = operation) -> Any:
            def both(x: float) -> tuple[float, float]:
                number = ufloat(x, 0.1)
                found = operation(number)
                return found.nominal_value, found.derivatives[number]

            both(1.15 if operation is umath.acosh else 0.3)
            return both, True

        yield Wild("uncertainties", name, f"{name}: derivatives", pair, (box,))


def _casadi() -> Iterator[Wild]:
    ca = import_module("casadi")
    wrong = {
        "erfinv": Mistake(
            "3.8.2", "between 0.5 and 0.62, and below -0.5, it has 7 digits, of which its derivative is not the slope",
            0.618, lambda: many_digits().erfinv(0.618), of_function=True,
        )
    }  # fmt: skip
    both, positive, unit = (-2.5, 2.5), (0.1, 4.0), (-0.95, 0.95)
    table: dict[str, tuple[Any, tuple[float, float]]] = {
        name: (getattr(ca, name), box)
        for box, names in (
            (both, "sin cos tan sinh cosh tanh asinh atan exp expm1 erf fabs sumsqr"),
            (positive, "log log10 log1p sqrt"),
            (unit, "asin acos atanh erfinv"),
            ((1.1, 5.0), "acosh"),
        )
        for name in names.split()
    } | {
        "atan2(x, 1.3)": (lambda x: ca.atan2(x, 1.3), both),
        "atan2(1.3, x)": (lambda x: ca.atan2(1.3, x), both),
        "hypot(x, 1.3)": (lambda x: ca.hypot(x, 1.3), both),
        "fmod(x, 1.3)": (lambda x: ca.fmod(x, 1.3), (0.1, 1.2)),
        "x**2.5": (lambda x: x**2.5, positive),
        "x**x": (lambda x: x**x, positive),
        "2.5**x": (lambda x: 2.5**x, both),
        "fmin(x, x*x)": (lambda x: ca.fmin(x, x * x), both),
        "fmax(x, x*x)": (lambda x: ca.fmax(x, x * x), both),
        "if_else(x > 0, x*x, -x)": (lambda x: ca.if_else(x > 0, x * x, -x), both),
        "copysign(x*x, x)": (lambda x: ca.copysign(x * x, x), both),
        "remainder(x, 1.3)": (lambda x: ca.remainder(x, 1.3), (0.1, 0.6)),
        "constpow(x, 3)": (lambda x: ca.constpow(x, 3), both),
        "logsumexp(x, -x)": (lambda x: ca.logsumexp(ca.vertcat(x, -x)), both),
        "det": (lambda x: ca.det(ca.blockcat([[x, 1.0], [0.3, x * x]])), both),
        "inv": (lambda x: ca.inv(ca.blockcat([[x, 1.0], [-0.3, x * x + 1]]))[0, 1], positive),
        "norm_2": (lambda x: ca.norm_2(ca.vertcat(x, 1.0, x * x)), both),
        "solve": (lambda x: ca.solve(ca.blockcat([[x, 1.0], [-0.3, x + 1]]), ca.vertcat(x, 1.0))[1], positive),
    }
    for name, (operation, box) in table.items():

        def pair(operation: Any = operation) -> Any:
            x = ca.MX.sym("x")
            y = operation(x)
            f, df = ca.Function("f", [x], [y]), ca.Function("df", [x], [ca.jacobian(y, x)])
            return lambda t: float(f(t)), lambda t: float(df(t))

        mistake = wrong.get(name)
        points = (mistake.at,) if mistake else ()
        yield Wild("casadi", name, f"{name}: jacobian", pair, (box,), points=points, mistake=mistake)


def _incomplete_slope() -> Any:
    mpmath = many_digits()
    return mpmath.diff(lambda a: mpmath.gammainc(a, 1.7, mpmath.inf, regularized=True), 1.9)


def _pytensor() -> Iterator[Wild]:
    pt, pytensor = import_module("pytensor.tensor"), import_module("pytensor")
    wrong = {
        "gammaincc(x, 1.7)": Mistake(
            "3.0.7", "its series stops at 1e-6, and is 3e-6 off", 1.9, _incomplete_slope,
        )
    }  # fmt: skip
    both, positive, unit = (-2.5, 2.5), (0.1, 4.0), (-0.95, 0.95)
    table: dict[str, tuple[Any, tuple[float, float]]] = {
        name: (getattr(pt, name), box)
        for box, names in (
            (both, "sin cos tan sinh cosh tanh arcsinh arctan exp exp2 expm1 erf erfc erfcx"),
            (both, "sigmoid softplus i0 i1 sqr abs deg2rad"),
            (positive, "log log2 log10 log1p sqrt gammaln psi tri_gamma reciprocal j0 j1"),
            (unit, "arcsin arccos arctanh erfinv"),
            ((0.1, 1.9), "erfcinv"),
            ((-4.0, -0.1), "log1mexp"),
            ((1.1, 5.0), "arccosh"),
        )
        for name in names.split()
    } | {
        "gammainc(1.7, x)": (lambda x: pt.gammainc(1.7, x), positive),
        "gammainc(x, 1.7)": (lambda x: pt.gammainc(x, 1.7), positive),
        "gammaincc(1.7, x)": (lambda x: pt.gammaincc(1.7, x), positive),
        "gammaincc(x, 1.7)": (lambda x: pt.gammaincc(x, 1.7), positive),
        "betainc(1.7, 2.3, x)": (lambda x: pt.betainc(1.7, 2.3, x), (0.05, 0.95)),
        "betainc(x, 2.3, 0.4)": (lambda x: pt.betainc(x, 2.3, 0.4), positive),
        "betainc(2.3, x, 0.4)": (lambda x: pt.betainc(2.3, x, 0.4), positive),
        "betaincinv(1.7, 2.3, x)": (lambda x: pt.betaincinv(1.7, 2.3, x), (0.05, 0.95)),
        "gammaincinv(1.7, x)": (lambda x: pt.gammaincinv(1.7, x), (0.05, 0.95)),
        "jv(1.5, x)": (lambda x: pt.jv(1.5, x), positive),
        "iv(1.5, x)": (lambda x: pt.iv(1.5, x), positive),
        "ive(1.5, x)": (lambda x: pt.ive(1.5, x), positive),
        "kve(1.5, x)": (lambda x: pt.kve(1.5, x), positive),
        "kv(1.5, x)": (lambda x: pt.kv(1.5, x), positive),
        "hyp2f1(0.5, 1.5, 2.5, x)": (lambda x: pt.hyp2f1(0.5, 1.5, 2.5, x), unit),
        "hyp2f1(x, 1.5, 2.5, 0.4)": (lambda x: pt.hyp2f1(x, 1.5, 2.5, 0.4), positive),
        "xlogx": (lambda x: import_module("pytensor.tensor.xlogx").xlogx(x), positive),
        "owens_t(x, 0.7)": (lambda x: pt.owens_t(x, 0.7), both),
        "owens_t(0.7, x)": (lambda x: pt.owens_t(0.7, x), both),
        "logaddexp(x, -2*x)": (lambda x: pt.logaddexp(x, -2 * x), both),
        "arctan2(x, 1.3)": (lambda x: pt.arctan2(x, 1.3), both),
        "polygamma(1, x)": (lambda x: pt.polygamma(1, x), positive),
        "mod(x, 1.3)": (lambda x: pt.mod(x, 1.3), (0.1, 1.2)),
        "switch(x > 0, x*x, -x)": (lambda x: pt.switch(x > 0, x * x, -x), both),
        "clip(x*x, 0.5, 2)": (lambda x: pt.clip(x * x, 0.5, 2), both),
    }
    for name, (operation, box) in table.items():

        def pair(operation: Any = operation) -> Any:
            x = pt.dscalar("x")
            y = operation(x)
            with pytensor.config.change_flags(cxx=""):
                f, df = (pytensor.function([x], v, mode="FAST_COMPILE") for v in (y, pytensor.grad(y, x)))
            return lambda t: float(f(t)), lambda t: float(df(t))

        yield Wild("pytensor", name, f"{name}: grad", pair, (box,), mistake=wrong.get(name))


def _optax() -> Iterator[Wild]:
    import_module("jax").config.update("jax_enable_x64", True)
    jnp, losses = import_module("jax.numpy"), import_module("optax.losses")
    optax = import_module("optax")
    labels, shares = jnp.array([1.0, 0.0, 1.0]), jnp.array([0.2, 0.5, 0.3])
    w = jnp.array([0.3, -1.2, 0.8])
    table: dict[str, Any] = {
        "squared_error": lambda x: losses.squared_error(x * w, labels).sum(),
        "log_cosh": lambda x: losses.log_cosh(x * w, labels).sum(),
        "hinge_loss": lambda x: losses.hinge_loss(x * w, 2 * labels - 1).sum(),
        "sigmoid_binary_cross_entropy": lambda x: losses.sigmoid_binary_cross_entropy(x * w, labels).sum(),
        "sigmoid_focal_loss": lambda x: losses.sigmoid_focal_loss(x * w, labels).sum(),
        "softmax_cross_entropy": lambda x: losses.softmax_cross_entropy(x * w, shares),
        "poly_loss_cross_entropy": lambda x: losses.poly_loss_cross_entropy(x * w, shares),
        "convex_kl_divergence": lambda x: losses.convex_kl_divergence(x * jnp.log(shares), shares),
        "kl_divergence": lambda x: losses.kl_divergence(x * jnp.log(shares), shares),
        "cosine_distance": lambda x: losses.cosine_distance(x + w, labels + 0.1),
        "ranking_softmax_loss": lambda x: losses.ranking_softmax_loss(x * w, labels),
        "triplet_margin_loss": lambda x: losses.triplet_margin_loss(x * w, labels, shares, margin=3.0).sum(),
        "safe_norm": lambda x: optax.safe_norm(x * w, 1e-3),
        "projection_simplex": lambda x: (optax.projections.projection_simplex(x * w) * labels).sum(),
        "projection_l2_ball": lambda x: (optax.projections.projection_l2_ball(x * w) * labels).sum(),
        "projection_l1_ball": lambda x: (optax.projections.projection_l1_ball(x * w) * labels).sum(),
        "projection_hypercube": lambda x: (optax.projections.projection_hypercube(x * w) * labels).sum(),
    }
    for name, f in table.items():
        yield Wild("optax", name, f"{name}: grad", partial(jax_number, f), ((0.2, 2.5),))


def _projections() -> Iterator[Wild]:
    """Projections, proximal operators and losses, which are differentiated implicitly or by rules of their own."""
    import_module("jax").config.update("jax_enable_x64", True)
    jnp, jaxopt = import_module("jax.numpy"), import_module("jaxopt")
    w, v = jnp.array([0.3, -1.2, 0.8, 0.5]), jnp.array([1.0, 0.4, -0.3, 0.2])
    p, prox, loss = jaxopt.projection, jaxopt.prox, jaxopt.loss
    table: dict[str, Any] = {
        "projection_simplex": lambda x: p.projection_simplex(x * w) @ v,
        "projection_l1_ball": lambda x: p.projection_l1_ball(x * w, 0.9) @ v,
        "projection_l2_ball": lambda x: p.projection_l2_ball(x * w, 0.9) @ v,
        "projection_l2_sphere": lambda x: p.projection_l2_sphere(x + w, 0.9) @ v,
        "projection_hyperplane": lambda x: p.projection_hyperplane(x * w, (v, 0.7)) @ w,
        "projection_halfspace": lambda x: p.projection_halfspace(x * w, (v, 0.1)) @ w,
        "projection_non_negative": lambda x: p.projection_non_negative(x * w) @ v,
        "prox_lasso": lambda x: prox.prox_lasso(x * w, 0.4) @ v,
        "prox_elastic_net": lambda x: prox.prox_elastic_net(x * w, (0.4, 0.2)) @ v,
        "prox_group_lasso": lambda x: prox.prox_group_lasso(x * w, 0.4) @ v,
        "prox_ridge": lambda x: prox.prox_ridge(x * w, 0.4) @ v,
        "prox_non_negative_lasso": lambda x: prox.prox_non_negative_lasso(x * w, 0.2) @ v,
        "multiclass_sparsemax_loss": lambda x: loss.multiclass_sparsemax_loss(1, x * w),
        "multiclass_logistic_loss": lambda x: loss.multiclass_logistic_loss(1, x * w),
        "binary_sparsemax_loss": lambda x: loss.binary_sparsemax_loss(1, x),
        "huber_loss": lambda x: loss.huber_loss(0.3, x, 0.7),
    }  # fmt: skip
    for name, f in table.items():
        yield Wild("jaxopt", name, f"{name}: grad", partial(jax_number, f), ((0.2, 2.5),))


def _botorch() -> Iterator[Wild]:
    torch, safe = import_module("torch"), import_module("botorch.utils.safe_math")
    normal = import_module("botorch.utils.probability.utils")
    vector = lambda x: torch.stack([x, 0.4 - x, x * x])  # noqa: E731 - one line
    table: dict[str, tuple[Any, tuple[float, float]]] = {
        "safe_math.log1mexp": (safe.log1mexp, (-4.0, -0.1)),
        "safe_math.log1pexp": (safe.log1pexp, (-4.0, 4.0)),
        "safe_math.logexpit": (safe.logexpit, (-4.0, 4.0)),
        "safe_math.logplusexp": (lambda x: safe.logplusexp(x, x * x), (-2.0, 2.0)),
        "safe_math.logdiffexp": (lambda x: safe.logdiffexp(x, x + 1 + x * x), (-2.0, 2.0)),
        "safe_math.fatplus": (safe.fatplus, (-3.0, 3.0)),
        "safe_math.log_fatplus": (safe.log_fatplus, (-3.0, 3.0)),
        "safe_math.log_softplus": (safe.log_softplus, (-3.0, 3.0)),
        "safe_math.fatmax": (lambda x: safe.fatmax(vector(x), dim=-1), (-2.0, 2.0)),
        "safe_math.fatmin": (lambda x: safe.fatmin(vector(x), dim=-1), (-2.0, 2.0)),
        "safe_math.smooth_amax": (lambda x: safe.smooth_amax(vector(x)), (-2.0, 2.0)),
        "safe_math.cauchy": (safe.cauchy, (-3.0, 3.0)),
        "safe_math.sigmoid(fat)": (lambda x: safe.sigmoid(x, fat=True), (-3.0, 3.0)),
        "safe_math.fatmoid": (safe.fatmoid, (-3.0, 3.0)),
        "safe_math.log_sigmoid(fat)": (lambda x: safe.sigmoid(x, log=True, fat=True), (-3.0, 3.0)),
        "safe_math.mul": (lambda x: safe.mul(x, x * x), (-2.0, 2.0)),
        "probability.ndtr": (normal.ndtr, (-5.0, 5.0)),
        "probability.log_ndtr": (normal.log_ndtr, (-9.0, 5.0)),
        "probability.log_erfc": (normal.log_erfc, (-3.0, 5.0)),
        "probability.log_erfcx": (normal.log_erfcx, (-3.0, 5.0)),
        "probability.log_phi": (normal.log_phi, (-5.0, 5.0)),
        "probability.standard_normal_log_hazard": (normal.standard_normal_log_hazard, (-5.0, 5.0)),
        "probability.log_prob_normal_in": (lambda x: normal.log_prob_normal_in(x - 1, x + 0.7), (-3.0, 3.0)),
        "acquisition._log_ei_helper": (
            lambda x: import_module("botorch.acquisition.analytic")._log_ei_helper(x),
            (-6.0, 4.0),
        ),
    }
    for name, (f, box) in table.items():

        def pair(f: Any = f) -> Any:
            def both(x: float) -> tuple[float, float]:
                leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
                y = f(leaf)
                return y.item(), torch.autograd.grad(y, leaf)[0].item()

            return both, True

        yield Wild("botorch", name, f"{name}: backward", pair, (box,))


def _incomplete() -> Iterator[Wild]:
    """Incomplete gamma and beta functions, whose derivatives by a parameter are finite differences of four terms."""
    functions, grad = import_module("autograd_gamma"), import_module("autograd").grad
    for name, fixed in (("gammainc", (1.7,)), ("gammaincc", (1.7,)), ("gammaincln", (1.7,)), ("gammainccln", (1.7,)),
                        ("betainc", (1.7, 2.3)), ("betaincln", (1.7, 2.3))):  # fmt: skip
        f = getattr(functions, name)
        box = (0.05, 0.95) if name.startswith("beta") else (0.1, 4.0)
        yield Wild(
            "autograd-gamma", f"{name}({', '.join(map(str, fixed))}, x)", f"{name}: grad by x",
            lambda f=f, a=fixed: (partial(f, *a), grad(lambda x: f(*a, x))), (box,),
        )  # fmt: skip
        rest = (*fixed[1:], 0.4 if name.startswith("beta") else 1.4)
        yield Wild(
            "autograd-gamma", f"{name}(a, {', '.join(map(str, rest))})", f"{name}: grad by a",
            lambda f=f, r=rest: (lambda a: f(a, *r), grad(lambda a: f(a, *r))), ((0.5, 4.0),), to=1e-8,
        )  # fmt: skip


def _survival() -> Iterator[Wild]:
    np, cox = import_module("numpy"), import_module("sksurv.linear_model.coxph")
    rng = np.random.default_rng(5)
    data, times, events = rng.normal(size=(14, 3)), rng.integers(1, 8, 14).astype(float), rng.random(14) < 0.7
    for ties in ("breslow", "efron"):

        def made(ties: str = ties) -> Any:
            optimizer = cox.CoxPHOptimizer(data, events, times, alpha=np.full(3, 0.3), ties=ties)

            def slope(w: Any) -> Any:
                optimizer.update(w)
                return optimizer.gradient.copy()

            return optimizer.nlog_likelihood, slope, optimizer

        def first(made: Any = made) -> Any:
            f, df, _ = made()
            return f, df

        def second(made: Any = made) -> Any:
            _, df, optimizer = made()

            def curvature(w: Any) -> Any:
                optimizer.update(w)
                return optimizer.hessian.copy()

            return df, curvature

        start, box = np.array([0.3, -0.4, 0.2]), ((-1.0, 1.0),) * 3
        for label, build in (("gradient", first), ("hessian", second)):
            yield Wild(
                "scikit-survival", f"CoxPHOptimizer({ties})", f"CoxPHOptimizer({ties}).{label}", build, box, start,
                array=np.asarray,
            )  # fmt: skip
