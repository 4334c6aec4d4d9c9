"""Extras: without an optional package, what needs it names the extra that brings it, and the rest works."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import autograd_mini
from autograd_mini.extras import EXTRAS, extra, pip

PACKAGE = Path(autograd_mini.__file__).parent
BEGIN = """
import sys
for package in {packages}:
    sys.modules[package] = None
import autograd_mini as ag
from autograd_mini import MLP, datasets, fit
X, y = datasets.moons(40)
model = MLP(2, [3, 1], seed=0)
w = ag.Parameter(0.5, label="w")
z = ag.tanh(2.0 * w)
def loss(x, y):
    return ag.softplus(-y * w * x)
def trained(**settings):
    return fit(MLP(2, [3, 1], seed=0), X, y, loss="binary_cross_entropy", optimizer="sgd", lr=0.1, epochs=1, **settings)
def message(call):
    try:
        call()
    except ImportError as error:
        return str(error)
"""
NEEDS = [
    ("numpy", "ag.jit(loss, batched=True)([1.0, 2.0], [1.0, 1.0])", "jit"),
    ("numpy", "ag.jit(loss, batched=True, backend='python').backward([1.0, 2.0], [1.0, 1.0])", "jit"),
    ("numpy", "ag.jit(loss).value_and_grad([0.1], 1.0, 1.0)", "jit"),
    ("numpy", "model.jit()(X)", "jit"),
    ("numpy", "trained(compile=True)", "jit"),
    ("numpy", "trained(compile='python')", "jit"),
    ("numpy", "model.save('m.safetensors')", "safetensors"),
    ("numpy", "ag.hessian(lambda x: x[0] * x[1], sparse=True)([1.0, 2.0])", "sparse"),
    ("numpy", "ag.plot.loss_curve(trained())", "plot"),
    ("llvmlite", "ag.jit(loss, backend='llvm')(1.0, 1.0)", "jit"),
    ("llvmlite", "ag.jit(loss, backend='vm')(1.0, 1.0)", "jit"),
    ("llvmlite", "trained(compile='llvm')", "jit"),
    ("scipy", "ag.hessian(lambda x: x[0] * x[1], sparse=True)([1.0, 2.0])", "sparse"),
    ("sympy", "ag.sympy(z)", "sympy"),
    ("safetensors", "ag.load('m.safetensors')", "safetensors"),
    ("matplotlib", "ag.plot.loss_curve(trained())", "plot"),
    ("pyarrow", "ag.scan('m.parquet')", "arrow"),
    ("onnx", "model.export('m.onnx')", "onnx"),
    ("torch", "ag.jit(loss).torch()", "torch"),
    ("jax", "ag.jit(loss).jax()", "jax"),
]
"""A package, a call that needs it, and the extra that the message names."""
WORKS = ["ag.jit(loss)(1.0, 1.0)", "trained()", "trained(progress=True)", "ag.hessian(lambda x: x[0] ** 3)([2.0])"]
"""Calls that need no package."""


def run(packages, lines):
    """Run lines in a process without some packages, and return what it prints."""
    program = BEGIN.format(packages=packages) + "\n".join(lines)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("package", sorted({package for package, _, _ in NEEDS}))
def test_what_needs_a_package_names_the_extra_that_brings_it(package):
    calls = [(call, name) for needed, call, name in NEEDS if needed == package]
    said = run([package], [f"print(message(lambda: {call}))" for call, _ in calls])
    for (call, name), text in zip(calls, said, strict=True):
        assert f"pip install 'autograd_mini[{name}]'" in text, call
        assert " needs " in text


def test_without_any_optional_package_the_rest_works():
    assert run([*EXTRAS, "hypothesis"], [f"print(message(lambda: {call}))" for call in WORKS]) == ["None"] * 4


def test_a_package_that_is_there_and_does_not_load_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("raise ImportError('no libGL')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"^it needs broken_package, which cannot be imported \(no libGL\): pip"):
        extra("broken_package", "it")
    with pytest.raises(ModuleNotFoundError, match=r"no_such, which is not installed: pip install no_such, or wait"):
        extra("no_such.part", "a picture", "wait")


def test_every_extra_that_is_named_brings_its_package():
    path = PACKAGE.parent / "pyproject.toml"
    if not path.exists():
        pytest.skip("the package is installed, and its project is not here")
    extras = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for package, name in EXTRAS.items():
        assert any(line.replace("-", "_").startswith(package) for line in extras[name]), (package, name)
        assert pip(package) == f"pip install 'autograd_mini[{name}]'"


def test_the_command_that_installs_is_written_in_one_place():
    for path in PACKAGE.rglob("*.py"):
        if path.name == "extras.py" or "notebooks" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body
            if isinstance(node.body[0], ast.Expr)
        }
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        assert [n.value for n in texts if "pip install" in n.value and id(n) not in documentation] == [], path


def test_what_the_tests_import_is_part_of_the_extras_that_the_readme_installs_for_them():
    root = PACKAGE.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("the package is installed, and its project is not here")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras, named, waiting = project["optional-dependencies"], {"graphviz"}, ["all", "test"]
    while waiting:
        for needed in extras[waiting.pop()]:
            package, _, parts = re.split(r"[<>=;\]]", needed)[0].partition("[")
            named.add(package.strip().replace("-", "_"))
            waiting += parts.split(",") if package == project["name"] else []
    own = {path.stem for path in (root / "tests").rglob("*")} | {"autograd_mini"}
    missing = []
    for path in sorted((root / "tests").rglob("*.py")):
        if {"bench", "fuzz", "typed"} & {*path.parts}:
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            listed = node.names if isinstance(node, ast.Import) else []
            names = [node.module] if isinstance(node, ast.ImportFrom) else [name.name for name in listed]
            packages = {name.partition(".")[0] for name in names} - own - named - sys.stdlib_module_names
            missing += [(path.name, package) for package in packages if f'"{package}' not in text]
    assert missing == []
