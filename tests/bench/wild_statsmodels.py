"""Derivatives of statsmodels: links, norms, penalties, copulas, and the scores and Hessians of likelihoods."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("statsmodels",)
VERSION = "0.15.0"


def cases() -> Iterator[Wild]:
    """Yield them all."""
    yield from gathered(
        "statsmodels", (_links, _norms, _penalties, _copulas, _likelihoods, _counts, _groups, _rotations)
    )


def _chain(thing: Any, names: list[str], box: tuple[float, float], label: str, **wrong: Mistake) -> Iterator[Wild]:
    """Yield each method of a list as the derivative of the one before it."""
    np = import_module("numpy")
    for first, second in pairwise(names):
        yield Wild(
            "statsmodels", f"{label}.{first}", f"{label}.{second}",
            lambda a=first, b=second: (
                lambda x: getattr(thing(), a)(np.array([x])), lambda x: getattr(thing(), b)(np.array([x]))
            ),
            (box,),
            points=(wrong[second].at,) if second in wrong else (),
            mistake=wrong.get(second),
        )  # fmt: skip


def _links() -> Iterator[Wild]:
    links = import_module("statsmodels.genmod.families.links")
    table: dict[str, tuple[Any, tuple[float, float], tuple[float, float]]] = {
        "Logit": (links.Logit, (0.02, 0.98), (-4.0, 4.0)),
        "Power(1.5)": (lambda: links.Power(1.5), (0.3, 4.0), (0.3, 4.0)),
        "InversePower": (links.InversePower, (0.3, 4.0), (0.3, 4.0)),
        "Sqrt": (links.Sqrt, (0.3, 4.0), (0.3, 4.0)),
        "InverseSquared": (links.InverseSquared, (0.3, 4.0), (0.3, 4.0)),
        "Identity": (links.Identity, (0.3, 4.0), (-4.0, 4.0)),
        "Log": (links.Log, (0.3, 4.0), (-4.0, 4.0)),
        "LogC": (links.LogC, (0.02, 0.98), (-4.0, -0.1)),
        "Probit": (links.Probit, (0.02, 0.98), (-3.0, 3.0)),
        "Cauchy": (links.Cauchy, (0.02, 0.98), (-4.0, 4.0)),
        "CLogLog": (links.CLogLog, (0.02, 0.98), (-4.0, 1.5)),
        "LogLog": (links.LogLog, (0.02, 0.98), (-1.5, 4.0)),
        "NegativeBinomial": (lambda: links.NegativeBinomial(0.7), (0.3, 4.0), (-4.0, -0.2)),
    }
    for name, (make, mean, index) in table.items():
        yield from _chain(make, ["__call__", "deriv", "deriv2"], mean, f"links.{name}")
        yield from _chain(make, ["inverse", "inverse_deriv", "inverse_deriv2"], index, f"links.{name}")
    variances = import_module("statsmodels.genmod.families.varfuncs")
    for name, make in {
        "Power(1.5)": lambda: variances.Power(1.5),
        "mu_squared": lambda: variances.mu_squared,
        "mu_cubed": lambda: variances.mu_cubed,
        "Binomial(3)": lambda: variances.Binomial(3),
        "NegativeBinomial": lambda: variances.NegativeBinomial(0.7),
    }.items():
        yield from _chain(make, ["__call__", "deriv"], (0.1, 0.9), f"varfuncs.{name}")


def _norms() -> Iterator[Wild]:
    np = import_module("numpy")
    norms = import_module("statsmodels.robust.norms")
    for name in (
        "LeastSquares", "HuberT", "RamsayE", "AndrewWave", "TrimmedMean", "Hampel", "TukeyBiweight", "TukeyQuartic",
        "StudentT",
    ):  # fmt: skip
        for first, second in (("rho", "psi"), ("psi", "psi_deriv")):
            yield Wild(
                "statsmodels", f"norms.{name}.{first}", f"norms.{name}.{second}",
                lambda n=name, a=first, b=second: (
                    lambda z: getattr(getattr(norms, n)(), a)(np.array([z])),
                    lambda z: getattr(getattr(norms, n)(), b)(np.array([z])),
                ),
                ((-9.0, 9.0),),
            )  # fmt: skip


def _penalties() -> Iterator[Wild]:
    np = import_module("numpy")
    penalties = import_module("statsmodels.base._penalties")
    table: dict[str, Any] = {
        "L2": penalties.L2,
        "L2Univariate": penalties.L2Univariate,
        "PseudoHuber": lambda: penalties.PseudoHuber(0.7),
        "SCAD": lambda: penalties.SCAD(0.5),
        "SCADSmoothed": lambda: penalties.SCADSmoothed(0.5, c0=0.1),
    }
    start = np.array([0.9, -0.4, 2.3])
    for name, make in table.items():
        yield Wild(
            "statsmodels", f"_penalties.{name}.func", f"_penalties.{name}.deriv",
            lambda m=make: (m().func, m().deriv),
            ((-3.0, 3.0),) * 3, start, array=np.asarray,
        )  # fmt: skip
        yield Wild(
            "statsmodels", f"_penalties.{name}.deriv", f"_penalties.{name}.deriv2",
            lambda m=make: (m().deriv, m().deriv2),
            ((-3.0, 3.0),) * 3, start, array=np.asarray,
        )  # fmt: skip
    restriction = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0], [1.0, 0.0, 1.0]])
    for label, weights in (("equal weights", None), ("weights", np.array([1.0, 3.0, 0.5]))):
        wrong = Mistake(
            VERSION,
            "the weights multiply the product with R, not what R is multiplied by; if R is not square, it raises",
            start,
            lambda: 2 * (1.0 * (0.9 + 0.4) + 0.5 * (0.9 + 2.3)),
        )

        def constrained(w: Any = weights) -> Any:
            made = penalties.ConstraintsPenalty(penalties.L2Univariate(), w, restriction)
            return made.func, made.deriv

        def curvature(w: Any = weights) -> Any:
            made = penalties.ConstraintsPenalty(penalties.L2Univariate(), w, restriction)
            return made.deriv, made.deriv2

        yield Wild(
            "statsmodels", f"ConstraintsPenalty({label}).func", f"ConstraintsPenalty({label}).deriv", constrained,
            ((-2.0, 2.0),) * 3, start, array=np.asarray, mistake=wrong if weights is not None else None,
        )  # fmt: skip
        if weights is None:
            yield Wild(
                "statsmodels", f"ConstraintsPenalty({label}).deriv", f"ConstraintsPenalty({label}).deriv2", curvature,
                ((-2.0, 2.0),) * 3, start, array=np.asarray,
            )  # fmt: skip


def _copulas() -> Iterator[Wild]:
    transforms = import_module("statsmodels.distributions.copula.transforms")
    table: list[tuple[str, tuple[float, ...], tuple[float, float], tuple[float, float]]] = [
        ("TransfFrank", (2.5,), (0.05, 0.95), (0.1, 4.0)),
        ("TransfClayton", (1.5,), (0.05, 0.95), (0.1, 4.0)),
        ("TransfGumbel", (2.5,), (0.05, 0.95), (0.1, 4.0)),
        ("TransfGumbel", (3.0,), (0.05, 0.95), (0.1, 4.0)),
        ("TransfIndep", (), (0.05, 0.95), (0.1, 4.0)),
    ]
    wrong = {
        ("TransfFrank", "deriv"): Mistake(
            VERSION,
            "the sign: the generator falls, its claimed slope is positive",
            0.4,
            lambda: -2.5 / (many_digits().exp(1) - 1),
        ),
        ("TransfGumbel", "deriv2"): Mistake(
            VERSION,
            "it raises log(t), which is negative, and -1 to powers that need not be whole: nan",
            0.4,
            lambda: _gumbel_curvature(0.4, 2.5),
        ),
    }
    for name, shape, values, levels in table:

        def method(which: str, n: str = name, a: tuple[float, ...] = shape) -> Any:
            return lambda x: getattr(getattr(transforms, n)(), which)(x, *a)

        chains = (
            (["evaluate", "deriv", "deriv2"], values),
            (["inverse", "deriv_inverse"], levels),
            (["deriv_inverse", "deriv2_inverse"], levels),
            (["deriv2_inverse", "deriv3_inverse", "deriv4_inverse"], levels),
        )
        for names, box in chains:
            for first, second in pairwise(names):
                if not all(hasattr(getattr(transforms, name), which) for which in (first, second)):
                    continue
                mistake = wrong.get((name, second)) if shape != (3.0,) else None
                yield Wild(
                    "statsmodels", f"{name}{shape}.{first}", f"{name}{shape}.{second}",
                    lambda m=method, a=first, b=second: (m(a), m(b)), (box,),
                    points=(mistake.at,) if mistake else (), mistake=mistake,
                )  # fmt: skip
    functions = import_module("statsmodels.distributions.copula.depfunc_ev")
    for name, shape in (
        ("AsymLogistic", (0.7, 0.8, 0.4)), ("AsymNegLogistic", (0.7, 0.8, 0.9)), ("AsymMixed", (0.5, 0.2)),
        ("HR", (0.8,)), ("TEV", (0.5, 3.0)),
    ):  # fmt: skip
        for first, second in (("evaluate", "deriv"), ("deriv", "deriv2")):
            if second not in vars(getattr(functions, name)):  # which is numerical then
                continue

            def dependence(n: str = name, a: str = first, b: str = second, s: tuple[float, ...] = shape) -> Any:
                made = getattr(functions, n)()
                return lambda t: float(getattr(made, a)(t, *s)), lambda t: float(getattr(made, b)(t, *s))

            yield Wild(
                "statsmodels", f"depfunc_ev.{name}.{first}", f"depfunc_ev.{name}.{second}", dependence, ((0.05, 0.95),)
            )


def _gumbel_curvature(t: float, theta: float) -> Any:
    """Return the second derivative of the generator of the Gumbel copula, (-log t)**theta."""
    mpmath = many_digits()
    return mpmath.diff(lambda v: (-mpmath.log(v)) ** theta, t, 2)


def _data(rows: int = 24) -> tuple[Any, Any]:
    """Return a design with a constant and two columns, and numbers to make outcomes of."""
    np = import_module("numpy")
    steps = np.arange(1.0, rows + 1)
    return np.stack([np.ones(rows), np.sin(1.7 * steps), np.cos(2.9 * steps)], axis=1), np.sin(3.1 * steps + 1)


def _model(label: str, make: Any, start: Any, spread: float = 0.15, **more: Any) -> Iterator[Wild]:
    """Yield the score of a likelihood, its Hessian, and the score of each observation."""
    np = import_module("numpy")
    start = np.asarray(start, dtype=float)
    box = tuple((v - spread, v + spread) for v in start.tolist())
    pairs = (("loglike", "score"), ("score", "hessian"), ("loglikeobs", "score_obs"))
    for first, second in pairs:

        def build(a: str = first, b: str = second) -> Any:
            made = make()
            if not hasattr(made, a) or not hasattr(made, b):
                raise AttributeError(b)
            f, df = getattr(made, a), getattr(made, b)
            return lambda p: f(np.asarray(p)), lambda p: df(np.asarray(p))

        if first == "loglikeobs" and not more.get("obs"):
            continue
        mistake = more.get(second)
        yield Wild(
            "statsmodels", f"{label}.{first}", f"{label}.{second}", build, () if first == "loglikeobs" else box, start,
            array=np.asarray, mistake=mistake,
        )  # fmt: skip


def _likelihoods() -> Iterator[Wild]:
    np = import_module("numpy")
    api = import_module("statsmodels.api")
    design, noise = _data()
    counts = np.floor(np.exp(0.5 + 0.8 * design[:, 1] + noise)).clip(0, 9)
    yes = (noise + design[:, 1] > 0.1).astype(float)
    positive = np.exp(0.4 * design[:, 1] + noise)
    share = 1 / (1 + np.exp(-noise))
    beta = [0.2, 0.3, -0.1]
    f = api.families
    table: list[tuple[str, Any, Any]] = [
        ("Gaussian", f.Gaussian, noise),
        ("Binomial", f.Binomial, yes),
        ("Poisson", f.Poisson, counts),
        ("Gamma(log)", lambda: f.Gamma(f.links.Log()), positive),
        ("InverseGaussian(log)", lambda: f.InverseGaussian(f.links.Log()), positive),
        ("NegativeBinomial", lambda: f.NegativeBinomial(alpha=0.7), counts),
        ("Binomial(cloglog)", lambda: f.Binomial(f.links.CLogLog()), yes),
        ("Binomial(probit)", lambda: f.Binomial(f.links.Probit()), yes),
        ("Poisson(sqrt)", lambda: f.Poisson(f.links.Sqrt()), counts),
    ]
    for name, family, y in table:
        start = [1.6, 0.3, -0.1] if name == "Poisson(sqrt)" else beta

        def glm(family: Any = family, y: Any = y) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of links that do not keep to a family's domain
                made = api.GLM(y, design, family=family())
            made.scaletype = 1.0

            class Fixed:
                """The likelihood with its scale fixed to 1: otherwise the score leaves out how the scale moves."""

                loglike = staticmethod(lambda p: made.loglike(p, scale=1.0))
                score = staticmethod(lambda p: made.score(p, scale=1.0))
                hessian = staticmethod(lambda p: made.hessian(p, scale=1.0, observed=True))

            return Fixed

        yield from _model(f"GLM({name})", glm, start)
    yield from _model(
        "OLS",
        lambda: api.OLS(noise, design),
        beta,
        hessian=Mistake(
            VERSION,
            "of the likelihood with the scale profiled out, the first term lost a factor 2: half of it is right at the "
            "optimum",
            np.array(beta),
            _profile_curvature,
        ),
    )

    def scaled() -> Any:
        made = api.OLS(noise, design)

        class Fixed:
            """The likelihood with its scale fixed."""

            loglike = staticmethod(lambda p: made.loglike(p, scale=0.7))
            score = staticmethod(lambda p: made.score(p, scale=0.7))
            hessian = staticmethod(lambda p: made.hessian(p, scale=0.7))

        return Fixed

    yield from _model("OLS(scale=0.7)", scaled, beta)
    yield from _model("Logit", lambda: api.Logit(yes, design), beta, obs=True)
    yield from _model("Probit", lambda: api.Probit(yes, design), beta, obs=True)
    yield from _model("MNLogit", lambda: api.MNLogit(counts.clip(0, 2), design), [*beta, *beta[::-1]])
    beta_model = import_module("statsmodels.othermod.betareg").BetaModel
    yield from _model("BetaModel", lambda: beta_model(share, design, design[:, :1]), [*beta, 1.2])
    ordered = import_module("statsmodels.miscmodels.ordinal_model").OrderedModel
    for distribution in ("probit", "logit"):

        def ordinal(d: str = distribution) -> Any:
            made = ordered(counts.clip(0, 2).astype(int), design[:, 1:], distr=d)

            class Total:
                """The likelihood as its sum, and the sum of its scores."""

                loglike = staticmethod(made.loglike)
                score = staticmethod(lambda p: made.score_obs(p).sum(0))

            return Total

        yield from list(_model(f"OrderedModel({distribution})", ordinal, [0.3, -0.1, 0.2, 0.1]))[:1]


def _profile_curvature() -> Any:
    """Return d2 loglike/d constant^2 of least squares with the scale profiled out, in many digits."""
    mpmath = many_digits()
    design, noise = (part.tolist() for part in _data())

    def loglike(constant: Any) -> Any:
        rows = zip(design, noise, strict=True)
        fits = ((constant * row[0] + 0.3 * row[1] - 0.1 * row[2], y) for row, y in rows)
        return -len(noise) / mpmath.mpf(2) * mpmath.log(sum((y - fit) ** 2 for fit, y in fits))

    return mpmath.diff(loglike, mpmath.mpf("0.2"), 2)


def _zero_inflated_curvature() -> Any:
    """Return the mixed second derivative of the zero-inflated Poisson model by both constants, from its density."""
    mpmath = many_digits()
    design, counts = _data()[0].tolist(), _outcomes().tolist()

    def loglike(inflate: Any, constant: Any) -> Any:
        total = mpmath.mpf(0)
        w = 1 / (1 + mpmath.exp(-inflate))
        for row, y in zip(design, counts, strict=True):
            mu = mpmath.exp(constant + mpmath.mpf("0.3") * row[1] - mpmath.mpf("0.1") * row[2])
            total += mpmath.log(w * (y == 0) + (1 - w) * mpmath.exp(-mu) * mu ** int(y) / mpmath.factorial(int(y)))
        return total

    return mpmath.diff(loglike, (mpmath.mpf("-0.4"), mpmath.mpf("0.2")), (1, 1))


def _negative_binomial_curvature(p: float) -> Any:
    """Return the mixed second derivative of the NB-P model by the constant and alpha, from its density."""
    mpmath = many_digits()
    design, counts = _data()[0].tolist(), _outcomes().tolist()

    def loglike(constant: Any, alpha: Any) -> Any:
        total = mpmath.mpf(0)
        for row, y in zip(design, counts, strict=True):
            mu = mpmath.exp(constant + mpmath.mpf("0.3") * row[1] - mpmath.mpf("0.1") * row[2])
            size = mu ** (2 - p) / alpha
            total += mpmath.loggamma(y + size) - mpmath.loggamma(y + 1) - mpmath.loggamma(size)
            total += size * mpmath.log(size / (size + mu)) + y * mpmath.log(mu / (size + mu))
        return total

    return mpmath.diff(loglike, (mpmath.mpf("0.2"), mpmath.mpf("0.8")), (1, 1))


def _outcomes() -> Any:
    np = import_module("numpy")
    design, noise = _data()
    return np.floor(np.exp(0.5 + 0.8 * design[:, 1] + noise)).clip(0, 9)


def _counts() -> Iterator[Wild]:
    np = import_module("numpy")
    api = import_module("statsmodels.api")
    discrete = import_module("statsmodels.discrete.discrete_model")
    zero = import_module("statsmodels.discrete.count_model")
    truncated = import_module("statsmodels.discrete.truncated_model")
    design, _ = _data()
    counts = _outcomes()
    beta = [0.2, 0.3, -0.1]
    yield from _model("Poisson", lambda: api.Poisson(counts, design), beta, obs=True)
    for p in (1, 2):
        yield from _model(
            f"GeneralizedPoisson(p={p})", lambda p=p: discrete.GeneralizedPoisson(counts, design, p=p), [*beta, 0.3]
        )
    for kind in ("nb1", "nb2", "geometric"):
        start = beta if kind == "geometric" else [*beta, 0.8]

        def negative_binomial(k: str = kind) -> Any:
            made = discrete.NegativeBinomial(counts, design, loglike_method=k)
            made._transparams = False  # as it is when a fit asks for the Hessian
            return made

        yield from _model(f"NegativeBinomial({kind})", negative_binomial, start)
        if kind != "geometric":
            wrong = Mistake(
                VERSION,
                "before a fit the score is by log(alpha), the Hessian by alpha: one flag is read by one of them",
                np.array(start),
                lambda: None,
                index=3,
            )
            yield from list(
                _model(
                    f"NegativeBinomial({kind}) before a fit",
                    lambda k=kind: discrete.NegativeBinomial(counts, design, loglike_method=k), start, hessian=wrong,
                )
            )[1:]  # fmt: skip
    for p in (1, 1.5, 2, 3):
        wrong = None
        if p not in (1, 2):
            wrong = Mistake(
                VERSION,
                "the row by alpha is that of the powers 1 and 2 only",
                np.array([*beta, 0.8]),
                lambda p=p: _negative_binomial_curvature(p),
                index=3,
            )
        yield from _model(
            f"NegativeBinomialP(p={p})", lambda p=p: discrete.NegativeBinomialP(counts, design, p=p), [*beta, 0.8],
            hessian=wrong,
        )  # fmt: skip
    flat = np.ones((len(counts), 1))
    yield from _model(
        "ZeroInflatedPoisson", lambda: zero.ZeroInflatedPoisson(counts, design, flat), [-0.4, *beta],
        hessian=Mistake(
            VERSION,
            "the block by inflation and mean is overwritten with zeros: standard errors about a sixth too small",
            np.array([-0.4, *beta]),
            _zero_inflated_curvature,
            index=1,
        ),
    )  # fmt: skip
    yield from list(
        _model(
            "ZeroInflatedNegativeBinomialP",
            lambda: zero.ZeroInflatedNegativeBinomialP(counts, design, flat), [-0.4, *beta, 0.8],
        )
    )[:1]  # fmt: skip
    yield from list(
        _model(
            "ZeroInflatedGeneralizedPoisson",
            lambda: zero.ZeroInflatedGeneralizedPoisson(counts, design, flat), [-0.4, *beta, 0.3],
        )
    )[:1]  # fmt: skip
    positive = counts + 1
    yield from _model("TruncatedLFPoisson", lambda: truncated.TruncatedLFPoisson(positive, design), beta)
    yield from list(
        _model(
            "TruncatedLFNegativeBinomialP", lambda: truncated.TruncatedLFNegativeBinomialP(positive, design),
            [*beta, 0.8],
        )
    )[:1]  # fmt: skip
    wrong = Mistake(
        VERSION,
        "the part of the truncation is that of p = 1, the default of the model inside, whatever p is",
        np.array([*beta, 0.3]),
        _truncated_slope,
    )
    yield from list(
        _model(
            "TruncatedLFGeneralizedPoisson",
            lambda: truncated.TruncatedLFGeneralizedPoisson(positive, design),
            [*beta, 0.3],
            score=wrong,
        )
    )[:1]
    yield from list(
        _model("HurdleCountModel", lambda: truncated.HurdleCountModel(counts, design), [0.1, 0.2, 0.1, *beta])
    )[:1]


def _truncated_slope() -> Any:
    """Return d loglike/d constant of the generalized Poisson model with p = 2, truncated at 0, from its density."""
    mpmath = many_digits()
    design, counts = _data()[0].tolist(), (_outcomes() + 1).tolist()
    alpha = mpmath.mpf("0.3")

    def loglike(constant: Any) -> Any:
        total = mpmath.mpf(0)
        for row, y in zip(design, counts, strict=True):
            mu = mpmath.exp(constant + mpmath.mpf("0.3") * row[1] - mpmath.mpf("0.1") * row[2])
            first, second = 1 + alpha * mu, mu + alpha * mu * y
            total += mpmath.log(mu) + (y - 1) * mpmath.log(second) - y * mpmath.log(first) - second / first
            total -= mpmath.log(1 - mpmath.exp(-mu / first))
        return total

    return mpmath.diff(loglike, mpmath.mpf("0.2"))


def _groups() -> Iterator[Wild]:
    """Likelihoods of grouped, censored and correlated observations, of factors, and a basis of splines."""
    np = import_module("numpy")
    design, noise = _data()
    counts = _outcomes()
    groups = np.arange(24) // 6
    conditional = import_module("statsmodels.discrete.conditional_models")
    slopes = design[:, 1:]
    yes = (noise + design[:, 1] > 0.1).astype(float)
    for name, y in (("ConditionalLogit", yes), ("ConditionalPoisson", counts)):
        yield from list(
            _model(
                name, lambda n=name, y=y: getattr(conditional, n)(y, slopes, groups=groups), [0.3, -0.1]
            )
        )[:1]  # fmt: skip
    yield from list(
        _model(
            "ConditionalMNLogit",
            lambda: conditional.ConditionalMNLogit(counts.clip(0, 2).astype(int), slopes, groups=groups),
            [0.3, -0.1, 0.2, 0.1],
        )
    )[:1]  # fmt: skip
    hazard = import_module("statsmodels.duration.hazard_regression").PHReg
    times = np.ceil(4 * np.exp(noise))
    for ties in ("breslow", "efron"):
        yield from _model(f"PHReg({ties})", lambda t=ties: hazard(times, slopes, status=yes, ties=t), [0.3, -0.1])
    process = import_module("statsmodels.regression.process_regression").ProcessMLE

    def correlated() -> Any:
        steps = np.tile(np.arange(6.0), 4)
        return process(noise, design, design[:, :2], design[:, :1], design[:, :1], steps, groups)

    yield from list(_model("ProcessMLE", correlated, [0.2, 0.3, -0.1, 0.1, 0.2, 0.3, -0.5]))[:1]
    factor = import_module("statsmodels.multivariate.factor").Factor
    correlations = np.outer([0.8, 0.6, 0.7, 0.5], [0.8, 0.6, 0.7, 0.5]) + np.diag([0.36, 0.64, 0.51, 0.75])
    yield from list(
        _model(
            "Factor",
            lambda: factor(n_factor=1, corr=correlations, method="ml", nobs=50),
            [0.6, 0.7, 0.8, 0.9, 0.7, 0.5, 0.6, 0.4],
        )
    )[:1]
    knots = np.array([0.0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 4])
    for order in (0, 1):

        def basis(k: int = order) -> Any:
            evaluate = import_module("statsmodels.gam.smooth_basis")._eval_bspline_basis
            return (
                lambda x: np.ravel(evaluate(np.array([x]), knots, 3)[k]),
                lambda x: np.ravel(evaluate(np.array([x]), knots, 3)[k + 1]),
            )

        yield Wild(
            "statsmodels",
            f"gam.smooth_basis: B-splines, derivative {order}",
            f"gam.smooth_basis: B-splines, derivative {order + 1}",
            basis,
            ((0.1, 3.9),),
        )


def _rotations() -> Iterator[Wild]:
    np = import_module("numpy")
    rotation = import_module("statsmodels.multivariate.factor_rotation._gpa_rotation")
    start = np.sin(np.arange(8.0) * 1.9).reshape(4, 2)
    target, mask = np.cos(np.arange(8.0)).reshape(4, 2), np.array([[1.0, 0], [0, 1], [1, 1], [1, 0]])
    table: dict[str, Any] = {
        "oblimin_objective(gamma=0.5)": lambda loadings: rotation.oblimin_objective(L=loadings, gamma=0.5),
        "orthomax_objective(gamma=1)": lambda loadings: rotation.orthomax_objective(L=loadings, gamma=1),
        "orthomax_objective(gamma=0)": lambda loadings: rotation.orthomax_objective(L=loadings, gamma=0),
        "CF_objective(kappa=0.3)": lambda loadings: rotation.CF_objective(L=loadings, kappa=0.3),
        "vgQ_target": lambda loadings: rotation.vgQ_target(target, L=loadings),
        "vgQ_partial_target": lambda loadings: rotation.vgQ_partial_target(target, mask, L=loadings),
    }
    for name, both in table.items():
        yield Wild(
            "statsmodels", f"factor_rotation.{name}[0]", f"factor_rotation.{name}[1]",
            lambda b=both: (b, True),
            ((-1.0, 1.0),) * 8, start, array=lambda numbers: np.reshape(numbers, (4, 2)),
        )  # fmt: skip
