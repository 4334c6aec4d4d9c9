"""The layout of large graphs: it never hangs, nothing lies on anything else, and no wire is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from autograd_mini import MLP, Value

pytest.importorskip("graphviz")
from autograd_mini.viz import draw, step
from autograd_mini.viz import layout as arrangement
from autograd_mini.viz import renderers as rendering
from autograd_mini.viz.diagram import full
from autograd_mini.viz.drawing import diagram_of
from autograd_mini.viz.long_sums import Shown

BENCH = Path(__file__).parents[1] / "bench"
sys.path.insert(0, str(BENCH))
from layout_graphs import SHAPES, chain, network, recurrent, total  # noqa: E402 - found only now

try:
    rendering.render("digraph {}", "json")
except ImportError:
    pytest.skip("no Graphviz is installed", allow_module_level=True)

HANGING = {"chain": 120, "recurrent": 240, "random": 500, "recent": 990, "batch": 700}
"""For some shapes a size for which Graphviz alone takes 20 seconds or does not end."""


def diagram(shape, size, rankdir="LR", level="auto"):
    y = SHAPES[shape](size)
    return full([y], rankdir, Shown([y], level))


def apart(one, other):
    left, top, w, h = one
    other_left, other_top, other_w, other_h = other
    beside = left >= other_left + other_w - 0.01 or other_left >= left + w - 0.01
    return beside or top >= other_top + other_h - 0.01 or other_top >= top + h - 0.01


def touches(point, box):
    (x, y), (left, top, w, h) = point, box
    return left - 1.0 <= x <= left + w + 1.0 and top - 1.0 <= y <= top + h + 1.0


def test_graphs_for_which_graphviz_alone_hangs_are_drawn_and_stepped_through():
    """In a process of its own, so that a layout that hangs fails this test and not the run."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from layout_graphs import SHAPES; from autograd_mini.viz import draw, step\n"
        f"for shape, size in {HANGING}.items(): assert draw(SHAPES[shape](size)).svg().startswith('<svg')\n"
        "assert draw(SHAPES['sum'](990), level='full').svg().startswith('<svg')\n"
        "assert len(step(SHAPES['chain'](400), check=False).html()) < 1_500_000\n"
    )
    words = [sys.executable, "-c", code, str(BENCH)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_in_pieces_nothing_lies_on_anything_else_and_every_wire_has_its_ends(shape, rankdir, monkeypatch):
    monkeypatch.setattr(arrangement, "EFFORT", 0)
    drawn = diagram(shape, 70, rankdir)
    places = arrangement.arranged(drawn)
    keys = [*(card.key for card in drawn.cards), *places.tags]
    assert sorted(places.boxes) == sorted(keys)
    for index, key in enumerate(keys):
        for other in keys[:index]:
            assert apart(places.boxes[key], places.boxes[other]), (key, other)
    w, h = places.size
    assert all(apart((0.0, 0.0, w, h), box) is False for box in places.boxes.values())
    named = {card.key: card.name for card in drawn.cards}
    for wire in drawn.wires:
        start, end = places.curves[wire.key][0], places.curves[wire.key][-1]
        if wire.key not in places.tags:
            assert touches(start, places.boxes[wire.tail])
            assert touches(end, places.boxes[wire.head])
            continue
        at_tail = touches(start, places.boxes[wire.tail])
        assert places.tags[wire.key] == named[wire.head if at_tail else wire.tail]
        kept, point, far = (wire.tail, start, end) if at_tail else (wire.head, end, start)
        assert touches(point, places.boxes[kept])
        assert touches(far, places.boxes[wire.key])


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
def test_arrows_run_the_way_that_was_asked_for(rankdir):
    drawn = diagram("recurrent", 240, rankdir)
    places = arrangement.arranged(drawn)
    sign = 1.0 if rankdir in {"LR", "TB"} else -1.0
    axis = 0 if rankdir in {"LR", "RL"} else 1
    assert places.tags
    for wire in drawn.wires:
        points = places.curves[wire.key]
        assert sign * (points[-1][axis] - points[0][axis]) > 0.0


@pytest.mark.parametrize(("shape", "size"), [("chain", 600), ("sum", 600), ("dot product", 600), ("batch", 600)])
def test_a_large_picture_is_a_page_and_no_ribbon(shape, size):
    w, h = arrangement.arranged(diagram(shape, size)).size
    assert 1 / 3 < w / h < 4


def test_a_sum_of_300_terms_is_a_page_of_its_terms():
    svg = draw(total(600)).svg()
    root = ET.fromstring(svg)  # noqa: S314 - our own
    w, h = float(root.get("width")), float(root.get("height"))
    assert (w, h) < (4000.0, 3000.0)
    assert svg.count(">v1</text>") == 302  # the sum, and a tag for each of its terms and the 0 that sum() starts from


def test_a_small_picture_is_what_graphviz_makes_of_it():
    drawn = diagram("chain", 10)
    assert arrangement.in_one_piece(drawn)
    assert arrangement.arranged(drawn).tags == {}


def test_cycles_between_layers_are_laid_out(monkeypatch):
    monkeypatch.setattr(arrangement, "EFFORT", 0)
    model = MLP(2, [2, 2], activation="tanh", seed=0)
    out = model(model(model([1.0, 2.0])))
    drawn = diagram_of(out, "LR", "layer")
    assert len(arrangement.arranged(drawn).boxes) >= len(drawn.cards)


def test_a_picture_in_pieces_is_rendered_from_its_places(tmp_path):
    y = recurrent(130)
    y.backward()
    picture = draw(y, partials=True)
    assert arrangement.arranged(picture.diagram).tags
    try:
        rendering.render("digraph {}", "png")
    except ImportError:
        pytest.skip("no renderer for PNG is installed")
    assert Path(picture.save(tmp_path / "y.png")).read_bytes().startswith(b"\x89PNG")
    assert picture.pipe("pdf").startswith(b"%PDF")


def test_a_large_picture_that_was_added_to_is_refused_with_the_remedy():
    picture = draw(chain(200))
    picture.node("mine", label="MINE")
    with pytest.raises(ValueError, match=r"added to a picture of 302 cards.*draw a part.*\.dot"):
        picture.svg()
    assert "MINE" in picture.source


def test_too_many_wires_between_neurons_are_refused_with_the_remedy():
    model = MLP(4, [64, 64, 1], seed=0)
    with pytest.raises(ValueError, match=r"13\d neurons and 4\d\d\d wires between them.*level='layer'"):
        draw(model([Value(1.0)] * 4), level="neuron")


def test_a_stepper_names_the_wires_of_a_graph_in_pieces():
    stepper = step(network(200), check=False)
    page = stepper.still()
    for event in stepper.data()["steps"]:
        for wire, *_ in event.get("parts", ()):
            assert f'id="{wire}"' in page
