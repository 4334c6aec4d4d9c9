"""A user error is a mistake that the user of the command line can mend; its message is one line."""

from __future__ import annotations

from difflib import get_close_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class UserError(Exception):
    """Ends the command with its message on standard error and exit status 2."""


def suggestion(wrong: str, names: Sequence[str]) -> str:
    """Return a hint at the names that `wrong` was probably meant to be, or at all of them.

    >>> suggestion("Spezies", ["petal_width", "species"])
    "did you mean 'species'?"
    >>> suggestion("weight", ["petal_width", "species"])
    "there are 'petal_width', 'species'"
    """
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    close = [by_lower[lower] for lower in get_close_matches(wrong.strip().lower(), by_lower, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    shown = ", ".join(map(repr, names[:10]))
    return f"there are {shown}{', ...' * (len(names) > 10)}"
