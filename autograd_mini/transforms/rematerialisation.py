"""Rematerialisation: functions that keep no graph, and are run again when their derivative is asked for."""

from __future__ import annotations

from copy import deepcopy
from functools import wraps

from autograd_mini.engine.backward import subgraph
from autograd_mini.engine.checks import check_function
from autograd_mini.engine.graph import active_operands, adjoints, adjoints_of, depending, push
from autograd_mini.engine.hooks import Recorded, is_recording, is_tracing
from autograd_mini.engine.ops import Op
from autograd_mini.engine.pytree import flatten, holds_values
from autograd_mini.engine.value import Value, clock
from autograd_mini.transforms.custom import Linear, Result, record
from autograd_mini.transforms.tracing import called

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, ParamSpec, TypeVar

    Arguments = ParamSpec("Arguments")
    Returned = TypeVar("Returned")


class _Recomputed(Linear):
    """A call that is run again for its derivative; its operands are the Values among the arguments and closed over."""

    __slots__ = ("again", "given")

    def __init__(
        self, name: str, again: Callable[[list[Value]], dict[int, Value]], given: list[Value], closed: list[Value]
    ) -> None:
        super().__init__(name, given + closed)
        self.again, self.given = again, len(given)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Recomputed:
        """Copy the operands, if the function that is run again will find all of them."""
        if len(self.operands) > self.given:
            raise TypeError(
                f"a rematerialised call of {self.name} cannot be copied: it closes over {self.operands[self.given]!r}, "
                "and the copy would go on to use that very Value; pass it as an argument"
            )
        return _Recomputed(self.name, self.again, deepcopy(self.operands, memo), [])

    def run(self, *, on_values: bool) -> tuple[dict[int, Value], list[Value]]:
        """Run the function on fresh variables; return its results, and the variables with what it closes over."""
        given, closed = self.operands[: self.given], self.operands[self.given :]
        variables = [operand + -0.0 if on_values else Value(operand._data) for operand in given]
        return self.again(variables), variables + closed

    def pull(self, cotangents: dict[int, Any], *, on_values: bool) -> list[Any]:
        """Run the function again and return what a reverse pass through it gives."""
        with Recorded():
            results, wanted = self.run(on_values=on_values)
            total: Any = 0.0
            for at, cotangent in cotangents.items():
                total = results[at] * cotangent + total
            if not on_values:
                return adjoints(total, wanted)
            held = set(wanted)
            found = adjoints_of(wanted, total, 1.0, lambda node: () if node in held else active_operands(node))
            return [found.get(operand, 0.0) for operand in wanted]

    def push(self, tangents: dict[int, Any], *, on_values: bool) -> dict[int, Any]:
        """Run the function again and return what a forward pass through it gives."""
        with Recorded():
            results, wanted = self.run(on_values=on_values)
            seeds = {wanted[at]: tangent for at, tangent in tangents.items()}
            found = push(depending(results.values(), wanted), seeds, on_values=on_values)
            return {at: found[result] for at, result in results.items() if result in found}


_RECOMPUTED = Result(Op("remat", "x", ("1.0",), doc="A result that is computed again for its derivative."), "x")


def remat(f: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Return f as a function that keeps no graph: for its derivative it is computed again (Griewank 1992).

    JAX has it by the same name, PyTorch as `torch.utils.checkpoint`.

    That saves memory for time, where a chain of such functions is differentiated: at any time the graph of one of them
    exists. Values that f closes over, as the parameters of a layer, receive their gradients too.

    Args:
        f: a function that returns a number or a structure of numbers, and the same each time it is called.

    Raises:
        TypeError: when called, if f returns something that is no number.
        StaleValueError: in a backward pass, if something that f closes over was assigned since.

    >>> x = Value(2.0)
    >>> y = remat(lambda x: (x**2).exp())(x)
    >>> y.args
    (Value(data=2.0),)
    >>> y.backward()
    >>> x.grad == 4.0 * y.data
    True

    """
    check_function("f", f)

    @wraps(f)
    def recomputing(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
        if not is_recording() or is_tracing():  # compiled code stores what it wants
            return f(*args, **kwargs)
        apart = {at: flatten(arg, f"argument {at}") for at, arg in enumerate(args) if holds_values(arg)}
        given = [entry for numbers, _ in apart.values() for entry in numbers if isinstance(entry, Value)]

        def again(variables: Sequence[Value]) -> Any:
            fresh = iter(variables)
            taken = list(args)
            for at, (numbers, treedef) in apart.items():
                taken[at] = treedef.unflatten([next(fresh) if isinstance(entry, Value) else entry for entry in numbers])
            return called(f, taken, kwargs, variables)

        def results(variables: Sequence[Value]) -> dict[int, Value]:
            numbers = flatten(again(variables), "the result of a rematerialised function")[0]
            return {at: entry for at, entry in enumerate(numbers) if isinstance(entry, Value)}

        start = next(clock)
        variables = [Value(entry._data) for entry in given]
        outputs, treedef = flatten(again(variables), "the result of a rematerialised function")
        computed = [output for output in outputs if isinstance(output, Value)]
        below = subgraph(computed, lambda node: active_operands(node) if node._tick > start else ())
        closed = [node for node in below if node._tick <= start]  # and nothing of what lies below these
        call = _Recomputed(getattr(f, "__name__", "remat"), results, given, closed)
        numbers = {at: output._data for at, output in enumerate(outputs) if isinstance(output, Value)}
        if not call.operands:
            return treedef.unflatten([Value(entry._data) if isinstance(entry, Value) else entry for entry in outputs])
        nodes = record(_RECOMPUTED, call, numbers)
        return treedef.unflatten([nodes.get(at, entry) for at, entry in enumerate(outputs)])

    return recomputing
