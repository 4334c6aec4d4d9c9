"""Functions with a derivative of their own: a given one, a recomputed one, or none.

The graph gets one node for each number such a function returns. Between it and the operands lie nodes that are not
shown: a node has two places for operands, so a balanced tree of `joint` nodes collects them, and a `call` node above
the tree knows how to differentiate. Adjoints and tangents of these are not numbers but vectors, one number for each
result or operand; the passes only add them up, so they need not know.

    result, result, …   (shown; its adjoint is a number)
         call           (its adjoint: one number for each result)
         joint          (its adjoint: one number for each operand)
      joint   joint
      a   b   c   d     (the operands)
"""

from __future__ import annotations

from functools import wraps

from autograd_mini.forward import depending, push
from autograd_mini.graph import _below, _differentiable, adjoints_of
from autograd_mini.numbers import number
from autograd_mini.operators import watch
from autograd_mini.ops import Op
from autograd_mini.recording import is_recording
from autograd_mini.reverse import adjoints
from autograd_mini.structure import Structure, flatten, holds_values
from autograd_mini.tracing import Recorded, called
from autograd_mini.value import ABSENT, Computed, Value, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Numbers = Sequence[Value | float]


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
    """A call of a function whose derivative is not in the table; what a `call` node holds.

    Args:
        name: what the function is called.
        operands: the Values that its result depends on.

    """

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


class _Rule:
    """What the passes need to know of a kind of node; see `rules.Rule`."""

    def __init__(self, op: Op, variant: str) -> None:
        self.op, self.variant = op, variant
        self.pullback = lambda node, g: _hand_on(self, node, g)
        self.pullback.rule = self  # type: ignore[attr-defined]
        self.partials = tuple([lambda node, g, at=at: self.shares(node, g, on_values=True)[at] for at in range(len(variant))])

    def __deepcopy__(self, _: object) -> _Rule:
        return self

    def args(self, node: Value) -> tuple[Value, ...]:
        return _differentiable(node)

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        raise NotImplementedError

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        raise NotImplementedError


def _hand_on(rule: _Rule, node: Value, g: Any) -> None:
    shares = rule.shares(node, g, on_values=False)
    node._x._adjoint += shares[0]
    if len(shares) > 1:
        node._y._adjoint += shares[1]


class _Joint(_Rule):
    """Two operands, or joints, or one; `_k` has the positions of the operands, None for a joint."""

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_Rule`
        return [g if at is None else g.parts.get(at, 0.0) for at in node._k]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_Rule`
        total = Vector({})
        for operand, at in zip(_differentiable(node), node._k, strict=True):
            if operand in tangents:
                total += tangents[operand] if at is None else Vector({at: tangents[operand]})
        tangents[node] = total


class _CallRule(_Rule):
    """The call; `_k` is a `Linear`."""

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        return [Vector(dict(enumerate(node._k.pull(g.parts, on_values=on_values))))]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        tangents[node] = Vector(node._k.push(tangents[node._x].parts, on_values=on_values))


class _ResultRule(_Rule):
    """One of the numbers that a call returned; `_k` says which."""

    def args(self, node: Value) -> tuple[Value, ...]:
        return tuple(node._x._k.operands)

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_Rule`
        return [Vector({node._k: g})]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_Rule`
        parts = tangents[node._x].parts
        if node._k in parts:
            tangents[node] = parts[node._k]


_JOINT_OP = Op("joint", "x + y", ("1.0", "1.0"), doc="Collects the operands of a call.")
_PAIR, _SINGLE = _Joint(_JOINT_OP, "xy"), _Joint(_JOINT_OP, "x")
_CALL = _CallRule(Op("call", "x", ("1.0",), doc="Knows how to differentiate a call."), "x")


def _node(rule: _Rule, data: float, x: Value, y: Value, k: object) -> Value:
    node = Computed()
    node._data, node._pull = data, rule.pullback
    node._x, node._y, node._k = x, y, k
    node._tick, node._adjoint = next(clock), None
    return node


def record(rule: _Rule, call: Linear, results: dict[int, float]) -> dict[int, Value]:
    """Return a node for each of the numbers that a call returned, by position."""
    level: list[tuple[Value, int | None]] = [(operand, at) for at, operand in enumerate(call.operands)]
    if len(level) == 1:
        level = [(_node(_SINGLE, 0.0, level[0][0], ABSENT, (0,)), None)]
    while len(level) > 1:
        pairs = [
            (_node(_PAIR, 0.0, a[0], b[0], (a[1], b[1])), None) for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    top = _node(_CALL, 0.0, level[0][0], ABSENT, call)
    return {at: watch(_node(rule, result, top, ABSENT, at)) for at, result in results.items()}


# --- a given derivative ------------------------------------------------------------------------------------------------


class _Given(Linear):
    """A call whose derivative is a function of the user's."""

    __slots__ = ("args", "df", "kwargs", "partials", "structures")

    def __init__(self, name: str, df: Callable[..., Any], args: list[Numbers], structures: list[Structure]) -> None:
        super().__init__(name, [given for numbers in args for given in numbers if isinstance(given, Value)])
        self.df, self.args, self.structures = df, args, structures
        self.partials: dict[bool, list[Any]] = {}

    def found(self, *, on_values: bool) -> list[Any]:
        """Return the partial derivatives by the operands; df is called once for floats and once for Values."""
        if on_values not in self.partials:
            self.partials[on_values] = self.on_values() if on_values else self.evaluated(values=False)
        return self.partials[on_values]

    def evaluated(self, *, values: bool) -> list[Any]:
        """Call df, on Values or on floats, and return the partial derivatives by the operands."""
        args = [
            structure.build(list(numbers) if values else [getattr(given, "data", given) for given in numbers])
            for numbers, structure in zip(self.args, self.structures, strict=True)
        ]
        given = self.df(*args)
        what = f"the derivative of {self.name}"
        if len(args) == 1 and not (isinstance(given, tuple) and self.structures[0].paths == [""]):
            given = (given,)
        if not isinstance(given, (tuple, list)) or len(given) != len(args):
            raise TypeError(
                f"{what} returns a tuple with one partial derivative for each of the {len(args)} arguments; got {given!r}"
            )
        partials: list[Any] = []
        for at, (part, numbers, structure) in enumerate(zip(given, self.args, self.structures, strict=True)):
            found, shape = flatten(part, f"{what}, argument {at}")
            if (shape.paths, shape.blocks) != (structure.paths, structure.blocks):
                raise ValueError(f"{what}, argument {at}, has the structure of the argument, {structure}; got {shape}")
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


_OPAQUE = _ResultRule(Op("partial", "x", ("1.0",), doc="A partial derivative that was given as a number."), "x")


def custom_gradient(f: Callable[..., Any], df: Callable[..., Any]) -> Callable[..., Any]:
    """Return f as a function of Values whose derivative is df, for an iterative solver or any other foreign code.

    Args:
        f: a function of numbers, arrays and structures of them that returns one number. It is called with floats.
        df: a function of the same arguments. It returns the partial derivatives: the one, in the structure of the
            argument, for one argument, and a tuple of them for several. It is called with floats in a backward pass, once.
            For second derivatives it is called with Values; if it cannot compute with them, only these are refused.

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
    rule = _ResultRule(Op(name, "x", ("1.0",), doc="A function with a derivative of its own."), "x")

    @wraps(f)
    def differentiable(*args: Any) -> Any:
        apart = [flatten(given, f"argument {at} of {name}") for at, given in enumerate(args)]
        call = _Given(name, df, [numbers for numbers, _ in apart], [structure for _, structure in apart])
        plain = [
            structure.build([getattr(given, "data", given) for given in numbers]) if any(isinstance(given, Value) for given in numbers) else arg
            for (numbers, structure), arg in zip(apart, args, strict=True)
        ]
        value = number(f(*plain), f"the result of {name}")
        return record(rule, call, {0: value})[0] if call.operands else value

    return differentiable


# --- recomputation -----------------------------------------------------------------------------------------------------


class _Recomputed(Linear):
    """A call that is run again when its derivative is asked for.

    The operands are the Values among the arguments, and then what the function closes over.
    """

    __slots__ = ("again", "given")

    def __init__(
        self, name: str, again: Callable[[list[Value]], dict[int, Value]], given: list[Value], closed: list[Value]
    ) -> None:
        super().__init__(name, given + closed)
        self.again, self.given = again, len(given)

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
            found = adjoints_of(wanted, total, 1.0, lambda node: () if node in held else _differentiable(node))
            return [found.get(operand, 0.0) for operand in wanted]

    def push(self, tangents: dict[int, Any], *, on_values: bool) -> dict[int, Any]:
        """Run the function again and return what a forward pass through it gives."""
        with Recorded():
            results, wanted = self.run(on_values=on_values)
            seeds = {wanted[at]: tangent for at, tangent in tangents.items()}
            found = push(depending(results.values(), wanted), seeds, on_values=on_values)
            return {at: found[result] for at, result in results.items() if result in found}


_RECOMPUTED = _ResultRule(Op("checkpoint", "x", ("1.0",), doc="A result that is computed again for its derivative."), "x")


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f as a function that keeps no graph: for its derivative it is computed again (Griewank 1992).

    That saves memory for time, where a chain of such functions is differentiated: at any time the graph of one of them
    exists. Values that f closes over, as the parameters of a layer, receive their gradients too.

    Args:
        f: a function that returns a number or a structure of numbers, and the same each time it is called.

    Returns:
        a function of the same arguments that returns the same.

    Raises:
        TypeError: when called, if f returns something that is no number.
        StaleValueError: in a backward pass, if something that f closes over was assigned since.

    >>> x = Value(2.0)
    >>> y = checkpoint(lambda x: (x**2).exp())(x)
    >>> y.args
    (Value(data=2.0),)
    >>> y.backward()
    >>> x.grad == 4.0 * y.data
    True

    """

    @wraps(f)
    def recomputing(*args: Any, **kwargs: Any) -> Any:
        if not is_recording():
            return f(*args, **kwargs)
        apart = {at: flatten(arg, f"argument {at}") for at, arg in enumerate(args) if holds_values(arg)}
        given = [entry for numbers, _ in apart.values() for entry in numbers if isinstance(entry, Value)]

        def again(variables: Sequence[Value]) -> Any:
            fresh = iter(variables)
            taken = list(args)
            for at, (numbers, structure) in apart.items():
                taken[at] = structure.build([next(fresh) if isinstance(entry, Value) else entry for entry in numbers])
            return called(f, taken, kwargs, variables)

        def results(variables: Sequence[Value]) -> dict[int, Value]:
            numbers = flatten(again(variables), "the result of a checkpointed function")[0]
            return {at: entry for at, entry in enumerate(numbers) if isinstance(entry, Value)}

        start = next(clock)
        variables = [Value(entry._data) for entry in given]
        outputs, structure = flatten(again(variables), "the result of a checkpointed function")
        closed = _closed_over([output for output in outputs if isinstance(output, Value)], start)
        call = _Recomputed(getattr(f, "__name__", "checkpoint"), results, given, closed)
        numbers = {at: output._data for at, output in enumerate(outputs) if isinstance(output, Value)}
        if not call.operands:
            return structure.build([Value(entry._data) if isinstance(entry, Value) else entry for entry in outputs])
        nodes = record(_RECOMPUTED, call, numbers)
        return structure.build([nodes.get(at, entry) for at, entry in enumerate(outputs)])

    return recomputing


def _closed_over(outputs: list[Value], start: int) -> list[Value]:
    """Return the Values made before the tick `start` that the outputs depend on, nothing of what lies below them."""
    below = _below(outputs, lambda node: _differentiable(node) if node._tick > start else ())
    return [node for node in below if node._tick <= start]


def stop_gradient(x: Any) -> Any:
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
    numbers, structure = flatten(x, "x")
    return structure.build([entry.detach() if isinstance(entry, Value) else entry for entry in numbers])


__all__ = ["checkpoint", "custom_gradient", "stop_gradient"]
