"""Compiled training: the same results as eager training, and the runs that are not compiled."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import MLP, Module, Parameter, Value, anomaly, datasets, exp, relu, where
from autograd_mini.errors import DivergedError, TracingError
from autograd_mini.nn.losses import LOSSES
from autograd_mini.optim import SGD, Adam, ExponentialLR
from autograd_mini.train import fit
from autograd_mini.train.progress import Progress

pytest.importorskip("numpy")

MOONS = datasets.moons(60, noise=0.2, seed=0)


def same(first, second):
    """Return whether two lists of numbers, or two histories, are equal but for rounding."""
    if hasattr(first, "columns"):
        return first.columns.keys() == second.columns.keys() and all(
            same(first[name], second[name]) for name in first.columns
        )
    return first == pytest.approx(second, rel=1e-9, abs=1e-12)


def both(make, X, y, compiled="numpy", **arguments):
    """Train two models, one compiled, and return (history, model) of each."""
    runs = []
    for compile in (False, compiled):  # noqa: A001 - what fit calls it
        model = make()
        runs.append((fit(model, X, y, compile=compile, **arguments), model))
    (eager, left), (fast, right) = runs
    assert eager.backend == "eager"
    assert fast.backend == ("llvm" if compiled is True else compiled)
    assert same(eager, fast)
    assert same([p.data for p in left.parameters()], [p.data for p in right.parameters()])
    assert same([p.grad for p in left.parameters()], [p.grad for p in right.parameters()])
    return runs


OPTIMIZERS = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01},
    {"optimizer": "sgd", "momentum": 0.8, "nesterov": True},
    {"optimizer": "sgd", "momentum": 0.8, "dampening": 0.3, "lr": 0.05},
    {"optimizer": "adam"},
    {"optimizer": "adam", "amsgrad": True, "weight_decay": 0.01},
    {"optimizer": "adamw", "betas": (0.8, 0.9)},
    {"optimizer": "adam", "clip_norm": 0.05},
    {"optimizer": "adam", "maximize": True, "lr": 1e-3},
    {"optimizer": "sgd", "momentum": 0.5, "schedule": lambda optimizer: ExponentialLR(optimizer, 0.5)},
]


@given(
    chosen=st.sampled_from(OPTIMIZERS),
    size=st.sampled_from([1, 7, 8, 9, 60, 1001, None]),
    loss=st.sampled_from(["binary_cross_entropy", "mse", "mae", "huber", "rss"]),
    activation=st.sampled_from(["tanh", "relu", "gelu", "sigmoid"]),
    seed=st.integers(0, 99),
    validate=st.booleans(),
    compiled=st.sampled_from(["numpy", "llvm", "llvm"] if find_spec("llvmlite") else ["numpy"]),
)
@settings(max_examples=40)
def test_compiled_training_gives_what_eager_training_gives(chosen, size, loss, activation, seed, validate, compiled):
    X, y = MOONS
    both(
        lambda: MLP(2, [3, 1], activation=activation, seed=seed),
        X,
        y,
        compiled,
        loss=loss,
        epochs=3,
        batch_size=size,
        seed=seed,
        validation=datasets.moons(11, noise=0.2, seed=1) if validate else None,
        **{"lr": 0.01, **chosen},
    )


def test_several_outputs_and_several_classes_train_compiled():
    X, y = datasets.iris()
    both(lambda: MLP(4, [3, 3], seed=1), X, y, loss="cross_entropy", epochs=2)
    both(lambda: MLP(2, [3, 2], seed=1), X := MOONS[0], [[a, b] for a, b in X], loss="mse", epochs=2)
    signs = [2 * label - 1 for label in MOONS[1]]
    both(lambda: MLP(2, [3, 1], seed=1), MOONS[0], signs, loss="hinge", epochs=2)


def test_llvm_trains_to_what_eager_training_gives():
    pytest.importorskip("llvmlite")
    both(lambda: MLP(2, [4, 1], seed=2), *MOONS, compiled=True, loss="binary_cross_entropy", epochs=3, optimizer="adam")


class Curve(Module):
    """A model of one's own: a * exp(-b * x), where c is not used."""

    def __init__(self):
        """Start anywhere."""
        self.a, self.c, self.b = Parameter(1.0, label="a"), Parameter(3.0, label="c"), Parameter(0.1, label="b")

    def __call__(self, row):
        """Return the height of the curve."""
        return self.a * exp(-self.b * row[0])


CURVE = [[x / 10] for x in range(40)], [2 * 2.718 ** (-x / 20) for x in range(40)]


def test_a_model_and_a_loss_of_ones_own_train_compiled_whatever_they_use():
    asymmetric = lambda p, t: where(p > t, 2.0, 1.0) * (p - t) ** 2  # noqa: E731 - as users write it
    both(Curve, *CURVE, loss=asymmetric, epochs=5, lr=0.01)
    both(Curve, *CURVE, loss=asymmetric, epochs=5, lr=0.01, momentum=0.5, weight_decay=0.1)


def test_a_loss_may_use_a_value_that_is_not_trained():
    stiffness = Value(0.3)
    (_, _), (_, model) = both(Curve, *CURVE, loss=lambda p, t: (p - t) ** 2 + stiffness * p**2, epochs=2, lr=0.01)
    assert stiffness.data == 0.3
    assert model.c.data == 3.0


def test_an_optimizer_of_part_of_the_parameters_leaves_the_others_alone():
    class Head(Curve):
        def head(self):
            return [self.b]

    for compile in (False, "numpy"):  # noqa: A001 - as above
        model = Head()
        fit(model, *CURVE, loss="mse", optimizer=SGD(model.head(), lr=0.1), epochs=3, compile=compile)
        assert model.a.data == 1.0
        assert model.b.data != 0.1


def test_an_optimizer_of_ones_own_steps_on_the_parameters_themselves():
    class Signs:
        def __init__(self, params):
            self.params = list(params)

        def zero_grad(self):
            for p in self.params:
                p.grad = 0.0

        def step(self):
            for p in self.params:
                p.data -= 0.01 * (1 if p.grad > 0 else -1)

    class Half(SGD):
        def step(self):
            super().step()
            for p in self.param_groups[0]["params"]:
                p.data *= 0.999

    both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", optimizer=Signs, epochs=2)
    both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", optimizer=Half, lr=0.01, epochs=2)


def test_an_optimizer_whose_parameters_took_different_numbers_of_steps_goes_on_from_there():
    def warmed():
        model = MLP(2, [3, 1], seed=0)
        optimizer = Adam(model.parameters(), lr=0.01)
        for parameter in model.parameters()[:5]:
            parameter.grad = 0.1
        for parameter in model.parameters()[5:]:
            parameter.grad = None
        optimizer.step()
        return model, optimizer

    ends = []
    for compile in (False, "numpy"):  # noqa: A001 - as above
        model, optimizer = warmed()
        fit(model, *MOONS, loss="mse", optimizer=optimizer, epochs=2, compile=compile)
        ends.append(([p.data for p in model.parameters()], optimizer.state_dict()["state"]["step"]))
    assert same(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


# Metrics


def test_metrics_that_branch_are_measured_from_predictions_of_the_moment():
    def near(prediction, target):
        return 1.0 if abs(prediction - target) < 0.5 else 0.0

    def square(prediction, target):
        return (prediction - target) ** 2

    for metrics in ({"near": near}, {"square": square}, {"square": square, "near": near}):
        runs = both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", metrics=metrics, epochs=3, validation=MOONS)
        if "square" in metrics:
            assert same(runs[1][0]["square"], runs[1][0].loss)


def test_a_metric_that_looks_at_nothing_is_measured_all_the_same():
    both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", metrics={"one": lambda _p, _t: 1.0}, epochs=2)


# What is not compiled


def refused(loss=None, model=None, **arguments):
    """Train with compile="auto" and return why that was eager, after seeing that compile=True raises."""
    arguments = {"epochs": 2, "lr": 0.01, **arguments}
    loss = loss or "mse"
    with pytest.raises(TracingError):
        fit(model or MLP(2, [50, 1], seed=0), *MOONS, loss=loss, compile=True, **arguments)
    history = fit(model or MLP(2, [50, 1], seed=0), *MOONS, loss=loss, **arguments)
    assert history.backend == "eager"
    return history.why


def test_a_loss_that_branches_on_numbers_trains_eagerly_and_says_where():
    why = refused(lambda p, t: p * p if p.data > t else p)
    assert __file__ in why


def test_a_loss_that_draws_random_numbers_trains_eagerly():
    why = refused(lambda p, t: (p - t - random.gauss(0.0, 0.1)) ** 2)
    assert "random numbers" in why


def test_a_loss_that_counts_its_calls_trains_eagerly():
    calls = []

    def loss(p, t):
        calls.append(0)
        return (p - t) ** 2 * (1.0 + len(calls) % 2)

    assert "changes from call to call" in refused(loss)


def test_targets_that_are_no_numbers_train_eagerly():
    X, y = MOONS
    names = ["one" if label else "zero" for label in y]
    history = fit(
        MLP(2, [50, 1], seed=0), X, names, loss=lambda p, t: (p - (t == "one")) ** 2, epochs=1, lr=0.01, compile="auto"
    )
    assert history.backend == "eager"
    assert "targets" in history.why


def test_inside_of_anomaly_training_is_eager_so_that_every_operation_is_seen():
    with anomaly():
        history = fit(MLP(2, [50, 1], seed=0), *MOONS, loss="mse", epochs=1, lr=0.01)
    assert history.backend == "eager"
    assert "anomaly()" in history.why


def test_little_data_is_not_worth_compiling():
    history = fit(MLP(1, [1], seed=0), [[1.0]], [2.0], loss="mse", epochs=3)
    assert history.backend == "eager"
    assert "without compiling" in history.why


def test_a_model_that_a_callback_changes_is_trained_as_it_is_from_then_on():
    class Switch(Module):
        def __init__(self):
            self.inner, self.scale = MLP(2, [50, 1], seed=0), 1.0

        def __call__(self, row):
            return self.inner(row) * self.scale

    def change(training):
        if training.epoch == 3:
            training.model.scale = 0.5

    ends, histories = [], []
    for compile in (False, "auto"):  # noqa: A001 - as above
        model = Switch()
        histories.append(fit(model, *MOONS, loss="mse", epochs=6, lr=0.01, callbacks=[change], compile=compile))
        ends.append([p.data for p in model.parameters()])
    assert histories[1].backend == "eager"
    assert "than when training began" in histories[1].why
    assert same(*histories)
    assert same(*ends)
    with pytest.raises(TracingError, match="than when training began"):
        fit(Switch(), *MOONS, loss="mse", epochs=6, lr=0.01, callbacks=[change], compile=True)


def test_callbacks_see_and_may_change_the_parameters():
    def freeze(training):
        training.model.parameters()[0].data = 0.25

    _, (_, model) = both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", epochs=3, callbacks=[freeze])
    assert model.parameters()[0].data == 0.25


@pytest.mark.parametrize("compile", ["yes", None, 2, "jax"])
def test_compile_is_one_of_a_few_words(compile):  # noqa: A002 - as above
    with pytest.raises(ValueError, match="compile is"):
        fit(MLP(2, [1]), *MOONS, loss="mse", compile=compile)


# Numbers that are not finite


@pytest.mark.parametrize("compiled", ["numpy", "llvm"])
@pytest.mark.parametrize("lr", [1e3, 1e30, 1e200])
def test_divergence_names_the_same_place_and_leaves_the_same_parameters(lr, compiled):
    if compiled == "llvm":
        pytest.importorskip("llvmlite")
    ends = []
    for compile in (False, compiled):  # noqa: A001 - as above
        model = MLP(2, [4, 1], activation="relu", seed=0)
        with pytest.raises(DivergedError) as raised:
            fit(model, *MOONS, loss="mse", lr=lr, epochs=50, batch_size=20, compile=compile)
        ends.append((str(raised.value).partition(":")[0], [p.data for p in model.parameters()]))
    places = [message.partition(" became ")[2].partition(" in ")[2] for message, _ in ends]
    assert places[0] == places[1] != ""
    assert same(ends[0][1], ends[1][1])


def test_a_model_with_no_finite_loss_is_said_before_any_step():
    model = MLP(2, [1], seed=0)
    model.parameters()[0].data = 1e300
    with pytest.raises(DivergedError, match=r"row [0-9]+ became inf in epoch 1, batch 1, before any step"):
        fit(model, *MOONS, loss="mse", compile="numpy")


# Prediction


@pytest.mark.parametrize("backend", ["python", "numpy", "auto"])
def test_a_compiled_model_predicts_what_the_model_predicts(backend):
    import numpy as np

    X = np.array(MOONS[0])
    for outputs in (1, 3):
        model = MLP(2, [4, outputs], activation="tanh", seed=3)
        predict = model.jit(backend=backend)
        for _ in range(2):
            expected = [[v.data for v in model(row)] if outputs > 1 else model(row).data for row in MOONS[0]]
            assert predict(X).shape == ((60,) if outputs == 1 else (60, outputs))
            assert predict(X) == pytest.approx(np.array(expected), rel=1e-12)
            assert predict(MOONS[0]) == pytest.approx(np.array(expected), rel=1e-12)
            for p in model.parameters():  # what it learns later counts
                p.data *= 1.5
    assert model.jit(backend=backend)(np.empty((0, 2))).shape == (0, 3)


def test_a_compiled_model_names_rows_of_the_wrong_width():
    with pytest.raises(ValueError, match="2"):
        MLP(2, [1]).jit(backend="numpy")([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("row", [[1.0, 2.0], (0.5,), []])
def test_a_single_row_says_how_to_write_a_table_of_it(row):
    with pytest.raises(
        ValueError, match=r"has one axis, expected a table of shape \(samples, inputs\).*: write \[row\]"
    ):
        MLP(2, [1]).jit(backend="numpy")(row)


def test_every_loss_of_the_package_compiles():
    targets = {"cross_entropy": MOONS[1], "hinge": [2 * label - 1 for label in MOONS[1]]}
    for name in LOSSES:
        history = fit(
            MLP(2, [3, 2 if name == "cross_entropy" else 1], activation=relu, seed=0),
            MOONS[0],
            targets.get(name, MOONS[1]),
            loss=name,
            epochs=1,
            lr=0.01,
            compile="numpy",
        )
        assert history.backend == "numpy", name


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_ctrl_c_stops_machine_code_in_the_middle_of_a_long_epoch(tmp_path):
    pytest.importorskip("llvmlite")
    X, y = [[i % 7, i % 5] for i in range(20_000)], [i % 3 for i in range(20_000)]

    def run(**arguments):
        model = MLP(2, [16, 16, 1], activation="tanh", seed=0)
        history = fit(model, X, y, loss="mse", lr=1e-3, batch_size=2, epochs=3, compile="llvm", **arguments)
        return history, [p.data for p in model.parameters()]

    whole = run()
    file, pressed = tmp_path / "run.json", threading.Timer(0.0, os.kill, (os.getpid(), signal.SIGINT))
    seen = []

    def first_batches(epoch, done):
        seen.append((epoch, done))
        if len(seen) == 3:
            pressed.start()
            pressed.join()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "batch", lambda _bar, epoch, done: first_batches(epoch, done))
        history, _ = run(checkpoint=file, progress=False)
    assert history.stopped == "interrupted"
    assert 0 < json.loads(file.read_text())["batch"] < 10_000
    assert run(resume=file) == whole


# What a hostile reader found


def test_clipping_measures_the_gradients_of_what_the_optimizer_moves():
    for compile in ("numpy", "llvm") if find_spec("llvmlite") else ("numpy",):  # noqa: A001 - as above
        ends = []
        for chosen in (False, compile):
            model = MLP(2, [3, 1], seed=0)
            optimizer = SGD(model.parameters()[:4], lr=0.1)
            history = fit(model, *MOONS, loss="mse", optimizer=optimizer, clip_norm=0.05, epochs=2, compile=chosen)
            ends.append((history.loss, [p.data for p in model.parameters()]))
        assert same(ends[0][0], ends[1][0])
        assert same(ends[0][1], ends[1][1])


@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**64, 2**64 + 5, 10**30])
def test_a_batch_may_be_longer_than_any_integer_of_the_machine(size):
    both(lambda: MLP(2, [3, 1], seed=0), *MOONS, BACKEND, loss="mse", epochs=2, batch_size=size, optimizer="adam")


BACKEND = "llvm" if find_spec("llvmlite") else "numpy"
SORTED = [[i / 60] for i in range(60)], [0] * 30 + [1] * 30
WEIGHTS = {1: 5.0}


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (lambda p, t: (p - t) ** 2 * WEIGHTS.get(t, 1.0), SORTED[1]),
        (lambda p, t: (p - (t == "1")) ** 2, ["0"] * 30 + ["1"] * 30),
        (lambda p, t: p * p if t is None else (p - t) ** 2, [0.5] * 30 + [None] * 30),
        (lambda p, _: p * p, [10**400] * 60),
        (lambda p, _: p * p, [[]] * 60),
    ],
)
def test_a_loss_that_looks_targets_up_trains_eagerly_from_the_first_step(loss, targets):
    ends = []
    for compile in (False, "auto"):  # noqa: A001 - as above
        model = MLP(1, [50, 1], seed=0)
        history = fit(model, SORTED[0], targets, loss=loss, epochs=2, lr=0.01, compile=compile)
        assert history.backend == "eager"
        ends.append([p.data for p in model.parameters()])
    assert ends[0] == ends[1]


class Nought(Module):
    """A model that predicts exactly 0."""

    def __init__(self):
        """Have one parameter."""
        self.a = Parameter(1.0)

    def __call__(self, row):
        """Return 0."""
        return self.a * 0.0 * row[0]


def test_a_metric_of_infinite_slope_does_no_harm():
    root = {"root": lambda p, t: ((p - t) ** 2) ** 0.5}
    both(Nought, SORTED[0], [0.0] * 30 + [1.0] * 30, BACKEND, loss="mse", metrics=root, epochs=2)


@pytest.mark.parametrize("backend", ["numpy", BACKEND])
@pytest.mark.parametrize("size", [4, None])
def test_a_metric_that_becomes_infinite_does_not_make_the_loss_so(backend, size):
    X, y = [[(i % 11) / 11] for i in range(300)], [0.0] * 300
    X[101] = [1e150]  # between the samples that are tried
    metrics = {"huge": lambda p, _t: p * p * 1e305}
    rare = lambda p, t: where(p > 1e9, 0.0 * p, (p - t) ** 2)  # noqa: E731 - as users write it
    both(lambda: MLP(1, [1], seed=0), X, y, backend, loss=rare, metrics=metrics, epochs=2, batch_size=size, lr=1e-3)


def test_a_metric_may_be_a_loss_and_says_by_name_when_it_returns_no_number():
    both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", metrics={"mae": LOSSES["mae"]}, epochs=2)
    both(lambda: MLP(2, [3, 1], seed=0), *MOONS, loss="mse", metrics={"m": lambda p, t: Value(p) * t}, epochs=2)
    for compile in (False, "numpy"):  # noqa: A001 - as above
        with pytest.raises(TypeError, match=r"metrics\['none'\] returned None"):
            fit(MLP(2, [1]), *MOONS, loss="mse", metrics={"none": lambda _p, _t: None}, compile=compile)


@pytest.mark.parametrize("output", [lambda v: (v, [v, v]), lambda v: {"a": v}])
def test_predictions_that_make_no_array_train_eagerly_where_a_metric_branches(output):
    class Odd(Module):
        def __init__(self):
            self.inner = MLP(2, [50, 1], seed=0)

        def __call__(self, row):
            return output(self.inner(row))

    def first(p):
        return p["a"] if isinstance(p, dict) else p[0]

    metrics = {"near": lambda p, t: 1.0 if abs(first(p) - t) < 0.5 else 0.0}
    history = fit(Odd(), *MOONS, loss=lambda p, t: (first(p) - t) ** 2, metrics=metrics, epochs=1, lr=0.01)
    assert history.backend == "eager"
    assert "metrics cannot be measured" in history.why


def test_a_schedule_of_ones_own_may_look_at_everything_and_change_it():
    class Restless:
        def __init__(self, optimizer):
            self.optimizer, self.steps = optimizer, 0

        def step(self):
            self.steps += 1
            group = self.optimizer.param_groups[0]
            if "momentum" in group:
                group["momentum"] = 0.5 * (self.steps % 2)
            for p in group["params"]:
                p.data *= 0.9

    for backend in ("numpy", BACKEND):
        for optimizer in ("sgd", "adam"):
            both(
                lambda: MLP(2, [3, 1], seed=0),
                *MOONS,
                backend,
                loss="mse",
                optimizer=optimizer,
                schedule=Restless,
                epochs=4,
            )


def test_a_step_that_was_replaced_is_called():
    for compile in (False, BACKEND):  # noqa: A001 - as above
        model, calls = MLP(2, [3, 1], seed=0), []
        optimizer = SGD(model.parameters(), lr=0.1)
        step = optimizer.step
        optimizer.step = lambda step=step, calls=calls: (calls.append(1), step())
        fit(model, *MOONS, loss="mse", optimizer=optimizer, epochs=2, batch_size=20, compile=compile)
        assert len(calls) == 6


def test_parameters_of_the_loss_that_nobody_is_said_to_move_are_not_compiled():
    model, spread = MLP(2, [3, 1], seed=0), Parameter(0.5)

    class Plain:
        def zero_grad(self):
            for p in (*model.parameters(), spread):
                p.grad = 0.0

        def step(self):
            for p in (*model.parameters(), spread):
                p.data -= 0.01 * p.grad

    with pytest.raises(TracingError, match="no param_groups"):
        fit(model, *MOONS, loss=lambda p, t: (p - t) ** 2 * exp(-spread), optimizer=Plain(), compile="numpy")


def test_a_small_loss_that_changes_is_noticed():
    scale = [1.0]

    def fade(_training):
        scale[0] *= 0.5

    with pytest.raises(TracingError, match="than when training began"):
        fit(
            MLP(2, [3, 1], seed=0),
            *MOONS,
            loss=lambda p, t: (p - t) ** 2 * scale[0] * 1e-9,
            callbacks=[fade],
            epochs=3,
            compile="numpy",
        )


def test_the_truth_values_of_numpy_and_0_and_1_count_as_such():
    import numpy as np

    for no in (0, np.False_):
        assert fit(MLP(2, [1]), *MOONS, loss="mse", epochs=1, compile=no).backend == "eager"
    for yes in (1, np.True_):
        assert fit(MLP(2, [1]), *MOONS, loss="mse", epochs=1, compile=yes).backend != "eager"


def test_a_bar_that_cannot_be_closed_keeps_what_was_learnt():
    class Broken(Progress):
        def close(self):
            raise BrokenPipeError

    ends = []
    for bar in (Progress, Broken):
        model = MLP(2, [3, 1], seed=0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "autograd_mini.train.fitting.progress_bar", lambda _wanted, *sizes, bar=bar: bar(*sizes, shown=False)
            )
            if bar is Broken:
                with pytest.raises(BrokenPipeError):
                    fit(model, *MOONS, loss="mse", epochs=2, compile="numpy")
            else:
                fit(model, *MOONS, loss="mse", epochs=2, compile="numpy")
        ends.append([p.data for p in model.parameters()])
    assert ends[0] == ends[1]


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_a_model_that_fits_to_the_last_digits_is_still_compiled(loss):
    X = [[i / 1500 - 1.0] for i in range(3000)]
    y = [0.7 * x + 0.1 for (x,) in X]
    model = MLP(1, [1], seed=0)
    assert [fit(model, X, y, loss=loss, epochs=60).backend for _ in range(4)].count("eager") == 0


def test_a_loss_with_little_noise_at_a_good_fit_is_noticed():
    X = [[i / 1500 - 1.0] for i in range(3000)]
    y = [0.7 * x + 0.1 for (x,) in X]
    model, rng = MLP(1, [1], seed=0), random.Random(0)
    for _ in range(4):
        fit(model, X, y, loss="mse", epochs=60)
    history = fit(model, X, y, loss=lambda p, t: (p - t) ** 2 * (1.0 + rng.random()), epochs=1)
    assert history.backend == "eager"


@pytest.mark.parametrize("compiled", [False, "numpy", "llvm"])
def test_networks_that_train_in_four_threads_at_once_end_as_one_after_the_other(compiled):
    if compiled == "llvm":
        pytest.importorskip("llvmlite")

    def train(seed):
        model = MLP(2, [3, 1], activation="tanh", seed=seed)
        history = fit(model, *MOONS, loss="mse", epochs=2, batch_size=20, seed=seed, compile=compiled)
        return history.backend, history.loss, [parameter.data for parameter in model.parameters()]

    start = threading.Barrier(4)

    def train_at_once(seed):
        start.wait()
        return train(seed)

    alone = [train(seed) for seed in range(4)]
    assert {backend for backend, *_ in alone} == {compiled or "eager"}
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert [*pool.map(train_at_once, range(4))] == alone
    finally:
        sys.setswitchinterval(interval)
