"""A release that a stranger could make: the version stands once, builds repeat, and the workflows are safe."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import autograd_mini as ag

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DISTRIBUTIONS = ("sdist", "wheel")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the two distributions, twice, and return the folders."""
    pytest.importorskip("hatchling")
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    for folder in folders:
        for target in DISTRIBUTIONS:
            command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
            environment = {**os.environ, "SOURCE_DATE_EPOCH": "1600000000"}
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return folders


@pytest.fixture(scope="module")
def tracked():
    """Return the files that git tracks."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


def test_the_version_stands_in_one_place():
    found = re.findall(r'(?m)^(?:__)?version(?:__)?\s*=\s*"(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert found == []
    assert (ROOT / "autograd_mini" / "__init__.py").read_text("utf-8").count(f'"{ag.__version__}"') == 1


def test_the_newest_change_of_the_readme_is_the_next_version_or_this_one():
    changes = (ROOT / "README.md").read_text("utf-8").split("\n## Changes\n")[1]
    assert re.match(rf"\s*\*\*(Next|{re.escape(ag.__version__)})\*\* ", changes)
    assert f"\n**{ag.__version__}** " in changes


def test_two_builds_give_the_same_bytes(built):
    first, second = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in built)
    assert len(first) == len(DISTRIBUTIONS)
    assert first == second


def test_the_source_distribution_holds_every_file_of_the_checkout(built, tracked):
    [path] = built[0].glob("*.tar.gz")
    with tarfile.open(path) as file:
        names = {member.name.split("/", 1)[1] for member in file.getmembers() if member.isfile()}
    assert names == tracked | {"PKG-INFO"}


def test_the_wheel_holds_the_package_its_plugins_and_the_course(built, tracked):
    [path] = built[0].glob("*.whl")
    with zipfile.ZipFile(path) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
    plugin = "autograd_mini/testing/plugin/"
    package = {name.removeprefix(plugin) for name in tracked if name.startswith("autograd_mini/")}
    course = {f"autograd_mini/{name}" for name in tracked if name.startswith("notebooks/")}
    assert names == package | course


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_each_action_and_asks_for_no_permission_at_the_top(path):
    text = path.read_text("utf-8")
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in uses)
    assert "\npermissions: {}\n" in text


def test_the_workflows_are_safe_in_the_eyes_of_their_linter():
    zizmor = shutil.which("zizmor", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if zizmor is None:
        pytest.skip("zizmor is not installed")
    command = [zizmor, "--offline", "--no-progress", "--persona=pedantic", str(ROOT / ".github")]
    seen = subprocess.run(command, check=False, capture_output=True, text=True)
    assert seen.returncode == 0, seen.stdout + seen.stderr


def test_every_python_that_the_package_names_is_in_the_matrix():
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    matrix = (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")
    assert "python: [" + ", ".join(f'"{version}"' for version in named) + "]" in matrix
