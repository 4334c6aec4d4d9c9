"""Damage is what happens to a file: some bytes are changed, or one place of its JSON document is."""

import copy
import json


def places_in(value, place=()):
    """Yield the way to every place in a document, as keys."""
    yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places_in(member, (*place, key))


JUNK = [
    None,
    True,
    0,
    -1,
    1,
    2**70,
    0.5,
    -0.0,
    1e308,
    "",
    "relu",
    "linear",
    "nan",
    "MLP",
    "F32",
    [],
    {},
    [[]],
    [0.0],
    {"a": 1},
]

NAMES = ["W", "b", "nin", "x", "layers.0.bias", "layers.01.weight"]


def damaged_document(document, rng):
    """Return a copy in which one place has been removed, doubled, renamed, moved or replaced by junk."""
    given = copy.deepcopy(document)
    places = [place for place in places_in(given) if place]
    if not places:
        return given
    *way, last = rng.choice(places)
    holder = given
    for key in way:
        holder = holder[key]
    match rng.randrange(4):
        case 0:
            del holder[last]
        case 1:
            holder[last] = copy.deepcopy(rng.choice(JUNK))
        case 2:
            holder[last] = [holder[last], holder[last]]
        case 3 if isinstance(holder, dict):
            holder[rng.choice([*document, *NAMES])] = holder.pop(last)
        case _:
            rng.shuffle(holder) if isinstance(holder, list) else holder.pop(last)
    return given


def damaged_bytes(original, rng):
    """Return a copy with some bytes changed, left out, doubled or moved."""
    data = bytearray(original)
    for _ in range(rng.choice((1, 1, 2, 5))):
        start, size = rng.randrange(len(data)), rng.choice((1, 1, 2, 8, 40))
        match rng.randrange(4):
            case 0:
                data[start] ^= 1 << rng.randrange(8)
            case 1:
                del data[start : start + size]
            case 2:
                data[start:start] = data[start : start + size]
            case 3:
                data[start : start + size] = bytes(rng.choices(b'{}[]",:0123456789.-+eE tfn\\u\x00\xff', k=size))
    return bytes(data)


def damaged_json(document, rng):
    """Return the text of a document, damaged in one place or in some bytes."""
    if rng.random() < 0.5:
        return json.dumps(damaged_document(document, rng)).encode()
    return damaged_bytes(json.dumps(document).encode(), rng)
