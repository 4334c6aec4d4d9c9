"""Predicting is calling a model on many rows at once, compiled."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from autograd_mini.compiler import Compiled


def predictor(model: Callable[[Any], Any], *, backend: str = "auto", threads: int = 1) -> Compiled:
    """Return a model as a function of arrays: what `Module.jit` returns, which says more."""
    from autograd_mini.compiler import jit

    def predict(row: Any) -> Any:
        """Return the prediction for one row: an array for several outputs."""
        import numpy as np

        if not isinstance(row, np.ndarray):  # the table had one axis, so that its rows are numbers
            raise ValueError(  # noqa: TRY004 - the shape is wrong
                "argument 0 is a table with a row for each sample, of shape (samples, inputs); got one axis: "
                "write [row] for a single row, and X.reshape(-1, 1) for samples of one number"
            )
        outputs = model([*row])
        return np.array(outputs, dtype=object) if isinstance(outputs, (list, tuple)) else outputs

    return jit(predict, batched=True, backend=backend, threads=threads)
