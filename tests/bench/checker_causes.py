"""Mistakes in gradients of arrays, by kind: what turns a right gradient into a wrong one, and what names it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

DATA = np.linspace(-1, 1.3, 15).reshape(5, 3)

FUNCTIONS: dict[str, tuple[Any, Any, Any]] = {
    "waves": (lambda x: float(np.sum(np.sin(x))), np.cos, np.array([0.3, 0.9, -0.4, 1.7, 1.1])),
    "cubes": (lambda x: float(np.sum(x**3)), lambda x: 3 * x**2, np.array([0.5, -1.2, 2.0, 0.8])),
    "grid": (
        lambda x: float(np.sum(np.exp(x / 2))),
        lambda x: np.exp(x / 2) / 2,
        np.linspace(0.1, 2.0, 9).reshape(3, 3) ** 2,
    ),
    "product": (
        lambda x: float(np.log(x).sum() ** 2), lambda x: 2 * np.log(x).sum() / x, np.array([1.3, 2.2, 0.7, 3.1])
    ),
    "regression": (
        lambda x: float(np.mean(np.log1p(np.exp(DATA @ x)))),
        lambda x: DATA.T @ (1 / (1 + np.exp(-DATA @ x))) / len(DATA),
        np.array([0.4, -0.7, 0.2]),
    ),
}  # fmt: skip
"""Functions of an array with their right gradients, and a point."""


def _random(_: Any, df: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return _, lambda x: df(x) * (1 + 0.1 * rng.normal())


def _state(f: Any, df: Any) -> tuple[Any, Any]:
    seen = []

    def recording(x: Any) -> float:
        seen[:] = [x]
        return f(x)

    return recording, lambda x: df(seen[0] if seen else x)


def _stale(_: Any, df: Any) -> tuple[Any, Any]:
    known: list[Any] = []

    def gradient(x: Any) -> Any:
        known[:] = known or [df(x)]
        return known[0]

    return _, gradient


def _behind(_: Any, df: Any) -> tuple[Any, Any]:
    last: list[Any] = []

    def gradient(x: Any) -> Any:
        last.append(x)
        return df(last[-2] if len(last) > 1 else x)

    return _, gradient


MISTAKES: dict[str, tuple[str, Any]] = {
    "random numbers": ("random", _random),
    "the last call of f": ("state", _state),
    "kept from the first call": ("stale", _stale),
    "one call behind": ("stale", _behind),
    "single precision": ("precision", lambda f, df: (f, lambda x: df(x.astype(np.float32)).astype(np.float32))),
    "transposed": ("transposed", lambda f, df: (f, lambda x: df(x).T)),
    "off by one": ("shift", lambda f, df: (f, lambda x: np.roll(df(x), 1))),
    "no mean": ("mean", lambda f, df: (f, lambda x: df(x) * len(DATA))),
}
"""What makes a right pair wrong, and the kind of cause that a checker has to name."""

ONLY = {"transposed": {"grid"}, "no mean": {"regression"}}
"""Functions that a mistake can be made in, where not in all."""

MUTANTS = [
    (name, mistake)
    for name, mistake in itertools.product(FUNCTIONS, MISTAKES)
    if name in ONLY.get(mistake, {*FUNCTIONS})
]


def mistaken(name: str, mistake: str) -> tuple[Any, Any, Any]:
    """Return a function, a gradient with a mistake, and a point."""
    f, df, at = FUNCTIONS[name]
    return *MISTAKES[mistake][1](f, df), at
