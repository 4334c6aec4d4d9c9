"""Derivatives of HIPS autograd: the rules of its NumPy and SciPy operations, by its own reverse mode."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = ("autograd", "scipy")

BOTH, POSITIVE, UNIT, OPEN = (-3.0, 3.0), (0.2, 5.0), (-0.95, 0.95), (0.05, 0.95)


def cases() -> Iterator[Wild]:
    """Yield them all."""
    yield from gathered("autograd", (_elementwise, _special, _distributions, _arrays, _linear_algebra))


def _of_numbers(operation: Callable[..., Any], boxes: tuple[tuple[float, float], ...]) -> Any:
    """Return an operation with its gradient, which raises here if there is no rule for it."""
    gradients = [import_module("autograd").grad(operation, i) for i in range(len(boxes))]
    for gradient in gradients:
        gradient(*((low + high) / 2 for low, high in boxes))
    return operation, lambda *at: [gradient(*at) for gradient in gradients]


def _numbers(prefix: str, table: dict[str, tuple[Any, Callable[..., Any]]]) -> Iterator[Wild]:
    """Yield functions of one number, whose box is an interval, or of several, each with its own."""
    for name, (box, operation) in table.items():
        boxes = (box,) if isinstance(box[0], float) else box
        build = partial(_of_numbers, operation, boxes)
        yield Wild("autograd", f"{prefix}{name}", f"{prefix}{name}: vjp", build, boxes)


def _elementwise() -> Iterator[Wild]:
    np = import_module("autograd.numpy")
    rows = (
        (BOTH, "sin cos tan sinh cosh tanh arctan arcsinh exp exp2 expm1 square abs fabs negative"),
        (POSITIVE, "log log2 log10 log1p sqrt reciprocal deg2rad rad2deg"),
        (UNIT, "arcsin arccos arctanh"),
        ((1.1, 5.0), "arccosh"),
        ((BOTH, (0.3, 2.0)), "arctan2 logaddexp logaddexp2 multiply divide true_divide add subtract maximum fmin"),
        ((POSITIVE, BOTH), "power"),
    )
    table = {name: (box, getattr(np, name)) for box, names in rows for name in names.split() if hasattr(np, name)}
    table |= {
        "sinc above 0": ((0.1, 3.0), np.sinc),
        "mod(x, 0.9)": ((0.1, 0.8), lambda x: np.mod(x, 0.9)),
        "remainder(7.3, x)": ((1.5, 1.8), lambda x: np.remainder(7.3, x)),
        "clip": (BOTH, lambda x: np.clip(x, -1.0, 1.5)),
        "where": (BOTH, lambda x: np.where(x > 0, x * x, -x)),
        "x**x": (POSITIVE, lambda x: x**x),
        "x**3": (BOTH, lambda x: x**3),
        "2.5**x": (BOTH, lambda x: 2.5**x),
        "real(exp(ix))": (BOTH, lambda x: np.real(np.exp(1j * x) * (1 + 2j))),
        "abs(exp(ix) + x)": (BOTH, lambda x: np.abs(np.exp(1j * x) + x)),
        "angle(2 + ix)": (BOTH, lambda x: np.angle(2 + 1j * x)),
        "imag(log(1 + ix))": (POSITIVE, lambda x: np.imag(np.log(1 + 1j * x))),
    }
    yield from _numbers("numpy.", table)
    yield Wild(
        "autograd", "numpy.sinc", "numpy.sinc: vjp",
        lambda: _of_numbers(np.sinc, ((0.1, 3.0),)), ((-3.0, 3.0),), points=(0.0,),
        mistake=Mistake("1.9", "the formula for x other than 0 gives 0/0 at 0", 0.0, lambda: 0.0),
    )  # fmt: skip


def _special() -> Iterator[Wild]:
    special = import_module("autograd.scipy.special")
    rows = (
        (POSITIVE, "gamma gammaln psi digamma rgamma y0 y1 i0 i1"),
        (BOTH, "erf erfc expit j0 j1"),
        (UNIT, "erfinv"),
        ((0.1, 1.9), "erfcinv"),
        (OPEN, "logit"),
        ((POSITIVE, POSITIVE), "beta betaln"),
    )
    table = {name: (box, getattr(special, name)) for box, names in rows for name in names.split()}
    table |= {f"polygamma({n}, x)": (POSITIVE, partial(special.polygamma, n)) for n in (1, 2)}
    table |= {
        f"{name}({n}, x)": (POSITIVE, partial(getattr(special, name), n)) for name in ("jn", "yn") for n in (0, 2)
    }
    table |= {
        f"{name}({v}, x)": (POSITIVE, partial(getattr(special, name), v)) for name in ("iv", "ive") for v in (1, 2.5)
    }
    table |= {
        "gammainc(1.7, x)": (POSITIVE, lambda x: special.gammainc(1.7, x)),
        "gammaincc(1.7, x)": (POSITIVE, lambda x: special.gammaincc(1.7, x)),
        "betainc(1.7, 0.6, x)": (OPEN, lambda x: special.betainc(1.7, 0.6, x)),
        "multigammaln(x, 2)": ((1.0, 5.0), lambda x: special.multigammaln(x, 2)),
    }
    yield from _numbers("scipy.special.", table)


def _distributions() -> Iterator[Wild]:
    stats = import_module("autograd.scipy.stats")
    table: dict[str, tuple[Any, Callable[..., Any]]] = {}
    for name in ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]:
        table[f"norm.{name}"] = (BOTH, BOTH, (0.5, 2.0)), getattr(stats.norm, name)
    for name in ["pdf", "logpdf", "cdf", "logcdf"]:
        table[f"t.{name}"] = (BOTH, BOTH, (0.5, 2.0)), partial(_student, getattr(stats.t, name))
    for name in ["pdf", "logpdf", "cdf"]:
        table[f"beta.{name}"] = OPEN, partial(_given, getattr(stats.beta, name), 2.2, 1.3)
        table[f"gamma.{name}"] = POSITIVE, partial(_given, getattr(stats.gamma, name), 2.2)
        table[f"chi2.{name}"] = POSITIVE, partial(_given, getattr(stats.chi2, name), 3)
    for name in ["pdf", "logpdf"]:
        table[f"beta.{name} by its parameters"] = (POSITIVE, POSITIVE), partial(getattr(stats.beta, name), 0.3)
        table[f"gamma.{name} by its shape"] = POSITIVE, partial(getattr(stats.gamma, name), 1.3)
    for name in ["pmf", "logpmf", "cdf"]:
        table[f"poisson.{name}"] = POSITIVE, partial(getattr(stats.poisson, name), 2)
    yield from _numbers("scipy.stats.", table)


def _student(function: Callable[..., Any], x: Any, loc: Any, scale: Any) -> Any:
    return function(x, 4.3, loc, scale)


def _given(function: Callable[..., Any], *at: Any) -> Any:
    return function(at[-1], *at[:-1])


def _arrays() -> Iterator[Wild]:
    np = import_module("autograd.numpy")
    plain = import_module("numpy")
    signal, special = import_module("autograd.scipy.signal"), import_module("autograd.scipy.special")
    rng = plain.random.default_rng(5)
    matrix, vector, cube = rng.normal(size=(3, 4)), rng.normal(size=5), rng.normal(size=(2, 3, 2))
    other, kernel = rng.normal(size=(4, 2)), rng.normal(size=3)
    table: dict[str, tuple[Any, Callable[..., Any]]] = {
        "sum": (matrix, lambda a: np.sum(a**2, axis=1)),
        "mean": (matrix, lambda a: np.mean(a**3, axis=0, keepdims=True)),
        "prod": (matrix, lambda a: np.prod(a, axis=1)),
        "var": (matrix, lambda a: np.var(a, axis=0, ddof=1)),
        "std": (matrix, lambda a: np.std(a, axis=1)),
        "max": (matrix, lambda a: np.max(a, axis=0)),
        "min": (matrix, np.min),
        "cumsum": (matrix, lambda a: np.cumsum(a**2, axis=1)),
        "sort": (vector, lambda a: np.sort(a) * np.arange(5.0)),
        "partition": (vector, lambda a: np.partition(a, 2) ** 2),
        "diff": (matrix, lambda a: np.diff(a**2, n=2, axis=1)),
        "gradient": (vector, lambda a: np.gradient(a**2)),
        "einsum": (matrix, lambda a: np.einsum("ij,jk,kj->i", a, other, other.T @ plain.ones((4, 4)))),
        "tensordot": (matrix, lambda a: np.tensordot(a, other, axes=([1], [0]))),
        "dot of three axes": (cube, lambda a: np.dot(a, other[:2])),
        "matmul in batches": (cube, lambda a: np.matmul(a, other.T[:, :3])),
        "inner": (matrix, lambda a: np.inner(a, other.T)),
        "outer": (vector, lambda a: np.outer(a, a**2)),
        "kron": (vector, lambda a: np.kron(a, kernel)),
        "cross": (kernel, lambda a: np.cross(a, vector[:3])),
        "transpose": (cube, lambda a: np.transpose(a**2, (2, 0, 1))),
        "roll": (matrix, lambda a: np.roll(a**2, 1, axis=1)),
        "rot90": (matrix, lambda a: np.rot90(a**2)),
        "repeat": (matrix, lambda a: np.repeat(a, 2, axis=0) ** 2),
        "tile": (matrix, lambda a: np.tile(a, (2, 1)) ** 2),
        "pad": (vector, lambda a: np.pad(a, 2, "constant") ** 2),
        "concatenate": (vector, lambda a: np.concatenate([a, a[::-1] ** 2])),
        "stack": (vector, lambda a: np.stack([a, a**2], axis=1)),
        "index twice": (vector, lambda a: a[plain.array([0, 2, 2, 4])] ** 2),
        "diag": (vector, lambda a: np.diag(a**2, 1)),
        "trace": (rng.normal(size=(4, 4)), lambda a: np.trace(a @ a)),
        "tril": (matrix, lambda a: np.tril(a**2)),
        "fft": (vector, lambda a: np.abs(np.fft.fft(a))),
        "rfft": (matrix[0], lambda a: np.abs(np.fft.rfft(a)) ** 2),
        "ifft2": (rng.normal(size=(2, 4)), lambda a: np.real(np.fft.ifft2(a * (1 + 1j)))),
        "logsumexp": (matrix, lambda a: special.logsumexp(a, axis=1)),
        "logsumexp(b)": (matrix[0], lambda a: special.logsumexp(a, b=plain.array([0.5, 1, 2, 3.0]))),
        "convolve": (matrix, lambda a: signal.convolve(a, other[:2, :2])),
        "convolve by the kernel, valid": (other[:2, :2], lambda k: signal.convolve(matrix, k, mode="valid")),
    }
    yield from _of_arrays("numpy.", table)


def _of_arrays(prefix: str, table: dict[str, tuple[Any, Callable[..., Any]]]) -> Iterator[Wild]:
    jacobian = import_module("autograd").jacobian
    for name, (start, operation) in table.items():
        build = partial(lambda f: (f, jacobian(f)), operation)
        yield Wild("autograd", f"{prefix}{name}", f"{prefix}{name}: jacobian", build, start=start)


def _linear_algebra() -> Iterator[Wild]:
    np, linalg = import_module("autograd.numpy"), import_module("autograd.numpy.linalg")
    scipy, plain = import_module("autograd.scipy.linalg"), import_module("numpy")
    normal = import_module("autograd.scipy.stats").multivariate_normal
    dirichlet = import_module("autograd.scipy.stats").dirichlet
    rng = plain.random.default_rng(6)
    square = rng.normal(size=(3, 3)) + 3 * plain.eye(3)
    tall, right = rng.normal(size=(4, 3)), rng.normal(size=3)

    def positive(a: Any) -> Any:
        return a @ a.T + np.eye(3)

    table: dict[str, tuple[Any, Callable[..., Any]]] = {
        "det": (square, linalg.det),
        "slogdet": (square, lambda a: linalg.slogdet(a)[1]),
        "inv": (square, linalg.inv),
        "pinv": (tall, linalg.pinv),
        "solve": (square, lambda a: linalg.solve(a, right)),
        "solve by the right side": (right, lambda b: linalg.solve(square, b**2)),
        "norm": (tall, linalg.norm),
        "norm(nuc)": (tall, lambda a: linalg.norm(a, "nuc")),
        "norm(3)": (right, lambda a: linalg.norm(a, 3)),
        "norm(axis)": (tall, lambda a: linalg.norm(a, axis=1)),
        "eigh, values": (square, lambda a: linalg.eigh(positive(a))[0]),
        "eigh, vectors": (square, lambda a: linalg.eigh(positive(a))[1] ** 2),
        "eig, values": (square, lambda a: np.sum(np.abs(linalg.eig(a)[0]) ** 3)),
        "cholesky": (square, lambda a: linalg.cholesky(positive(a))),
        "svd, values": (tall, lambda a: linalg.svd(a, full_matrices=False)[1]),
        "svd, vectors": (tall, lambda a: linalg.svd(a, full_matrices=False)[0] ** 2),
        "sqrtm": (square, lambda a: scipy.sqrtm(positive(a))),
        "solve_triangular": (square, lambda a: scipy.solve_triangular(a, right, lower=True)),
        "solve_sylvester": (square, lambda a: scipy.solve_sylvester(a, square, plain.eye(3))),
        "multivariate_normal.logpdf": (right, lambda x: normal.logpdf(x, plain.zeros(3), positive(square))),
        "multivariate_normal.logpdf by cov": (square, lambda a: normal.logpdf(right, plain.zeros(3), positive(a))),
        "multivariate_normal.pdf by mean": (right, lambda m: normal.pdf(plain.ones(3), m, positive(square))),
        "multivariate_normal.entropy": (square, lambda a: normal.entropy(plain.zeros(3), positive(a))),
        "dirichlet.logpdf": (abs(right) + 0.5, lambda a: dirichlet.logpdf(plain.array([0.2, 0.5, 0.3]), a)),
    }
    yield from _of_arrays("linalg.", table)
