"""The backend on NumPy: a tape as a function of whole columns, one array operation a step.

A batch is done in chunks that stay in the processor's cache. A single set of numbers is done by plain Python, which is
faster than arrays of one number.
"""

from __future__ import annotations

from autograd_mini.compiler.python import scalar, source
from autograd_mini.compiler.tape import BASIC, LEAVES
from autograd_mini.engine import ieee
from autograd_mini.engine.codegen import build
from autograd_mini.engine.operators import NUMPY_NAMES
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape

__all__ = ["batch", "scalar"]

CHUNK = 2048
"""Samples per chunk."""

_NAMES = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "neg": "negative",
    "abs": "abs",
    **{row: name for name, row in NUMPY_NAMES.items() if name.startswith("arc")},
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    "and": "logical_and",
    "or": "logical_or",
    "not": "logical_not",
    "select": "where",
}
"""What NumPy calls an operation where it is not the table's name."""

_SAME = {"exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot",
         "floor", "ceil"}  # fmt: skip
"""Operations that NumPy has under the table's name, and by the same rules; any other is done one element at a time."""


def batch(tape: Tape, widths: Sequence[int], kept: int, threads: int = 1) -> Callable[..., tuple[list[Any], Any]]:
    """Return the program as a function of a whole batch; see `python.batch`."""
    import numpy as np

    del threads
    run = build("compiled function on arrays", text(tape), _functions())["program"]
    summed = len(tape.results) - kept

    def run_batch(n: int, arrays: Sequence[Any], uniform: Sequence[float]) -> tuple[list[Any], Any]:
        columns = [np.empty(n) for _ in range(kept)]
        sums = np.zeros(summed)
        with np.errstate(all="ignore"):
            same = np.asarray(uniform, dtype=np.float64)
            for start in range(0, n, CHUNK):
                rows = slice(start, min(start + CHUNK, n))
                inputs = [array[rows, at] for array, width in zip(arrays, widths, strict=True) for at in range(width)]
                found = run([*inputs, *same])
                for column, result in zip(columns, found, strict=False):
                    column[rows] = result
                size = rows.stop - start
                for at, result in enumerate(found[kept:]):
                    sums[at] += np.sum(result) if np.ndim(result) else size * result
            return columns, sums / n if summed else sums

    return run_batch


def text(tape: Tape) -> str:
    """Return the program as Python text over NumPy's functions."""
    names, steps = tape.names(), tape.steps
    last = {operand: at for at, step in tape.operations() for operand in step[1:]}
    held, dying = {*tape.results}, dict[int, list[str]]()
    for operand, at in last.items():
        if steps[operand][0] not in LEAVES and operand not in held:
            dying.setdefault(at, []).append(names[operand])

    def write(at: int, operands: list[str]) -> str:
        done = f"{steps[at][0]}_({', '.join(operands)})"
        return f"{done}\n    del {', '.join(dying[at])}" if at in dying else done  # memory that is in the cache

    return source(tape, write)


def _functions() -> dict[str, Any]:
    """Return NumPy's function for each operation, under its name and an underscore."""
    import numpy as np

    found: dict[str, Any] = {f"{name}_": getattr(np, theirs) for name, theirs in _NAMES.items()}
    found |= {f"{name}_": getattr(np, name) for name in _SAME}
    found |= {"pow_": _power, "table_": _table, "take_": _take, "scatter_": _scatter}
    for name in BASIC:
        if f"{name}_" not in found:
            found[f"{name}_"] = _one_by_one(name)
    return {**found, "inf": np.inf, "nan": np.nan}


def _power(x: Any, y: Any) -> Any:
    """Return x ** y; NumPy takes the exponent 0.5 for a square root, which differs at -inf and -0.0."""
    import numpy as np

    return np.power(np.where((y == 0.5) & (x + x == x), np.abs(x), x), y)


def _table(*entries: Any) -> Any:
    """Return an array with a row for each entry, and if one of them varies a column for each sample."""
    import numpy as np

    return np.stack(np.broadcast_arrays(*entries)).astype(float)


def _take(table: Any, index: Any) -> Any:
    """Return the entry at an index, or for each sample the one at its own."""
    import numpy as np

    at = np.asarray(index).astype(np.intp)
    return table[at, np.arange(table.shape[1])] if table.ndim > 1 and at.ndim else table[at]


def _scatter(like: Any, *pairs: Any) -> Any:
    """Return the sums of numbers by the indices before them, one row for each place."""
    import numpy as np

    samples = np.broadcast_shapes(*map(np.shape, pairs))
    sums = np.zeros((len(like), *samples))
    for index, number in zip(pairs[::2], pairs[1::2], strict=True):
        at = np.asarray(index).astype(np.intp)
        sums[(at, np.arange(*samples)) if at.ndim else at] += number  # in a column no index stands twice
    return sums


def _one_by_one(name: str) -> Callable[..., Any]:
    """Return a function that NumPy does not have, or has by other rules, applied to each element."""
    import numpy as np

    one: Callable[..., float] = getattr(ieee, name)
    every = np.frompyfunc(lambda *operands: one(*map(float, operands)), len(TABLE[name].operands), 1)
    return lambda *operands: np.asarray(every(*operands), dtype=np.float64)
