"""Drawing: every value a card, every use of an operand a wire, every label itself."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import autograd_mini as ag
from autograd_mini import MLP, Parameter, Value

pytest.importorskip("graphviz")
from autograd_mini.viz import diagram, draw, layout
from autograd_mini.viz import dot as source
from autograd_mini.viz import renderers as rendering
from autograd_mini.viz.renderers import xdot_source
from autograd_mini.viz.svg import _MARKED, DARK
from autograd_mini.viz.text import figure

SVG = "{http://www.w3.org/2000/svg}"


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Parameter(-3.0, label="w1"), Parameter(1.0, label="w2")
    b = Parameter(6.8813735870195432, label="b")
    o = (x1 * w1 + x2 * w2 + b).tanh()
    o.label = "o"
    return o


def has_renderer():
    try:
        rendering.render("digraph {}", "json")
    except ImportError:
        return False
    return True


rendered = pytest.mark.skipif(not has_renderer(), reason="no Graphviz is installed")


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own


def card(picture, name):
    (found,) = (card for card in picture.diagram.cards if card.name == name)
    return found


def test_an_operand_used_twice_has_two_wires():
    a = Value(3.0, label="a")
    picture = draw(a * a)
    assert [(wire.tail, wire.head) for wire in picture.diagram.wires] == [("n1", "n2")] * 2
    assert picture.source.count("n1 -> n2") == 2


def test_operands_keep_their_order():
    a, b = Value(3.0, label="a"), Value(2.0, label="b")
    wires = draw(b - a).diagram.wires
    assert [wire.tail for wire in wires] == ["n2", "n1"]


def test_a_gradient_that_was_not_computed_is_a_dash_and_one_that_is_0_is_0():
    o = neuron()
    assert all(("grad", "–") in card.rows for card in draw(o).diagram.cards)
    o.backward()
    assert ("grad", "0") in card(draw(o), "w2").rows
    assert ("grad", "−1.5") in card(draw(o), "x1").rows
    assert ("grad", "+1") in card(draw(o), "w1").rows


def test_kinds_of_values_have_different_frames():
    o = neuron() * 2.0
    kinds = {card.name: card.kind for card in draw(o).diagram.cards}
    assert (kinds["x1"], kinds["w1"], kinds["o"], kinds["2"]) == ("input", "parameter", "operation", "constant")


def test_a_wire_says_the_local_derivative_and_the_contribution():
    o = neuron()
    o.backward()
    tips = {(w.tail, w.head): w.tip for w in draw(o).diagram.wires}
    diagram = draw(o).diagram
    key = {card.name: card.key for card in diagram.cards}
    assert tips[key["x1"], key["v1"]] == "∂v1/∂x1 = w1 = −3\ncontributes −1.5"
    assert tips[key["v4"], key["o"]] == "∂o/∂v4 = 1 − o² = 0.5\ncontributes +0.5"


def test_wires_carry_their_factor_and_what_goes_back_where_that_is_asked_for():
    a = Value(3.0, label="a")
    y = a * a - 2 * a
    written = [wire.marks for wire in draw(y, partials=True).diagram.wires]
    assert written == [["× 3"], ["× 3"], [], ["× 2"], ["× 1"], ["× −1"]]
    y.backward()
    picture = draw(y, partials=True)
    written = [wire.marks for wire in picture.diagram.wires]
    assert written == [["× 3", "+3"], ["× 3", "+3"], [], ["× 2", "−2"], ["× 1", "+1"], ["× −1", "−1"]]
    assert 'label="× 2\\n−2"' in picture.source
    assert '-->|"× 2<br/>−2"|'.replace("×", "#215;") in picture.mermaid()
    assert not any(wire.marks for wire in draw(y).diagram.wires)


def test_wires_carry_symbols_where_that_is_asked_for():
    a = Value(3.0, label="a")
    y = (a * a).tanh()
    y.label = "y"
    written = [wire.marks for wire in draw(y, partials="symbols").diagram.wires]
    assert written == [["∂v1/∂a", "part of ∂y/∂a"], ["∂v1/∂a", "part of ∂y/∂a"], ["∂y/∂v1", "∂y/∂v1"]]
    with pytest.raises(ValueError, match="partials is 'names', expected True, False or 'symbols'"):
        draw(y, partials="names")


@rendered
def test_what_is_written_on_wires_has_a_place_of_its_own():
    o = neuron()
    o.backward()
    picture = draw(o, partials=True)
    assert {"× −3", "−1.5", "× 0.5", "+0.5"} <= set(texts(picture.svg()))
    places = layout.placed(source.layout_source(picture.diagram))
    boxes = list(places.boxes.values())
    for wire in picture.diagram.wires:
        x, y = places.marks[wire.key]
        w, h = source.marks_size(wire)
        boxes.append((x - w / 2, y - h / 2, w, h))
    for index, (left, top, w, h) in enumerate(boxes):
        for other_left, other_top, other_w, other_h in boxes[:index]:
            beside = left >= other_left + other_w or other_left >= left + w
            assert beside or top >= other_top + other_h or other_top >= top + h


def test_wires_between_neurons_carry_the_sum_of_what_goes_back():
    model = MLP(1, [2, 1], seed=0, activation="tanh")
    y = model([Value(0.5, label="x")])
    y.backward()
    wires = draw(y, level="neuron", partials=True).diagram.wires
    assert wires
    assert all(wire.marks == [figure(wire.share, sign=True)] for wire in wires)


def test_the_operand_that_where_did_not_take_is_dashed_and_receives_nothing():
    x = Value(0.0, label="x")
    y = ag.where(x > 0, x**0.5, x * 2)
    y.backward()
    into = [wire.flowing for wire in draw(y).diagram.wires if wire.head == draw(y).diagram.keys[y]]
    assert into == [False, True]


def test_nan_and_infinity_are_marked():
    x = Value(-1.0, label="x")
    picture = draw(x.log())
    assert card(picture, "v1").alarm
    assert ("value", "nan !") in card(picture, "v1").rows
    assert not card(picture, "x").alarm


def test_a_graph_too_large_to_draw_is_refused_with_the_remedy():
    y = Value(1.0)
    for _ in range(5000):
        y = y + 1.0
    with pytest.raises(ValueError, match=r"5001 values.*draw a part"):
        draw(y)


@pytest.mark.parametrize(
    ("settings", "message"), [({"rankdir": "XX"}, "rankdir"), ({"level": "fine"}, "level")], ids=["rankdir", "level"]
)
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        draw(Value(1.0), **settings)


def test_what_is_no_value_is_refused_by_type():
    with pytest.raises(TypeError, match=r"3\.0 of type float"):
        draw(3.0)


def test_the_source_is_the_same_in_every_process():
    code = (
        "from autograd_mini import Value; from autograd_mini.viz import draw\n"
        "a, b = Value(1.0, label='a'), Value(2.0); c = a * b + b.exp(); c.backward(); print(draw(c * c).source)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


def test_the_source_of_a_product_is_this():
    a, b = Value(-2.0, label="a"), Parameter(3.0, label="b")
    c = a * b
    c.backward()
    assert draw(c).source == SNAPSHOT


SNAPSHOT = """\
digraph {
	rankdir="LR" ordering="in" bgcolor="transparent" nodesep="0.25" ranksep="0.45"
	node [shape="box" fontname="Helvetica,Arial,sans-serif" fontsize="12" margin="0.12,0.07"]
	edge [color="#767676" arrowsize="0.7"]
	n1 [label="a\\nvalue −2\\ngrad +3" id="n1" style="filled" fillcolor="#e3f1fa" color="#0072b2" fontcolor="#0072b2" tooltip="a (input): value −2, gradient +3"]
	n2 [label="b\\nvalue 3\\ngrad −2" id="n2" style="filled,bold" fillcolor="#fdeee2" color="#a84900" fontcolor="#a84900" tooltip="b (parameter): value 3, gradient −2" penwidth="2.5"]
	n3 [label="v1  [×]\\nvalue −6\\ngrad +1" id="n3" style="filled,rounded" fillcolor="#e3f1fa" color="#0072b2" fontcolor="#0072b2" tooltip="v1 = mul: value −6, gradient +1"]
	n1 -> n3 [id="e1" tooltip="∂v1/∂a = b = 3\\ncontributes +3"]
	n2 -> n3 [id="e2" tooltip="∂v1/∂b = a = −2\\ncontributes −2"]
}
"""  # noqa: E501 - DOT has one statement a line


@rendered
def test_every_format_can_be_saved(tmp_path):
    o = neuron()
    starts = {
        "svg": b"<svg",
        "png": b"\x89PNG",
        "pdf": b"%PDF",
        "dot": b"digraph",
        "html": b"<!DOCTYPE",
        "mmd": b"flowchart",
    }
    for ending, start in starts.items():
        if ending in {"png", "pdf"}:
            try:
                rendering.render("digraph {}", ending)
            except ImportError:
                continue
        path = draw(o).save(tmp_path / f"graph.{ending}")
        assert Path(path).read_bytes().startswith(start), ending


def pictures():
    bad = Value(0.0, label="x").log()
    out = neuron()
    out.backward()
    model = MLP(2, [3, 1], seed=0)
    return [draw(out, partials=True), draw(model), draw(model, names=True), draw(bad), draw(model([1.0, 2.0]))]


def test_png_and_pdf_show_what_the_svg_shows(tmp_path):
    for picture in pictures():
        try:
            rendered = rendering.render(xdot_source(picture.svg()), "svg", "nop2").decode()
        except ImportError:
            pytest.skip("no renderer takes positions")
        shown = [text.replace("\xa0", " ") for text in texts(rendered)]
        assert shown == texts(picture.svg())
        root, drawn = (ET.fromstring(svg) for svg in (picture.svg(), rendered))  # noqa: S314 - our own
        for ours, theirs in (("circle", "ellipse"), ("line", "polyline")):
            wanted = len([*root.iter(f"{SVG}{ours}")])
            assert not wanted or len([*drawn.iter(f"{SVG}{theirs}")]) == wanted
        assert ('fill-opacity="0.0' in rendered) == ('fill-opacity="0.0' in picture.svg())  # of frames
        header = Path(picture.save(tmp_path / "picture.png")).read_bytes()[16:24]
        size = [int.from_bytes(header[at : at + 4], "big") for at in (0, 4)]
        for pixels, points in zip(size, (root.get("width"), root.get("height")), strict=True):
            assert abs(pixels - float(points) * 96 / 72) <= 2


def test_dot_and_mermaid_of_a_model_have_its_weights():
    model = MLP(2, [1], seed=0)
    numbers = [figure(weight.data, digits=2) for weight in model.layers[0].neurons[0].w]
    picture = draw(model)
    assert all(f'label="{number}"' in picture.source for number in numbers)
    arrows = [line for line in picture.mermaid().splitlines() if "->" in line]
    assert [".->" in line for line in arrows] == [number.startswith("−") for number in numbers]


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"graph\.bmp.*\.svg, \.png"):
        draw(Value(1.0)).save(tmp_path / "graph.bmp")


def test_without_a_renderer_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(rendering, "RENDERERS", ())
    with pytest.raises(ImportError, match=r"autograd_mini\[draw\]"):
        draw(Value(1.0)).svg()


@rendered
def test_the_picture_is_the_same_from_every_renderer_up_to_positions(monkeypatch):
    o = neuron()
    o.backward()
    found = []
    for renderer in rendering.RENDERERS:
        if renderer("digraph {}", "json", "dot") is None:
            continue
        monkeypatch.setattr(rendering, "RENDERERS", (renderer,))
        found.append(texts(draw(o).svg()))
        monkeypatch.undo()
    assert found
    assert all(one == found[0] for one in found)


@rendered
def test_a_notebook_gets_html_svg_and_a_sentence():
    picture = draw(neuron())
    shown = picture._repr_mimebundle_()
    assert shown["image/svg+xml"] == picture.svg()
    assert base64.b64encode(picture.svg().encode()).decode() in shown["text/html"]
    assert picture._repr_mimebundle_(include=["image/svg+xml"]).keys() == {"image/svg+xml"}
    assert shown["text/plain"].startswith("Computation graph of o = 0.7071")


@rendered
def test_a_picture_that_was_added_to_is_rendered_from_its_source():
    picture = draw(Value(1.0, label="x"))
    picture.node("mine", label="MINE")
    assert "MINE" in picture.svg()


@rendered
def test_a_gradient_graph_is_drawn_as_any_other():
    x = Value(2.0, label="x")
    slope = ag.gradient(x**3, x)
    assert "12" in texts(draw(slope).svg())


def test_the_svg_of_a_product_is_this(monkeypatch):
    """The layout is given, so that the picture is the same whatever Graphviz is installed."""
    nodes = [("n1", "50,100"), ("n2", "50,20"), ("n3", "200,60")]
    boxes = [{"name": name, "pos": pos, "width": "1.3", "height": "1.0"} for name, pos in nodes]
    curves = ["e,150,66 97,88 110,84 125,76 142,69", "e,150,54 97,32 110,36 125,44 142,51"]
    edges = [{"id": f"e{number}", "pos": pos} for number, pos in enumerate(curves, start=1)]
    found = json.dumps({"bb": "0,0,250,140", "objects": boxes, "edges": edges}).encode()
    monkeypatch.setattr(rendering, "RENDERERS", (lambda _source, _form, _engine: found,))
    a, b = Value(-2.0, label="a"), Parameter(3.0, label="b")
    c = a * b
    c.backward()
    snapshot = Path(__file__).parent / "snapshots" / "product.svg"
    assert draw(c).svg() == snapshot.read_text(encoding="utf-8")


def contrast(one, other):
    """Return the contrast of two colours: WCAG 2.2, relative luminance."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_texts_have_a_contrast_of_4_5_and_lines_of_3_on_white_and_on_dark():
    fills = {
        diagram.POSITIVE_FILL: diagram.POSITIVE,
        diagram.NEGATIVE_FILL: diagram.NEGATIVE,
        diagram.NEUTRAL_FILL: diagram.INK,
    }
    for fill, ink in fills.items():
        for text in (ink, diagram.INK, diagram.QUIET):
            assert contrast(text, fill) >= 4.5, (text, fill)
        for text in (ink, diagram.INK, diagram.QUIET):  # and in the colours of dark pages
            assert contrast(DARK[text], DARK[fill]) >= 4.5, (text, fill)
    for line in (diagram.LINE, diagram.POSITIVE, diagram.NEGATIVE, *_MARKED.values()):
        for paper in ("#ffffff", "#121212"):
            assert contrast(line, paper) >= 3.0, (line, paper)
