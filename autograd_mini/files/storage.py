"""Storage: a file that is written whole or not at all, and read only as far as its size allows."""

from __future__ import annotations

import os
import stat
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike


def write(path: str | PathLike[str], data: bytes) -> None:
    """Write a file: afterwards it has either all of the data, on the disk, or what it had before.

    The data goes to a temporary file in the same folder, which then takes the name of the old one in a single step. Its
    permissions are those that any new file gets. A symbolic link stays one, and the file that it leads to is replaced.

    Args:
        path: where.
        data: the content.

    Raises:
        OSError: if it cannot be written, or if there is a folder or device of that name.

    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise OSError(f"{target} is no regular file, so no file can take its place")
    part = target.with_name(f".autograd_mini-{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too. The file is complete by now, so a system that cannot do this is no failure."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # nor do some network file systems sync them
        pass
    finally:
        os.close(descriptor)


def read(path: str | PathLike[str], head: int, allowed: Callable[[bytes], int]) -> bytes:
    """Return the content of a file that is no larger than it may be.

    Args:
        path: the file.
        head: how many bytes to read before deciding.
        allowed: the function that decides: it takes them and returns how many bytes the whole file may have.

    Raises:
        ValueError: if it is larger, or no regular file (reading a pipe or a device need not ever end).
        OSError: if it cannot be read.

    """
    with open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is no regular file")
        start = file.read(head)
        limit = allowed(start)
        if status.st_size > limit:
            raise ValueError(f"has {status.st_size} bytes, more than the {limit} that its head accounts for")
        return start + file.read(max(status.st_size - len(start), 0))


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting, as opening a pipe would, for another process to write to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
