"""The benchmarks whose figures the site shows: run them one after the other, and write what they find into one file.

    python tests/bench/all.py                         # all of them, in half an hour or so
    python tests/bench/all.py --only engine compiler  # these alone; what the file says of others stays

The file holds for each benchmark its command, the day, the processor, the versions of what was installed, the figures
and the whole output. `autograd-mini site` draws it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from command import parser
from figures import FILE
from processor import described

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "autograd_mini" / "site" / "assets" / "benchmarks.json"
COMMANDS = {
    "engine": "python tests/bench/engine.py",
    "compiler": "OMP_NUM_THREADS=1 python tests/bench/compiler.py",
    "training": "OMP_NUM_THREADS=1 python tests/bench/training.py",
    "lookups": "OMP_NUM_THREADS=1 python tests/bench/lookups.py",
    "programs": "OMP_NUM_THREADS=1 python tests/bench/programs.py",
    "layout": "python tests/bench/layout.py --sizes 60 300 1000",
}
PACKAGES = ("autograd_mini", "numpy", "llvmlite", "micrograd", "jax", "torch", "casadi", "pygraphviz")


def run(command):
    """Run one benchmark and return what the file says of it; an error of it ends this one."""
    words = shlex.split(command)
    settings = dict(word.split("=") for word in words if "=" in word and not word.startswith("-"))
    words = [sys.executable, *words[words.index("python") + 1 :]]
    with tempfile.TemporaryDirectory() as folder:
        noted = Path(folder) / "figures"
        noted.touch()
        environment = {**os.environ, **settings, FILE: str(noted), "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, encoding="utf-8")
        figures = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
    print(done.stdout)
    script = next(word for word in words if word.endswith(".py"))
    return {
        "command": command,
        "about": (ROOT / script).read_text(encoding="utf-8").split('"""')[1].splitlines()[0],
        "day": time.strftime("%Y-%m-%d"),
        "on": described(compiled=True),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "figures": figures,
        "output": done.stdout,
    }


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def main():
    """Read the command line, run what is asked for, and write the file after each."""
    command = parser(__doc__, "numpy", "llvmlite", "micrograd")
    command.add_argument("--only", nargs="+", default=list(COMMANDS), choices=list(COMMANDS), help="these alone")
    command.add_argument("--out", type=Path, default=RESULTS, help="the file")
    arguments = command.parse_args()
    path = arguments.out
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name in arguments.only:
        found[name] = run(COMMANDS[name])
        ordered = {name: found[name] for name in COMMANDS if name in found}
        path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
