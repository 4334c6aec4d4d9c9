"""Primitives in the compiler: a row of the table and its function on floats are enough for every backend."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_mini
from autograd_mini.compiler import BACKENDS

np = pytest.importorskip("numpy")

ROWS = """

TABLE["lambertw"] = Op("lambertw", "lambertw(x)", ("where(x == 0.0, 1.0, z / (x * (1.0 + z)))",), domain=((0.1, 5.0),),
                       doc="The w of which w exp(w) is x.")
TABLE["logaddexp"] = Op("logaddexp", "logaddexp(x, y)", ("exp(x - z)", "exp(y - z)"), doc="log(exp(x) + exp(y)).")
TABLE["trunc"] = Op("trunc", "trunc(x)", ("0.0",), domain=(STAIR,), doc="x rounded towards 0.")
"""

FUNCTIONS = """


def lambertw(x):
    w = log1p(x)
    for _ in range(60):
        w -= (w * math.exp(w) - x) / (math.exp(w) * (1.0 + w))
    return w


def logaddexp(x, y):
    return max(x, y) + log1p(math.exp(-math.fabs(x - y)))


trunc = _whole(math.trunc)
"""

PROGRAM = """
import json
import numpy as np
import autograd_mini as ag
from autograd_mini import compiler
from autograd_mini.transforms import value_and_grad

def f(x):
    return (ag.lambertw(x) * ag.logaddexp(x, 0.5) + ag.trunc(x)) ** 2

def g(x):
    return f(x[0]) + f(x[1])

found, points = {}, [0.25, 1.0, 2.5, 4.0, 3.0]
for name, row in compiler.BACKENDS.items():
    if row.available:
        one, many = ag.jit(value_and_grad(f), backend=name), ag.jit(value_and_grad(f), batched=True, backend=name)
        pair = ag.jit(value_and_grad(g), backend=name)
        calls = [pair(np.array([0.25, 2.5])) for _ in range(2)]  # the second one might be machine code called directly
        found[name] = [[one(x) for x in points], np.transpose(many(np.array(points))).tolist(),
                       [[y, slopes.tolist()] for y, slopes in calls], one.source]
print(json.dumps([ag.__file__, [value_and_grad(f)(x) for x in points], found]))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a copy of the package computes whose table has three more primitives."""
    folder = tmp_path_factory.mktemp("copy")
    package = folder / "autograd_mini"
    shutil.copytree(Path(autograd_mini.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (("ops", ROWS), ("ieee", FUNCTIONS)):
        with (package / "engine" / f"{name}.py").open("a", encoding="utf-8") as file:
            file.write(text)
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    place, eager, compiled = json.loads(done.stdout)
    assert Path(place).is_relative_to(folder)
    return eager, compiled


def test_the_engine_has_them(found):
    value, slope = found[0][1]
    w = 0.5671432904097838
    assert value == pytest.approx((w * math.log(math.e + math.exp(0.5)) + 1.0) ** 2, rel=1e-14)
    assert slope == pytest.approx(
        2.0 * math.sqrt(value) * (w / (1.0 + w) * math.log(math.e + math.exp(0.5)) + w / (1.0 + math.exp(-0.5)))
    )


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_has_them(found, name):
    if not BACKENDS[name].available:
        pytest.skip(f"{BACKENDS[name].package} is not installed")
    eager, compiled = found
    single, batch, together, source = compiled[name]
    assert single == [pytest.approx(pair, rel=1e-14) for pair in eager]
    assert batch == [pytest.approx(pair, rel=1e-14) for pair in eager]
    for value, slopes in together:
        assert value == pytest.approx(eager[0][0] + eager[2][0], rel=1e-14)
        assert slopes == pytest.approx([eager[0][1], eager[2][1]], rel=1e-14)
    assert "lambertw(x0)" in source
