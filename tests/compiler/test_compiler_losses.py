"""Compiled losses of a network: the same mean loss and gradient as eager, for every loss."""

from __future__ import annotations

import math

import pytest

import autograd_mini as ag
from autograd_mini.compiler import backends
from autograd_mini.nn.losses import LOSSES

np = pytest.importorskip("numpy")

TARGETS = {
    "hinge": (1, [1.0, -1.0, 1.0, 1.0, -1.0]),
    "binary_cross_entropy": (1, [1.0, 0.0, 0.3, 1.0, 0.0]),
    "cross_entropy": (3, [0.0, 2.0, 1.0, 1.0, 0.0]),
}
BACKENDS = [name for name, row in backends.BACKENDS.items() if row.available]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_a_compiled_loss_and_its_gradient_are_those_of_eager(backend, name, scale):
    outputs, targets = TARGETS.get(name, (1, [0.5, 1.0, -1.0, 3.0, 0.0]))
    model = ag.MLP(2, [4, outputs], activation="tanh", seed=0)
    for parameter in model.layers[-1].parameters():
        parameter.data *= scale  # so that predictions are sure
    X = np.random.default_rng(0).normal(size=(5, 2))
    fast = ag.jit(lambda x, y: LOSSES[name](model(x), y), batched=True, backend=backend)
    mean = fast.backward(X, targets)
    assert all(mine is theirs for mine, theirs in zip(fast.parameters, model.parameters(), strict=True))
    found = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    total = sum(LOSSES[name](model(x), y) for x, y in zip(X.tolist(), targets, strict=True)) / 5.0
    total.backward()
    assert mean == pytest.approx(total.data, rel=1e-12, abs=1e-300)
    assert found == pytest.approx([parameter.grad for parameter in model.parameters()], rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(("name", "wrong"), [("hinge", 0.0), ("binary_cross_entropy", 1.5), ("cross_entropy", 3.0)])
def test_the_compiled_loss_of_a_target_that_is_not_allowed_is_nan(name, wrong):
    outputs = TARGETS[name][0]
    model = ag.MLP(2, [outputs], seed=0)
    fast = ag.jit(lambda x, y: LOSSES[name](model(x), y), batched=True, backend="python")
    found = fast(np.ones((2, 2)), [TARGETS[name][1][0], wrong])
    assert math.isfinite(found[0])
    assert math.isnan(found[1])


def test_the_question_whether_a_target_is_allowed_adds_few_operations():
    model, x = ag.MLP(2, [8, 8, 1], seed=0), np.ones((2, 2))

    def operations(loss, targets):
        fast = ag.jit(lambda x, t: loss(model(x), t), batched=True)
        fast.backward(x, targets)
        return fast.stats["operations"]["traced"]

    assert operations(ag.nn.hinge, [1.0, -1.0]) <= operations(lambda m, t: ag.relu(1.0 - t * m), [1.0, -1.0]) + 5
