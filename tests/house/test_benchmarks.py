"""The benchmarks: what they import is there. Their figures are for their readers, not for the tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"
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


COMMANDS = [
    path
    for path in sorted([*BENCH.glob("*.py"), *(BENCH.parent / "fuzz").glob("*.py")])
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_benchmark_says_what_it_measures_and_needs(path):
    words = [sys.executable, str(path), "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    opening = path.read_text(encoding="utf-8").split('"""')[1].splitlines()[0]
    assert opening in done.stdout
    assert "It needs " in done.stdout


def test_a_benchmark_without_its_packages_names_them_in_one_line(tmp_path):
    program = f"import sys; sys.path[:0] = [{str(BENCH)!r}]; from command import begin; begin('doc', 'no_such_package')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("error: needs no_such_package: pip install no_such_package\n")


def test_what_the_benchmark_of_anomalies_cuts_out_is_there(tmp_path):
    copied = [
        sys.executable,
        "-c",
        "import anomaly, sys; anomaly.copied(__import__('pathlib').Path(sys.argv[1]), anomaly.CUTS)",
    ]
    done = subprocess.run([*copied, str(tmp_path)], capture_output=True, text=True, check=False, cwd=BENCH)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_figures_of_a_benchmark_are_kept_with_its_command_and_where_it_ran():
    pytest.importorskip("pygraphviz")
    command = "python tests/bench/layout.py --sizes 10 --shapes chain sum"
    program = f"import all, json, sys; print(json.dumps(all.run({command!r})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=BENCH)
    found = json.loads(done.stderr)
    assert found["command"] == command
    assert [figure["taken"].keys() for figure in found["figures"]] == [{"chain"}, {"sum"}]
    assert {figure["unit"] for figure in found["figures"]} == {"s"}
    assert "chain" in found["output"]
    assert found["versions"]["pygraphviz"]
    assert "cores" in found["on"]
