"""Compiled steps: the model and its loss are traced once, and from then on a step is one call of machine code.

The optimiser works on flat arrays meanwhile. Parameters, gradients and the optimiser's state are written back before
they can be read: for callbacks and checkpoints, at the end, and when anything interrupts it.
"""

from __future__ import annotations

from functools import partial
from math import isfinite, nan
from operator import add, truediv
from time import perf_counter

from autograd_mini.engine.functions import maximum, sqrt
from autograd_mini.errors import TracingError
from autograd_mini.extras import extra
from autograd_mini.optim.optimizer import StepAlgebra, vectorised
from autograd_mini.optim.parameters import bounded, numbers, set_data, set_gradients
from autograd_mini.train.compiled_objective import CompiledObjective
from autograd_mini.train.data import arrays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from autograd_mini.optim.optimizer import Vectorised
    from autograd_mini.train.data import Sample
    from autograd_mini.train.run import Training

SPELL = 0.02
"""Target time in seconds of one call of machine code; Ctrl-C is looked for in between."""
SYMBOLS = StepAlgebra(sqrt, truediv, maximum)
ROOM = 64
"""Buffer padding, in float64s, for full-vector stores."""


class CompiledSteps:
    """The steps of training, on arrays, with the methods of `EagerSteps` and the errors of `CompiledObjective`."""

    def __init__(self, training: Training, backend: str) -> None:
        np = extra("numpy", "training that is compiled", "leave compile out")

        self._training, self._size = training, min(training.batch_size, len(training.samples))  # it has 64 bits
        self._objective, self._samples, self._moved = training.objective, training.samples, training.moved
        self._backend = backend
        self._kernel = CompiledObjective(training, backend)
        if self._kernel.others and not getattr(training.optimizer, "param_groups", []):
            raise TracingError(
                f"the loss has parameters that the model has not, and the {type(training.optimizer).__name__} has no "
                "param_groups that say whether it moves them"
            )
        self.backend, self.why = self._kernel.backend, self._kernel.why
        self._X, self._y = arrays(training.samples)
        self._quiet = partial(np.errstate, all="ignore")  # what overflows is found, and said, without warnings
        self._now_X, self._now_y = np.empty_like(self._X), np.empty_like(self._y)
        self._validation = arrays(training.held_out) if training.held_out else None
        self._isfinite = np.isfinite
        self._order: Sequence[int] = ()
        self._vectorised: Vectorised | None = None
        self._gradient: Any = None
        self._before: Any = None
        self._descent: CompiledDescent | None = None
        self._descends = False  # whether the descent has the parameters now
        self._chunk = 1

    def begin(self, order: Sequence[int]) -> None:
        """Bring the samples into order, and read the parameters and the optimiser where they were written back."""
        self._check_kernel(order)
        self._start(order)
        if self._vectorised is None:
            self._vectorised = vectorised(self._training.optimizer)
            self._x = self._read() if self._vectorised is None else self._vectorised.now[0]
            self._kernel.read()
        elif self._training.schedule is not None:
            self._gather()
            self._vectorised.refresh()

    def _start(self, order: Sequence[int]) -> None:
        """Bring the samples into order."""
        import numpy as np

        self._order = order
        rows = np.asarray(order)
        self._X.take(rows, axis=0, out=self._now_X)
        self._y.take(rows, axis=0, out=self._now_y)

    def take(self, batch: int, sums: list[float]) -> tuple[int, list[float]]:
        """Take a step, or as many as take some hundredths of a second."""
        if self._descends or self._may_descend():
            return self._descend(batch, sums)
        with self._quiet():
            return self._step(batch, sums)

    def _step(self, batch: int, sums: list[float]) -> tuple[int, list[float]]:
        first = batch * self._size
        end = min(first + self._size, len(self._order))
        X, y = self._now_X[first:end], self._now_y[first:end]
        loss, gradient, metrics = self._kernel.step(self._x, X, y)
        if not isfinite(loss):
            if self._spoiled(self._samples[row] for row in self._order[first:end]):
                return self._step(batch, sums)
            raise self._training.diverged(self._culprit(batch, loss))
        if self._kernel.outside:
            set_data(self._moved, self._x.tolist())
            metrics = self._kernel.measured_outside(X, [self._samples[row][1] for row in self._order[first:end]])
        return self._move(gradient, [figure * (end - first) for figure in (loss, *metrics)], sums)

    def _move(self, gradient: Any, found: list[float], sums: list[float]) -> tuple[int, list[float]]:
        """Let the optimiser step along a gradient, and add what was found to the sums."""
        before = self._x
        if self._training.clip_norm is not None:
            gradient = bounded(gradient, self._training.clip_norm)
        if self._vectorised is not None:
            self._vectorised.step(gradient)
            self._x = self._vectorised.now[0]
        else:
            optimizer = self._training.optimizer  # one that works on parameters, not on arrays
            optimizer.zero_grad()
            set_gradients(self._moved, gradient.tolist())
            optimizer.step()
            self._x = self._read()
        self._gradient, self._before = gradient, before
        if not self._isfinite(self._x).all():
            raise self._training.diverged("a parameter became nan or infinite")
        return 1, [*map(add, sums, found)] if sums else found

    def settle(self) -> None:
        """Write everything back to the parameters and the optimiser."""
        self._gather()
        if self._vectorised is not None:
            self._vectorised.settle()
            self._vectorised = None
        if self._gradient is not None:
            set_gradients(self._moved, self._gradient.tolist())
            self._gradient = None

    def check(self, means: dict[str, float]) -> None:
        """Do nothing: a loss that depends on nothing was refused when it was traced."""

    def restore(self) -> bool:
        """Put the parameters back as they were before the last step; return whether there was one."""
        if self._before is None:
            return False
        self.settle()
        set_data(self._moved, self._before.tolist())
        return True

    def validate(self) -> dict[str, float]:
        """Return the means over the samples kept out of training."""
        assert self._validation is not None  # noqa: S101 - there are some
        X, y = self._validation
        with self._quiet():
            loss, _, metrics = self._kernel.step(self._x, X, y)
        if not isfinite(loss) and self._spoiled(self._training.held_out):
            return self.validate()
        if self._kernel.outside:
            set_data(self._moved, self._x.tolist())
            found = self._kernel.measured_outside(X, [target for _, target in self._training.held_out])
        else:
            found = metrics
        return dict(zip(self._objective.names, [loss, *found], strict=True))

    def _may_descend(self) -> bool:
        """Give the parameters to machine code that takes many steps, if there can be such."""
        if self._vectorised is None or self._training.clip_norm is not None or not self._kernel.plain:
            return False
        if any(column is None for column in self._vectorised.now):  # momentum starts with the first gradient
            return False
        settings = self._vectorised.settings
        if self._descent is None or {**self._descent.settings, "lr": 0} != {**settings, "lr": 0}:
            metrics = len(self._objective.metrics)
            data = [self._now_X, self._now_y]
            self._descent = CompiledDescent(self._kernel.gradient(), metrics, self._vectorised, data, self._size)
        self._descent.load(self._vectorised.now, settings["lr"])
        self._descends = True
        return True

    def _descend(self, batch: int, sums: list[float]) -> tuple[int, list[float]]:
        descent, batches = self._descent, -(-len(self._order) // self._size)
        assert descent is not None  # noqa: S101 - it descends
        descent.totals[:] = sums or 0.0
        if self._before is not None:
            descent.before[:] = self._before
        start = perf_counter()
        reached, lost = descent.run(batch, min(batch + self._chunk, batches))
        wanted = self._chunk * 2 if perf_counter() - start < SPELL else self._chunk // 2
        self._chunk = min(max(1, wanted), batches)
        self._x = descent.x
        if reached > batch or lost == "parameter":
            self._before, self._gradient = descent.before.copy(), descent.last
        if lost == "loss" and self._spoiled(
            self._samples[row] for row in self._order[reached * self._size :][: self._size]
        ):
            return reached - batch, descent.totals.tolist()
        if lost:
            self._training.batch += reached - batch
            culprit = self._culprit(reached, nan) if lost == "loss" else "a parameter became nan or infinite"
            raise self._training.diverged(culprit)
        return reached - batch, descent.totals.tolist()

    def _gather(self) -> None:
        """Take the parameters back from machine code."""
        if self._descends and self._descent is not None and self._vectorised is not None:
            self._vectorised.now = self._descent.now
            self._x = self._vectorised.now[0]
            self._descends = False

    def _read(self) -> Any:
        import numpy as np

        return np.array(numbers(self._moved, "data"))

    def _check_kernel(self, order: Sequence[int]) -> None:
        """Compare the compiled loss of a sample with the eager one, in case the model changes what it computes.

        It is done at epoch 0, 1, 2, 4, 8 and so on, at all with callbacks, and where what is watched changed.
        """
        epoch, changed = self._training.epoch, self._kernel.changed()
        if epoch & (epoch - 1) and not self._training.callbacks and not changed:
            return
        self.settle()
        if changed or not self._kernel.agrees([self._samples[order[0]]]):
            raise TracingError(
                "the loss of a sample is another than when training began: the model or the loss depends on something "
                "beside its parameters and the sample, which may change; pass compile=False"
            )

    def _spoiled(self, samples: Iterable[Sample]) -> bool:
        """Return whether a metric is not finite, not the loss; if so, metrics are measured outside from then on."""
        if self._kernel.outside or not self._objective.metrics:
            return False
        self._gather()
        set_data(self._moved, self._x.tolist())
        if not all(isfinite(self._kernel.eager(sample)[0]) for sample in samples):
            return False
        try:
            self._kernel = CompiledObjective(self._training, self._backend, outside=True)
        except TracingError:
            return False
        self._descent = None
        return True

    def _culprit(self, batch: int, loss: float) -> str:
        """Say which sample of a batch has a loss that is not finite."""
        first = batch * self._size
        set_data(self._moved, self._x.tolist())
        for row in self._order[first : first + self._size]:
            found = self._kernel.eager(self._samples[row])[0]
            if not isfinite(found):
                return f"the loss of {self._named(row)} became {found}"
        return f"the mean loss became {loss}"

    def _named(self, row: int) -> str:
        return f"row {row}"


class CompiledDescent:
    """The steps of one optimiser on one kernel; `data` are the arrays of an epoch's samples, which stay where they are.

    Attributes:
        settings: those of the optimiser that it was compiled for; of the learning rate it takes any.
        x: the parameters.
        totals: over the rows so far, the sum of the loss and of each metric.
        before: the parameters before the last step.
        last: the last gradient.

    """

    def __init__(self, gradient: Any, metrics: int, optimizer: Vectorised, data: list[Any], size: int) -> None:
        import numpy as np

        from autograd_mini.compiler import jit
        from autograd_mini.compiler.llvm.descend import Descend, Memory

        self.settings, self._names, self._counts = optimizer.settings, optimizer.names, optimizer.counts
        self._count = len(optimizer.now[0])
        self._columns = [column for column in ("x", *self._names) if column not in self._counts]
        numbers = ("lr", *(name for name in self._names if name in self._counts))  # alike for all parameters

        def update(gradient: Any, *given: Any) -> tuple[Any, ...]:
            state = dict(zip((*self._columns, *numbers), given, strict=True))
            formula = optimizer._optimizer._formula({**self.settings, "lr": state["lr"]}, SYMBOLS)
            downhill = -gradient if self.settings["maximize"] else gradient
            x, *rest = formula(state["x"], downhill, *[state[name] for name in self._names])
            return (x, *[new for name, new in zip(self._names, rest, strict=True) if name not in self._counts])

        width = len(self._columns)
        axes = [0] * (width + 1) + [None] * len(numbers)
        traced = jit(update, batched=True, in_axes=axes, backend="llvm", background=False)
        example = [np.zeros(1)] * (width + 1) + [1.0] * len(numbers)
        program = traced._prepared(tuple(example), {}, differentiate=False)[0]
        made: Any = program.run(1)

        self.buffers = {name: np.zeros(self._count + ROOM) for name in (*self._columns, "gradient", "before")}
        self.x, self.before, self.last = (self.buffers[name][: self._count] for name in ("x", "before", "gradient"))
        self.totals = np.zeros(1 + metrics)
        self._settings = np.zeros(made.slots + len(numbers) + ROOM)
        self._numbers = numbers
        memory = Memory(
            parameters=self._count,
            x=self.buffers["x"],
            before=self.buffers["before"],
            gradient=self.buffers["gradient"],
            totals=self.totals,
            settings=self._settings,
            counters=len(numbers) - 1,
            state=[self.buffers[name] for name in self._columns],
            data=data,
            uniform=np.zeros(gradient.slots + ROOM),
            sums=np.zeros(gradient.room + ROOM),
        )
        self._call = Descend(memory, gradient, made, size)

    def load(self, now: tuple[Any, ...], lr: float) -> None:
        """Start from parameters and columns of the optimiser's state, with a learning rate."""
        start = dict(zip(("x", *self._names), now, strict=True))
        for name in self._columns:
            self.buffers[name][: self._count] = start[name]
        self._settings[: len(self._numbers)] = [lr, *[float(start[name]) for name in self._numbers[1:]]]

    def run(self, batch: int, end: int) -> tuple[int, str]:
        """Take the steps of batches; return the number of the first one not taken, and what is not finite if any."""
        reached = self._call(batch, end)
        return (reached, "" if reached == end else "loss") if reached >= 0 else (-reached - 1, "parameter")

    @property
    def now(self) -> tuple[Any, ...]:
        """Copies of the parameters and the columns of the optimiser's state."""
        counts = dict(zip(self._numbers, self._settings, strict=False))
        return tuple(
            int(counts[name]) if name in self._counts else self.buffers[name][: self._count].copy()
            for name in ("x", *self._names)
        )
