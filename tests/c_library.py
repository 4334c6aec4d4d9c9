"""C text as a library that Python calls: compiled with the warnings of a strict embedded project, each an error."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess

import pytest

WARNINGS = (
    *("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wfloat-equal"),
    *("-Wdouble-promotion", "-Wundef", "-Wcast-align", "-Wcast-qual", "-Wstrict-prototypes", "-Wmissing-prototypes"),
    *(
        "-Wbad-function-cast",
        "-Wunused-macros",
        "-Wredundant-decls",
        "-Wwrite-strings",
        "-Wvla",
        "-Wold-style-definition",
        "-Wformat=2",
        "-Wswitch-enum",
    ),
)
"""What a project for small machines lets its compiler warn of."""

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
"""The compilers that are here."""

_DEFINED = re.compile(r"^static inline (\w+) (\w+)\(([^)]*)\)", re.MULTILINE)


def compiled(texts, folder, *, compiler="", options=()):
    """Compile headers, and return a library with their functions, each under its own name with `call_` before it."""
    if not COMPILERS:
        pytest.skip("there is no C compiler")
    lines = []
    for at, text in enumerate(texts):
        (folder / f"header{at}.h").write_text(text, encoding="utf-8")
        lines.append(f'#include "header{at}.h"')
    for text in texts:
        for kind, name, taken in _DEFINED.findall(text):
            arguments = " ".join(taken.split())
            names = (
                []
                if arguments == "void"
                else [re.sub(r"\[.*", "", a).split()[-1].lstrip("*") for a in arguments.split(",")]
            )
            call = f"{'' if kind == 'void' else 'return '}{name}({', '.join(names)});"
            lines.append(f"{kind} call_{name}({arguments});\n{kind} call_{name}({arguments})\n{{\n    {call}\n}}")
    source, library = folder / "library.c", folder / "library.so"
    source.write_text("\n".join([*lines, ""]), encoding="utf-8")
    words = [compiler or COMPILERS[0], "-std=c99", "-O2", *WARNINGS, *options, "-fPIC", "-shared"]
    done = subprocess.run(
        [*words, str(source), "-o", str(library), "-lm"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[:3000]
    return Library(library)


class Library:
    """A compiled library, whose functions take numbers and lists of them."""

    def __init__(self, path):
        self.path, self.library = path, ctypes.CDLL(str(path))

    def call(self, name, *arguments, dtype="double", returned=True):
        """Call a function; of a list, or None, a pointer is passed, and arrays are returned after what it returns."""
        kind = {"double": ctypes.c_double, "float": ctypes.c_float}[dtype]
        found = getattr(self.library, f"call_{name}")
        found.restype = kind if returned else None
        made = [
            None if a is None else (kind * max(len(a), 1))(*a) if isinstance(a, list) else kind(a) for a in arguments
        ]
        value = found(*made)
        return value, [[*m][: len(a)] for m, a in zip(made, arguments, strict=True) if isinstance(a, list)]
