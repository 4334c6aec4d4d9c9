"""Parquet and Arrow files, and folders of them, are tables as CSV files are."""

import csv
import json

import pytest

from autograd_mini.cli import main, recipe
from autograd_mini.cli.tables import UserError, read_table

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

COLUMNS = {
    "width": [0.5 * at for at in range(40)],
    "count": [at % 7 for at in range(40)],
    "wet": [at % 2 == 0 for at in range(40)],
    "kind": ["long" if at > 20 else "short" for at in range(40)],
}
TRAIN = ["--target", "kind", "--epochs", "3", "--hidden", "3"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write the same table as CSV, as Parquet, as Arrow, and as a folder of two files; go there."""
    monkeypatch.chdir(tmp_path)
    table = pa.table(COLUMNS)
    pq.write_table(table, "rows.parquet")
    with pa.ipc.new_file("rows.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=10)
    (tmp_path / "folder").mkdir()
    pq.write_table(table.slice(0, 25), "folder/a.parquet")
    pq.write_table(table.slice(25), "folder/b.parquet")
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(
            [int(cell) if isinstance(cell, bool) else cell for cell in row]
            for row in zip(*COLUMNS.values(), strict=True)
        )
    return tmp_path


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "folder"])
def test_a_model_is_the_one_that_the_csv_file_gives(name, files, capsys):
    assert main(["train", "rows.csv", *TRAIN, "--out", "csv.json"]) == 0
    assert main(["train", name, *TRAIN, "--out", "model.json"]) == 0
    first, second = (json.loads((files / model).read_text()) for model in ("csv.json", "model.json"))
    assert first == second
    capsys.readouterr()
    assert main(["predict", "model.json", name]) in {0, None}
    said = capsys.readouterr().out
    assert main(["predict", "csv.json", "rows.csv"]) in {0, None}
    assert capsys.readouterr().out == said


def test_missing_cells_are_missing(files):
    pq.write_table(pa.table({"a": [1.0, None, float("nan")], "b": ["x", None, "z"]}), files / "gaps.parquet")
    table = read_table("gaps.parquet")
    assert table.rows == [["1.0", "x"], ["", ""], ["", "z"]]
    assert table.gaps(["a", "b"]) == {"a": [1, 2], "b": [1]}


def test_what_cannot_be_read_is_a_message_of_one_line(files, monkeypatch):
    (files / "empty").mkdir()
    with pytest.raises(UserError, match="cannot read empty: Is a directory"):
        read_table("empty")
    data = (files / "rows.parquet").read_bytes()
    (files / "cut.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"^cut.parquet cannot be read, so it is damaged or cut short: [^\n]+$"):
        read_table("cut.parquet")
    pq.write_table(pa.table({"a": pa.array([], pa.float64())}), "none.parquet")
    with pytest.raises(UserError, match=r"none.parquet has no rows"):
        read_table("none.parquet")
    monkeypatch.setattr("autograd_mini.cli.tables.HELD", 100)
    with pytest.raises(UserError, match=r"rows.parquet has 40 rows of 4 columns, more than this command holds"):
        read_table("rows.parquet")


@pytest.mark.parametrize("target", ["kind", "width", "count"])
def test_many_rows_are_predicted_by_machine_code_which_differs_in_rounding_alone(target, files, monkeypatch):
    assert main(["train", "rows.parquet", "--target", target, "--epochs", "2", "--hidden", "3", "--out", "m.json"]) == 0

    def predicted(name):
        assert main(["predict", "m.json", "rows.parquet", "--out", name]) in {0, None}
        with (files / name).open(newline="") as file:
            return [*csv.DictReader(file)]

    few = predicted("few.csv")
    monkeypatch.setattr(recipe, "MANY", 1)
    for one, other in zip(few, predicted("many.csv"), strict=True):
        for column, cell in one.items():
            assert other[column] == cell or float(other[column]) == pytest.approx(float(cell), rel=1e-12)
