"""Hostile labels are drawn as themselves, in every output, and nothing in them comes alive."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree as ET

import pytest

from autograd_mini import Value

pytest.importorskip("graphviz")
from autograd_mini.viz import animate, draw, explain, step, trace
from autograd_mini.viz import renderers as rendering
from autograd_mini.viz.renderers import xdot_source
from autograd_mini.viz.text import clean

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened
from hostile import LABELS

try:
    rendering.render("digraph {}", "json")
except ImportError:
    pytest.skip("no Graphviz is installed", allow_module_level=True)

HOSTILE = pytest.mark.parametrize("label", LABELS.values(), ids=LABELS.keys())
TAGS = {"svg", "title", "g", "rect", "text", "path", "polygon", "defs", "pattern", "style", "marker"}


def graph(label):
    a = Value(2.0, label=label)
    y = a * a + 1.0
    y.label = label
    y.backward()
    return a, y


def shown(label):
    text = clean(label)
    return text if len(text) <= 40 else text[:39] + "…"


def elements(svg):
    root = ET.fromstring(svg)  # noqa: S314 - our own
    return [(element.tag.rpartition("}")[2], element) for element in root.iter()]


@HOSTILE
def test_a_label_is_drawn_as_itself_and_as_nothing_else(label):
    _, y = graph(label)
    for svg in (draw(y).svg(), animate(y).svg(), step(y).still()):
        found = elements(svg)
        assert {name for name, _ in found} <= TAGS
        assert [element.text for name, element in found if name == "text"].count(shown(label)) == 2
        for _, element in found:
            assert not {key for key in element.attrib if key.lower().startswith("on") or "href" in key.lower()}


@HOSTILE
def test_a_label_is_one_text_to_graphviz(label):
    _, y = graph(label)
    source = draw(y).source
    rendered = rendering.render(source, "svg").decode()
    found = elements(rendered)
    assert {name for name, _ in found} <= TAGS | {"a"}
    for _, element in found:
        assert not {key for key in element.attrib if key.endswith("href")}
    lines = [element.text or "" for name, element in found if name == "text"]
    same = [line.replace("\xa0", " ") for line in lines]
    assert shown(label).strip() in [line.strip() for line in same] or any(shown(label).strip() in line for line in same)


@HOSTILE
def test_a_label_is_one_text_in_png_and_pdf(label):
    _, y = graph(label)
    try:
        rendered = rendering.render(xdot_source(draw(y).svg()), "svg", "nop2").decode()
    except ImportError:
        pytest.skip("no renderer takes positions")
    found = elements(rendered)
    assert {name for name, _ in found} <= TAGS
    lines = [(element.text or "").replace("\xa0", " ") for name, element in found if name == "text"]
    assert [line.strip() for line in lines].count(shown(label).strip()) == 2


@HOSTILE
def test_mermaid_gets_no_mark_from_a_label(label):
    _, y = graph(label)
    for line in draw(y).mermaid().splitlines():
        assert re.fullmatch(
            r"flowchart LR"
            r"|    n\d+[\[(]\"[\w .,+=_−–#;<>/]*\"[\])]"
            r"|    n\d+ (-->|-\.->) n\d+"
            r"|    classDef \w+ [\w:#,; -]+"
            r"|    class [n\d,]+ \w+",
            line,
        ), line


@HOSTILE
def test_a_stepper_holds_no_markup_from_a_label(label):
    _, y = graph(label)
    html = step(y).html()
    assert html.count("<script") == html.count("</script") == 1
    assert html.count("<img") == 1
    assert "<b>" not in html
    assert "<svg" not in html.split("<script>")[0]


@HOSTILE
def test_text_outputs_take_any_label(label):
    a, y = graph(label)
    for text in (str(trace(y)), repr(explain(a, y))):
        text.encode()


def test_no_label_comes_alive_in_a_browser(tmp_path):
    values = [Value(1.0, label=label) for label in LABELS.values()]
    y = values[0]
    for value in values:
        y = y + value
    with chromium() as browser:
        for path in (step(y, check=False).save(tmp_path / "step.html"), draw(y).save(tmp_path / "draw.html")):
            with opened(browser, path) as page:
                assert page.locator("svg.view").count() == 1
                assert page.locator("img:not([data-place] > img), a, iframe, object, foreignObject").count() == 0
                texts = page.locator("svg text.t, svg text[font-weight=bold]").all_text_contents()
                assert {shown(label) for label in LABELS.values()} <= set(texts)
