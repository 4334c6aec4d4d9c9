"""Settings of all tests: Hypothesis draws the same examples in every run, and takes the time it needs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("suite")

EXTRAS = {"viz/plot/": "matplotlib", "notation/sympy_expressions.py": "sympy"}
"""Packages that the doctests of modules need, by a part of their path."""


def pytest_collection_modifyitems(items):
    """Skip the doctests of modules whose extra is not installed."""
    missing = {part: package for part, package in EXTRAS.items() if find_spec(package) is None}
    for item in items:
        for part, package in missing.items():
            if isinstance(item, pytest.DoctestItem) and part in Path(item.path).as_posix():
                item.add_marker(pytest.mark.skip(reason=f"{package} is not installed"))
