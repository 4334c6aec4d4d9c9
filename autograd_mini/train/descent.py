"""A descent is many steps in one call of machine code: loss and gradient of a batch, the optimiser's update, the next.

The machine code is that of `compiler.llvm.descend`; here is what it works on.
"""

from __future__ import annotations

from operator import truediv

from autograd_mini.engine.functions import maximum, sqrt
from autograd_mini.optim.optimizer import StepAlgebra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.optim.vectorised import Vectorised

SYMBOLS = StepAlgebra(sqrt, truediv, maximum)
ROOM = 64
"""Buffer padding, in float64s, for full-vector stores."""


class CompiledDescent:
    """The steps of one optimiser on one kernel.

    Args:
        gradient: the kernel on LLVM: from the parameters to the mean loss, its gradient, and the means of metrics.
        metrics: how many of these there are.
        optimizer: the optimiser; no column of its state is missing.
        data: the arrays of the samples of an epoch, in order, which stay where they are.
        size: the rows of a batch.

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

        self.rows, self.size = len(data[0]), size
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
        traced = jit(update, batched=True, in_axes=[0] * (width + 1) + [None] * len(numbers), backend="llvm")
        example = [np.zeros(1)] * (width + 1) + [1.0] * len(numbers)
        program = traced._batch(tuple(example), {}, differentiate=False)[0]
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
