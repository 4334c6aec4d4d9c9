"""The benchmarks: what they import is there. Their figures are for their readers, not for the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "bench"
IMPORTING = """
import importlib, sys
sys.path[:0] = sys.argv[1:]
for name in {names}:
    importlib.import_module(name)
"""


def test_every_benchmark_finds_what_it_imports():
    pytest.importorskip("numpy")
    names = sorted(path.stem for path in BENCH.glob("*.py"))
    assert "compiler" in names
    words = [sys.executable, "-c", IMPORTING.format(names=names), str(BENCH), str(BENCH.parent)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=BENCH.parent.parent)
    assert (done.returncode, done.stderr) == (0, "")
