"""The page of a descent: its steps, the function it computes, and starts that are clicked, in a real browser."""

from __future__ import annotations

import copy
import pickle
import re
import sys

import pytest

from autograd_mini import Value
from autograd_mini.viz import descend
from autograd_mini.viz.text import figure

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened


def valley(x, y):
    return (1 - x) ** 2 + 5 * (y - x * x) ** 2


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def paths(page):
    return page.locator(".paths li").all_inner_texts()


def test_a_notebook_gets_the_page_and_a_prompt_the_sentence():
    found = descend(valley, (-1.5, 1.5), 0.015, 100)
    assert found._repr_html_() == found.page().html()
    assert repr(found).startswith("Descent with lr=0.015: steps after 100 steps")
    assert found.page().lines[0] == "step 0: (−1.5, 1.5), value 9.062"
    assert len(found.page().html().encode()) < 60_000


def test_a_descent_in_three_dimensions_has_no_page():
    found = descend(lambda x: x[0] ** 2 + x[1] ** 2 + x[2] ** 2, (1.0, 1.0, 1.0))
    assert found._repr_html_() is None
    with pytest.raises(ValueError, match="has 3 coordinates, expected one or two"):
        found.page()


def test_a_descent_is_copied_and_pickled_without_its_function():
    found = descend(lambda x: x * x, 1.0)
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):  # noqa: S301 - our own
        assert (other.points, other.stopped, other.lr) == (found.points, found.stopped, found.lr)
        assert other._repr_html_() is None
    with pytest.raises(ValueError, match="no function"):
        other.page()


def test_the_steps_are_those_of_python(browser, tmp_path):
    found = descend(valley, (-1.5, 1.5), 0.015, 40)
    with opened(browser, found.save(tmp_path / "descent.html")) as page:
        last = ", ".join(map(figure, found.points[-1]))
        assert paths(page) == [f"step 40: ({last}), value {figure(found.values[-1])} – not there yet"]
        page.locator(".frame").focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        point = ", ".join(map(figure, found.points[1]))
        assert paths(page) == [f"step 1: ({point}), value {figure(found.values[1])}"]


def test_a_start_that_is_clicked_descends_as_python_does(browser, tmp_path):
    found = descend(valley, (-1.5, 1.5), 0.015, 60)
    with opened(browser, found.save(tmp_path / "descent.html")) as page:
        box = page.locator("canvas").nth(1).bounding_box()
        page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
        page.keyboard.press("Home")
        start = [float(x.replace("−", "-")) for x in re.search(r"\((.*?)\)", paths(page)[1])[1].split(", ")]
        page.keyboard.press("End")
        same = descend(valley, start, 0.015, 60)
        point = [float(x.replace("−", "-")) for x in re.search(r"\((.*?)\)", paths(page)[1])[1].split(", ")]
        assert point == pytest.approx(same.points[-1], rel=2e-3)  # the start was read in four digits
        page.locator("input[aria-label='Learning rate']").evaluate(
            "(e) => { e.value = Math.log10(0.3); e.dispatchEvent(new Event('input')); }"
        )
        assert all(text.endswith("diverged") for text in paths(page))
        page.locator("button", has_text="Clear").click()
        assert len(paths(page)) == 1


def test_a_surface_turns_when_it_is_dragged_and_by_a_button(browser, tmp_path):
    path = descend(valley, (-1.5, 1.5), 0.015, 20).save(tmp_path / "descent.html")
    with opened(browser, path) as page:
        surface = page.locator("canvas").first
        seen = [surface.evaluate("(c) => c.toDataURL()")]
        box = surface.bounding_box()
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 280, box["y"] + 220, steps=3)
        page.mouse.up()
        seen.append(surface.evaluate("(c) => c.toDataURL()"))
        page.locator("button", has_text="Turn left").click()
        seen.append(surface.evaluate("(c) => c.toDataURL()"))
        assert len(set(seen)) == 3


def test_a_function_that_branches_is_shown_from_its_heights(browser, tmp_path):
    def branching(x, y):
        return abs(x) + y * y if x.data > 0 else x * x + y * y

    path = descend(branching, (1.0, 1.0), 0.1, 10).save(tmp_path / "descent.html")
    with opened(browser, path) as page:
        assert "cannot compute this function" in page.locator(".read").inner_text()
        page.locator("canvas").nth(1).click()
        assert len(paths(page)) == 1


@pytest.mark.parametrize(
    "function",
    [lambda x: (x * x - 2) ** 2 + x, lambda x: x.log(), lambda _: 3.0, lambda _: Value(2.0), lambda x: 1e200 * x**3],
    ids=["two valleys", "a logarithm", "no Value", "a constant", "divergence"],
)
def test_one_dimension_and_odd_functions_are_shown(browser, tmp_path, function):
    path = descend(function, 0.7, 0.05, 30).save(tmp_path / "descent.html")
    with opened(browser, path, viewport={"width": 420, "height": 800}) as page:
        assert page.locator("canvas").count() == 1
        page.locator("canvas").click()
        page.locator("button", has_text="First").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 420


@pytest.mark.parametrize(("function", "start"), [(lambda x: x**4 - 3 * x**2 + x, 2.4), (lambda x: 1e6 * x.exp(), 3.0)])
def test_the_path_on_a_steep_curve_is_tall_enough_to_be_seen(browser, tmp_path, function, start):
    path = descend(function, start, 1e-3 if start < 3 else 1e-9, 200).save(tmp_path / "descent.html")
    with opened(browser, path) as page:
        rows = page.locator("canvas").evaluate(
            """(canvas) => {
                const { width, height } = canvas, { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
                const orange = [...data.keys()].filter((at) => !(at % 4) && data[at] === 216 && data[at + 2] === 27);
                const rows = orange.map((at) => Math.floor(at / 4 / width) / height);
                return [rows[0], rows.at(-1)];
            }"""
        )
        assert rows[1] - rows[0] > 0.45
