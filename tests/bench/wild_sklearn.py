"""Derivatives of scikit-learn: losses, linear models, kernels by their hyperparameters, embeddings, networks."""

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

PACKAGES = ("sklearn",)


def cases() -> Iterator[Wild]:
    """Yield them all."""
    yield from gathered(
        "scikit-learn", (_losses, _linear_models, _kernels, _processes, _embeddings, _networks, _contrasts)
    )


def _samples(rows: int = 7, columns: int = 3) -> Any:
    """Return a fixed matrix of samples."""
    np = import_module("numpy")
    return np.sin(np.arange(1.0, rows * columns + 1).reshape(rows, columns) * 1.7) * 1.5


def _losses() -> Iterator[Wild]:
    np = import_module("numpy")
    loss = import_module("sklearn._loss.loss")
    table: list[tuple[str, dict[str, float], list[float]]] = [
        ("HalfSquaredError", {}, [-1.0, 0.5, 2.0]),
        ("AbsoluteError", {}, [-1.0, 0.5, 2.0]),
        ("PinballLoss", {"quantile": 0.3}, [-1.0, 0.5, 2.0]),
        ("HuberLoss", {"delta": 0.7}, [-1.0, 0.5, 2.0]),
        ("HalfPoissonLoss", {}, [0.0, 1.0, 4.0]),
        ("HalfGammaLoss", {}, [0.3, 1.0, 4.0]),
        ("HalfTweedieLoss", {"power": 1.5}, [0.0, 1.0, 4.0]),
        ("HalfTweedieLossIdentity", {"power": 1.7}, [0.5, 1.0, 4.0]),
        ("HalfBinomialLoss", {}, [0.0, 0.3, 1.0]),
        ("ExponentialLoss", {}, [0.0, 0.3, 1.0]),
    ]
    for name, options, targets in table:
        low = 0.2 if name.endswith("Identity") else -3.0
        for target in targets:

            def build(n: str = name, o: dict[str, float] = options, y: float = target) -> Any:
                made = getattr(loss, n)(**o)
                y = np.array([y])
                return lambda raw: made.loss(y, np.array([raw])), lambda raw: made.gradient(y, np.array([raw]))

            yield Wild(
                "scikit-learn",
                f"_loss.{name}.loss, y={target}",
                f"_loss.{name}.gradient, y={target}",
                build,
                ((low, 3.0),),
            )
        smooth = name not in {"AbsoluteError", "PinballLoss", "HuberLoss"}  # whose Hessians are approximations
        if smooth:

            def second(n: str = name, o: dict[str, float] = options, y: float = targets[1]) -> Any:
                made = getattr(loss, n)(**o)
                y = np.array([y])
                return lambda raw: made.gradient_hessian(y, np.array([raw])), True

            yield Wild(
                "scikit-learn", f"_loss.{name}.gradient", f"_loss.{name}.gradient_hessian", second, ((low, 3.0),)
            )

    def multinomial() -> Any:
        made = loss.HalfMultinomialLoss(n_classes=4)
        y = np.array([2.0])
        return lambda raw: made.loss(y, raw[None, :]), lambda raw: made.gradient(y, raw[None, :])

    yield Wild(
        "scikit-learn", "_loss.HalfMultinomialLoss.loss", "_loss.HalfMultinomialLoss.gradient", multinomial,
        ((-2.0, 2.0),) * 4, np.array([0.3, -1.0, 0.5, 1.2]), array=np.asarray,
    )  # fmt: skip
    for name, arguments in (
        ("Hinge", (1.0,)), ("SquaredHinge", (1.0,)), ("ModifiedHuber", ()), ("EpsilonInsensitive", (0.1,)),
        ("SquaredEpsilonInsensitive", (0.1,)),
    ):  # fmt: skip
        for target in (1.0, -1.0):

            def descent(n: str = name, a: tuple[float, ...] = arguments, y: float = target) -> Any:
                made = getattr(import_module("sklearn.linear_model._sgd_fast"), n)(*a)
                return lambda p: made.py_loss(p, y), lambda p: made.py_dloss(p, y)

            yield Wild(
                "scikit-learn",
                f"_sgd_fast.{name}.py_loss, y={target}",
                f"_sgd_fast.{name}.py_dloss, y={target}",
                descent,
                ((-3.0, 3.0),),
            )


def _linear_models() -> Iterator[Wild]:
    np = import_module("numpy")
    loss = import_module("sklearn._loss.loss")
    linear = import_module("sklearn.linear_model._linear_loss")
    data = _samples()
    counts, share = np.array([0.0, 2, 1, 4, 0, 1, 3]), np.array([0.0, 1, 1, 0, 1, 0, 1])
    table: list[tuple[str, Any, dict[str, float]]] = [
        ("HalfSquaredError", counts, {}),
        ("HalfPoissonLoss", counts, {}),
        ("HalfGammaLoss", counts + 0.5, {}),
        ("HalfTweedieLoss", counts, {"power": 1.5}),
        ("HalfBinomialLoss", share, {}),
    ]
    for name, y, options in table:
        for weights in (None, np.array([1.0, 2, 0.5, 1, 1, 3, 0.2])):
            for intercept in (True, False):
                start = np.array([0.4, -0.3, 0.2, 0.1])[: 3 + intercept]

                def model(n: str = name, o: dict[str, float] = options, i: bool = intercept) -> Any:  # noqa: FBT001
                    return linear.LinearModelLoss(base_loss=getattr(loss, n)(**o), fit_intercept=i)

                def build(make: Any = model, y: Any = y, w: Any = weights) -> Any:
                    made = make()
                    return (
                        lambda c: made.loss(c, data, y, w, l2_reg_strength=0.7),
                        lambda c: made.loss_gradient(c, data, y, w, l2_reg_strength=0.7)[1],
                    )

                label = f"{name}{', weights' * (weights is not None)}{', intercept' * intercept}"
                yield Wild(
                    "scikit-learn", f"LinearModelLoss({label}).loss", f"LinearModelLoss({label}).loss_gradient", build,
                    ((-0.6, 0.6),) * len(start), start, array=np.asarray,
                )  # fmt: skip
                if weights is None:

                    def second(make: Any = model, y: Any = y) -> Any:
                        made = make()
                        return lambda c: made.gradient_hessian(c, data, y, l2_reg_strength=0.7)[:2], True

                    yield Wild(
                        "scikit-learn", f"LinearModelLoss({label}).gradient",
                        f"LinearModelLoss({label}).gradient_hessian", second,
                        ((-0.6, 0.6),) * len(start), start, array=np.asarray,
                    )  # fmt: skip

    def multinomial() -> Any:
        made = linear.LinearModelLoss(base_loss=loss.HalfMultinomialLoss(n_classes=3), fit_intercept=True)
        y = np.array([0.0, 2, 1, 1, 0, 2, 1])
        return (
            lambda c: made.loss(c, data, y, l2_reg_strength=0.7),
            lambda c: made.loss_gradient(c, data, y, l2_reg_strength=0.7)[1],
        )

    yield Wild(
        "scikit-learn", "LinearModelLoss(HalfMultinomialLoss).loss",
        "LinearModelLoss(HalfMultinomialLoss).loss_gradient", multinomial,
        ((-0.6, 0.6),) * 12, np.sin(np.arange(12.0)) / 2, array=np.asarray,
    )  # fmt: skip

    def huber() -> Any:
        function = import_module("sklearn.linear_model._huber")._huber_loss_and_gradient
        w = np.ones(7)
        return lambda c: function(c, data, counts, 1.35, 0.1, w), True

    yield Wild(
        "scikit-learn", "_huber._huber_loss_and_gradient[0]", "_huber._huber_loss_and_gradient[1]", huber,
        (*(((-0.6, 0.6),) * 4), (0.5, 2.0)), np.array([0.4, -0.3, 0.2, 0.1, 0.9]), array=np.asarray,
    )  # fmt: skip


def _kernels() -> Iterator[Wild]:
    np = import_module("numpy")
    kernels = import_module("sklearn.gaussian_process.kernels")
    data = _samples(4, 2)
    k = kernels
    makers = {
        "RBF": lambda: k.RBF(0.8),
        "RBF of two scales": lambda: k.RBF([0.8, 1.7]),
        "Matern(nu=0.5)": lambda: k.Matern(0.8, nu=0.5),
        "Matern(nu=1.5)": lambda: k.Matern(0.8, nu=1.5),
        "Matern(nu=2.5)": lambda: k.Matern([0.8, 1.3], nu=2.5),
        "Matern(nu=inf)": lambda: k.Matern(0.8, nu=np.inf),
        "RationalQuadratic": lambda: k.RationalQuadratic(0.8, 1.4),
        "ExpSineSquared": lambda: k.ExpSineSquared(0.8, 1.4),
        "DotProduct": lambda: k.DotProduct(0.8),
        "ConstantKernel": lambda: k.ConstantKernel(2.0),
        "WhiteKernel": lambda: k.WhiteKernel(0.3),
        "Exponentiation": lambda: k.Exponentiation(k.RationalQuadratic(0.8, 1.4), 3),
        "Sum": lambda: k.RBF(0.8) + k.DotProduct(0.5),
        "Product": lambda: k.ConstantKernel(2.0) * k.RBF([0.8, 1.7]) * k.ExpSineSquared(0.8, 1.4),
    }
    for name, make in makers.items():
        count = 1
        try:
            count = len(make().theta)
            start = np.array(make().theta)
        except (AttributeError, TypeError):
            start = np.zeros(1)

        def build(make: Any = make) -> Any:
            made = make()
            return lambda theta: made.clone_with_theta(theta)(data, eval_gradient=True), True

        yield Wild(
            "scikit-learn", f"kernels.{name}", f"kernels.{name}, eval_gradient", build, ((-1.0, 1.0),) * count, start,
            array=np.atleast_1d,
        )  # fmt: skip


def _processes() -> Iterator[Wild]:
    np = import_module("numpy")
    process = import_module("sklearn.gaussian_process")
    k = import_module("sklearn.gaussian_process.kernels")
    data = _samples(6, 2)
    kernel = k.ConstantKernel(1.3) * k.RBF([0.8, 1.7]) + k.WhiteKernel(0.3)
    for name, y, to in (
        ("GaussianProcessRegressor", np.array([1.0, -0.3, 0.7, 0.2, 1.1, -0.9]), None),
        ("GaussianProcessClassifier", np.array([0, 1, 1, 0, 1, 0]), 1e-6),  # it stops where f gains less than 1e-10
    ):

        def build(n: str = name, y: Any = y) -> Any:
            made = getattr(process, n)(kernel, optimizer=None).fit(data, y)
            return partial(made.log_marginal_likelihood, eval_gradient=True), True

        yield Wild(
            "scikit-learn", f"{name}.log_marginal_likelihood", f"{name}.log_marginal_likelihood, eval_gradient", build,
            ((-1.0, 1.0),) * 4, np.array(kernel.theta), array=np.asarray, to=to,
        )  # fmt: skip


def _embeddings() -> Iterator[Wild]:
    np = import_module("numpy")
    start = np.sin(np.arange(10.0) * 2.3)

    def sne(degrees: float) -> Any:
        function = import_module("sklearn.manifold._t_sne")._kl_divergence
        p = np.abs(np.cos(np.arange(1.0, 11.0))) + 0.1
        p /= 2 * p.sum()
        return lambda y: function(y, p, degrees, 5, 2), True

    wrong = Mistake(
        "1.9.1",
        "the gradient multiplies by the kernel (1 + d2/n)**(-(n+1)/2) instead of 1/(1 + d2/n): the same for n = 1 only",
        start,
        lambda: _sne_slope(start, 2),
    )
    for degrees in (1, 2, 3):
        yield Wild(
            "scikit-learn", f"_t_sne._kl_divergence[0], {degrees} degrees of freedom",
            f"_t_sne._kl_divergence[1], {degrees} degrees of freedom", lambda d=degrees: sne(d), ((-1.0, 1.0),) * 10,
            start, mistake=wrong if degrees == 2 else Mistake(
                "1.9.1", "as with 2 degrees of freedom", start, lambda: _sne_slope(start, 3)
            ) if degrees == 3 else None,
            array=np.asarray,
        )  # fmt: skip

    def neighbours() -> Any:
        from sklearn.neighbors import NeighborhoodComponentsAnalysis

        made = NeighborhoodComponentsAnalysis()
        made.n_iter_, made.verbose = 1, 0
        labels = np.array([0, 1, 1, 0, 1, 0, 0])
        same = labels[:, None] == labels
        return lambda t: made._loss_grad_lbfgs(t, _samples(), same), True

    yield Wild(
        "scikit-learn", "NeighborhoodComponentsAnalysis: loss", "NeighborhoodComponentsAnalysis._loss_grad_lbfgs",
        neighbours, ((-1.0, 1.0),) * 6, start[:6], array=np.asarray,
    )  # fmt: skip


def _sne_slope(y: Any, degrees: int) -> Any:
    """Return the first partial derivative of t-SNE's divergence, from its definition, in many digits."""
    mpmath = many_digits()
    p = [abs(mpmath.cos(i)) + mpmath.mpf("0.1") for i in range(1, 11)]
    p = [v / (2 * sum(p)) for v in p]

    def divergence(first: Any) -> Any:
        points = [mpmath.mpf(float(v)) for v in y]
        points[0] = first
        rows = [points[i : i + 2] for i in range(0, 10, 2)]
        pairs = [(a, b) for i, a in enumerate(rows) for b in rows[i + 1 :]]
        squared = [sum((u - v) ** 2 for u, v in zip(a, b, strict=True)) for a, b in pairs]
        kernel = [(1 + s / degrees) ** (-mpmath.mpf(degrees + 1) / 2) for s in squared]
        return 2 * sum(u * mpmath.log(u * 2 * sum(kernel) / v) for u, v in zip(p, kernel, strict=True))

    return mpmath.diff(divergence, mpmath.mpf(float(y[0])))


def _networks() -> Iterator[Wild]:
    np = import_module("numpy")
    data = _samples()
    for activation in ("tanh", "logistic", "identity", "relu"):
        for kind in ("MLPRegressor", "MLPClassifier"):

            def build(a: str = activation, n: str = kind) -> Any:
                network = import_module("sklearn.neural_network")
                labels = np.array([0, 1, 2, 1, 0, 2, 1])
                y = labels * 0.7 - 1 if n == "MLPRegressor" else labels
                made = getattr(network, n)(
                    hidden_layer_sizes=(4,), activation=a, max_iter=1, solver="lbfgs", alpha=0.3, random_state=1
                )
                made.fit(data, y)
                wanted = y.reshape(-1, 1) if n == "MLPRegressor" else np.eye(3)[labels]
                outputs = wanted.shape[1]

                def both(packed: Any) -> Any:
                    activations = [data, np.empty((7, 4)), np.empty((7, outputs))]
                    deltas = [np.empty((7, 4)), np.empty((7, outputs))]
                    gradients = [np.empty((3, 4)), np.empty((4, outputs))]
                    biases = [np.empty(4), np.empty(outputs)]
                    return made._loss_grad_lbfgs(packed, data, wanted, None, activations, deltas, gradients, biases)

                return both, True

            count = 16 + 5 * (1 if kind == "MLPRegressor" else 3)
            yield Wild(
                "scikit-learn", f"{kind}({activation}): loss", f"{kind}({activation})._loss_grad_lbfgs", build,
                ((-0.9, 0.9),) * count, np.sin(np.arange(float(count)) * 1.3), array=np.asarray,
            )  # fmt: skip
    base = import_module("sklearn.neural_network._base")
    for name in ("identity", "tanh", "logistic", "relu"):

        def inplace(n: str = name) -> Any:
            def f(x: float) -> Any:
                made = np.array([x])
                base.ACTIVATIONS[n](made)
                return made[0]

            def df(x: float) -> Any:
                delta = np.ones(1)
                base.DERIVATIVES[n](np.array([f(x)]), delta)
                return delta[0]

            return f, df

        yield Wild(
            "scikit-learn", f"_base.ACTIVATIONS[{name!r}]", f"_base.DERIVATIVES[{name!r}]", inplace, ((-6.0, 6.0),)
        )


def _contrasts() -> Iterator[Wild]:
    """The contrast functions of FastICA, on one sample at a time."""
    np = import_module("numpy")
    for name in ("_logcosh", "_exp", "_cube"):

        def build(n: str = name) -> Any:
            contrast = getattr(import_module("sklearn.decomposition._fastica"), n)
            return lambda x: contrast(np.array([[x]]), {"alpha": 1.3}), True

        yield Wild("scikit-learn", f"_fastica.{name}[0]", f"_fastica.{name}[1]", build, ((-3.0, 3.0),))
