"""Machine turns: the loop of a recurrence as machine code; see `turns`.

Its function has the arguments of a kernel, so that a composition can call it as one. The memory that it works in is
that of one call at a time. A turn is written into the loop, or called where it is long.
"""

from __future__ import annotations

import ctypes

from autograd_mini.compiler.llvm.assembler import Assembler, calls_back, function, hexadecimal, module, pointer
from autograd_mini.compiler.llvm.target import Code
from autograd_mini.compiler.passes import legalised
from autograd_mini.compiler.tape import GATHERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.turns import Turns

    Place = tuple[str, int]
    """Where an array begins, and which of its numbers."""

LONGEST = 1_000
"""Maximum operations of a turn that is written into the loop."""

_GIVEN = "i64 %first, i64 %end, i64 %n, double %divisor, ptr %arrays, ptr %uniform, ptr %columns, ptr %sums"


def suitable(turns: Turns) -> bool:
    """Return whether no operation of a turn is a call of Python, in which another thread may run the loop."""
    return not any(calls_back(step[0]) for program in turns.programs for step in program.tape.steps)


class _Entry:
    """Where the function begins, and stays."""

    settled = True

    def __init__(self, code: Code) -> None:
        self._code = code  # which is there as long as this is
        self.address = code.address("kernel")


class MachineTurns:
    """The loop as a function (turns, arrays, uniforms) -> (columns, sums).

    Attributes:
        width: how many turns are done at once.
        code: the machine code.
        slots: how many uniforms it takes, factors included.
        room: how many sums it returns.
        same: sums that it leaves out; none.

    """

    width = 1
    same = ()

    def __init__(self, turns: Turns) -> None:
        import numpy as np

        self._turns, shape = turns, turns.shape
        values, factors = turns.back is None or turns.leading is not None, shape.totals + len(shape.finals)
        self._columns = shape.singles if turns.back is None else shape.moving
        self._sums = (factors if values else 0) + (0 if turns.back is None else len(shape.along))
        self.slots, self.room = shape.uniforms + (0 if values else factors), max(self._sums, 1)
        carried = len(shape.starts)
        self._trace = np.zeros((shape.turns + 1, carried))
        self._adjoints, self._factors = np.zeros(carried + 1), np.zeros(shape.totals + 1)
        self._bodies = [_Body(program) for program in turns.programs]
        self.code = _Entry(Code(self._text(), level=2))
        # With the lock of the interpreter held, so that the memory is that of one call.
        types = [ctypes.c_int64] * 3 + [ctypes.c_double] + [ctypes.c_void_p] * 4
        self._call = ctypes.PYFUNCTYPE(None, *types)(self.code.address)

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the sums."""
        import numpy as np

        columns, sums = np.empty((self._columns, n)), np.empty(self.room)
        same, rows = np.array([*uniform, 0.0], np.float64), np.ascontiguousarray(arrays[0])
        places = (ctypes.c_void_p * 1)(rows.ctypes.data)
        stored = (ctypes.c_void_p * max(self._columns, 1))(*[column.ctypes.data for column in columns])
        to = ctypes.addressof
        self._call(0, n, n, 1.0, to(places), same.ctypes.data, to(stored), sums.ctypes.data)
        return [*columns], sums[: self._sums]

    def _text(self) -> str:
        turns, shape = self._turns, self._turns.shape
        writer = Assembler(1, "t", set())
        apart = turns.back is not None and turns.leading is None
        trace, rows = _at(self._trace), writer.load("%arrays", "ptr")
        writer.clear("%sums", 8 * self.room)
        for at, (kind, start) in enumerate(shape.starts):
            number = hexadecimal(start) if kind == "number" else _load(writer, ("%uniform", start))
            _store(writer, number, (trace, at))
        self._forwards(writer, rows, width=shape.columns + (shape.singles if apart else 0))
        outputs = shape.totals
        for at in () if apart else shape.finals:
            _store(writer, _load(writer, (trace, shape.turns * len(shape.starts) + at)), ("%sums", outputs))
            outputs += 1
        if turns.back is not None:
            self._backwards(writer, rows, first=0 if apart else outputs)
        return module(function(f"void @kernel({_GIVEN})", writer.lines), writer.declarations)

    def _forwards(self, writer: Assembler, rows: str, width: int) -> None:
        """Write the loop over the turns; `width` is the length of a row, in numbers."""
        turns, shape, carried = self._turns, self._turns.shape, len(self._turns.shape.starts)
        same = _run("%uniform", shape.uniforms)
        self._bodies[0].prepare(writer, shape.columns + carried, same)
        with writer.counting("turn", shape.turns) as (_, t):
            row = writer.element("double", rows, writer.put(f"mul i64 {t}, {width}"))
            before = writer.element("double", _at(self._trace), writer.put(f"mul i64 {t}, {carried}"))
            found = self._bodies[0].written(writer, [*_run(row, shape.columns), *_run(before, carried), *same])
            for at, number in enumerate(found[:carried]):
                _store(writer, number, (before, carried + at))
            end = carried + shape.singles
            if turns.back is None:
                self._store_columns(writer, found[carried:end], t)
            if turns.back is None or turns.leading is not None:
                self._add(writer, found[end:], 0)

    def _backwards(self, writer: Assembler, rows: str, first: int) -> None:
        """Write the reverse loop; the derivatives by uniforms are added to the sums from the first one on."""
        turns, shape, carried = self._turns, self._turns.shape, len(self._turns.shape.starts)
        adjoints, factors = _at(self._adjoints), _at(self._factors)
        apart = turns.leading is None
        for at in range(carried):
            _store(writer, hexadecimal(0.0), (adjoints, at))
        for at in range(shape.totals + len(shape.finals)):
            given = ("%uniform", shape.uniforms + at)
            factor = _load(writer, given) if apart else hexadecimal(float(at == turns.leading))
            if at < shape.totals:
                _store(writer, factor, (factors, at))
            else:
                final = adjoints, shape.finals[at - shape.totals]
                _store(writer, writer.put(f"fadd double {_load(writer, final)}, {factor}"), final)
        seeds = shape.singles if apart else 0
        same = [*_run("%uniform", shape.uniforms), *_run(factors, shape.totals)]
        start = shape.columns + 2 * carried + shape.singles
        self._bodies[1].prepare(writer, start, same)
        with writer.counting("back", shape.turns) as (_, turn):
            t = writer.put(f"sub i64 {shape.turns - 1}, {turn}")
            row = writer.element("double", rows, writer.put(f"mul i64 {t}, {shape.columns + seeds}"))
            before = writer.element("double", _at(self._trace), writer.put(f"mul i64 {t}, {carried}"))
            changing = [*_run(row, shape.columns), *_run(before, carried), *_run(adjoints, carried)]
            changing += [(row, shape.columns + at) for at in range(shape.singles)]
            after = [(before, carried + at) for at in range(carried)]
            found = self._bodies[1].written(writer, [*changing, *same, *after])
            self._store_columns(writer, found[: shape.moving], t)
            end = shape.moving + carried
            for at, number in enumerate(found[shape.moving : end]):
                _store(writer, number, (adjoints, at))
            self._add(writer, found[end:], first)
        for at, place in shape.back_to:
            self._add(writer, [_load(writer, (adjoints, at))], first + place)

    def _store_columns(self, writer: Assembler, found: Sequence[str], t: str) -> None:
        """Write the stores of a turn's results to columns."""
        for at, number in enumerate(found):
            column = writer.load(writer.element("ptr", "%columns", at), "ptr")
            writer.store(number, writer.element("double", column, t))

    def _add(self, writer: Assembler, found: Sequence[str], first: int) -> None:
        """Write the addition of results of a turn to sums, from the first one on."""
        for at, number in enumerate(found, start=first):
            _store(writer, writer.put(f"fadd double {_load(writer, ('%sums', at))}, {number}"), ("%sums", at))


class _Body:
    """The program of a turn: what is written into the loop, or the call of a program that is long, or has arrays."""

    def __init__(self, program: Any) -> None:
        import numpy as np

        self._tape = legalised(program.tape)
        self._called = len(self._tape) > LONGEST or any(step[0] in GATHERS for step in self._tape.steps)
        if self._called:
            self._run = program.run()
            self._given, self._made = np.zeros(self._tape.inputs + 1), np.zeros(len(self._tape.results) + 1)
        self._fixed = range(0)

    def prepare(self, writer: Assembler, first: int, places: Sequence[Place]) -> None:
        """Note, before the loop, which inputs do not change in it, and where they lie."""
        self._fixed = range(first, first + len(places))
        if self._called:
            for at, place in zip(self._fixed, places, strict=True):
                _store(writer, _load(writer, place), (_at(self._given), at))

    def written(self, writer: Assembler, places: Sequence[Place]) -> list[str]:
        """Write a turn, given where its inputs lie, and return its results."""
        if not self._called:
            names: list[str] = []
            for step in self._tape.steps:
                if step[0] == "constant":
                    names.append(writer.constant(step[1]))
                elif step[0] == "input":
                    names.append(_load(writer, places[step[1]]))
                else:
                    names.append(writer.step(step[0], [names[at] for at in step[1:]]))
            return [names[at] for at in self._tape.results]
        given, made = _at(self._given), _at(self._made)
        for at, place in enumerate(places):
            if at not in self._fixed:
                _store(writer, _load(writer, place), (given, at))
        writer.write(f"call void {pointer(self._run.address)}(ptr {given}, ptr {made})")
        return [_load(writer, place) for place in _run(made, len(self._tape.results))]


def _run(array: str, count: int) -> list[Place]:
    """Return the first places of an array."""
    return [(array, at) for at in range(count)]


def _load(writer: Assembler, place: Place) -> str:
    return writer.load(writer.element("double", *place))


def _store(writer: Assembler, number: str, place: Place) -> None:
    writer.store(number, writer.element("double", *place))


def _at(held: Any) -> str:
    return pointer(held.ctypes.data)
