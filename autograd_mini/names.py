"""What a name that `autograd_mini` does not have may stand for: for the error that says so."""

from __future__ import annotations

from importlib import import_module

from autograd_mini.operators import NUMPY_NAMES

_PLACES = ("nn", "optim", "datasets", "testing", "transforms", "diagnosis", "viz", "viz.plot", "train", "errors")


def hint(name: str) -> str:
    """Return the end of a sentence that says where a name is, or which is near; nothing for one of Python's own.

    >>> hint("Adam")
    ': it is autograd_mini.optim.Adam'
    >>> hint("tanhh")
    ": 'tanh' is near"

    """
    if name.startswith("_"):
        return ""
    from difflib import get_close_matches

    import autograd_mini

    if name in NUMPY_NAMES:
        return f": it is autograd_mini.{NUMPY_NAMES[name]}"
    lowered: dict[str, str] = {known.lower(): known for known in autograd_mini.__all__}
    for place in _PLACES:
        module = import_module(f"autograd_mini.{place}")
        names = [known for known in getattr(module, "__all__", ()) if known not in autograd_mini.__all__]
        if name in names:
            return f": it is autograd_mini.{place}.{name}"
        lowered |= {known.lower(): f"{place}.{known}" for known in reversed(names) if known.lower() not in lowered}
    near = get_close_matches(name.lower(), lowered, n=3)
    return f": {' or '.join(repr(lowered[known]) for known in near)} is near" if near else ""
