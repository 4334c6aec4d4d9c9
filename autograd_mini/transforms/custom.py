"""Functions with a derivative that the user gives, or with none."""

from __future__ import annotations

from functools import wraps

from autograd_mini.engine.arguments import check_function
from autograd_mini.engine.checks import number
from autograd_mini.engine.ops import Op
from autograd_mini.engine.value import Value, traces
from autograd_mini.transforms.calls import Linear, Result, record
from autograd_mini.transforms.structure import Structure, flatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Numbers = Sequence[Value | float]


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
                f"{what} returns a tuple with one partial derivative for each of the {len(args)} arguments; got "
                f"{given!r}"
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


_OPAQUE = Result(Op("partial", "x", ("1.0",), doc="A partial derivative that was given as a number."), "x")


def custom_gradient(f: Callable[..., Any], df: Callable[..., Any]) -> Callable[..., Any]:
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
        for given in [given for numbers, _ in apart for given in numbers if traces and isinstance(given, Value)]:
            traces[0].read(given, "custom_gradient")
        call = _Given(name, df, [numbers for numbers, _ in apart], [structure for _, structure in apart])
        plain = [
            structure.build([getattr(given, "data", given) for given in numbers])
            if any(isinstance(given, Value) for given in numbers)
            else arg
            for (numbers, structure), arg in zip(apart, args, strict=True)
        ]
        value = number(f(*plain), f"the result of {name}")
        return record(rule, call, {0: value})[0] if call.operands else value

    return differentiable


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
