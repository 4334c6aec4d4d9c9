"""A compiled function inside of a PyTorch program."""

from __future__ import annotations

from functools import cache

from autograd_mini.compiler.export.embedded import UNDECIDED, Embedded
from autograd_mini.errors import TracingError
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.compiled_function import Compiled
    from autograd_mini.compiler.export.rows import RowFunction


def torch_function(compiled: Compiled) -> Embedded:
    """Return a compiled function on PyTorch's tensors: what `Compiled.torch` returns, which says more."""
    return Embedded(compiled, _Tensors(_torch()))


def _torch() -> Any:
    return extra("torch", "fast.torch()")


class _Tensors:
    """PyTorch as a `Library`."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def table(self, found: Sequence[Any]) -> list[Any]:
        """Return tensors of one dtype on one device, those of the tensors among them."""
        torch = self.torch
        tensors = [one for one in found if isinstance(one, torch.Tensor)]
        kinds = {one.dtype for one in tensors if one.dtype.is_floating_point}
        kind = torch.get_default_dtype() if not kinds else kinds.pop()
        for other in kinds:
            kind = torch.promote_types(kind, other)
        device = tensors[0].device if tensors else None
        return [torch.as_tensor(one).to(dtype=kind, device=device) for one in found]

    def moved(self, array: Any, axis: int) -> Any:
        """Return a tensor with an axis first."""
        return array.movedim(axis, 0)

    def join(self, parts: Sequence[Any], axis: int) -> Any:
        """Return tensors behind each other along an axis."""
        return self.torch.cat([*parts], axis)

    def apply(self, function: RowFunction, rows: Any, shared: Any) -> Any:
        """Return the table of results."""
        return _operation().apply(function, rows, shared)[0]

    def numbers(self, array: Any) -> Any:
        """Return the numbers of a tensor for NumPy."""
        if not isinstance(array, self.torch.Tensor):
            return array
        try:
            return array.detach().to("cpu", self.torch.float64).numpy()
        except RuntimeError:  # torch.func has wrapped it
            raise TracingError(UNDECIDED.format(library="torch.func", does="transforms it")) from None


@cache
def _operation() -> Any:
    """Return the operation that PyTorch differentiates, made where PyTorch is first used."""
    torch = _torch()
    base: Any = torch.autograd.Function

    class Rows(base):  # type: ignore[misc]  # PyTorch may not be here
        """A function of rows, whose backward pass is one more of them."""

        @staticmethod
        def forward(function: RowFunction, rows: Any, shared: Any) -> Any:
            """Run the tape."""
            found = function(*[one.detach().to("cpu", torch.float64).numpy() for one in (rows, shared)])
            return tuple(torch.from_numpy(one).to(rows) for one in found)

        @staticmethod
        def setup_context(context: Any, inputs: Any, output: Any) -> None:
            """Keep the arguments."""
            del output
            context.function, *arguments = inputs
            context.save_for_backward(*arguments)

        @staticmethod
        def backward(context: Any, *seeds: Any) -> Any:
            """Run the tape of the pullback, as an operation that can be differentiated again."""
            rows, shared = context.saved_tensors
            arguments = torch.cat([seeds[0], rows], 1), torch.cat([seeds[1], shared])
            return None, *Rows.apply(context.function.pullback, *arguments)

        @staticmethod
        def jvp(context: Any, *tangents: Any) -> Any:
            """Refuse forward mode."""
            del context, tangents
            raise TypeError(
                "fast.torch() is in jvp, jacfwd or hessian, expected reverse mode: "
                "torch.func.jacrev(torch.func.grad(f)) is the Hessian"
            )

        @staticmethod
        def vmap(info: Any, dims: Any, function: RowFunction, rows: Any, shared: Any) -> Any:
            """Run it on the rows of every example at once where nothing is shared, else on one after the other."""
            count = info.batch_size
            every = [
                one.unsqueeze(0).expand(count, *one.shape) if axis is None else one.movedim(axis, 0)
                for one, axis in zip((rows, shared), dims[1:], strict=True)
            ]
            if function.alone:
                table, sums = Rows.apply(function, every[0].reshape(-1, rows.shape[-1]), every[1][0])
                return (table.reshape(count, -1, function.results), sums), (0, None)
            found = [Rows.apply(function, *one) for one in zip(*every, strict=True)]
            return tuple(torch.stack(part) for part in zip(*found, strict=True)), (0, 0)

    return Rows
