"""Derivatives of JAX: the rules of its operations, by its own engine, compiled."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = ("jax",)


def cases() -> Iterator[Wild]:
    """Yield them all, in double precision."""
    import_module("jax").config.update("jax_enable_x64", True)
    yield from gathered("JAX", (_elementwise, _special, _activations, _arrays))


def _of_number(operation: Callable[[Any], Any]) -> Any:
    """Return an operation and its derivative as functions of a number."""
    jax = import_module("jax")
    f, df = jax.jit(operation), jax.jit(jax.grad(operation))
    return lambda x: float(f(x)), lambda x: float(df(x))


def _numbers(table: dict[str, tuple[tuple[float, float], Callable[[Any], Any]]]) -> Iterator[Wild]:
    for name, (box, operation) in table.items():
        yield Wild("JAX", name, f"{name}: grad", lambda op=operation: _of_number(op), (box,))


def _elementwise() -> Iterator[Wild]:
    jnp = import_module("jax.numpy")
    both, positive, unit = (-3.0, 3.0), (0.1, 5.0), (-0.95, 0.95)
    yield from _numbers(
        {
            f"numpy.{name}": (box, getattr(jnp, name))
            for box, names in (
                (both, "sin cos tan sinh cosh tanh arctan arcsinh exp exp2 expm1 square cbrt sinc i0 abs"),
                (positive, "log log2 log10 log1p sqrt reciprocal"),
                (unit, "arcsin arccos arctanh"),
                ((1.1, 5.0), "arccosh"),
            )
            for name in names.split()
        }
        | {
            "numpy.power(x, 2.5)": (positive, lambda x: jnp.power(x, 2.5)),
            "numpy.power(2.5, x)": (both, lambda x: jnp.power(2.5, x)),
            "numpy.power(x, x)": (positive, lambda x: jnp.power(x, x)),
            "numpy.power(x, 3)": (both, lambda x: x**3),
            "numpy.hypot(x, 1 - x)": (both, lambda x: jnp.hypot(x, 1 - x)),
            "numpy.arctan2(x, 1 + x*x)": (both, lambda x: jnp.arctan2(x, 1 + x * x)),
            "numpy.logaddexp(x, -2*x)": (both, lambda x: jnp.logaddexp(x, -2 * x)),
            "numpy.logaddexp2(x, -2*x)": (both, lambda x: jnp.logaddexp2(x, -2 * x)),
            "numpy.maximum(x, x*x)": (both, lambda x: jnp.maximum(x, x * x)),
            "numpy.clip(x, -1, 1.5)": (both, lambda x: jnp.clip(x, -1, 1.5)),
            "numpy.fmod(x, 0.9)": ((0.1, 0.8), lambda x: jnp.fmod(x, 0.9)),
            "numpy.where(x > 0, x*x, -x)": (both, lambda x: jnp.where(x > 0, x * x, -x)),
            "numpy.interp": ((0.1, 2.9), lambda x: jnp.interp(x, jnp.arange(4.0), jnp.array([0.3, 1.2, -0.5, 2.0]))),
            "numpy.polyval": (both, lambda x: jnp.polyval(jnp.array([0.3, 1.2, -0.5, 2.0]), x)),
        }
    )


def _special() -> Iterator[Wild]:
    special = import_module("jax.scipy.special")
    both, positive = (-3.0, 3.0), (0.2, 6.0)
    yield from _numbers(
        {
            f"scipy.special.{name}": (box, getattr(special, name))
            for box, names in (
                (both, "erf erfc i0 i0e i1 i1e ndtr log_ndtr expit erfcx wofz"),
                (positive, "gammaln digamma gamma expi exp1"),
                ((0.05, 0.95), "logit ndtri erfinv entr"),
            )
            for name in names.split()
            if hasattr(special, name) and name != "wofz"
        }
        | {
            "scipy.special.xlogy(x, x)": (positive, lambda x: special.xlogy(x, x)),
            "scipy.special.xlog1py(x, x)": (positive, lambda x: special.xlog1py(x, x)),
            "scipy.special.polygamma(2, x)": (positive, lambda x: special.polygamma(2, x)),
            "scipy.special.zeta(2.5, x)": (positive, lambda x: special.zeta(2.5, x)),
            "scipy.special.gammainc(1.7, x)": (positive, lambda x: special.gammainc(1.7, x)),
            "scipy.special.gammaincc(1.7, x)": (positive, lambda x: special.gammaincc(1.7, x)),
            "scipy.special.gammainc(x, 1.7)": (positive, lambda x: special.gammainc(x, 1.7)),
            "scipy.special.betainc(1.7, 0.8, x)": ((0.05, 0.95), lambda x: special.betainc(1.7, 0.8, x)),
            "scipy.special.betaln(x, 1.7)": (positive, lambda x: special.betaln(x, 1.7)),
            "scipy.special.multigammaln(x, 2)": ((1.0, 6.0), lambda x: special.multigammaln(x, 2)),
            "scipy.special.rel_entr(x, 0.7)": (positive, lambda x: special.rel_entr(x, 0.7)),
            "scipy.special.kl_div(x, 0.7)": (positive, lambda x: special.kl_div(x, 0.7)),
            "scipy.special.expn(2, x)": (positive, lambda x: special.expn(2, x)),
            "scipy.special.hyp1f1(0.7, 1.9, x)": (both, lambda x: special.hyp1f1(0.7, 1.9, x)),
            "scipy.special.poch(1 + x*x, 2.5)": (both, lambda x: special.poch(x * x + 1, 2.5)),
        }
    )
    yield Wild(
        "JAX", "scipy.special.spence", "scipy.special.spence: grad", lambda: _of_number(special.spence), ((0.1, 5.0),),
        points=(1.2, 1.6),
        mistake=Mistake(
            "0.10.2",
            "log(1 - x), in a branch that is not taken, makes it nan wherever 1 < x < 2",
            1.2,
            lambda: many_digits().log(1.2) / (1 - 1.2),
        ),
    )  # fmt: skip


def _activations() -> Iterator[Wild]:
    nn = import_module("jax.nn")
    names = (
        "relu relu6 elu selu celu gelu silu mish softplus soft_sign hard_tanh hard_sigmoid hard_silu log_sigmoid "
        "leaky_relu squareplus sparse_plus sigmoid"
    )
    yield from _numbers(
        {f"nn.{name}": ((-6.0, 6.0), getattr(nn, name)) for name in names.split() if hasattr(nn, name)}
        | {"nn.gelu(exact)": ((-6.0, 6.0), lambda x: nn.gelu(x, approximate=False))}
    )


def _arrays() -> Iterator[Wild]:
    jax = import_module("jax")
    jnp, nn, linalg = import_module("jax.numpy"), import_module("jax.nn"), import_module("jax.numpy.linalg")
    scipy = import_module("jax.scipy.linalg")
    line = jnp.array([0.3, -1.2, 0.7, 1.9])
    c = jnp.array([0.5, -1.0, 0.8, 0.3])
    square = jnp.array([[1.9, 0.3, -0.4], [0.5, 2.3, 0.2], [-0.1, 0.6, 1.4]])
    w = jnp.array([[0.5, -1.0, 0.8], [0.3, 1.2, -0.7], [-0.2, 0.4, 0.9]])
    definite = lambda x: x @ x.T + jnp.eye(3)  # noqa: E731
    accuracy = {"nn.dot_product_attention": 1e-5}  # its softmax is computed in single precision, whatever it is given
    table: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "nn.softmax": (line, lambda x: nn.softmax(x) @ c),
        "nn.log_softmax": (line, lambda x: nn.log_softmax(x) @ c),
        "nn.logsumexp": (line, nn.logsumexp),
        "nn.standardize": (line, lambda x: nn.standardize(x) @ c),
        "numpy.std": (line, jnp.std),
        "numpy.var": (line, jnp.var),
        "numpy.prod": (line, jnp.prod),
        "numpy.cumprod": (line, lambda x: jnp.cumprod(x) @ c),
        "numpy.cumsum": (line, lambda x: jnp.cumsum(x**2) @ c),
        "lax.cummax": (line, lambda x: jax.lax.cummax(x) @ c),
        "lax.cumlogsumexp": (line, lambda x: jax.lax.cumlogsumexp(x) @ c),
        "numpy.sort": (line, lambda x: jnp.sort(x) @ c),
        "numpy.max": (line, jnp.max),
        "numpy.median": (line, jnp.median),
        "numpy.quantile": (line, lambda x: jnp.quantile(x, 0.3)),
        "numpy.linalg.norm": (line, linalg.norm),
        "numpy.linalg.norm(1)": (line, lambda x: linalg.norm(x, 1)),
        "numpy.linalg.norm(inf)": (line, lambda x: linalg.norm(x, jnp.inf)),
        "numpy.fft.rfft": (line, lambda x: jnp.abs(jnp.fft.rfft(x)).sum()),
        "numpy.convolve": (line, lambda x: (jnp.convolve(x, c) ** 2).sum()),
        "nn.logsumexp of squares": (line, lambda x: nn.logsumexp(x**2)),
        "ops.segment_max": (line, lambda x: jax.ops.segment_max(x, jnp.array([0, 1, 0, 1]), 2).sum()),
        "lax.reduce_window": (
            line,
            lambda x: (jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (2,), (1,), "VALID") ** 2).sum(),
        ),
        "lax.scan": (line, lambda x: jax.lax.scan(lambda s, v: (jnp.sin(s) + v, s), 0.3, x)[0]),
        "lax.custom_root": (
            line,
            lambda x: jax.lax.custom_root(lambda y: y**3 + y - x @ x, 1.0, _newton, lambda g, y: y / g(1.0)),
        ),
        "numpy.linalg.det": (square, linalg.det),
        "numpy.linalg.slogdet": (square, lambda x: linalg.slogdet(x)[1]),
        "numpy.linalg.inv": (square, lambda x: (linalg.inv(x) * w).sum()),
        "numpy.linalg.solve": (square, lambda x: (linalg.solve(x, w) * w).sum()),
        "numpy.linalg.cholesky": (square, lambda x: (linalg.cholesky(definite(x)) * w).sum()),
        "numpy.linalg.qr": (square, lambda x: (linalg.qr(x)[0] * w).sum() + (linalg.qr(x)[1] * w).sum()),
        "numpy.linalg.eigvalsh": (square, lambda x: linalg.eigvalsh(definite(x)) @ c[:3]),
        "numpy.linalg.eigh": (square, lambda x: (linalg.eigh(definite(x))[1] ** 2 * w).sum()),
        "numpy.linalg.svd": (square, lambda x: linalg.svd(x, compute_uv=False) @ c[:3]),
        "numpy.linalg.svd, vectors": (square, lambda x: (linalg.svd(x)[0] ** 2 * w).sum()),
        "numpy.linalg.pinv": (square, lambda x: (linalg.pinv(x) * w).sum()),
        "numpy.linalg.matrix_power": (square, lambda x: (linalg.matrix_power(x, 3) * w).sum()),
        "scipy.linalg.expm": (square, lambda x: (scipy.expm(x) * w).sum()),
        "scipy.linalg.lu": (square, lambda x: (scipy.lu(x)[2] * w).sum()),
        "scipy.linalg.solve_triangular": (square, lambda x: (scipy.solve_triangular(x, w) * w).sum()),
        "numpy.linalg.norm(nuc)": (square, lambda x: linalg.norm(x, "nuc")),
        "numpy.einsum": (square, lambda x: jnp.einsum("ij,jk,kl->il", x, w, x).sum()),
        "numpy.linalg.eigvals": (square, lambda x: jnp.abs(linalg.eigvals(x) ** 2).sum()),
        "nn.dot_product_attention": (
            square,
            lambda x: (nn.dot_product_attention(x[:, None], 2 * x[:, None], x[:, None] + 1)[:, 0] * w).sum(),
        ),
        "lax.conv": (square, lambda x: (jax.lax.conv(x[None, None], w[None, None, :2, :2], (1, 1), "SAME") ** 2).sum()),
        "image.resize(bicubic)": (square, lambda x: (jax.image.resize(x, (4, 4), "bicubic") ** 2).sum()),
        "scipy.ndimage.map_coordinates": (
            square,
            lambda x: jax.scipy.ndimage.map_coordinates(
                w, [jax.nn.sigmoid(x[0]) * 2, jax.nn.sigmoid(x[1]) * 2], 1
            ).sum(),
        ),
    }
    for name, (start, operation) in table.items():
        box = tuple((v - 0.1, v + 0.1) for v in start.reshape(-1).tolist())

        def build(op: Callable[[Any], Any] = operation) -> Any:
            return jax.jit(op), jax.jit(jax.grad(op))

        yield Wild(
            "JAX", name, f"{name}: grad", build, box, start,
            array=lambda numbers, shape=start.shape: jnp.asarray(numbers).reshape(shape), to=accuracy.get(name),
        )  # fmt: skip


def _newton(f: Callable[[Any], Any], y: Any) -> Any:
    """Return a root by Newton's method."""
    jax = import_module("jax")
    return jax.lax.fori_loop(0, 60, lambda _, y: y - f(y) / jax.grad(f)(y), y)
