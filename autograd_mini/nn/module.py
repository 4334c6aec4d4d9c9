"""A module: a function of a sample with parameters, which are found among its attributes."""

from __future__ import annotations

from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Computed, Leaf, Parameter, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from autograd_mini.compiler import Compiled

    Inputs = Iterable[Value | float] | Value | float

_READY = frozenset({float, Value, Leaf, Computed, Parameter})
_ONE_BY_ONE = "pass one sample at a time, as in [model(row) for row in X]"


class Module:
    """A function with parameters: the base of neurons, layers, networks and models of one's own.

    A subclass sets attributes and defines `__call__` (or `forward`, which `__call__` then calls). Its parameters are
    every `Parameter` among its attributes, in the order in which they were set, also those inside of other modules and
    of lists, tuples and dicts, however nested. One that is used in several places is found once, at the first.

    A plain Value is a constant, not a parameter. A subclass that overrides `parameters()`, as micrograd's models do,
    has the parameters that it says.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.intercept = Parameter(2.0), Parameter(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.intercept
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> line.named_parameters()
    {'slope': Value(data=2.0), 'intercept': Value(data=1.0)}

    """

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        """Return `self.forward(*inputs, **settings)`; a NotImplementedError if the class has no `forward`."""
        forward = getattr(self, "forward", None)
        if forward is None:
            raise NotImplementedError(
                f"{type(self).__name__} does not say what it computes: define __call__(self, x) or forward(self, x)"
            )
        return forward(*inputs, **settings)

    def parameters(self) -> list[Value]:
        """Return the parameters, in the order in which the attributes were set, each once.

        Raises:
            TypeError: if parameters stand in a set, which has no order of its own.

        """
        found: dict[str, Value] = {}
        _find_in_attributes(self, "", found, {id(self)})
        return list(found.values())

    def named_parameters(self) -> dict[str, Value]:
        """Return the parameters by the expression that leads to each, such as "layers[0].neurons[1].w[2]".

        In a class that overrides `parameters()` they are "parameters()[0]" and so on.
        """
        found: dict[str, Value] = {}
        _find(self, "", found, set())
        return found

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0, for the next backward pass to add to."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def jit(self, *, backend: str = "auto", device: str | None = None, threads: int = 1) -> Compiled:
        """Return the module as a compiled function of a whole table.

        It takes an array of shape (samples, inputs), or rows of numbers, and returns an array with a prediction for
        each: of shape (samples,) for one output, (samples, outputs) for several. Parameters are read anew at every
        call, so it predicts what the model has learnt so far; a module that is changed otherwise, such as by another
        layer, Parameter or activation, is traced anew: see `autograd_mini.jit`.

        Args:
            backend: "python", "numpy", "llvm", "cuda"; "auto" takes LLVM where llvmlite is installed.
            device: see `autograd_mini.jit`.
            threads: how many threads share the rows.

        Raises:
            TracingError: when called, if the module asks for the number of a Value; see `autograd_mini.jit`.
            ValueError: when called with a single row.

        >>> from autograd_mini import MLP
        >>> predict = MLP(2, [3, 1], seed=0).jit(backend="numpy")
        >>> predict([[1.0, -2.0], [0.5, 0.0]]).shape
        (2,)

        """
        return predictor(self, backend=backend, device=device, threads=threads)


def predictor(
    model: Callable[[Any], Any], *, backend: str = "auto", device: str | None = None, threads: int = 1
) -> Compiled:
    """Return a model as a function of arrays: what `Module.jit` returns, which says more."""
    from autograd_mini.compiler import jit

    def predict(row: Any) -> Any:
        """Return the prediction for one row: an array for several outputs."""
        import numpy as np

        if not isinstance(row, np.ndarray):  # the table had one axis, so that its rows are numbers
            raise ValueError(  # noqa: TRY004 - the shape is wrong
                "argument 0 has one axis, expected a table of shape (samples, inputs), with a row for each sample: "
                "write [row] for a single row, and X.reshape(-1, 1) for samples of one number"
            )
        outputs = model([*row])
        return np.array(outputs, dtype=object) if isinstance(outputs, (list, tuple)) else outputs

    return jit(predict, batched=True, backend=backend, device=device, threads=threads)


def _find(place: object, name: str, found: dict[str, Value], seen: set[int]) -> None:
    """Enter the parameters at a place into `found`; `seen` has the ids of what needs no second visit."""
    if isinstance(place, Parameter):
        if id(place) not in seen:
            seen.add(id(place))
            found[name] = place
    elif not isinstance(place, (Module, list, tuple, dict, set, frozenset)) or id(place) in seen:
        return
    elif isinstance(place, Module):
        seen.add(id(place))
        if type(place).parameters is Module.parameters:
            _find_in_attributes(place, name, found, seen)
            return
        for index, parameter in enumerate(place.parameters()):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                found[f"{name}.parameters()[{index}]".removeprefix(".")] = parameter
    elif isinstance(place, (set, frozenset)):
        if any(isinstance(member, (Module, Parameter)) for member in place):
            raise TypeError(f"{name} is a set of parameters or modules, which has no order of its own: make it a list")
    else:
        seen.add(id(place))
        for key, member in place.items() if isinstance(place, dict) else enumerate(place):
            _find(member, f"{name}[{key!r}]", found, seen)


def _find_in_attributes(module: Module, name: str, found: dict[str, Value], seen: set[int]) -> None:
    for attribute, member in vars(module).items():
        _find(member, f"{name}.{attribute}" if name else attribute, found, seen)


class CheckedSample(list["Value | float"]):
    """A list that has been checked, so that all the neurons of a layer take it as it is."""

    __slots__ = ()


def sample(x: Any, name: str = "x") -> CheckedSample:
    """Return one sample, a single number too, as a checked list: Values stay, plain numbers become floats, not Values.

    >>> sample((1, 2.5))
    [1.0, 2.5]

    """
    if type(x) is CheckedSample:
        return x
    if isinstance(x, (str, bytes, bytearray, dict, set, frozenset)):
        raise TypeError(f"{name} is {x!r} of type {type(x).__name__}, expected a list of numbers")
    if getattr(x, "ndim", 1) > 1:
        raise ValueError(f"{name} is an array of shape {getattr(x, 'shape', '?')}, expected one sample: {_ONE_BY_ONE}")
    try:
        entries = iter(x)
    except TypeError:
        entries = iter((x,))
    return CheckedSample(
        entry if type(entry) in _READY else _checked(entry, f"{name}[{index}]") for index, entry in enumerate(entries)
    )


def _checked(entry: object, name: str) -> Value | float:
    if isinstance(entry, Value):
        return entry
    if isinstance(entry, (list, tuple)):
        raise TypeError(f"{name} is a {type(entry).__name__}, expected a number: {_ONE_BY_ONE}")
    return number(entry, name)  # type: ignore[arg-type]  # `number` checks it
