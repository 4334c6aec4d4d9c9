"""A history is what training wrote down: a row of figures for every epoch, and why it stopped."""

from __future__ import annotations

from autograd_mini.errors import aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, overload

_AHEAD, _BEHIND = 3, 5  # the epochs that `repr` shows at the beginning and at the end


class History:
    """The loss and the metrics of every epoch, counted from 1.

    `loss` and the metrics of an epoch are means over its samples, each measured when its batch was due, so with the
    parameters of that moment; those named `validation_...` are measured after the epoch's last step. `lr` is the
    learning rate of the epoch. `history["loss"]` is a column, `history[-1]` a row, and the rows can be walked through.
    Two histories are equal when the figures and the reason to stop are, to the bit.

    Attributes:
        columns: a list of floats for each name, one an epoch.
        stopped: why training ended: "epochs" (all done), "converged", "callback" or "interrupted"; None while it goes
            on, or where an error ended it.
        seconds: how long training took.
        backend: what the last epoch ran on: "llvm", "numpy" or "python" if it was compiled, else "eager".
        why: why it did.

    >>> history = History()
    >>> history.append({"loss": 0.5, "accuracy": 0.75})
    >>> history.append({"loss": 0.25, "accuracy": 1.0})
    >>> history.loss, history.best_epoch
    ([0.5, 0.25], 2)
    >>> history
    History of 2 epochs, best * by loss, 0.0 s
     epoch  loss  accuracy
         1   0.5      0.75
       * 2  0.25         1

    """

    __slots__ = ("backend", "columns", "seconds", "stopped", "why")

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}
        self.stopped: str | None = None
        self.seconds = 0.0
        self.backend = self.why = ""

    def append(self, row: Mapping[str, float]) -> None:
        """Add an epoch; every epoch has the names of the first, or a ValueError is raised."""
        if self.columns and row.keys() != self.columns.keys():
            raise ValueError(f"row has the names {[*row]}, but the epochs before have {[*self.columns]}")
        for name, figure in row.items():
            self.columns.setdefault(name, []).append(float(figure))

    @property
    def epochs(self) -> int:
        """The number of epochs done."""
        return len(self.loss)

    @property
    def loss(self) -> list[float]:
        """The training loss of every epoch."""
        return self.columns.get("loss", [])

    @property
    def validation_loss(self) -> list[float]:
        """The validation loss after every epoch; empty if there was no validation."""
        return self.columns.get("validation_loss", [])

    @property
    def metrics(self) -> dict[str, list[float]]:
        """The columns that are neither a loss nor the learning rate."""
        return {name: column for name, column in self.columns.items() if name not in {"loss", "validation_loss", "lr"}}

    @property
    def monitored(self) -> list[float]:
        """The loss that counts: that of the validation if there is one, else that of the training."""
        return self.validation_loss or self.loss

    @property
    def best_epoch(self) -> int | Any:
        """The first epoch, from 1, of the lowest validation loss, or training loss without validation; None if none.

        Its type is `int | Any`, not `int | None`, since there is one after training.
        """
        return 1 + self.monitored.index(min(self.monitored)) if self.epochs else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        return {
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
            "seconds": self.seconds,
            "backend": self.backend,
            "why": self.why,
            "columns": {name: [*column] for name, column in self.columns.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """Return the history that `to_dict` described."""
        history = cls()
        history.columns = {name: [*column] for name, column in data["columns"].items()}
        history.stopped, history.seconds = data["stopped"], data["seconds"]
        history.backend, history.why = data.get("backend", ""), data.get("why", "")
        return history

    def __len__(self) -> int:
        return self.epochs

    def __iter__(self) -> Iterator[dict[str, float]]:
        """Walk through the rows: a dict an epoch, with its number as "epoch"."""
        for index in range(self.epochs):
            yield self[index]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: str) -> list[float]: ...
        @overload
        def __getitem__(self, key: int) -> dict[str, float]: ...

    def __getitem__(self, key: str | int) -> list[float] | dict[str, float]:
        """Return a column by its name, or the row at a position from 0."""
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(f"there is no column {key!r}; there are {', '.join(self.columns) or 'none yet'}")
            return self.columns[key]
        epoch = range(1, self.epochs + 1)[key]
        return {"epoch": epoch} | {name: column[key] for name, column in self.columns.items()}

    def __eq__(self, other: object) -> bool:
        """Compare the figures and the reason to stop."""
        if not isinstance(other, History):
            return NotImplemented
        return (self.columns, self.stopped) == (other.columns, other.stopped)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        facts = [f"History of {self.epochs} epoch{'' if self.epochs == 1 else 's'}"]
        facts += [f"stopped: {self.stopped}"] * bool(self.stopped)
        facts += [f"on {self.backend}"] * bool(self.backend)
        facts += [f"best * by {'validation_loss' if self.validation_loss else 'loss'}"] * bool(self.epochs)
        lines = [", ".join([*facts, f"{self.seconds:.1f} s"])]
        if self.epochs:
            lines += self._table()
        return "\n".join(lines)

    def _table(self) -> list[str]:
        """Return the lines of the table: a heading, the first and the last epochs, and the best."""
        best = self.best_epoch
        shown = {*range(_AHEAD), *range(self.epochs - _BEHIND, self.epochs), (best or 1) - 1}
        rows = [["epoch", *self.columns]]
        before = -1
        for index in sorted(shown.intersection(range(self.epochs))):
            if index > before + 1:
                rows.append(["..."] * len(rows[0]))
            figures = [f"{column[index]:.4g}" for column in self.columns.values()]
            rows.append([f"* {index + 1}" if index + 1 == best else f"{index + 1}", *figures])
            before = index
        return aligned(rows)
