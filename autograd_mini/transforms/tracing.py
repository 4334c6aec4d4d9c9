"""A run: one call of a function on variables of its own, from which its derivatives are read.

A variable is a fresh leaf for a plain number. For a Value it is a new node above that Value, so the derivative by this
argument alone is known, and what comes out still depends on the Value: transforms nest without confusing whose
derivative is whose.
"""

from __future__ import annotations

import sys

from autograd_mini.engine.backward import subgraph
from autograd_mini.engine.checks import check_function, number
from autograd_mini.engine.graph import active_operands, adjoints, depending, gradient, push
from autograd_mini.engine.hooks import Recorded
from autograd_mini.engine.pytree import flatten, holds_values, together, unflatten
from autograd_mini.engine.value import Value
from autograd_mini.errors import DiagnosisWarning, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from autograd_mini.engine.pytree import TreeDef

_live: set[Value] = set()
"""The variables of all runs under way. A result that depends on one of them stays a Value."""


def called(f: Callable[..., Any], args: Iterable[Any], kwargs: dict[str, Any], variables: Iterable[Value]) -> Any:
    """Call f while these variables of its arguments are live."""
    _live.update(variables)
    try:
        return f(*args, **kwargs)
    finally:
        _live.difference_update(variables)


class Run(Recorded):
    """One call of f, as a block inside which derivatives are computed by those of its arguments that `argnums` names.

    Attributes:
        variables: the Values that stand for the numbers of the chosen arguments.
        treedef: the structure of the chosen argument, or of the tuple of them.
        output: what f returned.
        aux: the second thing it returned, if it has one.
        on_values: whether results are Values, because an argument was one or the output depends on a live variable.

    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: int | tuple[int, ...],
        *,
        has_aux: bool = False,
    ) -> None:
        check_function("f", f)
        self.f = f
        positions = _positions(argnums, len(args))
        apart = [flatten(args[position], f"argument {position}") for position in positions]
        parts = [part for _, part in apart]
        numbers = [given for found, _ in apart for given in found]
        self.treedef: TreeDef = together(parts) if isinstance(argnums, tuple) else parts[0]
        others = [arg for position, arg in enumerate(args) if position not in positions]
        self.on_values = any(isinstance(given, Value) for given in numbers) or holds_values([others, kwargs])
        self.aux: Any = None
        with self:
            self.variables = [given + -0.0 if isinstance(given, Value) else Value(given) for given in numbers]
            taken, fresh = list(args), iter(self.variables)
            for position, part in zip(positions, parts, strict=True):
                taken[position] = unflatten(part.spec, fresh)
            self.output = called(f, taken, kwargs, self.variables)
        if has_aux:
            if not isinstance(self.output, tuple) or len(self.output) != 2:
                raise TypeError(f"f returned {self.output!r}, expected (result, anything else) with has_aux=True")
            self.output, self.aux = self.output

    def scalar(self, transform: str) -> Value | float:
        """Return the output, which has to be one number, or raise a TypeError."""
        y: Any = self.output
        if getattr(y, "ndim", None) == 0:
            y = y.item()
        try:
            if getattr(y, "ndim", 0):
                raise TypeError  # noqa: TRY301 - an array of one element is an array all the same
            scalar: Value | float = y if isinstance(y, Value) else number(y, "result")
        except TypeError:
            shape = f" of shape {y.shape}" if hasattr(y, "shape") else ""
            raise TypeError(
                f"f returned {shown(y)}, a {type(y).__name__}{shape}, expected one number for {transform}(f): use "
                "jacobian(f), or reduce the result to one number, for example by its sum"
            ) from None
        self._note([scalar])
        computed = isinstance(scalar, Value) and scalar._pull is not None
        if not computed and not any(scalar is variable for variable in self.variables):
            self._warn_of_numbers(transform)
        return scalar

    def _warn_of_numbers(self, transform: str) -> None:
        """Warn that the derivative is 0 if f, whose result depends on no variable, reads numbers out of Values."""
        from warnings import warn

        read = next((name for name in ("data", "item") if name in _names_in(self.f)), "")
        if read and self.variables:
            warn(
                f"{transform}(f) is 0 since the result of f depends on no variable, and f reads .{read}, which takes "
                f"the number out of a Value without its derivative: compute with x itself, not x.{read}; a constant "
                "that is meant is autograd_mini.stop_gradient(x)",
                DiagnosisWarning,
                stacklevel=_outside(),
            )

    def outputs(self) -> tuple[list[Value | float], TreeDef]:
        """Return the numbers of the output, and its structure; a TypeError if one is none."""
        numbers, treedef = flatten(self.output, "the result of f")
        self._note(numbers)
        return numbers, treedef

    def _note(self, outputs: Iterable[Value | float]) -> None:
        """Find out whether the outputs depend on a variable of a run around this one."""
        computed = [y for y in outputs if isinstance(y, Value)]
        self.on_values = self.on_values or any(y.symbolic for y in computed)
        if _live and not self.on_values:
            self.on_values = not _live.isdisjoint(subgraph(computed, active_operands))

    def joined_by(self, numbers: Iterable[Value | float]) -> None:
        """Take in further numbers, as tangents: with a Value among them, results are Values."""
        self.on_values = self.on_values or any(isinstance(given, Value) for given in numbers)

    def seed(self, directions: Sequence[Value | float]) -> dict[Value, Value | float]:
        """Return the motion of the variables in some directions, which are taken in as `joined_by` takes them."""
        self.joined_by(directions)
        return dict(zip(self.variables, directions, strict=True))

    def slopes(self, transform: str) -> list[Any]:
        """Return the gradient of the output, one number, as a graph; see `scalar`."""
        y = self.scalar(transform)
        return gradient(y, self.variables) if isinstance(y, Value) else [0.0] * self.treedef.size

    def reverse(self, y: Value | float) -> list[Any]:
        """Return dy / d variable for every variable."""
        if not isinstance(y, Value):
            return [0.0] * self.treedef.size
        return gradient(y, self.variables) if self.on_values else adjoints(y, self.variables)

    def forward(self, outputs: Sequence[Value | float], *seeds: Mapping[Value, Value | float]) -> list[list[Any]]:
        """Return the tangents of the outputs for each of some motions of the variables; one that is missing rests."""
        nodes = depending([y for y in outputs if isinstance(y, Value)], self.variables)
        motions = (push(nodes, seed, on_values=self.on_values) for seed in seeds)
        return [[known.get(y, 0.0) if isinstance(y, Value) else 0.0 for y in outputs] for known in motions]

    def finished(self, results: Iterable[Value | float]) -> list[Any]:
        """Return results as a caller gets them: floats, or Values that inside `no_grad` have no history."""
        if not self.on_values:
            return [plain(result) for result in results]
        keep = not self.were_on
        return [result if isinstance(result, Value) and keep else Value(plain(result)) for result in results]


def _outside() -> int:
    """Return the `stacklevel` of a warning by which it shows the line outside of this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("autograd_mini."):
        frame, level = frame.f_back, level + 1
    return level


def _names_in(f: Callable[..., Any]) -> set[str]:
    """Return the names that a function, the functions inside of it, and those of its module that it calls, use."""
    from types import CellType, CodeType

    found: set[str] = set()
    waiting: list[Any] = [getattr(f, "__wrapped__", f)]
    seen: set[int] = set()
    while waiting and len(seen) < 100:
        function = waiting.pop()
        function = getattr(function, "__func__", function)
        code = function if isinstance(function, CodeType) else getattr(function, "__code__", None)
        if code is None or id(code) in seen:
            continue
        seen.add(id(code))
        found.update(code.co_names)
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        scope = getattr(function, "__globals__", {})
        cells = getattr(function, "__closure__", None) or ()
        waiting += [cell.cell_contents for cell in cells if cell != CellType()]  # an empty one has no contents
        if not str(scope.get("__name__", "")).startswith("autograd_mini"):
            waiting += [scope[name] for name in code.co_names if name in scope]
    return found


def plain(y: Value | float) -> float:
    """Return the number."""
    return y.data if isinstance(y, Value) else y


def _positions(argnums: object, count: int) -> tuple[int, ...]:
    """Return the positions that `argnums` names, or raise a TypeError, or a ValueError if one stands twice."""
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    positions: list[int] = []
    for position in wanted:
        if isinstance(position, bool) or not isinstance(position, int):
            raise TypeError(f"argnums is {argnums!r}, expected an int or a tuple of ints")
        if not -count <= position < count:
            raise TypeError(
                f"argnums={argnums!r} names a positional argument, but the call has {count} of them; what is to be "
                "differentiated cannot be passed by keyword"
            )
        positions.append(position % count)
    if len({*positions}) != len(positions):
        raise ValueError(f"argnums is {argnums!r}, expected each position once")
    return tuple(positions)
