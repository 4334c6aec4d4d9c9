"""A linear claim: a product with a Jacobian, with its transpose or with a Hessian, or an operator with its adjoint.

Each of them becomes a gradient that `check_grad` decides: a jvp is the derivative of f along a line, a vjp the gradient
of a weighted sum of the outputs, a Hessian's product that of the gradient's product with a vector.

>>> import math
>>> from autograd_mini.testing import check_jvp
>>> check_jvp(lambda x: math.sin(x[0] * x[1]), lambda x, v: math.cos(x[0] * x[1]) * (x[1] * v[0] + x[0] * v[1]),
...           at=[0.3, 1.2]).ok
True
"""

from __future__ import annotations

import math
import sys
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.adapters import Call
from autograd_mini.testing.arguments import Arguments
from autograd_mini.testing.gradcheck import GradientError, check_grad
from autograd_mini.testing.libraries import leaves
from autograd_mini.testing.problem import ShapeError, located, total
from autograd_mini.testing.report import Calls, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    Product = Callable[[Any, Any], Any]

_DISAGREE = "the adjoint is wrong"
VECTORS = 3
"""Random vectors that a product is checked with."""
ROUNDINGS = 64
"""Error of a product, in units of the rounding of the sum of the sizes of its terms, that proves nothing."""


def check_jvp(f: Callable[[Any], Any], jvp: Callable[[Any, Any], Any], *, at: Any, **options: Any) -> Report:
    """Compare ``jvp(x, v)``, the product of the Jacobian of ``f`` with a vector, with ``f``.

    Args:
        f: a function of one argument: a number, a list, an array, or a nest of these.
        jvp: a function of the argument and of a vector like it, which returns what is like the result of ``f``.
        at: the argument to check at.
        options: those of `check_grad` but ``batched``.

    Returns:
        What was found.

    >>> check_jvp(lambda x: x**3, lambda x, v: 3 * x**2 * v, at=2.0).ok
    True

    """
    _refuse_batches(options)
    arguments, rng = Arguments(f, (at,)), Random(options.get("seed") or 0)
    report = Report("correct")
    for _ in range(VECTORS):
        vector = _like(arguments, rng)

        def along(t: float, vector: tuple[float, ...] = vector) -> Any:
            return arguments.of(tuple(x + t * v for x, v in zip(arguments.numbers, vector, strict=True)))[0]

        report = check_grad(
            lambda t, along=along: leaves(f(along(t)), "f"),
            lambda t, along=along, vector=vector: leaves(jvp(along(t), arguments.of(vector)[0]), "jvp"),
            at=0.0,
            **options,
        )
        if report.verdict == "wrong":
            return report
    return report


def check_vjp(f: Callable[[Any], Any], vjp: Callable[[Any, Any], Any], *, at: Any, **options: Any) -> Report:
    """Compare ``vjp(x, u)``, the product of the transposed Jacobian of ``f`` with a vector, with ``f``.

    Args:
        f: a function of one argument: a number, a list, an array, or a nest of these.
        vjp: a function of the argument and of a vector like the result of ``f``, which returns what is like the
            argument.
        at: the argument to check at.
        options: those of `check_grad` but ``batched``.

    Returns:
        What was found.

    >>> check_vjp(lambda x: [x[0] * x[1], x[0]], lambda x, u: [x[1] * u[0] + u[1], x[0] * u[0]], at=[0.3, 1.2]).ok
    True

    """
    _refuse_batches(options)
    rng = Random(options.get("seed") or 0)
    results, report = Arguments(lambda y: y, (f(at),)), Report("correct")
    for _ in range(VECTORS):
        weights = _like(results, rng)
        report = check_grad(
            lambda x, weights=weights: _inner(weights, leaves(f(x), "f")),
            lambda x, weights=weights: vjp(x, results.of(weights)[0]),
            at=(at,),
            **options,
        )
        if report.verdict == "wrong":
            return report
    return report


def check_hvp(df: Callable[[Any], Any], hvp: Callable[[Any, Any], Any], *, at: Any, **options: Any) -> Report:
    """Compare ``hvp(x, v)``, the product of a Hessian with a vector, with the gradient ``df``.

    Args:
        df: the gradient, a function of one argument: a number, a list, an array, or a nest of these.
        hvp: a function of the argument and of a vector like it, which returns what is like both.
        at: the argument to check at.
        options: those of `check_grad` but ``batched``.

    Returns:
        What was found.

    >>> check_hvp(lambda x: [2 * x[0] * x[1], x[0] ** 2],
    ...           lambda x, v: [2 * x[1] * v[0] + 2 * x[0] * v[1], 2 * x[0] * v[0]], at=[0.3, 1.2]).ok
    True

    """
    return check_vjp(df, hvp, at=at, **options)


def check_modes(f: Any, jvp: Product | None = None, vjp: Product | None = None, *, at: Any, **options: Any) -> Report:
    """Compare forward mode with ``f``, and reverse mode with forward mode: for all u and v, <u, J v> is <J'u, v>.

    Args:
        f: a function of one argument: a number, a list, an array, or a nest of these.
        jvp: a function of the argument and of a vector like it, which returns the product of the Jacobian with that;
            None for that of the engine of ``f``, of Values, PyTorch or JAX arrays.
        vjp: a function of the argument and of a vector like the result of ``f``, which returns the product of the
            transposed Jacobian with that; None for that of the engine.
        at: the argument to check at.
        options: those of `check_grad` but ``batched``.

    Returns:
        What was found.

    >>> check_modes(lambda x: [x[0] * x[1], x[1].sin()], at=[0.3, 1.2]).ok
    True
    >>> check_modes(lambda x: x**3, lambda x, v: 3 * x**2 * v, lambda x, u: 3 * x * u, at=2.0).title
    'reverse mode does not agree with forward mode'

    """
    library = Arguments(lambda x: x, (at,)).library
    own = (library.products if library is not None and library.products else _engine_products)(f)
    forward, backward = jvp or own[0], vjp or own[1]
    value: Any = f if library is not None else _on_floats(f)
    report = check_jvp(value, forward, at=at, **options)
    if report.verdict == "wrong":
        report.title = report.title or "forward mode does not agree with f"
        return report
    agreement = check_adjoint(
        lambda v: forward(at, v), lambda u: backward(at, u), at=at, seed=report.seed, to=options.get("to")
    )
    if agreement.verdict != "wrong":
        return report
    if agreement.title == _DISAGREE:
        agreement.title = "reverse mode does not agree with forward mode"
        agreement.cause = agreement.cause.replace("<A x, y>", "<J v, u>").replace("<x, B y>", "<v, J'u>")
    return agreement


def _engine_products(f: Callable[[Any], Any]) -> tuple[Product, Product]:
    """Return the products with the Jacobian and its transpose by the engine."""
    from autograd_mini.transforms import jvp, vjp

    return lambda x, v: jvp(f, (x,), (v,))[1], lambda x, u: vjp(f, x)[1](u)[0]


def _on_floats(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that gets Values where it fails on numbers alone."""
    return Call(f, lambda point: (point,))


def check_adjoint(
    operator: Any, adjoint: Any = None, *, at: Any = None, seed: int = 0, to: float | None = None
) -> Report:
    """Compare a linear operator ``A`` with its claimed adjoint ``B``: for all x and y, <A x, y> is <x, B y>.

    Of complex numbers that is the real part of both, so the adjoint of a matrix is its conjugate transpose.

    Args:
        operator: a function of one argument; or an object with ``matvec``, ``rmatvec`` and ``shape``, such as SciPy's
            `LinearOperator`; or a matrix.
        adjoint: a function of what ``operator`` returns, or a matrix; None for the ``rmatvec`` of the object.
        at: an argument of ``operator``, for its shape; of an object by default an array or a list of its width.
        seed: what draws the vectors.
        to: the relative accuracy that both are computed to; by default that of their arithmetic.

    Returns:
        What was found.

    >>> check_adjoint(lambda x: [x[0] + x[1], 3 * x[1]], lambda y: [y[0], y[0] + 3 * y[1]], at=[0.0, 0.0]).ok
    True

    """
    if at is None:
        if len(getattr(operator, "shape", ())) != 2:
            raise TypeError("at is missing, expected an argument of the operator, for its shape")
        at = _zeros(operator)
    forward, backward = _product(operator), _product(adjoint)
    if adjoint is None:
        backward = getattr(operator, "rmatvec", None)
    if backward is None:
        raise TypeError("adjoint is missing, expected a function: the operator has no rmatvec")
    calls = [0, 0]

    def image_of(x: Any) -> list[float]:
        calls[0] += 1
        return leaves(forward(x), "the operator", 2)

    def back_of(y: Any) -> list[float]:
        calls[1] += 1
        return leaves(backward(y), "the adjoint", 2)

    report = Report("wrong", seed=seed)
    try:
        inputs, image = Arguments(lambda x: x, (at,)), forward(at)
        if odd := [n for n in leaves(image, "the operator", 2) if not math.isfinite(n)]:
            raise ShapeError(f"the operator returned {odd[0]!r}, expected finite numbers")  # noqa: TRY301
        _compare(inputs, Arguments(lambda y: y, (image,)), image_of, back_of, to, report)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is part of the verdict
        name = "adjoint" if calls[1] else "operator"
        report.title, report.cause_kind = f"the {name} cannot be evaluated", "raised"
        shown = isinstance(error, ShapeError)
        report.cause = str(error) if shown else f"the {name} raised {type(error).__name__}: {error}"
    report.calls = Calls(*calls)
    return report


def _zeros(operator: Any) -> Any:
    """Return an argument for a matrix, or what has the shape of one, of its own kind of numbers."""
    width, dtype = operator.shape[1], getattr(operator, "dtype", None)
    if "numpy" not in sys.modules:
        return [0.0] * width
    return sys.modules["numpy"].zeros(width, dtype if getattr(dtype, "kind", "") in "fc" else float)


def _compare(
    inputs: Arguments,
    outputs: Arguments,
    image_of: Callable[[Any], list[float]],
    back_of: Callable[[Any], list[float]],
    to: float | None,
    report: Report,
) -> None:
    """Fill in a report on an operator and its adjoint, whose numbers come as real and imaginary parts."""
    rng = Random(report.seed)
    worst, eps = 0.0, max(inputs.eps, outputs.eps, to or 0.0)
    for _ in range(VECTORS):
        x, other, y = _like(inputs, rng), _like(inputs, rng), _like(outputs, rng)
        image, second = (image_of(inputs.of(v)[0]) for v in (x, other))
        both = image_of(inputs.of(tuple(u + v for u, v in zip(x, other, strict=True)))[0])
        given, seed = leaves(inputs.of(x)[0], "at", 2), leaves(outputs.of(y)[0], "the operator", 2)
        back = back_of(outputs.of(y)[0])
        if len(back) != len(given):
            expected = f"expected {len(given) // 2}, as many as the operator takes"
            report.title, report.cause_kind = f"the adjoint returned {len(back) // 2} numbers, {expected}", "shape"
            return
        size = sum(abs(v) for v in (*image, *second, *both))
        if any(abs(w - u - v) > ROUNDINGS * eps * size for u, v, w in zip(image, second, both, strict=True)):
            report.title = "the operator is not linear"
            report.cause = f"A(x + y) is not A(x) + A(y) at {located(inputs.names, x)}"
            return
        left, right = _inner(seed, image), _inner(given, back)
        terms = sum(abs(u * v) for u, v in zip((*seed, *given), (*image, *back), strict=True))
        if not abs(left - right) <= ROUNDINGS * eps * terms:
            report.title, report.cause = _DISAGREE, f"<A x, y> is {left!r}, and <x, B y> is {right!r}"
            return
        worst = max(worst, ROUNDINGS * eps * terms / (abs(left) or 1.0))
    report.verdict, report.resolution, report.coverage = "correct", worst, 1.0


def _product(operator: Any) -> Any:
    """Return what multiplies a vector by an operator: its ``matvec``, ``@`` for a matrix, or the function itself."""
    if hasattr(operator, "matvec"):
        return operator.matvec
    return operator if operator is None or callable(operator) else lambda x: operator @ x


def assert_adjoint(
    operator: Any, adjoint: Any = None, *, at: Any = None, seed: int = 0, to: float | None = None
) -> Report:
    """Raise `GradientError` if a linear operator and its claimed adjoint do not belong together; see `check_adjoint`.

    Args:
        operator: a function of one argument, or an object with ``matvec``, ``rmatvec`` and ``shape``.
        adjoint: a function of what ``operator`` returns; None for the ``rmatvec`` of the object.
        at: an argument of ``operator``, for its shape.
        seed: what draws the vectors.
        to: the relative accuracy that both are computed to.

    Returns:
        What was found.

    Raises:
        GradientError: if they do not.

    >>> assert_adjoint(lambda x: 2 * x, lambda y: 2 * y, at=0.0).verdict
    'correct'

    """
    __tracebackhide__ = True
    report = check_adjoint(operator, adjoint, at=at, seed=seed, to=to)
    if report.verdict == "wrong":
        raise GradientError(report)
    return report


def _refuse_batches(options: dict[str, Any]) -> None:
    if options.get("batched"):
        raise ValueError(
            f"batched is {options['batched']!r}, expected False: a product is taken at one point at a time"
        )


def _like(arguments: Arguments, rng: Random) -> tuple[float, ...]:
    """Return random numbers, as many as the arguments have."""
    return tuple(arguments.grid(rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.0)) for _ in arguments.numbers)


def _inner(left: tuple[float, ...] | list[float], right: tuple[float, ...] | list[float]) -> float:
    return total(u * v for u, v in zip(left, right, strict=True)) if len(left) == len(right) else math.nan
