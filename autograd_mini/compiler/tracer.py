"""Tracing: one run of a function on symbols, whose graph of nodes is what gets compiled.

A symbol is a node like any other, of the class `Tracer`, whose number is not known. While a trace runs, every node that
its thread makes becomes one. Whoever asks a symbol, or a Value from outside, for its number gets a `TracingError`: the
answer would be baked into the compiled function without a word. Whether a condition holds is answered by the numbers of
a call, where the trace has them, and noted as a decision.
"""

from __future__ import annotations

import operator
from functools import cache, reduce
from math import nan
from typing import NamedTuple

from autograd_mini.compiler.concretization import concretization_error, place, refusing
from autograd_mini.compiler.primitives import CHOSEN, CONDITIONS, STOP, Primitive
from autograd_mini.compiler.tape import shares_over
from autograd_mini.engine import rules
from autograd_mini.engine.formula import RELATIONS
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.hooks import Hook, Recorded, entered, innermost, is_tracing
from autograd_mini.engine.locations import user_frame
from autograd_mini.engine.operators import hidden, result, symbols, where
from autograd_mini.engine.rules import RowRule, Rule
from autograd_mini.engine.value import ABSENT, Computed, Symbolic, Value, clock
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Self

    from autograd_mini.engine.ops import Op

    Numbers = Mapping[Value, float]


class Tracer(Symbolic):
    """A symbol: a node whose number is not known yet."""

    __slots__ = ()

    data: Any = property(refusing(".data"), refusing("assigning .data"))
    grad: Any = property(refusing(".grad"), refusing("assigning .grad"))
    has_grad: Any = property(refusing(".grad"))
    __float__ = __complex__ = refusing("float()")
    __int__ = __trunc__ = refusing("int()")
    __copy__ = __deepcopy__ = __reduce_ex__ = refusing("copying")
    backward = refusing("backward()")

    def __bool__(self) -> bool:
        """Decide whether the number is not zero."""
        return bool(condition("ne", self, 0.0))

    def __index__(self) -> int:
        """Return the whole number of the call, as range(n) asks for it, and decide that it is this one."""
        number = _trace_of(self, "an index").number(self)
        if number != number // 1:
            raise TypeError(f"the number of a traced Value is {number!r}{place()}, expected a whole number")
        bool(condition("eq", self, number))
        return int(number)

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

    def detach(self) -> Value:
        """Return the same number as a constant."""
        return stopped(self)

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this is not 0, else y."""
        return condition("ne", self, 0.0).chosen(x, y)

    def taken_from(self, values: Any) -> Any:
        """Return the entry of values at this index."""
        from autograd_mini.compiler.gathers import taken

        return taken(self, values)

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, g) -> g times the partial."""
        rule: Any = self._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
        return partials(rule.op, rule.active) if isinstance(rule, RowRule) else rule.times_partials()

    def adjoints_below(self, wanted: Any, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
        """Return the adjoints of the nodes below, each computed under the condition that it is reached."""
        from autograd_mini.compiler.path_conditions import adjoints

        return adjoints(self, wanted, nodes, leading, seed, operands_of)


class TracedBool(Tracer):
    """A truth value that is not known yet: what comparing a symbol returns."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """Decide whether it holds."""
        return _trace_of(self, "a condition").decided(self)

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this holds, else y."""
        return symbol(CHOSEN, (self, x, y), x, y)

    def __and__(self, other: object) -> Any:
        return condition("and", self, other) if isinstance(other, (TracedBool, bool)) else NotImplemented

    def __or__(self, other: object) -> Any:
        return condition("or", self, other) if isinstance(other, (TracedBool, bool)) else NotImplemented

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> TracedBool:
        return condition("not", self)


symbols.update((Tracer, TracedBool))


def _trace_of(node: Tracer, asked: str) -> Trace:
    """Return the trace that a symbol belongs to, which has to be running."""
    trace: Any = innermost(Trace)
    if trace is None or node not in trace:
        raise TracingError(f"{asked} was used outside of its trace{place()}: decide it in the traced function")
    return trace  # type: ignore[no-any-return]


def condition(name: str, *operands: Any) -> TracedBool:
    """Return a new truth value: how numbers compare, or what `and`, `or` or `not` makes of others."""
    node = symbol(CONDITIONS[name], operands)
    node.__class__ = TracedBool
    return node  # type: ignore[return-value]  # its class was just set


def stopped(value: Value) -> Value:
    """Return a constant with the number of a Value."""
    return symbol(STOP, (value,))


def symbol(kind: Primitive, operands: tuple[Any, ...], x: Value | float = ABSENT, y: Value | float = ABSENT) -> Value:
    """Return a new symbol."""
    first, second = (operand if isinstance(operand, Value) else Value(operand) for operand in (x, y))
    node = result(kind, nan, first, second, operands)
    if not node.symbolic:
        raise TracingError(f"a symbol was used after its trace{place()}: return it from the traced function")
    return node


@cache
def partials(op: Op, active: str) -> tuple[Callable[..., Any], ...]:
    """Return for each operand that may be a symbol the function (node, g) -> g times the partial."""

    def on_symbols(share: Callable[..., Any]) -> Callable[..., Any]:
        return lambda node, g: share(SYMBOLS, *node._pull.rule.args(node), node, g)

    return tuple([on_symbols(shares_over(op)[op.operands.index(wanted)]) for wanted in active])


class _Symbols:
    """The algebra of symbols and numbers: operations are those of Values, and a comparison may be of numbers alone."""

    where = staticmethod(where)
    all_of = staticmethod(operator.and_)
    any_of = staticmethod(operator.or_)

    def __getattr__(self, name: str) -> Any:
        relation = name in RELATIONS.values()
        made: Any = getattr(operator, name) if relation else getattr(ON_VALUES, name.removesuffix("_"))
        setattr(self, name, made)
        return made


SYMBOLS = _Symbols()


class Check(NamedTuple):
    """What has to hold of the numbers of a call.

    Attributes:
        holds: whether it does, a symbol.
        figure: the number to be named where it does not, a symbol.
        error: the function from that number to the exception.

    """

    holds: Value
    figure: Value | float
    error: Callable[[float], Exception]


class Answer(NamedTuple):
    """The answer to the question whether a condition holds.

    Attributes:
        held: whether it held for the numbers of the call.
        place: the code and the instruction that asked.

    """

    held: bool
    place: tuple[Any, int] | None


class Trace(Recorded, Hook):
    """A block in which this thread's nodes are symbols.

    Args:
        sample: what returns the numbers that conditions are decided by, of inputs and of leaves that count as having
            others than their own; None to refuse conditions.

    Attributes:
        inputs: the symbols that stand for numbers of the arguments.
        nodes: the symbols made so far.
        constants: the leaves made so far; all others come from outside.
        checks: what has to hold at each call, else it fails.
        decisions: the conditions that were asked for, in order, each with its answer.
        known: symbols that are made once, by what they are; see `gathers`.

    """

    rank = 0
    everywhere = True

    def __init__(self, sample: Callable[[Trace], Numbers] | None = None) -> None:
        self._start = next(clock)
        self._sample = sample
        self._numbers: dict[Value, Any] | None = None
        self._checked = 0
        self.decisions: dict[Value, Answer] = {}
        self.inputs: dict[Value, int] = {}
        self.constants: set[Value] = set()
        self.nodes: list[Value] = []
        self.checks: list[Check] = []
        self.known: dict[Any, Value] = {}

    def broken(self) -> list[Value | float]:
        """Return 1.0 where one of the checks fails, else 0.0, as a list; an empty one if there are no checks."""
        if not self.checks:
            return []
        return [where(reduce(operator.and_, [check.holds for check in self.checks]), 0.0, 1.0)]

    def decided(self, condition: TracedBool) -> bool:
        """Return whether a condition holds for the numbers of the call, and note it."""
        if condition in self.decisions:
            return self.decisions[condition].held
        held = bool(self.number(condition, "bool()"))
        frame = user_frame()
        self.decisions[condition] = Answer(held, frame and (frame.f_code, frame.f_lasti))
        return held

    def number(self, wanted: Value, asked: str = "int()") -> Any:
        """Return the number, or the truth value, that a symbol has for the numbers of the call, if there are any."""
        if self._sample is None:
            raise concretization_error(asked)
        if self._numbers is None:
            self._numbers = {**self._sample(self)}
        for check in self.checks[self._checked :]:  # eager code would not have come here
            if not self._number(check.holds):
                raise check.error(self._number(check.figure))
        self._checked = len(self.checks)
        return self._number(wanted)

    def example(self, leaves: Sequence[Value]) -> tuple[float, ...]:
        """Return the numbers that conditions were decided with: those of the inputs, then those of leaves."""
        known: Any = self._numbers
        return tuple(
            [float(known[node]) for node in self.inputs] + [float(known.get(leaf, leaf._data)) for leaf in leaves]
        )

    def _number(self, wanted: Value | float) -> Any:
        """Return the number that a symbol or a leaf has for those of the call, as eager code computes it."""
        if not isinstance(wanted, Value):
            return wanted
        known: Any = self._numbers
        waiting = [wanted]
        while waiting:
            node = waiting[-1]
            pull: Any = node._pull
            if node in known:
                waiting.pop()
            elif pull is None or node not in self:
                known[node] = node._data
            else:
                args = pull.rule.args(node)
                missing = [arg for arg in args if isinstance(arg, Value) and arg not in known]
                if missing:
                    waiting += missing
                    continue
                numbers = [known[arg] if isinstance(arg, Value) else arg for arg in args]
                if isinstance(pull.rule, Primitive):
                    known[node] = pull.rule.number(numbers)
                else:  # a truth value counts as 1.0 or 0.0
                    known[node] = rules.compiled(pull.rule.op).floats(*map(float, numbers))
        return known[wanted]

    def input(self) -> Value:
        """Return a new symbol for a number of an argument."""
        node: Value = Tracer()
        node._pull, node._data = None, nan
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
        self.forget()

    def forget(self) -> None:
        """Make the symbols unusable, and let go of them."""
        for node in self.nodes:
            del node._data
        self.nodes.clear()
        self.known.clear()

    # --- what it sees as a hook ---

    def make(self, rule: Rule, data: float, x: Value, y: Value, k: object) -> Value:
        """Make a symbol, soon where this is what was entered last, as it most often is."""
        on = entered()
        if not on or self not in on[-1]:
            return self.result(hidden(rule, data, x, y, k))
        node: Value = Tracer()
        node._data, node._pull, node._x, node._y, node._k = nan, rule.pullback, x, y, k
        node._tick, node._adjoint = next(clock), None
        self.nodes.append(node)
        return node

    def result(self, node: Value) -> Value:
        """Make a symbol of a new node of this thread; refuse one of another thread that uses a symbol."""
        if self is innermost(Trace):
            if type(node) is Computed:
                node.__class__ = Tracer
                node._data = nan
                self.nodes.append(node)
        elif not is_tracing() and (node._x.symbolic or node._y.symbolic):
            raise TracingError(f"a symbol was used outside of its trace{place()}: return it from the traced function")
        return node

    def leaf(self, leaf: Value, event: str) -> None:
        """Note that a leaf was made."""
        if event == "made" and self is innermost(Trace):
            self.constants.add(leaf)

    def read(self, value: Value, what: str) -> None:
        """Refuse, if the Value was not made as a constant in this trace."""
        if self is innermost(Trace) and value not in self.constants:
            raise concretization_error(what)

    def compare(self, name: str, x: Value, y: Value | float) -> TracedBool | None:
        """Return a condition."""
        return condition(name, x, y) if self is innermost(Trace) else None

    def detach(self, value: Value) -> Value | None:
        """Return a constant with the number of a Value."""
        return stopped(value) if self is innermost(Trace) else None
