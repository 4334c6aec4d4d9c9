"""A vectorised optimiser moves all parameters at once: the same formula on arrays, many steps in a row."""

from __future__ import annotations

from autograd_mini.optim.optimizer import OPTIMIZERS, StepAlgebra
from autograd_mini.optim.parameters import commit, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.optim.optimizer import Optimizer


class Vectorised:
    """The parameters and the state of an optimiser as arrays of NumPy.

    They are read when it is made; `settle` writes them back. Between the two, nobody else may change either.

    Attributes:
        names: the columns of the state.
        counts: those of them that are whole numbers, kept as one number while it is the same for all parameters.
        settings: the optimiser's settings when they were last read.
        now: the parameters, an array of float64, and after them the columns of the state; replaced as a whole by
            every step, so that an interrupt finds what was before a step or what is after it.

    """

    def __init__(self, optimizer: Optimizer, columns: list[Any]) -> None:
        import numpy as np

        self._optimizer, self._params = optimizer, optimizer.param_groups[0]["params"]
        self._algebra = StepAlgebra(np.sqrt, np.divide, np.maximum)
        self.counts = counts(optimizer)
        self.refresh()
        self.now = (
            np.array(numbers(self._params, "data")),
            *[np.array(column) if isinstance(column, list) else column for column in columns],
        )

    def refresh(self) -> None:
        """Read the settings, such as the learning rate, anew."""
        group = {name: value for name, value in self._optimizer.param_groups[0].items() if name != "params"}
        self.settings = self._optimizer._settings(group)
        self.names = self._optimizer._names(self.settings)
        self._formula = self._optimizer._formula(self.settings, self._algebra)

    def step(self, gradient: Any) -> None:
        """Move all parameters by one update along an array of their gradients."""
        self.now = self._formula(self.now[0], -gradient if self.settings["maximize"] else gradient, *self.now[1:])

    def settle(self) -> None:
        """Write parameters and state back, all or nothing."""
        data, *columns = self.now
        state = {
            name: [column] * len(data) if name in self.counts or column is None else column.tolist()
            for name, column in zip(self.names, columns, strict=True)
        }
        commit(self._params, data.tolist(), self._optimizer, {**self._optimizer._state, **state})


def counts(optimizer: Optimizer) -> frozenset[str]:
    """Return the columns of an optimiser's state that are whole numbers."""
    return frozenset(name for name, start in optimizer._start.items() if type(start) is int)


def vectorised(optimizer: Any) -> Vectorised | None:
    """Return an optimiser of `OPTIMIZERS` on arrays; None for one of another kind.

    None too where parameters have taken different numbers of steps, which happens to those that had no gradient.
    """
    if type(optimizer) not in OPTIMIZERS.values() or "step" in vars(optimizer):  # one of its own
        return None
    group = optimizer.param_groups[0]
    columns: list[Any] = []
    for name in optimizer._names(optimizer._settings(group)):
        column = optimizer._state.get(name) or [optimizer._start[name]] * len(group["params"])
        if name in counts(optimizer) or None in column:
            if len(set(column)) > 1:
                return None
            column = column[0]
        columns.append(column)
    return Vectorised(optimizer, columns)
