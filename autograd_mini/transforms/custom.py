"""Functions whose derivative is not in the table: one that the user gives, or none.

A call is one node for each number that it returned. Between it and the operands lie nodes that are not shown: a node
has two places for operands, so a balanced tree of `joint` nodes collects them, and a `call` node above the tree knows
how to differentiate. Adjoints and tangents of these are not numbers but vectors, one number for each result or
operand; the passes only add them up, so they need not know.

    result  result      (shown; an adjoint is a number)
         call           (an adjoint has one number for each result)
         joint          (an adjoint has one number for each operand)
      joint   joint
      a   b   c   d     (the operands)
"""

from __future__ import annotations

from functools import partial, wraps

from autograd_mini.engine.checks import check_function, number
from autograd_mini.engine.hooks import asked, on_read
from autograd_mini.engine.operators import hidden, result
from autograd_mini.engine.ops import Op
from autograd_mini.engine.pytree import TreeDef, flatten
from autograd_mini.engine.rules import Rule
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, TypeVar, overload

    from autograd_mini.engine.checks import Function

    Numbers = Sequence[Value | float]
    Tree = TypeVar("Tree")  # a structure of numbers

    class Differentiable(Protocol):
        """A function of numbers and of Values, as `custom_gradient` returns."""

        @overload
        def __call__(self, *args: float) -> float: ...  # type: ignore[overload-overlap]  # a Value among them decides
        @overload
        def __call__(self, *args: Value | float) -> Value: ...
        @overload
        def __call__(self, *args: Any) -> Any: ...
        def __call__(self, *args: Any) -> Any:
            """Return a float, or a Value where there is one among the arguments."""


class Vector:
    """An adjoint or tangent of several numbers, by position; what is not there is zero."""

    __slots__ = ("parts",)

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: Vector | float) -> Vector:
        """Add position by position; the number -0.0 that passes begin with adds nothing."""
        if not isinstance(other, Vector):
            return self
        parts = dict(self.parts)
        for at, part in other.parts.items():
            parts[at] = parts[at] + part if at in parts else part
        return Vector(parts)

    __radd__ = __add__


class Linear:
    """A call, by name, of a function whose derivative is not in the table, on the Values that its result depends on."""

    __slots__ = ("name", "operands")

    def __init__(self, name: str, operands: list[Value]) -> None:
        self.name = name
        self.operands = operands

    def pull(self, cotangents: dict[int, Any], *, on_values: bool) -> list[Any]:
        """Return for each operand the sum over the results of cotangent times partial derivative."""
        raise NotImplementedError

    def push(self, tangents: dict[int, Any], *, on_values: bool) -> dict[int, Any]:
        """Return the tangents of the results for those of the operands."""
        raise NotImplementedError


class _CallPart(Rule):
    """A rule of one of the nodes that a call is made of."""

    __slots__ = ("_times_partials",)

    def __init__(self, op: Op, active: str) -> None:
        super().__init__(op, active)
        pullback: Any = partial(_propagate, self)
        pullback.rule = self
        self.pullback = pullback
        self._times_partials = tuple(
            [lambda node, g, at=at: self.contributions(node, g, on_values=True)[at] for at in range(len(active))]
        )

    def times_partials(self) -> tuple[Any, ...]:
        """Return for each operand the function (node, g) -> its contribution."""
        return self._times_partials

    def __reduce__(self) -> str:
        """Refuse to be pickled: the derivative is a function, which need not have a name."""
        raise TypeError(
            "a graph with a custom or recomputed derivative cannot be pickled, since that is a function, not a row of "
            "the table: pickle the numbers, or the parameters that they were computed from"
        )

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operands, hidden nodes among them."""
        return self.operands(node)

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        """Return what each operand receives of the node's adjoint."""
        raise NotImplementedError


def _propagate(rule: _CallPart, node: Value, g: Any) -> None:
    found = rule.contributions(node, g, on_values=False)
    node._x._adjoint += found[0]
    if len(found) > 1:
        node._y._adjoint += found[1]


class _Joint(_CallPart):
    """Two operands, or joints, or one; `_k` has the positions of the operands, None for a joint."""

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_CallPart`
        return [g if at is None else g.parts.get(at, 0.0) for at in node._k]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_CallPart`
        total = Vector({})
        for operand, at in zip(self.operands(node), node._k, strict=True):
            if operand in tangents:
                total += tangents[operand] if at is None else Vector({at: tangents[operand]})
        tangents[node] = total


class _CallRule(_CallPart):
    """The call; `_k` is a `Linear`."""

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        return [Vector(dict(enumerate(node._k.pull(g.parts, on_values=on_values))))]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        tangents[node] = Vector(node._k.push(tangents[node._x].parts, on_values=on_values))


class Result(_CallPart):
    """One of the numbers that a call returned; `_k` says which."""

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operands of the call."""
        return tuple(node._x._k.operands)

    def call(self, node: Value) -> Linear:
        """Return the call."""
        held: Linear = node._x._k
        return held

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_CallPart`
        """Return what the call receives."""
        return [Vector({node._k: g})]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_CallPart`
        """Take the tangent of this result out of those of the call."""
        parts = tangents[node._x].parts
        if node._k in parts:
            tangents[node] = parts[node._k]


_JOINT_OP = Op("joint", "x + y", ("1.0", "1.0"), doc="Collects the operands of a call.")
_PAIR, _SINGLE = _Joint(_JOINT_OP, "xy"), _Joint(_JOINT_OP, "x")
_CALL = _CallRule(Op("call", "x", ("1.0",), doc="Knows how to differentiate a call."), "x")


def record(rule: Result, call: Linear, results: dict[int, float]) -> dict[int, Value]:
    """Return a node for each of the numbers that a call returned, by position."""
    level: list[tuple[Value, int | None]] = [(operand, at) for at, operand in enumerate(call.operands)]
    if len(level) == 1:
        level = [(hidden(_SINGLE, 0.0, level[0][0], k=(0,)), None)]
    while len(level) > 1:
        pairs = [
            (hidden(_PAIR, 0.0, a[0], b[0], (a[1], b[1])), None) for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    top = hidden(_CALL, 0.0, level[0][0], k=call)
    return {at: result(rule, data, top, k=at) for at, data in results.items()}


class _Given(Linear):
    """A call whose derivative is a function of the user's."""

    __slots__ = ("args", "df", "kwargs", "partials", "treedefs")

    def __init__(self, name: str, df: Callable[..., Any], args: list[Numbers], treedefs: list[TreeDef]) -> None:
        super().__init__(name, [given for numbers in args for given in numbers if isinstance(given, Value)])
        self.df, self.args, self.treedefs = df, args, treedefs
        self.partials: dict[bool, list[Any]] = {}

    def found(self, *, on_values: bool) -> list[Any]:
        """Return the partial derivatives by the operands; df is called once for floats and once for Values."""
        if on_values not in self.partials:
            self.partials[on_values] = self.on_values() if on_values else self.evaluated(values=False)
        return self.partials[on_values]

    def evaluated(self, *, values: bool) -> list[Any]:
        """Call df, on Values or on floats, and return the partial derivatives by the operands."""
        args = [
            treedef.unflatten(list(numbers) if values else [getattr(given, "data", given) for given in numbers])
            for numbers, treedef in zip(self.args, self.treedefs, strict=True)
        ]
        given = self.df(*args)
        what = f"the derivative of {self.name}"
        if len(args) == 1 and not (isinstance(given, tuple) and self.treedefs[0].paths == [""]):
            given = (given,)
        if not isinstance(given, (tuple, list)) or len(given) != len(args):
            raise TypeError(
                f"{what} is {given!r}, expected a tuple with one partial derivative for each of the {len(args)} "
                "arguments"
            )
        partials: list[Any] = []
        for at, (part, numbers, treedef) in enumerate(zip(given, self.args, self.treedefs, strict=True)):
            found, shape = flatten(part, f"{what}, argument {at}")
            if not shape.same_blocks(treedef):
                raise ValueError(
                    f"{what}, argument {at}, has the structure {shape}, expected that of the argument: {treedef}"
                )
            partials += [entry for entry, operand in zip(found, numbers, strict=True) if isinstance(operand, Value)]
        return partials if values else [getattr(partial, "data", partial) for partial in partials]

    def on_values(self) -> list[Any]:
        """Return the partials as Values if df computes with Values, else as nodes that cannot be differentiated."""
        try:
            return self.evaluated(values=True)
        except (TypeError, AttributeError):
            partials = self.evaluated(values=False)
            made = record(_OPAQUE, _Opaque(self.name, self.operands), dict(enumerate(partials)))
            return list(made.values())

    def pull(self, cotangents: dict[int, Any], *, on_values: bool) -> list[Any]:
        """Return cotangent times partial derivative for each operand."""
        return [cotangents[0] * partial for partial in self.found(on_values=on_values)]

    def push(self, tangents: dict[int, Any], *, on_values: bool) -> dict[int, Any]:
        """Return the tangent of the result."""
        partials = self.found(on_values=on_values)
        return {0: sum([tangent * partials[at] for at, tangent in tangents.items()], -0.0)}


class _Opaque(Linear):
    """The partial derivatives by a df that does not compute with Values: numbers, with no derivative known."""

    __slots__ = ()

    def pull(self, cotangents: dict[int, Any], *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `Linear`
        """Refuse."""
        raise TypeError(
            f"a second derivative needs the derivative of df, the derivative that custom_gradient was given for "
            f"{self.name}, but df does not take Values: compute in it with autograd_mini's functions, or give df a "
            "custom_gradient of its own"
        )

    push = pull  # type: ignore[assignment]


_OPAQUE = Result(Op("partial", "x", ("1.0",), doc="A partial derivative that was given as a number."), "x")


def custom_gradient(f: Function, df: Function) -> Differentiable:
    """Return f as a function of Values whose derivative is df, for an iterative solver or any other foreign code.

    Args:
        f: a function of numbers, arrays and structures of them that returns one number. It is called with floats.
        df: a function of the same arguments. It returns the partial derivatives: the one, in the structure of the
            argument, for one argument, and a tuple of them for several. It is called with floats in a backward pass,
            once. For second derivatives it is called with Values; if it cannot compute with them, only these are
            refused.

    Returns:
        a function of the same arguments, numbers or Values. With Values among them it returns a Value.

    Raises:
        TypeError: when called, if f returns no number; in a backward pass, if df returns none, and then, as with any
            error in df, no gradient changes.
        ValueError: in a backward pass, if df's result has another structure than the arguments.

    >>> def root(a):  # of x**3 + x = a, by Newton's method
    ...     x = 0.0
    ...     for _ in range(50):
    ...         x -= (x**3 + x - a) / (3 * x**2 + 1)
    ...     return x
    >>> solve = custom_gradient(root, lambda a: 1 / (3 * solve(a) ** 2 + 1))
    >>> a = Value(10.0)
    >>> solve(a).backward()
    >>> a.grad  # the root is 2
    0.07692307692307693

    """
    name = getattr(f, "__name__", type(f).__name__)
    rule = Result(Op(name, "x", ("1.0",), doc="A function with a derivative of its own."), "x")
    check_function("f", f)

    @wraps(f)
    def differentiable(*args: Any) -> Any:
        apart = [flatten(given, f"argument {at} of {name}") for at, given in enumerate(args)]
        for given in [given for numbers, _ in apart for given in numbers if on_read and isinstance(given, Value)]:
            asked(given, "custom_gradient")
        call = _Given(name, df, [numbers for numbers, _ in apart], [treedef for _, treedef in apart])
        plain = [
            treedef.unflatten([getattr(given, "data", given) for given in numbers])
            if any(isinstance(given, Value) for given in numbers)
            else arg
            for (numbers, treedef), arg in zip(apart, args, strict=True)
        ]
        value = number(f(*plain), f"the result of {name}")
        return record(rule, call, {0: value})[0] if call.operands else value

    return differentiable


def stop_gradient(x: Tree) -> Tree:
    """Return the same numbers in the same structure, as constants: derivatives do not flow through them.

    Args:
        x: a number, a Value, an array, or a structure of these.

    Raises:
        TypeError: if something in x is no number.

    >>> x = Value(3.0)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    3.0

    """
    numbers, treedef = flatten(x, "x")
    constants: Tree = treedef.unflatten([entry.detach() if isinstance(entry, Value) else entry for entry in numbers])
    return constants
