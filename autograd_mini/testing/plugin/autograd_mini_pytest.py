"""The pytest plugin: options for derivative checks, and a summary of what was checked at what resolution.

It is a module of its own, so that starting pytest does not import the package.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_SETTINGS = "autograd_mini.testing.settings"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; there is none for a tolerance, because there is no tolerance."""
    group = parser.getgroup("autograd_mini", "testing derivatives")
    group.addoption("--grad-seed", type=int, default=0, metavar="N", help="seed of derivative checks (default: 0)")
    group.addoption(
        "--grad-budget",
        choices=("quick", "normal", "thorough"),
        default="normal",
        help="calls that a derivative check may make (default: normal)",
    )
    group.addoption("--grad-strict", action="store_true", help="fail also where a derivative could not be decided")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hand the options to the checker as soon as a test module has imported it."""
    module: Any = sys.modules.get(_SETTINGS)
    if module is not None:
        option = item.config.option
        module.settings.seed = option.grad_seed
        module.settings.budget = option.grad_budget
        module.settings.strict = option.grad_strict
        module.settings.test = item.nodeid


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List the derivatives that were checked, the coarsest first; only what was not proved right unless -v."""
    module: Any = sys.modules.get(_SETTINGS)
    if module is None or not module.settings.log:
        return
    log = sorted(module.settings.log, key=lambda entry: (entry.verdict == "correct", -entry.resolution))
    correct = [entry for entry in log if entry.verdict == "correct"]
    terminalreporter.section("derivatives", sep="=")
    for entry in log:
        if entry.verdict != "correct" or config.option.verbose > 0:
            terminalreporter.write_line(str(entry))
    coarsest = f", the coarsest to {correct[0].resolution:.0e}" if correct else ""
    terminalreporter.write_line(f"{len(correct)} of {len(log)} proved correct{coarsest}; seed {module.settings.seed}")
