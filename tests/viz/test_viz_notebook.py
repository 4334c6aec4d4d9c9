"""The stepper and the explorer in a live JupyterLab and in an exported notebook, in Chromium."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

for needed in ("graphviz", "jupyterlab", "ipykernel"):
    pytest.importorskip(needed)

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium, opened  # noqa: E402 - the folder of the tests is on the path now

from autograd_mini import Value  # noqa: E402 - as above
from autograd_mini.viz import animate, draw, step  # noqa: E402 - as above

ROOT = Path(__file__).resolve().parents[2]
CARD = "svg.ag-still rect"
DARK_CARD, LIGHT_CARD = "rgb(38, 45, 51)", "rgb(244, 244, 244)"

CELL = """\
from autograd_mini import MLP, Value, datasets
from autograd_mini.viz import descend, draw, explore, step, watch
from IPython.display import display
x, w = Value(2.0, label="x"), Value(-3.0, label="w")
y = (x * w + 6.5).tanh()
y.label = "y"
display(step(y))
display(draw(y))
display(explore(y))
model = MLP(2, [3, 1], activation="tanh", seed=1)
display(step(model, x=[0.5, -1.0], target=1.0))
display(descend(lambda x, y: x * x + 3 * y * y, (1.0, 1.0), 0.1))
display(watch(model, *datasets.moons(30, seed=0), loss="binary_cross_entropy", epochs=3, progress=False))
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(tmp_path):
    cell = {"cell_type": "code", "id": "one", "metadata": {}, "outputs": [], "execution_count": None, "source": CELL}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    work = tmp_path / "work"
    work.mkdir()
    overrides = tmp_path / "JUPYTER_CONFIG_DIR" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps({"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}}))
    (work / "n.ipynb").write_text(json.dumps(notebook))
    port = free_port()
    places = {
        name: str(tmp_path / name) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    places |= {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--IdentityProvider.token=", "--LabApp.news_url=None"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=work, env={**os.environ, **places}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"{address}/api", timeout=2):  # noqa: S310 - our own server
                    break
            except OSError:
                time.sleep(0.25)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def test_the_stepper_the_picture_and_the_explorer_work_in_a_live_notebook(lab, tmp_path):
    with chromium() as browser:
        from playwright.sync_api import TimeoutError as NotThere

        page = browser.new_page(viewport={"width": 1300, "height": 1500}, color_scheme="light")
        page.goto(f"{lab}/lab/tree/n.ipynb")
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
        stepper = page.locator(".stage").first
        dialog = page.locator(".jp-Dialog")
        for _ in range(8):  # a key pressed before the kernel is attached is lost, or asks for the kernel
            page.locator(".jp-Cell .cm-content").first.click()
            page.keyboard.press("Control+Enter")
            with suppress(NotThere):
                dialog.or_(stepper).first.wait_for(timeout=10_000)
            if stepper.count():
                break
            if dialog.count():
                dialog.get_by_role("button", name="Select").click()
        page.get_by_role("slider", name="x", exact=True).wait_for(timeout=60_000)
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
        cells = page.locator(".jp-Notebook .jp-Cell").count()
        stepper.focus()
        for key in ("End", "b", "ArrowLeft"):
            page.keyboard.press(key)
        status = page.locator(".status").first
        assert status.inner_text().startswith("Step 6 of 7")
        assert page.locator(".jp-Notebook .jp-Cell").count() == cells
        assert fill_of_a_card(page) == DARK_CARD
        slider = page.get_by_role("slider", name="x", exact=True)
        slider.fill("1")
        page.get_by_text("The gradient predicts").wait_for(timeout=20_000)
        assert page.locator(".stage").nth(1).locator("text.v", has_text="0.9982").count() == 1
        for part in (".network .matrix", ".descent canvas", ".player canvas"):
            page.locator(part).first.wait_for(timeout=20_000)
        page.locator(".network").focus()
        page.keyboard.press("End")
        assert page.locator(".network .status").inner_text().startswith("Step 5 of 5")
        assert page.locator(".jp-Notebook .jp-Cell").count() == cells
        page.screenshot(path=tmp_path / "dark.png")
        page.emulate_media(color_scheme="dark")
        for entry in ("Settings", "Theme", "JupyterLab Light"):
            page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel").get_by_text(entry, exact=True).click()
        page.locator("body[data-jp-theme-light=true]").wait_for(state="attached")
        page.wait_for_function("() => !document.querySelector('[data-place]').shadowRoot.querySelector('.stage.dark')")
        assert fill_of_a_card(page) == LIGHT_CARD
        page.screenshot(path=tmp_path / "light.png")


def fill_of_a_card(page, card=CARD):
    return page.locator(card).first.evaluate("card => getComputedStyle(card).fill")


@pytest.mark.parametrize("make", [draw, animate])
@pytest.mark.parametrize(("system", "letters", "fill"), [("light", "#ddd", DARK_CARD), ("dark", "#222", LIGHT_CARD)])
def test_a_picture_has_the_colours_of_the_page_around_it_not_of_the_system(make, system, letters, fill, tmp_path):
    card = CARD if make is draw else "svg rect.f"
    made = make(Value(2.0, label="x") * 3.0)
    shown = made._repr_html_() if make is animate else made._repr_mimebundle_()["text/html"]
    path = tmp_path / "cell.html"
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body style="color: {letters}">{shown}</body>', "utf-8")
    with chromium() as browser, opened(browser, path, color_scheme=system) as page:
        page.locator(card).first.wait_for()
        assert fill_of_a_card(page, card) == fill
        handle = page.locator(card).first.element_handle()
        page.evaluate("letters => { document.body.style.color = letters; }", "#222" if letters == "#ddd" else "#ddd")
        page.wait_for_function("([card, before]) => getComputedStyle(card).fill !== before", arg=[handle, fill])


def test_a_picture_is_an_image_where_no_script_runs(tmp_path):
    bundle = draw(Value(2.0, label="x") * 3.0)._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    path = tmp_path / "cell.html"
    path.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{bundle["text/html"]}</body>', "utf-8")
    with chromium() as browser, opened(browser, path, java_script_enabled=False) as page:
        assert page.locator("img").bounding_box()["width"] > 200


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_stepper_and_the_picture_work_in_an_exported_notebook_offline(theme, tmp_path):
    nbformat, nbconvert = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert")
    v4 = nbformat.v4
    y = (Value(2.0, label="x") * 3.0).tanh()
    stepper = step(y)
    shown = [{"text/html": stepper._repr_html_(), "text/plain": repr(stepper)}, draw(y)._repr_mimebundle_()]
    outputs = [v4.new_output("display_data", data) for data in shown]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("display(step(y), draw(y))", outputs=outputs)])
    html, _ = nbconvert.HTMLExporter(theme=theme).from_notebook_node(notebook)
    path = tmp_path / "exported.html"
    path.write_text(html, encoding="utf-8")
    with chromium() as browser:
        system = {"light": "dark", "dark": "light"}[theme]
        page = browser.new_context(offline=True, color_scheme=system).new_page()
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        page.locator(".stage").focus()
        page.keyboard.press("End")
        assert page.locator(".status").inner_text().startswith("Step 5 of 5")
        colour = page.locator(".status").evaluate("e => getComputedStyle(e).color")
        assert (sum(map(int, re.findall("[0-9]+", colour)[:3])) > 380) == (theme == "dark")
        assert fill_of_a_card(page) == (DARK_CARD if theme == "dark" else LIGHT_CARD)
        page.screenshot(path=tmp_path / "exported.png")
