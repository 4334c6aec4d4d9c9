"""The command line of a benchmark: `--help` says what it measures, and a package that it lacks is named in one line."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib.util import find_spec


def parser(doc: str, *packages: str) -> ArgumentParser:
    """Return a parser whose help is the docstring of a benchmark and the packages that it needs."""
    needs = f"It needs {', '.join(packages)}." if packages else "It needs no other package."
    return ArgumentParser(description=doc, epilog=needs, formatter_class=RawDescriptionHelpFormatter)


def begin(doc: str, *packages: str) -> None:
    """Read the command line of a benchmark without options, before it imports the packages that it needs."""
    parser(doc, *packages).parse_args()
    check(doc, *packages)


def check(doc: str, *packages: str) -> None:
    """End a benchmark whose packages are not installed, with its help if that is asked for, else with one line."""
    lacking = [package for package in packages if find_spec(package) is None]
    if lacking:
        command = parser(doc, *packages)
        command.parse_known_args()
        command.error(f"needs {', '.join(lacking)}: pip install {' '.join(lacking)}")
