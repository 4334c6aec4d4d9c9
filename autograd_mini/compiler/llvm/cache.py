"""A cache of machine code: object files in a folder of the user's, by what they were compiled from and for.

A name is the hash of the text in LLVM's language, of the processor and what LLVM is told about it, and of the versions
of LLVM and llvmlite. An entry is written whole or not at all. It is used only if the folder and the file
belong to the user, nobody else may write to them or to a folder above, and its content is what its checksum says; else
it is ignored, and the code compiled. A function whose code has addresses of this process in it is not kept.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from autograd_mini.compiler.llvm.target import llvmlite, target
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = b"autograd_mini machine code 1\n"
"""The first line of an entry; the checksum of what comes after is the second."""

LARGEST = 1 << 26
"""Maximum bytes of an entry."""

MOST = 1000
"""Maximum entries of a folder; the oldest make room for others."""

_ENDING = ".code"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def folder(asked: object) -> str:
    """Return the folder for what `jit(cache=...)` is given, made if it is not there yet; "" for none.

    Raises:
        TypeError: if it is neither a path nor a truth value.
        ValueError: if other users can write to it, or it cannot be created.

    """
    if asked is None or asked is False:
        return ""
    place = ""
    if asked is True:
        home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
        with suppress(RuntimeError):  # there may be no home
            place = str((Path(home) if home else Path.home() / ".cache") / "autograd_mini")
    elif isinstance(asked, (str, os.PathLike)) and (given := os.fspath(asked)) and isinstance(given, str):
        place = given
    else:
        raise TypeError(f"cache is {asked!r}, expected the path of a folder, or True for the usual one")
    place = os.path.realpath(place) if place else ""
    with suppress(OSError):
        Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place or not _own(place):
        if asked is True:  # the usual one need not be possible
            return ""
        raise ValueError(
            f"cache is {asked!r}, expected a folder of your own that nobody else may write to, nor to one above it: "
            "machine code in it is run"
        )
    return place


def name_of(text: str, level: int) -> str:
    """Return the name of the entry for a module and how hard LLVM tries; "" if it cannot be kept."""
    if "inttoptr (" in text:
        return ""
    package = extra("llvmlite", "a cache of machine code")
    made_for, binding = target(), llvmlite()
    parts = (
        package.__version__, ".".join(map(str, binding.llvm_version_info)),
        binding.get_process_triple(), made_for.cpu, made_for.attributes, str(level), text,
    )  # fmt: skip
    return sha256("\0".join(parts).encode()).hexdigest() + _ENDING


def read(place: str, name: str) -> bytes | None:
    """Return the object file of an entry; None if there is none that can be trusted."""
    if not _own(place):
        return None
    try:
        file = os.open(Path(place, name), os.O_RDONLY | _flag("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    except OSError:
        return None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST or not _only_ours(status):
            return None
        with os.fdopen(os.dup(file), "rb") as opened:
            found = opened.read(LARGEST)
    except OSError:
        return None
    finally:
        os.close(file)
    head, _, made = found[len(FORMAT) :].partition(b"\n")
    whole = found.startswith(FORMAT) and head == sha256(made).hexdigest().encode()
    return made if whole and made else None


def write(place: str, name: str, made: bytes) -> None:
    """Keep an object file, if that is possible."""
    if not _own(place) or len(made) > LARGEST - 1000:
        return
    part = Path(place, f".{name}-{os.urandom(8).hex()}.part")
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flag("O_NOFOLLOW", "O_BINARY"), 0o600)
    except OSError:  # the disk is full, or cannot be written
        return
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(FORMAT + sha256(made).hexdigest().encode() + b"\n" + made)
        part.replace(Path(place, name))
        _make_room(place)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if not isinstance(error, OSError):
            raise


def _make_room(place: str) -> None:
    """Remove the oldest entries of a folder that has too many."""
    with os.scandir(place) as every:
        entries = [entry for entry in every if entry.name.endswith(_ENDING)]
    if len(entries) > MOST:
        aged = sorted(entries, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime)
        for entry in aged[: len(entries) - MOST * 3 // 4]:
            with suppress(OSError):
                Path(entry.path).unlink()


def _own(place: str) -> bool:
    """Return whether a folder is the user's, and nobody else may write to it, nor put another in its place."""
    try:
        status = os.lstat(place)
        if not stat.S_ISDIR(status.st_mode) or not _only_ours(status):
            return False
        return all(_steady(os.lstat(above)) for above in _above(place))
    except OSError:
        return False


def _only_ours(status: os.stat_result) -> bool:
    """Return whether a file or folder is the user's, and nobody else may write to it."""
    user = getattr(os, "geteuid", None)  # Windows has access lists instead, which guard what is the user's
    return user is None or (status.st_uid == user() and not status.st_mode & _OTHERS_WRITE)


def _steady(status: os.stat_result) -> bool:
    """Return whether nobody else can rename what is in a folder."""
    user = getattr(os, "geteuid", None)
    others = status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX
    return user is None or (status.st_uid in {0, user()} and not others)


def _above(place: str) -> Iterator[str]:
    yield from map(str, Path(place).parents)


def _flag(*names: str) -> int:
    """Return those flags of files that this system has."""
    return sum(getattr(os, name, 0) for name in names)
