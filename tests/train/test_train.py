"""Training: what `fit` computes, when it stops, and what it leaves behind."""

import json
import math
import os
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import MLP, DiagnosisWarning, Parameter, Value, datasets, no_grad
from autograd_mini.errors import DivergedError
from autograd_mini.nn.losses import LOSSES
from autograd_mini.optim import SGD, Adam, ExponentialLR, StepLR
from autograd_mini.train import evaluate, fit

LINE = [[-1.0], [0.0], [1.0], [2.0]], [-1.0, 1.0, 3.0, 5.0]


class Line:
    """slope * x + intercept."""

    def __init__(self, slope=0.0, intercept=0.0):
        self.slope, self.intercept = Parameter(slope), Parameter(intercept)

    def parameters(self):
        """List what is trained."""
        return [self.slope, self.intercept]

    def __call__(self, row):
        """Return the height of the line."""
        return self.slope * row[0] + self.intercept

    @property
    def numbers(self):
        """List the slope and the intercept."""
        return [parameter.data for parameter in self.parameters()]


def targets_seen(n, **arguments):
    """Train on n rows and list the targets in the order in which the loss saw them."""
    seen = []

    def loss(prediction, target):
        seen.append(target)
        return prediction * 0.0

    fit(Line(), [[0.0]] * n, range(n), loss=loss, **arguments)
    return seen


# What a step computes


@given(
    samples=st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=9),
    size=st.integers(1, 10),
    epochs=st.integers(0, 3),
)
@settings(max_examples=50)
def test_fit_does_what_a_loop_by_hand_does(samples, size, epochs):
    model, by_hand = Line(0.5, -0.25), Line(0.5, -0.25)
    X, y = [[x] for x, _ in samples], [target for _, target in samples]
    history = fit(model, X, y, loss="mse", lr=0.05, epochs=epochs, batch_size=size, shuffle=False)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for first in range(0, len(X), size):
            batch = range(first, min(first + size, len(X)))
            loss = sum((by_hand(X[row]) - y[row]) ** 2 for row in batch)
            total += loss.data
            for parameter in by_hand.parameters():
                parameter.grad = 0
            (loss * (1 / len(batch))).backward()
            for parameter in by_hand.parameters():
                parameter.data -= 0.05 * parameter.grad
        losses.append(total / len(X))
    assert model.numbers == pytest.approx(by_hand.numbers, rel=1e-12, abs=1e-12)
    assert history.loss == pytest.approx(losses, rel=1e-12, abs=1e-12)


@given(n=st.integers(1, 20), size=st.integers(1, 25) | st.none(), seed=st.integers(0, 2**70))
@settings(max_examples=50)
def test_every_epoch_takes_every_row_once(n, size, seed):
    seen = targets_seen(n, epochs=2, batch_size=size, seed=seed)
    assert sorted(seen[:n]) == sorted(seen[n:]) == list(range(n))


def test_every_epoch_shuffles_anew_by_the_seed():
    first, again, other = (targets_seen(20, epochs=2, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert list(range(20)) != first[:20] != first[20:]


def test_without_a_seed_every_run_has_an_order_of_its_own():
    assert targets_seen(40, epochs=1, seed=None) != targets_seen(40, epochs=1, seed=None)


def test_without_shuffling_the_rows_come_as_they_are():
    assert targets_seen(5, epochs=2, batch_size=2, shuffle=False) == [*range(5), *range(5)]


@pytest.mark.parametrize(("size", "steps"), [(2, 3), (5, 1), (None, 1), (9, 1)])
def test_each_batch_is_one_step_and_none_is_all_rows(size, steps):
    class Counting(SGD):
        taken = 0

        def step(self):
            type(self).taken += 1
            super().step()

    fit(Line(), [[0.0]] * 5, [0] * 5, loss="mse", optimizer=Counting, epochs=1, batch_size=size)
    assert Counting.taken == steps


def test_a_seed_gives_the_same_bits_in_every_process():
    program = """
from autograd_mini import MLP, datasets, fit
X, y = datasets.moons(30, seed=0)
model = MLP(2, [4, 1], activation="tanh", seed=1)
history = fit(model, X, y, loss="binary_cross_entropy", optimizer="adam", epochs=3, batch_size=4)
print(*map(float.hex, history.loss), *(p.data.hex() for p in model.parameters()))
"""
    outputs = set()
    for seed in ("1", "2"):
        run = [sys.executable, "-c", program]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        outputs.add(subprocess.run(run, env=env, check=True, capture_output=True, text=True).stdout)
    assert len(outputs) == 1
    assert outputs.pop().count("0x") == 3 + 17


def test_the_gradient_norm_is_clipped_before_the_step():
    model = Line()
    fit(model, [[0.0]], [100.0], loss="mse", lr=1.0, epochs=1, clip_norm=0.5)
    assert math.hypot(*model.numbers) == pytest.approx(0.5, rel=1e-3)


# Divergence that ends before anything is infinite


@pytest.mark.parametrize("compile", [False, "auto", True])
@pytest.mark.parametrize(("rate", "epochs"), [(0.7, 40), (2.0, 12), (2.0, 1), (1.0, 7)])
def test_a_loss_that_grows_far_beyond_its_beginning_is_a_warning_with_the_remedy(rate, epochs, compile):  # noqa: A002
    rows = [part * (40 if epochs == 1 else 1) for part in LINE]
    with pytest.warns(DiagnosisWarning, match=f"diverges: .*in epoch {epochs}. Try a lower lr, such as") as found:
        history = fit(Line(), *rows, loss="mse", lr=rate, epochs=epochs, batch_size=2, compile=compile)
    assert history.loss[-1] > 100 * 10
    assert found[0].filename == __file__  # the line that calls fit


def test_a_warning_of_divergence_can_be_made_an_error_and_nothing_is_lost(tmp_path):
    file = tmp_path / "run.json"
    with pytest.raises(DiagnosisWarning, match="diverges"):
        fit(Line(), *LINE, loss="mse", lr=0.7, epochs=40, checkpoint=file)
    assert file.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        {"lr": 0.05, "epochs": 5},
        {"lr": 0.05, "epochs": 1},
        {"lr": 0.05, "epochs": 30, "batch_size": 1},  # noisy
        {"lr": 0.0, "epochs": 3},
        {"lr": 1e-3, "epochs": 3, "loss": lambda p, t: 1e9 + (p - t) ** 2},  # high, and falling
        {"lr": 0.05, "epochs": 60, "loss": lambda p, t: (p - t) ** 2 - 1e-3 * p},  # negative in the end
        {"lr": 0.5, "epochs": 60, "loss": lambda p, _t: -p},  # without a bound below
        {"optimizer": "adam", "lr": 0.5, "epochs": 2, "batch_size": 1},
    ],
)
def test_healthy_training_is_no_divergence(arguments):
    fit(Line(), *LINE, **{"loss": "mse"} | arguments)  # warnings are errors in these tests


@given(
    X=st.lists(st.floats(-2, 2), min_size=1, max_size=40),
    noise=st.lists(st.floats(-1, 1), min_size=40, max_size=40),
    line=st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)),
    rate=st.floats(1e-6, 0.09),  # below 1 / (x**2 + 1), where each step goes towards its row
    size=st.integers(1, 40),
    epochs=st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
def test_stable_steps_on_noisy_rows_are_no_divergence(X, noise, line, rate, size, epochs):
    y = [line[0] * x + line[1] + error for x, error in zip(X, noise, strict=False)]
    fit(Line(), [[x] for x in X], y, loss="mse", lr=rate, epochs=epochs, batch_size=size, compile=False)


def test_a_model_that_fits_already_may_lose_some_of_it_without_a_warning():
    model = Line(2.0 + 1e-9, 1.0)
    history = fit(model, *LINE, loss="mse", optimizer="adam", lr=0.05, epochs=3)
    assert history.loss[-1] > 1e6 * history.loss[0]


def test_rows_that_come_in_order_and_grow_are_no_divergence():
    X = [[float(row)] for row in range(1000)]
    y = [0.0] * 500 + [1e3] * 500
    fit(Line(0.0, 0.0), X, y, loss="mse", lr=1e-12, epochs=1, shuffle=False)


def test_a_loss_that_starts_huge_for_one_row_and_falls_is_no_divergence():
    X, y = [[0.0]] * 63 + [[1e4]], [0.0] * 64
    history = fit(Line(1.0, 0.0), X, y, loss="mse", lr=1e-8, epochs=20, shuffle=False, batch_size=None)
    assert history.loss[-1] < history.loss[0]


# Choices: optimiser, schedule, loss, metrics


def test_an_optimiser_can_be_a_name_a_class_or_ready():
    def trained(make):
        model = Line()
        fit(model, *LINE, loss="mse", epochs=2, **make(model))
        return model.numbers

    by_name = trained(lambda _: {"optimizer": "sgd", "lr": 0.05, "momentum": 0.5})
    assert by_name == trained(lambda _: {"optimizer": SGD, "lr": 0.05, "momentum": 0.5})
    assert by_name == trained(lambda _: {"optimizer": lambda params: SGD(params, lr=0.05, momentum=0.5)})
    assert by_name == trained(lambda model: {"optimizer": SGD(model.parameters(), lr=0.05, momentum=0.5)})
    assert by_name != trained(lambda _: {"optimizer": "sgd", "lr": 0.05})


def test_a_ready_optimiser_goes_on_where_it_stopped():
    parts, whole = Line(), Line()
    optimizer = Adam(parts.parameters(), lr=0.1)
    for _ in range(2):
        fit(parts, *LINE, loss="mse", optimizer=optimizer, epochs=3, shuffle=False)
    fit(whole, *LINE, loss="mse", optimizer="adam", lr=0.1, epochs=6, shuffle=False)
    assert parts.numbers == whole.numbers


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"optimizer": "sdg"}, ValueError, "'sdg'.*'sgd'"),
        ({"optimizer": 3}, TypeError, "optimizer is 3"),
        ({"callback": print}, TypeError, "fit has no argument 'callback': did you mean callbacks"),
        ({"epoch": 3}, TypeError, "fit has no argument 'epoch': did you mean epochs"),
        ({"learning_rate": 3}, TypeError, "did you mean lr"),
        ({"optimizer": "adam", "momentum": 3}, TypeError, "neither an argument of fit .*epochs.* of Adam .*betas"),
        ({"momentun": 0.9}, TypeError, "SGD has no setting 'momentun': did you mean momentum"),
        ({"optimizer": SGD([Value(1.0)]), "epoch": 3}, TypeError, "did you mean epochs"),
        ({"color": "red"}, TypeError, "'color' is neither an argument of fit .*epochs.* nor a setting of SGD .*momen"),
        ({"optimizer": lambda params: SGD(params, lr=0.5), "lr": 0.1}, TypeError, "has no setting 'lr': leave it out"),
        ({"lr": -1}, ValueError, "lr"),
        ({"optimizer": SGD([Value(1.0)]), "lr": 0.1}, TypeError, "lr=0.1"),
        ({"optimizer": SGD([Value(1.0)])}, ValueError, "none of the model's parameters"),
        ({"schedule": StepLR(SGD([Value(1.0)]), 2)}, ValueError, "another optimiser"),
        ({"schedule": 3}, TypeError, "schedule is 3"),
        ({"schedule": lambda _: None}, TypeError, "schedule returned None"),
        ({"loss": "mes"}, ValueError, "'mes'.*'mse'"),
        ({"loss": 3}, TypeError, "loss is 3"),
        ({"loss": lambda _p, _t: "low"}, TypeError, "loss returned 'low'"),
        ({"metrics": {"error": 3}}, TypeError, r"metrics\['error'\]"),
        ({"metrics": {"lr": abs}}, ValueError, "'lr'"),
        ({"callbacks": print}, TypeError, r"\[function\]"),
        ({"callbacks": [3]}, TypeError, r"callbacks\[0\] is 3"),
        ({"epochs": -1}, ValueError, "epochs"),
        ({"epochs": 1.5}, TypeError, "epochs"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"patience": 0}, ValueError, "patience"),
        ({"tol": -1}, ValueError, "tol"),
        ({"clip_norm": 0}, ValueError, "clip_norm"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 1.5}, TypeError, "seed"),
        ({"progress": "yes"}, ValueError, "progress is 'yes'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_and_nothing_is_trained(arguments, error, message):
    model = Line()
    with pytest.raises(error, match=message):
        fit(model, *LINE, **{"loss": "mse"} | arguments)
    assert model.numbers == [0.0, 0.0]


def test_fit_refuses_to_run_where_there_are_no_gradients():
    with no_grad(), pytest.raises(RuntimeError, match="no_grad"):
        fit(Line(), *LINE, loss="mse")


def test_a_schedule_moves_the_rate_after_every_epoch():
    history = fit(
        Line(), *LINE, loss="mse", lr=0.08, epochs=3, schedule=lambda optimizer: ExponentialLR(optimizer, 0.5)
    )
    assert history["lr"] == [0.08, 0.04, 0.02]
    model = Line()
    optimizer = SGD(model.parameters(), lr=0.08)
    again = fit(model, *LINE, loss="mse", epochs=3, optimizer=optimizer, schedule=ExponentialLR(optimizer, 0.5))
    assert again == history


def test_a_loss_of_ones_own_gives_what_the_same_one_of_the_package_gives():
    named, own = Line(), Line()
    fit(named, *LINE, loss="mse", epochs=3)
    fit(own, *LINE, loss=lambda prediction, target: (prediction - target) ** 2, epochs=3)
    assert own.numbers == pytest.approx(named.numbers, rel=1e-12)


def test_a_loss_given_as_the_packages_function_counts_as_its_name():
    history = fit(Line(), [[-1.0], [1.0]], [-1, 1], loss=LOSSES["hinge"], epochs=1)
    assert "accuracy" in history.columns


def test_a_loss_may_be_a_plain_number_where_nothing_is_to_be_learnt():
    model = Line(1.0, 0.0)
    history = fit(model, [[2.0], [0.5]], [1, 1], loss=lambda p, t: max(0, 1 - p * t), lr=0.5, epochs=1, batch_size=None)
    assert history.loss == [0.25]
    assert model.numbers == [1.0 + 0.5 * 0.25, 0.25]


@pytest.mark.parametrize(
    "loss",
    [
        lambda preds, ys: sum((p - t) ** 2 for p, t in zip(preds, ys, strict=True)) / len(ys),
        lambda preds, ys: sum(abs(preds[i] - ys[i]) for i in range(len(ys))),
        lambda preds, ys: ((preds - ys) ** 2).mean(),
        lambda preds: preds * preds,
    ],
)
@pytest.mark.parametrize("compile", ["auto", True, False])
def test_a_loss_written_for_a_batch_is_told_how_it_is_called_and_what_to_write(loss, compile):  # noqa: A002
    words = (
        r"(?s)the loss failed.*for one row at a time.*"
        r"loss\(Value\(data=0.0\), .*mean over a batch.*lambda prediction, target:"
    )
    with pytest.raises(TypeError, match=words) as raised:
        fit(Line(), *LINE, loss=loss, compile=compile)
    if loss.__code__.co_argcount == 2:
        assert f"test_train.py, line {loss.__code__.co_firstlineno}" in str(raised.value)


def test_a_loss_that_depends_on_nothing_is_an_error():
    with pytest.raises(TypeError, match="nothing was learnt"):
        fit(Line(), *LINE, loss=lambda prediction, target: (prediction.data - target) ** 2)


def test_metrics_are_means_over_rows_of_plain_numbers():
    kinds = set()

    def error(prediction, target):
        kinds.add(type(prediction))
        return abs(prediction - target)

    history = fit(Line(), *LINE, loss="mse", lr=0, epochs=1, metrics={"error": error}, validation=([[0.0]], [7.0]))
    assert history["error"] == [2.5]
    assert history["validation_error"] == [7.0]
    assert kinds == {float}
    assert "accuracy" not in history.columns


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "accuracy"),
    [
        ("cross_entropy", [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 1.0, 0.0]], [0, 1, 0], 2 / 3),
        ("binary_cross_entropy", [0.5, -0.5, 3.0], [1, 0, 0], 2 / 3),
        ("hinge", [0.5, -0.5, 3.0], [1, 1, 1], 2 / 3),
        ("binary_cross_entropy", [[0.5, -0.5], [1.0, 1.0], [-1.0, 2.0]], [[1, 0], [1, 0], [0, 0]], 4 / 6),
    ],
)
def test_accuracy_reads_classes_as_the_loss_does(loss, outputs, y, accuracy):
    class Fixed(Line):
        def __call__(self, row):
            output = outputs[int(row[0])]
            return [Value(logit) for logit in output] if isinstance(output, list) else Value(output)

    assert evaluate(Fixed(), [[0], [1], [2]], y, loss=loss)["accuracy"] == pytest.approx(accuracy)


def test_evaluate_measures_what_the_history_says_of_validation():
    model = Line()
    X, y = [[3.0], [4.0]], [1.0, 2.0]
    history = fit(model, *LINE, loss="mae", epochs=2, validation=(X, y))
    assert evaluate(model, X, y, loss="mae") == {"loss": history.validation_loss[-1]}


def test_validation_changes_nothing_but_the_history():
    with_it, without = Line(), Line()
    fit(with_it, *LINE, loss="mse", epochs=3, validation=LINE)
    fit(without, *LINE, loss="mse", epochs=3)
    assert with_it.numbers == without.numbers


# When it stops


def test_training_stops_after_its_epochs():
    history = fit(Line(), *LINE, loss="mse", epochs=7)
    assert (history.epochs, history.stopped) == (7, "epochs")
    json.dumps(history.to_dict())


def test_training_stops_when_patience_epochs_together_improve_by_no_more_than_tol():
    history = fit(Line(), *LINE, loss="mse", lr=0.1, epochs=1000, batch_size=None, tol=1e-3, patience=5)
    assert history.stopped == "converged"
    losses = history.loss
    assert min(losses[:-5]) - min(losses[-5:]) <= 1e-3
    assert all(min(losses[: end - 5]) - min(losses[end - 5 : end]) > 1e-3 for end in range(6, len(losses)))


def test_convergence_is_judged_by_the_validation_loss_if_there_is_one():
    history = fit(Line(), *LINE, loss="mse", lr=0.1, epochs=50, tol=0, patience=3, validation=([[0.0]], [-100.0]))
    assert (history.epochs, history.stopped) == (4, "converged")  # the validation loss only grows


def test_a_callback_sees_every_epoch_and_may_end_the_training():
    seen = []

    def callback(training):
        seen.append((training.epoch, training.history.loss[-1], training.optimizer.lr))
        return training.epoch == 3

    history = fit(
        Line(), *LINE, loss="mse", lr=0.05, callbacks=[callback, lambda training: seen.append(training.model)]
    )
    assert history.stopped == "callback"
    assert seen[::2] == [(epoch, loss, 0.05) for epoch, loss in enumerate(history.loss, 1)]
    assert len(seen) == 6


def test_ctrl_c_leaves_the_parameters_of_a_whole_step():
    model = Line()
    steps = [[0.0, 0.0]]

    class Watched(SGD):
        def step(self):
            super().step()
            steps.append(model.numbers)

    def loss(prediction, target):
        if len(steps) >= 4 and target == 3.0:
            raise KeyboardInterrupt
        return (prediction - target) ** 2

    with pytest.raises(KeyboardInterrupt):
        fit(model, *LINE, loss=loss, optimizer=Watched, lr=0.05, batch_size=3)
    assert model.numbers == steps[-1]


# Loss of the way


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_loss_that_overflows_stops_with_the_last_parameters_that_had_a_finite_loss(optimizer):
    model = Line()
    with pytest.raises(
        DivergedError, match=r"epoch \d+, batch \d+: try a lower lr, such as 1e\+199 in place of 1e\+200"
    ) as caught:
        fit(model, *LINE, loss="mse", optimizer=optimizer, lr=1e200, batch_size=2)
    assert all(map(math.isfinite, model.numbers))
    assert math.isfinite(evaluate(model, *LINE, loss="mse")["loss"])
    assert caught.value.history.stopped is None
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (str(again), again.history) == (str(caught.value), caught.value.history)


def test_the_history_before_the_divergence_comes_with_the_error():
    with pytest.raises(DivergedError) as caught:
        fit(Line(), *LINE, loss="mse", lr=1e30, batch_size=None)
    history = caught.value.history
    assert history.epochs > 0
    assert all(map(math.isfinite, history.loss))


def test_a_step_to_infinite_parameters_is_taken_back():
    model = Line(1.0, 1.0)
    with pytest.raises(DivergedError, match="a parameter became nan or infinite in epoch 1, batch 1"):
        fit(model, [[1e200]], [1.0], loss=lambda p, _t: p * 1e100, lr=1e100)
    assert model.numbers == [1.0, 1.0]


def test_a_validation_loss_that_is_not_finite_stops_too():
    model = Line()
    with pytest.raises(DivergedError, match="validation loss became inf in epoch 1: try"):
        fit(model, *LINE, loss="mse", lr=0.1, batch_size=None, validation=([[1e200]], [0.0]))
    assert model.numbers == [0.0, 0.0]


def test_a_loss_that_is_not_finite_from_the_start_is_no_matter_of_the_rate():
    model = Line(1e200)
    with pytest.raises(DivergedError, match=r"row 1 became inf in epoch 1, batch 1, before any step.*standardise"):
        fit(model, [[0.0], [1.0]], [0.0, 0.0], loss="mse", shuffle=False)
    assert model.numbers == [1e200, 0.0]


# The main job


@pytest.fixture(scope="module")
def irises():
    X, X_test, y, y_test = datasets.split(*datasets.iris(), seed=0)
    X, X_test = datasets.standardise(X, X_test)
    model = MLP(4, [8, 3], activation="tanh", seed=0)
    history = fit(
        model,
        X,
        y,
        loss="cross_entropy",
        optimizer="sgd",
        lr=0.1,
        epochs=40,
        batch_size=16,
        validation=(X_test, y_test),
        seed=0,
    )
    return model, history, X_test, y_test


def test_irises_are_told_apart(irises):
    model, history, X_test, y_test = irises
    assert evaluate(model, X_test, y_test, loss="cross_entropy")["accuracy"] >= 0.9
    assert history["validation_accuracy"][-1] >= 0.9
    assert history.loss[-1] < history.loss[0] / 3


def test_moons_are_told_apart():
    X, X_test, y, y_test = datasets.split(*datasets.moons(200, noise=0.1, seed=0), seed=0)
    model = MLP(2, [8, 8, 1], activation="tanh", seed=0)
    fit(model, X, y, loss="binary_cross_entropy", optimizer="adam", lr=0.05, epochs=40, batch_size=16)
    assert evaluate(model, X_test, y_test, loss="binary_cross_entropy")["accuracy"] >= 0.95


def test_what_is_no_model_and_what_are_no_callbacks_is_named():
    with pytest.raises(TypeError, match=r"expected one with parameters\(\), such as an MLP"):
        fit(lambda x: x[0], [[1.0]], [1.0], loss="mse")
    with pytest.raises(TypeError, match="callbacks is 3, expected a list"):
        fit(MLP(1, [1]), [[1.0]], [1.0], loss="mse", callbacks=3)
