"""Leaves that are dragged on the stage, and paths that light up, in a real browser: the numbers are those of Python."""

from __future__ import annotations

import sys

import pytest

import autograd_mini as ag
from autograd_mini import MLP, Parameter, Value

pytest.importorskip("graphviz")
from autograd_mini.viz.text import figure, gradient_text

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened


def neuron(x1=2.0, w1=-3.0, b=6.9):
    """Return the output of a neuron whose input is used twice."""
    x, w, bias = Value(x1, label="x1"), Parameter(w1, label="w1"), Parameter(b, label="b")
    result = (x * w + bias).relu() * x + (x - 0.5) ** 2
    result.label = "L"
    return result


def leaves_of(y):
    from autograd_mini.engine.graph import order

    return {node.label: node for node in order(y) if node.label and not node.op}


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def card(page, name):
    return page.locator(".world > g", has=page.locator("text.t", has_text=name).filter(has_text=name)).filter(
        has=page.locator(f"xpath=.//*[local-name()='text'][contains(@class, 't') and .='{name}']")
    )


def shown(page, name):
    """Return the value and the gradient on a card."""
    found = card(page, name)
    return found.locator("text.v").first.text_content(), found.locator("text.g").text_content()


def move(page, name, x):
    """Set a slider and return the number that it takes."""
    slider = page.locator(f".leaf input[aria-label='{name}']")
    slider.evaluate("(e, x) => { e.value = x; e.dispatchEvent(new Event('input')); }", x)
    return float(slider.input_value())


def agree(page, y):
    y.backward()
    for name, leaf in {**leaves_of(y), "L": y}.items():
        assert shown(page, name) == (figure(leaf.data), gradient_text(leaf.grad)), name


def test_a_moved_leaf_changes_every_number_at_the_current_step(browser, tmp_path):
    path = ag.step(neuron()).save(tmp_path / "step.html")
    with opened(browser, path) as page:
        page.locator("button", has_text="Last").click()
        before = page.locator(".world > g[id^=n]").evaluate_all("(all) => all.map((e) => e.getAttribute('transform'))")
        agree(page, neuron())
        page.locator("button", has_text="Move leaves").click()
        x = move(page, "x1", 1.2)
        agree(page, neuron(x1=x))
        w = move(page, "w1", -8.5)  # the rectifier closes
        agree(page, neuron(x1=x, w1=w))
        after = page.locator(".world > g[id^=n]").evaluate_all("(all) => all.map((e) => e.getAttribute('transform'))")
        assert after == before
        page.locator("button", has_text="Reset").click()
        agree(page, neuron())


def test_the_formula_of_a_local_derivative_follows_its_case(browser, tmp_path):
    """The derivative of elu is 1 above 0, which needs no formula, and exp(x) below."""
    x = Value(0.5, label="x")
    y = x.elu() * 2
    with opened(browser, ag.step(y).save(tmp_path / "step.html")) as page:
        page.locator(".stage").focus()
        page.keyboard.press("End")
        symbols = page.locator(".lines .symbols")
        assert "exp" not in symbols.inner_text()
        page.locator("button", has_text="Move leaves").click()
        move(page, "x", -1.0)
        assert "exp" in symbols.inner_text()


def test_a_leaf_is_dragged_on_its_card_and_moved_by_keys(browser, tmp_path):
    with opened(browser, ag.explore(neuron()).save(tmp_path / "explore.html")) as page:
        agree(page, neuron())  # it opens at the end
        box = card(page, "x1").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + 14
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 60, middle[1], steps=4)
        page.mouse.up()
        assert shown(page, "x1")[0] == "4"  # its range, twice 4, is 240 pixels
        agree(page, neuron(x1=4.0))
        card(page, "b").focus()
        page.keyboard.press("ArrowUp")
        assert shown(page, "b")[0] == figure(6.9 + 2 * 6.9 / 100)
        assert "The gradient predicts" in page.locator(".curve-of").inner_text()


def test_the_prediction_is_the_gradient_times_the_change(browser, tmp_path):
    with opened(browser, ag.explore(neuron()).save(tmp_path / "explore.html")) as page:
        x = move(page, "x1", 2.2)
        y, z = neuron(), neuron(x1=x)
        y.backward()
        slope = leaves_of(y)["x1"].grad
        assert page.locator(".curve-of p").text_content() == (
            f"x1 changed by {figure(x - 2.0, sign=True)}. The gradient predicts {figure(slope * (x - 2.0), sign=True)} "
            f"for L; it changed by {figure(z.data - y.data, sign=True)}."
        )


def test_a_choice_that_goes_the_other_way_is_said(browser, tmp_path):
    x = Value(1.0, label="x")
    y = ag.where(x - 0.5, x * 3, x * x)
    with opened(browser, ag.explore(y).save(tmp_path / "explore.html")) as page:
        move(page, "x", 0.5)
        assert "went the other way" in page.locator(".switched").inner_text()
        move(page, "x", 2.0)
        assert page.locator(".switched").inner_text() == ""


def test_a_hostile_label_is_text_in_every_panel(browser, tmp_path):
    label = "</script><img src=x onerror=alert(1)>"
    x = Value(1.0, label=label)
    with opened(browser, ag.explore(x.elu() * x).save(tmp_path / "hostile.html")) as page:
        page.locator(".leaf input").evaluate("(e) => { e.value = -0.5; e.dispatchEvent(new Event('input')); }")
        assert label in page.locator(".curve-of").inner_text()
        page.locator("g#n1").focus()
        page.keyboard.press("Enter")
        assert f"back to {label}" in page.locator(".paths").inner_text()
        assert page.locator("img[src=x]").count() == 0


def test_what_cannot_be_computed_again_has_no_leaves_to_move(browser, tmp_path):
    solve = ag.custom_gradient(lambda a: a * 2, lambda a: 2.0 + 0 * a)
    y = solve(Value(1.0, label="a")) + 1.0
    with opened(browser, ag.step(y, check=False).save(tmp_path / "step.html")) as page:
        assert page.locator("button", has_text="Move leaves").count() == 0
    for other in (y, Value(1.0)):
        with pytest.raises(ValueError, match="expected a result of operations of the table"):
            ag.explore(other)
    with pytest.raises(TypeError, match=r"y is .*expected a Value"):
        ag.explore(3.0)


def test_a_network_is_explored_with_its_numbers(browser, tmp_path):
    def loss(w):
        model = MLP(2, [3, 1], activation="tanh", seed=4)
        model.layers[0].neurons[0].w[1].data = w
        x = [Value(0.5, label="x1"), Value(-1.0, label="x2")]
        result = (model(x) - 1.0) ** 2
        result.label = "L"
        return result

    start = MLP(2, [3, 1], activation="tanh", seed=4).layers[0].neurons[0].w[1].data
    with opened(browser, ag.explore(loss(start)).save(tmp_path / "explore.html")) as page:
        key = card(page, "w[1][1][2]").get_attribute("id")
        page.locator(f"#{key}").focus()
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        agree(page, loss(start - 3 * 2 * max(1.0, abs(start)) / 100))


# --- paths ---


def test_the_paths_of_a_leaf_light_up_in_turn_and_sum_to_its_gradient(browser, tmp_path):
    y = neuron()
    explained = ag.explain(leaves_of(y)["x1"], y)
    with opened(browser, ag.step(y).save(tmp_path / "step.html")) as page:
        page.locator(".stage").focus()
        page.keyboard.press("End")
        card(page, "x1").focus()
        page.keyboard.press("Enter")
        panel = page.locator(".paths")
        assert f"{explained.count} paths from L back to x1" in panel.text_content()
        products = [text.rpartition("= ")[2] for text in panel.locator("li button").all_text_contents()]
        assert sorted(products) == sorted(figure(path.product, sign=True) for path in explained)
        total = f"= {figure(explained.gradient)}"
        said = "document.querySelector('[data-place]').shadowRoot.querySelector('.total').textContent"
        page.wait_for_function(f"(end) => {said}.endsWith(end)", arg=total)
        assert page.locator(".world.faded").count() == 0 or page.locator(".chosen").count() > 2
        panel.locator("li button").first.click()
        assert page.locator(".world.faded").count() == 1
        lit = page.locator(".world > g.chosen[id^=n]").count()
        assert lit == len(panel.locator("li button").first.text_content().split("→"))
        panel.locator("button", has_text="Close").click()
        assert page.locator(".world.faded").count() == 0


def test_walking_every_path_takes_more_operations_than_one_backward_pass(browser, tmp_path):
    x = Value(1.1, label="x")
    y = x
    for _ in range(10):
        y = y * y
    context = {"reduced_motion": "reduce"}
    with opened(browser, ag.step(y, check=False).save(tmp_path / "step.html"), **context) as page:
        page.locator("button", has_text="Last").click()
        card(page, "x").focus()
        page.keyboard.press("Enter")
        assert "1024 paths from v10 back to x" in page.locator(".paths").text_content()
        walked, once = page.locator(".lane output").all_inner_texts()
        assert int(walked) == 1024 * 9 + 1023  # nine products a path, and their sum
        assert int(once) == 18 + 10  # a product a wire but for the seed's, and a sum where two meet
        assert "984 more paths" in page.locator(".total").inner_text()


def test_sliders_paths_and_sentences_write_names_as_the_formulas_do(browser, tmp_path):
    y = (MLP(2, [2, 1], activation="tanh", seed=1)([Value(0.5, label="x1"), -1.0]) - 1.0) ** 2
    y.label = "L"
    with opened(browser, ag.explore(y).save(tmp_path / "explore.html")) as page:
        parts = "(e) => [...e.querySelectorAll('msubsup > *')].slice(0, 3).map((part) => part.textContent)"
        card(page, "w[1][1][1]").focus()
        page.keyboard.press("Enter")
        for place in (".leaf span", ".curve-of p", ".paths b", ".paths li button", ".words"):
            assert page.locator(place).first.evaluate(parts) == ["w", "11", "[1]"], place
        shown = page.locator(".live-numbers, .paths, .words").all_inner_texts()
        assert not any("w[1]" in text for text in shown)


def test_longer_numbers_stay_on_their_chips_and_cards(browser, tmp_path):
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    y = (x * w + 6.5).tanh()
    with opened(browser, ag.explore(y).save(tmp_path / "explore.html")) as page:
        for number in (1.0, 0.7, -1.3):
            move(page, "x", number)
            over = page.locator(".chip, g[id^=n]").evaluate_all(
                """(groups) => groups.flatMap((group) => {
                    const end = (box) => box.x + box.width, frame = group.querySelector("rect").getBBox();
                    const out = (text) => text.getBBox().x < frame.x || end(text.getBBox()) > end(frame);
                    return [...group.querySelectorAll("text")].filter(out).map((text) => text.textContent);
                })"""
            )
            assert over == []
