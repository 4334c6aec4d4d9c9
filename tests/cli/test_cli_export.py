"""`autograd-mini export`: models and functions in other programs, and one line for every mistake."""

from __future__ import annotations

import sys

import c_library
import pytest

from autograd_mini import MLP, load
from autograd_mini.cli import main
from autograd_mini.cli.recipe import Recipe

pytest.importorskip("numpy")

MINE = """
import autograd_mini as ag
def loss(x, y):
    "Two numbers, and a loss."
    return ag.exp(x * y)
def of_a_list(x):
    return x[0] * 2
def branching(x):
    return x if x > 0 else -x
fast = ag.jit(loss)
constant = 3
"""


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """Return a function that runs a command in a folder with a module, and returns status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"mine_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(MINE, encoding="utf-8")

    def run(*words):
        status = main([str(word).replace("mine:", f"{name}:") for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def table(tmp_path, rows, header):
    (tmp_path / "table.csv").write_text("\n".join([header, *rows]), encoding="utf-8")


def test_a_model_of_numbers_takes_and_gives_them_as_they_stand_in_the_table(cli, tmp_path):
    table(tmp_path, [f"{a},{b},{10 * a + b}" for a in range(8) for b in range(20, 28)], "width,height,area")
    assert cli("train", "table.csv", "--target", "area", "--hidden", "4", "--epochs", "3")[0] == 0
    status, out, _ = cli("export", "model.json", "--out", "area.h", "--dtype", "double")
    assert (status, out) == (0, "area.h\ninputs: width, height, as they stand in the table\noutput: area\n")
    text = (tmp_path / "area.h").read_text(encoding="utf-8")
    assert " * inputs: width, height, as they stand in the table" in text
    (tmp_path / "one.csv").write_text("width,height\n3,25\n", encoding="utf-8")
    said = float(cli("predict", "model.json", "one.csv")[1].split(",")[-1])
    original = load("model.json")
    folded = [p.data for p in _unscaled(original).parameters()]
    found = c_library.compiled([text], tmp_path).call("area", [3.0, 25.0], folded)[0]
    assert found == pytest.approx(said, rel=1e-12)
    assert f"    {folded[0]!r}, /* 0: w[1][1][1] */" in text


def _unscaled(model):
    from autograd_mini.cli.commands import unscaled

    unscaled(model, Recipe.from_metadata(model.metadata, "model.json"))
    return model


@pytest.mark.parametrize(("rows", "said"), [(2, "log-odds of the second class, so above 0"), (3, "the largest is the")])
def test_a_model_of_classes_gives_scores_and_says_of_what(cli, tmp_path, rows, said):
    table(tmp_path, [f"{a},{b},class_{(a + b) % rows}" for a in range(6) for b in range(6)], "a,b,kind")
    assert cli("train", "table.csv", "--target", "kind", "--hidden", "3", "--epochs", "2")[0] == 0
    status, out, _ = cli("export", "model.json", "--out", "kind.h")
    assert status == 0
    assert f"outputs: scores of kind, {said}" in out
    assert "class_0, class_1" in out


def test_a_model_without_a_table_is_written_as_it_is(cli, tmp_path):
    MLP(2, [3, 1], seed=0).save(tmp_path / "net.json")
    assert cli("export", "net.json", "--name", "score") == (0, "model.h\n", "")
    assert "float score(const float x[2], const float p[13])" in (tmp_path / "model.h").read_text(encoding="utf-8")


def test_a_model_is_written_as_onnx(cli, tmp_path):
    onnx = pytest.importorskip("onnx")
    MLP(2, [3, 1], seed=0).save(tmp_path / "net.json")
    assert cli("export", "net.json", "--out", "net.onnx")[0] == 0
    assert onnx.load(tmp_path / "net.onnx").graph.input[0].name == "x"


@pytest.mark.parametrize("name", ["loss", "fast"])
def test_a_function_is_written_with_its_gradient(cli, tmp_path, name):
    assert cli("export", f"mine:{name}", "--out", "loss.h", "--dtype", "double") == (0, "loss.h\n", "")
    text = (tmp_path / "loss.h").read_text(encoding="utf-8")
    assert "Two numbers, and a loss." in text
    found, [grad] = c_library.compiled([text], tmp_path).call("loss_value_and_grad", 0.0, 2.0, [0.0, 0.0])
    assert (found, grad) == (1.0, [2.0, 0.0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["mine:of_a_list", "--out", "f.h"],
            "as a function of numbers: TypeError: 'Tracer' object is not subscriptable",
        ),
        (["mine:branching", "--out", "f.h"], "where(condition, a, b)"),
        (["mine:constant", "--out", "f.h"], "expected a function"),
        (["mine:loss", "--out", "f.onnx"], "--out is 'f.onnx', expected a name that ends in .h: a function is"),
        (["mine:loss", "--out", "f.h", "--name", "a b"], "name is 'a b', expected a name in C that is not taken"),
        (["missing.json", "--out", "f.h"], "cannot read or write missing.json: No such file"),
        (["net.json", "--out", "net.pt"], "path is 'net.pt', expected one that ends in .h or .onnx"),
        (["net.json", "--out", "nowhere/net.h"], "cannot write nowhere/net.h: there is no folder nowhere"),
        (["net.json", "--dtype", "half"], "argument --dtype: invalid choice: 'half'"),
    ],
)
def test_a_mistake_is_one_line(cli, tmp_path, words, message):
    MLP(2, [3, 1], seed=0).save(tmp_path / "net.json")
    status, out, err = cli("export", *words)
    assert (status, out) == (2, "")
    assert err.startswith("autograd-mini: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert not [*tmp_path.glob("*.h"), *tmp_path.glob("*.onnx"), *tmp_path.glob("*.pt")]


def test_a_package_that_is_missing_is_named_with_its_extra(cli, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    MLP(2, [3, 1], seed=0).save(tmp_path / "net.json")
    assert (
        "needs onnx, which is not installed: pip install 'autograd_mini[onnx]'"
        in cli("export", "net.json", "--out", "net.onnx")[2]
    )
