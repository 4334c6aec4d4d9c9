"""What the README's two commands weigh: a fresh environment for each, its megabytes by package, and the seconds.

    python tests/bench/weight.py                # the first command: install, run the demo
    python tests/bench/weight.py --tests        # the second: install, without running the tests
    python tests/bench/weight.py --extras draw  # any other set of extras

Seconds are of the wall, the network's included: pip's cache is not used.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent.parent
MEGABYTE = 1e6


def bytes_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.lstat().st_size for each in path.rglob("*") if each.is_file() and not each.is_symlink())


def packages(site: Path) -> dict[str, int]:
    """Return the bytes of each package, the libraries that it brings beside it and its metadata included."""
    sizes: dict[str, int] = {}
    for path in site.iterdir():
        name = path.name.split("-")[0].removesuffix(".libs").removesuffix(".py").lower()
        sizes[name] = sizes.get(name, 0) + bytes_of(path)
    return sizes


def environment(folder: Path, extras: str, *, editable: bool) -> tuple[Path, float]:
    """Make an environment, install the package with extras, and return its folder of programs and the seconds."""
    start = perf_counter()
    venv.create(folder, with_pip=True)
    programs = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder), "platbase": str(folder)}))
    python = programs / Path(sys.executable).name
    wanted = ["-e", f"{ROOT}[{extras}]"] if editable else [f"{ROOT}[{extras}]"]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
    subprocess.run([*pip, *wanted], check=True, env={**os.environ, "PYTHONPATH": ""})  # noqa: S603 - pip
    return programs, perf_counter() - start


def main() -> None:
    """Read the command line, install, and print what it weighs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--extras", default="demo", help="the extras to install, with commas; demo by default")
    which.add_argument("--tests", action="store_true", help="what the README's second command installs")
    parser.add_argument("--most", type=int, default=12, help="how many packages to list")
    arguments = parser.parse_args()
    extras = "all,test" if arguments.tests else arguments.extras
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "env"
        programs, seconds = environment(place, extras, editable=arguments.tests)
        print(f"[{extras}]: {bytes_of(place) / MEGABYTE:.0f} MB, installed in {seconds:.0f} s")
        if extras == "demo":
            start = perf_counter()
            demo = [programs / "autograd-mini", "demo", "--out", Path(folder) / "demo"]
            subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
            print(f"autograd-mini demo: {perf_counter() - start:.1f} s")
        (site,) = place.glob("[Ll]ib/**/site-packages")
        sizes = sorted(packages(site).items(), key=lambda item: -item[1])
        for name, size in sizes[: arguments.most]:
            print(f"{size / MEGABYTE:7.1f} MB  {name}")
        rest = sum(size for _, size in sizes[arguments.most :])
        print(f"{rest / MEGABYTE:7.1f} MB  {max(0, len(sizes) - arguments.most)} others")


if __name__ == "__main__":
    main()
