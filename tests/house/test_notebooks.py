"""The notebooks of the course have what a learner relies on, and a run that gives other text fails.

That they run, and give the text they show, is tried by `pytest @tests/notebooks.txt`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"


def page_number(path):
    """Return the number that a notebook's name begins with."""
    return int(path.stem.partition("_")[0])


NOTEBOOKS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.ipynb"), key=page_number)
}
ORDER = (
    "1_what_a_derivative_says",
    "2_one_neuron",
    "3_backpropagation",
    "4_gradient_descent",
    "5_a_network_learns",
    "6_test_your_derivatives",
    "7_machine_speed",
    "8_curvature",
    "9_coming_from_micrograd",
    "10_a_language_model",
)

A_FILE = re.compile(
    r"(?<![\w.:/<])/(?:home|root|tmp|usr|Users|work|var|opt|mnt|private)/|\b[A-Z]:\\|\.py:\d+|site-packages"
)
A_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|\x1b\[")
AN_ADDRESS = re.compile(r"\bat 0x[0-9a-f]+")


def cells(name, kind):
    """Return the texts of the cells of a kind."""
    return ["".join(cell["source"]) for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == kind]


def outputs(name):
    """Yield the outputs of a notebook as pairs of a kind ("stdout", "text/plain") and a text."""
    for cell in NOTEBOOKS[name]["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                yield output["name"], "".join(output["text"])
            elif output["output_type"] == "error":
                yield "error", "\n".join(output["traceback"])
            else:
                for kind, text in output["data"].items():
                    yield kind, "".join(text) if isinstance(text, list) else str(text)


each = pytest.mark.parametrize("name", list(NOTEBOOKS))


def test_the_course_is_whole_and_nothing_else_is_in_its_folder():
    assert tuple(NOTEBOOKS) == ORDER
    assert {path.name for path in FOLDER.iterdir() if not path.name.startswith(".")} == {
        "README.md",
        "pictures",
        *(f"{name}.ipynb" for name in ORDER),
    }


@each
def test_it_opens_with_its_title_and_what_the_reader_will_be_able_to_do(name):
    title, _, goal = cells(name, "markdown")[0].partition("\n")
    assert NOTEBOOKS[name]["cells"][0]["cell_type"] == "markdown"
    assert re.match(r"# \S", title)
    assert len(goal.split()) > 10


@each
def test_it_asks_the_reader_to_try_something_and_folds_the_answer_away(name):
    text = "\n".join(cells(name, "markdown"))
    assert "**Try it.**" in text
    answers = re.findall(r"<details>\s*<summary>Answer</summary>(.*?)</details>", text, re.DOTALL)
    assert answers
    assert all(answer.startswith("\n\n") and len(answer.split()) > 5 for answer in answers)  # else it is not Markdown
    assert text.count("<details>") == text.count("</details>")


@each
def test_it_names_its_sources_and_ends_with_a_link_to_the_next(name):
    texts = cells(name, "markdown")
    assert re.search(r"^(#+ |\*\*)Sources\b", "\n".join(texts), re.MULTILINE)
    following = (*ORDER, "README")[ORDER.index(name) + 1]  # after the last, back to the table of contents
    last_line = texts[-1].strip().splitlines()[-1]
    assert re.search(rf"\]\({following}\.(ipynb|md)\)", last_line), last_line


@each
def test_its_links_to_files_lead_somewhere(name):
    text = "\n".join(cells(name, "markdown"))
    links = [
        link for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) if not link.startswith(("http", "attachment:"))
    ]
    assert [link for link in links if not (FOLDER / link).exists()] == []
    assert [link for link in links if link.startswith((".", "/"))] == []  # the course is copied without the rest


@each
def test_it_was_run_from_top_to_bottom(name):
    code = [cell for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert sum(bool(cell["outputs"]) for cell in code) > 5
    assert all("".join(cell["source"]).strip() for cell in code)


@each
def test_its_outputs_hold_no_traceback_path_warning_or_address(name):
    for kind, text in outputs(name):
        assert kind not in {"error", "stderr"}, text
        assert not A_TRACEBACK.search(text), text
        if kind in {"stdout", "text/plain"}:
            assert not A_FILE.search(text), text
            assert not AN_ADDRESS.search(text), text


@each
def test_its_cells_hold_no_absolute_path(name):
    for text in (*cells(name, "code"), *cells(name, "markdown")):
        assert not A_FILE.search(text), text


@each
def test_its_metadata_say_only_what_runs_it(name):
    metadata = NOTEBOOKS[name]["metadata"]
    assert set(metadata) == {"kernelspec", "language_info"}
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["language_info"]["name"] == "python"
    every = NOTEBOOKS[name]["cells"]
    assert {key for cell in every for key in cell["metadata"]} <= {"tags"}
    assert {tag for cell in every for tag in cell["metadata"].get("tags", [])} <= {"nbval-ignore-output"}
    assert len({cell["id"] for cell in every}) == len(every)


@each
def test_it_opens_at_once(name):
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 1_500_000


@each
def test_the_table_of_contents_shows_it_with_its_picture(name):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"({name}.ipynb)" in text
    [picture] = re.findall(rf"pictures/{name}\.(?:svg|png)", text)
    assert (FOLDER / picture).stat().st_size < 60_000
