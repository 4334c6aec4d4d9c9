"""The page of benchmarks: the figures that `tests/bench/all.py` measured, drawn beside their commands."""

from __future__ import annotations

import html
import json
import re
from itertools import groupby
from math import ceil, floor, log10
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESULTS = Path(__file__).parent / "assets" / "benchmarks.json"
"""The file with the figures: for each benchmark its command, day, processor, versions, figures and output."""

_OPENING = """\
<h1>Benchmarks</h1>
<p>What the benchmarks of the repository measured when they were last run, each with the command that does it again:
<code>python tests/bench/all.py</code> runs all of them and writes the file that this page is made from. Within a table
all was measured in one run, so that ratios say more than the numbers, which are of one processor. The dots stand on a
logarithmic scale: each line is ten times the one before it, and further left is faster.</p>
"""


def body() -> str:
    """Return the page's content as HTML."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    return _OPENING + "".join(_benchmark(name, found) for name, found in results.items())


def _benchmark(name: str, found: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in found["versions"].items())
    tables = [
        _table(*key, list(rows)) for key, rows in groupby(found["figures"], lambda row: (row["title"], row["unit"]))
    ]
    return (
        f'<section id="{name}"><h2>{html.escape(name.capitalize())}</h2><p>{_prose(found["about"])}</p>'
        f"<pre><code>{html.escape(found['command'])}</code></pre>"
        f"<p>Measured on {found['day']} on {html.escape(found['on'])}; {html.escape(versions)}.</p>{''.join(tables)}"
        f"<details><summary>All that it prints</summary><pre>{html.escape(found['output'])}</pre></details></section>\n"
    )


def _prose(text: str) -> str:
    """Return a text as HTML, what stands between backticks as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text))


def _table(title: str, unit: str, rows: list[dict[str, Any]]) -> str:
    """Return a table of figures, each with its dot on one scale."""
    numbers = [number for row in rows for number in row["taken"].values() if number > 0.0]
    first, last = floor(log10(min(numbers))), ceil(log10(max(numbers)))
    last = max(last, first + 1)

    def line(who: str, number: float) -> str:
        at = 0.0 if number <= 0.0 else 100.0 * (log10(number) - first) / (last - first)
        own = ' class="own"' if who.startswith("here") else ""
        dot = f'<div class="scale" style="--decades:{last - first}"><i style="left:{at:.1f}%"></i></div>'
        return f"<tr{own}><td>{html.escape(who)}</td><td>{_shown(number)}</td><td>{dot}</td></tr>"

    groups = ""
    for row, noted in groupby(rows, lambda row: row["row"]):
        lines = "".join(line(who, number) for part in noted for who, number in part["taken"].items())
        groups += f'<tbody><tr><th colspan="3" scope="rowgroup">{html.escape(row)}</th></tr>{lines}</tbody>'
    ends = f'<span class="ends"><span>{_shown(10.0**first)}</span><span>{_shown(10.0**last)}</span></span>'
    head = f'<thead><tr><th scope="col">who</th><th scope="col">{unit}</th><th scope="col">{ends}</th></tr></thead>'
    return f'<table class="figures"><caption>{html.escape(title)}</caption>{head}{groups}</table>'


def _shown(number: float) -> str:
    """Return a number with three digits at most before it is rounded to whole ones.

    >>> _shown(0.01234), _shown(5.5), _shown(123456.7)
    ('0.0123', '5.5', '123,457')

    """
    return f"{number:,.0f}" if number >= 100.0 else f"{number:.3g}"
