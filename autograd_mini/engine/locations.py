"""A place: the line of the user's code that made a Value, as `origin` and `anomaly` take it down.

While a block of these is on, each new node keeps the code that was running and the position in it, which takes
little time and keeps no variable alive. The file, line and text are looked up when they are asked for.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

    from autograd_mini.engine.value import Value

    Trail = tuple[tuple[CodeType, int], ...]

PACKAGE = __file__.rpartition("engine")[0]
"""The folder of the package, whose lines are not the user's."""

CALLERS = 3
"""Maximum callers that are kept with a line: a line in a helper such as `safe_log` says little without them."""


class _Passed(dict[str, bool]):
    """Of every file seen whether it is the package's, or NumPy's or `copy`, which call Values' methods for the user."""

    def __missing__(self, file: str) -> bool:
        """Find out, once for each file: a lookup takes less time than the comparison."""
        loaded = [getattr(sys.modules.get(name), "__file__", None) for name in ("numpy", "copy")]
        others = [found.removesuffix("__init__.py") for found in loaded if found]
        self[file] = passed = file.startswith((PACKAGE, "<autograd_mini ", "<__array_function__", *others))
        return passed


_passed = _Passed()


def user_frame() -> FrameType | None:
    """Return the innermost frame of the user's that is running; None if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _passed[frame.f_code.co_filename]:
        frame = frame.f_back
    return frame


def user_instruction() -> str:
    """Return the instruction that the user's innermost frame is at, such as "STORE_SUBSCR" for `array[0] = x`."""
    from dis import opname

    frame = user_frame()
    return opname[frame.f_code.co_code[frame.f_lasti]] if frame is not None and frame.f_lasti >= 0 else ""


def span(code: CodeType, position: int) -> tuple[int | None, ...]:
    """Return the first and last line, and the first and last column, of an instruction; None where not known."""
    from itertools import islice

    return next(islice(code.co_positions(), position // 2, None), (None,) * 4)


class Place:
    """A line of code, and what called it.

    Args:
        code: the code that ran.
        position: the offset of the instruction in it.
        callers: the same of what called it, the nearest first.

    Attributes:
        file: the path of the file, or a name such as "<stdin>" or "Cell In[3]".
        line: the number of the line, from 1.
        function: the function that it stands in; "<module>" outside of any.
        text: the line itself, without its indentation; "" if it is not known.
        span: which characters of `text` are meant, as (start, end); None if that is not known.
        callers: the places it was called from, the nearest first, a few at most.

    >>> from autograd_mini import Value, origin
    >>> with origin():
    ...     x = Value(2.0)
    >>> print(place_of(x).described())
      File "<doctest autograd_mini.engine.locations.Place[1]>", line 2, in <module>
        x = Value(2.0)
            ^^^^^^^^^^

    """

    __slots__ = ("callers", "file", "function", "line", "span", "text")

    def __init__(self, code: CodeType, position: int, callers: Trail = ()) -> None:
        import linecache

        first, last, start, end = span(code, position)
        self.line = first or code.co_firstlineno
        self.function = code.co_name
        self.file = _shown(code.co_filename)
        line = linecache.getline(code.co_filename, self.line).rstrip()
        self.text = line.strip()
        self.span: tuple[int, int] | None = None
        if self.text and start is not None and end is not None:
            indented = len(line) - len(self.text)
            left = len(line.encode()[:start].decode(errors="replace")) - indented  # positions count bytes
            right = len(line.encode()[:end].decode(errors="replace")) - indented if last == first else len(self.text)
            self.span = (max(left, 0), right)
        self.callers = tuple([Place(*caller) for caller in callers if not _installed(caller[0].co_filename)])

    def __str__(self) -> str:
        """Return the place on one line: 'train.py, line 12: "loss = p.log()"'."""
        return f"{self.file}, line {self.line}" + (f': "{self.text}"' if self.text else "")

    def __repr__(self) -> str:
        return f"<place {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Place):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.file, self.line))

    def described(self, *, callers: bool = True) -> str:
        """Return the place, and its callers before it, on several lines as a traceback shows them."""
        shown = [*reversed(self.callers), self] if callers else [self]
        return "\n".join([line for place in shown for line in place._lines()])

    def _lines(self) -> list[str]:
        file = self.file if self.file.startswith("Cell ") else f'File "{self.file}"'
        lines = [f"  {file}, line {self.line}, in {self.function}"]
        if self.text:
            lines.append(f"    {self.text}")
            if self.span is not None and self.span != (0, len(self.text)):
                lines.append(f"    {' ' * self.span[0]}{'^' * (self.span[1] - self.span[0])}")
        return lines


def trail() -> Trail:
    """Return the code that is running, from the innermost line of the user's outwards, a few callers at most."""
    frame = user_frame()
    found: list[tuple[CodeType, int]] = []
    while frame is not None and len(found) <= CALLERS:
        code = frame.f_code
        if not _passed[code.co_filename]:
            found.append((code, frame.f_lasti))
        if code.co_name.startswith(("<module>", "<cell line")):
            break  # what runs a script, or the cell of a notebook, is not the user's
        frame = frame.f_back
    return tuple(found)


def place_of(value: Value) -> Place | None:
    """Return where a Value was made; None if no block of `origin` or `anomaly` was on then.

    Args:
        value: the Value.

    >>> from autograd_mini import Value
    >>> place_of(Value(2.0)) is None
    True

    """
    return _place(value, "made")


def assigned_at(value: Value) -> Place | None:
    """Return where the `data` of a leaf was last assigned; None if that is not known.

    Args:
        value: the leaf.

    >>> from autograd_mini import Value
    >>> assigned_at(Value(2.0)) is None
    True

    """
    return _place(value, "assigned")


def _place(value: Value, event: str) -> Place | None:
    kept: Trail | dict[str, Trail] = getattr(value, "_origin", ())
    found = kept.get(event) if isinstance(kept, dict) else kept if event == "made" else ()
    return Place(*found[0], found[1:]) if found else None


def made_at(value: Value) -> str:
    """Return ", made in train.py, line 12: …," for a message; nothing if the place is not known."""
    place = place_of(value)
    return f", made in {place}," if place is not None else ""


def _installed(file: str) -> bool:
    """Return whether a file belongs to Python or to an installed package: what called a test or a thread is no news."""
    import os

    return "-packages" in file or file.startswith((os.__file__.removesuffix("os.py"), "<frozen"))


def _shown(file: str) -> str:
    """Return the name of a file; of a notebook's cell its number, which IPython keeps in a private table."""
    if (shell := getattr(sys.modules.get("IPython"), "get_ipython", None)) is None:
        return file
    cells = getattr(getattr(shell(), "compile", None), "_filename_map", {})
    return f"Cell In[{cells[file]}]" if file in cells else file
