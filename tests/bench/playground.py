"""The seconds from opening the playground to its editor, to Python, and to the first picture.

    python tests/bench/playground.py --runs 3

The site is built anew and handed out by this machine; the browser is started for each run, its cache empty but the
files warm. The last rows are what single examples take once Python is there, by the page's own clock.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter

from command import parser
from processor import described

from autograd_mini.site import build
from autograd_mini.site.playground import examples

STATE = "#state"
PATIENCE = 120_000
"""Milliseconds that a run may take."""


class Quiet(SimpleHTTPRequestHandler):
    """A web server that writes no log."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def seconds(address: str) -> list[float]:
    """Open the page once and return its times: editor, Python, first picture, then each example."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as started:
        page = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"]).new_page()
        start = perf_counter()
        page.goto(address)
        page.wait_for_selector(".cm-editor")
        editor = perf_counter() - start
        page.click("#run")
        expect(page.locator(STATE)).to_contain_text(re.compile("Running|Done"), timeout=PATIENCE)
        python = perf_counter() - start
        page.wait_for_selector("#shown iframe", timeout=PATIENCE)
        found = [editor, python, perf_counter() - start]
        expect(page.locator(STATE)).to_contain_text("Done", timeout=PATIENCE)
        for index in range(len(examples())):
            page.select_option("#examples", index=index)
            page.wait_for_timeout(100)
            expect(page.locator(STATE)).to_contain_text("Done", timeout=PATIENCE)
            found.append(float(page.locator(STATE).inner_text().split()[2]))
        return found


def main() -> None:
    """Read the command line and print a table."""
    command = parser(__doc__, "playwright")
    command.add_argument("--runs", type=int, default=3, help="how often to open the page")
    arguments = command.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(folder, only="playground")
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{described()}; {size / 1e6:.1f} MB of files")
        names = ["editor", "Python", "picture", *(example["name"] for example in examples())]
        runs = [seconds(f"http://127.0.0.1:{server.server_port}/playground.html") for _ in range(arguments.runs)]
        for name, times in zip(names, zip(*runs, strict=True), strict=True):
            print(f"{name:36}", *(f"{time:6.2f}" for time in times))
        server.shutdown()


if __name__ == "__main__":
    main()
