"""Tables as people have them: classes in numbers, gaps, an index, no header, another program's file, a pipe."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import datasets, load
from autograd_mini.cli import main
from autograd_mini.cli.tables import MISSING, Table, UserError, read_table

IRIS = datasets.iris()
NAMES = ",".join(IRIS.feature_names)
FLOWERS = [",".join(map(repr, row)) for row in IRIS.X]
QUICK = ("--hidden", "0", "--epochs", "2")
NOTE = "autograd-mini: note: "


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in an empty folder and returns its status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words, stdin=None):
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def file(lines, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode())
        return str(path)

    return file


@pytest.fixture
def trained(cli, write):
    """Return a function that trains on lines, and returns the recipe and the notes."""

    def train(lines, target, *words, quick=QUICK):
        status, out, err = cli("train", write(lines), "--target", target, *quick, *words)
        assert status == 0, err
        notes = [line.removeprefix(NOTE) for line in err.splitlines()]
        assert all(NOTE in line for line in err.splitlines())
        assert out
        return load("model.json").metadata["table"], notes

    return train


def rows_of(text):
    """Return the rows of a CSV text, a dict each."""
    return list(csv.DictReader(io.StringIO(text)))


def flowers(kinds=IRIS.y):
    return [f"{NAMES},kind", *(f"{row},{kind}" for row, kind in zip(FLOWERS, kinds, strict=True))]


# Classes in numbers


def test_a_target_of_a_few_whole_numbers_is_a_class_and_the_note_says_how_to_choose_otherwise(trained):
    recipe, notes = trained(flowers(), "kind")
    assert (recipe["classes"], recipe["loss"]) == (["0", "1", "2"], "cross_entropy")
    assert notes == [
        "the target 'kind' is one of 3 whole numbers, which are taken for classes: "  # noqa: ISC004 - one sentence
        "to predict a number, add --task regression"
    ]


def test_the_task_is_what_the_user_says(trained):
    recipe, notes = trained(flowers(), "kind", "--task", "regression")
    assert (recipe["classes"], recipe["loss"], notes) == ([], "mse", [])
    recipe, notes = trained(flowers(), "kind", "--task", "classification")
    assert (recipe["classes"], recipe["loss"], notes) == (["0", "1", "2"], "cross_entropy", [])
    recipe, notes = trained(flowers(), "kind", "--loss", "mse")
    assert (recipe["classes"], recipe["loss"], notes) == ([], "mse", [])


@pytest.mark.parametrize(
    ("target", "classes"),
    [
        ([0, 1] * 2, ["0", "1"]),
        ([-1, 1] * 10, ["-1", "1"]),
        (["0.0", "1.0"] * 10, ["0.0", "1.0"]),
        (["1.0", "0", "1", "0.0"] * 10, ["0", "1"]),
        ([3, 4, 5, 6, 7, 8] * 5, ["3", "4", "5", "6", "7", "8"]),
        ([3, 4, 5, 6, 7, 8] * 4, []),
        ([*range(21)] * 5, []),
        ([*range(20)] * 5, [*map(str, range(20))]),
        ([0.5, 1.5] * 10, []),
        ([1, 2, 3.5] * 10, []),
        ([*range(1000, 1100)], []),
    ],
)
def test_few_whole_numbers_are_those_with_enough_rows_each(trained, target, classes):
    assert trained(["x,y", *(f"{row}.5,{cell}" for row, cell in enumerate(target))], "y")[0]["classes"] == classes


def test_a_class_in_numbers_is_predicted_as_the_file_writes_it(cli, trained, write):
    trained(flowers(), "kind", quick=("--hidden", "6", "--epochs", "25"))
    rows = rows_of(cli("predict", "model.json", write(flowers()))[1])
    assert sum(row["prediction"] == row["kind"] for row in rows) >= 135
    assert list(rows[0])[-3:] == ["probability_0", "probability_1", "probability_2"]


@pytest.mark.parametrize(
    ("lines", "words", "message"),
    [
        (
            ["x,k", *(f"{x},{'ab'[x % 2]}" for x in range(9))],
            ["--task", "regression"],
            "is text, but --task regression",
        ),
        (
            ["x,k", *(f"{x},{x % 2}" for x in range(9))],
            ["--task", "regression", "--loss", "hinge"],
            "leave one of the two",
        ),
        (["x,k", *(f"{x},{x % 2}" for x in range(9))], ["--task", "classification", "--loss", "mse"], "leave one of"),
        (["x,k", *(f"{x},{x / 3}" for x in range(9))], ["--task", "classification"], "too many for classes"),
        (["x,k", *(f"{x},5" for x in range(9))], [], "'5' in every row, so there is nothing to learn"),
        (["x,k", *(f"{x},5" for x in range(9))], ["--task", "classification"], "expected at least two classes"),
    ],
)
def test_a_task_that_does_not_fit_the_target_is_refused(cli, write, lines, words, message):
    status, out, err = cli("train", write(lines), "--target", "k", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


# Missing cells

GAPS = [
    "a,b,kind",
    *(f"{'' if x % 5 == 0 else x},{'NA' if x in (5, 7) else -x},{'low' if x < 20 else 'high'}" for x in range(40)),
]
LACKING = "lacks 10 cells in 9 of 40 rows ('a' 8, 'b' 2; the first in row 1 (line 2), column 'a')"


def test_all_missing_cells_are_counted_and_both_ways_out_are_named(cli, write):
    status, out, err = cli("train", write(GAPS), "--target", "kind")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert LACKING in err
    assert "--drop-missing" in err
    assert "--fill median" in err


def test_rows_with_gaps_are_left_out_on_request(cli, write):
    status, out, err = cli("train", write(GAPS), "--target", "kind", "--drop-missing", *QUICK)
    assert status == 0
    assert f"{LACKING}: these rows are left out" in err
    counts = [line.split()[1] for line in out.splitlines() if line.startswith(("train ", "test "))]
    assert sum(map(int, counts)) == 31


def test_gaps_are_filled_with_the_median_of_the_training_part_and_predict_does_the_same(cli, write, trained):
    recipe, notes = trained(GAPS, "kind", "--fill", "median", "--test-fraction", "0")
    assert LACKING in notes[0]
    numbers = sorted(x for x in range(40) if x % 5)
    assert recipe["medians"] == [(numbers[15] + numbers[16]) / 2, -20.5]
    status, filled, err = cli("predict", "model.json", write(["b,a", "?,3", "-1,"]))
    assert status == 0
    assert "lacks 2 cells in 2 of 2 rows" in err
    _, given, err = cli("predict", "model.json", write(["b,a", "-20.5,3", f"-1,{recipe['medians'][0]}"]))
    assert err == ""
    assert [row["prediction"] for row in rows_of(filled)] == [row["prediction"] for row in rows_of(given)]
    assert rows_of(filled)[0]["b"] == "?"  # the cells stay as they are


def test_the_test_part_says_nothing_of_the_medians(trained):
    lines = ["x,y", *(f"{x if x % 7 else ''},{x % 2}" for x in range(100))]
    whole, _ = trained(lines, "y", "--fill", "median", "--test-fraction", "0")
    part, _ = trained(lines, "y", "--fill", "median", "--test-fraction", "0.4")
    assert whole["medians"] != part["medians"]


def test_a_row_without_a_target_can_be_left_out_and_is_not_filled(cli, write):
    data = write(["x,y", *(f"{x if x % 3 else ''},{x * 2.5 if x % 4 else ''}" for x in range(40))])
    _, _, err = cli("train", data, "--target", "y", "--fill", "median", *QUICK)
    assert "lacks 10 cells in 10 of 40 rows ('y' 10;" in err
    assert "--fill" not in err
    assert cli("train", data, "--target", "y", "--fill", "median", "--drop-missing", *QUICK)[0] == 0


def test_predict_counts_the_gaps_of_a_model_that_fills_none_and_leaves_their_rows_out_on_request(cli, trained, write):
    trained(flowers(), "kind")
    data = write([NAMES, "5.1,,1.4,0.2", "5.1,3.5,1.4,0.2", ",,,"])
    status, out, err = cli("predict", "model.json", data)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "lacks 5 cells in 2 of 3 rows" in err
    assert "--drop-missing" in err
    status, out, err = cli("predict", "model.json", data, "--drop-missing")
    assert (status, len(rows_of(out)), err.count("\n")) == (0, 1, 1)


def test_nothing_is_learnt_from_rows_that_all_lack_something(cli, write):
    _, _, err = cli("train", write(["a,b,y", "1,,1", ",2,2"]), "--target", "y", "--drop-missing")
    assert "no row would be left" in err


@pytest.mark.parametrize("cell", sorted(MISSING))
def test_what_other_programs_write_for_a_missing_cell_is_one(cell):
    table = Table("t", ["x", "y"], [["1", "a"], [f" {cell} ", "b"], ["2", "c"]])
    assert table.numbers("x") == [1.0, None, 2.0]
    assert table.gaps(["x", "y"]) == {"x": [1]}


def test_a_column_that_is_empty_is_left_out(trained):
    recipe, notes = trained(["x,z,y,", *(f"{x},,{x}," for x in range(9))], "y")
    assert recipe["columns"] == ["x"]
    assert notes == ["left out, because they are empty: 'z', 'column_4'"]


# Columns that number the rows


@pytest.mark.parametrize("title", ["", '""', "Unnamed: 0"])
@pytest.mark.parametrize("index", [range(9), range(1, 10), [4, 8, 2, 9, 5, 7, 11, 3, 6]])
def test_an_index_without_a_name_is_left_out_and_the_note_says_so(trained, title, index):
    recipe, notes = trained([f"{title},x,y", *(f'"{n}",{x},{x}' for x, n in enumerate(index))], "y")
    assert recipe["columns"] == ["x"]
    named = "Unnamed: 0" if "Unnamed" in title else "column_1"
    assert notes == [f"left out, because they number the rows and have no name: {named!r}"]


def test_other_columns_without_a_name_can_be_ignored_or_are_refused(cli, write, trained):
    lines = [",x,y", *(f"{x / 2},{x},{x}" for x in range(9))]
    _, _, err = cli("train", write(lines), "--target", "y")
    assert "column 1 of" in err
    assert "--ignore 'column_1'" in err
    assert trained(lines, "y", "--ignore", "column_1")[0]["columns"] == ["x"]


def test_a_named_column_that_numbers_the_rows_is_mentioned(trained):
    recipe, notes = trained(["Id,x,y", *(f"{n + 1},{n * n},{n}" for n in range(9))], "y")
    assert recipe["columns"] == ["Id", "x"]
    assert notes == [
        "the column 'Id' numbers the rows, and is learnt from like the others: to leave it out, add --ignore Id"
    ]


def test_an_index_comes_out_of_predict_as_it_went_in(cli, trained, write):
    lines = [",x,y", *(f"{x},{x},{x}" for x in range(9))]
    trained(lines, "y")
    _, out, err = cli("predict", "model.json", write(lines))
    assert (out.splitlines()[0], err) == (",x,y,prediction", "")


# Files without a header


def test_a_file_without_a_header_is_recognised_and_its_columns_get_names(cli, write, trained):
    lines = [f"{row},{IRIS.target_names[kind]}" for row, kind in zip(FLOWERS, IRIS.y, strict=True)]
    recipe, notes = trained(lines, "column_5", quick=("--hidden", "6", "--epochs", "25"))
    assert recipe["columns"] == ["column_1", "column_2", "column_3", "column_4"]
    assert "has no header, so its columns are called column_1, column_2, column_3, column_4, column_5" in notes[0]
    assert "--header yes" in notes[0]
    rows = rows_of(cli("predict", "model.json", write(lines))[1])
    assert len(rows) == 150
    assert sum(row["prediction"] == row["column_5"] for row in rows) >= 135
    _, alone, err = cli("predict", "model.json", stdin="5.1,3.5,1.4,0.2\n")
    assert rows_of(alone)[0]["prediction"] == "setosa"
    assert "has no header" in err


def test_a_target_that_a_file_without_a_header_cannot_have_is_explained(cli, write):
    _, _, err = cli("train", write(["1,2.5", "2,3.5"]), "--target", "y")
    assert "no column 'y'; it has no header (--header yes takes its first row for one), and there are 'column_1'" in err


@pytest.mark.parametrize(
    ("lines", "headless"),
    [
        (["5.1,3.5,setosa", "4.9,3.0,setosa"], True),
        (["5.1,,setosa", "4.9,3.0,setosa"], True),
        (["0,0,0", "0,1,1", "1,0,1"], True),
        (["1,2,3", "4,5,6"], True),
        (["1,1", "2,2"], True),
        (["7.5"], True),
        (["1,5;2,5;a", "3,5;4,5;b"], True),
        (["a,b", "1,2"], False),
        (["a,b"], False),
        (["a,2", "1,2"], False),
        ([",a,b", "0,1,2"], False),
        (["name,kind", "x,y"], False),
        (["country,2019,2020,2021", "France,1.5,2.5,3.5"], False),
        (["0,1,2,3,species", "5.1,3.5,1.4,0.2,setosa"], False),
        (["a,b", "?,?"], False),
    ],
)
def test_a_header_is_where_text_stands_above_numbers_or_no_numbers_are(write, lines, headless):
    if len(lines) == 1 and not headless:
        with pytest.raises(UserError, match="has a header, but no rows"):
            read_table(write(lines))
    else:
        table = read_table(write(lines))
        assert (table.headless, len(table.rows)) == (headless, len(lines) - (not headless))


def test_names_that_count_up_are_mentioned_and_the_user_has_the_last_word(write):
    data = write(["0,1,2", "5.5,3.5,1.5"])
    assert "counts up, 0, 1, 2, so it is taken for the header" in read_table(data).notes[0]
    assert read_table(data, header=False).header == ["column_1", "column_2", "column_3"]
    assert read_table(write(["5.5,3.5", "1,2"]), header=True).header == ["5.5", "3.5"]
    assert read_table(data, header=True).notes == read_table(data, header=False).notes == []


@given(rows=st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_table_of_numbers_has_every_row_with_a_header_or_without(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    lines = [",".join(map(repr, row)) for row in rows]
    for first in ([], ["a,b,c"]):
        path.write_text("\n".join([*first, *lines]))
        table = read_table(str(path), known=["a", "b", "c"])
        assert [[*map(float, row)] for row in table.rows] == rows


def test_predict_takes_numbers_alone_in_the_order_of_the_models_columns(cli, trained, write):
    trained(flowers(), "kind")
    _, named, _ = cli("predict", "model.json", write([NAMES, *FLOWERS[:3]]))
    status, bare, err = cli("predict", "model.json", write(FLOWERS[:3]))
    assert (status, bare) == (0, named)
    assert "in this order: sepal_length, sepal_width, petal_length, petal_width" in err
    status, out, err = cli("predict", "model.json", write([f"{row},0" for row in FLOWERS[:3]]))
    assert (status, out) == (2, "")
    assert "has no header, and 5 columns: give it one, or just the 4 columns that the model reads" in err


def test_a_model_of_positions_does_not_guess_at_names(cli, trained, write):
    trained([f"{x},{x / 3}" for x in range(9)], "column_2")
    _, _, err = cli("predict", "model.json", write(["x", "1", "2"]))
    assert "the model was trained on a file without a header" in err


def test_predict_finds_names_that_are_numbers(cli, trained, write):
    lines = ["0,1,2", *(f"{x}.5,{-x}.5,{x / 3}" for x in range(9))]
    recipe, _ = trained(lines, "2")
    assert recipe["columns"] == ["0", "1"]
    status, _, err = cli("predict", "model.json", write(["1,0", "2.5,1.5"]))
    assert (status, err) == (0, "")


# Pipes


def test_predict_reads_standard_input_and_writes_csv(cli, trained, write):
    trained(flowers(), "kind")
    text = "\n".join(flowers()) + "\n"
    _, expected, _ = cli("predict", "model.json", write(flowers()))
    for words in (["predict", "model.json"], ["predict", "model.json", "-"]):
        status, out, err = cli(*words, stdin=text)
        assert (status, out, err) == (0, expected, "")


def test_train_reads_standard_input(cli):
    assert cli("train", "-", "--target", "kind", *QUICK, stdin="\n".join(flowers()))[0] == 0
    _, _, err = cli("train", "-", "--target", "kind", *QUICK, stdin="")
    assert err == "autograd-mini: error: standard input is empty, expected a header and rows\n"


def test_predict_stands_in_the_middle_of_a_pipe(trained, tmp_path):
    trained(flowers(), "kind")
    words = [sys.executable, "-m", "autograd_mini", "predict", "model.json"]
    part = "\n".join(flowers()[:4])
    done = subprocess.run(words, input=part, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1].startswith("4.7,3.2,1.3,0.2,0,")
    assert done.stderr == ""


def test_predict_does_not_wait_for_a_person_to_type_a_table(cli, trained, monkeypatch):
    trained(flowers(), "kind")
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    status, _, err = cli("predict", "model.json")
    assert status == 2
    assert "piped to standard input" in err


# Names and kinds of files


@pytest.mark.parametrize("name", ["m.pkl", "m.pt", "m.onnx", "m.JSN", "m.csv", "m.safetensor"])
def test_a_model_is_not_written_under_the_name_of_another_format(cli, write, tmp_path, name):
    status, out, err = cli("train", write(flowers()), "--target", "kind", "--out", name)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "choose .json or .safetensors" in err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x14\x00", "it is a ZIP file, as Excel's workbooks are"),
        (b"\x1f\x8b\x08", "unpack it first"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\nä,2\n".encode("latin-1"), "line 3 is not UTF-8 text"),
        (b"a,b\n1,2\n\x00,1\n3,4\n", "column 'a' is '\\x00', expected a number"),
    ],
)
def test_what_is_no_csv_file_in_utf_8_is_called_what_it_is(cli, write, content, message):
    status, out, err = cli("train", write(content), "--target", "b")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    "lines",
    [
        ["x;kind", "1,5;a", "2,5;b"],
        ["x\tkind", "1.5\ta", "2.5\tb"],
        ['x,"ki', 'nd"', "1.5,a", "2.5,b"],
        ["\ufeffx,kind", "1.5,a", "2.5,b"],
        ["x,kind", "1.5,a;b", "2.5,b;c"],
        ["x,kind", "  ", "1.5,a", "", "2.5,b"],
    ],
)
def test_the_cells_are_found_whatever_the_delimiter_the_quotes_and_the_blank_lines(write, lines):
    table = read_table(write(lines))
    assert len(table.header) == 2
    assert table.numbers("x") == [1.5, 2.5]


def test_a_model_written_before_predicts_as_it_did(cli, trained, write):
    recipe, _ = trained(flowers(), "kind", "--fill", "median")
    _, out, _ = cli("predict", "model.json", write(flowers()))
    document = json.loads(Path("model.json").read_text(encoding="utf-8"))
    assert len(document["metadata"]["table"].pop("medians")) == len(recipe["columns"])
    assert cli("predict", write(json.dumps(document).encode(), "old.json"), write(flowers()))[1] == out
    recipe, _ = trained(flowers(), "kind")
    assert "medians" not in recipe  # so that older versions read what they can
