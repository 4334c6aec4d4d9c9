"""The command line: what its commands write and print, and one line for every mistake."""

import csv
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_mini
from autograd_mini import MLP, datasets, load
from autograd_mini.cli import commands, main
from autograd_mini.cli.tables import Table, UserError, read_table
from autograd_mini.engine.ops import TABLE
from autograd_mini.errors import aligned

IRIS = datasets.iris()


def rows_of(text):
    """Return the rows of a CSV text, a dict each."""
    return list(csv.DictReader(io.StringIO(text)))


def table_in(text):
    """Return the words of each line behind its first word."""
    return {words[0]: words[1:] for line in text.splitlines() if (words := line.split())}


@pytest.fixture
def cli(capsys):
    """Return a function that runs a command and returns its status, output and errors."""

    def run(*words):
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def refused(cli):
    """Return a function that runs a command, which fails with one line, and returns that line."""

    def run(*words):
        status, out, err = cli(*words)
        assert (status, out) == (2, "")
        assert err.startswith("autograd-mini: error: ")
        assert err.count("\n") == 1
        return err.removeprefix("autograd-mini: error: ").rstrip()

    return run


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def file(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return file


@pytest.fixture(scope="module")
def iris_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("iris") / "iris.csv"
    lines = [",".join([*IRIS.feature_names, "species"])]
    lines += [",".join([*map(str, row), IRIS.target_names[kind]]) for row, kind in zip(*IRIS, strict=True)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def iris_model(iris_csv, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "iris.json"
    words = ["train", str(iris_csv), "--target", "species", "--hidden", "6", "--epochs", "25", "--out", str(path)]
    assert main(words) == 0
    return path


SMALL = "x,y\n" + "\n".join(f"{x},{3 * x + 1000}" for x in range(20))
TWO = "a,b,kind\n" + "\n".join(f"{x},{-x},{'low' if x < 10 else 'high'}" for x in range(20))
QUICK = ("--hidden", "0", "--epochs", "2")


# train


def test_train_tells_irises_apart_and_prints_the_baseline_beside(cli, iris_csv, tmp_path):
    model = tmp_path / "model.json"
    words = ["train", iris_csv, "--target", "species", "--hidden", "6", "--epochs", "25", "--out", model]
    status, out, err = cli(*words)
    assert (status, err) == (0, "")
    scores = table_in(out)
    assert (scores["train"][0], scores["test"][0]) == ("112", "38")
    assert float(scores["test"][1]) >= 0.9
    assert float(scores["test"][2]) == pytest.approx(1 / 3, abs=0.03)
    assert str(model) in out
    assert cli(*words)[1] == out


def test_a_model_keeps_what_predict_needs(iris_model):
    recipe = load(iris_model).metadata["table"]
    assert recipe["columns"] == [*IRIS.feature_names]
    assert recipe["classes"] == sorted(IRIS.target_names)
    assert (recipe["target"], recipe["loss"]) == ("species", "cross_entropy")


def test_a_target_of_numbers_is_predicted_in_its_own_units(cli, write, tmp_path):
    model = tmp_path / "line.json"
    status, out, _ = cli("train", write(SMALL), "--target", "y", "--hidden", "0", "--lr", "0.05", "--out", model)
    assert status == 0
    assert "RMSE" in out
    assert "loss: mse" in out
    status, out, _ = cli("predict", model, write("x\n4\n30\n", "more.csv"))
    assert [float(row["prediction"]) for row in rows_of(out)] == pytest.approx([1012, 1090], abs=0.5)


def test_the_printed_errors_are_those_of_the_predictions(cli, write, tmp_path):
    model = tmp_path / "m.json"
    data = write(SMALL)
    _, out, _ = cli("train", data, "--target", "y", *QUICK, "--test-fraction", "0", "--out", model)
    rows, rmse, baseline, r2 = table_in(out)["train"]
    _, predicted, _ = cli("predict", model, data)
    pairs = [(float(row["prediction"]), float(row["y"])) for row in rows_of(predicted)]
    mean_square = sum((p - y) ** 2 for p, y in pairs) / len(pairs)
    variance = sum((y - 1028.5) ** 2 for _, y in pairs) / len(pairs)
    assert rows == "20"
    assert float(rmse) == pytest.approx(math.sqrt(mean_square), rel=1e-3)
    assert float(baseline) == pytest.approx(math.sqrt(variance), rel=1e-3)
    assert float(r2) == pytest.approx(1 - mean_square / variance, abs=1e-3)
    assert "test" not in table_in(out)


@pytest.mark.parametrize(
    ("loss", "outputs", "columns"),
    [
        ("auto", 1, ["prediction", "probability_high", "probability_low"]),
        ("binary_cross_entropy", 1, ["prediction", "probability_high", "probability_low"]),
        ("cross_entropy", 2, ["prediction", "probability_high", "probability_low"]),
        ("hinge", 1, ["prediction"]),
    ],
)
def test_two_classes_are_told_apart_by_every_loss_for_classes(cli, write, tmp_path, loss, outputs, columns):
    data, model = write(TWO), tmp_path / "m.json"
    words = ("--target", "kind", "--hidden", "0", "--lr", "0.1", "--loss", loss, "--out", model)
    assert cli("train", data, *words)[0] == 0
    assert len(load(model).layers[-1].neurons) == outputs
    rows = rows_of(cli("predict", model, data)[1])
    assert list(rows[0]) == ["a", "b", "kind", *columns]
    assert sum(row["prediction"] == row["kind"] for row in rows) >= 19
    for row in rows:
        chances = [float(row[name]) for name in columns[1:]]
        assert not chances or sum(chances) == pytest.approx(1)
        assert not chances or columns[1:][chances.index(max(chances))] == f"probability_{row['prediction']}"


def test_numbers_are_classes_where_the_loss_says_so(cli, write, tmp_path):
    data = write("x,k\n" + "\n".join(f"{x},{10 if x > 9 else 9}" for x in range(20)))
    _, _, err = cli("train", data, "--target", "k", *QUICK, "--out", tmp_path / "a.json")
    assert "--task regression" in err
    _, _, err = cli("train", data, "--target", "k", *QUICK, "--loss", "cross_entropy", "--out", tmp_path / "b.json")
    assert err == ""
    assert load(tmp_path / "b.json").metadata["table"]["classes"] == ["9", "10"]


def test_classes_that_are_numbers_and_texts_are_allowed_where_the_loss_says_so(cli, write, tmp_path):
    data = write("x,k\n" + "\n".join(f"{x},{'many' if x > 9 else 9}" for x in range(16)))
    words = ("--target", "k", *QUICK, "--loss", "cross_entropy", "--out", tmp_path / "m.json")
    assert cli("train", data, *words)[0] == 0
    assert load(tmp_path / "m.json").metadata["table"]["classes"] == ["9", "many"]


def test_columns_of_text_and_ignored_ones_are_left_out(cli, write, tmp_path):
    data = write("id,name,x,y\n" + "\n".join(f"{x},n{x},{x},{x}" for x in range(9)))
    status, _, err = cli("train", data, "--target", "y", "--ignore", "id", *QUICK, "--out", tmp_path / "m.json")
    assert status == 0
    assert err == "autograd-mini: note: left out, because they hold text: 'name'\n"
    assert load(tmp_path / "m.json").metadata["table"]["columns"] == ["x"]


def test_options_reach_the_training(cli, write, tmp_path):
    data = write(TWO)
    words = ["--target", "kind", "--hidden", "3,2", "--activation", "relu", "--epochs", "1", "--seed", "5"]
    for name, more in {
        "a": [],
        "b": [],
        "c": ["--optimizer", "sgd"],
        "d": ["--lr", "0.5"],
        "e": ["--batch-size", "2"],
    }.items():
        assert cli("train", data, *words, *more, "--out", tmp_path / f"{name}.json")[0] == 0
    models = [load(tmp_path / f"{name}.json").matrices() for name in "abcde"]
    assert models[0] == models[1]
    assert all(models.count(model) == 1 for model in models[2:])
    model = load(tmp_path / "a.json")
    assert [len(layer.neurons) for layer in model.layers] == [3, 2, 1]
    assert model.layers[0].neurons[0].activation == "relu"


# predict


def test_predict_finds_columns_by_name_and_leaves_the_cells_as_they_are(cli, iris_model, write):
    data = write('note,petal_width,petal_length,sepal_width,sepal_length\n"a, ""b""",0.20,1.4,3.5,5.1\n')
    status, out, err = cli("predict", iris_model, data)
    assert (status, err) == (0, "")
    (row,) = rows_of(out)
    assert (row["note"], row["petal_width"], row["prediction"]) == ('a, "b"', "0.20", "setosa")
    chances = [float(row[f"probability_{name}"]) for name in IRIS.target_names]
    assert sum(chances) == pytest.approx(1)
    assert max(chances) == chances[0]


def test_predict_writes_a_file(cli, iris_model, iris_csv, tmp_path):
    _, on_screen, _ = cli("predict", iris_model, iris_csv)
    status, out, _ = cli("predict", iris_model, iris_csv, "--out", tmp_path / "said.csv")
    assert (status, out) == (0, "")
    assert (tmp_path / "said.csv").read_text() == on_screen
    rows = rows_of(on_screen)
    assert sum(row["prediction"] == row["species"] for row in rows) >= 135


def test_a_column_named_like_the_prediction_is_kept(cli, write, tmp_path):
    data = write("prediction,y\n" + "\n".join(f"{x},{x}" for x in range(8)))
    cli("train", data, "--target", "y", *QUICK, "--out", tmp_path / "m.json")
    _, out, _ = cli("predict", tmp_path / "m.json", data)
    assert out.splitlines()[0] == "prediction,y,prediction_"


def test_semicolons_and_decimal_commas_come_out_as_they_went_in(cli, write, tmp_path):
    data = write("x;y\r\n" + "".join(f"{x},5;{x + 0.5}\r\n" for x in range(10)))
    assert cli("train", data, "--target", "y", *QUICK, "--out", tmp_path / "m.json")[0] == 0
    mean = load(tmp_path / "m.json").metadata["table"]["target_mean"]
    assert 3 < mean < 7
    _, out, _ = cli("predict", tmp_path / "m.json", data)
    assert out.startswith("x;y;prediction\n0,5;0.5;")


# Tables


names = (
    st.text(st.characters(codec="utf-8", exclude_characters=";\t\r\n\ufeff"), min_size=1).map(str.strip).filter(bool)
)
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


@given(header=st.lists(names, min_size=1, max_size=4, unique=True), data=st.data())
def test_a_table_that_was_written_is_read_again(tmp_path_factory, header, data):
    rows = data.draw(st.lists(st.lists(cells, min_size=len(header), max_size=len(header)), min_size=1, max_size=4))
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        Table("t", header, rows).write(file)
    table = read_table(str(path), header=True)
    assert table.header == header
    assert table.rows == rows


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa,b\n1,2\n",
        "a,b\r\n1,2\r\n",
        "a;b\n1;2",
        "a\tb\n1\t2",
        '"a","b"\n"1","2"\n',
        "\na , b\n\n1, 2\n\n",
        'a;"b"\n1;2\n',
    ],
)
def test_the_usual_kinds_of_csv_are_one_table(write, text):
    table = read_table(str(write(text)))
    assert table.header == ["a", "b"]
    assert (table.numbers("a"), table.numbers("b")) == ([1.0], [2.0])


@given(number=st.floats(-1e99, 1e99))
def test_every_number_that_python_writes_is_read_to_the_bit(number):
    assert Table("t", ["x"], [[repr(number)]]).numbers("x") == [number]


@pytest.mark.parametrize("cell", ["1_000", "inf", "0x10", "1e999", "\u0661", "1,5", "--1", "1 2", "e5", "."])
def test_what_python_or_a_person_might_take_for_a_number_is_refused(cell):
    with pytest.raises(UserError, match=r"t, row 1 \(line 2\), column 'x' is .*expected a number"):
        Table("t", ["x"], [[cell]]).numbers("x")


def test_aligned_columns_have_one_width():
    text = "\n".join(aligned([["", "rows", "score"], ["train", "5", "0.123"], ["test", "1000", "1"]], left={0}))
    assert text == "       rows  score\ntrain     5  0.123\ntest   1000      1"


# Mistakes


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("", ["--target", "y"], "is empty"),
        ("x,y\n", ["--target", "y"], "header, but no rows"),
        ("x,y\n1\n", ["--target", "y"], "row 1 (line 2) has 1 cells, but the header has 2"),
        ("x,x\n1,2\n", ["--target", "x"], "2 columns named 'x'"),
        ("x,\n1,2.5\n3,4\n", ["--target", "x"], "column 2 of"),
        (b"x,y\n\xff,1\n", ["--target", "y"], "not UTF-8"),
        ('x,y\n"1,2\n', ["--target", "y"], "line 2"),
        (SMALL, ["--target", "Y"], "no column 'Y'; did you mean 'y'?"),
        (SMALL, ["--target", "salary"], "no column 'salary'; there are 'x', 'y'"),
        (SMALL, ["--target", "y", "--ignore", "id"], "no column 'id'"),
        (SMALL, ["--target", "y", "--ignore", "x"], "no column of numbers"),
        (SMALL.replace("\n5,", "\nfive,"), ["--target", "y"], "row 6 (line 7), column 'x' is 'five'"),
        (
            SMALL.replace("\n5,", "\n,"),
            ["--target", "y"],
            "row 6 (line 7), column 'x'): leave these rows out with --drop-missing, or",
        ),
        (
            SMALL.replace("1015", ""),
            ["--target", "y"],
            "row 6 (line 7), column 'y'): leave these rows out with --drop-missing",
        ),
        (SMALL.replace("1015", "??"), ["--target", "y"], "row 6 (line 7), column 'y' is '??'"),
        (SMALL.replace("1015", "-1e100"), ["--target", "y"], "is '-1e100', expected a number below 1e+100"),
        (SMALL.replace("1015", "1e999"), ["--target", "y"], "row 6 (line 7), column 'y' is '1e999'"),
        ("x,k\n1,a\n2,a\n3,a\n", ["--target", "k"], "'a' in every row"),
        ("x,k\n1,a\n2,b\n3,c\n", ["--target", "k"], "3 different values in 3 rows"),
        ("x,k\n" + "1,a\n2,b\n3,c\n" * 3, ["--target", "k", "--loss", "hinge"], "hinge tells two classes apart"),
        (TWO, ["--target", "kind", "--loss", "mse"], "text, but mse measures numbers"),
        ("x,y\n1,2\n", ["--target", "y"], "test_fraction"),
        (SMALL, [], "--target"),
        (SMALL, ["--target", "y", "--hidden", "16,x"], "--hidden"),
        (SMALL, ["--target", "y", "--hidden", "4,-1"], "--hidden"),
        (SMALL, ["--target", "y", "--lr", "0"], "--lr"),
        (SMALL, ["--target", "y", "--lr", "nan"], "--lr"),
        (SMALL, ["--target", "y", "--lr", "fast"], "'fast'"),
        (SMALL, ["--target", "y", "--epochs", "0"], "--epochs"),
        (SMALL, ["--target", "y", "--epochs", "1.5"], "--epochs"),
        (SMALL, ["--target", "y", "--batch-size", "0"], "--batch-size"),
        (SMALL, ["--target", "y", "--seed", "-1"], "--seed"),
        (SMALL, ["--target", "y", "--test-fraction", "1"], "--test-fraction"),
        (SMALL, ["--target", "y", "--loss", "mes"], "'mes'"),
        (SMALL, ["--target", "y", "--activation", "tan"], "'tan'"),
        (SMALL, ["--target", "y", "--out", "no/such/m.json"], "there is no folder no/such"),
        (SMALL, ["--target", "y", "--out", "."], "it is a folder"),
        (SMALL, ["--target", "y", "--optimizer", "sgd", "--lr", "1e30"], "try a lower lr, such as 1e+29"),
        (SMALL, ["--target", "y", "--depth", "3"], "--depth"),
    ],
)
def test_a_mistake_in_training_is_one_line(refused, write, monkeypatch, tmp_path, text, words, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused("train", write(text), *words)
    assert not (tmp_path / "model.json").exists()


def test_a_file_that_is_not_there_is_named(refused, tmp_path, iris_csv, iris_model):
    assert "cannot read none.csv: No such file" in refused("train", "none.csv", "--target", "y")
    assert "none.json: No such file" in refused("predict", "none.json", iris_csv)
    assert "cannot read none.csv: No such file" in refused("predict", iris_model, "none.csv")
    assert f"cannot read {tmp_path}: Is a directory" in refused("train", tmp_path, "--target", "y")


def test_predict_names_the_columns_that_are_missing(refused, iris_model, write):
    message = refused("predict", iris_model, write("sepal_length,petal_length,petal_widht,sepal_width\n1,2,3,4\n"))
    assert "no column 'petal_width'; did you mean 'petal_widht'" in message
    message = refused("predict", iris_model, write("sepal_length,petal_width\n1,2\n"))
    assert "lacks the columns 'sepal_width', 'petal_length'" in message


def test_predict_names_the_row_of_a_cell_that_is_no_number(refused, iris_model, write):
    data = write("sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4\n1,2,many,4\n")
    assert "row 2 (line 3), column 'petal_length' is 'many'" in refused("predict", iris_model, data)


def test_predict_does_not_write_over_its_data(refused, iris_model, iris_csv):
    before = iris_csv.read_bytes()
    assert "choose another" in refused("predict", iris_model, iris_csv, "--out", iris_csv)
    assert iris_csv.read_bytes() == before


def test_a_model_that_train_has_not_made_is_refused(refused, tmp_path, iris_csv):
    MLP(4, [3], seed=0).save(tmp_path / "own.json")
    assert "train" in refused("predict", tmp_path / "own.json", iris_csv)
    assert "no model file" in refused("predict", iris_csv, iris_csv)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("columns", []),
        ("columns", "sepal_length"),
        ("columns", [1, 2, 3, 4]),
        ("means", [0.0]),
        ("means", ["0", "0", "0", "0"]),
        ("scales", [1.0, 1.0, 1.0, 0.0]),
        ("scales", [True, None, 1.0, 1.0]),
        ("classes", ["setosa"]),
        ("classes", []),
        ("classes", {}),
        ("loss", "hinge"),
        ("target_scale", "1"),
        ("surprise", 1),
    ],
)
def test_a_model_whose_recipe_is_damaged_is_refused(refused, iris_model, iris_csv, write, name, value):
    document = json.loads(iris_model.read_text())
    document["metadata"]["table"][name] = value
    assert "damaged" in refused("predict", write(json.dumps(document), "damaged.json"), iris_csv)


def test_control_characters_in_a_name_stay_in_one_line(refused):
    assert r"no\nsuch\x1b[31m.csv" in refused("train", "no\nsuch\x1b[31m.csv", "--target", "y")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_named(refused, write, tmp_path):
    data = write(SMALL)
    tmp_path.chmod(0o500)
    try:
        assert "permission denied" in refused("train", data, "--target", "y", "--out", tmp_path / "m.json")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="about POSIX systems")  # noqa: PTH110
def test_a_device_is_named_before_anything_is_learnt(refused, write):
    assert refused("train", write(TWO), "--target", "kind", "--out", "/dev/null").endswith("it is no regular file")


def test_a_model_file_of_tensors_is_written_and_read(cli, iris_csv, tmp_path):
    pytest.importorskip("safetensors")
    for name in ("m.json", "m.safetensors"):
        assert cli("train", iris_csv, "--target", "species", *QUICK, "--out", tmp_path / name)[0] == 0
    tensors, text = (cli("predict", tmp_path / name, iris_csv)[1] for name in ("m.safetensors", "m.json"))
    assert tensors == text
    assert len(text) > 1000


def test_a_package_that_a_model_file_needs_is_named_before_anything_is_learnt(refused, write, monkeypatch, tmp_path):
    for name in ("safetensors", "safetensors.numpy"):  # another test may have imported them
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "m.safetensors"
    for words in [("train", write(TWO), "--target", "kind", "--out", path), ("predict", path, write(TWO))]:
        assert "pip install 'autograd_mini[safetensors]'" in refused(*words)


def test_a_full_disk_is_one_line(refused, write, monkeypatch, tmp_path):
    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MLP, "save", full)
    assert "No space left on device" in refused(
        "train", write(TWO), "--target", "kind", *QUICK, "--out", tmp_path / "m.json"
    )


@pytest.mark.parametrize("words", [["fly"], ["demo", "--speed"], ["predict"], ["ops", "all"]])
def test_a_command_line_that_makes_no_sense_is_one_line(refused, words):
    assert "--help)" in refused(*words)


# demo, ops, help


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "new" / "out"
    done = run_python("demo", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out, done


def test_the_demo_prints_good_accuracies_and_where_everything_is(demo):
    out, done = demo
    scores = table_in(done.stdout)
    assert float(scores["iris"][2]) >= 0.9
    assert float(scores["moons"][2]) >= 0.95
    assert str(out) in done.stdout
    assert done.stderr == ""


def test_the_demos_models_predict_its_data(demo, cli):
    out, _ = demo
    for name, target in (("iris", "species"), ("moons", "moon")):
        rows = rows_of(cli("predict", out / f"{name}.json", out / f"{name}.csv")[1])
        assert sum(row["prediction"] == row[target] for row in rows) >= 0.9 * len(rows)


def test_the_demo_leaves_a_page_of_pictures(demo):
    out, done = demo
    page = (out / "index.html").read_text(encoding="utf-8")
    for title in ("A neuron, with its gradients", "The network", "What it decides"):
        assert title in page
    assert str(out / "index.html") in done.stdout
    assert (out / "neuron.svg").exists() != ("some not drawn" in done.stdout)


def test_a_demo_without_a_renderer_goes_on_and_says_which_extra_draws(monkeypatch, cli, tmp_path):
    def draw(_):
        raise ImportError("no Graphviz")

    monkeypatch.setattr("autograd_mini.viz.report_page.draw", draw)
    monkeypatch.setattr("autograd_mini.viz.report_page.step", draw)
    quick(monkeypatch)
    status, out, err = cli("demo", "--out", tmp_path)
    assert (status, err) == (0, "")
    assert "autograd_mini[draw,plot]" in out
    assert "no Graphviz" in (tmp_path / "index.html").read_text(encoding="utf-8")


# --- draw and step ---


def test_an_expression_is_drawn_as_dot(cli, tmp_path):
    path = tmp_path / "neuron.dot"
    assert cli("draw", "tanh(w*x + b)", "w=1", "x=2", "b=-0.5", "-o", path)[:2] == (0, f"{path}\n")
    source = path.read_text(encoding="utf-8")
    assert source.startswith("digraph")
    assert all(label in source for label in ("tanh", "0.9051"))


def test_an_expression_is_stepped_through_on_a_page(cli, tmp_path):
    pytest.importorskip("pygraphviz")
    path = tmp_path / "step.html"
    assert cli("step", "w * x", "w=2", "x=3", "-o", path)[0] == 0
    assert "<script" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("w * x", "w=2"), "x"),
        (("w *", "w=2"), "does not parse"),
        (("w * 2", "w=two"), "w=two"),
        (("w.real", "w=2"), "w.real"),
        (("w^2", "w=2"), "a power is written 'w ** 2'"),
        (("2w", "w=2"), "a product is written with *"),
        (("w²", "w=2"), "a power is written with **"),
        (("|w|", "w=2"), "an absolute value is written abs(x)"),
        (("√w", "w=2"), "a square root is written sqrt(x)"),
        (("ln(w)", "w=2"), "did you mean 'log'?"),
        (("tnah(w)", "w=2"), "did you mean 'tanh'?"),
        (("__import__('os')", "w=2"), "__import__"),
        (("w * 2", "w=2", "v=1"), "v"),
        (("w * 2", "w=2", "-o", "w.bmp"), "w.bmp"),
    ],
)
@pytest.mark.parametrize("command", ["draw", "step"])
def test_a_mistake_in_an_expression_is_one_line(cli, monkeypatch, tmp_path, command, words, says):
    monkeypatch.chdir(tmp_path)
    status, out, err = cli(command, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_demo_that_has_no_place_is_one_line(refused, write):
    assert "a file" in refused("demo", "--out", write(""))


def quick(monkeypatch):
    """Let the demo train for one epoch."""
    from dataclasses import replace

    from autograd_mini.cli import commands as module

    learn = module.learn
    monkeypatch.setattr(module, "learn", lambda table, target, how: learn(table, target, replace(how, epochs=1)))


def test_ops_prints_every_row_of_the_table_in_full(cli):
    status, out, _ = cli("ops")
    assert status == 0
    lines = out.splitlines()
    assert all(len(line) <= 160 for line in lines)
    position = lines[0].index("derivatives")
    printed = {}
    for line in lines[1:]:
        if line[0] != " ":
            name = line.split()[0]
            printed[name] = ["", ""]
        start = lines[0].index("value")
        printed[name][0] += line[start:position]
        printed[name][1] += line[position:]
    for row in TABLE.values():
        value, derivatives = ("".join(text.split()) for text in printed[row.name])
        expected = "".join(f"d/d{x}{partial}" for x, partial in zip(row.operands, row.partials, strict=True))
        assert value == "".join(row.value.split())
        assert derivatives == "".join(expected.split())


def test_version_and_help_are_no_errors(cli):
    assert cli("--version") == (0, f"autograd-mini {autograd_mini.__version__}\n", "")
    assert cli()[0] == 0
    for words in (["--help"], ["demo", "--help"], ["train", "--help"], ["predict", "--help"], ["ops", "--help"]):
        status, out, err = cli(*words)
        assert (status, err) == (0, "")
        assert out.startswith("usage: autograd-mini")


# As a program


def run_python(*words, **settings):
    return subprocess.run(
        [sys.executable, "-m", "autograd_mini", *words], check=False, capture_output=True, text=True, **settings
    )


def test_the_module_runs_as_a_program_with_an_exit_status():
    done = run_python("train", "none.csv", "--target", "y")
    assert done.returncode == 2
    assert done.stderr == "autograd-mini: error: cannot read none.csv: No such file or directory\n"


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as on POSIX")
def test_a_reader_that_goes_away_is_no_error(iris_model, iris_csv):
    words = [sys.executable, "-m", "autograd_mini", "predict", str(iris_model), str(iris_csv)]
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(words, stdout=writing, stderr=subprocess.PIPE, text=True) as program:
        os.close(writing)
        _, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (141, "")


def test_ctrl_c_is_status_130(cli, monkeypatch):
    def interrupted(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "ops", interrupted)
    assert cli("ops") == (130, "", "autograd-mini: interrupted\n")


@pytest.mark.parametrize("name", ["model.checkpoint.json", "model.v2.JSON", "model"])
def test_a_model_stays_where_its_name_says(cli, iris_csv, tmp_path, name):
    out = tmp_path / name
    assert cli("train", iris_csv, "--target", "species", "--epochs", 1, "--out", out)[0] == 0
    assert [*tmp_path.glob("model*")] == [out]


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_training_that_was_interrupted_or_killed_goes_on_to_the_same_model(iris_csv, tmp_path, number):
    words = [sys.executable, "-m", "autograd_mini", "train", str(iris_csv), "--target", "species"]
    words += ["--hidden", "3", "--epochs", "300"]
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    checkpoint = tmp_path / "parts.json.checkpoint"
    often = [*words, "--every", "1", "--out", str(parts)]
    with subprocess.Popen(often, stderr=subprocess.PIPE, text=True) as program:
        while not checkpoint.exists():
            assert program.poll() is None, "it ended without a checkpoint"
            time.sleep(0.01)
        program.send_signal(number)
        _, err = program.communicate(timeout=60)
    assert not parts.exists()
    assert checkpoint.exists()
    if number == signal.SIGINT:
        assert program.returncode == 130
        assert re.fullmatch(
            r"autograd-mini: interrupted after [0-9]+ epochs; the same command with --resume goes on\n", err
        )
    wrong = subprocess.run(
        [*words, "--out", str(parts), "--resume", "--seed", "5"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "seed 0, but this one has 5" in wrong.stderr
    subprocess.run([*words, "--out", str(parts), "--resume"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*words, "--out", str(whole)], check=True, stdout=subprocess.DEVNULL)
    assert parts.read_bytes() == whole.read_bytes()
    assert not checkpoint.exists()


def test_a_name_that_the_screen_cannot_show_is_one_line(write, tmp_path):
    data = write("größe,k\n" + "".join(f"{x},{'ä' if x < 5 else 'b'}\n" for x in range(10)))
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    words = ["train", str(data), "--target", "k", *QUICK, "--out", str(tmp_path / "m.json")]
    assert run_python(*words, env=env).returncode == 0
    done = run_python("predict", str(tmp_path / "m.json"), str(data), env=env)
    assert done.returncode == 2
    assert "PYTHONIOENCODING=utf-8" in done.stderr
    assert done.stderr.count("\n") == 1


def test_negative_bounds_and_formulas_are_no_options(cli, tmp_path, monkeypatch):
    (tmp_path / "slopes.py").write_text(
        "def f(x, y):\n    return x * x * y\n\ndef df(x, y):\n    return 2 * x * y, x * x\n"
    )
    monkeypatch.chdir(tmp_path)
    where = ("--domain", "-3:3", "-1:1")
    assert cli("check", "slopes:f", "--derivative", "slopes:df", *where)[0] == 0
    assert cli("draw", "-x*x", "x=1", "--out", tmp_path / "square.svg")[0] == 0
    assert cli("draw", "--nothing")[0] == 2


def test_the_figures_of_a_model_that_is_far_off_stay_short_and_a_note_says_that_it_diverges(cli, tmp_path):
    rows = "\n".join(f"{x},{x % 3}" for x in range(40))
    (tmp_path / "far.csv").write_text(f"x,y\n{rows}\n")
    _, out, err = cli(
        "train",
        tmp_path / "far.csv",
        "--target",
        "y",
        "--epochs",
        1,
        "--optimizer",
        "adam",
        "--lr",
        1e9,
        "--out",
        tmp_path / "far.json",
    )
    assert max(map(len, out.splitlines())) < 120
    (said,) = [line for line in err.splitlines() if "training diverges" in line]
    assert said.startswith("autograd-mini: note: ")
    assert "see --lr" in said


def test_a_run_that_has_done_more_epochs_already_says_so(cli, write, tmp_path, monkeypatch):
    data = write("x,y\n" + "".join(f"{x},{x % 3}\n" for x in range(20)))
    out = tmp_path / "m.json"

    class StoppedError(Exception):
        pass

    def stop(*_):
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(MLP, "save", stop)
        with pytest.raises(StoppedError):
            cli("train", data, "--target", "y", "--epochs", 6, "--out", out)
    status, _, err = cli("train", data, "--target", "y", "--epochs", 3, "--out", out, "--resume")
    assert status == 0
    assert "had done 6 epochs already, and --epochs is 3 in all, so nothing was trained" in err
