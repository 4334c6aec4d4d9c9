"""The pages of the site: whole, linked, readable without a script, and the same mathematics as the table."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag
from xml.etree import ElementTree as ET

import pytest
from browser import chromium

from autograd_mini import Value, value_and_grad
from autograd_mini.engine.ops import TABLE
from autograd_mini.site import benchmarks, build, operations, pages
from autograd_mini.site.cell import Cell
from autograd_mini.transforms import gradients

for _package in ("markdown_it", "latex2mathml", "pdoc", "pygments"):
    pytest.importorskip(_package)


class _Links(HTMLParser):
    """The targets and anchors of a page, and the scripts and styles that it loads."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors, self.scripts = set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if target := attributes.get("href" if tag in {"a", "link"} else "src" if tag in {"img", "script"} else ""):
            self.targets.add(target)
        if tag == "script":
            self.scripts.append(attributes.get("src", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    assert build(folder, only="pages") == folder / "index.html"
    (folder / "playground.html").write_text("<p>built by npm, tried in a test of its own</p>", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def links(site):
    return {path: _Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere(site, links):
    broken = []
    for page, found in links.items():
        for target in found.targets:
            path, anchor = urldefrag(target)
            if re.match(r"(https?|data|mailto):", target) or "#code=" in target:
                continue
            there = (page.parent / unquote(path)).resolve() if path else page
            there = there / "index.html" if there.is_dir() else there
            ours = there in links and (site / "reference") not in there.parents  # pdoc links to attributes, too
            if not there.is_file() or (anchor and ours and unquote(anchor) not in links[there].anchors):
                broken.append((page.relative_to(site).as_posix(), target))
    assert broken == []


def test_every_page_is_valid(site, tmp_path):
    checker = shutil.which("vnu")
    if checker is None or shutil.which("java") is None:
        pytest.skip("no checker of pages is installed: npm install vnu-jar brings it, and Java runs it")
    stored = [path for path in sorted(site.rglob("*.html")) if path.name != "playground.html"]
    assert any(path.parent.name == "reference" for path in stored)
    text = (pages.ASSETS / "playground.html").read_text(encoding="utf-8")
    stored.append(tmp_path / "playground.html")
    stored[-1].write_text(text.replace("IMPORTMAP", "{}"), encoding="utf-8")
    words = [checker, "--errors-only", *map(str, stored)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_what_stands_in_brackets_is_text_in_the_reference(site):
    text = (site / "reference" / "autograd_mini" / "testing.html").read_text(encoding="utf-8")
    assert re.search("for all x and y, &lt;A x, y(>|&gt;) is &lt;x, B y(>|&gt;)", text)
    assert "<h6" not in text
    assert re.search(r'<p class="part">Arguments:</p>\s*<ul>', text)


def test_no_page_of_ours_needs_a_script_or_anything_from_elsewhere(site, links):
    ours = {page: found for page, found in links.items() if (site / "reference") not in page.parents}
    assert len(ours) > 10
    for page, found in ours.items():
        assert not any(found.scripts), page
        loaded = re.findall(r'(?:<link|<img|<script)[^>]*?(?:href|src)="(https?:[^"]*)"', page.read_text("utf-8"))
        assert loaded == []


def test_every_operation_has_its_value_and_partials_as_mathematics(site):
    text = (site / "operations.html").read_text(encoding="utf-8")
    for row in [row for row in TABLE.values() if row.builtin]:
        [section] = re.findall(rf'<section class="operation" id="{row.name}">.*?</section>', text, re.DOTALL)
        formulas = re.findall(r"<math.*?</math>", section)
        assert len(formulas) == 1 + len(row.partials)
        for formula in formulas:
            ET.fromstring(formula)  # noqa: S314 - our own text
        assert section.count("<svg") == (1 if row.name == "round" else len(row.operands))
        assert section.count('class="df" points') >= section.count("<svg") <= section.count('class="f" points')


def test_a_chain_of_conditions_stands_under_one_brace():
    row = TABLE["relu"]
    assert str(operations._typeset(row, "where(x > 1.0, 1.0, where(x < 0.0 and x != -1.0, 0.0, x))")) == (
        r"\begin{cases} 1 & x > 1 \\ 0 & x < 0 \text{ and } x \ne -1 \\ x & \text{else} \end{cases}"
    )


def test_the_course_shows_what_its_notebooks_store_and_opens_in_the_playground(site):
    text = (site / "course" / "2_one_neuron.html").read_text(encoding="utf-8")
    assert text.count('<div class="cell">') > 10
    assert "data:image/svg+xml;base64," in text
    assert 'href="../playground.html#code=' in text


def packed_programs(site):
    """Return every program that a page of the course offers to the playground."""
    for path in sorted((site / "course").glob("*.html")):
        for code in re.findall(r'playground\.html#code=([\w-]+)"', path.read_text(encoding="utf-8")):
            deflated = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4))
            yield path.stem, zlib.decompress(deflated, wbits=-15).decode()


def test_the_programs_offered_to_the_playground_run_by_themselves(site):
    tried = 0
    for page, program in packed_programs(site):
        posted = []
        assert Cell(lambda *message, posted=posted: posted.append(message)).run(program), (page, program, posted)
        tried += 1
    assert tried > 20


def test_every_figure_of_the_benchmarks_stands_beside_its_command_on_a_scale(site):
    text = (site / "benchmarks.html").read_text(encoding="utf-8")
    stored = json.loads(benchmarks.RESULTS.read_text(encoding="utf-8"))
    assert {"training", "lookups", "layout"} <= stored.keys()
    shown = 0
    for name, found in stored.items():
        [section] = re.findall(rf'<section id="{name}">.*?</section>', text, re.DOTALL)
        script = re.search(r"tests/bench/\w+\.py", found["command"])[0]
        assert (pages.PACKAGE.parent / script).is_file()
        assert all(html.escape(found[part]) in section for part in ("command", "on", "day", "output"))
        places = [float(place) for place in re.findall(r'<i style="left:([\d.]+)%">', section)]
        numbers = [number for row in found["figures"] for number in row["taken"].values()]
        assert len(places) == len(numbers)
        assert all(0.0 <= place <= 100.0 for place in places)
        shown += len(numbers)
    assert shown > 30


def test_a_figure_ten_times_another_stands_one_line_further_on():
    rows = [{"row": "r", "taken": {"here": 2.0, "<b>": 20.0}}, {"row": "r", "taken": {"c": 150.0, "none": 0.0}}]
    text = benchmarks._table("t", "ms", rows)
    places = [float(place) for place in re.findall(r"left:([\d.]+)%", text)]
    assert places[1] - places[0] == pytest.approx(100 / 3, abs=0.1)
    assert places[3] == 0.0
    assert "&lt;b&gt;" in text
    assert text.count("<tbody>") == 1


def test_a_word_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="only is 'all', expected 'playground' or 'pages'"):
        build(tmp_path, only="all")


@pytest.mark.parametrize(
    "name",
    [
        *("index.html", "operations.html", "tools.html", "benchmarks.html", "course/3_backpropagation.html"),
        "reference/autograd_mini.html",
    ],
)
def test_a_page_fits_a_phone(site, name):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 420, "height": 860}, offline=True)
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 420


def test_indices_of_the_course_stand_low_and_its_answers_are_folded_away(site):
    lessons = {path.stem: path.read_text(encoding="utf-8") for path in (site / "course").glob("*_*.html")}
    assert len(lessons) == 10
    for name, text in lessons.items():
        assert "<summary>Answer</summary>" in text, name
        assert not re.search("&lt;/?(sub|sup|details|summary)", text), name
    assert "<sub>" in lessons["5_a_network_learns"]


def test_the_package_works_as_before_once_its_reference_was_written(site):
    assert (site / "reference").is_dir()
    assert value_and_grad(lambda x: x * x)(3.0) == (9.0, 6.0)
    assert gradients.value_and_grad is value_and_grad


@pytest.mark.parametrize("name", operations.TEXTBOOK)
def test_the_formula_of_a_textbook_is_that_of_the_row(name):
    row = TABLE[name]
    functions = {
        name: lambda *given, name=name: operations.applied(TABLE[name], [*map(Value, given)]).data for name in TABLE
    }
    functions["where"] = lambda condition, this, otherwise: this if condition else otherwise
    rng = random.Random(0)
    for _ in range(20):
        given = [Value(rng.uniform(low, high)) for low, high in row.domain]
        z = operations.applied(row, given)
        z.backward()
        numbers = dict(zip(row.operands, [leaf.data for leaf in given], strict=True))
        expected = [z.data, *(leaf.grad for leaf in given)]
        found = [eval(text, functions, numbers | {"z": z.data}) for text in operations.TEXTBOOK[name]]  # noqa: S307
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_curve_has_a_gap_where_the_function_has():
    assert operations._curve(TABLE["heaviside"], 0).count('class="f"') == 2
    assert operations._curve(TABLE["sin"], 0).count('class="f"') == 1
    ends = re.findall(r'class="f" points="[\d.]+,([\d.]+) .*? [\d.]+,([\d.]+)"', operations._curve(TABLE["exp"], 0))
    assert all(0.0 <= float(height) <= operations.HEIGHT for pair in ends for height in pair)


def test_a_page_of_the_course_leads_to_the_next_and_back(site, links):
    course = site / "course"
    assert {"1_what_a_derivative_says.html", "3_backpropagation.html"} <= links[course / "2_one_neuron.html"].targets
    assert "10_a_language_model.html" in links[course / "index.html"].targets
    assert "Backpropagation, step by step" in (course / "index.html").read_text(encoding="utf-8")


def test_formulas_below_each_other_do_not_run_into_one_line(site):
    text = (site / "course" / "8_curvature.html").read_text(encoding="utf-8")
    assert text.count('<div class="mathematics"><math') >= 3


def test_the_reference_leads_back_to_the_front_page(links, site):
    assert "../index.html" in links[site / "reference" / "autograd_mini.html"].targets
    assert "../../index.html" in links[site / "reference" / "autograd_mini" / "testing.html"].targets
