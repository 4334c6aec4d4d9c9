"""Property tests with Hypothesis, and a gradient test."""

from hypothesis import given

from autograd_mini import Value
from autograd_mini.testing import gradtest, mutants
from autograd_mini.testing.strategies import Expression, expressions, values


@given(values(0.0, 1.0))
def test_a_value_is_its_own_square_root_squared(x: Value) -> None:
    assert abs((x.sqrt() ** 2 - x).data) < 1e-15


@given(expressions(["add", "mul"], max_operations=3))
def test_an_expression_has_a_value(f: Expression) -> None:
    print(f(*f.point))


def twice(x: float) -> float:
    return 2 * x


@gradtest(twice, domain={"x": (-3, 3)})
def square(x: float) -> float:
    return x * x


square.test()
test_a_value_is_its_own_square_root_squared()
test_an_expression_has_a_value()
print(len(mutants(test_a_value_is_its_own_square_root_squared)))
