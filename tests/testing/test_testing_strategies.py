"""The strategies: what they draw is finite, smooth, shared, short after shrinking, and readable."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, Value
from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE
from autograd_mini.testing.strategies import expressions, values

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "autograd_mini" / "testing" / "plugin"
SEARCH = settings(max_examples=2000, database=None, deadline=None)


def uses(f):
    """Return how often each intermediate result is an operand."""
    operands = [o for _, step in f.steps for o in step if isinstance(o, int)]
    return {o: operands.count(o) for o in operands if o >= len(f.point)}


@given(expressions())
def test_an_expression_is_finite_and_every_operand_is_in_its_domain(f):
    registers = list(f.point)
    for name, operands in f.steps:
        numbers = [registers[o] if isinstance(o, int) else o for o in operands]
        inside = all(low <= x <= high for x, (low, high) in zip(numbers, TABLE[name].domain, strict=True))
        assert inside or name in {"add", "mul", "sin"}  # which bring what is outside into a domain
        registers.append(function(TABLE[name])(*numbers))
    assert math.isfinite(registers[-1])
    assert registers[-1] == f(*f.point)


@given(expressions())
def test_an_expression_gives_the_same_on_values_as_on_floats(f):
    result = f(*map(Value, f.point))
    assert isinstance(result, Value)
    assert result.data == f(*f.point)


@given(expressions(max_inputs=4))
def test_every_input_and_step_of_an_expression_matters(f):
    needed = {len(f.point) + len(f.steps) - 1} | {o for _, step in f.steps for o in step if isinstance(o, int)}
    assert needed == set(range(len(f.point) + len(f.steps)))


@given(expressions(["add", "sub", "mul", "truediv", "sin", "tanh", "atan2"]))
def test_the_text_of_an_expression_runs_and_gives_its_result(f):
    names = vars(ag).copy()
    exec(repr(f), names)  # noqa: S102 - the text is ours
    assert names["f"](*f.point) == f(*f.point)


@given(values(-1, 2), values(0, 1, kind=Parameter))
def test_values_are_leaves_between_their_bounds(x, w):
    assert -1 <= x.data <= 2
    assert x.args == ()
    assert isinstance(w, Parameter)


def test_an_expression_shrinks_to_the_steps_that_matter():
    found = find(expressions(), lambda f: any(name == "exp" for name, _ in f.steps), settings=SEARCH)
    assert len(found.steps) == 1
    found = find(expressions(), lambda f: 2 in uses(f).values(), settings=SEARCH)
    assert len(found.steps) == 2
    assert found.point == (0.0,)


def test_a_failing_test_shows_the_text_of_its_expression():
    @settings(SEARCH, max_examples=50, derandomize=True, phases=[Phase.generate, Phase.shrink])
    @given(expressions(["exp"]))
    def refuse(f):
        raise ValueError(f.steps[0][0])

    with pytest.raises(ValueError, match="exp") as error:
        refuse()
    assert "def f(x0):\n" in error.value.__notes__[0]
    assert "v0 = exp(x0)\n" in error.value.__notes__[0]
    assert "_Draft" not in error.value.__notes__[0]


def test_intermediate_results_are_often_shared():
    shared = []

    @settings(max_examples=200, database=None, derandomize=True)
    @given(expressions())
    def collect(f):
        shared.append(any(count > 1 for count in uses(f).values()))

    collect()
    assert sum(shared) > 10  # Hypothesis draws by the constants in the package: which 200 it tries changes with these


def test_operations_are_rows_of_the_table():
    with pytest.raises(ValueError, match="operations has 'exponential'"):
        expressions(["exponential"])


def test_hypothesis_knows_values_by_their_type():
    code = """if True:
        import autograd_mini_hypothesis
        from hypothesis import find, strategies as st
        from autograd_mini import Parameter, Value
        autograd_mini_hypothesis.register()
        print(find(st.from_type(Value), lambda x: x.data > 3), type(find(st.from_type(Parameter), bool)).__name__)
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGIN}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Value(data=4.0) Parameter"


@given(st.data())
def test_a_number_of_a_value_strategy_is_finite(data):
    assert math.isfinite(data.draw(values()).data)
