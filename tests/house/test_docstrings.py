"""Every public docstring has one form: a sentence, the parameters, what comes back, and an example that runs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest

import autograd_mini
from autograd_mini.engine.operators import NUMPY_NAMES
from autograd_mini.engine.ops import TABLE


def units():
    """Yield the modules whose `__all__` is public: the package, and the rooms and folders that have one."""
    yield autograd_mini
    for found in pkgutil.walk_packages(autograd_mini.__path__, "autograd_mini."):
        if found.ispkg and ".plugin" not in found.name:
            module = importlib.import_module(found.name)
            if hasattr(module, "__all__"):
                yield module


def own(thing):
    """Return the function behind a method of any kind, or a property, if the package wrote it; else None."""
    plain = getattr(thing, "__func__", thing)
    return plain if inspect.isfunction(plain) or isinstance(plain, property) else None


def public():
    """Yield the path of every public function, class, method and property, with the object and the class it is of.

    What the table of operations makes has docstrings made from the table.
    """
    seen = set()
    for module in units():
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) in seen or name in TABLE or not getattr(thing, "__module__", "").startswith("autograd_mini"):
                continue
            seen.add(id(thing))
            path = f"{module.__name__}.{name}".removeprefix("autograd_mini.")
            if inspect.isclass(thing):
                yield path, thing, None
                for attribute, member in vars(thing).items():
                    if not attribute.startswith("_") and attribute not in {*TABLE, *NUMPY_NAMES} and own(member):
                        yield f"{path}.{attribute}", own(member), thing
            elif callable(thing):
                yield path, thing, None


PUBLIC = {path: (thing, owner) for path, thing, owner in public()}


def parameters(thing):
    """Return the parameters of a function, or of the constructor that the package wrote for a class."""
    if inspect.isclass(thing):
        thing = own(thing.__init__)
    if thing is None or isinstance(thing, property) or inspect.isbuiltin(thing):
        return []
    return [name for name in inspect.signature(thing).parameters if name not in {"self", "cls"} and name[0] != "_"]


def described(text, *headings):
    """Return the names that stand before a colon in the sections of these headings."""
    sections = re.findall(rf"^(?:{'|'.join(headings)}):\n((?:^(?:    .*)?\n)+)", text + "\n", re.MULTILINE)
    return {name for section in sections for name in re.findall(r"^    (\w+):", section, re.MULTILINE)}


def one_line(thing, owner):
    """Return whether one line says all there is of a method: it overrides another, or has one parameter at most."""
    inherited = any(hasattr(base, thing.__name__) for base in owner.__mro__[1:]) if owner else False
    return inherited or (owner is not None and "\n" not in thing.__doc__ and len(parameters(thing)) <= 1)


@pytest.mark.parametrize("path", PUBLIC)
def test_a_docstring_begins_with_one_sentence_on_a_line_of_its_own(path):
    first, *rest = inspect.getdoc(PUBLIC[path][0]).splitlines()
    assert re.match(r"[^a-z].*[.:]$", first), first
    assert not rest or not rest[0], "the second line is not empty"


@pytest.mark.parametrize("path", [path for path, (thing, _) in PUBLIC.items() if parameters(thing)])
def test_every_parameter_is_described(path):
    thing, owner = PUBLIC[path]
    if inspect.isclass(thing):
        found = described(inspect.getdoc(thing), "Args", "Attributes")
        if issubclass(thing, BaseException):  # which the package makes
            return
    elif one_line(thing, owner):
        return
    else:
        found = described(inspect.getdoc(thing), "Args")
    assert [name for name in parameters(thing) if name not in found] == []


@pytest.mark.parametrize("path", [path for path, (thing, _) in PUBLIC.items() if inspect.isfunction(thing)])
def test_what_a_function_returns_is_said(path):
    thing, owner = PUBLIC[path]
    text = inspect.getdoc(thing)
    says = re.search(r"\b(return|yield)s? ", text.splitlines()[0], re.IGNORECASE) or "\nReturns:\n" in text
    nothing = inspect.signature(thing).return_annotation in {"None", "Never", "NoReturn"}
    assert says or nothing or one_line(thing, owner)


def examples(thing):
    members = vars(thing).values() if inspect.isclass(thing) else ()
    return any(">>>" in (inspect.getdoc(each) or "") for each in (thing, *filter(None, map(own, members))))


@pytest.mark.parametrize("path", [path for path, (_, owner) in PUBLIC.items() if owner is None])
def test_every_function_and_class_is_shown_at_work(path):
    thing, _ = PUBLIC[path]
    assert examples(thing) or (inspect.isclass(thing) and issubclass(thing, BaseException))
