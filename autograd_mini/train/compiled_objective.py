"""A compiled objective: from parameters and a batch to the mean loss, its gradient and the metrics, in machine code.

Metrics come out of the very same call: each is added to the loss times a weight of 0, so that it is the derivative of
the loss with respect to that weight. Metrics that cannot be compiled are measured outside, from compiled predictions.
"""

from __future__ import annotations

from functools import partial
from math import inf, isclose, isfinite, isnan

from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.pytree import tree_map
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.errors import TracingError
from autograd_mini.nn.module import predictor
from autograd_mini.train.data import arrays, evenly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.train.data import Sample
    from autograd_mini.train.run import Training

ROUNDING = 1e-13
"""Relative tolerance between compiled and eager loss, of the numbers that it is computed from."""

TRIED = 8
"""Number of samples in the parity check, beside twice as many distinct targets."""


class CompiledObjective:
    """The objective of a run for whole batches; a TracingError if it cannot be compiled, or would be wrong compiled.

    Attributes:
        plain: whether it runs on LLVM, and takes just the parameters to be moved and the weights of the metrics.
        outside: whether metrics are measured outside, by `measured_outside`.
        others: the parameters it depends on that are not to be moved.
        backend: the compiler's backend.
        why: why that one.
        program: the compiler's program of the loss and its gradient.

    """

    def __init__(self, training: Training, backend: str, *, outside: bool = False) -> None:
        self._model, self._objective, self._moved = training.model, training.objective, training.moved
        self._samples = training.samples
        self._scale, self._rounding = 1.0, (0.0, 0.0)
        tried, metrics = tried_of(training.samples), [*self._objective.metrics.values()]
        try:
            self.outside = outside and bool(metrics)
            self._compile(tried, [] if self.outside else metrics, backend)
        except TracingError:
            if self.outside or not metrics:
                raise
            self.outside = True
            self._compile(tried, [], backend)
        if self.outside:
            self._predict = predictor(self._model, backend=backend)
            self._check_metrics(tried)

    def _compile(self, tried: Sequence[Sample], metrics: Sequence[Callable[..., Any]], backend: str) -> None:
        """Trace and compile, with the metrics, and compare the result with the eager one."""
        from autograd_mini.compiler import jit
        from autograd_mini.compiler.branching import Paths

        weights = [Parameter(0.0) for _ in metrics]
        model, penalty = self._model, self._objective.loss  # in the closure by themselves, for `jit` to watch them

        def loss(row: Any, target: Any) -> Any:
            prediction, goal = model([*row]), target if getattr(target, "ndim", 0) == 0 else [*target]
            found = penalty(prediction, goal)
            for weight, metric in zip(weights, metrics, strict=True):
                found = found + weight * constant(metric(tree_map(lambda output: output, prediction), goal))
            return found

        X, y = arrays(tried)
        fast, again = (jit(loss, batched=True, backend=name, background=False) for name in (backend, "python"))
        try:
            program, repeated = (made._prepared((X, y), {}, differentiate=True)[0] for made in (fast, again))
        except TracingError:
            raise
        except Exception as error:  # whatever the user's code raises on symbols
            self.eager(tried[0])  # what fails on Values too has an error of its own
            raise TracingError(f"the model or the loss does not work on symbols: {error}") from error
        self._branches = isinstance(program, Paths)
        if self._branches:
            if metrics:
                raise TracingError("the loss, or a metric, branches on numbers: metrics are best measured outside")
            program.state.close_over(self._moved)  # those of paths that no sample takes yet
            fast.prepare(*arrays(self._samples))
        self.backend, self.why, self.program = program.backend, program.why, program
        self._repeated = partial(again._prepared, (X, y), {}, differentiate=True)
        self._leaves = fast.parameters
        self._place(weights)
        self._call = fast.value_and_grad
        figures = [abs(self.eager(sample)[0]) for sample in tried]
        self._scale, self._largest = min(max(figures), 1.0), float(abs(y[abs(y) < inf]).max(initial=0.0))
        if str(program.tape) != str(repeated.tape) or not self.agrees(tried):
            raise TracingError(
                "the compiled loss is another than the eager one: the model or the loss draws random numbers, or "
                "changes from call to call; pass compile=False"
            )
        # Machine code, now that it was called; whether anything has changed is asked once an epoch, by `changed`.
        self._call = program.entry or fast.value_and_grad

    def _place(self, weights: Sequence[Any]) -> None:
        """Find out where among the parameters those to be moved and the weights of the metrics are."""
        import numpy as np

        places = {id(leaf): at for at, leaf in enumerate(self._leaves)}
        found = [places.get(id(parameter)) for parameter in self._moved]
        if all(place is None for place in found):
            raise TracingError("the loss depends on no parameter that the optimiser moves")
        if any(id(weight) not in places for weight in weights):
            raise TracingError("a metric does not depend on the sample")
        self._metrics: Any = np.array([places[id(weight)] for weight in weights], dtype=int)
        used = [at for at, place in enumerate(found) if place is not None]
        self._used, self._at = np.array(used), np.array([found[at] for at in used])
        self._flat = np.zeros(len(found))
        self._direct = found == [*range(len(self._leaves))]
        known = {*map(id, [*self._moved, *weights])}
        self.others = [leaf for leaf in self._leaves if isinstance(leaf, Parameter) and id(leaf) not in known]
        in_order = [*found, *self._metrics] == [*range(len(self._leaves))]
        self.plain = in_order and self.backend == "llvm" and not self.outside and self.program.checks is None
        self.read()

    def read(self) -> None:
        """Read the numbers of all Values that model and loss use, those that are not to be moved included."""
        import numpy as np

        self._p = np.array([leaf.data for leaf in self._leaves])

    def step(
        self, x: Any, X: Any = None, y: Any = None, call: Callable[..., Any] | None = None
    ) -> tuple[float, Any, list[float]]:
        """Return a batch's mean loss, its gradient, and the metrics, as `call` or the program computes them."""
        call = call or self._call
        if self._direct:
            loss, gradient = call(x, X, y)
            return loss, gradient, []
        self._p[self._at] = x[self._used]
        loss, slopes = call(self._p, X, y)
        gradient = self._flat.copy()
        gradient[self._used] = slopes[self._at]
        return loss, gradient, slopes[self._metrics].tolist() if len(self._metrics) else []

    def changed(self) -> bool:
        """Return whether model or loss compute something else by now, since something that they read has changed."""
        state = self.program.state
        if state is None or state.holds():
            return False
        if self._branches:
            return True
        repeated = self._repeated()[0]
        same = [*map(id, repeated.leaves)] == [*map(id, self.program.leaves)]
        if not same or str(repeated.tape) != str(self.program.tape):
            return True
        state.watch(())
        return False

    def gradient(self) -> Any:
        """Return the compiler's own kernel, from which machine code can be called by its address."""
        return self.program.run(1)

    def eager(self, sample: Sample) -> list[float]:
        """Return the loss and the metrics of a sample, computed on Values."""
        with no_grad():
            return self._objective.sample(self._model, *sample)[1]

    def measured_outside(self, X: Any, targets: Sequence[Any]) -> list[float]:
        """Return the means of the metrics, from predictions with the parameters as they are in the model."""
        rows = [self._objective.measured(*pair) for pair in zip(self._predict(X).tolist(), targets, strict=True)]
        return [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    def agrees(self, samples: Sequence[Sample]) -> bool:
        """Return whether it gives, compiled, what the objective gives on Values, for the parameters as they are."""
        import numpy as np

        self.read()
        x = np.array([parameter.data for parameter in self._moved])
        found, slope = [], 0.0
        for sample in samples:
            with np.errstate(all="ignore"):
                loss, gradient, metrics = self.step(x, *arrays([sample]))
                size = float(np.abs(gradient * x).sum())
            slope = max(slope, size) if isfinite(size) else slope
            found.append([loss, *metrics])
        # Where a model fits well, losses are differences of almost equal numbers, and rounding is most of them.
        rounding = ROUNDING * self._largest
        self._rounding = max(ROUNDING * slope, rounding**2), rounding
        return all(self._close(figures, self.eager(sample)) for figures, sample in zip(found, samples, strict=True))

    def _close(self, figures: Sequence[float], expected: Sequence[float]) -> bool:
        """Return whether a loss and metrics are the expected ones, of which there may be more."""
        return all(
            (isnan(a) and isnan(b))
            or isclose(a, b, rel_tol=1e-6, abs_tol=max(1e-6 * self._scale, self._rounding[at > 0]))
            for at, (a, b) in enumerate(zip(figures, expected, strict=False))
        )

    def _check_metrics(self, tried: Sequence[Sample]) -> None:
        """Measure outside what is measured on Values too; a TracingError says that it cannot be, or is another."""
        X, _ = arrays(tried)
        try:
            found = [self.measured_outside(X[at : at + 1], [target]) for at, (_, target) in enumerate(tried)]
        except TracingError:
            raise
        except Exception as error:  # what the model returns may be neither a number nor a list of them
            raise TracingError(f"metrics cannot be measured from compiled predictions: {error}") from error
        for sample, figures in zip(tried, found, strict=True):
            loss, *measured = self.eager(sample)
            if not self._close([loss, *figures], [loss, *measured]):
                raise TracingError("a metric of compiled predictions is another than that of the model")


def constant(figure: Any) -> Any:
    """Return a metric as a constant, so that its slope, which may be infinite, is not taken."""
    return figure.detach() if isinstance(figure, Value) else figure


def tried_of(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples from everywhere, and the first of targets from everywhere, for losses that look targets up."""
    import numpy as np

    _, targets = arrays(samples)
    _, firsts = np.unique(targets.reshape(len(targets), -1), axis=0, return_index=True)
    rows = {*evenly(range(len(samples)), TRIED), *evenly(firsts.tolist(), 2 * TRIED)}
    return [samples[row] for row in sorted(rows)]
