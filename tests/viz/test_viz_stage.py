"""The stage in a real browser: what a step is about is in view, nothing covers anything, every way to use it works."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import autograd_mini as ag
from autograd_mini import MLP, Parameter, Value

pytest.importorskip("graphviz")
from autograd_mini.engine.formula import written
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz import draw, step
from autograd_mini.viz import renderers as rendering
from autograd_mini.viz.javascript import Rows, bundle
from autograd_mini.viz.partials import local_derivative

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from layout_graphs import chain, recurrent

try:
    rendering.render("digraph {}", "json")
except ImportError:
    pytest.skip("no Graphviz is installed", allow_module_level=True)

SIZES = {"screen": {"width": 1280, "height": 800}, "phone": {"width": 420, "height": 800}}


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Parameter(-3.0, label="w1"), Parameter(1.0, label="w2")
    o = (x1 * w1 + x2 * w2 + Parameter(6.8813735870195432, label="b")).tanh()
    o.label = "o"
    return o


def twice():
    a, b = Value(-2.0, label="a"), Value(3.0, label="b")
    y = a * b + a
    y.label = "y"
    return y


def network():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    return model([Value(1.0, label="x1"), Value(-2.0, label="x2")])


GRAPHS = {
    "neuron": neuron,
    "twice": twice,
    "network": network,
    "chain": lambda: chain(24),
    "rnn": lambda: recurrent(30),
}

ROOT = "document.querySelector('[data-place]').shadowRoot"
"""Where a stage stands."""

IN_VIEW = """() => {
  const root = document.querySelector("[data-place]").shadowRoot;
  const view = root.querySelector(".view").getBoundingClientRect();
  const docked = (card) => root.querySelector(`.dock[data-card=${card.id}]`);
  const seen = (card) => (docked(card) ?? card.querySelector(".f")).getBoundingClientRect();
  const cards = [...root.querySelectorAll("g[id].now, g[id].takes")].map(seen);
  return cards.length > 0 && cards.every((box) => box.left >= view.left - 1 && box.right <= view.right + 1
    && box.top >= view.top - 1 && box.bottom <= view.bottom + 1 && box.width > 50);
}"""

COVERED = """() => {
  const root = document.querySelector("[data-place]").shadowRoot;
  const apart = (a, b) => a.right <= b.left + 0.5 || b.right <= a.left + 0.5
    || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5;
  const chips = [...root.querySelectorAll(".chip")].filter((chip) => getComputedStyle(chip).visibility !== "hidden");
  const place = (part) => part.querySelector("rect").getBoundingClientRect();
  const boxes = chips.map((chip) => [chip.id.slice(1), place(chip)]);
  const cards = [...root.querySelectorAll("g[id^=n]")].map((card) => [card.id, place(card)]);
  const found = [];
  for (const [id, box] of boxes) {
    for (const [other, there] of [...cards, ...boxes])
      if (other !== id && !apart(box, there)) found.push([id, other]);
    for (const wire of root.querySelectorAll("g[id^=e]")) {
      const line = wire.querySelector(".w"), matrix = line.getScreenCTM(), length = line.getTotalLength();
      let inside = 0;
      for (let at = 0; at <= length; at += 2) {
        const point = line.getPointAtLength(at).matrixTransform(matrix);
        inside += point.x > box.left + 1 && point.x < box.right - 1
          && point.y > box.top + 1 && point.y < box.bottom - 1;
      }
      if (wire.id !== id && inside > 1) found.push([id, wire.id]);
      if (wire.id === id && !inside) found.push([id, "not on its wire"]);
    }
  }
  return [boxes.length, found];
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def on(page, *keys):
    page.locator(".stage").focus()
    for key in keys:
        page.keyboard.press(key)


def count(page):
    return int(page.locator(".status").inner_text().split(" of ")[1].split(" ")[0])


def wait_for_the_camera(page):
    page.wait_for_timeout(20)
    page.clock.run_for(600)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
def test_at_every_step_its_card_and_all_receivers_are_in_view(browser, tmp_path, graph, size):
    path = step(graph(), check=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=size, reduced_motion="reduce") as page:
        on(page, "Home")
        hidden = []
        for at in range(count(page)):
            if not page.evaluate(IN_VIEW):
                hidden.append(at + 1)
            page.keyboard.press("ArrowRight")
        assert hidden == []


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
def test_no_chip_lies_on_a_card_or_on_the_wire_of_another(browser, tmp_path, graph, size):
    path = step(graph(), check=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=size, reduced_motion="reduce") as page:
        on(page, "End", "0")
        chips, covered = page.evaluate(COVERED)
        assert chips >= 4
        assert covered == []


def test_on_a_phone_the_picture_runs_down_and_the_controls_stay_below(browser, tmp_path):
    path = step(neuron()).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["phone"]) as page:
        leaf, result = (page.locator(f"#{key} .f").bounding_box() for key in ("n1", "n10"))
        assert result["y"] > leaf["y"] + 300
        bar = page.locator(".bar").bounding_box()
        assert bar["y"] + bar["height"] <= 800.0
        assert bar["y"] > page.locator(".status").bounding_box()["y"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_the_wheel_zooms_where_the_pointer_is_and_a_drag_moves(browser, tmp_path):
    path = step(neuron()).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        page.locator(".stage").focus()
        card = page.locator("#n10 .t")
        before = card.bounding_box()
        middle = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
        page.mouse.move(*middle)
        page.mouse.wheel(0, -200)
        page.wait_for_function(
            f"box => {ROOT}.querySelector('#n10 .t').getBoundingClientRect().width > box.width * 1.3",
            arg=before,
        )
        after = card.bounding_box()
        assert abs(after["x"] + after["width"] / 2 - middle[0]) < 3
        page.mouse.move(640, 60)
        page.mouse.down()
        page.mouse.move(600, 90, steps=4)
        page.mouse.up()
        moved = card.bounding_box()
        assert moved["x"] - after["x"] == pytest.approx(-40, abs=1)
        assert moved["y"] - after["y"] == pytest.approx(30, abs=1)
        assert page.locator(".status").inner_text().startswith("Step 1 ")
        page.get_by_role("button", name="Show all").click()
        assert card.bounding_box()["width"] == pytest.approx(before["width"], rel=0.01)


def test_two_fingers_zoom(browser, tmp_path):
    path = step(neuron()).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        before = page.locator("#n5 .f").bounding_box()["width"]
        page.evaluate("""() => {
          const view = document.querySelector("[data-place]").shadowRoot.querySelector(".view");
          view.setPointerCapture = () => {};
          const send = (type, id, x, y) => view.dispatchEvent(
            new PointerEvent(type, { pointerId: id, clientX: x, clientY: y, button: 0, buttons: 1 }));
          send("pointerdown", 1, 500, 200);
          send("pointerdown", 2, 600, 200);
          send("pointermove", 2, 700, 200);
          send("pointerup", 2, 700, 200);
          send("pointerup", 1, 500, 200);
        }""")
        assert page.locator("#n5 .f").bounding_box()["width"] == pytest.approx(2.0 * before, rel=0.05)


def test_everything_can_be_done_with_the_keyboard_alone(browser, tmp_path):
    path = step(network(), "b[1][1]", check=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        page.locator(".stage").wait_for()
        page.keyboard.press("Tab")
        seen = []
        for _ in range(80):
            seen.append(
                page.evaluate("""() => { const at = document.querySelector('[data-place]').shadowRoot.activeElement;
              return at ? at.getAttribute('aria-label') || at.textContent : ''; }""")
            )
            page.keyboard.press("Tab")
            if seen[-1] == "Step":
                break
        for name in (
            "Backward pass, step by step.",
            "w[1][1][1], parameter",
            "layer 1, neuron 1",
            "Zoom in",
            "Show all",
            "Play",
            "Step",
        ):
            assert any(label.startswith(name) for label in seen), (name, seen)
        on(page, "Home", "+")
        wide = page.locator("#n1 .f").bounding_box()["width"]
        on(page, "-", "-")
        assert page.locator("#n1 .f").bounding_box()["width"] < wide
        x = page.locator("#n1 .f").bounding_box()["x"]
        on(page, "Shift+ArrowRight")
        assert page.locator("#n1 .f").bounding_box()["x"] == pytest.approx(x - 60, abs=1)
        assert page.locator(".status").inner_text().startswith("Step 1 ")
        page.locator("#n8").focus()
        page.keyboard.press("Enter")
        assert not page.locator(".status").inner_text().startswith("Step 1 ")


def test_a_group_folds_in_place_and_unfolds_when_a_step_is_in_it(browser, tmp_path):
    path = step(network(), check=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        on(page, "Home", "0")
        frame = page.locator(".frame", has_text="layer 1, neuron 2")
        assert page.locator(".frame").count() == 4
        before = frame.locator("rect").bounding_box()
        hidden = page.locator(".inside").count()
        frame.focus()
        page.keyboard.press("Enter")
        assert frame.get_attribute("aria-expanded") == "false"
        assert page.locator(".inside").count() > hidden + 10
        assert frame.locator("rect").bounding_box() == before
        on(page, "End")
        for _ in range(count(page)):
            page.keyboard.press("ArrowLeft")
        assert frame.get_attribute("aria-expanded") == "true"


def test_a_map_stands_by_where_there_are_more_than_40_cards(browser, tmp_path):
    for graph, shown in ((neuron(), 0), (recurrent(60), 1)):
        path = step(graph, check=False).save(tmp_path / "step.html")
        with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
            on(page, "Home")
            assert page.locator(".map").count() == shown
            if shown:
                before = page.locator("#n1 .f").bounding_box()["x"]
                box = page.locator(".map").bounding_box()
                page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
                assert page.locator("#n1 .f").bounding_box()["x"] < before - 100


def test_the_number_travels_meets_its_factor_and_lands(browser, tmp_path):
    path = step(twice(), forward=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"]) as page:
        page.clock.install()
        on(page, "Home", "ArrowRight", "ArrowRight")
        said, places = [], []
        middle = (
            "const box = token.getBoundingClientRect(); return [token.textContent, Math.round(box.x + box.width / 2)]"
        )
        asked = f"() => {{ const token = {ROOT}.querySelector('.token'); if (!token) return null; {middle}; }}"
        for _ in range(28):
            page.clock.run_for(50)
            found = page.evaluate(asked)  # at once: the token may be gone the next moment
            if found:
                said.append(found[0])
                places.append(found[1])
        assert list(dict.fromkeys(said)) == ["+1", "1 × 3", "+3"]
        assert places == sorted(places, reverse=True)
        page.clock.run_for(2000)
        assert page.locator(".token").count() == 0
        assert page.locator(".arriving").count() == 0


def test_arrows_turn_with_the_gradient_and_wires_are_as_wide_as_it_is_large(browser, tmp_path):
    path = step(twice(), forward=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        tip = f"key => Number({ROOT}.querySelector('#' + key + ' .a').getAttribute('points').split(',')[0])"
        on(page, "Home")
        ahead = page.evaluate(tip, "e1")
        on(page, "End")
        assert page.evaluate(tip, "e1") < ahead - 50
        width = f"key => parseFloat(getComputedStyle({ROOT}.querySelector('#' + key + ' .w')).strokeWidth)"
        assert page.evaluate(width, "e1") > page.evaluate(width, "e2") > page.evaluate(width, "e3")
        assert "p" in page.locator("#e1").get_attribute("class").split()
        assert "n" in page.locator("#e2").get_attribute("class").split()


def test_a_tray_has_a_slot_for_each_use_and_waits_for_those_still_to_come(browser, tmp_path):
    path = step(twice(), forward=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        found = (
            f"[...{ROOT}.querySelectorAll('#n1 .slot, #n2 .slot')].map(s => [s.textContent, s.getAttribute('class')])"
        )

        def slots():
            return [(text, "filled" in name) for text, name in page.evaluate(found)]

        on(page, "Home")
        assert slots() == [("from y", False), ("from v1", False)]
        page.keyboard.press("ArrowRight")
        assert slots() == [("from y+1", True), ("from v1", False)]
        assert "1 of 2 parts still to come" in page.locator("g[id^=n]", has_text="from y").get_attribute("aria-label")
        page.keyboard.press("End")
        assert slots() == [("from y+1", True), ("from v1+3", True)]
        assert page.locator("g[id^=n]", has_text="from y").locator(".g").text_content() == "+4"
        assert (
            "All parts are there: raising a by 0.01 raises y by about 0.04."
            in page.locator(".words").all_text_contents()
        )


def test_gradients_of_earlier_passes_have_a_slot_of_their_own(browser, tmp_path):
    a = Value(3.0, label="a")
    (8.0 * a).backward()
    y = a * a
    path = step(y, forward=False).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        on(page, "Home")
        card = page.locator("#n1")
        assert card.locator(".slot").first.text_content() == "before+8"
        assert card.locator(".g").text_content() == "+8"
        page.keyboard.press("End")
        assert card.locator(".g").text_content() == "+14"
        assert "zero_grad" in page.locator(".words").last.text_content()
    y.backward()
    assert a.grad == 14.0
    assert [slot[1] for slot in draw(y).diagram.cards[0].slots] == ["+8", "+3", "+3"]


def test_operands_of_one_name_keep_their_own_numbers(browser, tmp_path):
    y = Value(2.0, label="x") * Value(3.0, label="x")
    path = step(y).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        on(page, "Home")
        assert "".join(page.locator(".numbers").text_content().split()) == "v1=2·3=6"


def test_terms_and_cards_light_each_other_up(browser, tmp_path):
    path = step(neuron()).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        on(page, "End")
        page.locator(".symbols .term[data-card=n1]").first.hover()
        assert "lit" in page.locator("#n1").get_attribute("class")
        page.locator(".symbols .term[data-wire=e1]").first.hover()
        assert "lit" in page.locator("#e1").get_attribute("class")
        page.locator("#n3 .t").hover()
        assert page.locator(".term.lit").count() > 0


def test_every_derivative_of_the_table_is_set_as_mathematics(browser):
    texts = []
    for row in TABLE.values():
        numbers = dict.fromkeys(row.operands, 0.3) | {"z": 0.6}
        called = {"x": "a", "y": "w[1][2]", "z": "v1"}
        known = {letter: called.get(letter, letter) for letter in numbers}
        operands = row.operands[1:] if row.name == "where" else row.operands
        texts += [local_derivative(row, operand, known, numbers) for operand in operands]
        sign = {"*": "×", "-": "−", "**": "^"}.get(row.symbol, row.symbol)
        texts.append(written(row.name, [known[letter] for letter in row.operands], sign))
    assert len(texts) > 80
    page = browser.new_page()
    names = "Object.fromEntries(['a', 'w[1][2]', 'v1', 'c'].map(name => [name, () => nameMath(name)]))"
    code = bundle("arithmetic", "text", "mathematics", rows=Rows())
    plain = page.evaluate(
        f"texts => {{ {code}; return texts.filter(text => formulaMath(text, {names}).localName === 'mtext'); }}", texts
    )
    page.close()
    assert plain == []


def test_an_index_is_set_below_and_a_layer_above(browser):
    page = browser.new_page()
    code = bundle("arithmetic", "text", "mathematics", rows=Rows())
    text = "new XMLSerializer().serializeToString(nameMath(name))"
    shapes = f"name => {{ {code}; return {text}.replace(/ xmlns=[^ >]*/, ''); }}"
    layered = "<msubsup><mi>w</mi><mn>23</mn><mtext>[1]</mtext></msubsup>"
    assert page.evaluate(shapes, "w[1][2][3]") == layered
    assert page.evaluate(shapes, "b[3]") == "<msup><mi>b</mi><mtext>[3]</mtext></msup>"
    assert page.evaluate(shapes, "x12") == "<msub><mi>x</mi><mn>12</mn></msub>"
    assert page.evaluate(shapes, "<b>") == "<mtext>&lt;b&gt;</mtext>"
    page.close()


@pytest.mark.parametrize(("answer", "verdict", "score"), [("0.5", "Right.", "1 of 1"), ("7", "Not 7.", "0 of 1")])
def test_in_guess_mode_a_number_is_asked_for_before_it_is_shown(browser, tmp_path, answer, verdict, score):
    path = step(neuron(), forward=False, quiz=True).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        on(page, "Home", "ArrowRight")
        assert "o has the gradient 1. What does v4 receive from it?" in page.locator(".quiz").text_content()
        assert page.locator("#n9 .g").text_content() == "–"
        box = page.get_by_role("textbox")
        page.keyboard.type("what")  # it has the focus
        page.keyboard.press("Enter")
        assert "Type a number" in page.locator(".hint").text_content()
        box.fill(answer)
        box.press("Enter")
        assert page.locator(".verdict").text_content().startswith(verdict)
        assert page.locator("#n9 .g").text_content() == "+0.5"
        assert score in page.locator(".score").text_content()
        page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="+ positive").click()
        assert "The sign is right." in page.locator(".verdict").text_content()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
            page.get_by_role("button", name="Show me").click()
        assert page.locator(".score").text_content().startswith(f"Your score: {1.5 if answer == '0.5' else 0.5:g} of 5")


def test_the_line_of_code_of_the_current_card_is_marked(browser, tmp_path):
    with ag.origin():
        w, x = Parameter(0.8, label="w"), Value(1.5, label="x")
        z = w * x
        y = z.tanh()
    path = step(y).save(tmp_path / "step.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        on(page, "Home")
        assert page.locator(".code .current").text_content().endswith("z = w * x")
        page.keyboard.press("ArrowRight")
        assert page.locator(".code .current").text_content().endswith("y = z.tanh()")
        assert page.locator(".code div").count() == 3


def test_findings_are_listed_and_point_at_the_values_they_are_about(browser, tmp_path):
    w = Parameter(0.8, label="w")
    y = (w * 2.0 + 1.0).tanh()
    y.backward()
    (w * 3.0).backward()
    found = ag.doctor(y, [w])
    assert found.kinds == ["zero_grad"]
    with pytest.raises(ag.AnomalyError) as raised, ag.anomaly():
        (w - 0.8).log()
    for path in (
        step(y, findings=found).save(tmp_path / "doctor.html"),
        step(raised.value.node, findings=raised.value).save(tmp_path / "anomaly.html"),
    ):
        with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
            page.locator(".note:enabled").first.click()
            assert page.locator(".noted.lit").count() >= 1


def test_the_card_of_a_neuron_unfolds_in_place_into_the_values_it_stands_for(browser, tmp_path):
    y = network()
    y.backward()
    path = draw(y, level="neuron").save(tmp_path / "draw.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        card = page.locator("g[id^=n]", has_text="layer 1 neuron 2")
        card.focus()
        page.keyboard.press("Enter")
        assert card.get_attribute("aria-expanded") == "true"
        names = page.locator(".inner .t").all_text_contents()
        assert {"w[1][2][1]", "w[1][2][2]", "b[1][2]", "x1", "x2"} <= set(names)
        assert len(names) == 10
        assert page.locator(".inner .slot, .inner .u").count() == 0
        assert page.locator(".inner .f").first.bounding_box()["width"] > 60
        page.keyboard.press("Enter")
        assert page.locator(".inner").count() == 0


def test_calls_of_a_function_are_framed_where_origin_knows_them():
    def unit(x, w):
        z = x * w
        return z.tanh()

    x, w = Value(1.0, label="x"), Parameter(0.5, label="w")
    with ag.origin():
        h = unit(x, w)
        y = unit(h, w) + 1.0
    frames = step(y, check=False).diagram.frames
    assert [title.partition(",")[0] for title, _ in frames] == ["unit(…)", "unit(…)"]
    assert [len(keys) for _, keys in frames] == [2, 2]
    assert draw((x * w).tanh()).diagram.frames == []


def test_a_drawing_saved_as_a_page_can_be_zoomed_and_its_groups_folded(browser, tmp_path):
    y = network()
    y.backward()
    path = draw(y).save(tmp_path / "draw.html")
    with opened(browser, path, viewport=SIZES["screen"], reduced_motion="reduce") as page:
        before = page.locator("#n1 .f").bounding_box()["width"]
        page.get_by_role("button", name="Zoom in").click()
        assert page.locator("#n1 .f").bounding_box()["width"] > before * 1.2
        frame = page.locator(".frame", has_text="layer 1, neuron 1")
        frame.focus()
        page.keyboard.press(" ")
        assert frame.get_attribute("aria-expanded") == "false"
        assert page.locator(".status").count() == 0


def test_draw_step_and_animate_lay_a_graph_out_alike():
    places = []
    for svg in (draw(network()).svg(), step(network(), check=False).still(), ag.animate(network()).svg()):
        texts = [
            part.split(">")[0].split('"')[:4] for part in svg.split("<text ")[1:] if ">w[" in part.split("</text")[0]
        ]
        places.append([(text[1], text[3]) for text in texts])
    assert places[0] == places[1] == places[2]
    assert len(places[0]) == 9
