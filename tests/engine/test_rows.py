"""Rows: one edit adds an operation that works everywhere, and every algebra covers every row of the table."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_mini as ag
from autograd_mini import Value
from autograd_mini.compiler import BACKENDS, tracer
from autograd_mini.compiler.export import onnx
from autograd_mini.compiler.python import scalar
from autograd_mini.compiler.tape import Builder
from autograd_mini.engine import codegen, rules
from autograd_mini.engine.formula import evaluate, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.ops import TABLE
from autograd_mini.notation.sympy_expressions import SympyAlgebra
from autograd_mini.site import operations
from autograd_mini.transforms.series import Series, SeriesAlgebra
from autograd_mini.viz import javascript
from autograd_mini.viz.expressions import Numbers
from autograd_mini.viz.partials import local_derivative

PACKAGE = Path(ag.__file__).parent
ROWS = [row for row in TABLE.values() if row.builtin]

# --- a row is enough ---

LAST_ROW = ")  # fmt: skip\n"
FORMULA = '    Op("softsign", "x / (1.0 + abs(x))", ("1.0 / (1.0 + abs(x)) ** 2.0",), doc="x / (1 + |x|)."),\n'
PRIMITIVE = '    Op("exp4", "exp4(x)", ("1.3862943611198906 * z",), doc="4 to the power x."),\n'
FUNCTION = '\n\ndef exp4(x: float) -> float:\n    """4 to the power x."""\n    return pow(4.0, x)\n'
AVAILABLE = [name for name, backend in BACKENDS.items() if backend.available]


@pytest.mark.parametrize(
    ("name", "row", "function"),
    [("softsign", FORMULA, ""), ("exp4", PRIMITIVE, FUNCTION)],
    ids=["formula", "primitive"],
)
def test_a_row_is_enough(name, row, function, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name)
    engine = tmp_path / PACKAGE.name / "engine"
    table, functions = engine / "ops.py", engine / "ieee.py"
    before, end, after = table.read_text(encoding="utf-8").partition(LAST_ROW)
    assert end
    table.write_text(before + row + end + after, encoding="utf-8")
    functions.write_text(functions.read_text(encoding="utf-8") + function, encoding="utf-8")
    here = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(here / "one_row.py"), name, *AVAILABLE]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{name} works\n"


# --- every algebra covers every row ---


def point(row):
    """Return operands inside the domain of a row."""
    return [low + 0.4 * (high - low) for low, high in row.domain]


def partials(row, at):
    leaves = [Value(number) for number in at]
    rules.compiled(row).forward(*leaves).backward()
    return [leaf.grad for leaf in leaves]


def as_text(algebra, row, at):
    """Run a call of the row, as text of Python among the names that generated functions have."""
    call = algebra.write((row.name, *row.operands))
    names = rules.NAMESPACE | {"ieee": rules.ieee, codegen.on_floats(row.name): rules.compiled(row).floats}
    return eval(call, names | dict(zip(row.operands, at, strict=True)))  # noqa: S307 - the text under test


def as_series(row, at):
    """Return the sum of the partials: the coefficient of order 1 where every operand moves at the same pace."""
    series = SeriesAlgebra().apply(row.name, [Series([number, 1.0]) for number in at])
    assert series[0] == rules.compiled(row).floats(*at)
    assert series[1] == pytest.approx(sum(partials(row, at)), rel=1e-12, abs=1e-12)
    return series[0]


def as_numbers(row, at):
    tree = parse(f"{row.name}({', '.join(row.operands)})", row.operands)
    floats = dict(zip(row.operands, at, strict=True))
    values = {name: Value(number) for name, number in floats.items()}
    assert evaluate(tree, Numbers(), values).data == evaluate(tree, Numbers(), floats)
    return evaluate(tree, Numbers(), floats)


def as_written(row, at):
    """Write every partial for readers; return the value, which only that of the others can be compared with."""
    z = rules.compiled(row).floats(*at)
    for wanted in row.operands:
        names = {name: name for name in (*row.operands, "z")}
        text = local_derivative(row, wanted, names, dict(zip((*row.operands, "z"), (*at, z), strict=True)))
        assert text
        assert "nan" not in text
    return z


def as_sympy(row, at):
    sympy = pytest.importorskip("sympy")
    algebra = SympyAlgebra()
    symbols = [algebra.variable(name) for name in row.operands]
    found = algebra.apply(row.name, symbols)
    if found.has(sympy.core.function.AppliedUndef):
        assert row.name == "round"  # SymPy has no rounding of halves to even
        return rules.compiled(row).floats(*at)
    return float(found.subs(dict(zip(symbols, at, strict=True))).evalf(30))


def as_tape(row, at):
    """Run the row as the compiler's builder writes it out."""
    builder = Builder(len(at))
    results = scalar(builder.finished([builder.apply(row.name, *map(builder.input, range(len(at))))]))(at)
    return results[0]


def as_symbols(row, at):
    """Multiply each partial as a trace of the compiler does; the numbers are Values, so that its graph is there too."""
    leaves = [Value(number) for number in at]
    node = getattr(tracer.SYMBOLS, f"{row.name}_")(*leaves)
    slopes = [times(node, 1.0) for times in tracer.partials(row, "xy"[: len(at)])]
    assert [getattr(slope, "data", slope) for slope in slopes] == pytest.approx(partials(row, at), rel=1e-12)
    return node.data


def as_scripts(row, at):
    """Write the row and its partials in JavaScript; tests of pages run them, on every row, beside Python."""
    rows = javascript.Rows()
    rows.key(row)
    assert f'"{row.name}": [' in rows.text()
    return rules.compiled(row).floats(*at)


def as_alternatives(row, at):
    """Write every partial of a node with the cases that it distinguishes, as a page that moves leaves needs it."""
    node = getattr(ON_VALUES, row.name)(*map(Value, at))
    called = {part: "xyz"[index] for index, part in enumerate((*node.args, node))}
    for position in range(len(node.args)):
        text = javascript._changing_formula(node, position, called, javascript.Rows())
        assert not text or text.startswith("(x, y, z) => ")
    return node.data


def as_typeset(row, at):
    """Write the row and its partials in LaTeX with their cases; tests of the site read them as mathematics."""
    assert all(str(operations._typeset(row, formula)) for formula in (row.value, *row.partials))
    return rules.compiled(row).floats(*at)


def as_onnx(row, at):
    """Write the row in ONNX, or find it refused by name; tests of networks run what is written."""
    pytest.importorskip("onnx")
    try:
        found = onnx.Graph("float64").apply(row.name, list(row.operands))
    except ValueError as error:
        found = str(error)
    assert found.startswith(("v", "number ", *row.operands, "the operation is '"))
    return rules.compiled(row).floats(*at)


ALGEBRAS = {
    "_Text": lambda row, at: as_text(codegen._QUICK, row, at),
    "_Careful": lambda row, at: as_text(codegen._CAREFUL, row, at),
    "_ValueText": lambda row, at: as_text(codegen._ON_VALUES, row, at),
    "_Calls": as_tape,
    "SeriesAlgebra": as_series,
    "Numbers": as_numbers,
    "Written": as_written,
    "Rows": as_scripts,
    "_Alternatives": as_alternatives,
    "_Typesetting": as_typeset,
    "Graph": as_onnx,
    "SympyAlgebra": as_sympy,
    "_Symbols": as_symbols,
}
"""Every algebra that formulas are evaluated over, by the name of its class: the value of a row at a point."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("algebra", ALGEBRAS)
def test_every_algebra_covers_every_row(algebra, row):
    at = point(row)
    assert ALGEBRAS[algebra](row, at) == pytest.approx(getattr(ON_VALUES, row.name)(*at), rel=1e-14, abs=1e-15)


def test_no_algebra_is_left_out():
    """A class that says what a choice is, is an algebra, or one derived from such a class."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name not in {"Algebra", "Decided"}:
                bases = {ast.unparse(base) for base in node.bases}
                said = {ast.unparse(part.targets[0]) for part in node.body if isinstance(part, ast.Assign)}
                said |= {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
                if "where" in said or bases & {*ALGEBRAS, "Decided"}:
                    found.add(node.name)
    assert found == set(ALGEBRAS)
