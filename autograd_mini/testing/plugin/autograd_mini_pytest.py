"""The pytest plugin: options for derivative checks, a summary of what was checked, and which mistakes would be missed.

It is a module of its own, so that starting pytest does not import the package.
"""

from __future__ import annotations

import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from collections.abc import Generator

_SETTINGS = "autograd_mini.testing.report"
"""Module of the settings and the log of derivative checks."""
_MUTATION = pytest.StashKey[Any]()


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
    group.addoption(
        "--grad-mutants",
        action="store_true",
        help="run every test again with each local derivative of its computations made wrong, and list what no test "
        "noticed",
    )
    group.addoption(
        "--grad-mutants-of",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="the same for what a derivative written by hand returns, in NumPy, PyTorch, JAX or plain Python",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hand the options to the checker as soon as a test module has imported it."""
    module: Any = sys.modules.get(_SETTINGS)
    if module is not None:
        option = item.config.option
        module.settings.seed = option.grad_seed
        module.settings.budget = option.grad_budget
        module.settings.strict = option.grad_strict
        module.settings.test = item.nodeid


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Run a test again, with fresh fixtures and unseen by the reports, with every mutant that it meets."""
    result = yield
    option = item.config.option
    if not option.grad_mutants_of and not (option.grad_mutants and "autograd_mini.engine.value" in sys.modules):
        return result
    module: Any = sys.modules.get(_SETTINGS)
    known = len(module.settings.log) if module else 0

    def again() -> None:
        if isinstance(item, pytest.Function):
            item._initrequest()
        if not all(report.passed for report in runtestprotocol(item, log=False, nextitem=nextitem)):
            raise AssertionError

    _mutation(item.config).examine(again, item.nodeid)
    if module:
        del module.settings.log[known:]
    return result


def _mutation(config: pytest.Config) -> Any:
    from autograd_mini.testing.mutation import Mutation
    from autograd_mini.testing.wrong_results import function_of

    if _MUTATION not in config.stash:
        functions = []
        for name in config.option.grad_mutants_of:
            try:
                functions.append(resolve_name(name))
                function_of(functions[-1])
            except (ImportError, AttributeError, TypeError, ValueError) as error:
                expected = "expected MODULE:FUNCTION, a function in Python"
                raise pytest.UsageError(f"--grad-mutants-of is {name!r}, {expected}: {error}") from None
        config.stash[_MUTATION] = Mutation(of=functions)
    return config.stash[_MUTATION]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Report on derivatives and on mutants."""
    _summarise_checks(terminalreporter, config)
    if config.option.grad_mutants or config.option.grad_mutants_of:
        found = list(_mutation(config).found.values()) if _MUTATION in config.stash else []
        living = [mutant for mutant in found if mutant.lives]
        terminalreporter.section("mutants", sep="=")
        for mutant in living:
            terminalreporter.write_line(str(mutant))
        terminalreporter.write_line(f"{len(living)} of {len(found)} mutants live")


def _summarise_checks(terminalreporter: Any, config: pytest.Config) -> None:
    """List the derivatives that were not proved right if tests failed by them; with -v all, the coarsest first."""
    module: Any = sys.modules.get(_SETTINGS)
    failed = {report.nodeid for kind in ("failed", "error") for report in terminalreporter.getreports(kind)}
    verbose = config.option.verbose > 0
    if module is None or not any(verbose or entry.test in failed for entry in module.settings.log):
        return
    log = sorted(module.settings.log, key=lambda entry: (entry.verdict == "correct", -entry.resolution))
    correct = [entry for entry in log if entry.verdict == "correct"]
    terminalreporter.section("derivatives", sep="=")
    for entry in log:
        if verbose or entry.verdict == "unresolved" or (entry.verdict == "wrong" and entry.test in failed):
            terminalreporter.write_line(str(entry))
    coarsest = f", the coarsest to {correct[0].resolution:.0e}" if correct else ""
    terminalreporter.write_line(f"{len(correct)} of {len(log)} proved correct{coarsest}; seed {module.settings.seed}")
