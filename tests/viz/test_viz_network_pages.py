"""A network that computes: drawn with a sample, and stepped through layer by layer in a real browser."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree as ET

import pytest

import autograd_mini as ag
from autograd_mini import MLP

pytest.importorskip("graphviz")
from autograd_mini.viz.text import figure

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened

X, TARGET = [0.5, -1.0], 1.0


def model(**settings):
    return MLP(2, [3, 1], **({"activation": "tanh", "seed": 1} | settings))


def differentiated(network, x=X, target=TARGET, loss=ag.nn.losses.mse):
    """Return the activations of the first layer, the prediction and the loss; the gradients are on the parameters."""
    hidden = network.layers[0](x)
    y = network.layers[1](hidden)
    error = loss(y, target)
    for parameter in network.parameters():
        parameter.grad = None
    error.backward()
    return hidden, y, error


def texts(svg):
    return [e.text for e in ET.fromstring(svg).iter() if e.tag.endswith("text")]  # noqa: S314 - our own


def test_a_sample_puts_activations_into_the_circles_and_names_the_prediction():
    network = model()
    hidden, y, _ = differentiated(network)
    shown = texts(ag.draw(network, x=X).svg())
    assert {figure(a.data, digits=3) for a in hidden} | {figure(y.data, digits=3), "ŷ"} <= set(shown)
    assert not any(text.startswith(("δ", "∂")) for text in shown)


def test_a_target_adds_the_loss_delta_and_the_gradients_of_the_weights():
    network = model()
    _, _, error = differentiated(network)
    picture = ag.draw(network, x=X, target=TARGET)
    shown = texts(picture.svg())
    assert {"L", figure(error.data), "y = 1", "loss: mse"} <= set(shown)
    for neuron in (neuron for layer in network.layers for neuron in layer.neurons):
        assert f"δ {figure(neuron.b.grad, sign=True, digits=2)}" in shown  # ∂L/∂b is ∂L/∂z
        assert all(f"∂ {figure(w.grad, sign=True, digits=2)}" in shown for w in neuron.w)
    assert f"loss L = {figure(error.data)}" in picture.diagram.about


def test_drawing_a_sample_leaves_the_gradients_of_the_model_alone():
    network = model()
    ag.draw(network, x=X, target=TARGET)
    ag.step(network, x=X, target=TARGET)
    assert not any(parameter.has_grad for parameter in network.parameters())


def test_classes_and_losses_of_ones_own_are_targets_too():
    three = MLP(2, [4, 3], seed=0)
    assert {"ŷ", "loss: cross entropy"} <= set(texts(ag.draw(three, x=X, target=2, loss="cross_entropy").svg()))
    assert "loss: <lambda>" in texts(ag.draw(model(), x=X, target=0.5, loss=lambda y, t: abs(y - t)).svg())


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="x is a sample of 3 numbers, expected 2"):
        ag.draw(model(), x=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="'mes'"):
        ag.draw(model(), x=X, target=1.0, loss="mes")
    with pytest.raises(TypeError, match="x is None, expected a sample"):
        ag.step(model())
    with pytest.raises(ValueError, match="more than the 5000 that a page computes"):
        ag.step(MLP(50, [60, 1], seed=0), x=[0.1] * 50)


def test_labels_of_wires_do_not_lie_on_each_other():
    for network in (model(), MLP(3, [3, 1], seed=0), MLP(2, [4, 1], seed=2), MLP(2, [2, 2], seed=3)):
        x = [0.5] * len(network.layers[0].neurons[0].w)
        target = [1.0, 0.0] if len(network.layers[-1].neurons) == 2 else 1.0
        root = ET.fromstring(ag.draw(network, x=x, target=target).svg())  # noqa: S314 - our own
        labels = [g for g in root.iter() if g.get("data-label")]
        boxes = [[float(g[0].get(key)) for key in ("x", "y", "width", "height")] for g in labels]
        discs = [[float(e.get(key)) for key in ("cx", "cy", "r")] for e in root.iter() if e.tag.endswith("circle")]
        for at, (x, y, w, h) in enumerate(boxes):
            for other_x, other_y, other_w, other_h in boxes[:at]:
                beside = x + w <= other_x or other_x + other_w <= x
                assert beside or y + h <= other_y + 1 or other_y + other_h <= y + 1
            for cx, cy, r in discs:
                near = min(max(cx, x), x + w), min(max(cy, y), y + h)  # the point of the label nearest to the circle
                assert (near[0] - cx) ** 2 + (near[1] - cy) ** 2 >= (r - 1) ** 2, (x, y, w, h, cx, cy)


# --- in a browser ---


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def page_path(tmp_path):
    return ag.step(model(), x=X, target=TARGET).save(tmp_path / "network.html")


def matrices(page):
    """Return the numbers of each matrix beside the network, as texts."""
    return [m.locator("span").all_inner_texts() for m in page.locator(".panel .matrix").all()]


def test_the_layers_are_stepped_through_with_the_numbers_of_the_engine(browser, page_path):
    network = model()
    hidden, y, error = differentiated(network)
    with opened(browser, page_path) as page:
        assert page.locator(".status").inner_text() == "Step 1 of 5 – forward: layer 1: Tanh"
        rows = [[figure(w.data, digits=3) for w in neuron.w] for neuron in network.layers[0].neurons]
        found = matrices(page)
        assert found[0] == [number for row in rows for number in row]
        assert found[-1] == [figure(a.data, digits=3) for a in hidden]
        assert page.locator("#n6 text.value").text_content() == ""  # not computed yet
        page.keyboard.press("Tab")
        page.locator(".frame").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("#n6 text.value").text_content() == figure(y.data, digits=3)
        page.keyboard.press("ArrowRight")
        assert page.locator("#loss text.value").text_content() == figure(error.data)
        page.keyboard.press("End")
        assert page.locator(".status").inner_text() == "Step 5 of 5 – backward: layer 1: Tanh"
        slopes = [[figure(w.grad, digits=3) for w in neuron.w] for neuron in network.layers[0].neurons]
        assert matrices(page)[-1] == [number for row in slopes for number in row]
        deltas = [f"δ {figure(neuron.b.grad, sign=True, digits=2)}" for neuron in network.layers[0].neurons]
        assert [page.locator(f"#n{at} text.delta").text_content() for at in (3, 4, 5)] == deltas


def test_a_dragged_input_changes_every_number_as_the_engine_does(browser, page_path):
    network = model()
    with opened(browser, page_path) as page:
        page.locator("button", has_text="Last").click()
        slider = page.locator(".sides .knob input").first
        slider.evaluate("(e) => { e.value = 1.25; e.dispatchEvent(new Event('input')); }")
        moved = float(slider.input_value())
        _, y, error = differentiated(network, [moved, -1.0])
        assert page.locator("#n6 text.value").text_content() == figure(y.data, digits=3)
        assert page.locator("#loss text.value").text_content() == figure(error.data)
        slopes = [figure(w.grad, digits=3) for neuron in network.layers[0].neurons for w in neuron.w]
        assert matrices(page)[-1] == slopes


def test_a_neuron_unfolds_into_its_scalar_graph_and_its_weights_can_be_moved(browser, page_path):
    network = model()
    with opened(browser, page_path) as page:
        page.locator("button", has_text="Last").click()
        page.locator("#n4").focus()
        page.keyboard.press("Enter")
        cards = page.locator(".unfolded .card")
        assert cards.count() == 2 * 3 + 3  # two products with their operands; the bias, the sum, tanh
        differentiated(network)
        neuron = network.layers[0].neurons[1]
        grads = [figure(w.grad, sign=True) for w in neuron.w]
        shown = [cards.nth(at).locator("text").all_text_contents() for at in range(9)]
        assert [texts[3] for texts in shown if texts[0].startswith("w")] == grads
        knob = page.locator(".unfolded .knob input").first
        knob.evaluate("(e) => { e.focus(); e.value = 1.5; e.dispatchEvent(new Event('input')); }")
        neuron.w[0].data = float(knob.input_value())
        _, _, error = differentiated(network)
        assert page.locator("#loss text.value").text_content() == figure(error.data)
        assert knob.evaluate("(e) => e.getRootNode().activeElement === e")  # the slider that is held stays
        page.locator("button", has_text="Fold").click()
        assert page.locator(".unfolded .card").count() == 0


def test_pointing_at_a_neuron_fades_all_wires_but_its_own(browser, page_path):
    with opened(browser, page_path) as page:
        page.locator("#n3").hover()
        away = page.locator(".wire.pointed-away").evaluate_all("(all) => all.map((e) => e.id)")
        kept = page.locator(".wire:not(.pointed-away)").evaluate_all("(all) => all.map((e) => e.id)")
        assert sorted(kept) == ["e1", "e2", "e7"]
        assert len(away) == 7  # the six others and the one to the loss


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page_and_colours_follow_its_ground(browser, page_path, width, scheme):
    viewport = {"width": width, "height": 800}
    with opened(browser, page_path, viewport=viewport, color_scheme=scheme) as page:
        page.locator("button", has_text="Last").click()
        page.locator("#n3").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground = page.locator(".ground").first.evaluate("(e) => getComputedStyle(e).fill")
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(30, 30, 30)")


def test_without_a_script_the_page_has_the_picture_and_its_text(browser, page_path):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(f"file://{page_path}")
    assert page.locator("img").evaluate("(e) => e.naturalWidth") > 300
    assert "δ = ∂L/∂z" in page.locator("ol").text_content()
    context.close()


def test_a_page_of_a_small_network_is_small_and_the_same_every_time():
    one = ag.step(model(), x=X, target=TARGET).html()
    assert one == ag.step(model(), x=X, target=TARGET).html()
    assert len(one.encode()) < 60_000
    assert not re.search(r"(src|href)=\"(?!data:image/svg\+xml;base64,)", one)


def test_a_hostile_name_of_a_loss_is_text(browser, tmp_path):
    def loss(y, t):
        return (y - t) ** 2

    loss.__name__ = "</script><img src=x onerror=alert(1)>"
    path = ag.step(model(), x=X, target=TARGET, loss=loss).save(tmp_path / "hostile.html")
    with opened(browser, path) as page:
        page.locator("button", has_text="Last").click()
        page.locator("button", has_text="Back").click()
        page.locator("button", has_text="Back").click()
        assert "</script>" in page.locator(".panel").inner_text()
