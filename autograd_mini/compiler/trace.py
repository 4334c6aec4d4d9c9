"""A trace: one run of a function on symbols, whose graph of nodes is what gets compiled.

A symbol is a node like any other, of the class `Traced`, whose number is not known. While a trace runs, every node that
its thread makes becomes one. Whoever asks a symbol, or a Value from outside, for its number gets a `TracingError`: the
answer would be baked into the compiled function without a word.
"""

from __future__ import annotations

from autograd_mini.compiler.concretization import place, refusal
from autograd_mini.compiler.symbols import Condition, Traced, comparison, stopped
from autograd_mini.engine.hooks import Hook, innermost, is_tracing
from autograd_mini.engine.recording import Recorded
from autograd_mini.engine.value import ABSENT, Computed, Value, clock
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Trace(Recorded, Hook):
    """A block in which this thread's nodes are symbols.

    Attributes:
        inputs: the symbols that stand for numbers of the arguments.
        nodes: the symbols made so far.
        constants: the leaves made so far; all others come from outside.

    """

    rank = 0
    everywhere = True

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
        super().__enter__()
        self.enter()
        return self

    def __exit__(self, *error: object) -> None:
        """End, and make the symbols unusable."""
        self.leave()
        super().__exit__(*error)
        for node in self.nodes:
            del node._data

    # --- what it sees as a hook ---

    def result(self, node: Value) -> Value:
        """Make a symbol of a new node of this thread; refuse one of another thread that uses a symbol."""
        if self is not innermost(Trace):
            if not is_tracing() and (node._x.symbolic or node._y.symbolic):
                raise TracingError(
                    f"a symbol was used outside of its trace{place()}: return it from the traced function"
                )
        elif type(node) is Computed:
            node.__class__ = Traced
            node._data = _UNKNOWN
            self.nodes.append(node)
        return node

    def leaf(self, leaf: Value, event: str) -> None:
        """Note that a leaf was made."""
        if event == "made" and self is innermost(Trace):
            self.constants.add(leaf)

    def read(self, value: Value, what: str) -> None:
        """Refuse, if the Value was not made as a constant in this trace."""
        if self is innermost(Trace) and value not in self.constants:
            raise refusal(what)

    def compare(self, name: str, x: Value, y: Value | float) -> Condition | None:
        """Return a condition."""
        return comparison(name, x, y) if self is innermost(Trace) else None

    def detach(self, value: Value) -> Value | None:
        """Return a constant with the number of a Value."""
        return stopped(value) if self is innermost(Trace) else None


_UNKNOWN = float("nan")
