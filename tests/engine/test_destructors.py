"""Graphs are let go without recursion where the interpreter cannot guard its stack."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, sys
sys.platform = "emscripten"
import autograd_mini as ag
from autograd_mini.engine import copying, value

depth = deepest = 0
def counted(node):
    global depth, deepest
    depth += 1
    deepest = max(deepest, depth)
    copying.release_operands(node)
    depth -= 1
assert ag.engine.value.Computed.__del__ is copying.release_operands
value.Computed.__del__ = counted

def count():
    return sum(isinstance(entry, value.Computed) for entry in gc.get_objects())

x = y = ag.Value(1.0)
for _ in range(20_000):
    y = y * x + 1.0
held = y
y = (y + held).sin()
ag.gradient(y, x)
y.backward()
del y
print(count(), deepest <= 2, held.args[0].data is not None)
del held
print(count(), deepest)
"""


def test_a_chain_is_released_node_by_node_and_what_is_held_stays():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["40000", "True", "True", "0", "2"]
    assert run.stderr == ""


def test_other_systems_pay_nothing_for_it():
    from autograd_mini.engine.value import Computed

    assert (sys.platform == "emscripten") == hasattr(Computed, "__del__")
