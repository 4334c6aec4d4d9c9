"""The README: what it shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def test_the_code_of_the_readme_gives_the_output_it_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 15
    assert result.failed == 0


def test_the_two_commands_at_its_top_are_those_that_the_checks_of_a_clean_checkout_run():
    section = README.read_text(encoding="utf-8").split("## Try it")[1].split("\n## ")[0]
    commands = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    assert len(commands) == 2
    checks = ROOT / ".ci" / "run"
    if not checks.exists():
        pytest.skip("the checks come with a checkout, not with a source distribution")
    run = [line.strip() for line in checks.read_text(encoding="utf-8").splitlines()]
    for command in commands:
        install, then = command.split(" && ")
        assert f"step 'README: {command}'" in run
        assert install.replace("pip install", "pip install --quiet") in run
        assert any(then in {line, line.split(" --")[0]} for line in run)


def test_every_file_that_the_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_module_has_a_place_on_the_map():
    text = README.read_text(encoding="utf-8")
    private = {"__init__.py", "__main__.py", "methods.pyi", "py.typed"}
    names = {path.name for path in (ROOT / "autograd_mini").iterdir() if not path.name.startswith("_")} - private
    assert {name for name in names if f"`{name}`" not in text and f"`{name}/`" not in text} == set()
