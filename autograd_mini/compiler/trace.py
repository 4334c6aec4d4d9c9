"""A trace: one run of a function on symbols, whose graph of nodes is what gets compiled.

A symbol is a node like any other, of the class `Traced`, whose number is not known. While a trace runs, every node that
its thread makes becomes one. Whoever asks a symbol, or a Value from outside, for its number gets a `TracingError`: the
answer would be baked into the compiled function without a word.
"""

from __future__ import annotations

import sys
from functools import cached_property
from threading import Lock, local

from autograd_mini.errors import TracingError
from autograd_mini.compiler import formulas
from autograd_mini.ops import CHOICE, Op
from autograd_mini.rules import Rule
from autograd_mini.tracing import Recorded
from autograd_mini.value import ABSENT, Computed, Value, clock, traces, watchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

REMEDIES = {
    "bool()": "where(condition, a, b), maximum, minimum, clip or abs choose without branching; join conditions with & "
    "and |",
    "assigning .data": "return the new number, and assign it outside",
    "assigning .grad": "call backward on the compiled function, which adds to .grad",
    ".data": "compute with the Value itself; stop_gradient(x) makes it a constant",
    "float()": "compute with the Value itself, and use autograd_mini.exp(x) in place of math.exp(x)",
    "int()": "declare the argument static: jit(f, static=...) compiles once for each of its values",
    "repr()": "print it outside of the compiled function",
    "backward()": "use jit(grad(f)), or backward on the compiled function",
}


class Kind:
    """How a symbol that is no row of the table came about: a comparison, a choice, a constant; see `rules.Rule`."""

    partials = ()

    def __init__(self, op: Op, variant: str = "") -> None:
        self.op, self.variant, self.rule = op, variant, self

    @staticmethod
    def args(node: Value) -> tuple[Any, ...]:
        """Return the operands."""
        operands: tuple[Any, ...] = node._k
        return operands


COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_CONDITIONS = {
    name: Kind(Op(name, f"{name}(x, y)", (), symbol=symbol))
    for name, symbol in (*COMPARISONS.items(), ("and", "&"), ("or", "|"), ("not", "~"))
}
_STOP = Kind(Op("stop", "x", (), doc="A constant, as far as derivatives go."))
_CHOSEN = Kind(CHOICE, "xy")


class Traced(Computed):
    """A symbol: a node whose number is not known yet."""

    __slots__ = ()
    symbolic = True

    @property
    def data(self) -> float:
        """Refuse."""
        raise refusal(".data")

    @data.setter
    def data(self, _: float) -> None:
        raise refusal("assigning .data")

    def __getattr__(self, name: str) -> Any:
        """Refuse what a symbol has no more once its trace is over."""
        if name == "_data":
            raise TracingError(
                f"a symbol was used after its trace{place()}: the traced function kept it, for example in a list; "
                "return it from the function"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        """Show what computed it."""
        return f"<traced {self.op or 'input'}>"

    def __bool__(self) -> bool:
        raise refusal("bool()")

    def __float__(self) -> float:
        raise refusal("float()")

    def __int__(self) -> int:
        raise refusal("int()")

    __index__ = __trunc__ = __int__  # type: ignore[assignment]  # Value refuses these too, as float
    __complex__ = __float__  # type: ignore[assignment]

    def backward(self, gradient: float = 1.0) -> None:
        """Refuse."""
        del gradient
        raise refusal("backward()")

    def detach(self) -> Value:
        """Return the same number as a constant."""
        return symbol(_STOP, (self,))

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this is not 0, else y."""
        return (self != 0.0).chosen(x, y)  # type: ignore[attr-defined, no-any-return]  # a Condition

    def partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, g) -> g times the partial."""
        rule: Any = self._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
        if rule is _CHOSEN:
            return _CHOICE_PARTIALS
        return formulas.partials(rule.op, rule.variant) if isinstance(rule, Rule) else tuple(rule.partials)

    def adjoints_below(self, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
        """Return the adjoints of the nodes below, each computed under the condition that it is reached."""
        from autograd_mini.compiler.reach import adjoints

        return adjoints(self, nodes, leading, seed, operands_of)


class Condition(Traced):
    """A truth value that is not known yet: what comparing a symbol returns."""

    __slots__ = ()

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this holds, else y."""
        return symbol(_CHOSEN, (self, x, y), x, y)

    def __and__(self, other: Condition | bool) -> Condition:
        return _joined("and", self, other)

    def __or__(self, other: Condition | bool) -> Condition:
        return _joined("or", self, other)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Condition:
        made = symbol(_CONDITIONS["not"], (self,))
        made.__class__ = Condition
        return made  # type: ignore[return-value]  # its class was just set


_CHOICE_PARTIALS: tuple[Callable[..., Any], ...] = (
    lambda node, g: node._k[0].chosen(g, 0.0),
    lambda node, g: node._k[0].chosen(0.0, g),
)


def _joined(name: str, this: Condition, other: Condition | bool) -> Condition:
    if not isinstance(other, (Condition, bool)):
        return NotImplemented  # type: ignore[unreachable]  # as operators do
    made = symbol(_CONDITIONS[name], (this, other))
    made.__class__ = Condition
    return made  # type: ignore[return-value]  # its class was just set


def comparison(name: str, x: Value | float, y: Value | float) -> Condition:
    """Return the condition that x and y compare so."""
    made = symbol(_CONDITIONS[name], (x, y))
    made.__class__ = Condition
    return made  # type: ignore[return-value]  # its class was just set


def symbol(kind: Kind, operands: tuple[Any, ...], x: Value | float = ABSENT, y: Value | float = ABSENT) -> Value:
    """Return a new symbol."""
    node: Value = Computed()
    node._pull, node._k = kind, operands  # type: ignore[assignment]  # a Kind stands for its own pullback
    node._x = x if isinstance(x, Value) else Value(x)
    node._y = y if isinstance(y, Value) else Value(y)
    node._tick, node._adjoint = next(clock), None
    return _watch(node)


class Trace(Recorded):
    """A block in which this thread's nodes are symbols.

    Attributes:
        start: the tick at which it began; leaves that are older come from outside.
        inputs: the symbols that stand for numbers of the arguments.

    """

    def __init__(self) -> None:
        self.start = next(clock)
        self.inputs: dict[Value, int] = {}
        self._nodes: list[Value] = []

    def input(self) -> Value:
        """Return a new symbol for a number of an argument."""
        node = Traced()
        node._pull, node._data = None, _UNKNOWN
        node._x = node._y = ABSENT
        node._tick, node._adjoint = next(clock), None
        self.inputs[node] = len(self.inputs)
        self._nodes.append(node)
        return node

    def __contains__(self, node: Value) -> bool:
        """Return whether a symbol was made in this trace."""
        return node._tick > self.start

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
        for node in self._nodes:
            del node._data


class _This(local):
    """The trace of this thread."""

    trace: Trace | None = None


_UNKNOWN = float("nan")
_this = _This()
_lock = Lock()
_running = 0


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
        trace._nodes.append(node)
    return node


class _Guard:
    """What stands in `value.traces`: it refuses to read Values that the compiled function has to read afresh."""

    @cached_property
    def package(self) -> str:
        """Return the folder of the package."""
        return __file__.rpartition("compiler")[0]

    def read(self, value: Value, what: str) -> None:
        """Refuse, if the Value is older than the trace of this thread."""
        trace = _this.trace
        if trace is not None and (value._pull is not None or value._tick < trace.start):
            raise refusal(what)

    def compared(self, name: str, x: Value, y: Value | float) -> Condition | None:
        """Return a condition in the thread of a trace."""
        return None if _this.trace is None else comparison(name, x, y)

    def detached(self, value: Value) -> Value:
        """Return a constant with the number of a Value."""
        return Value(value._data, value.label) if _this.trace is None else symbol(_STOP, (value,))


_GUARD = _Guard()


def refusal(what: str) -> TracingError:
    """Return the error for something that a traced function may not do."""
    return TracingError(
        f"{what} of a traced Value{place()}: its number is not known when the function is compiled, and what depends "
        f"on it would be baked in. Instead: {REMEDIES[what]}"
    )


def place() -> str:
    """Return the file, line and text of the line of the user's that is running."""
    import linecache

    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_GUARD.package, "<autograd_mini")):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(name, line).strip()
    return f' in {name}, line {line}: "{text}"' if text else f" in {name}, line {line}"
