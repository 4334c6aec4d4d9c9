"""The errors that are the package's own."""


class StaleValueError(RuntimeError):
    """A gradient was asked of a graph one of whose operands has been assigned new data since.

    The message names the operand and the node that used it. Compute the result again, then call `backward`.
    """


class FormulaError(ValueError):
    """A formula of an operation cannot be read, or does not fit its operation; the message shows it."""
