"""What the README's two commands weigh: a fresh environment for each, its megabytes by package, and the seconds.

    python tests/bench/weight.py                # the first command: install, run the demo
    python tests/bench/weight.py --tests        # the second: install, without running the tests
    python tests/bench/weight.py --extras draw  # any other set of extras

pip's cache is not used, so the seconds are also those of the network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from importlib.metadata import distributions
from pathlib import Path
from time import perf_counter

from command import parser

ROOT = Path(__file__).resolve().parent.parent.parent
MEGABYTE = 1e6


def bytes_in(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def packages(site: Path) -> dict[str, int]:
    """Return the bytes of each package that is installed there: of every file that it recorded."""
    sizes = {}
    for found in distributions(path=[str(site)]):
        files = [Path(str(file.locate())) for file in found.files or ()]
        sizes[found.name] = sum(file.stat().st_size for file in files if file.is_file())
    return sizes


def environment(folder: Path, extras: str, *, editable: bool) -> Path:
    """Make an environment, install the package with extras, and return its folder of programs."""
    venv.create(folder, with_pip=True)
    programs = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder), "platbase": str(folder)}))
    python = programs / Path(sys.executable).name
    wanted = ["-e", f"{ROOT}[{extras}]"] if editable else [f"{ROOT}[{extras}]"]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
    subprocess.run([*pip, *wanted], check=True, env={**os.environ, "PYTHONPATH": ""})
    return programs


def since(wall: float, processor: float) -> str:
    """Say how long something took."""
    return f"{perf_counter() - wall:.0f} s, {processor_seconds() - processor:.0f} s of the processor"


def processor_seconds() -> float:
    """Return the time of the processor that this process and its children took."""
    return sum(os.times()[:4])


def main() -> None:
    """Read the command line, install, and print what it weighs."""
    command = parser(__doc__)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--extras", default="demo", help="the extras to install, with commas; demo by default")
    which.add_argument("--tests", action="store_true", help="what the README's second command installs")
    command.add_argument("--most", type=int, default=12, help="how many packages to list")
    arguments = command.parse_args()
    extras = "all,test" if arguments.tests else arguments.extras
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "env"
        start = perf_counter(), processor_seconds()
        programs = environment(place, extras, editable=arguments.tests)
        print(f"[{extras}]: {bytes_in(place) / MEGABYTE:.0f} MB, installed in {since(*start)}")
        if extras == "demo":
            start = perf_counter(), processor_seconds()
            demo = [programs / "autograd-mini", "demo", "--out", Path(folder) / "demo"]
            subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
            print(f"autograd-mini demo: {since(*start)}")
        (site,) = place.glob("[Ll]ib/**/site-packages")
        sizes = sorted(packages(site).items(), key=lambda item: -item[1])
        for name, size in sizes[: arguments.most]:
            print(f"{size / MEGABYTE:7.1f} MB  {name}")
        rest = sum(size for _, size in sizes[arguments.most :])
        print(f"{rest / MEGABYTE:7.1f} MB  {max(0, len(sizes) - arguments.most)} others")


if __name__ == "__main__":
    main()
