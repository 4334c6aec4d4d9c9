"""The course is a folder of notebooks that ships with the package; the command copies it, and opens JupyterLab."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from autograd_mini.cli.tables import UserError
from autograd_mini.extras import pip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

PACKAGE = Path(__file__).resolve().parent.parent
"""The folder of the package: the notebooks are in it where it was installed, beside it in a checkout."""

NOTEBOOKS = "[0-9]*_*.ipynb"


def course(arguments: Namespace) -> int:
    """Copy the notebooks to a folder, where the reader may change them, and open JupyterLab there."""
    out = Path(arguments.out)
    shipped = _shipped()
    fresh, kept = _copied(shipped, out)
    notebooks = sorted([path.name for path in shipped.glob(NOTEBOOKS)], key=lambda name: int(name.partition("_")[0]))
    print(f"{out}: {len(notebooks)} notebooks; README.md is the table of contents")
    if kept:
        print(f"Kept, as you have changed them (delete them for fresh ones): {', '.join(kept)}")
    if find_spec("jupyterlab") is None:
        print(f"They open in JupyterLab: {pip('jupyterlab')}, then run this command again")
        return 0
    _sign([path for path in fresh if path.suffix == ".ipynb"])
    if not (arguments.open and _in_a_terminal()):
        print(f"To open them: jupyter lab {out}")
        return 0
    print("JupyterLab opens in the browser; Ctrl-C ends it", flush=True)
    return _until_it_ends([sys.executable, "-m", "jupyterlab", notebooks[0]], out)


def _shipped() -> Path:
    """Return the folder of the course, in the package or beside it; a UserError if it is in neither place."""
    places = (PACKAGE / "notebooks", PACKAGE.parent / "notebooks")
    for place in places:
        if any(place.glob(NOTEBOOKS)):
            return place
    raise UserError(f"the notebooks of the course are missing: looked in {' and '.join(map(str, places))}")


def _copied(course: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Copy the course, but for files that are there; return the new ones, and the names of those that differ."""
    fresh, kept = [], []
    for source in sorted(course.rglob("*")):
        name = source.relative_to(course)
        if source.is_dir() or any(part.startswith(".") for part in name.parts):
            continue  # what JupyterLab leaves behind in a checkout begins with a dot
        try:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise UserError(f"cannot write to {(out / name).parent}: it is a file, not a folder") from None
        content = source.read_bytes()
        try:
            with (out / name).open("xb") as file:  # never over a file that is there
                file.write(content)
            fresh.append(out / name)
        except FileExistsError:
            if (out / name).is_dir() or (out / name).read_bytes() != content:
                kept.append(name.as_posix())
    return fresh, kept


def _sign(notebooks: Sequence[Path]) -> None:
    """Write into Jupyter's list of trusted notebooks that these come from here, or JupyterLab hides their drawings."""
    nbformat, sign = import_module("nbformat"), import_module("nbformat.sign")
    notary = sign.NotebookNotary()
    with closing(notary.store):
        for notebook in notebooks:
            notary.sign(nbformat.read(notebook, as_version=nbformat.NO_CONVERT))


def _in_a_terminal() -> bool:
    """Return whether the output is a terminal; a program that started this one would wait for JupyterLab for ever."""
    return sys.stdout.isatty()


def _until_it_ends(command: Sequence[str], folder: Path) -> int:
    """Run a command in a folder and return its exit status; Ctrl-C is for the command, which may ask whether to end."""
    with subprocess.Popen(command, cwd=folder) as process:  # noqa: S603 - this interpreter, with words of this module
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue
