"""A page: HTML of its own around a picture, for light and dark, that needs nothing else."""

from __future__ import annotations

from autograd_mini.viz.text import xml

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark }}
  body {{ margin: 1.5rem; font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif }}
  figure {{ margin: 0; overflow-x: auto }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """Return a page.

    Args:
        title: its title, plain text.
        body: what stands in it, HTML.

    """
    return _PAGE.format(title=xml(title), body=body)
