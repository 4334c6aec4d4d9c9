"""A gallery is one page with every picture, that opens without complaint and says what could not be drawn."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from autograd_mini import MLP, datasets, order

pytest.importorskip("graphviz")
from autograd_mini.viz import gallery
from autograd_mini.viz import renderers as rendering
from autograd_mini.viz import report_page as galleries

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened


def made(folder):
    X, y = datasets.moons(20, seed=0)
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    model(X[0]).backward()
    before = [p.grad for p in model.parameters()]
    path = Path(gallery(folder, model, [1.0, 0.5, 0.4], X, y))
    assert [p.grad for p in model.parameters()] == before
    return path


def test_a_gallery_shows_every_picture_in_a_browser(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    try:
        rendering.render("digraph {}", "json")
    except ImportError:
        pytest.skip("no Graphviz is installed")
    path = made(tmp_path)
    with chromium() as browser, opened(browser, path) as page:
        assert page.locator("h2").count() == 6
        broken = "images => images.filter(image => !image.naturalWidth).map(image => image.src)"
        assert page.locator("figure img").count() == 4
        assert page.locator("figure img").evaluate_all(broken) == []
        assert page.locator(".stage .status").inner_text().startswith("Step 1 of")
        assert page.locator(".descent canvas").count() == 2


def test_what_could_not_be_drawn_is_named_on_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "RENDERERS", ())
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    text = made(tmp_path).read_text(encoding="utf-8")
    assert len(re.findall("Not drawn: [^<]*autograd_mini\\[(draw|plot)\\]", text)) == 4
    assert '<img src="network.svg"' in text


def test_the_neuron_that_is_shown_is_not_a_saturated_one():
    X, _ = datasets.moons(20, seed=0)
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    model.layers[0].neurons[0].b.data = 30.0
    shown = galleries._neuron(model, X)
    assert all(node.grad for node in order(shown))
