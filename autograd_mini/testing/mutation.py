"""A mutant: one local derivative of the computations in a test, made wrong on purpose, which the test should notice.

So is a derivative written by hand that returns something wrong, in NumPy, PyTorch, JAX or plain Python.

A mutant that no test notices lives: the tests would not have found that mistake. Values stay as they are; what changes
is what an operation hands back to one of its operands, in backward passes, `gradient`, and the transforms. All the
nodes that one place in the user's code makes are one mutant.

>>> from autograd_mini import Value
>>> def test_slope():
...     x, w = Value(2.0), Value(0.0)
...     (x * x + w * x.sin()).backward()
...     assert x.grad == 4.0
>>> living = [m for m in mutants(test_slope, factors=[1.01]) if m.lives]
>>> [(m.operation, m.operand, m.reached) for m in living]
[('sin', 'x', False), ('mul', 'x', True), ('mul', 'y', False), ('add', 'y', True)]

The test does not look at the gradient of w, and while w is 0 nothing gets through to the sine: a mistake in any of
these would stay unseen. Where the derivative of a staircase, or a 0 in general, is handed back, no test can notice.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.hooks import Block
from autograd_mini.engine.locations import span, user_frame
from autograd_mini.engine.operators import hidden
from autograd_mini.engine.ops import Op
from autograd_mini.engine.rules import Rule
from autograd_mini.engine.value import Value, clock
from autograd_mini.testing.wrong_results import CHANGES, differs, function_of, is_traced, replaced, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FunctionType

    Place = tuple[str, int, int, str, str]  # file, line, column, operation, operand

FACTORS = (-1.0, 1.01)
"""What a local derivative is multiplied by: a wrong sign, and an error that a loose comparison misses."""

_CALL = "a call"


@dataclass
class Mutant:
    """One local derivative, made wrong by a factor; or a derivative written by hand, by a usual mistake.

    Attributes:
        file: the file of the code that applies the operation.
        line: its line there.
        column: its column there.
        operation: the name of the operation, or of the derivative written by hand.
        operand: the operand that receives the wrong derivative: "x" or "y", or "a call" for all those of a call; of
            a derivative written by hand, what is wrong with all that it returns, such as "transposed".
        factor: what its derivative is multiplied by; 1 for other changes.
        noticed: the name of the test that failed; "" while there is none.
        reached: whether a derivative other than 0 was ever handed back there: if not, no test can notice.

    >>> from autograd_mini import Value
    >>> def test():
    ...     x = Value(3.0)
    ...     (x * x).backward()
    ...     assert x.grad == 6.0
    >>> {mutant.noticed for mutant in mutants(test)}
    {'test'}

    """

    file: str
    line: int
    column: int
    operation: str
    operand: str
    factor: float
    noticed: str = ""
    reached: bool = False

    @property
    def lives(self) -> bool:
        """Whether no test has noticed."""
        return not self.noticed

    @property
    def place(self) -> Place:
        """Where it is, whatever its factor."""
        return self.file, self.line, self.column, self.operation, self.operand

    def __str__(self) -> str:
        """Describe the mutant on one line."""
        if self.noticed:
            end = f"noticed by {self.noticed}"
        else:
            end = "lives: no test noticed" if self.reached else "lives: its derivative is used by no test, or always 0"
        name = f"d {self.operation}/d{self.operand}" if self.operand != _CALL else f"d {self.operation}"
        change = f"{name} times {self.factor:g}"
        if self.operand not in {"x", "y", _CALL}:
            change = f"{self.operation}, {self.operand},"
        return f"{self.file}:{self.line}:{self.column}: {change} {end}"


class _Watch(Block):
    """A block that sees every new node, of all threads that a test starts."""

    rank = 3  # after `no_grad` has made leaves
    everywhere = True


class _Survey(_Watch):
    """Notes every place at which an operation is applied."""

    def __init__(self) -> None:
        self.places: dict[Place, None] = {}

    def result(self, node: Value) -> Value:
        self.places |= dict.fromkeys(places_of(node))
        return node


class _Mutation(_Watch):
    """Puts before one operand of every node at one place a node that has its value and a wrong derivative."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.rule = _Factor(mutant)

    def result(self, node: Value) -> Value:
        if self.mutant.place not in places_of(node):
            return node
        if self.mutant.operand == _CALL:
            return hidden(self.rule, node._data, node)
        slot = "_y" if self.mutant.operand == "y" and node._pull.rule.active == "xy" else "_x"  # type: ignore[union-attr]
        operand = getattr(node, slot)
        setattr(node, slot, hidden(self.rule, operand._data, operand))
        node._tick = next(clock)  # an operand is older than its result
        return node


class _Factor(Rule):
    """The rule of the node that multiplies what it propagates."""

    __slots__ = ("mutant",)

    def __init__(self, mutant: Mutant) -> None:
        op = Op("mutant", "x", (repr(mutant.factor),), doc="A local derivative made wrong on purpose.")
        super().__init__(op, "x")
        self.mutant = mutant
        pullback: Any = partial(_Factor.propagate, self)
        pullback.rule = self
        self.pullback = pullback

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operand."""
        return (node._x,)

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return the function that multiplies an adjoint by the factor."""
        return (lambda _node, g: self.times(g),)

    def times(self, g: Any) -> Any:
        """Multiply an adjoint, a float or a Value."""
        self.mutant.reached = self.mutant.reached or bool(g)
        return g * self.mutant.factor

    def propagate(self, node: Value, g: float) -> None:
        """Add the contribution to the operand."""
        node._x._adjoint += self.times(g)


def places_of(node: Value) -> list[Place]:
    """Return the places of a node's local derivatives; none for a leaf, such as `no_grad` makes."""
    if node._pull is None or isinstance(node._pull.rule, _Factor):
        return []
    rule = node._pull.rule
    place = _in_users_code()
    operands = [_CALL] if rule.call(node) is not None else list(rule.active)
    return [(*place, rule.op.name, operand) for operand in operands]


def _in_users_code() -> tuple[str, int, int]:
    """Return the file, line and column of the innermost code that is not this package's."""
    frame = user_frame()
    if frame is None:
        return "", 0, 0
    line, _, column, _ = span(frame.f_code, frame.f_lasti)
    return frame.f_code.co_filename, line or frame.f_lineno, (column or 0) + 1


@dataclass
class Mutation:
    """The mutants met so far, and which of them live; the pytest plugin hands it one test after the other."""

    factors: Sequence[float] = FACTORS
    of: Sequence[Callable[..., Any]] = ()
    found: dict[tuple[Place, float], Mutant] = field(default_factory=dict)

    def examine(self, test: Callable[[], object], name: str) -> None:
        """Run a test once as it is, and once for each mutant that it meets and no test has noticed yet.

        A test that fails as it is proves nothing and is passed over.
        """
        if self.of:
            for function in dict.fromkeys(map(function_of, self.of)):
                self._examine_results(function, test, name)
            return
        survey = _Survey()
        with survey:
            if _fails(test):
                return
        for place in survey.places:
            for factor in self.factors:
                mutant = self.found.setdefault((place, factor), Mutant(*place, factor))
                if mutant.lives:
                    with _Mutation(mutant):
                        if _fails(test):
                            mutant.noticed = name

    def _examine_results(self, function: FunctionType, test: Callable[[], object], name: str) -> None:
        """Run a test with each mistake in what a function returns that its results allow."""
        survey = _Results()
        with replaced(function, survey):
            if _fails(test):
                return
            if not survey.calls and "jax" in sys.modules:  # which may have compiled it before
                sys.modules["jax"].clear_caches()
                test()
        code = function.__code__
        mistakes: dict[str, tuple[float, Callable[[Any], Any]]] = {f"times {c:g}": (c, times(c)) for c in self.factors}
        mistakes |= {word: (1.0, CHANGES[word]) for word in CHANGES if word in survey.possible}
        if survey.calls > 1:
            mistakes[_STALE] = 1.0, _Stale()
        for word, (factor, change) in mistakes.items():
            place = code.co_filename, code.co_firstlineno, 1, function.__name__, word
            mutant = self.found.setdefault((place, factor), Mutant(*place, factor))
            if mutant.lives and survey.calls:
                with _fresh_caches(traced=survey.traced), replaced(function, _Wrong(mutant, change)):
                    if _fails(test):
                        mutant.noticed = name


class _Results:
    """Notes, of the results of a function, which mistakes can be made in them."""

    def __init__(self) -> None:
        self.calls, self.traced = 0, False
        self.possible: set[str] = set()

    def __call__(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        self.calls += 1
        self.traced = self.traced or is_traced(result)
        self.possible |= {word for word in CHANGES if word not in self.possible and CHANGES[word](result) is not None}
        return result


_STALE = "one call behind"


class _Stale:
    """Returns the result of the call before."""

    def __init__(self) -> None:
        self.last: Any = None

    def __call__(self, result: Any) -> Any:
        before, self.last = self.last, result
        return before


class _Wrong:
    """Calls a function and makes a mistake in what it returns, but not in what it returns to itself."""

    def __init__(self, mutant: Mutant, change: Callable[[Any], Any]) -> None:
        self.mutant, self.change, self.inside = mutant, change, False

    def __call__(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.inside:
            return original(*args, **kwargs)
        self.inside = True
        try:
            result = original(*args, **kwargs)
        finally:
            self.inside = False
        changed = self.change(result)
        if changed is None:
            return result
        self.mutant.reached = self.mutant.reached or differs(result, changed)
        return changed


@contextmanager
def _fresh_caches(*, traced: bool) -> Iterator[None]:
    """Have JAX forget what it has compiled, before a block and after it, if results are its own."""
    forget = sys.modules["jax"].clear_caches if traced else lambda: None
    forget()
    try:
        yield
    finally:
        forget()


def _fails(test: Callable[[], object]) -> bool:
    try:
        test()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - pytest's own way to fail is no Exception
        return True
    return False


def mutants(
    *tests: Callable[[], object],
    factors: Sequence[float] = FACTORS,
    of: Any = (),
) -> list[Mutant]:
    """Return every mutant of the computations in some tests; those that live are what the tests do not check.

    Args:
        tests: functions without arguments that raise where something is wrong. They run many times over, and so must
            start afresh each time.
        factors: what a local derivative is multiplied by, one mutant for each.
        of: a derivative written by hand or a list of them, whose results are made wrong instead: multiplied, off by
            one, transposed, with two of them exchanged, without the last number, and one call behind. Functions and
            methods in Python, PyTorch's ``autograd.Function``, which stands for its backward pass, and what JAX has
            compiled or was given a rule for.

    Raises:
        ValueError: if a test fails as it is.
        TypeError: if what ``of`` names is no function in Python.

    >>> from autograd_mini import Value
    >>> def test_of_the_sign():
    ...     x = Value(3.0)
    ...     x.exp().backward()
    ...     assert x.grad > 0.0
    >>> [(mutant.factor, mutant.noticed) for mutant in mutants(test_of_the_sign)]
    [(-1.0, 'test_of_the_sign'), (1.01, '')]
    >>> def gradient(w):
    ...     return [2 * w[0], 2 * w[1]]
    >>> def test_of_the_length():
    ...     assert sum(g * g for g in gradient([3.0, 4.0])) == 100.0
    >>> [mutant.operand for mutant in mutants(test_of_the_length, of=gradient) if mutant.lives]
    ['times -1', 'off by one', 'swapped']

    """
    named = [*of] if isinstance(of, (list, tuple)) else [of]
    for thing in named:
        function_of(thing)
    for test in tests:
        if _fails(test):
            raise ValueError(f"{_name(test)} fails as it is, expected a test that passes")
    mutation = Mutation(factors, named)
    for test in tests:
        mutation.examine(test, _name(test))
    return list(mutation.found.values())


def _name(test: object) -> str:
    return getattr(test, "__name__", repr(test))
