"""Background compilation: machine code that runs at once, and gives way to better code that a thread makes meanwhile.

LLVM is told first not to try, and then, in the background, to try hard. Both times it compiles the same text, or first
that of an interpreter of the same program. Every rounding is settled in them, so that results are the same to the last
bit, whenever the better code takes over: between two calls, or two parts of one. Only the sign of a nan, which has no
meaning, may be another.

The thread ends when there is nothing left to compile. The interpreter waits at its end for the program that LLVM is
busy with, and leaves the others out; so does a fork, whose child goes on with those that are left.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque

from autograd_mini.compiler.llvm import cache
from autograd_mini.compiler.llvm.target import Code, object_file
from autograd_mini.engine.forking import awaited_lock, holding, holding_own, in_child, own_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

FEWEST = 200
"""Minimum operations of a program that is compiled twice; a shorter one takes no time to speak of."""

_lock = awaited_lock()
_waiting: deque[MachineCode] = deque()
_thread: threading.Thread | None = None


class MachineCode:
    """A function of machine code.

    Args:
        text: returns the module in LLVM's language.
        name: the function in it, which returns nothing.
        types: those of its arguments.
        level: how hard LLVM is to try in the end, 0 to 3.
        background: whether something that took less time runs until then.
        folder: the folder of a cache of machine code; "" for none.
        quick: returns a module that takes less time to compile, and computes the same.

    Attributes:
        address: where the function begins by now; code that was there before stays where it is.
        place: where that address lies in memory, for machine code that calls the function.
        call: the function.
        settled: whether it stays there.

    """

    def __init__(
        self,
        text: Callable[[], str],
        name: str,
        types: Sequence[Any],
        level: int,
        *,
        background: bool,
        folder: str,
        quick: Callable[[], str] | None = None,
    ) -> None:
        self._write, self._quick, self._name, self._level = text, quick, name, level
        self._text = ""
        self._folder, self._entry = folder, cache.name_of(self.text, level) if folder else ""
        self._type = ctypes.CFUNCTYPE(None, *types)
        self._codes: list[Code] = []
        self._held = ctypes.c_void_p()
        self.place = ctypes.addressof(self._held)
        self._lock = own_lock(self)
        self.settled = False
        made = cache.read(folder, self._entry) if self._entry else None
        if made is not None:
            self._enter(Code("", level, made))
            self.settled = True
        elif background and level:
            self._compile(0)
            _waiting.append(self)  # the first call comes first, and then starts the thread
        else:
            self.settle()

    @property
    def text(self) -> str:
        """The module in LLVM's language."""
        if not self._text:
            self._text = self._write()
        return self._text

    @holding_own
    def settle(self) -> None:
        """Compile it as it is to be in the end, unless it is already."""
        if not self.settled:
            self._compile(self._level, keep=bool(self._entry))
            self.settled = True

    @holding_own
    def hasten(self) -> None:
        """Let straight-line code take over from an interpreter, for a call in which it would lose more time."""
        if not self.settled and self._quick is not None:
            self._quick = None
            self._compile(0)

    def _compile(self, level: int, *, keep: bool = False) -> None:
        """Compile it and let it take over; keep it on disk if that is asked for."""
        text = self.text if level or self._quick is None else self._quick()
        made = object_file(text, level) if keep else None
        self._enter(Code(text, level, made))
        if made is not None:
            cache.write(self._folder, self._entry, made)

    def _enter(self, code: Code) -> None:
        self._codes.append(code)  # and the one before, which another thread may be in
        self._held.value = self.address = code.address(self._name)
        self.call: Callable[..., None] = self._type(self.address)


@holding(_lock)
def resume() -> None:
    """Start the thread, if there is something to compile and none that does: so it is in the child of a fork."""
    global _thread  # noqa: PLW0603 - there is one for the process
    if _thread is None and _waiting and threading.main_thread().is_alive():
        thread = threading.Thread(target=_work, name="autograd_mini compiler")
        _thread = thread
        try:
            thread.start()
        except RuntimeError:  # at the end of the interpreter, or of the threads that there may be
            _thread = None


def wait() -> None:
    """Return when there is nothing left to compile."""
    resume()
    thread = _thread
    if thread is not None:
        thread.join()


def _work() -> None:
    while (code := _next()) is not None:
        try:
            code.settle()
        except BaseException:
            _leave(code)
            _alone()
            raise
        _leave(code)


@holding(_lock)
def _next() -> MachineCode | None:
    """Return what is to be compiled; None, and the thread ends, if there is nothing or the interpreter ends."""
    if _waiting and threading.main_thread().is_alive():
        return _waiting[0]
    _alone()
    return None


@holding(_lock)
def _leave(code: MachineCode) -> None:
    """Take out what is compiled, or cannot be."""
    if _waiting and _waiting[0] is code:
        _waiting.popleft()


def _alone() -> None:
    global _thread  # noqa: PLW0603 - as above
    _thread = None


in_child(_alone)
