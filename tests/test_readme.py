"""The README: what it shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def test_the_code_of_the_readme_gives_the_output_it_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 15
    assert result.failed == 0


def test_every_file_that_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_module_has_a_place_on_the_map():
    text = README.read_text(encoding="utf-8")
    private = {"__init__.py", "__main__.py", "methods.pyi", "py.typed"}
    names = {path.name for path in (ROOT / "autograd_mini").iterdir() if not path.name.startswith("_")} - private
    assert {name for name in names if f"`{name}`" not in text and f"`{name}/`" not in text} == set()
