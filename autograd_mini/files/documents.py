"""A document: text, numbers, true, false, null, and lists and objects of these, as JSON holds them, read strictly.

Strictly means: UTF-8, no object with the same name twice, no NaN or Infinity (RFC 8259 knows neither, nor says what a
name that comes twice means), no number beyond the range of a float, and a limit to the depth, because the decoder of
the standard library recurses on the C stack.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate, chain
from math import isfinite
from operator import itemgetter

from autograd_mini.errors import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEEPEST = 64
"""How deeply lists and objects may be nested."""

_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"?)*+([\[\]{}]*+)', re.DOTALL)
"""Brackets in a row, and before them whatever is no bracket, strings with brackets in them included."""
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse(data: bytes) -> Any:
    """Return the document that UTF-8 bytes hold; a ValueError if they hold none by the rules above.

    >>> parse(b'{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> parse(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ...
    ValueError: the name 'a' comes twice in an object

    """
    brackets = chain.from_iterable(map(itemgetter(1), _BRACKETS.finditer(data)))
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > DEEPEST:
        raise ValueError(f"lists and objects are nested more than {DEEPEST} deep")
    try:
        return json.loads(
            data.decode(),
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_finite,
            object_pairs_hook=_object,
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"it is not JSON: {error}") from None


def plain(value: object, place: str, depth: int = DEEPEST) -> Any:
    """Return a copy of a value that JSON holds, to be read again as the same, except that tuples become lists.

    A TypeError or a ValueError names what JSON does not hold, by the name of its place.

    >>> plain({"losses": (1, 0.5)}, "metadata")
    {'losses': [1, 0.5]}

    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        if abs(value) <= _LARGEST:
            return int(value) if isinstance(value, int) else float(value)
        raise ValueError(f"{place} is {shown(value)}, which is no finite float: leave it out or write it as text")
    if not isinstance(value, (dict, list, tuple)):
        raise TypeError(
            f"{place} is {shown(value)} of type {type(value).__name__}, which JSON does not hold: convert it"
        )
    if depth == 0:
        raise ValueError(f"{place[:60]}… is nested more than {DEEPEST} deep, or holds itself")
    if not isinstance(value, dict):
        return [plain(entry, f"{place}[{index}]", depth - 1) for index, entry in enumerate(value)]
    for name in value:
        if not isinstance(name, str):
            raise TypeError(
                f"{place} has the key {shown(name)} of type {type(name).__name__}; JSON holds texts as keys"
            )
    return {str(name): plain(entry, f"{place}[{name!r}]", depth - 1) for name, entry in value.items()}


_LARGEST = 1.7976931348623157e308
_LONGEST = 1100
"""Characters of a number; no float needs more to be written out exactly, and reading takes quadratic time."""


def _finite(text: str) -> float:
    if len(text) > _LONGEST or not isfinite(number := float(text)):
        raise ValueError(f"the number {text[:20]}, of {len(text)} characters, is no finite float")
    return number


def _integer(text: str) -> int:
    if len(text) > _LONGEST or abs(number := int(text)) > _LARGEST:
        raise ValueError(f"the number {text[:20]}, of {len(text)} characters, is beyond the range of a float")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the name {shown(name)} comes twice in an object")
            seen.add(name)
    return made
