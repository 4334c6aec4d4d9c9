"""Storage: a file that is written whole or not at all, and read only as far as its size allows."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

SMALL = 256 * 1024
"""Bytes that any model file may have, and that one may have beside its parameters."""
LARGEST = 64 * 1024 * 1024
"""Bytes that no model file may exceed."""


def write(path: str | PathLike[str], data: bytes) -> None:
    """Write a file: afterwards it has either all of the data, on the disk, or what it had before.

    The data goes to a temporary file in the same folder, which takes the name of the old one, and its permissions, in
    a single step; a process that is killed may leave that file, ".autograd_mini-….part". A symbolic link stays one. An
    OSError says why it cannot be written.
    """
    name = os.fsdecode(path)
    target = Path(os.path.realpath(name))
    try:
        before = _replaceable(target, name)
        part = target.with_name(f".autograd_mini-{os.urandom(8).hex()}.part")
        try:
            with part.open("xb") as file:
                if before is not None:
                    with suppress(OSError):  # some file systems of other systems have no permissions
                        part.chmod(before)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno is None:
            raise
        reason = f"{error.strerror}, so nothing was written, and what was there before is as it was"
        raise OSError(error.errno, reason, name) from None
    _sync_folder(target.parent)


def _replaceable(target: Path, name: str) -> int | None:
    """Return the permissions of the file that is to be replaced, None if there is none, or raise an OSError."""
    if name.endswith(("/", os.sep)):
        raise IsADirectoryError(errno.EISDIR, "It is the name of a folder")
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, "It is no regular file")
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, "The file is write-protected")
    return stat.S_IMODE(mode)


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too. The file is complete by now, so a system that cannot do this is no failure."""
    with suppress(OSError):  # Windows opens no folders, and some network file systems sync none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path: str | PathLike[str], head: int, allowed: Callable[[bytes], int]) -> bytes:
    """Return the content of a file no larger than `allowed` says of its first `head` bytes.

    A ValueError if it is larger, or no regular file (reading a pipe or a device need not ever end).
    """
    at_once = getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for another process to write to it
    with open(os.fspath(path), "rb", opener=lambda name, flags: os.open(name, flags | at_once)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("is no regular file")
        start = file.read(head)
        limit = allowed(start)
        if status.st_size > limit:
            raise ValueError(f"has {status.st_size} bytes, more than the {limit} that its head accounts for")
        return start + file.read(max(status.st_size - len(start), 0))
