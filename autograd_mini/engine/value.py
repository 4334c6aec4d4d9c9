"""A Value: a number that remembers the operation and the operands that made it.

    >>> a, b = Value(2.0), Value(3.0)
    >>> c = a * b + a
    >>> c.backward()
    >>> a.grad, b.grad
    (4.0, 2.0)

`Value` is what a user makes, a leaf of the graph; what `Value(…)` returns is of the class `Leaf`, which takes
attributes of one's own. An operation returns a `Computed`, a Value with operands, which has slots alone. A `Parameter`
is a leaf that training changes. The arithmetic is attached to the class in `operators.py`.
"""

from __future__ import annotations

from collections import deque
from itertools import count, repeat

from autograd_mini.engine.attributes import ONE_LINE, ResultNames, ValueNames, not_taken, not_taken_by_backward
from autograd_mini.engine.backward import backward
from autograd_mini.engine.checks import number
from autograd_mini.engine.hooks import asked, current, on_compare, on_leaf, on_read, show_leaf
from autograd_mini.engine.locations import user_instruction

TYPE_CHECKING: bool = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Never, NoReturn, Self

    from autograd_mini.engine.methods import Methods
    from autograd_mini.engine.rules import Pullback
else:
    Methods = object

clock = count(1)
"""The ticks by which nodes are dated: one clock for order and for staleness."""


class Value(Methods):
    """A number that remembers how it was made.

    It takes attributes of one's own, as an optimiser's state; a result of an operation does not.

    Args:
        data: the number; int, bool, Fraction, Decimal and NumPy scalars become float.
        label: a name for pictures and messages.

    Attributes:
        data: the number, a float. Assigning it makes every result computed from the old one stale.
        grad: the gradient that `backward` left here; 0.0 as long as there is none.
        label: the name.

    Raises:
        TypeError: if `data` is no real number.

    >>> Value(3, label="x")
    Value(data=3.0, label='x')

    """

    __slots__ = ("_adjoint", "_data", "_grad", "_k", "_label", "_origin", "_pull", "_tick", "_x", "_y")

    symbolic = False  # whether its number is not known, as while a function is traced: see `Symbolic`

    _adjoint: float | None
    _data: float
    _grad: float | None
    _k: Any
    _label: str
    _origin: Any  # where it was made: see `locations.py`
    _pull: Pullback | None
    _tick: int
    _x: Value
    _y: Value

    def __init__(self, data: float, label: str = "") -> None:
        self._data = data if type(data) is float else number(data, "data")
        self._grad = None
        self._adjoint = None
        self._pull = None
        self._tick = next(clock)
        if label != "":
            self.label = label
        if on_leaf:
            show_leaf(self, "made")

    # --- what it holds ---

    @property
    def data(self) -> float:
        """The number."""
        if on_read:
            asked(self, ".data")
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        if self._pull is not None:
            raise AttributeError(
                f"data of {self!r} cannot be assigned: it was computed by {self.op}(…). Assign the leaves it was "
                "computed from and compute it again, or use detach() for a Value of its own"
            )
        if on_read:
            asked(self, "assigning .data")
        data = number(data, "data")
        self._tick = next(clock)
        self._data = data
        if on_leaf:
            show_leaf(self, "assigned")

    @property
    def grad(self) -> float:
        """The gradient of the root that `backward` was called on with respect to this Value; 0.0 before."""
        if on_read:
            asked(self, ".grad")
        try:
            return 0.0 if self._grad is None else self._grad
        except AttributeError:
            return 0.0

    @grad.setter
    def grad(self, grad: float | None) -> None:
        if on_read:
            asked(self, "assigning .grad")
        self._grad = None if grad is None else number(grad, "grad")

    @property
    def has_grad(self) -> bool:
        """Whether a gradient has been computed or assigned."""
        if on_read:
            asked(self, ".grad")
        return getattr(self, "_grad", None) is not None

    @property
    def label(self) -> str:
        """The name for pictures and messages."""
        return getattr(self, "_label", "")

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise TypeError(f"label is {label!r} of type {type(label).__name__}, expected a str")
        self._label = label

    @property
    def op(self) -> str:
        """The name of the operation that made it, a row of the table; "" for a leaf."""
        return "" if self._pull is None else self._pull.rule.op.name

    @property
    def args(self) -> tuple[Value | Any, ...]:
        """The operands in order: Values, and the plain numbers that were used.

        >>> (2 * Value(3.0)).args
        (2.0, Value(data=3.0))

        """
        return () if self._pull is None else self._pull.rule.args(self)

    @property
    def _prev(self) -> set[Value]:
        """The operands that are Values, as micrograd names them."""
        return {operand for operand in self.args if isinstance(operand, Value)}

    @property
    def _op(self) -> str:
        """The symbol of the operation, as micrograd names it: "+", "*", "**2", "ReLU"."""
        if self._pull is None:
            return ""
        symbol = self._pull.rule.op.symbol
        return f"**{self._k:g}" if symbol == "**" and self._pull.rule.active == "x" else symbol

    @property
    def _backward(self) -> Callable[[], None]:
        """What propagates the node's `grad` to its operands, as micrograd names it; on a leaf it does nothing.

        >>> a, b = Value(2.0), Value(3.0)
        >>> c = a * b
        >>> c.grad = 1.0
        >>> c._backward()
        >>> a.grad, b.grad
        (3.0, 2.0)

        """

        def propagate() -> None:
            operands = [*dict.fromkeys(operand for operand in self.args if isinstance(operand, Value))]
            for operand, part in zip(operands, backward(self, self.grad, ABSENT, operands), strict=True):
                operand.grad += part

        return propagate

    @_backward.setter
    def _backward(self, _: object) -> None:
        raise AttributeError(f"_backward cannot be assigned, since a derivative is a row of the table: {ONE_LINE}")

    # --- differentiation ---

    def backward(self, gradient: float = 1.0, **other: Never) -> None:
        """Compute the gradient of this Value with respect to everything it was computed from.

        Leaves add it to the `grad` they have, so that the gradients of several results sum up; set `grad` to 0 between
        steps. Nodes in between are set. If anything goes wrong, or Ctrl-C is pressed, no `grad` changes.

        Args:
            gradient: the gradient of this Value itself.
            other: none; what other engines take is an error that says what is meant.

        Raises:
            StaleValueError: if a leaf was assigned after this graph used it.

        """
        if other:
            raise TypeError(not_taken_by_backward(next(iter(other))))
        backward(self, number(gradient, "gradient"), ABSENT)

    def detach(self) -> Value:
        """Return a new leaf with the same number and label and no history."""
        for hook in current() if on_read else ():
            if (stopped := hook.detach(self)) is not None:
                return stopped
        return Value(self._data, self.label)

    def item(self) -> float:
        """Return the number, as NumPy and PyTorch name it."""
        return self.data

    # --- behaving as a number ---

    def __repr__(self) -> str:
        grad = getattr(self, "_grad", None)
        shown = "" if grad is None else f", grad={grad!r}"
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}{shown}{label})"

    def __format__(self, spec: str) -> str:
        """Format the number as a float if there is a format, else the whole Value."""
        return format(self.data, spec) if spec else str(self)

    def __bool__(self) -> bool:
        """Return whether the number is not zero, as for a float."""
        for hook in current() if on_read else ():
            if (condition := hook.compare("ne", self, 0.0)) is not None:
                return bool(condition)  # which may be decided by other numbers
        held = self._data != 0.0
        for hook in current() if on_compare else ():
            hook.compared("ne", self, 0.0, held=held)
        return held

    if not TYPE_CHECKING:  # __hash__ is inherited, and __float__ and the like are refusals
        __hash__ = object.__hash__

    def __pos__(self) -> Self:
        return self

    def __divmod__(self, other: Value | float) -> tuple[Value, Value]:
        return self // other, self % other

    def __rdivmod__(self, other: float) -> tuple[Value, Value]:
        return other // self, other % self

    def _dropped(self, *_: object) -> float:
        if on_read:
            asked(self, "float()")
        lost = f"turning {self!r} into a plain number would lose its derivative without a word"
        if user_instruction() == "STORE_SUBSCR":
            raise TypeError(
                f"{lost}: to keep Values in an array, make it with dtype=object, such as np.zeros(3, dtype=object); "
                "to store the number alone, use x.data, and autograd_mini.exp(x) in place of math.exp(x)"
            )
        raise TypeError(
            f"{lost}: use autograd_mini.exp(x) in place of math.exp(x), np.array([x], dtype=object) "
            "for an array of Values, or x.data for the number"
        )

    if not TYPE_CHECKING:
        __float__ = __int__ = __complex__ = __trunc__ = _dropped

    def __xor__(self, _: object) -> NoReturn:
        """Refuse what Python has for whole numbers alone."""
        raise TypeError("^ is Python's exclusive or of whole numbers: a power is written x ** 2")

    __rxor__ = __xor__

    def conjugate(self) -> Self:
        """Return the Value itself, as a real number does: np.var and np.vdot ask for it."""
        return self

    @staticmethod
    def _assign(leaves: Iterable[Value], numbers: Iterable[float]) -> None:
        """Assign floats to leaves, all or none even if Ctrl-C is pressed: new ticks alone change no result."""
        leaves = list(leaves)
        deque(map(setattr, leaves, repeat("_tick"), clock), maxlen=0)
        deque(map(setattr, leaves, repeat("_data"), numbers), maxlen=0)


class Leaf(Value, ValueNames):
    """A Value that is no result; it takes attributes of one's own, but no name that is one slip from a Value's."""

    __slots__ = ("__dict__",)

    if not TYPE_CHECKING:
        __init__ = object.__init__  # Value(…) fills it


Leaf.__name__ = Leaf.__qualname__ = "Value"  # which is what its user called


class Computed(Value, ResultNames):
    """A Value that an operation made. It has no constructor of its own, which makes it cheap."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(self) -> None:
            """Make a node without anything in its slots: the operation fills them."""

    else:
        __new__, __init__ = object.__new__, object.__init__


class Symbolic(Computed):
    """A Value whose number is not known: what a tracer puts in the place of every node."""

    __slots__ = ()
    symbolic = True

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this is not 0, else y: what `where` is of a condition that is not known."""
        raise NotImplementedError

    def taken_from(self, values: Any) -> Any:
        """Return the entry of values at this index: what `take` is of an index that is not known."""
        raise NotImplementedError

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, g) -> g times the partial."""
        raise NotImplementedError

    def adjoints_below(self, wanted: Any, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
        """Return the adjoints of the nodes below, where the path that is taken is not known either."""
        raise NotImplementedError


class Parameter(Leaf):
    """A leaf that training changes. It takes attributes of one's own, for example an optimiser's state.

    Args:
        data: the number it starts from.
        label: a name for pictures and messages.

    >>> Parameter(0.5, label="w")
    Value(data=0.5, label='w')

    """

    __slots__ = ()

    if not TYPE_CHECKING:  # checkers take the signature from `Value`
        __new__ = object.__new__
        __init__ = Value.__init__


def _made(cls: type[Value], data: Any = None, label: Any = "", *others: object, **named: object) -> Value:
    """Make a `Leaf`: this is `Value.__new__`, which fills it, since a second call takes half as long again."""
    if cls is not Value:
        return _new(cls)
    leaf: Value = _new(Leaf)
    leaf._data = data if type(data) is float else number(data, "data")
    leaf._grad = None
    leaf._adjoint = None
    leaf._pull = None
    leaf._tick = next(clock)
    if label != "" or others or named:
        if type(label) is str and not others and not named:
            leaf._label = label
        elif others or named or isinstance(label, (tuple, set)):
            raise TypeError(not_taken(label, others, named))
        else:
            leaf.label = label
    if on_leaf:
        show_leaf(leaf, "made")
    return leaf


_new = object.__new__
Value.__new__ = _made  # type: ignore[assignment,method-assign]  # now, when it no longer slows the classes above


ABSENT = Value(0.0)
"""Stands where an operation has no second operand, so that the backward pass need not ask."""
ABSENT._tick = -(2**4096)  # older than anything, unpickled nodes too
