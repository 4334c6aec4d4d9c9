"""Names that code reads, found in its bytecode, and which code is looked into: not that of libraries."""

from __future__ import annotations

import os
import site
import sys
from functools import cache, lru_cache
from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any

PACKAGE = __file__.rpartition("compiler")[0]
"""The folder of the package."""

NETWORKS = PACKAGE + "nn"
"""The folder of the package's modules, whose attributes users change."""

ALL_ATTRIBUTES = frozenset({"vars", "dir", "__dict__", "asdict", "astuple", "__getattribute__"})
"""Names by which code reads attributes that it does not name."""


def is_library_class(kind: type | FunctionType) -> bool:
    """Return whether a class comes from the standard library, an installed package, or this one beside its networks."""
    home = kind.__module__ or ""
    if home.startswith("autograd_mini.nn"):
        return False
    return is_library(getattr(sys.modules.get(home), "__file__", None), home)


@cache
def is_library(file: str | None, module: str) -> bool:
    """Return whether a file is one of the standard library, of an installed package, or of this package."""
    if module.partition(".")[0] in {"builtins", "autograd_mini"} or module in sys.builtin_module_names:
        return True
    return file is not None and file.startswith((PACKAGE, "<autograd_mini", "<frozen", *_folders()))


@cache
def _folders() -> tuple[str, ...]:
    installed = [*site.getsitepackages(), site.getusersitepackages()]  # sysconfig knows them too, but takes long
    return tuple({os.__file__.removesuffix("os.py"), *(f"{folder}{os.sep}" for folder in installed)})


@lru_cache(1000)
def names_read(code: CodeType) -> frozenset[tuple[str, str]]:
    """Return what code reads, each with its kind, in the code of inner functions too.

    The kinds are "global", "attribute", "asked" for an attribute asked for by text, "module", "lookup" for a function
    that may look anything up; and, without a name, "all" attributes, and "match" for those that classes say.
    """
    from dis import get_instructions

    found: set[tuple[str, str]] = set()
    instructions = [*get_instructions(code)]
    for at, step in enumerate(instructions):
        name = step.argval
        if step.opname in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}:
            found.add(("global", name))
            if name in {"getattr", "hasattr"}:
                text = _text_argument(instructions, at)
                found.add(("all", "") if text is None else ("asked", text))
            elif name in {"globals", "eval", "exec", "locals"}:
                found.add(("lookup", name))
        elif step.opname in {"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM"}:
            found.add(("attribute", name))
        elif step.opname == "IMPORT_NAME":
            found |= {("module", name), ("module", name.partition(".")[0])}
        elif step.opname == "MATCH_CLASS":
            texts = [part for c in code.co_consts if isinstance(c, tuple) for part in c if isinstance(part, str)]
            found |= {("match", ""), *(("asked", text) for text in texts)}
    if any(kind in {"global", "attribute"} and name in ALL_ATTRIBUTES for kind, name in found):
        found.add(("all", ""))
    return frozenset(found).union(*[names_read(inner) for inner in code.co_consts if isinstance(inner, CodeType)])


def _text_argument(instructions: list[Any], at: int) -> str | None:
    """Return the text that stands among the arguments of the call after a place in the code, if it is written there."""
    found = None
    for step in instructions[at + 1 :]:
        if step.opname.startswith(("BUILD", "FORMAT", "BINARY", "CONVERT")):
            return None
        if step.opname.startswith("CALL"):
            return found
        if step.opname == "LOAD_CONST" and isinstance(step.argval, str):
            found = found or step.argval
    return None
