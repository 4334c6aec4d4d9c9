"""The check compares a derivative in the user's code with the function it belongs to, and says where it is wrong."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path

from autograd_mini.cli.tables import UserError, suggestion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from typing import Any

STATUS = {"correct": 0, "wrong": 1, "unresolved": 3}


def check(arguments: Namespace) -> int:
    """Check a derivative, print the report, and return the exit status of its verdict."""
    from autograd_mini.testing import check_grad
    from autograd_mini.testing.signatures import takes

    f = named(arguments.function)
    df = named(arguments.derivative) if arguments.derivative else None
    at, domain = given(arguments.at, "--at", _number), given(arguments.domain, "--domain", _interval)
    if isinstance(at, list) and takes(f, len(at)) and not _takes_a_list(f, at):
        at = tuple(at)
    for name, function in ((arguments.function, f), (arguments.derivative, df)):
        if function is not None:
            _fits(name, function, "--at", at)
            _fits(name, function, "--domain", domain)
    try:
        report = check_grad(f, df, at=at, domain=domain, to=arguments.to, seed=arguments.seed, budget=arguments.budget)
    except (TypeError, ValueError) as error:  # of the arguments: what f and df raise is in the report
        raise UserError(str(error)) from None
    print(report)
    return STATUS[report.verdict]


def _fits(name: str, function: Callable[..., Any], option: str, given: Any) -> None:
    """Raise a UserError if a function does not take as many numbers as an option gives."""
    from inspect import signature

    from autograd_mini.testing.signatures import parameters, takes

    if not given:
        return
    try:
        form = signature(function)
    except (TypeError, ValueError):  # a builtin that does not say what it takes
        return
    words = [p.name for p in parameters(function)]
    kind = "interval" if option == "--domain" else "number"
    count = f"{option} gives {len(given)} {kind}{'s' * (len(given) > 1)}"
    if isinstance(given, dict):
        lacking = [p.name for p in parameters(function) if p.default is p.empty and p.name not in given]
        if lacking and {*given} <= {*words}:
            raise UserError(f"{option} gives nothing for {', '.join(lacking)}, which {name} takes")
        return
    if takes(function, len(given)) and not (option == "--at" and isinstance(given, list)):
        try:
            form.bind(*given)
        except TypeError:
            words += [p.name for p in form.parameters.values() if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
            raise UserError(f"{count}, but {name} takes {len(words)}: {', '.join(words)}") from None
    elif option == "--at":
        try:
            function([*given])
        except TypeError as error:
            if "list" in str(error):
                raise UserError(f"{count}, but {name} takes one, and no list of them: {error}") from None
        except (IndexError, ValueError) as error:
            if "list index out of range" in str(error) or "values to unpack" in str(error):
                raise UserError(f"{count}, and {name} takes another number of them: {error}") from None
        except Exception:  # noqa: BLE001, S110 - what else the function raises is for the report
            pass


def _takes_a_list(function: Callable[..., Any], given: list[float]) -> bool:
    """Return whether a function fails on one number for want of a list."""
    if len(given) != 1:
        return False
    try:
        function(given[0])
    except TypeError as error:
        return any(words in str(error) for words in ("subscriptable", "iterable", "has no len()"))
    except Exception:  # noqa: BLE001 - what else it raises is for the report
        return False
    return False


def named(text: str) -> Callable[..., Any]:
    """Return the function that MODULE:FUNCTION names; modules of the current folder can be imported."""
    module, colon, name = text.rpartition(":")
    if not (module and colon and name):
        raise UserError(f"cannot find {text!r}: expected MODULE:FUNCTION, such as math:sin")
    if module.endswith(".py") or "/" in module:
        raise UserError(f"cannot import {module!r}: write the name of the module, such as {Path(module).stem}:{name}")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        home = import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever the user's module raises when it is imported
        raise UserError(f"cannot import {module!r}: {type(error).__name__}: {error}") from None
    try:
        found = attrgetter(name)(home)
    except AttributeError:
        public = [known for known in vars(home) if not known.startswith("_")]
        raise UserError(f"{module} has no {name!r}: {suggestion(name, public)}") from None
    if not callable(found):
        raise UserError(f"{text} is {found!r}, expected a function")
    return found  # type: ignore[no-any-return]  # as the line before found out


def given(words: list[str] | None, option: str, read: Callable[[str, str], Any]) -> Any:
    """Return what an option says: a dict if every word is NAME=..., a list if none is, None without words."""
    if not words:
        return None
    pairs = [word.partition("=") for word in words]
    if all(equals for _, equals, _ in pairs):
        return {name: read(text, option) for name, _, text in pairs}
    if any(equals for _, equals, _ in pairs):
        raise UserError(f"argument {option}: it is {' '.join(words)}, expected NAME=... for every input, or for none")
    return [read(word, option) for word in words]


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"argument {option}: it is {text!r}, expected a number, or NAME=NUMBER") from None


def _interval(text: str, option: str) -> Any:
    from autograd_mini.testing import logspan

    log = text.startswith("log:")
    parts = text.removeprefix("log:").split(":")
    if len(parts) != 2:
        raise UserError(f"argument {option}: it is {text!r}, expected LOW:HIGH or log:LOW:HIGH, behind NAME= or not")
    low, high = (_number(part, option) for part in parts)
    try:
        return logspan(low, high) if log else (low, high)
    except ValueError as error:
        raise UserError(f"argument {option}: {error}") from None
