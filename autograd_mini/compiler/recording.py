"""A recording: a graph that exists, made into a compiled function of the numbers that its leaves have at each call.

The operations of the graph are done once more, on symbols, in a trace; the code that made it is not run again. What
that code decided by comparing Values is known only if it was run under the eyes of `replay`, and becomes checks.
"""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

from autograd_mini.compiler.api import jit
from autograd_mini.compiler.frontend import uncollected
from autograd_mini.compiler.graph_columns import below
from autograd_mini.compiler.instructions import Instructions, Requirement, Unsuited
from autograd_mini.compiler.tracer import Check, Trace, condition
from autograd_mini.engine.checks import check_function
from autograd_mini.engine.functions import function
from autograd_mini.engine.graph import order
from autograd_mini.engine.hooks import Hook, Recorded, innermost
from autograd_mini.engine.locations import Place, user_frame
from autograd_mini.engine.operators import where
from autograd_mini.engine.ops import CHOICE
from autograd_mini.engine.rules import RowRule
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self


@uncollected
def replay(
    loss: Value | Callable[[], Value], *, fallback: Callable[[], Value] | None = None, backend: str = "auto"
) -> Replay:
    """Return a compiled function that computes a graph again, for the numbers that its leaves have then.

        >>> from autograd_mini import Parameter
        >>> w, x = Parameter(3.0), Value(2.0)
        >>> again = replay((w * x - 1.0) ** 2, backend="python")
        >>> w.data, x.data = 1.0, 4.0
        >>> again(), again.backward(), w.grad
        (9.0, 9.0, 24.0)

    So a training loop written by hand runs its Python code once. Everything that is to change has to be a leaf: plain
    numbers are as they were, and so is what was decided by them, by `.data`, by `detach()` or by a random number.
    Given a function in place of a graph, `replay` runs it once and notes how Values compared, as `if x > 0`,
    `max(a, b)` and `while error > 1e-9` ask. Each of these comparisons is checked at every call:

        >>> def loss():
        ...     return w * w if w > 0.0 else -w
        >>> again = replay(loss, backend="python")
        >>> w.data = -2.0
        >>> again()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        autograd_mini.compiler.recording.FlippedError: a comparison was True when the graph was recorded and is ...
        >>> replay(loss, fallback=loss)()
        2.0

    Of a graph alone comparisons are not known: it says which branch of a `where` was taken, not why, except where the
    condition of the `where` is a Value itself. `maximum`, `relu`, `clip` and the like are operations of the graph, and
    need no check.

    Args:
        loss: a Value that was computed, or a function without arguments that returns one.
        fallback: a function without arguments, such as the one that computed the graph, which is called in place of the
            compiled one where a check fails; without it that is an error.
        backend: see `jit`.

    Returns:
        the function. It also has `backward`, `value_and_grad`, `parameters`, `source` and `stats`.

    Raises:
        TypeError: if loss is no Value, and no function that returns one.
        ValueError: if the loss is a leaf, which nothing computes.
        TracingError: if the graph has a function with a derivative of its own; when called, if a check fails.

    """
    if fallback is not None:
        check_function("fallback", fallback)
    noted: list[Comparison] = []
    if callable(loss):
        with Noting(noted):
            loss = loss()
    if not isinstance(loss, Value):
        raise TypeError(
            f"loss is {loss!r} of type {type(loss).__name__}, expected a Value, or a function that returns one"
        )
    if loss.symbolic or (loss._pull is None and not noted):
        raise ValueError(
            f"loss is {loss!r}, which no operation computed, expected a result: compute it outside of no_grad"
        )
    return Replay(_Graph(loss, noted), fallback, backend)


class Comparison(NamedTuple):
    """A comparison of Values that was made while a graph was recorded.

    Attributes:
        name: the relation, such as "lt".
        x: its first operand.
        y: its second.
        held: whether it held.
        place: the code and the instruction that asked.

    """

    name: str
    x: Value
    y: Value | float
    held: bool
    place: tuple[Any, int] | None


class Noting(Recorded, Hook):
    """A block in which comparisons of this thread are noted, and results remember their operands."""

    def __init__(self, noted: list[Comparison]) -> None:
        self._noted = noted

    def __enter__(self) -> Self:
        """Begin."""
        super().__enter__()
        self.enter()
        return self

    def __exit__(self, *error: object) -> None:
        """End."""
        self.leave()
        super().__exit__(*error)

    def compared(self, name: str, x: Value, y: Value | float, *, held: bool) -> None:
        """Note a comparison."""
        frame = user_frame()
        self._noted.append(Comparison(name, x, y, held, frame and (frame.f_code, frame.f_lasti)))


class _Graph:
    """The function that a trace calls: it does the operations of a graph on symbols, and notes the checks."""

    __slots__ = ("loss", "noted")
    __name__ = "replay"

    def __init__(self, loss: Value, noted: list[Comparison]) -> None:
        self.loss, self.noted = loss, noted

    def instructions(self) -> Instructions | None:
        """Return the graph as columns; None if there is an operation that they do not hold."""
        said = self._said()
        required = [
            Requirement(name, x, y, held, 0.0, partial(_flipped, held, said[place]))
            for name, x, y, held, place in self.noted
        ]
        try:
            return Instructions(below(self.loss, *self._compared()), [self.loss], [], (), required)
        except Unsuited:
            return None

    def _compared(self) -> list[Value]:
        """Return the Values that were compared."""
        return [given for noted in self.noted for given in (noted.x, noted.y) if isinstance(given, Value)]

    def _said(self) -> dict[Any, str | None]:
        """Return the places of the comparisons as text, of which there are few."""
        return {place: place and str(Place(*place)) for place in {noted.place for noted in self.noted}}

    def __call__(self) -> Value:
        """Return the symbol for the loss."""
        twins: dict[Value, Any] = {}
        said = self._said()
        for node in order(self.loss, *self._compared()):
            twins[node] = (
                node
                if node._pull is None
                else _done(node, [twins[arg] if isinstance(arg, Value) else arg for arg in node.args])
            )
        trace: Any = innermost(Trace)
        for name, x, y, held, place in self.noted:
            holds = condition(name, twins[x], twins[y] if isinstance(y, Value) else y)
            trace.checks.append(Check(holds if held else ~holds, 0.0, partial(_flipped, held, said[place])))
        twin: Value = twins[self.loss]
        return twin


def _done(node: Value, args: list[Any]) -> Any:
    """Return what the operation of a node makes of other operands."""
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # it was computed
    if rule.op is CHOICE:
        chosen, x, y = args
        if isinstance(chosen, Value):
            return where(chosen if chosen.symbolic else chosen + 0.0, x, y)
        taken = x if chosen else y
        return taken if isinstance(taken, Value) else Value(taken)
    if not isinstance(rule, RowRule):
        raise TracingError(
            f"the graph has a result of {node.op}(…), whose derivative is a function of the user's, expected rows of "
            "the table: leave that call out of the loss that is replayed"
        )
    return _operation(rule.op)(*args)


_operation = cache(function)


def _flipped(held: bool, place: str | None, _: float) -> TracingError:  # noqa: FBT001 - a truth value, as it was noted
    return FlippedError(
        f"a comparison was {held} when the graph was recorded and is {not held} now, in {place or 'an unknown place'}: "
        "record the graph again, or give replay a fallback"
    )


class FlippedError(TracingError):
    """A comparison holds no more, or does now, that a recorded graph depends on."""


class Replay:
    """What `replay` returns.

    Args:
        graph: the function that does the operations of the graph.
        fallback: what to call where a check fails; None for an error.
        backend: see `jit`.

    >>> x = Value(3.0)
    >>> again = replay(x * x, backend="python")
    >>> again.value_and_grad([5.0])
    (25.0, array([10.]))
    >>> again.parameters, again.stats["backend"]
    ([Value(data=3.0)], 'python')

    """

    def __init__(self, graph: _Graph, fallback: Callable[[], Value] | None, backend: str) -> None:
        self._compiled, self._fallback = jit(graph, backend=backend), fallback
        self._compiled.prepare()

    def __call__(self) -> float:
        """Return the loss for the numbers that the leaves have now."""
        try:
            loss: float = self._compiled()
        except FlippedError:
            return self._otherwise().data
        return loss

    def backward(self) -> float:
        """Add the gradient for the numbers that the leaves have now to their `grad`, and return the loss."""
        try:
            return self._compiled.backward()
        except FlippedError:
            loss = self._otherwise()
            loss.backward()
            return loss.data

    def value_and_grad(self, p: Any) -> tuple[float, Any]:
        """Return the loss and its gradient, an array, for other numbers of `parameters`.

        Args:
            p: the numbers, in their order.

        Raises:
            TracingError: if a check fails; a fallback cannot be asked, since it reads the leaves.

        """
        return self._compiled.value_and_grad(p)

    @property
    def parameters(self) -> list[Value]:
        """The leaves of the graph."""
        return self._compiled.parameters

    @property
    def source(self) -> str:
        """The program as readable Python, one line an operation."""
        return self._compiled.source

    @property
    def stats(self) -> dict[str, Any]:
        """What is known of the program; see `Compiled.stats`."""
        return self._compiled.stats

    def __getstate__(self) -> dict[str, Any]:
        """Travel as tapes, those of the loss and of its gradient, without the graph and the fallback."""
        self._compiled._programs.take((), {}, differentiate=False)
        return {"_compiled": self._compiled, "_fallback": None}

    def _otherwise(self) -> Value:
        """Return what the fallback computes, or raise the error that is being handled."""
        if self._fallback is None:
            raise  # noqa: PLE0704 - it is called where an error was caught
        loss = self._fallback()
        if not isinstance(loss, Value):
            raise TypeError(f"fallback returned {loss!r} of type {type(loss).__name__}, expected a Value")
        return loss
