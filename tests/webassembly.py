"""The tests of the core in WebAssembly: Pyodide's Python under Node, with nothing installed but what is pure Python.

    python tests/webassembly.py                                      # the Pyodide of the playground
    python tests/webassembly.py --pyodide 0.27.8 tests/engine/test_backward.py   # Python 3.12; some tests alone

npm brings Pyodide, pip the wheels of pytest and of what the tests need. Files of tests that import NumPy are left out,
and tests that ask for threads, processes or an event loop are skipped, since there are none.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from autograd_mini.site import playground

ROOT = Path(__file__).parents[1]
FOLDERS = ("tests/engine", "tests/transforms", "tests/notation", "tests/optim")
PURE = ("pytest>=8.2,<9", "hypothesis>=6.100,<6.140", "mpmath", "micrograd==0.1.0", "graphviz")
"""What pip brings; later versions of Hypothesis are no pure Python."""

PASSED_OVER = ("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""Warnings that are no errors there: of the older Hypothesis, and of coroutines that no loop has run."""

PROGRAM = """\
import { loadPyodide } from %(module)s;
const python = await loadPyodide({ indexURL: %(index)s, env: { HOME: "/tmp", PYTHONDONTWRITEBYTECODE: "1" } });
for (const [at, folder] of Object.entries(%(folders)s)) {
    python.FS.mkdirTree(at);
    python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, at);
}
python.globals.set("words", python.toPy(%(words)s));
process.exitCode = python.runPython(%(code)s);
"""

CODE = """\
import os, sys

sys.path[:0] = ["/repository", "/wheels"]
os.chdir("/repository")

import pytest

ABSENT = ("can't start new thread", "does not support processes", "Function not implemented", "stack switching")


class SkipWhatIsAbsent:
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        try:
            return (yield)
        except (RuntimeError, OSError, AttributeError) as error:
            if any(text in str(error) for text in ABSENT):
                pytest.skip(f"not in WebAssembly: {error}")
            raise


print(sys.version)
int(pytest.main(list(words), plugins=[SkipWhatIsAbsent()]))
"""


class Unavailable(Exception):  # noqa: N818 - it is no error of what is tested
    """What says that Node or npm is not there, or that npm's registry cannot be reached."""


def pyodide(scratch, version=""):
    """Let npm install Pyodide, that of the playground if no version is asked for, and return its folder."""
    try:
        if not version:
            return playground._installed(scratch) / "pyodide"
        words = [
            *playground._program("npm"),
            "install",
            "--ignore-scripts",
            "--prefix",
            str(scratch),
            f"pyodide@{version}",
        ]
    except (FileNotFoundError, RuntimeError) as error:
        raise Unavailable(str(error)) from error
    done = subprocess.run(words, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(done.stderr.strip())
    return scratch / "node_modules" / "pyodide"


def run(tests, version=""):
    """Run tests in WebAssembly and return what pytest's main returns, and what was printed.

    Args:
        tests: paths of files, from the root of the repository; none for the core's.
        version: of Pyodide; that of the playground if it is not given.

    """
    chosen = tests or [
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in sorted((ROOT / folder).glob("test_*.py"))
        if not re.search(r"(?m)^(import|from) numpy", path.read_text(encoding="utf-8"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        program = playground._program("node")
        index = pyodide(scratch, version)
        about = json.loads((index / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]
        wheels = scratch / "wheels"
        pure = ["--implementation", "py", "--abi", "none", "--platform", "any", "--only-binary", ":all:"]
        python = ".".join(about["python"].split(".")[:2])
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(wheels), "--python-version", python]
        done = subprocess.run([*words, *pure, *PURE], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(done.stderr.strip())
        settings = {
            "module": (index / "pyodide.mjs").as_uri(),
            "index": f"{index}/",
            "folders": {"/repository": str(ROOT), "/wheels": str(wheels)},
            "words": ["-q", "-p", "no:cacheprovider", *(f"-W{warning}" for warning in PASSED_OVER), *chosen],
            "code": CODE,
        }
        script = scratch / "run.mjs"
        script.write_text(PROGRAM % {name: json.dumps(value) for name, value in settings.items()}, encoding="utf-8")
        done = subprocess.run(
            [*program, "--stack-size=4000", str(script)], capture_output=True, encoding="utf-8", check=False
        )
    return done.returncode, done.stdout + done.stderr


def main():
    """Read the command line, run, and end with pytest's status."""
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("tests", nargs="*", help="files of tests; the core's if none is given")
    command.add_argument("--pyodide", default="", help="a version on npm; the playground's if it is not given")
    arguments = command.parse_args()
    try:
        status, printed = run(arguments.tests, arguments.pyodide)
    except Unavailable as error:
        command.error(str(error))
    print(printed)  # noqa: T201 - what pytest says
    sys.exit(status)


if __name__ == "__main__":
    main()
