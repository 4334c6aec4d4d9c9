"""Files that earlier versions have written: models and checkpoints load as they did, to the bit."""

import json
from pathlib import Path

import pytest

from autograd_mini import MLP, fit, load
from autograd_mini.files import LARGEST, json_model, models
from autograd_mini.optim import CosineAnnealingLR

WRITTEN = Path(__file__).parent / "written"
"""Files written by version 0.1.0, before training was one object and formats a table."""

X = [[row % 5 - 2.0, row % 3 - 1.0] for row in range(24)]
Y = [a * b for a, b in X]


def new_model():
    return MLP(2, [3, 1], activation="tanh", seed=7)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_model_that_was_written_before_loads_to_the_bit(name):
    if name.endswith(".safetensors"):
        pytest.importorskip("safetensors")
    model = load(WRITTEN / name)
    assert [p.data for p in model.parameters()] == [p.data for p in new_model().parameters()]
    assert repr(model) == repr(new_model())
    assert model.metadata == {"note": "a model"}


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_model_is_written_as_it_was_before(name, tmp_path):
    if name.endswith(".safetensors"):
        pytest.importorskip("safetensors")
    new_model().save(tmp_path / name, {"note": "a model"})
    assert (tmp_path / name).read_bytes() == (WRITTEN / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("run_sgd.json", {"optimizer": "sgd", "momentum": 0.9, "lr": 0.05}),
        (
            "run_adam.json",
            {
                "optimizer": "adam",
                "amsgrad": True,
                "clip_norm": 1.0,
                "schedule": lambda optimizer: CosineAnnealingLR(optimizer, T_max=10),
            },
        ),
    ],
)
def test_a_run_whose_checkpoint_was_written_before_goes_on_but_for_rounding_of_this_python(name, settings):
    given = {"loss": "mse", "epochs": 6, "batch_size": 5, "compile": False, "validation": (X[:4], Y[:4])}
    model, whole = new_model(), new_model()
    history = fit(model, X, Y, resume=WRITTEN / name, **given, **settings)
    afresh = fit(whole, X, Y, **given, **settings)
    # From Python 3.12 on, sum() of floats rounds less than on the Python that wrote the file.
    assert history.loss == pytest.approx(afresh.loss, rel=1e-12)
    assert [p.data for p in model.parameters()] == pytest.approx([p.data for p in whole.parameters()], rel=1e-12)
    recorded = json.loads((WRITTEN / name).read_text(encoding="utf-8"))["history"]["columns"]["loss"]
    assert history.loss[:3] == recorded


def test_a_format_is_one_module_and_one_entry(tmp_path, monkeypatch):
    class Reversed:
        """JSON, back to front, as a module of a format would have it."""

        SUFFIXES, HEAD, require = (".nosj",), LARGEST, staticmethod(json_model.require)

        @staticmethod
        def dumps(description, numbers, *, nonfinite):
            return json_model.dumps(description, numbers, nonfinite=nonfinite)[::-1]

        @staticmethod
        def allowed(head, *, alone):
            return json_model.allowed(head[::-1], alone=alone)

        @staticmethod
        def loads(data, *, alone, nonfinite):
            return json_model.loads(data[::-1], alone=alone, nonfinite=nonfinite)

    monkeypatch.setattr(models, "FORMATS", (Reversed, *models.FORMATS))
    new_model().save(tmp_path / "model.nosj", {"note": "a model"})
    assert (tmp_path / "model.nosj").read_bytes().startswith(b"\n}")
    assert load(tmp_path / "model.nosj").metadata == {"note": "a model"}
