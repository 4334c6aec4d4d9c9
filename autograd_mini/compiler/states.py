"""A state: what was traced while everything that a function reads was the same, and what has to stay so for it."""

from __future__ import annotations

from autograd_mini.compiler.dependencies import Dependencies
from autograd_mini.compiler.guards import Guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.branching import Paths
    from autograd_mini.compiler.program import Program
    from autograd_mini.engine.value import Value


class State:
    """What was traced while everything that the function reads was the same.

    Attributes:
        parameters: the Values that the function closes over, so far as it was traced.
        before: the parameters of the state before, which come first and in this order if they are parameters again:
            the leaves' ticks change with every assignment.
        kept: the programs.
        guard: whether everything still is the same; None before the first trace, and where the function is not.
        dependencies: what the guard compares.
        over: whether everything will never be the same again, for all that is known.

    """

    def __init__(self, before: Sequence[Value] = ()) -> None:
        self.parameters: list[Value] = []
        self.before = before
        self.kept: dict[Any, Program | Paths] = {}
        self.guard: Guard | None = None
        self.dependencies: Dependencies | None = None
        self.roots: dict[int, tuple[str, Any]] = {}
        self.by_machine = False  # whether one of the programs is machine code
        self.over = False

    @property
    def quick(self) -> Callable[[], bool] | None:
        """The quick form of the guard, if there is anything to compare."""
        if self.over:
            return lambda: False
        return None if self.guard is None else self.guard.quick

    def holds(self) -> bool:
        """Return whether everything is as it was."""
        return not self.over and (self.guard is None or self.guard.holds())

    def watch(self, roots: Sequence[tuple[str, Any]]) -> None:
        """Compare from now on with what functions and objects read now, besides those that are watched already."""
        self.roots |= {id(root): (name, root) for name, root in roots}
        self.dependencies = Dependencies(self.roots.values())
        found, seen = self.dependencies.found, self.dependencies.version
        self.guard = Guard(found, seen=seen, by_machine=self.by_machine)

    def found(self, layouts: Any, *, differentiate: bool) -> Program | Paths | None:
        """Return the program that is kept for layouts, unless there are more parameters since."""
        program = self.kept.get((layouts, differentiate))
        return program if program is None or not differentiate or program.covers(len(self.parameters)) else None

    def close_over(self, leaves: Sequence[Value]) -> None:
        """Append those of the leaves that are no parameters yet."""
        known, places = set(self.parameters), {leaf: at for at, leaf in enumerate(self.before)}
        found = [leaf for leaf in leaves if leaf not in known]
        self.parameters += sorted(found, key=lambda leaf: places.get(leaf, len(places)))

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what is compared, which stays behind with the function."""
        return {**vars(State()), "parameters": self.parameters, "kept": self.kept}
