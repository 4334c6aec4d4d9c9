"""The command line: `demo`, `course`, `site`, `train`, `predict`, `export`, `draw`, `step`, `ops`, `check`."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import os
import sys
from contextlib import suppress

from autograd_mini.cli.parser import parser, words
from autograd_mini.cli.tables import UserError
from autograd_mini.errors import ModelFormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
        argv: the words after the name of the program; those it was started with if not given.

    Returns:
        0 if all went well; 1 if `check` found a wrong derivative, 3 if it could not decide; 2 after a mistake of the
        user, which one line on standard error explains; 130 after Ctrl-C; 141 when nobody reads the output any more,
        as in `autograd-mini ops | head -1`.

    >>> main(["--version"])
    autograd-mini 0.1.0
    0

    """
    try:
        arguments = parser().parse_args(words(sys.argv[1:] if argv is None else argv))
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
    except SystemExit as end:  # argparse has printed its help or the version
        return end.code if isinstance(end.code, int) else 0
    except (UserError, ModelFormatError) as error:
        return _failed(str(error))
    except BrokenPipeError:
        _discard_output()
        return 141
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _failed(f"cannot read or write{where}: {error.strerror or error}")
    except UnicodeEncodeError as error:
        return _failed(f"cannot print {error.object[error.start]!a} here: set PYTHONIOENCODING=utf-8, or use --out")
    except KeyboardInterrupt:
        print("autograd-mini: interrupted", file=sys.stderr)
        return 130
    return int(status)


def _failed(message: str) -> int:
    """Print an error as one line, whatever characters the names in it have, and return the exit status."""
    line = "".join(character if character.isprintable() else repr(character)[1:-1] for character in message)
    print(f"autograd-mini: error: {line}", file=sys.stderr)
    return 2


def _discard_output() -> None:
    """Send what is still to be written nowhere, so that Python does not complain when it flushes at its end."""
    with suppress(OSError, ValueError):  # where standard output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
