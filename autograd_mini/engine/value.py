"""A Value: a number that remembers the operation and the operands that made it.

    >>> a, b = Value(2.0), Value(3.0)
    >>> c = a * b + a
    >>> c.backward()
    >>> a.grad, b.grad
    (4.0, 2.0)

`Value` is what a user makes, a leaf of the graph. An operation returns a `Computed`, a Value with operands. A
`Parameter` is a leaf that training changes. The arithmetic is attached to the class in `operators.py`.
"""

from __future__ import annotations

from collections import deque
from itertools import count, repeat

from autograd_mini.engine.backward import backward
from autograd_mini.engine.checks import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Self

    from autograd_mini.engine.methods import Methods
    from autograd_mini.engine.rules import Pullback
else:
    Methods = object

clock = count(1)
"""The ticks by which nodes are dated: one clock for order and for staleness."""

watchers: list[Callable[[Value], Value]] = []
"""What is called with every new node, and may replace it: `no_grad` stands here while it is on."""

leaf_watchers: list[Callable[[Value, str], None]] = []
"""What is called with every leaf that is "made" or "assigned": `origin` stands here while it is on."""

traces: list[Any] = []
"""Who is asked before a number is read or compared as a plain float: a trace stands here while it runs, and refuses."""


class Value(Methods):
    """A number that remembers how it was made.

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

    symbolic = False  # whether it stands for a number that is not known yet, while a function is traced
    chosen: Callable[..., Value]  # these three are what such a Value can do besides: see `compiler/symbols.py`
    adjoints_below: Callable[..., dict[Value, Any]]
    partials: Callable[..., tuple[Callable[..., Any], ...]]

    _adjoint: float | None
    _data: float
    _grad: float | None
    _k: Any
    _label: str
    _origin: Any  # where it was made: see `places.py`
    _pull: Pullback | None
    _tick: int
    _x: Value
    _y: Value

    def __init__(self, data: float, label: str = "") -> None:
        self._data = number(data, "data")
        self._grad = None
        self._adjoint = None
        self._pull = None
        self._tick = next(clock)
        if label != "":
            self.label = label
        if leaf_watchers:
            leaf_watchers[0](self, "made")
        if traces:
            traces[0].made(self)

    # --- what it holds ---

    @property
    def data(self) -> float:
        """The number."""
        if traces:
            traces[0].read(self, ".data")
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        if self._pull is not None:
            raise AttributeError(
                f"data of {self!r} cannot be assigned: it was computed by {self.op}(…). Assign the leaves it was "
                "computed from and compute it again, or use detach() for a Value of its own"
            )
        if traces:
            traces[0].read(self, "assigning .data")
        data = number(data, "data")
        self._tick = next(clock)
        self._data = data
        if leaf_watchers:
            leaf_watchers[0](self, "assigned")

    @property
    def grad(self) -> float:
        """The gradient of the root that `backward` was called on with respect to this Value; 0.0 before."""
        if traces:
            traces[0].read(self, ".grad")
        try:
            return 0.0 if self._grad is None else self._grad
        except AttributeError:
            return 0.0

    @grad.setter
    def grad(self, grad: float | None) -> None:
        if traces:
            traces[0].read(self, "assigning .grad")
        self._grad = None if grad is None else number(grad, "grad")

    @property
    def has_grad(self) -> bool:
        """Whether a gradient has been computed or assigned."""
        if traces:
            traces[0].read(self, ".grad")
        return getattr(self, "_grad", None) is not None

    @property
    def label(self) -> str:
        """The name for pictures and messages."""
        return getattr(self, "_label", "")

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise TypeError(f"label is a str; got {label!r} of type {type(label).__name__}")
        self._label = label

    @property
    def op(self) -> str:
        """The name of the operation that made it, a row of the table; "" for a leaf."""
        return "" if self._pull is None else self._pull.rule.op.name

    @property
    def args(self) -> tuple[Value | float, ...]:
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
        return f"**{self._k:g}" if symbol == "**" and self._pull.rule.variant == "x" else symbol

    # --- differentiation ---

    def backward(self, gradient: float = 1.0) -> None:
        """Compute the gradient of this Value with respect to everything it was computed from.

        Leaves add it to the `grad` they have, so that the gradients of several results sum up; set `grad` to 0 between
        steps. Nodes in between are set. If anything goes wrong, or Ctrl-C is pressed, no `grad` changes.

        Args:
            gradient: the gradient of this Value itself.

        Raises:
            StaleValueError: if a leaf was assigned after this graph used it.

        """
        backward(self, number(gradient, "gradient"), ABSENT)

    def detach(self) -> Value:
        """Return a new leaf with the same number and label and no history."""
        return traces[0].detached(self) if traces else Value(self._data, self.label)

    def item(self) -> float:
        """Return the number, as NumPy and PyTorch name it."""
        return self.data

    # --- behaving as a number ---

    def __repr__(self) -> str:
        """Show the number, the gradient if there is one, and the label if there is one."""
        grad = getattr(self, "_grad", None)
        shown = "" if grad is None else f", grad={grad!r}"
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}{shown}{label})"

    def __format__(self, spec: str) -> str:
        """Format the number as a float if there is a format, else the whole Value."""
        return format(self.data, spec) if spec else str(self)

    def __bool__(self) -> bool:
        """Return whether the number is not zero, as for a float."""
        if traces:
            traces[0].read(self, "bool()")
        return self._data != 0.0

    __hash__ = object.__hash__

    def __pos__(self) -> Self:
        """Return the Value itself."""
        return self

    def __divmod__(self, other: Value | float) -> tuple[Value, Value]:
        """Return the quotient rounded down, and the remainder."""
        return self // other, self % other

    def __rdivmod__(self, other: float) -> tuple[Value, Value]:
        """Return the quotient rounded down, and the remainder, of a plain number by this."""
        return other // self, other % self

    def _dropped(self, *_: object) -> float:
        if traces:
            traces[0].read(self, "float()")
        raise TypeError(
            f"turning {self!r} into a plain number would lose its derivative without a word: use x.data for the "
            "number, or autograd_mini.exp(x) and its fellows in place of math.exp(x)"
        )

    __float__ = __int__ = __complex__ = __trunc__ = _dropped

    def conjugate(self) -> Self:
        """Return the Value itself, as a real number does: np.var and np.vdot ask for it."""
        return self

    @staticmethod
    def _assign(leaves: Iterable[Value], numbers: Iterable[float]) -> None:
        """Assign floats to the data of leaves, all or none even if Ctrl-C is pressed: for optimisers.

        Each of the two calls runs inside the interpreter without a break, and new ticks alone change no result.
        """
        leaves = list(leaves)
        deque(map(setattr, leaves, repeat("_tick"), clock), maxlen=0)
        deque(map(setattr, leaves, repeat("_data"), numbers), maxlen=0)


class Computed(Value):
    """A Value that an operation made. It has no constructor of its own, which makes it cheap."""

    __slots__ = ()

    __init__ = object.__init__  # the operation fills the slots


class Parameter(Value):
    """A leaf that training changes. It takes attributes of one's own, for example an optimiser's state."""

    __slots__ = ("__dict__",)


ABSENT = Value(0.0)
"""Stands where an operation has no second operand, so that the backward pass need not ask."""
ABSENT._tick = -(2**4096)  # older than anything, unpickled nodes too
