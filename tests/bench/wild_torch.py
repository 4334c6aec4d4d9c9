"""Derivatives of PyTorch: the backward formulas of its operations, by its own engine."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parent)]

from wild import Mistake, Wild, gathered, many_digits  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = ("torch",)


def cases() -> Iterator[Wild]:
    """Yield them all, on one thread."""
    import_module("torch").set_num_threads(1)
    yield from gathered("PyTorch", (_elementwise, _activations, _losses, _reductions, _matrices, _layers, _single))


def _of_number(operation: Callable[[Any], Any]) -> Any:
    """Return an operation on tensors, and its derivative, as functions of a number."""
    torch = import_module("torch")

    def f(x: float) -> float:
        return operation(torch.tensor(x, dtype=torch.float64)).item()

    def df(x: float) -> float:
        leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(operation(leaf), leaf)
        return slope.item()

    return f, df


def _of_array(operation: Callable[[Any], Any]) -> Any:
    jacobian = import_module("torch").autograd.functional.jacobian
    return operation, lambda x: jacobian(operation, x)


def _numbers(table: dict[str, tuple[tuple[float, float], Callable[[Any], Any]]]) -> Iterator[Wild]:
    for name, (box, operation) in table.items():
        yield Wild("PyTorch", f"torch.{name}", f"torch.{name}: backward", lambda op=operation: _of_number(op), (box,))


def _array(name: str, operation: Callable[[Any], Any], start: Any, spread: float = 0.3, **more: Any) -> Wild:
    """Return the case of an operation on one tensor."""
    torch = import_module("torch")
    box = tuple((v - spread, v + spread) for v in start.reshape(-1).tolist())
    return Wild(
        "PyTorch", f"torch.{name}", f"torch.{name}: backward", lambda: _of_array(operation), box, start,
        array=lambda numbers: torch.tensor(numbers, dtype=start.dtype).reshape(start.shape), **more,
    )  # fmt: skip


def _elementwise() -> Iterator[Wild]:
    torch = import_module("torch")
    s = torch.special
    both, positive, unit = (-3.0, 3.0), (0.1, 5.0), (-0.95, 0.95)
    table: dict[str, tuple[tuple[float, float], Callable[[Any], Any]]] = {
        name: (box, getattr(torch, name))
        for box, names in (
            (both, "sin cos tan sinh cosh tanh atan asinh exp exp2 expm1 sigmoid abs square erf erfc sinc i0 deg2rad"),
            (positive, "log log2 log10 log1p sqrt rsqrt reciprocal lgamma digamma"),
            (unit, "asin acos atanh erfinv"),
            ((1.1, 5.0), "acosh"),
        )
        for name in names.split()
    }
    table |= {
        f"special.{name}": (box, getattr(s, name))
        for box, names in (
            (both, "i0e i1 i1e ndtr log_ndtr erfcx expit bessel_j0 bessel_j1"),
            ((0.05, 0.95), "logit ndtri entr"),
        )
        for name in names.split()
        if not name.startswith("bessel")  # which has no derivative
    }
    table |= {
        "polygamma(1, x)": (positive, lambda x: torch.polygamma(1, x)),
        "polygamma(3, x)": (positive, lambda x: torch.polygamma(3, x)),
        "mvlgamma(x, 3)": ((1.6, 6.0), lambda x: torch.mvlgamma(x, 3)),
        "pow(x, 2.5)": (positive, lambda x: torch.pow(x, 2.5)),
        "pow(x, 3)": (both, lambda x: torch.pow(x, 3)),
        "pow(2.5, x)": (both, lambda x: torch.pow(2.5, x)),
        "pow(x, x)": (positive, lambda x: torch.pow(x, x)),
        "xlogy(x, x)": (positive, lambda x: torch.xlogy(x, x)),
        "special.xlog1py(x, x)": (positive, lambda x: s.xlog1py(x, x)),
        "special.zeta(2, x)": (positive, lambda x: s.zeta(torch.tensor(2.0, dtype=torch.float64), x)),
        "atan2(x, 1 + x*x)": (both, lambda x: torch.atan2(x, 1 + x * x)),
        "hypot(x, 1 - x)": (both, lambda x: torch.hypot(x, 1 - x)),
        "logaddexp(x, -2*x)": (both, lambda x: torch.logaddexp(x, -2 * x)),
        "logaddexp2(x, -2*x)": (both, lambda x: torch.logaddexp2(x, -2 * x)),
        "maximum(x, x*x)": (both, lambda x: torch.maximum(x, x * x)),
        "fmod(x*x*x, 1.7)": ((0.1, 1.1), lambda x: torch.fmod(x * x * x, 1.7)),
        "remainder(x, 0.9)": ((0.1, 0.8), lambda x: torch.remainder(x, 0.9)),
        "clamp(x, -1, 1.5)": (both, lambda x: torch.clamp(x, -1, 1.5)),
        "lerp(x, x*x, 0.3)": (both, lambda x: torch.lerp(x, x * x, 0.3)),
        "addcdiv": (positive, lambda x: torch.addcdiv(x, x * x, x + 1, value=0.7)),
        "where(x > 0, x*x, -x)": (both, lambda x: torch.where(x > 0, x * x, -x)),
        "nan_to_num": (both, torch.nan_to_num),
        "copysign(x, -1)": (both, lambda x: torch.copysign(x, torch.tensor(-1.0))),
        "ldexp(x, 3)": (both, lambda x: torch.ldexp(x, torch.tensor(3))),
    }
    yield from _numbers(table)


def _activations() -> Iterator[Wild]:
    torch = import_module("torch")
    functional = torch.nn.functional
    names = (
        "relu relu6 elu selu celu gelu silu mish softplus softsign tanhshrink hardtanh hardswish hardshrink softshrink "
        "logsigmoid leaky_relu"
    )
    table: dict[str, Callable[[Any], Any]] = {name: getattr(functional, name) for name in names.split()}
    table |= {
        "gelu(approximate='tanh')": lambda x: functional.gelu(x, approximate="tanh"),
        "elu(alpha=1.7)": lambda x: functional.elu(x, alpha=1.7),
        "softplus(beta=2.5)": lambda x: functional.softplus(x, beta=2.5),
        "softplus(threshold=2)": lambda x: functional.softplus(x, beta=9, threshold=25),
        "threshold(x, 0.5, 0.1)": lambda x: functional.threshold(x, 0.5, 0.1),
        "rrelu": functional.rrelu,
        "hardtanh(-2, 0.5)": lambda x: functional.hardtanh(x, -2.0, 0.5),
    }
    for name, operation in table.items():
        yield Wild(
            "PyTorch", f"nn.functional.{name}", f"nn.functional.{name}: backward",
            lambda op=operation: _of_number(op), ((-6.0, 6.0),),
        )  # fmt: skip
    yield Wild(
        "PyTorch", "nn.functional.hardsigmoid", "nn.functional.hardsigmoid: backward",
        lambda: _of_number(functional.hardsigmoid), ((-2.9, 2.9),), points=(1.0,),
        mistake=Mistake(
            "2.13.0",
            "in float64 too, it multiplies by 1/6 rounded to single precision: 3e-8 off",
            1.0,
            lambda: many_digits().mpf(1) / 6,
        ),
    )  # fmt: skip

    yield Wild(
        "PyTorch", "nn.functional.celu(alpha=1.7)", "nn.functional.celu(alpha=1.7): backward",
        lambda: _of_number(lambda x: functional.celu(x, alpha=1.7)), ((-6.0, 6.0),), points=(-3.0,),
        mistake=Mistake(
            "2.13.0",
            "in float64 too, it uses alpha and 1/alpha rounded to single precision: 6e-8 off where x < 0",
            -3.0,
            lambda: many_digits().exp(many_digits().mpf(-3) / many_digits().mpf(1.7)),
        ),
    )  # fmt: skip


def _losses() -> Iterator[Wild]:
    torch = import_module("torch")
    functional = torch.nn.functional
    start = torch.tensor([0.3, -1.2, 0.7, 1.9], dtype=torch.float64)
    other = torch.tensor([0.1, 0.4, -0.6, 1.1], dtype=torch.float64)
    share = torch.tensor([0.2, 0.9, 0.5, 0.0], dtype=torch.float64)
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    log = functional.logsigmoid
    table: dict[str, Callable[[Any], Any]] = {
        "mse_loss": lambda x: functional.mse_loss(x, other),
        "l1_loss": lambda x: functional.l1_loss(x, other),
        "smooth_l1_loss": lambda x: functional.smooth_l1_loss(x, other, beta=0.8),
        "huber_loss": lambda x: functional.huber_loss(x, other, delta=0.7),
        "kl_div": lambda x: functional.kl_div(log(x), share, reduction="sum"),
        "kl_div(log_target)": lambda x: functional.kl_div(log(x), other, log_target=True, reduction="sum"),
        "binary_cross_entropy": lambda x: functional.binary_cross_entropy(torch.sigmoid(x), share),
        "binary_cross_entropy_with_logits": lambda x: functional.binary_cross_entropy_with_logits(
            x, share, pos_weight=signs + 1.5
        ),
        "poisson_nll_loss": lambda x: functional.poisson_nll_loss(x, share + 1, full=True),
        "poisson_nll_loss(log_input=False)": lambda x: functional.poisson_nll_loss(x * x, share + 1, log_input=False),
        "gaussian_nll_loss": lambda x: functional.gaussian_nll_loss(x, other, x * x + 0.3),
        "soft_margin_loss": lambda x: functional.soft_margin_loss(x, signs),
        "hinge_embedding_loss": lambda x: functional.hinge_embedding_loss(x, signs),
        "margin_ranking_loss": lambda x: functional.margin_ranking_loss(x, other, signs, margin=0.2),
        "multilabel_soft_margin_loss": lambda x: functional.multilabel_soft_margin_loss(x, share),
        "multi_margin_loss": lambda x: functional.multi_margin_loss(x[None], torch.tensor([2])),
        "multilabel_margin_loss": lambda x: functional.multilabel_margin_loss(x[None], torch.tensor([[2, 0, -1, 1]])),
        "cross_entropy": lambda x: functional.cross_entropy(x[None], torch.tensor([2]), label_smoothing=0.1),
        "cross_entropy(probabilities)": lambda x: functional.cross_entropy(x, share / share.sum()),
        "nll_loss": lambda x: functional.nll_loss(log(x)[None], torch.tensor([1])),
        "cosine_similarity": lambda x: functional.cosine_similarity(x, other, dim=0),
        "cosine_embedding_loss": lambda x: functional.cosine_embedding_loss(
            x[None], other[None], torch.tensor([-1.0]), margin=-2.0
        ),
        "triplet_margin_loss": lambda x: functional.triplet_margin_loss(x[None], other[None], share[None]),
        "pairwise_distance": lambda x: functional.pairwise_distance(x[None], other[None], p=3.0),
        "ctc_loss": lambda x: functional.ctc_loss(
            torch.log_softmax(torch.outer(other + 2, x), -1)[:, None], torch.tensor([[1, 2]]), (4,), (2,)
        ),
    }
    for name, operation in table.items():
        yield _array(f"nn.functional.{name}", operation, start)


def _reductions() -> Iterator[Wild]:
    torch = import_module("torch")
    start = torch.tensor([0.3, -1.2, 0.7, 1.9, -0.4, 2.2], dtype=torch.float64)
    weights = torch.tensor([0.5, -1.0, 0.8, 0.3, 1.2, -0.7], dtype=torch.float64)
    rows = lambda x: x.reshape(3, 2)  # noqa: E731
    table: dict[str, Callable[[Any], Any]] = {
        "softmax": lambda x: torch.softmax(x, 0) @ weights,
        "log_softmax": lambda x: torch.log_softmax(x, 0) @ weights,
        "logsumexp": lambda x: torch.logsumexp(x, 0),
        "nn.functional.softmin": lambda x: torch.nn.functional.softmin(x, 0) @ weights,
        "std": torch.std,
        "var(correction=0)": lambda x: torch.var(x, correction=0),
        "mean": torch.mean,
        "prod": torch.prod,
        "cumprod": lambda x: torch.cumprod(x, 0) @ weights,
        "cumsum": lambda x: torch.cumsum(x, 0) @ weights,
        "logcumsumexp": lambda x: torch.logcumsumexp(x, 0) @ weights,
        "norm": torch.linalg.vector_norm,
        "norm(1)": lambda x: torch.linalg.vector_norm(x, 1),
        "norm(3)": lambda x: torch.linalg.vector_norm(x, 3),
        "norm(inf)": lambda x: torch.linalg.vector_norm(x, torch.inf),
        "norm(0.5)": lambda x: torch.linalg.vector_norm(x, 0.5),
        "renorm": lambda x: (torch.renorm(rows(x), 2, 0, 1.0) ** 2).sum() + torch.renorm(rows(x), 2, 0, 1.0)[1, 0],
        "median": torch.median,
        "amax": torch.amax,
        "aminmax": lambda x: torch.aminmax(x)[1] - torch.aminmax(x)[0],
        "quantile(0.3)": lambda x: torch.quantile(x, 0.3),
        "sort": lambda x: torch.sort(x)[0] @ weights,
        "kthvalue": lambda x: torch.kthvalue(x, 3)[0],
        "topk": lambda x: torch.topk(x, 2)[0].prod(),
        "cummax": lambda x: torch.cummax(x, 0)[0] @ weights,
        "diff": lambda x: torch.diff(x).square().sum(),
        "trapezoid": lambda x: torch.trapezoid(x * x, x),
        "cdist": lambda x: torch.cdist(rows(x), rows(x) + 1).sum(),
        "cdist(p=1)": lambda x: torch.cdist(rows(x), rows(x) + 1, p=1).sum(),
        "pdist": lambda x: torch.pdist(rows(x), 3).sum(),
        "cov": lambda x: torch.cov(rows(x).T)[0, 1],
        "corrcoef": lambda x: torch.corrcoef(rows(x).T)[0, 1],
        "gather": lambda x: (x.gather(0, torch.tensor([0, 2, 2])) ** 3).sum(),
        "scatter_reduce(prod)": lambda x: (
            torch.zeros(3, dtype=x.dtype)
            .scatter_reduce(0, torch.tensor([0, 1, 2, 0, 1, 0]), x, "prod", include_self=False)
            .sum()
        ),
        "scatter_reduce(mean)": lambda x: (
            torch.zeros(3, dtype=x.dtype).scatter_reduce(0, torch.tensor([0, 1, 2, 0, 1, 0]), x, "mean") ** 2
        ).sum(),
        "index_add": lambda x: (
            torch.ones(3, dtype=x.dtype).index_add(0, torch.tensor([0, 1, 2, 0, 1, 0]), x) ** 3
        ).sum(),
        "fft.rfft": lambda x: torch.fft.rfft(x).abs().sum(),
        "fft.irfft": lambda x: torch.fft.irfft(x.to(torch.complex128)).square() @ torch.arange(10.0, dtype=x.dtype),
        "view_as_complex, angle": lambda x: torch.view_as_complex(rows(x)).angle().sum(),
        "complex product": lambda x: (torch.view_as_complex(rows(x)).prod() * (1 + 2j)).real,
        "complex sqrt": lambda x: torch.view_as_complex(rows(x)).sqrt().imag.sum(),
        "complex log, exp": lambda x: (torch.view_as_complex(rows(x)).log() * 0.7).exp().real.sum(),
        "complex tanh": lambda x: torch.view_as_complex(rows(x) * 0.4).tanh().imag.sum(),
        "polar": lambda x: (torch.polar(x[:3].abs() + 1, x[3:]) ** 2).imag.sum(),
        "sgn of complex": lambda x: torch.view_as_complex(rows(x)).sgn().real.sum(),
    }
    for name, operation in table.items():
        yield _array(name, operation, start, 0.15)


def _matrices() -> Iterator[Wild]:
    torch = import_module("torch")
    linalg = torch.linalg
    start = torch.tensor([[1.9, 0.3, -0.4], [0.5, 2.3, 0.2], [-0.1, 0.6, 1.4]], dtype=torch.float64)
    tall = torch.tensor([[1.9, 0.3], [0.5, 2.3], [-0.1, 0.6]], dtype=torch.float64)
    w = torch.tensor([[0.5, -1.0, 0.8], [0.3, 1.2, -0.7], [-0.2, 0.4, 0.9]], dtype=torch.float64)
    v = torch.tensor([0.5, -1.0, 0.8], dtype=torch.float64)
    definite = lambda x: x @ x.T + torch.eye(3, dtype=x.dtype)  # noqa: E731
    table: dict[str, Callable[[Any], Any]] = {
        "linalg.det": linalg.det,
        "linalg.slogdet": lambda x: linalg.slogdet(x)[1],
        "logdet": torch.logdet,
        "linalg.inv": lambda x: (linalg.inv(x) * w).sum(),
        "linalg.solve": lambda x: linalg.solve(x, v) @ v,
        "linalg.solve_triangular": lambda x: (linalg.solve_triangular(x, w, upper=True) * w).sum(),
        "linalg.cholesky": lambda x: (linalg.cholesky(definite(x)) * w).sum(),
        "cholesky_inverse": lambda x: (torch.cholesky_inverse(linalg.cholesky(definite(x))) * w).sum(),
        "cholesky_solve": lambda x: (torch.cholesky_solve(w, linalg.cholesky(definite(x))) * w).sum(),
        "linalg.qr": lambda x: (linalg.qr(x)[0] * w).sum() + (linalg.qr(x)[1] * w).sum(),
        "linalg.eigvalsh": lambda x: linalg.eigvalsh(definite(x)) @ v,
        "linalg.eigh": lambda x: (linalg.eigh(definite(x))[1] ** 2 * w).sum(),
        "linalg.eigvals": lambda x: (linalg.eigvals(x) ** 2).abs().sum(),
        "linalg.svdvals": lambda x: linalg.svdvals(x) @ v,
        "linalg.svd": lambda x: (linalg.svd(x)[0] ** 2 * w).sum(),
        "linalg.matrix_exp": lambda x: (linalg.matrix_exp(x) * w).sum(),
        "linalg.matrix_power": lambda x: (linalg.matrix_power(x, 3) * w).sum(),
        "linalg.pinv": lambda x: (linalg.pinv(x) * w).sum(),
        "linalg.norm(nuc)": lambda x: linalg.matrix_norm(x, "nuc"),
        "linalg.norm(2)": lambda x: linalg.matrix_norm(x, 2),
        "linalg.cond": linalg.cond,
        "linalg.lu": lambda x: (linalg.lu(x)[2] * w).sum() + (linalg.lu(x)[1] * w).sum(),
        "linalg.lu_factor": lambda x: (linalg.lu_factor(x)[0] * w).sum(),
        "trace": torch.trace,
        "matmul": lambda x: (x @ w @ x).sum(),
        "linalg.cross, of which only rounding is left": lambda x: (linalg.cross(x, w) * w).sum(),
        "linalg.cross": lambda x: (linalg.cross(x, w) * v).sum(),
        "linalg.tensorinv": lambda x: (linalg.tensorinv(x, 1) * w).sum(),
        "linalg.vander": lambda x: (linalg.vander(x[0]) * w).sum(),
        "kron": lambda x: torch.kron(x, w).square().sum(),
        "einsum": lambda x: torch.einsum("ij,jk,kl->il", x, w, x).sum(),
        "tril": lambda x: (torch.tril(x) ** 2).sum(),
        "linalg.multi_dot": lambda x: linalg.multi_dot([x, w, x]).sum(),
        "baddbmm": lambda x: torch.baddbmm(x[None], w[None], x[None], beta=0.3, alpha=2).sum(),
    }
    for name, operation in table.items():
        yield _array(name, operation, start, 0.1)
    yield _array("linalg.lstsq", lambda x: linalg.lstsq(x, w[:, :2])[0].sum(), tall, 0.1)
    yield _array("linalg.qr of a tall matrix", lambda x: (linalg.qr(x)[0] * w[:, :2]).sum(), tall, 0.1)
    yield _array("linalg.pinv of a tall matrix", lambda x: (linalg.pinv(x) * w[:2]).sum(), tall, 0.1)
    yield _array(
        "linalg.householder_product", lambda x: (linalg.householder_product(x, v[:2]) * w[:, :2]).sum(), tall, 0.1
    )


def _layers() -> Iterator[Wild]:
    torch = import_module("torch")
    functional = torch.nn.functional
    image = torch.sin(torch.arange(16, dtype=torch.float64) * 1.7).reshape(1, 1, 4, 4)
    line = torch.sin(torch.arange(8, dtype=torch.float64) * 1.7).reshape(1, 2, 4)
    w = torch.cos(torch.arange(9, dtype=torch.float64)).reshape(1, 1, 3, 3)
    c = torch.cos(torch.arange(16, dtype=torch.float64) * 0.9)
    total = lambda y: y.reshape(-1) @ c[: y.numel()] if y.numel() <= 16 else (y**2).sum()  # noqa: E731
    table: dict[str, Callable[[Any], Any]] = {
        "conv2d": lambda x: total(functional.conv2d(x, w, padding=1) ** 2),
        "conv2d(stride, dilation)": lambda x: total(functional.conv2d(x, w, padding=2, stride=2, dilation=2) ** 2),
        "conv_transpose2d": lambda x: total(functional.conv_transpose2d(x, w, stride=2) ** 2),
        "avg_pool2d": lambda x: total(functional.avg_pool2d(x, 2) ** 2),
        "max_pool2d": lambda x: total(functional.max_pool2d(x, 2) ** 2),
        "lp_pool2d": lambda x: total(functional.lp_pool2d(x**2, 3.0, 2)),
        "adaptive_avg_pool2d": lambda x: total(functional.adaptive_avg_pool2d(x, 3) ** 2),
        "adaptive_max_pool2d": lambda x: total(functional.adaptive_max_pool2d(x, 3) ** 2),
        "interpolate(bilinear)": lambda x: total(functional.interpolate(x, size=(3, 3), mode="bilinear") ** 2),
        "interpolate(bicubic)": lambda x: total(
            functional.interpolate(x, size=(3, 3), mode="bicubic", align_corners=True) ** 2
        ),
        "interpolate(nearest)": lambda x: total(functional.interpolate(x, size=(3, 3)) ** 2),
        "interpolate(area)": lambda x: total(functional.interpolate(x, size=(3, 3), mode="area") ** 2),
        "pad(reflect)": lambda x: functional.pad(x, (1, 1, 1, 1), mode="reflect").pow(3).sum(),
        "pad(replicate)": lambda x: functional.pad(x, (1, 2, 1, 0), mode="replicate").pow(3).sum(),
        "unfold": lambda x: functional.unfold(x, 2).pow(3).sum(),
        "pixel_unshuffle": lambda x: total(functional.pixel_unshuffle(x, 2) ** 3),
        "grid_sample": lambda x: total(
            functional.grid_sample(image + 1, torch.tanh(x.reshape(1, 2, 4, 2)), align_corners=False)
        ),
        "grid_sample of the image": lambda x: total(
            functional.grid_sample(x, torch.tanh(image.reshape(1, 2, 4, 2)), mode="bicubic", align_corners=True) ** 2
        ),
        "affine_grid": lambda x: (
            functional.affine_grid(x.reshape(-1)[:6].reshape(1, 2, 3), [1, 1, 2, 2], align_corners=False).pow(3).sum()
        ),
        "local_response_norm": lambda x: total(functional.local_response_norm(x, 2, alpha=0.5)),
        "instance_norm": lambda x: total(functional.instance_norm(x)),
        "layer_norm": lambda x: total(functional.layer_norm(x, (4,), c[:4])),
        "scaled_dot_product_attention": lambda x: total(functional.scaled_dot_product_attention(x, x * 2, x + 1)),
        "scaled_dot_product_attention(causal)": lambda x: total(
            functional.scaled_dot_product_attention(x, x * 2, x + 1, is_causal=True)
        ),
        "normalize": lambda x: total(functional.normalize(x, dim=-1)),
        "rms_norm": lambda x: total(functional.rms_norm(x, (4,))),
    }
    for name, operation in table.items():
        yield _array(f"nn.functional.{name}", operation, image, 0.1)
    short: dict[str, Callable[[Any], Any]] = {
        "batch_norm": lambda x: total(functional.batch_norm(x.reshape(4, 2), None, None, c[:2], training=True) ** 3),
        "group_norm": lambda x: total(functional.group_norm(x, 2, c[:2]) ** 3),
        "glu": lambda x: total(functional.glu(x, 1)),
        "prelu": lambda x: total(functional.prelu(x, c[:2])),
        "conv1d": lambda x: total(functional.conv1d(x, w.reshape(-1)[:6].reshape(1, 2, 3)) ** 2),
        "bilinear": lambda x: total(functional.bilinear(x[0], x[0], c[:8].reshape(2, 2, 2).repeat(1, 2, 2))),
        "embedding_bag": lambda x: total(functional.embedding_bag(torch.tensor([[0, 1, 1]]), x[0]) ** 2),
        "avg_pool1d": lambda x: total(functional.avg_pool1d(x, 3, 1, 1) ** 2),
        "fold": lambda x: functional.fold(x.reshape(1, 8, 1), (3, 3), (2, 2), stride=2).pow(3).sum(),
    }
    for name, operation in short.items():
        yield _array(f"nn.functional.{name}", operation, line, 0.1)
    torch.manual_seed(0)
    for name in ("RNNCell", "LSTMCell", "GRUCell"):
        cell = getattr(torch.nn, name)(4, 3).double()

        def step(x: Any, cell: Any = cell) -> Any:
            state = cell(x[0])
            return total((state[0] if isinstance(state, tuple) else state)[1])

        yield _array(f"nn.{name}", step, line, 0.1)
    layer = torch.nn.MultiheadAttention(4, 2, batch_first=True).double()
    yield _array("nn.MultiheadAttention", lambda x: total(layer(x, x, x)[0]), line, 0.1)


def _single() -> Iterator[Wild]:
    """Operations in single precision."""
    torch = import_module("torch")
    functional = torch.nn.functional
    start = torch.tensor([0.3, -1.2, 0.7, 1.9], dtype=torch.float32)
    table: dict[str, Callable[[Any], Any]] = {
        "sin": lambda x: torch.sin(x).sum(),
        "exp": lambda x: torch.exp(x).sum(),
        "tanh": lambda x: torch.tanh(x).sum(),
        "sigmoid": lambda x: torch.sigmoid(x).sum(),
        "gelu": lambda x: functional.gelu(x).sum(),
        "silu": lambda x: functional.silu(x).sum(),
        "softplus": lambda x: functional.softplus(x).sum(),
        "erf": lambda x: torch.erf(x).sum(),
        "log_softmax": lambda x: torch.log_softmax(x, 0)[1],
        "cross_entropy": lambda x: functional.cross_entropy(x[None], torch.tensor([2])),
        "mish": lambda x: functional.mish(x).sum(),
        "hardsigmoid": lambda x: functional.hardsigmoid(x).sum(),
        "logsumexp": lambda x: torch.logsumexp(x, 0),
        "std": torch.std,
        "layer_norm": lambda x: functional.layer_norm(x, (4,))[2],
        "i0": lambda x: torch.i0(x).sum(),
        "digamma": lambda x: torch.digamma(x * x + 1).sum(),
        "prod": torch.prod,
        "atan2": lambda x: torch.atan2(x[:2], x[2:]).sum(),
        "norm": torch.linalg.vector_norm,
    }
    for name, operation in table.items():
        yield Wild(
            "PyTorch", f"torch.{name} in float32", f"torch.{name}: backward in float32",
            lambda op=operation: _of_array(op), (), start,
        )  # fmt: skip
