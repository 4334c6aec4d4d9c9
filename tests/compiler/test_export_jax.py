"""Compiled functions inside of JAX, against JAX's own arithmetic."""

from __future__ import annotations

import pytest

import autograd_mini as ag
from autograd_mini import MLP, Parameter

np = pytest.importorskip("numpy")
jax = pytest.importorskip("jax")
jnp = jax.numpy

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2)), np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])


@pytest.fixture(autouse=True)
def _in_64_bits():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def theirs(p, x, y):
    """The loss of `loss`, as JAX's users write it."""
    hidden = jnp.tanh(x @ p[:9].reshape(3, 3)[:, :2].T + p[:9].reshape(3, 3)[:, 2])
    return jax.nn.softplus(-y * (hidden @ p[9:12] + p[12])).mean()


@pytest.fixture(params=["python", "numpy", "auto"])
def loss(request):
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    fast = ag.jit(lambda x, y: ag.softplus(-y * model(x)), batched=True, backend=request.param)
    fast.prepare(X, Y)
    return fast


@pytest.mark.parametrize("compiled", [False, True])
def test_values_gradients_and_hessians_are_those_of_jax(loss, compiled):
    f, p = loss.jax(), jnp.array([q.data for q in loss.parameters])
    wrap = jax.jit if compiled else lambda f: f

    def ours(p, x):
        return f(x, Y, parameters=p).mean()

    value, slopes = wrap(jax.value_and_grad(ours, (0, 1)))(p, X)
    expected, theirs_slopes = jax.value_and_grad(theirs, (0, 1))(p, X, Y)
    assert float(value) == pytest.approx(float(expected), rel=1e-14)
    for one, other in zip(slopes, theirs_slopes, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-11, abs=1e-15)
    hessian = wrap(jax.jacrev(jax.grad(ours)))(p, X)
    assert np.asarray(hessian) == pytest.approx(np.asarray(jax.hessian(theirs)(p, X, Y)), rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("transform", [jax.hessian, jax.jacfwd, lambda f: lambda x: jax.jvp(f, (x,), (x,))])
def test_forward_mode_is_refused_with_the_way_out(transform):
    f = ag.jit(lambda x: ag.exp(2.0 * x)).jax()
    with pytest.raises(TypeError, match=r"expected reverse mode: jax.jacrev\(jax.grad\(f\)\) is the Hessian"):
        transform(f)(0.7)
    assert float(jax.jacrev(jax.grad(f))(0.7)) == pytest.approx(4.0 * np.exp(1.4), rel=1e-14)


def test_a_third_derivative_is_that_of_the_formula():
    f = ag.jit(lambda x: ag.exp(2.0 * x)).jax()
    assert float(jax.grad(jax.grad(jax.grad(f)))(0.7)) == pytest.approx(8.0 * np.exp(1.4), rel=1e-14)


def test_vmap_runs_the_rows_of_every_example_at_once():
    f = ag.jit(lambda u, v: v * ag.sin(u)).jax()
    u, v = jnp.array([0.1, 0.2, 0.3]), jnp.array([1.0, 2.0])
    found = jax.vmap(lambda u: f(u, v))(u)
    assert np.asarray(found) == pytest.approx(np.outer(np.sin([0.1, 0.2, 0.3]), [1.0, 2.0]), rel=1e-14)
    slopes = jax.jit(jax.vmap(jax.grad(lambda u: f(u, v).sum())))(u)
    assert np.asarray(slopes) == pytest.approx(3.0 * np.cos([0.1, 0.2, 0.3]), rel=1e-14)


def test_vmap_of_a_batched_function_takes_one_example_after_the_other():
    w = Parameter(3.0)
    f = ag.jit(lambda x: w * x * x, batched=True).jax()
    assert np.asarray(jax.vmap(f)(X)) == pytest.approx(3.0 * X * X)


def test_nested_arguments_and_results_keep_their_form():
    f = ag.jit(lambda d, k: {"sum": d["u"] + d["v"][1] * k[0], "pair": (d["v"] * 2.0, k[1])}).jax()
    found = f({"v": jnp.array([2.0, 3.0]), "u": jnp.array(1.0)}, (4.0, jnp.array(5.0)))
    assert float(found["sum"]) == 13.0
    assert found["pair"][0].tolist() == [4.0, 6.0]
    assert float(found["pair"][1]) == 5.0


def test_results_have_the_dtype_of_the_arrays():
    f = ag.jit(lambda x: x * x, batched=True).jax()
    assert f(jnp.array([1.0], dtype=jnp.float32)).dtype == jnp.float32
    assert f(jnp.array([2])).dtype == jnp.float64
    assert jax.grad(lambda x: f(x).sum())(jnp.array([1.0], dtype=jnp.float32)).dtype == jnp.float32


def test_a_large_batch_inside_of_a_compiled_program_comes_to_an_end():
    w = Parameter(2.0)
    f = ag.jit(lambda x: ag.tanh(w * x), batched=True).jax()
    x = jnp.linspace(-1.0, 1.0, 300_000)
    slope = jax.jit(jax.grad(lambda p: f(x, parameters=p).mean()))(jnp.array([2.0]))
    assert float(slope[0]) == pytest.approx(float(jax.grad(lambda w: jnp.tanh(w * x).mean())(2.0)), abs=1e-12)


def test_parameters_of_another_number_are_refused(loss):
    with pytest.raises(ValueError, match=r"parameters is of shape \(1,\), expected \(13,\): one number for each"):
        loss.jax()(X, Y, parameters=jnp.zeros(1))


def test_each_sample_takes_its_own_path_under_jit_grad_and_vmap_too():
    w = Parameter(0.7)

    def root(a):
        x = a = a * w
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x

    f, a = ag.jit(root, batched=True).jax(), jnp.array([4.0, 9.0, 2.0, 4.1])
    np.testing.assert_allclose(f(a), jnp.sqrt(0.7 * a))
    slope = jax.jit(jax.grad(lambda p: f(a, parameters=p).sum()))(jnp.array([0.7]))
    np.testing.assert_allclose(slope, [jnp.sqrt(a / 0.7).sum() / 2])
    fast = ag.jit(lambda x: x * x * w if x > 0 else -x)
    fast.prepare(1.0)
    one = fast.jax()
    assert one(-1.0) == 1.0
    np.testing.assert_allclose(jax.vmap(jax.grad(one))(jnp.array([1.0, -2.0])), [1.4, -1.0])


def test_a_function_that_branches_wants_numbers_before_jax_traces_it():
    f = ag.jit(lambda x: x * x if x > 1 else -x).jax()
    with pytest.raises(ag.errors.TracingError, match="while JAX traces: call it with numbers first"):
        jax.jit(f)(2.0)
    assert f(0.5) == -0.5
    assert jax.jit(f)(2.0) == 4.0
