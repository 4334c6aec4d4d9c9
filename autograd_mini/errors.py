"""The errors that are the package's own."""


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


class TracingError(TypeError):
    """A function cannot be compiled as it is written: it looks at a number that is not known while it is traced.

    The message names the file and line, and what to write in its place.
    """


class ModelFormatError(ValueError):
    """A file is no model file, is damaged, or was written by a newer version; the message says which."""
