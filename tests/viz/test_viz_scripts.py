"""The scripts of pages are held to rules as the Python is: they parse, are linted, and fit together in one function."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import autograd_mini
from autograd_mini.viz.stage import SCRIPTS

WEB = Path(autograd_mini.__file__).parent / "viz" / "web"
FILES = sorted(WEB.glob("*.js"))
DECLARED = re.compile(r"^(?:export )?(?:const|let|function|class) ([\w$]+)", re.MULTILINE)
IMPORTED = re.compile(r'^import \{ ?([^}]*?) ?\} from "\./([\w]+)\.js";$', re.MULTILINE)


def test_the_scripts_are_linted():
    deno = shutil.which("deno") or pytest.importorskip("deno").find_deno_bin()
    command = [deno, "lint", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_in_the_scripts_fit(tmp_path):
    deno = shutil.which("deno") or pytest.importorskip("deno").find_deno_bin()
    settings = {"checkJs": True, "lib": ["esnext", "dom", "dom.iterable"], "strict": False, "noImplicitAny": False}
    (tmp_path / "deno.json").write_text(json.dumps({"compilerOptions": settings}), encoding="utf-8")
    (tmp_path / "globals.d.ts").write_text("declare const rows: any;\ndeclare const formulas: any;\n", encoding="utf-8")
    files = [str(tmp_path / "globals.d.ts"), *map(str, FILES)]
    command = [deno, "check", "--quiet", "--config", str(tmp_path / "deno.json"), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_in_one_function_no_name_is_declared_twice():
    names = [
        name for script in SCRIPTS for name in DECLARED.findall((WEB / f"{script}.js").read_text(encoding="utf-8"))
    ]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_script_imports_is_exported_there(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("import {") == len(IMPORTED.findall(text)), "an import is one line"
    for names, module in IMPORTED.findall(text):
        other = (WEB / f"{module}.js").read_text(encoding="utf-8")
        for name in names.split(", "):
            assert re.search(rf"^export (?:const|function|class) {re.escape(name)}\b", other, re.MULTILINE), name


def test_a_script_stands_after_those_that_it_imports_from():
    for at, name in enumerate(SCRIPTS):
        text = (WEB / f"{name}.js").read_text(encoding="utf-8")
        assert {module for _, module in IMPORTED.findall(text)} <= set(SCRIPTS[:at]), name


def test_no_script_asks_for_anything_from_elsewhere_or_makes_code_of_texts():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|eval|innerHTML|outerHTML|insertAdjacentHTML)\b", text)
        assert not re.search(r"\bnew Function\b|https?://(?!www\.w3\.org/)", text)
