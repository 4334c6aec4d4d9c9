"""The playground as its reader uses it: in a real browser, from files of this machine alone."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser import chromium

from autograd_mini.site import build

PATIENCE = 90_000
"""Milliseconds that Python may take to start on a busy machine."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site, hand it out on this machine, and return its address."""
    folder = tmp_path_factory.mktemp("site")
    try:
        build(folder, only="playground")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    except RuntimeError as error:
        if re.search("ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH", str(error)):
            pytest.skip("npm's registry cannot be reached")
        raise
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/playground.html"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@contextmanager
def opened(browser, address, **settings):
    """Give a page, and fail if it logs an error or asks anybody else for anything."""
    context = browser.new_context(**settings)
    page = context.new_page()
    complaints = []
    origin = re.match(r"http://[^/]+/", address)[0]
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on(
        "request",
        lambda seen: (
            None if seen.url.startswith((origin, f"blob:{origin}", "data:", "about:")) else complaints.append(seen.url)
        ),
    )
    page.goto(address)
    page.wait_for_selector(".cm-editor")
    yield page
    assert complaints == []
    context.close()


@pytest.fixture(scope="module")
def page(browser, site):
    with opened(browser, site) as page:
        wait(page, "is ready")
        yield page


def wait(page, text):
    from playwright.sync_api import expect

    expect(page.locator("#state")).to_contain_text(re.compile(text), timeout=PATIENCE)


def write(page, code):
    """Write code as a reader does who replaces what is there."""
    page.click(".cm-content")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)


def run(page, code):
    write(page, code)
    page.keyboard.press("Control+Enter")
    wait(page, "Done|ended with an error")
    return page.locator("#shown").inner_text()


def test_the_page_shows_something_before_python_is_there(browser, site):
    with opened(browser, site) as page:
        page.wait_for_load_state()
        assert page.locator("#first img").bounding_box()["height"] > 100
        assert "ag.step(y)" in page.locator(".cm-content").inner_text()


def test_a_neuron_is_stepped_through(page):
    page.select_option("#examples", "0")
    wait(page, "Done")
    frame = page.frame_locator("#shown iframe")
    frame.get_by_role("button", name="Next").click()
    frame.get_by_text("Step 2 of").first.wait_for()
    assert frame.locator("svg.view").bounding_box()["height"] > 300


def test_what_is_printed_and_the_last_value_are_shown(page):
    shown = run(page, "from autograd_mini import Value\na = Value(3.0)\ny = a + a\ny.backward()\nprint(a.grad)\ny")
    assert shown.splitlines()[0] == "2.0"
    assert "Value(data=6.0, grad=1.0)" in shown


def test_an_error_names_the_line_and_the_page_lives_on(page):
    assert "ZeroDivisionError: division by zero" in run(page, "x = 1\nx / 0")
    assert 'File "<cell>", line 2' in page.locator("#shown").inner_text()
    assert run(page, "6 * 7") == "42"


def test_a_loop_without_an_end_is_stopped(page):
    write(page, "print('begun')\nwhile True:\n    pass")
    page.click("#run")
    page.wait_for_selector("text=begun")
    page.click("#stop")
    wait(page, "is ready")
    assert run(page, "6 * 7") == "42"


def test_a_graph_deeper_than_the_stack_of_the_browser_is_let_go(page):
    code = "from autograd_mini import Value\nx = y = Value(1.0)\nfor _ in range(50_000): y = y + x\ny.backward()\n"
    assert run(page, code + "grad = x.grad\ndel y\ngrad") == "50001.0"


def test_a_label_that_is_a_script_does_nothing(page):
    label = (
        "<img src=x onerror=\\\"document.body.innerHTML='broken'\\\"><script>document.body.innerHTML='broken'</script>"
    )
    run(page, f'import autograd_mini as ag\ny = ag.Value(1.0, label="{label}") * 2\ny.backward()\nag.step(y)')
    assert page.frame_locator("#shown iframe").locator("body").inner_text() != "broken"


def test_what_is_shown_cannot_reach_the_page(page):
    script = "try { parent.document.title = 'broken' } catch { document.body.innerHTML = 'kept out' }"
    run(page, f'from IPython.display import HTML\nHTML("<body><script>{script}</script>")')
    page.frame_locator("#shown iframe").locator("text=kept out").wait_for()
    assert page.title() != "broken"


def test_a_link_carries_the_code_with_every_letter(browser, page):
    code = "# ∂y/∂x — größer als 雪 & < > \" ' \\ \n6 * 7"
    write(page, code)
    page.click("#link")
    wait(page, "link")
    with opened(browser, page.url) as other:
        assert other.locator(".cm-content").inner_text().replace("\xa0", " ").splitlines()[-1] == "6 * 7"
        assert "∂y/∂x — größer als 雪" in other.locator(".cm-content").inner_text()


def test_a_damaged_link_says_so_and_shows_an_example(browser, site):
    with opened(browser, f"{site}#code=AAAA") as page:
        assert "link is damaged" in page.locator("#state").inner_text()
        assert "ag.step(y)" in page.locator(".cm-content").inner_text()


FOCUSED = """() => {
  let at = document.activeElement;
  while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const shown = at.matches(".cm-content") ? at.closest(".cm-editor") : at;
  const style = getComputedStyle(shown);
  return {
    name: at.id || at.ariaLabel || at.textContent,
    tag: at.tagName,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
  };
}"""


def leave_editor(page, key):
    """Leave it by Esc and Tab, again where more than the two seconds passed between them in which it listens."""
    for _ in range(5):
        page.keyboard.press("Escape")
        page.keyboard.press(key)
        if page.evaluate(FOCUSED)["name"] != "Python code":
            return
    raise AssertionError(f"{key} does not leave the editor")


def test_the_keyboard_alone_is_enough(browser, site):
    with opened(browser, site) as page:
        wait(page, "is ready")
        press = page.keyboard.press

        def focused(frame=page):
            found = frame.evaluate(FOCUSED)
            assert found["outlined"], found
            return found["name"]

        def tab_to(name, key="Tab"):
            for _ in range(5):
                press(key)
                if focused() == name:
                    return
            raise AssertionError(f"{key} does not lead to {name}, but to {focused()}")

        tab_to("examples")
        press("ArrowDown")
        wait(page, "Done")
        assert "a.grad is 2.0" in page.locator("#shown").inner_text()
        tab_to("link")
        press("Enter")
        wait(page, "link")
        assert "#code=" in page.url

        tab_to("Python code")
        described = page.locator(".cm-content").get_attribute("aria-describedby")
        assert "Esc, then Tab, leaves the editor" in page.locator(f"#{described}").inner_text()
        press("Control+a")
        page.keyboard.insert_text("import autograd_mini as ag\na = ag.Value(3.0, label='a')\ny = a * a\ny.backward()\n")
        press("Tab")
        assert focused() == "Python code"
        press("Control+z")
        page.keyboard.type("ag.step(y)")
        press("Control+Enter")
        wait(page, "Done")

        page.wait_for_selector("#shown iframe")
        frame = page.locator("#shown iframe").element_handle().content_frame()
        frame.get_by_role("button", name="Next").wait_for()
        leave_editor(page, "Tab")
        for _ in range(12):
            press("Tab")
            if frame.evaluate("document.hasFocus()") and focused(frame) == "Next":
                break
        press("Enter")
        frame.get_by_text("Step 2 of").first.wait_for()
        press("Space")
        frame.get_by_text("Step 3 of").first.wait_for()


def test_code_is_broken_and_stopped_with_the_keyboard_alone(browser, site):
    with opened(browser, site) as page:
        wait(page, "is ready")
        press = page.keyboard.press
        page.locator(".cm-content").focus()
        press("Control+End")
        page.keyboard.type("\n1 / 0")
        press("Control+Enter")
        wait(page, "ended with an error")
        assert "ZeroDivisionError" in page.locator("#shown").inner_text()

        press("Control+a")
        page.keyboard.insert_text("print('begun')\nwhile True: pass")
        press("Control+Enter")
        page.wait_for_selector("text=begun")
        leave_editor(page, "Shift+Tab")
        press("Shift+Tab")
        assert page.evaluate(FOCUSED) == {"name": "stop", "tag": "BUTTON", "outlined": True}
        press("Enter")
        wait(page, "is ready")
        assert page.evaluate(FOCUSED)["name"] == "stop"


def test_another_example_chosen_while_one_runs_is_run_after_it(page):
    write(page, "import time\nprint('begun')\ntime.sleep(1)")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=begun")
    page.select_option("#examples", label="a + a: gradients add up")
    page.wait_for_selector("text=a.grad is 2.0")
    wait(page, "Done")


def test_code_reaches_nobody_but_the_page(browser, site):
    asked = []

    class Elsewhere(_Quiet):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    try:
        page.goto(site)
        wait(page, "is ready")
        there = f"http://127.0.0.1:{server.server_port}/"
        write(page, f"from js import XMLHttpRequest as R\nr = R.new()\nr.open('GET', '{there}', False)\nr.send()")
        page.keyboard.press("Control+Enter")
        wait(page, "ended with an error")
        script = f"try {{ fetch('{there}') }} catch {{}} new Image().src = '{there}'"
        run(page, f'from IPython.display import HTML\nHTML("<p>shown<script>{script}</script>")')
        page.frame_locator("#shown iframe").get_by_text("shown").wait_for()
        page.wait_for_timeout(300)
    finally:
        page.close()
        server.shutdown()
        server.server_close()
    assert asked == []


def test_a_formula_is_typeset(page):
    run(page, 'import autograd_mini as ag\nag.latex(ag.Value(2.0, label="x") ** 2 / 3)')
    page.wait_for_selector("#shown math mfrac msup")


def test_python_finds_bytecode_and_the_package_its_source_too(page):
    code = "import inspect, json, os\nimport autograd_mini as ag\n"
    shown = run(page, code + "json.__file__[-4:], os.path.isfile(ag.__cached__), inspect.getsource(ag.step)[:8]")
    assert shown == "('.pyc', True, 'def step')"


def test_a_question_finds_nobody_who_types(page):
    assert "EOFError" in run(page, "input('name? ')")


def test_a_phone_brings_the_result_into_view_with_the_buttons_above_it(browser, site):
    with opened(browser, site, viewport={"width": 420, "height": 860}) as page:
        wait(page, "is ready")
        page.click("#run")
        wait(page, "Done")
        buttons, result = page.locator("#stop").bounding_box(), page.locator("#shown iframe").bounding_box()
        assert 0 <= buttons["y"] < buttons["y"] + buttons["height"] <= result["y"] < 200
        assert page.evaluate("document.documentElement.scrollWidth") == 420


def test_a_phone_shows_code_and_result_without_scrolling_sideways(browser, site):
    with opened(browser, site, viewport={"width": 420, "height": 860}) as page:
        for name in ("header", "#code", "#shown", "#run", "#stop", "#link", "#examples"):
            box = page.locator(name).bounding_box()
            assert 0 <= box["x"] < box["x"] + box["width"] <= 420
