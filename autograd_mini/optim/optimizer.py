"""An optimiser moves parameters along their gradients, one by one or at once, and keeps what the next step needs."""

from __future__ import annotations

from math import inf, sqrt
from typing import NamedTuple

from autograd_mini.optim.hyperparameters import checked, nonnegative
from autograd_mini.optim.parameters import commit, numbers, parameters, set_gradients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, ClassVar

    from autograd_mini.optim.hyperparameters import Checks
    from autograd_mini.optim.parameters import Trainable

    Columns = dict[str, list[Any]]  # one number a parameter and name
    Formula = Callable[..., tuple[Any, ...]]


class StepAlgebra(NamedTuple):
    """What an update needs beside + and *, on floats, arrays or symbols: root, IEEE quotient, the larger of two."""

    root: Callable[[Any], Any]
    quotient: Callable[[Any, Any], Any]
    larger: Callable[[Any, Any], Any]


FLOATS = StepAlgebra(sqrt, lambda x, y: x / y if y else x * inf, max)  # max keeps its first argument where that is nan

OPTIMIZERS: dict[str, type[Optimizer]] = {}
"""The optimisers by the name that `fit` knows them by."""


class Optimizer:
    """What all optimisers share: parameters, settings, a state of one column of numbers a name, and a whole step.

    `param_groups` has PyTorch's shape with one group: `optimizer.param_groups[0]["lr"] = 0.01` works, and `lr` is
    short for it.

    A subclass gives the checks of its settings, the columns of its state and the formula of its update, which stands
    once for floats, arrays and machine code. With a name, `class RMSprop(Optimizer, name="rmsprop", rate=0.01)`, it
    is one of `OPTIMIZERS`: `fit` finds it, with that learning rate unless it is given another, and moves all
    parameters at once by its formula, which may use nothing of its operands but +, -, * and the algebra.

    Args:
        params: the parameters, each with `data` and `grad`.
        settings: by name, for the checks of the class.

    >>> from autograd_mini import Parameter
    >>> from autograd_mini.optim.hyperparameters import nonnegative, share
    >>> class Averaged(Optimizer):
    ...     _checks = {"lr": nonnegative, "beta": share}  # of each setting
    ...     _start = {"average": 0.0}  # what it remembers of each parameter
    ...     def __init__(self, params, lr=0.1, beta=0.5):
    ...         super().__init__(params, {"lr": lr, "beta": beta})
    ...     def _names(self, settings):
    ...         return ("average",)
    ...     def _formula(self, settings, arithmetic):
    ...         lr, beta = settings["lr"], settings["beta"]
    ...         def moved(x, g, average):
    ...             average = beta * average + (1 - beta) * g
    ...             return x - lr * average, average
    ...         return moved
    >>> w = Parameter(1.0)
    >>> optimizer = Averaged([w])
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.9

    """

    rate: ClassVar[float | None] = None
    """The learning rate in `fit`, for networks of some hundred parameters; PyTorch's defaults are for far larger."""

    _checks: ClassVar[Checks]
    _start: ClassVar[Mapping[str, Any]]  # the state's columns, and the value each starts with; of counts an int
    _optional: ClassVar[frozenset[str]] = frozenset()  # columns that not every step needs

    def __init_subclass__(cls, *, name: str | None = None, rate: float | None = None, **kwargs: Any) -> None:
        """Register a subclass under its name, if it has one."""
        super().__init_subclass__(**kwargs)
        cls.rate = rate
        if name is not None:
            OPTIMIZERS[name] = cls

    def __init__(self, params: Iterable[Trainable], settings: Mapping[str, object]) -> None:
        found = parameters(params)
        if not found:
            raise ValueError(
                "params is empty, so there is nothing to optimise: pass model.parameters() (a generator that was "
                "read before is empty too)"
            )
        self.param_groups: list[dict[str, Any]] = [{"params": found, **self._settings(settings)}]
        self._state: Columns = {}

    def _settings(self, given: Mapping[str, object]) -> dict[str, Any]:
        return checked(self._checks, given)

    def _names(self, settings: dict[str, Any]) -> tuple[str, ...]:
        """Return the columns of the state that a step with these settings reads and writes."""
        raise NotImplementedError

    def _formula(self, settings: dict[str, Any], algebra: StepAlgebra) -> Formula:
        """Return the step as a function (x, gradient, *state) -> (x, *state), of numbers or of arrays of them."""
        raise NotImplementedError

    def _column(self, name: str, column: object, size: int) -> list[Any]:
        """Check and copy a column of a saved state."""
        if not isinstance(column, list) or len(column) != size:
            raise ValueError(f"its column {name!r} is no list of {size} numbers")
        kinds = {float, type(self._start[name])}
        for index, value in enumerate(column):
            if type(value) not in kinds:
                raise ValueError(f"{name}[{index}] is {value!r}")
        return column.copy()

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assigning checks it."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        self.param_groups[0]["lr"] = nonnegative("lr", value)

    def step(self) -> None:
        """Move every parameter that has a gradient (`grad` is not None) by one update.

        New data and new state are computed aside and written in one go: an exception or Ctrl-C leaves all parameters
        and the state as they were before or as they are after, never a mixture. A nan gradient makes a nan parameter.
        """
        group = self.param_groups[0]
        settings = self._settings(group)  # checked again, because anyone may write to the group
        params = group["params"]
        state = {name: self._state.get(name) or [start] * len(params) for name, start in self._start.items()}
        rows = [index for index, parameter in enumerate(params) if parameter.grad is not None]
        some = len(rows) < len(params)
        columns = state
        if some:
            params = [params[index] for index in rows]
            columns = {name: [column[index] for index in rows] for name, column in state.items()}
        grads = numbers(params, "grad")
        if settings.get("maximize"):
            grads = [-g for g in grads]
        names = self._names(settings)
        new: list[float] = []
        changed: Columns = {name: [] for name in names}
        if params:
            given = [columns[name] for name in names]
            moved = map(self._formula(settings, FLOATS), numbers(params, "data"), grads, *given)
            new, *found = map(list, zip(*moved, strict=True))
            changed = dict(zip(names, found, strict=True))
        if some:
            for name, column in changed.items():
                changed[name] = state[name].copy()
                for row, value in zip(rows, column, strict=True):
                    changed[name][row] = value
        commit(params, new, self, {**self._state, **changed})

    def zero_grad(self) -> None:
        """Set every gradient to 0.0 (not to None: a parameter that the next loss leaves out counts as unmoved)."""
        params = self.param_groups[0]["params"]
        set_gradients(params, [0.0] * len(params))

    def state_dict(self) -> dict[str, Any]:
        """Return settings and state as plain data (numbers, lists, dicts, text, None) that JSON keeps to the bit.

        Out: `optimizer`, the class's name; `param_groups`, a list of one dict of settings, where `params` is the
        number of parameters; `state`, a dict of columns of one number a parameter.
        """
        group = self.param_groups[0]
        settings = {name: list(v) if isinstance(v, tuple) else v for name, v in self._settings(group).items()}
        return {
            "optimizer": type(self).__name__,
            "param_groups": [{"params": len(group["params"]), **settings}],
            "state": {name: list(column) for name, column in self._state.items()},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up settings and state that `state_dict()` of an optimiser of the same kind and size returned.

        Further steps give the same bits as those of the optimiser that was saved.

        Args:
            state_dict: what was returned, or the same read from JSON.

        Raises:
            ValueError: for anything else; the optimiser is left as it was.

        """
        params = self.param_groups[0]["params"]
        kind = type(self).__name__
        try:
            saved_kind, (group,), state = (state_dict[key] for key in ("optimizer", "param_groups", "state"))
            if saved_kind != kind:
                raise ValueError(f"it is one of {saved_kind!r}")  # noqa: TRY301 - completed below
            if group["params"] != len(params):
                raise ValueError(f"it is for {group['params']!r} parameters, not {len(params)}")  # noqa: TRY301 - same
            settings = self._settings(group)
            columns = {name: self._column(name, column, len(params)) for name, column in state.items()}
            if columns and (missing := self._start.keys() - self._optional - columns.keys()):
                raise ValueError(f"its state lacks {min(missing)!r}")  # noqa: TRY301 - same
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise ValueError(f"state_dict is no state of this {kind}: {error}") from error
        vars(self).update(param_groups=[{"params": params, **settings}], _state=columns)  # both, in one call into C

    def __repr__(self) -> str:
        group = dict(self.param_groups[0])
        count = len(group.pop("params"))
        return f"{type(self).__name__}({count} parameters, {', '.join(f'{k}={v!r}' for k, v in group.items())})"


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
    """Return an optimiser of `OPTIMIZERS` on arrays; None for another, or where step counts of parameters differ."""
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
