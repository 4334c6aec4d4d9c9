"""A build of the site: a folder of static files that any web server can hand out, nothing computed there."""

from __future__ import annotations

import shutil
from pathlib import Path

from autograd_mini.site import pages, playground
from autograd_mini.site.pages import ASSETS


def build(folder: str | Path, *, only: str = "") -> Path:
    """Build the site in a folder and return the path of its front page.

    Args:
        folder: where to; made if it is not there. Files of the site that stand there are replaced, others stay.
        only: "playground" for that page alone, "pages" for all others; both if not given.

    Raises:
        ValueError: if `only` is another word.
        FileNotFoundError: if there is no `npm` or `node`; the message says how to get one.
        ImportError: if a package that writes the pages is missing; the message names the extra.
        RuntimeError: if what the playground is made of cannot be installed or compiled; the message says why.

    >>> build("site", only="playgrounds")
    Traceback (most recent call last):
    ValueError: only is 'playgrounds', expected 'playground' or 'pages'; leave it out for both

    """
    if only not in {"", "playground", "pages"}:
        raise ValueError(f"only is {only!r}, expected 'playground' or 'pages'; leave it out for both")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if only != "pages":
        playground.build(folder, home="" if only else "index.html")
    if only != "playground":
        shutil.copyfile(ASSETS / "site.css", folder / "site.css")
        pages.build(folder)
    return folder / ("playground.html" if only == "playground" else "index.html")
