"""The errors that are the package's own, and how texts show what is long, or a table."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def shortened(text: str, most: int = 60) -> str:
    """Return a text, or the beginning of a long one."""
    return text if len(text) <= most else f"{text[: most - 10]}…"


def shown(value: object) -> str:
    """Return how a message shows a value: its repr, or the beginning of a long one."""
    return shortened(repr(value))


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = ()) -> list[str]:
    """Return rows of cells as lines of columns, some of them to the left, the others to the right.

    >>> aligned([["", "rows"], ["train", "112"]], left={0})
    ['       rows', 'train   112']

    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


class StaleValueError(RuntimeError):
    """A gradient was asked of a graph one of whose operands has been assigned new data since.

    The message names the operand and the node that used it. Compute the result again, then call `backward`.
    """


class FormulaError(ValueError):
    """A formula of an operation cannot be read, or does not fit its operation; the message shows it."""


class DivergedError(ArithmeticError):
    """Training was stopped because the loss, or a parameter, became nan or infinite.

    The message names the epoch and the batch, and what to try. The model has the parameters for which the loss was last
    finite.

    Attributes:
        history: the `History` of the epochs before; None if there is none.

    """

    def __init__(self, message: str, history: object = None) -> None:
        super().__init__(message)
        self.history = history


class AnomalyError(FloatingPointError):
    """Inside `anomaly()` a number became nan or infinite; the message names the operation, its operands and the line.

    Attributes:
        phase: "forward" where a result is such a number, "backward" where a derivative or gradient is.
        operation: the name of the operation, a row of the table.
        operands: its operands, Values and plain numbers, in order.
        number: the nan or infinite number.
        node: the Value that the operation made.
        place: the `Place` in the code that made it; None if that was outside of `anomaly()` and `origin()`.

    """

    def __init__(
        self,
        message: str,
        *,
        phase: str = "",
        operation: str = "",
        operands: tuple[object, ...] = (),
        number: float = float("nan"),
        node: object = None,
        place: object = None,
    ) -> None:
        super().__init__(message)
        self.phase, self.operation, self.operands = phase, operation, operands
        self.number, self.node, self.place = number, node, place


class DiagnosisWarning(UserWarning):
    """A likely mistake in a program that goes on: found by `doctor`, by `fit`, or where `x.data` loses a derivative."""


class TracingError(TypeError):
    """A function cannot be compiled as it is written: it looks at a number that is not known while it is traced.

    The message names the file and line, and what to write in its place.
    """


class ModelFormatError(ValueError):
    """A file is no model file, is damaged, or was written by a newer version; the message says which."""
