"""Mutants of derivatives written by hand: what they return is made wrong, and tests should notice."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.testing import assert_grad, mutants
from autograd_mini.testing.wrong_results import CHANGES, function_of, replaced, times

np = pytest.importorskip("numpy")

W = np.array([[0.5, -1.2], [0.8, 2.0]])


def loss(w):
    return float(np.sum(w**3) + w[0, 1] * w[1, 1])


def gradient(w):
    return 3 * w**2 + np.array([[0, w[1, 1]], [0, w[0, 1]]])


def fates(*tests, **options):
    return {m.operand: bool(m.noticed) for m in mutants(*tests, **options)}


def test_a_test_of_every_number_notices_every_mistake_and_a_test_of_a_norm_does_not():
    known = gradient(W)

    def test_of_all():
        np.testing.assert_allclose(gradient(W), known, rtol=1e-9)
        np.testing.assert_allclose(gradient(2 * W), gradient(W) * 4 - 2 * (gradient(W) - 3 * W**2), rtol=1e-9)

    def test_of_the_norm():
        assert abs(np.linalg.norm(gradient(W)) - np.linalg.norm(known)) < 0.05 * np.linalg.norm(known)

    assert set(fates(test_of_all, of=gradient).values()) == {True}
    living = {word for word, noticed in fates(test_of_the_norm, of=gradient).items() if not noticed}
    assert living == {"times -1", "times 1.01", "off by one", "transposed", "swapped"}


def test_a_check_notices_all_that_a_mistake_changes():
    def test():
        assert_grad(loss, gradient, at=W)

    assert set(fates(test, of=gradient).values()) == {True}


def test_what_is_never_called_or_never_changes_is_said():
    def test_of_nothing():
        pass

    def symmetric():
        return np.eye(2)

    def test_once():
        assert symmetric().shape == (2, 2)

    assert all("used by no test" in str(m) for m in mutants(test_of_nothing, of=gradient))
    transposed = next(m for m in mutants(test_once, of=symmetric) if m.operand == "transposed")
    assert transposed.lives
    assert not transposed.reached
    assert "symmetric, transposed, lives" in str(transposed)
    assert transposed.line == symmetric.__code__.co_firstlineno


def test_a_result_of_the_call_before_is_noticed_by_who_calls_twice():
    def slope(x):
        return 2 * x

    def test_once():
        assert slope(3.0) == 6.0

    def test_twice():
        assert (slope(3.0), slope(1.0)) == (6.0, 2.0)

    assert "one call behind" not in fates(test_once, of=slope)
    assert fates(test_twice, of=slope)["one call behind"]


def test_methods_wrappers_and_rules_are_changed_wherever_they_are_referred_to():
    class Model:
        def __init__(self):
            self.scale = 2.0

        def gradient(self, w):
            return self.scale * w

        @staticmethod
        def slope(w):
            return 2 * w

        @property
        def curvature(self):
            return 2.0

        def __call__(self, w):
            return 2 * w

    model = Model()
    bound, cached = model.gradient, functools.lru_cache(lambda w: 2 * w)

    def test():
        assert bound(3.0) == model.gradient(3.0) == Model.slope(3.0) == model(3.0) == 6.0
        assert cached.__wrapped__(3.0) == functools.partial(bound, 3.0)() == 6.0
        assert model.curvature == 2.0

    for of in (model.gradient, Model.gradient, Model.slope, model, cached, functools.partial(bound), Model.curvature):
        assert fates(test, of=of)["times -1"], of
    test()
    for compiled in (np.sin, len, functools.partial(np.sin)):
        with pytest.raises(TypeError, match="expected a function in Python"):
            mutants(test, of=compiled)


def test_the_backward_pass_of_a_function_of_pytorch_is_changed():
    torch = pytest.importorskip("torch")

    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, _power):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y, g * x, None

    at = torch.tensor([0.3, 0.7, 1.5], dtype=torch.float64), torch.tensor([1.2, -0.4, 2.5], dtype=torch.float64)

    def test_of_x():
        x, y = (part.clone().requires_grad_() for part in at)
        Both.apply(x, y, 2).sum().backward()
        assert torch.allclose(x.grad, y)

    def test_of_all():
        torch.autograd.gradcheck(lambda x, y: Both.apply(x, y, 2), tuple(part.clone().requires_grad_() for part in at))

    living = {word for word, noticed in fates(test_of_x, of=Both).items() if not noticed}
    assert living == {"without its last number"}
    found = mutants(test_of_x, test_of_all, of=Both)
    assert all(m.noticed for m in found)
    assert next(m for m in found if m.operand == "without its last number").noticed == "test_of_all"


def test_a_rule_of_jax_and_a_compiled_gradient_are_changed():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (jnp.cos(x) * g,))
    slope = jax.jit(lambda x: jnp.cos(x) * 2)
    at = jnp.array([0.3, 0.7, 1.1])
    slope(at)  # compiled before

    def test_of_a_rule():
        assert jnp.allclose(jax.jit(jax.grad(lambda x: sine(x).sum()))(at), jnp.cos(at), rtol=1e-3)

    def test_of_a_gradient():
        assert jnp.allclose(slope(at), 2 * jnp.cos(at), rtol=1e-3)

    for test, of in ((test_of_a_rule, sine), (test_of_a_gradient, slope)):
        found = fates(test, of=of)
        assert set(found) == {"times -1", "times 1.01", "off by one", "swapped", "without its last number"}
        assert all(found.values())
        test()


@given(st.recursive(st.floats(-9, 9), lambda inner: st.lists(inner, min_size=1, max_size=3) | st.tuples(inner, inner)))
def test_a_mistake_keeps_the_shape_of_a_result(result):
    def shape(part):
        return [type(part), *map(shape, part)] if isinstance(part, (list, tuple)) else type(part)

    for change in (*CHANGES.values(), times(-1.0)):
        changed = change(result)
        assert changed is None or sorted(str(shape(changed))) == sorted(str(shape(result)))


@pytest.mark.parametrize("cells", range(4))
def test_a_function_is_replaced_with_its_closure_and_put_back(cells):
    a, b, c = 1.0, 2.0, 3.0
    function = [
        lambda x, y=1.0, *, z=2.0: x + y + z,
        lambda x, y=1.0, *, z=2.0: x + y + z + a,
        lambda x, y=1.0, *, z=2.0: x + y + z + a + b,
        lambda x, y=1.0, *, z=2.0: x + y + z + a + b + c,
    ][cells]
    before = function(1.0), function(1.0, 5.0, z=7.0)
    with replaced(function, lambda original, *args, **named: -original(*args, **named)):
        assert (function(1.0), function(1.0, 5.0, z=7.0)) == tuple(-x for x in before)
        with pytest.raises(TypeError):
            function(1.0, w=3)
    assert (function(1.0), function(1.0, 5.0, z=7.0)) == before
    assert not hasattr(function, "__signature__")


def test_the_function_of_an_object_without_one_is_refused():
    with pytest.raises(TypeError, match="expected a function in Python"):
        function_of(SimpleNamespace())


def test_the_plugin_lists_the_mutants_of_a_gradient_by_name(tmp_path):
    (tmp_path / "mine.py").write_text("def slope(x):\n    return 2 * x\n")
    (tmp_path / "test_mine.py").write_text("from mine import slope\n\ndef test_slope():\n    assert slope(3.0) > 0\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--grad-mutants-of", "mine:slope", "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{Path('mine.py')}:1:1: slope, times 1.01, lives: no test noticed" in run.stdout.replace(f"{tmp_path}/", "")
    assert "1 of 3 mutants live" in run.stdout


@pytest.mark.parametrize("name", ["mine:slop", "nothing:slope", "math:sin", "math"])
def test_a_name_that_is_no_function_is_an_error_of_usage(name, tmp_path):
    (tmp_path / "mine.py").write_text("def slope(x):\n    return 2 * x\n")
    (tmp_path / "test_mine.py").write_text("def test_nothing():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--grad-mutants-of", name, "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: --grad-mutants-of is {name!r}, expected MODULE:FUNCTION" in run.stderr
    assert "INTERNALERROR" not in run.stdout + run.stderr
