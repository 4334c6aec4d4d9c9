"""Checkpoints: a run that was interrupted, however it was, goes on to the very bits of one that was not."""

from __future__ import annotations

import json
import math
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import MLP, Module, Parameter, datasets, exp
from autograd_mini.errors import DivergedError, ModelFormatError
from autograd_mini.optim import Adam, CosineAnnealingLR, ExponentialLR, LinearLR, StepLR
from autograd_mini.train import fit
from autograd_mini.train.checkpoints import LARGEST

X, Y = datasets.moons(40, noise=0.2, seed=0)

OPTIMIZERS = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"optimizer": "adam"},
    {"optimizer": "adam", "amsgrad": True},
    {"optimizer": "adamw"},
]
SCHEDULES = [
    None,
    lambda optimizer: StepLR(optimizer, 2),
    lambda optimizer: ExponentialLR(optimizer, 0.9),
    lambda optimizer: LinearLR(optimizer, total_iters=5),
    lambda optimizer: CosineAnnealingLR(optimizer, T_max=7),
]


def train(model=None, *, data=(X, Y), **arguments):
    """Train a model that always starts the same, and return it with its history."""
    model = model or MLP(2, [3, 1], activation="tanh", seed=0)
    return model, fit(model, *data, **{"loss": "binary_cross_entropy", "lr": 0.05, "batch_size": 16, **arguments})


def state(run):
    """List everything that a run leaves behind."""
    model, history = run
    return [p.data.hex() for p in model.parameters()], history


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.json"


def stopper(epoch):
    """Return a callback that presses Ctrl-C when that many epochs are done."""

    def press(training):
        if training.epoch == epoch:
            os.kill(os.getpid(), signal.SIGINT)

    return press


@pytest.mark.parametrize("compile", [False, "numpy", "llvm"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("chosen", OPTIMIZERS)
def test_four_and_four_epochs_are_eight_to_the_bit(file, chosen, schedule, compile):  # noqa: A002 - fit's word
    if compile:
        pytest.importorskip("numpy" if compile == "numpy" else "llvmlite")
    arguments = {**chosen, "schedule": schedule, "compile": compile, "validation": (X[:9], Y[:9])}
    whole = train(epochs=8, **arguments)
    train(epochs=4, checkpoint=file, every=3, **arguments)
    resumed = train(epochs=8, resume=file, **arguments)
    assert state(resumed) == state(whole)
    assert resumed[1].stopped == "epochs"


@given(
    pauses=st.lists(st.integers(0, 9), max_size=3),
    every=st.integers(1, 4),
    size=st.sampled_from([7, 40, None]),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**70),
)
@settings(max_examples=20)
def test_any_number_of_pauses_changes_no_bit(tmp_path_factory, pauses, every, size, shuffle, seed):
    file = tmp_path_factory.mktemp("pauses") / "run.json"
    arguments = {"batch_size": size, "shuffle": shuffle, "seed": seed, "optimizer": "adam", "compile": False}
    whole = train(epochs=9, **arguments)
    for epochs in [*sorted(pauses), 9]:
        last = train(epochs=epochs, checkpoint=file, every=every, resume=True, **arguments)
    assert state(last) == state(whole)


def test_a_run_without_a_seed_goes_on_in_its_own_order(file):
    whole, _ = train(epochs=3, seed=None, checkpoint=file)
    drawn = json.loads(file.read_text())["seed"]
    longer, _ = train(epochs=5, seed=None, resume=file)
    again, _ = train(epochs=5, seed=drawn)
    assert [p.data for p in longer.parameters()] == [p.data for p in again.parameters()]
    assert [p.data for p in whole.parameters()] != [p.data for p in again.parameters()]


def test_convergence_is_seen_at_the_same_epoch(file):
    settings = {"tol": 0.01, "patience": 3, "epochs": 200}
    whole = train(**settings)
    assert whole[1].stopped == "converged"
    train(**{**settings, "epochs": whole[1].epochs - 2}, checkpoint=file)
    resumed = train(**settings, checkpoint=file, resume=file)
    assert state(resumed) == state(whole)
    assert state(train(**settings, resume=file)) == state(whole), "what has converged does not go on"


def test_a_model_of_ones_own_has_checkpoints_too(file):
    class Line(Module):
        def __init__(self):
            self.slope, self.intercept = Parameter(0.0, label="slope"), Parameter(0.0)

        def __call__(self, row):
            return self.slope * row[0] + self.intercept

    whole = train(Line(), epochs=6)
    train(Line(), epochs=2, checkpoint=file)
    assert state(train(Line(), epochs=6, resume=file)) == state(whole)


# Ctrl-C


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("compile", [False, "numpy", "llvm"])
def test_ctrl_c_ends_training_between_two_steps_and_the_rest_follows_to_the_bit(file, compile):  # noqa: A002 - as above
    if compile:
        pytest.importorskip("numpy" if compile == "numpy" else "llvmlite")
    whole = train(epochs=6, batch_size=4, compile=compile)

    class Pressing(MLP):
        rows = 0

        def __call__(self, row):
            Pressing.rows += 1
            if Pressing.rows == 100:
                os.kill(os.getpid(), signal.SIGINT)
            return super().__call__(row)

    start = Pressing(2, [3, 1], activation="tanh", seed=0)
    callbacks = [] if compile is False else [stopper(2)]
    run = train(start, epochs=6, batch_size=4, compile=compile, checkpoint=file, every=100, callbacks=callbacks)
    assert run[1].stopped == "interrupted"
    assert run[1].loss == whole[1].loss[: run[1].epochs]
    saved = json.loads(file.read_text())
    assert saved["epoch"] == run[1].epochs < 6
    assert (saved["batch"] > 0) == (compile is False), "in the middle of an epoch, and between two"
    assert saved["parameters"]["numbers"] == [p.data for p in start.parameters()]
    assert state(train(epochs=6, batch_size=4, compile=compile, resume=file)) == state(whole)


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_a_second_ctrl_c_stops_at_once_and_the_handler_is_as_before():
    def twice(_training):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(epochs=3, callbacks=[twice])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_a_handler_of_ones_own_stays_in_charge():
    seen = []
    outer = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        _, history = train(epochs=3, callbacks=[stopper(1)])
    finally:
        signal.signal(signal.SIGINT, outer)
    assert (seen, history.stopped) == ([1], "epochs")


# The file

KILLED = """\
import sys
from autograd_mini import MLP, datasets, fit
X, y = datasets.moons(40, noise=0.2, seed=0)
model = MLP(2, [3, 1], activation="tanh", seed=0)
print("ready", flush=True)
fit(model, X, y, loss="mse", epochs=10**6, checkpoint=sys.argv[1], progress=False)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_killed_at_any_moment_there_is_a_whole_checkpoint(file):
    for moment in range(10):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE) as program:
            program.stdout.readline()
            while not file.exists():
                assert program.poll() is None, "it ended without a checkpoint"
                time.sleep(0.001)
            time.sleep(0.003 * moment)
            program.kill()
        epochs = json.loads(file.read_text())["epoch"]
        _, history = train(loss="mse", lr=None, batch_size=32, epochs=epochs + 1, resume=file)
        assert history.epochs == epochs + 1
        file.unlink()


def test_a_checkpoint_has_the_permissions_of_any_new_file_and_leaves_no_other_file(file):
    old = os.umask(0o027)
    try:
        train(epochs=2, checkpoint=file)
    finally:
        os.umask(old)
    assert [*file.parent.iterdir()] == [file]
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_disk_that_is_full_keeps_the_checkpoint_before_and_says_so(file, monkeypatch):
    train(epochs=1, checkpoint=file)
    before = file.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    with pytest.raises(OSError, match="No space left") as raised:
        train(model, epochs=3, checkpoint=file, resume=file)
    assert "the one before it is as it was" in raised.value.__notes__[0]
    assert file.read_bytes() == before
    assert [*file.parent.iterdir()] == [file]
    monkeypatch.undo()
    assert [p.data for p in model.parameters()] == [p.data for p in train(epochs=2)[0].parameters()]


def test_divergence_leaves_the_last_checkpoint(file):
    train(epochs=2, checkpoint=file, loss="mse")
    before = file.read_bytes()

    def ruin(training):
        training.model.parameters()[-1].data = 1e200

    with pytest.raises(DivergedError):
        train(epochs=9, checkpoint=file, resume=file, every=5, callbacks=[ruin], loss="mse")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch_size": 8}, "batch_size 16, but this one has 8"),
        ({"seed": 1}, "seed 0, but this one has 1"),
        ({"shuffle": False}, "shuffle True, but this one has False"),
        ({"loss": "mse"}, "loss 'binary_cross_entropy', but this one has 'mse'"),
        ({"data": (X[:-1], Y[:-1])}, "rows 40, but this one has 39"),
        ({"optimizer": "adam"}, "is no state of this Adam"),
        ({"schedule": lambda optimizer: StepLR(optimizer, 2)}, "a schedule False, but this one has True"),
        ({"model": MLP(2, [4, 1], activation="tanh")}, "parameters 13, but this one has 17"),
        ({"model": MLP(1, [6, 1])}, "parameters 13"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name_and_changes_nothing(file, change, named):
    train(epochs=2, checkpoint=file)
    model = change.pop("model", None) or MLP(2, [3, 1], activation="tanh", seed=0)
    if len(model.layers[0].neurons) == 6:
        change = {**change, "data": ([row[:1] for row in X], Y)}
        named = "parameters 13, but this one has 19"
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match=named):
        train(model, epochs=3, resume=file, **change)
    assert [p.data for p in model.parameters()] == before


def test_another_model_with_as_many_parameters_is_refused(file):
    train(epochs=1, checkpoint=file)
    model = MLP(2, [1, 3, 1], activation="tanh", seed=0)
    assert len(model.parameters()) == 13
    with pytest.raises(ValueError, match="other labels"):
        train(model, epochs=2, resume=file)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "it is not JSON"),
        ("[]", "does not hold"),
        ('{"format": "autograd_mini model"}', "its format is 'autograd_mini model'"),
        ('{"format": "autograd_mini checkpoint", "version": 2}', "update autograd_mini"),
        ('{"format": "autograd_mini checkpoint", "version": 1}', "run is missing"),
        ("[" * 100_000, "deep"),
        ("\x00" * 100, "not JSON"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(file, text, named):
    file.write_text(text)
    with pytest.raises(ModelFormatError, match=named):
        train(epochs=1, resume=file)


def test_a_file_that_is_too_large_is_refused_unread(file):
    with file.open("wb") as large:
        large.truncate(LARGEST + 1)
    with pytest.raises(ModelFormatError, match="bytes"):
        train(epochs=1, resume=file)


@pytest.mark.filterwarnings("ignore:training diverges")  # with rates and schedules that are wild
@given(data=st.data())
@settings(max_examples=300)
def test_a_checkpoint_with_any_part_replaced_is_taken_or_refused_and_nothing_else(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("parts") / "run.json"
    train(epochs=1, checkpoint=file, optimizer="adam", schedule=SCHEDULES[1], compile=False)
    place = document = json.loads(file.read_text())
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from([*keys]))
        if isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=3)
            | st.just([])
            | st.just({})
        )
        break
    file.write_text(json.dumps(document))
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = [p.data for p in model.parameters()]
    try:
        train(
            model,
            epochs=data.draw(st.integers(1, 3)),
            resume=file,
            optimizer="adam",
            schedule=SCHEDULES[1],
            compile=False,
        )
    except DivergedError:  # whose numbers are wild
        return
    except ValueError:  # ModelFormatError is one
        assert [p.data for p in model.parameters()] == before


def test_resume_true_starts_anew_where_there_is_no_checkpoint_yet(file):
    assert state(train(epochs=2, checkpoint=file, resume=True)) == state(train(epochs=2))
    with pytest.raises(ValueError, match="say where"):
        train(epochs=1, resume=True)
    with pytest.raises(FileNotFoundError):
        train(epochs=1, resume=file.with_name("other.json"))


def test_what_cannot_be_saved_is_said_before_training_starts(tmp_path):
    class Plain:
        def __init__(self, params):
            self.params = params

        def zero_grad(self):
            """Do nothing."""

        step = zero_grad

    with pytest.raises(TypeError, match="Plain without state_dict"):
        train(epochs=1, optimizer=Plain, lr=None, checkpoint=tmp_path / "run.json")
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        train(epochs=1, checkpoint=tmp_path / "no" / "run.json")
    with pytest.raises(ValueError, match="every"):
        train(epochs=1, checkpoint=tmp_path / "run.json", every=0)
    assert not [*Path(tmp_path).iterdir()]


def test_the_parameters_of_a_loss_that_the_optimizer_moves_are_saved_too(file):
    def run(**arguments):
        model, spread = MLP(2, [3, 1], seed=0), Parameter(0.5)
        loss = lambda p, t: (p - t) ** 2 * exp(-spread) + spread  # noqa: E731 - it closes over the parameter
        optimizer = Adam([*model.parameters(), spread], lr=0.05)
        _, history = train(model, loss=loss, lr=None, optimizer=optimizer, compile=False, **arguments)
        return [p.data for p in (*model.parameters(), spread)], history

    whole = run(epochs=8)
    run(epochs=4, checkpoint=file)
    assert run(epochs=8, resume=file) == whole


def test_a_metric_that_is_not_finite_is_saved(file):
    metrics = {"nan": lambda _p, _t: math.nan, "inf": lambda _p, _t: math.inf}
    train(epochs=1, checkpoint=file, metrics=metrics)
    _, history = train(epochs=2, resume=file, metrics=metrics)
    assert [*map(math.isnan, history["nan"])] == [True, True]
    assert history["inf"] == [math.inf, math.inf]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch": 10**9}, "0 sums after batch 1000000000"),
        ({"batch": 1}, "0 sums after batch 1 of 3"),
        ({"batch": 1, "sums": [0.5]}, "1 sums after batch 1 of 3, expected 2"),
        ({"sums": [0.5]}, "1 sums after batch 0"),
        ({"sums": [0.5, "many"]}, "expected a number"),
        ({"history": {"seconds": 0.0, "columns": {}}}, r"figures \[\], but"),
        ({"history": {"seconds": 0.0, "columns": {"loss": ["nan"]}}}, "expected a number"),
    ],
)
def test_a_checkpoint_whose_parts_do_not_fit_each_other_changes_nothing(file, change, named):
    train(epochs=1, checkpoint=file)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match=named):
        train(model, epochs=3, resume=file)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.parametrize("change", [{"metrics": {"one": lambda _p, _t: 1.0}}, {"validation": (X, Y)}])
def test_other_metrics_than_before_are_refused_before_anything_changes(file, change):
    train(epochs=1, checkpoint=file)
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match="with figures"):
        train(model, epochs=2, resume=file, **change)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.parametrize("path", [True, 1, "", b"x", ["run.json"]])
@pytest.mark.parametrize("name", ["checkpoint", "resume"])
def test_what_is_no_name_of_a_file_is_refused_by_name(name, path):
    with pytest.raises((TypeError, ValueError), match="checkpoint" if path is True else f"{name} is"):
        train(epochs=1, **{name: path})


def test_a_folder_is_refused_before_training(tmp_path):
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = [p.data for p in model.parameters()]
    with pytest.raises(IsADirectoryError, match="a folder"):
        train(model, epochs=1, checkpoint=tmp_path)
    assert [p.data for p in model.parameters()] == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"lr": 0.01}, r"with lr 0\.05, but this one has 0\.01: .* to epochs=2 and then fit anew"),
        ({"weight_decay": 0.1}, r"with weight_decay 0\.0, but this one has 0\.1"),
        ({"clip_norm": 1.0}, r"with clip_norm None, but this one has 1\.0"),
        ({"schedule": lambda optimizer: ExponentialLR(optimizer, 0.5)}, "with schedule"),
        ({"model": MLP(2, [3, 1], activation="relu", seed=0)}, "with other layers or activations"),
        ({"data": ([[x + 1.0 for x in row] for row in X], Y)}, "with other numbers in X or y"),
        ({"data": (X, [1 - y for y in Y])}, "with other numbers in X or y"),
    ],
)
def test_a_setting_that_would_be_without_effect_is_refused(file, change, named):
    train(epochs=2, checkpoint=file, schedule=lambda optimizer: ExponentialLR(optimizer, 0.9))
    change = {"schedule": lambda optimizer: ExponentialLR(optimizer, 0.9), **change}
    with pytest.raises(ValueError, match=named):
        train(epochs=4, resume=file, **change)


def test_an_optimizer_that_was_used_before_may_go_on(file):
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    optimizer = Adam(model.parameters(), lr=0.05)
    train(model, epochs=2, lr=None, optimizer=optimizer, checkpoint=file)
    optimizer.param_groups[0]["lr"] = 0.01
    _, history = train(model, epochs=4, lr=None, optimizer=optimizer, resume=file)
    assert len(history.loss) == 4
    assert len(train(epochs=3, optimizer="adam", resume=file)[1].loss) == 3, "named, in place of the ready one"
