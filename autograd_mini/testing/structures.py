"""Structures: a point whose arguments are arrays and lists of numbers, taken apart and put together again."""

from __future__ import annotations

import sys
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def array_of(point: Sequence[float], example: Any) -> tuple[Any, ...]:
    """Return one argument, an array like the example with these numbers."""
    numpy = sys.modules["numpy"]
    return (numpy.array(point, dtype=example.dtype if example.dtype.kind == "f" else float).reshape(example.shape),)


def is_array(thing: object) -> bool:
    """Return whether a thing is a NumPy array."""
    return type(thing).__module__.partition(".")[0] == "numpy" and getattr(thing, "ndim", 0) > 0


def is_structure(_f: object, example: object) -> bool:
    """Return whether arguments are not all numbers, but arrays or lists of them too."""
    return isinstance(example, tuple) and any(isinstance(part, (list, tuple)) or is_array(part) for part in example)


def structure_of(point: Sequence[float], example: Any) -> tuple[Any, ...]:
    """Return arguments like the example with these numbers."""
    numbers = iter(point)

    def like(part: Any) -> Any:
        if is_array(part):
            return array_of([next(numbers) for _ in range(part.size)], part)[0]
        return type(part)(map(like, part)) if isinstance(part, (list, tuple)) else next(numbers)

    return tuple(map(like, example))


def indices(example: Any) -> list[str]:
    """Return the index of each number in an argument: "" for a number, "[0]", "[0,1]" in an array."""
    if is_array(example):
        return [f"[{','.join(map(str, index))}]" for index in product(*map(range, example.shape))]
    if isinstance(example, (list, tuple)):
        return [f"[{at}]{index}" for at, part in enumerate(example) for index in indices(part)]
    return [""]
