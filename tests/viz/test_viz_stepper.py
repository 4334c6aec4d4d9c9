"""The stepper and the animation, looked at as files and driven in a real browser."""

from __future__ import annotations

import re
import sys
import types
import zlib
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import autograd_mini as ag
from autograd_mini import Parameter, Value

pytest.importorskip("graphviz")
from autograd_mini.viz import animate, step
from autograd_mini.viz import renderers as rendering

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened

try:
    rendering.render("digraph {}", "json")
except ImportError:
    pytest.skip("no Graphviz is installed", allow_module_level=True)


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Parameter(-3.0, label="w1"), Parameter(1.0, label="w2")
    o = (x1 * w1 + x2 * w2 + Parameter(6.8813735870195432, label="b")).tanh()
    o.label = "o"
    return o


def of_100_values():
    xs = [Value(0.1 * index, label=f"x{index}") for index in range(33)]
    y = xs[0]
    for index in range(33):
        y = y + xs[index] * xs[(index + 1) % 33]
    return y


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def page_path(tmp_path):
    return step(neuron()).save(tmp_path / "step.html")


def unpacked(html):
    """Return the script and the data of a page."""
    return zlib.decompress(b64decode(re.search(r'atob\("([^"]+)"\)', html)[1])).decode()


def lines(page, kind):
    """Return what the lines of a kind say, spaces left out: that is how fractions read."""
    found = page.locator(f".lines .{kind}").all_text_contents()
    return ["".join(text.split()) if kind != "words" else text for text in found]


def status(page):
    return page.locator(".status").inner_text()


def grad(page, name):
    return (
        page.locator(".world > g", has=page.locator("text.t", has_text=re.compile(f"^{name}$")))
        .locator("text.g")
        .text_content()
    )


# --- as a file ---


def test_the_output_names_nothing_outside_itself():
    html = step(neuron()).html()
    assert not re.search(r"(src|href)=\"(?!data:image/svg\+xml;base64,)", html)
    for text in (html, unpacked(html)):
        names = text.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1998/Math/MathML", "")
        assert "http://" not in names
        assert "https://" not in names


def test_the_page_of_a_neuron_weighs_less_than_60_kb(page_path):
    assert len(Path(page_path).read_bytes()) < 60_000


def test_stepping_changes_no_gradient():
    o = neuron()
    step(o)
    animate(o)
    assert not o.has_grad


def test_every_step_is_readable_as_text_without_a_script():
    html = step(neuron()).html()
    text = html.split("<ol", 1)[1].split("</ol>")[0]
    assert text.count("<li>") == 11  # of the forward pass the operations alone
    assert "x1.grad += ∂v1/∂x1 · v1.grad = w1 · v1.grad = (−3) × 0.5 = −1.5   (0 → −1.5)" in text


def test_a_stepper_of_100_values_weighs_less_than_190_kb():
    assert len(step(of_100_values(), check=False).html().encode()) < 190_000


def test_a_stepper_is_the_same_every_time():
    assert step(neuron()).html() == step(neuron()).html()


def test_breakpoints_are_labels_and_conditions():
    o = neuron()
    assert step(o, forward=False).start == 0
    by_label = step(o, "x1", forward=False)
    assert "x1" in [part.name for part in by_label.events[by_label.start].contributions]
    by_condition = step(o, [lambda event: event.phase == "backward" and event.grad == 1.0])
    assert by_condition.events[by_condition.start].name == "o"
    assert step(o, lambda event: abs(event.grad) > 1e3).start == 0


def test_a_label_that_no_step_changes_is_refused():
    with pytest.raises(ValueError, match="'w9', which no step changes"):
        step(neuron(), "w9")
    with pytest.raises(TypeError, match="label or a condition"):
        step(neuron(), [3])


def test_a_graph_too_large_to_step_through_is_refused_with_the_remedy():
    y = Value(1.0)
    for _ in range(1000):
        y = y + 1.0
    with pytest.raises(ValueError, match=r"1001 values.*trace"):
        step(y)
    with pytest.raises(ValueError, match=r"1001 values.*step\(y\)"):
        animate(y)


def test_leaves_that_the_checker_confirms_carry_a_mark(monkeypatch):
    asked = []

    def check_grad(f, df, *, at, **_):
        asked.append(at)
        close = abs((f(at + 1e-6) - f(at - 1e-6)) / 2e-6 - df(at)) < 1e-4
        return types.SimpleNamespace(verdict="correct" if close and at != 2.0 else "unresolved")

    monkeypatch.setitem(sys.modules, "autograd_mini.testing", types.SimpleNamespace(check_grad=check_grad))
    html = step(neuron(), check=True).html()
    assert sorted(asked) == [-3.0, 0.0, 1.0, 2.0, 6.8813735870195432]
    assert "A green tick: confirmed by the derivative checker." in html
    stepper = step(neuron(), check=True)
    assert stepper.still().count('class="m"') == 4
    assert "green tick" not in step(neuron(), check=False).html()


def test_an_animation_is_well_formed_small_and_has_no_script(tmp_path):
    path = animate(neuron()).save(tmp_path / "a.svg")
    text = Path(path).read_text(encoding="utf-8")
    names = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}  # noqa: S314 - our own
    assert names <= {"svg", "style", "defs", "marker", "g", "rect", "text", "path", "title"}
    assert len(text) < 20_000
    assert "prefers-reduced-motion" in text


@pytest.mark.parametrize("call", [lambda p: step(neuron()).save(p), lambda p: animate(neuron()).save(p)])
def test_another_ending_is_refused(call, tmp_path):
    with pytest.raises(ValueError, match=r"expected one that ends in \.(html|svg)"):
        call(tmp_path / "file.txt")


# --- in a browser ---


def test_keys_step_and_the_numbers_follow(browser, page_path):
    with opened(browser, page_path) as page:
        assert status(page).startswith("Step 1 of 11 – forward")
        page.locator(".stage").focus()
        page.keyboard.press("End")
        assert status(page).startswith("Step 11 of 11 – backward")
        assert lines(page, "symbols")[0] == "∂o∂x1=∂o∂v1·∂v1∂x1=∂o∂v1·w1"
        assert lines(page, "numbers") == ["0.5×(−3)=−1.5", "0.5×2=1"]
        assert lines(page, "words")[0] == "Raising x1 by 0.01 lowers o by about 0.015."
        assert [grad(page, name) for name in ("x1", "w1", "x2", "w2", "b")] == ["−1.5", "+1", "+0.5", "0", "+0.5"]
        page.keyboard.press("ArrowLeft")
        assert grad(page, "x1") == "–"
        page.keyboard.press("Home")
        assert grad(page, "o") == "–"
        assert lines(page, "symbols") == ["v1=x1·w1"]
        assert lines(page, "numbers") == ["v1=2·(−3)=−6"]
        assert lines(page, "words") == ["x1 times w1 is −6."]
        page.keyboard.press("ArrowRight")
        assert status(page).startswith("Step 2 of")


def test_buttons_the_slider_and_clicks_step_too(browser, page_path):
    with opened(browser, page_path) as page:
        page.get_by_role("button", name="Next", exact=True).click()
        assert status(page).startswith("Step 2")
        page.get_by_role("button", name="Backward pass").click()
        assert "backward: start" in status(page)
        page.get_by_role("slider").fill("10")
        assert status(page).startswith("Step 11")
        assert page.get_by_role("button", name="Last").is_disabled()
        page.locator("#n9 .t").click()
        assert "backward" in status(page)


def test_a_tick_is_shown_when_the_gradient_it_confirms_is_complete(browser, tmp_path):
    a = Value(3.0, label="a")
    path = step(a * a * a, check=True, forward=False).save(tmp_path / "step.html")
    with opened(browser, path) as page:
        page.locator(".stage").focus()
        page.keyboard.press("Home")
        seen = []
        for _ in range(3):
            seen.append((grad(page, "a"), page.locator(".m").first.is_visible()))
            page.keyboard.press("ArrowRight")
        assert seen == [("–", False), ("+9", False), ("+27", True)]


def test_playing_goes_on_and_stops_at_the_end(browser, page_path):
    with opened(browser, page_path) as page:
        page.clock.install()
        page.locator(".stage").focus()
        page.keyboard.press(" ")
        assert page.get_by_role("button", name="Pause").is_visible()
        page.clock.run_for(2200)
        assert status(page).startswith("Step 3")
        page.clock.run_for(60_000)
        assert status(page).startswith("Step 11")
        assert page.get_by_role("button", name="Play").is_visible()


def test_keys_do_not_reach_the_notebook_but_tab_and_escape_do(browser, page_path):
    with opened(browser, page_path) as page:
        page.evaluate("window.heard = []; document.addEventListener('keydown', e => window.heard.push(e.key))")
        page.locator(".stage").focus()
        for key in ("b", "ArrowRight", "Escape", "Tab", "Control+s"):
            page.keyboard.press(key)
        assert page.evaluate("window.heard") == ["Escape", "Tab", "Control", "s"]


def test_without_a_script_the_picture_and_the_steps_are_there(browser, page_path):
    with opened(browser, page_path, java_script_enabled=False) as page:
        image = page.get_by_role("img")
        assert "Computation graph of o = 0.7071" in image.get_attribute("alt")
        assert image.bounding_box()["height"] > 200
        page.locator("summary").click()
        assert page.get_by_text("(−3) × 0.5 = −1.5").is_visible()


def test_the_stepper_says_what_it_is_to_a_screen_reader(browser, page_path):
    with opened(browser, page_path) as page:
        assert page.get_by_role("group", name=re.compile("Backward pass, step by step")).count() == 1
        assert "Step 1 of 11" in page.locator("[aria-live=polite]").text_content()
        assert page.get_by_role("slider", name="Step").get_attribute("aria-valuetext").startswith("Step 1 of 11")
        assert page.get_by_role("group", name=re.compile("Computation graph")).count() == 1


def test_every_text_has_contrast_on_white_and_on_dark(browser, tmp_path):
    o = neuron()
    path = step(o, forward=False).save(tmp_path / "step.html")
    for scheme in ("light", "dark"):
        with opened(browser, path, color_scheme=scheme) as page:
            page.locator(".stage").focus()
            for key in ("Home", "End"):
                page.keyboard.press(key)
                page.wait_for_timeout(400)
                found = page.evaluate(CONTRASTS)
                assert len(found) > 20
                assert min(ratio for _, ratio in found) >= 4.5, sorted(found, key=lambda pair: pair[1])[:3]


def test_a_stepper_moves_nothing_for_those_who_want_less_motion(browser, page_path):
    wanted = {"no-preference": "fill, stroke, width, stroke-width", "reduce": "none"}
    for motion, moved in wanted.items():
        with opened(browser, page_path, reduced_motion=motion) as page:
            assert page.locator("#n1 .f").evaluate("e => getComputedStyle(e).transitionProperty") == moved


def test_where_and_nan_are_stepped_through_without_complaint(browser, tmp_path):
    x = Value(-1.0, label="x")
    y = ag.where(Value(1.0, label="cond"), x.log() * 2, x * x)
    path = step(y).save(tmp_path / "step.html")
    with opened(browser, path) as page:
        page.locator(".stage").focus()
        page.keyboard.press("End")
        assert grad(page, "x") == "nan !"


CONTRASTS = """() => {
  const place = document.querySelector("[data-place]").shadowRoot;
  const channel = c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = rgb => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
  const parse = text => text.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const paper = dark ? [18, 18, 18] : [255, 255, 255];
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const found = [];
  for (const text of place.querySelectorAll("svg text")) {
    if (getComputedStyle(text).visibility === "hidden") continue;
    const ground = text.classList.contains("s") ? text.parentNode.querySelector(".o")
      : text.closest(".label, .chip, .slot") ? text.closest(".label, .chip, .slot").querySelector("rect")
      : text.closest("g[id]").querySelector(".f");
    if (!ground) continue;
    found.push([text.textContent, ratio(parse(getComputedStyle(text).fill), parse(getComputedStyle(ground).fill))]);
  }
  for (const item of place.querySelectorAll("button:enabled, .status, .line"))
    found.push([item.textContent, ratio(parse(getComputedStyle(item).color), paper)]);
  return found;
}"""
