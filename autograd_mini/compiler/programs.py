"""The programs of one function: traced at the first call for each layout of its arguments, and kept by it."""

from __future__ import annotations

from math import copysign

from autograd_mini.compiler.arguments import columns, flat
from autograd_mini.compiler.program import Program, traced
from autograd_mini.engine.forking import own_lock
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.engine.value import Value

KEPT = 64
"""So many programs are kept for each function, the latest used."""


class Programs:
    """The programs of one function.

    Args:
        f: the function.
        batched: whether its arguments are arrays with one sample for each entry of an axis.
        in_axes: that axis, or one for each argument; None for an argument that is the same for every sample.
        static: the positions of arguments that f is traced for each value of.
        backend: the name of a backend, or "auto".

    Attributes:
        parameters: the Values that f closes over, so far as it was traced.
        latest: the program that was asked for last.

    """

    def __init__(
        self,
        f: Callable[..., Any],
        *,
        batched: bool,
        in_axes: int | Sequence[int | None] | None,
        static: tuple[int, ...],
        backend: str,
    ) -> None:
        self._f: Callable[..., Any] | None = f
        self._batched, self.in_axes = batched, in_axes
        self._static, self._backend = static, backend
        self.parameters: list[Value] = []
        self.latest: Program | None = None
        self._kept: dict[Any, Program] = {}
        self._lock = own_lock(self)

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself.

        Raises:
            TracingError: if it stayed behind when this was pickled.

        """
        if self._f is None:
            raise TracingError(
                "this compiled function came out of a pickle, or a deep copy, with the tapes it had: it has none for "
                "such arguments; call it with them before it is pickled or copied"
            )
        return self._f

    def __getstate__(self) -> dict[str, Any]:
        """Travel as tapes, without the function itself."""
        return {**vars(self), "_f": None, "_lock": None, "latest": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Run the tapes that came along."""
        vars(self).update(state, _lock=own_lock(self))

    def take(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool) -> tuple[Any, ...]:
        """Return the program for arguments, and what of them it is to run on.

        That is, of a batch, how many samples there are, their arrays, and the inputs alike for all of them; else the
        list of inputs.

        Raises:
            TracingError: if the function cannot be compiled as it is.
            TypeError: if an argument is of no kind that can be taken, or, to differentiate, the result is no number.
            ValueError: if the arrays of a batch do not fit each other.

        """
        return (self._of_batch if self._batched else self._of_one)(args, kwargs, differentiate=differentiate)

    def _of_one(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool
    ) -> tuple[Program, list[float]]:
        inputs: list[float] = []
        taken = [
            (True, given) if at in self._static else (False, flat(given, f"argument {at}", inputs))
            for at, given in enumerate(args)
        ]
        named = {name: flat(given, f"argument {name!r}", inputs) for name, given in kwargs.items()}
        return self._program(taken, named, None, differentiate=differentiate), inputs

    def _of_batch(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool
    ) -> tuple[Program, int, list[Any], list[float]]:
        if kwargs:
            raise TypeError(f"a function of a batch takes its arguments by position; got {', '.join(kwargs)} by name")
        axes = self.in_axes if isinstance(self.in_axes, (list, tuple)) else [self.in_axes] * len(args)
        if len(axes) != len(args):
            raise ValueError(f"in_axes has one entry for each of the {len(args)} arguments; got {self.in_axes!r}")
        arrays: list[Any] = []
        uniform: list[float] = []
        taken: list[tuple[bool, Any]] = []
        first: list[int] = []
        for at, (given, axis) in enumerate(zip(args, axes, strict=True)):
            if at in self._static:
                taken.append((True, given))
            elif axis is None:
                taken.append((False, flat(given, f"argument {at}", uniform)))
            else:
                taken.append((False, columns(given, axis, f"argument {at}", arrays)))
                first.append(at)
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1:
            what = f"they have {sorted(lengths)}" if lengths else "there is none"
            raise ValueError(f"the batched arguments have one row a sample, equally many; {what}")
        widths = [array.shape[1] for array in arrays]
        program = self._program(taken, {}, widths, differentiate=differentiate, first=first)
        return program, lengths.pop(), arrays, uniform

    def _program(
        self,
        taken: list[tuple[bool, Any]],
        named: dict[str, Any],
        widths: list[int] | None,
        *,
        differentiate: bool,
        first: Sequence[int] = (),
    ) -> Program:
        """Return the program for layouts, traced if there is none yet."""
        layouts = (tuple(taken), tuple(named.items()), tuple(_kind(given) for static, given in taken if static))
        try:
            program = self._kept.get((layouts, self._wanted(differentiate)))
        except TypeError as error:
            raise TypeError(f"static arguments are hashable, so that programs can be kept by them: {error}") from None
        if program is None or len(self._kept) == KEPT:
            with self._lock:
                # Another thread may have traced it meanwhile; and taking it out puts it behind those used before it.
                program = self._kept.pop((layouts, self._wanted(differentiate)), None)
                if program is None:
                    program = traced(
                        self.function,
                        taken,
                        named,
                        self.parameters,
                        differentiate=differentiate,
                        backend=self._backend,
                        widths=widths,
                        first=first,
                    )
                self._kept[layouts, self._wanted(differentiate)] = program
                while len(self._kept) > KEPT:
                    del self._kept[next(iter(self._kept))]
        self.latest = program
        return program

    def _wanted(self, differentiate: bool) -> int | None:  # noqa: FBT001 - named as everywhere here
        """Return how many parameters a gradient has to be by; None if there is none to compute."""
        return len(self.parameters) if differentiate else None


def _kind(given: Any) -> Any:
    """Return what tells apart static arguments that are equal: 1, 1.0 and True, or 0.0 and -0.0."""
    if isinstance(given, tuple):
        return tuple(map(_kind, given))
    return (float, copysign(1.0, given)) if type(given) is float else type(given)
