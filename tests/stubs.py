"""Write the type stub of what the table of operations gives: `python tests/stubs.py`, after a change of the table.

`autograd_mini/engine/methods.pyi` is where type checkers and editors find the methods of Value and the functions of the
same names, with their docstrings. `tests/house/test_types.py` fails where the file is not what the table says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from autograd_mini.engine.functions import ROWS
from autograd_mini.engine.operators import NUMPY_NAMES
from autograd_mini.engine.ops import ARITHMETIC, TABLE, Op

STUB = Path(__file__).parent.parent / "autograd_mini" / "engine" / "methods.pyi"
COMMAND = "python tests/stubs.py"

HEAD = f'''\
"""What the table of operations gives, for type checkers and editors: the methods of Value, and the functions.

Written by `{COMMAND}`: change the table, `ops.py`, and run that. There is no code behind this file, since
`operators.py` makes the methods and `functions.py` the functions.
"""

from typing import TypeVar, overload

from autograd_mini.engine.value import Value

Scalar = TypeVar("Scalar", Value, float, Value | float)
"""A type that a function keeps: a Value for a Value, a float for a number."""

'''

COMPARISONS = {"lt": "less than", "le": "at most", "gt": "greater than", "ge": "at least"}

BINARY = """\
@overload
def {name}(x: Value, y: Value | float{default}, /) -> Value: ...
@overload
def {name}(x: float, y: Value, /) -> Value: ...
@overload
def {name}(x: float, y: float{default}, /) -> float:
"""


def stub() -> str:
    """Return the text of the stub."""
    rows = [row for row in TABLE.values() if row.builtin]
    lines = [
        HEAD,
        "__all__: list[str] = [\n",
        *(f'    "{name}",\n' for name in sorted(ROWS)),
        "]\n\n",
        "class Methods:\n",
    ]
    for name, words in COMPARISONS.items():
        lines += _method(f"__{name}__", ", other: Value | float", f"Whether the number is {words} the other.", "bool")
    for row in rows:
        if row.method in ARITHMETIC:
            doc = docstring(row)
            lines += _method(f"__{row.method}__", ", other: Value | float", doc)
            lines += _method(f"__r{row.method}__", ", other: float", doc)
            continue
        if row.method:  # Python passes the digits of round() as a whole number
            operand = ", ndigits: int = 0" if len(row.operands) == 2 else ""
            lines += _method(f"__{row.method}__", operand, docstring(row))
        lines += _method(row.name, _second(row), docstring(row))
    for name, row_name in NUMPY_NAMES.items():
        lines += _method(name, _second(TABLE[row_name]), f"NumPy's name for `{row_name}`.")
    for name in ROWS:
        row = TABLE[name]
        if len(row.operands) == 1:
            lines.append(f"\ndef {name}(x: Scalar, /) -> Scalar:\n")
        else:
            lines.append("\n" + BINARY.format(name=name, default="" if row.default is None else f" = {row.default!r}"))
        lines += _text(docstring(row), "    ")
    return "".join(lines)


def docstring(row: Op) -> str:
    """Return what `help` shows of the function of a row."""
    return f"{row.doc}\n\nValue: {row.value}. Partial derivatives: {'; '.join(row.partials)}."


def _second(row: Op) -> str:
    default = "" if row.default is None else f" = {row.default!r}"
    return f", y: Value | float{default}" if len(row.operands) == 2 else ""


def _method(name: str, operand: str, doc: str, result: str = "Value") -> list[str]:
    return [f"    def {name}(self{operand}) -> {result}:\n", *_text(doc, " " * 8)]


def _text(doc: str, indent: str) -> list[str]:
    first, *rest = doc.split("\n")
    if not rest:
        return [f'{indent}"""{first}"""\n']
    return [f'{indent}"""{first}\n', *(f"{indent}{line}\n" if line else "\n" for line in rest), f'{indent}"""\n']


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
    sys.stdout.write(f"wrote {STUB.name}: {len(ROWS)} functions\n")
