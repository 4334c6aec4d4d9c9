"""The training player: what it keeps of a training, and the page in a real browser."""

from __future__ import annotations

import json
import math
import re
import sys

import pytest

import autograd_mini as ag
from autograd_mini import MLP, History, datasets, fit
from autograd_mini.viz.network_pages import FRAMES
from autograd_mini.viz.text import figure

pytest.importorskip("graphviz")

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened

X, Y = datasets.moons(60, seed=0)
TEST = datasets.moons(30, seed=1)
SETTINGS = {"loss": "binary_cross_entropy", "epochs": 12, "seed": 3}


def model():
    return MLP(2, [4, 1], activation="tanh", seed=1)


def data_of(player):
    return json.loads(json.dumps(player.data()))


def test_one_rate_trains_the_model_as_fit_does():
    watched, trained = model(), model()
    player = ag.watch(watched, X, Y, lr=0.3, validation=TEST, **SETTINGS)
    history = fit(trained, X, Y, lr=0.3, validation=TEST, **SETTINGS)
    assert player.runs[0].history == history
    assert watched.matrices() == trained.matrices()


def test_the_weights_of_every_epoch_are_kept_in_step():
    seen = []
    network = model()

    def note(training):
        seen.append([p.data for p in training.model.parameters()])

    player = ag.watch(network, X, Y, lr=0.3, callbacks=[note], **SETTINGS)
    run = data_of(player)["runs"][0]
    assert run["epochs"] == [*range(13)]
    assert run["weights"][0] == [pytest.approx(p.data, rel=1e-5) for p in model().parameters()]
    for kept, weights in zip(run["weights"][1:], seen, strict=True):
        assert kept == pytest.approx(weights, rel=1e-5)


def test_of_a_long_training_some_epochs_are_kept_the_first_and_the_last_among_them():
    player = ag.watch(MLP(1, [1], seed=0), [[0.0], [1.0]], [0.0, 1.0], loss="mse", epochs=333)
    epochs = data_of(player)["runs"][0]["epochs"]
    assert (epochs[0], epochs[-1], len(epochs)) == (0, 333, FRAMES + 1)
    assert epochs == sorted(set(epochs))


def test_several_rates_train_copies():
    network = model()
    before = network.matrices()
    player = ag.watch(network, X, Y, lr=[0.01, 0.3], **SETTINGS)
    assert network.matrices() == before
    assert [run.title for run in player.runs] == ["learning rate 0.01", "learning rate 0.3"]
    assert player.runs[1].history == fit(model(), X, Y, lr=0.3, **SETTINGS)


def test_a_rate_that_diverges_is_shown_up_to_there():
    x = [[float(i)] for i in range(20)]
    player = ag.watch(MLP(1, [1], seed=0), x, [2.0 * i for (i,) in x], loss="mse", lr=[1e-3, 10.0], epochs=200)
    run = player.runs[1]
    assert re.fullmatch(r"diverged in epoch \d+", run.ended)
    assert run.history.epochs < 200
    assert run.ended in player.lines[1]
    json.dumps(data_of(player), allow_nan=False)


def test_a_history_alone_has_its_curves():
    history = fit(model(), X, Y, validation=TEST, **SETTINGS)
    player = ag.watch(history)
    ends = [f"{figure(column[0])} → {figure(column[-1])}" for column in (history.loss, history.validation_loss)]
    assert player.lines == [f"training: 12 epochs, loss {ends[0]}, validation loss {ends[1]}"]
    with pytest.raises(ValueError, match="a History without epochs"):
        ag.watch(History())


def test_what_is_missing_or_does_not_fit_is_named():
    with pytest.raises(TypeError, match="X, y or loss is missing"):
        ag.watch(model(), X, Y)
    with pytest.raises(ValueError, match="lr is an empty list"):
        ag.watch(model(), X, Y, lr=[], **SETTINGS)
    with pytest.raises(TypeError, match="not made of layers of neurons"):
        ag.watch(lambda x: x[0], X, Y, **SETTINGS)


# --- in a browser ---


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def colour_at(page, index, x, y):
    """Return red, green and blue at a point of a run's map, given as shares of its sides."""
    return (
        page.locator(".run canvas")
        .nth(index)
        .evaluate(
            "(c, [x, y]) => [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data].slice(0, 3)",
            [x, y],
        )
    )


def test_the_map_is_what_the_model_decides(browser, tmp_path):
    network = model()
    path = ag.watch(network, X, Y, lr=0.5, **SETTINGS).save(tmp_path / "training.html")
    lows, highs = (
        [
            min(row[k] for row in X) - 0.12 * (max(row[k] for row in X) - min(row[k] for row in X))
            if low
            else max(row[k] for row in X) + 0.12 * (max(row[k] for row in X) - min(row[k] for row in X))
            for k in (0, 1)
        ]
        for low in (True, False)
    )
    with opened(browser, path) as page:
        assert page.locator(".status").inner_text() == "Epoch 12 of 12"
        checked = 0
        for across in (0.03, 0.5, 0.97):
            for up in (0.03, 0.97):
                point = [low + share * (high - low) for low, high, share in zip(lows, highs, (across, up), strict=True)]
                logit = network(point).data
                if abs(logit) < 0.3:
                    continue
                red, _, blue = colour_at(page, 0, across, 1 - up)
                assert (blue > red) == (logit > 0), (point, logit)
                checked += 1
        assert checked >= 4
        page.locator("button", has_text="First").click()
        page.wait_for_function("() => true")
        untrained = model()
        for across in (0.03, 0.97):
            point = [lows[0] + across * (highs[0] - lows[0]), lows[1] + 0.5 * (highs[1] - lows[1])]
            logit = untrained(point).data
            red, _, blue = colour_at(page, 0, across, 0.5)
            assert abs(logit) < 0.1 or (blue > red) == (logit > 0)


def test_the_scrubber_moves_losses_weights_and_maps_together(browser, tmp_path):
    player = ag.watch(model(), X, Y, lr=[0.02, 0.5], validation=TEST, **SETTINGS)
    path = player.save(tmp_path / "training.html")
    with opened(browser, path) as page:
        page.locator(".frame").focus()
        page.keyboard.press("Home")
        assert page.locator(".facts").first.inner_text().startswith("train loss –")
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        assert page.locator(".status").inner_text().startswith("Epoch 5 of 12")
        for index, run in enumerate(player.runs):
            shown = page.locator(".facts").nth(index).inner_text()
            assert f"train loss {figure(run.history.loss[4], digits=3)}" in shown
            assert f"test loss {figure(run.history.validation_loss[4], digits=3)}" in shown
        widths = [page.locator(f"#e{at} line").get_attribute("stroke-width") for at in range(1, 13)]
        page.locator("button", has_text="learning rate 0.5").click()
        others = [page.locator(f"#e{at} line").get_attribute("stroke-width") for at in range(1, 13)]
        assert widths != others
        bias = page.locator("#n3 text.mark").text_content()
        assert bias == f"b {figure(player.runs[1].frames[5][1][2], digits=3)}"
        curve = page.locator(".curve.train:not(.ghost)").first.get_attribute("d")
        assert len(re.findall("[ML]", curve)) == 5


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_page(browser, tmp_path, width, scheme):
    path = ag.watch(model(), X, Y, lr=[0.02, 0.5, 5.0], **SETTINGS).save(tmp_path / "training.html")
    with opened(browser, path, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [canvas.bounding_box() for canvas in page.locator("canvas").all()]
        assert all(box["width"] > 200 and abs(box["width"] - box["height"]) < 3 for box in boxes)


def test_a_curve_of_one_input_several_classes_and_a_history_are_shown(browser, tmp_path):
    xs = [[at / 5 - 1] for at in range(11)]
    line = ag.watch(MLP(1, [3, 1], seed=0), xs, [math.sin(x) for (x,) in xs], loss="mse", epochs=3)
    flowers, kinds = datasets.iris()
    petals = ag.watch(MLP(2, [3, 3], seed=0), [x[2:] for x in flowers], kinds, loss="cross_entropy", epochs=3)
    own = ag.watch(MLP(2, [2, 1], activation=lambda z: z / (1 + abs(z)), seed=0), X, Y, **SETTINGS)
    wide = ag.watch(MLP(4, [3, 3], seed=0), flowers, kinds, loss="cross_entropy", epochs=3)
    for name, player, maps in (("line", line, 1), ("petals", petals, 1), ("own", own, 1), ("wide", wide, 0)):
        with opened(browser, player.save(tmp_path / f"{name}.html")) as page:
            assert page.locator("canvas").count() == maps
            page.locator("button", has_text="Back").click()
    with opened(browser, ag.watch(petals.runs[0].history).save(tmp_path / "history.html")) as page:
        assert page.locator(".curve").count() == 2
        page.locator("button", has_text="First").click()


@pytest.mark.parametrize("sizes", [[1], [4, 3, 1]])
@pytest.mark.parametrize("rates", [0.1, [0.1, 0.2]])
def test_the_legend_and_a_small_network_are_whole_in_a_cell_of_a_narrow_notebook(browser, tmp_path, sizes, rates):
    player = ag.watch(MLP(2, sizes, seed=0), X, Y, loss="binary_cross_entropy", lr=rates, epochs=2)
    path = tmp_path / "cell.html"
    path.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><body style="padding: 0 50px">{player.html()}</body>', "utf-8"
    )
    with opened(browser, path, viewport={"width": 420, "height": 800}) as page:
        legend, frame = page.locator(".legend").bounding_box(), page.locator(".frame").bounding_box()
        assert frame["x"] <= legend["x"]
        assert legend["x"] + legend["width"] <= frame["x"] + frame["width"]
        assert page.locator(".legend").inner_text().startswith("weights: blue +")
        if sizes == [1]:
            assert page.locator(".picture").evaluate("e => e.scrollWidth <= e.clientWidth")
