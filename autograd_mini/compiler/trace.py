"""A trace: one run of a function on symbols, whose graph of nodes is what gets compiled.

A symbol is a node like any other, of the class `Traced`, whose number is not known. While a trace runs, every node that
its thread makes becomes one. Whoever asks a symbol, or a Value from outside, for its number gets a `TracingError`: the
answer would be baked into the compiled function without a word.
"""

from __future__ import annotations

from threading import local

from autograd_mini.compiler.refusals import place, refusal
from autograd_mini.compiler.symbols import Condition, Traced, comparison, stopped
from autograd_mini.engine.forking import awaited_lock, in_child
from autograd_mini.engine.value import ABSENT, Computed, Value, clock, traces, watchers
from autograd_mini.errors import TracingError
from autograd_mini.transforms.tracing import Recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Trace(Recorded):
    """A block in which this thread's nodes are symbols.

    Attributes:
        inputs: the symbols that stand for numbers of the arguments.
        nodes: the symbols made so far.
        constants: the leaves made so far; all others come from outside.

    """

    def __init__(self) -> None:
        self._start = next(clock)
        self.inputs: dict[Value, int] = {}
        self.constants: set[Value] = set()
        self.nodes: list[Value] = []

    def input(self) -> Value:
        """Return a new symbol for a number of an argument."""
        node: Value = Traced()
        node._pull, node._data = None, _UNKNOWN
        node._x = node._y = ABSENT
        node._tick, node._adjoint = next(clock), None
        self.inputs[node] = len(self.inputs)
        self.nodes.append(node)
        return node

    def __contains__(self, node: Value) -> bool:
        """Return whether a symbol was made in this trace."""
        return node._tick > self._start

    def __enter__(self) -> Self:
        """Begin."""
        global _running  # noqa: PLW0603 - counts over all threads
        super().__enter__()
        _this.trace = self
        with _lock:
            _running += 1
            if _running == 1:
                watchers.insert(0, _watch)
                traces.append(_GUARD)
        return self

    def __exit__(self, *error: object) -> None:
        """End, and make the symbols unusable."""
        global _running  # noqa: PLW0603 - counts over all threads
        with _lock:
            _running -= 1
            if not _running:
                watchers.remove(_watch)
                traces.clear()
        _this.trace = None
        super().__exit__(*error)
        for node in self.nodes:
            del node._data


class _This(local):
    """The trace of this thread."""

    trace: Trace | None = None


_UNKNOWN = float("nan")
_this = _This()
_lock = awaited_lock()
_running = 0


def _alone() -> None:
    """Forget the traces of threads that a fork has left behind."""
    global _running  # noqa: PLW0603 - counts over all threads
    _running = int(_this.trace is not None)
    if traces and not _running:
        watchers.remove(_watch)
        traces.clear()


in_child(_alone)


def is_tracing() -> bool:
    """Return whether this thread is tracing a function."""
    return _this.trace is not None


def _watch(node: Value) -> Value:
    trace = _this.trace
    if trace is None:
        if node._x.symbolic or node._y.symbolic:
            raise TracingError(f"a symbol was used outside of its trace{place()}: return it from the traced function")
        return node
    if type(node) is Computed:
        node.__class__ = Traced
        node._data = _UNKNOWN
        trace.nodes.append(node)
    return node


class _Guard:
    """What stands in `value.traces`: it refuses to read Values that the compiled function has to read afresh."""

    def read(self, value: Value, what: str) -> None:
        """Refuse, if the Value was not made as a constant in the trace of this thread."""
        trace = _this.trace
        if trace is not None and value not in trace.constants:
            raise refusal(what)

    def made(self, leaf: Value) -> None:
        """Note that a leaf was made."""
        if _this.trace is not None:
            _this.trace.constants.add(leaf)

    def runs(self) -> bool:
        """Return whether it is this thread that traces."""
        return _this.trace is not None

    def compared(self, name: str, x: Value, y: Value | float) -> Condition | None:
        """Return a condition in the thread of a trace."""
        return None if _this.trace is None else comparison(name, x, y)

    def detached(self, value: Value) -> Value:
        """Return a constant with the number of a Value."""
        return Value(value._data, value.label) if _this.trace is None else stopped(value)


_GUARD = _Guard()
