"""A misplacement: claims that are right and stand where others belong: transposed, off by one, or swapped.

What is measured for many entries of the Jacobian is compared with the claims that stand where one such mistake would
have put them. Where only a part of a claim is misplaced, an entry has too little as much as another has too much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from autograd_mini.testing.counterexample import Partial
from autograd_mini.testing.line import first_reach
from autograd_mini.testing.localisation import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.counterexample import LocalSample
    from autograd_mini.testing.problem import Point

    Entry = tuple[int, int]
    """An output and an input."""

_MOST_MEASURED = 24
"""Most inputs, and most outputs, whose derivatives are measured."""
_CALLS = 40
"""Calls of f that a measured input may take."""
_MOST_BLOCKS = 6
"""Most arguments of which two may be swapped."""
_AGREEMENT = 1e-6
"""Relative difference up to which numbers are the same."""


@dataclass(frozen=True, slots=True)
class Rearrangement:
    """Where the claim for an entry stands, if it was misplaced in one way.

    Attributes:
        kind: "transposed", "shift" or "swap".
        what: what is misplaced.
        place_of: returns the place of an entry's claim, and whether that is beyond the end, around which claims may
            have gone or not; None for an entry that stays out of it.
        least: how many claims have to be wrong for it.

    """

    kind: str
    what: str
    place_of: Callable[[Entry], tuple[Entry, bool] | None]
    least: int = 2

    def sentence(self, entry: Entry, name: Callable[[Entry], str], part: str = "") -> str:
        """Return what happened, shown by one entry."""
        if self.kind != "shift":
            return f"{part}{self.what} {'is' if self.what.startswith('the Jac') else 'are'} {_PAST[self.kind]}"
        place = self.place_of(entry)
        shown = f": that for {name(entry)} stands at {name(place[0])}" if place is not None else ""
        return f"{part}{self.what} are off by one{shown}"


_PAST = {"transposed": "transposed", "swap": "swapped"}


class Misplacement:
    """The search for a rearrangement of the claims that makes them right."""

    def __init__(self, partial: Partial, samples: Sequence[LocalSample]) -> None:
        """Look around one partial derivative, at samples near a counterexample."""
        self.partial, self.problem, self.samples = partial, partial.problem, samples
        self.entry = partial.output, partial.axis
        self.width = len(self.problem.names)
        self._measured: dict[Point, dict[Entry, tuple[float, float]]] = {}

    def whole(self) -> tuple[str, str] | None:
        """Recognise claims that stand in other places."""
        for found in self._rearrangements():
            place = found.place_of(self.entry)
            if place is not None and place[0] != self.entry and self._stands_at(place[0]) and self._explains(found):
                return found.kind, found.sentence(self.entry, self._name)
        if self.problem.outputs == self.width > 2 and all(map(self._is_transposed_inside, self.samples[:2])):
            return (
                "transposed",
                "a matrix inside the Jacobian is transposed, beside factors that are not",
            )
        return None

    def in_part(self) -> tuple[str, str] | None:
        """Recognise claims of which a part stands in other places, or that of the entry in question fell out."""
        for found in self._rearrangements():
            if found.kind != "swap" and self._explains(found):
                return found.kind, found.sentence(self.entry, self._name)
        for found in self._rearrangements():
            if found.kind != "swap" and self._explains_differences(found):
                return found.kind, found.sentence(self.entry, self._name, "a part of the claims is misplaced: ")
        return None

    def _is_transposed_inside(self, s: LocalSample) -> bool:
        """Return whether claims over what is measured across the diagonal are ratios c[i]/c[k]: a scaled transpose."""
        known = self.measured_at(s.point)
        ratios = {
            (k, i): self._claim(s.point, (k, i)) / known[i, k][0] for k, i in known if known.get((i, k), (0.0,))[0]
        }
        off = {e: ratio for e, ratio in ratios.items() if e[0] != e[1]}
        triples = [(k, i, j) for k, i in off for j in range(self.width) if {(i, j), (k, j)} <= ratios.keys()]
        products = [(off[k, i] * ratios[i, j], ratios[k, j]) for k, i, j in triples]
        same = all(_close(self._claim(s.point, e), *known[e]) for e in known)
        zeros = all(_close(self._claim(s.point, (k, i)), *known[k, i]) for k, i in known if (k, i) not in ratios)
        return len(triples) > 2 and not same and zeros and all(abs(u - v) <= 1e-5 * abs(v) for u, v in products)

    def exchanged(self) -> tuple[str, str] | None:
        """Recognise a derivative that was handed two arguments of one size in the wrong order."""
        for (start, size, name, _), (other, _, label, _) in self._pairs():
            for s in self.samples:
                point = [*s.point]
                point[start : start + size], point[other : other + size] = (
                    s.point[other : other + size],
                    s.point[start : start + size],
                )
                claims = self.problem.partials(tuple(point), self.partial.output)
                known = self.measured_at(s.point) if s.close(float(claims[self.partial.axis]), s.measured) else {}
                rows = [(claims[i], *found) for (k, i), found in known.items() if k == self.partial.output]
                if len(rows) < 2 or not all(_close(float(c), m, e) for c, m, e in rows):
                    break
            else:
                return "swap", f"{name} and {label} are swapped where df uses them: it is right with each for the other"
        return None

    def _name(self, entry: Entry) -> str:
        """Return the name of an input, or of an output where the rows are in question."""
        several = self.problem.outputs > 1
        return (
            f"d{self.problem.output_name(entry[0])}/d{self.problem.names[entry[1]]}"
            if several
            else (self.problem.names[entry[1]])
        )

    def _pairs(self) -> Iterator[tuple[tuple[int, int, str, tuple[int, ...]], ...]]:
        """Yield pairs of arguments of one shape."""
        parts = [*blocks(self.problem.claims)]
        for pair in combinations(parts if len(parts) <= _MOST_BLOCKS else (), 2):
            if pair[0][3] == pair[1][3] and pair[0][1] == pair[1][1]:
                yield pair

    def _rearrangements(self) -> Iterator[Rearrangement]:
        """Yield the usual misplacements, of a whole Jacobian and of the claims for each array."""
        rows, width = self.problem.outputs, self.width
        if rows == width > 1:
            yield Rearrangement("transposed", "the Jacobian", lambda e: ((e[1], e[0]), False))
        for start, size, name, shape in blocks(self.problem.claims):
            if start <= self.partial.axis < start + size:
                yield from _of_array(start, size, name, shape)
        if width > 2 and all(size == 1 for _, size, _, _ in blocks(self.problem.claims)):
            yield from _of_array(0, width, "", (width,))
        if rows > 2:
            for step in (1, -1):
                yield Rearrangement("shift", "the rows of the Jacobian", _shift(0, rows, 1, step, of_rows=True))
        for (start, size, name, _), (other, _, label, _) in self._pairs():
            yield Rearrangement("swap", f"the partial derivatives by {name} and {label}", _swapped(start, other, size))

    def _stands_at(self, place: Entry) -> bool:
        """Return whether the claim in another place is right for the entry in question, and its own is not."""
        claims = [float(self.problem.partials(s.point, place[0])[place[1]]) for s in self.samples]
        pairs = [*zip(self.samples, claims, strict=True)]
        return all(s.close(claim, s.measured) for s, claim in pairs) and not all(s.close(c, s.claim) for s, c in pairs)

    def _explains(self, found: Rearrangement) -> bool:
        """Return whether all claims are right in other places, and at least two are wrong in theirs."""
        for s in self.samples[:2]:
            known, wrong = self.measured_at(s.point), 0
            factor = s.measured / s.claim if s.claim else 0.0
            if all(_close(factor * self._claim(s.point, e), m, error) for e, (m, error) in known.items()):
                return False  # a factor for all of them says it more simply
            for entry, (value, error) in known.items():
                place = found.place_of(entry)
                if place is None or place[0] == entry:
                    continue
                if not _close(self._claim(s.point, place[0]), value, error):
                    if place[1]:
                        continue
                    return False
                wrong += not _close(self._claim(s.point, entry), value, error)
            if wrong < found.least:
                return False
        return True

    def _explains_differences(self, found: Rearrangement) -> bool:
        """Return whether what entries have too much is what those lack whose claims would stand there, in pairs."""
        for s in self.samples[:2]:
            known = self.measured_at(s.point)
            off = {e: (self._claim(s.point, e) - m, error) for e, (m, error) in known.items()}
            off = {e: gap for e, gap in off.items() if not _close(self._claim(s.point, e), *known[e])}
            left, pairs = {*off}, 0
            for entry, (gap, error) in off.items():
                place = found.place_of(entry)
                if entry not in left or place is None or place[0] not in left or place[0] == entry:
                    continue
                other, slack = off[place[0]]
                if not abs(gap + other) <= _AGREEMENT * max(abs(gap), abs(other)) + 4 * (error + slack):
                    return False
                left -= {entry, place[0]}
                pairs += 1
            if left or pairs < 2 or self.entry not in off:
                return False
        return True

    def _claim(self, point: Point, entry: Entry) -> float:
        return float(self.problem.partials(point, entry[0])[entry[1]])

    def measured_at(self, point: Point) -> dict[Entry, tuple[float, float]]:
        """Return what is measured at a point, with its error, for the entries that are measured finely."""
        if (known := self._measured.get(point)) is not None:
            return known
        left = self.problem.f.left // _CALLS
        found: dict[Entry, tuple[float, float]] = {}
        for i in self._chosen(1, self.width, min(left, _MOST_MEASURED)):
            for k in self._chosen(0, self.problem.outputs, _MOST_MEASURED):
                m = Partial(self.problem, i, k).measured(point, first_reach(point[i]) / 2)
                found[k, i] = m.value, m.error
        scale = max((abs(value) for value, _ in found.values() if math.isfinite(value)), default=0.0)
        self._measured[point] = fine = {e: m for e, m in found.items() if m[1] <= 1e-6 * scale}
        return fine

    def _chosen(self, side: int, count: int, most: int) -> list[int]:
        """Return all outputs (side 0) or inputs (1), or those about the entry in question and where its claim is."""
        if count <= most:
            return [*range(count)]
        places = [place[0] for found in self._rearrangements() if (place := found.place_of(self.entry)) is not None]
        nearest = sorted(range(count), key=lambda i: abs(i - self.entry[side]))
        return [*dict.fromkeys([self.entry[side], *(place[side] for place in places), *nearest])][:most]


def _close(u: float, v: float, error: float) -> bool:
    return abs(u - v) <= _AGREEMENT * max(abs(u), abs(v)) + 4 * error


def _of_array(start: int, size: int, name: str, shape: tuple[int, ...]) -> Iterator[Rearrangement]:
    """Yield the misplacements in one array: transposed, in the order of columns, and shifted along an axis."""
    what = f"the claims for {name}" if name else "the claims"
    if len(shape) == 2 and min(shape) > 1:
        yield Rearrangement("transposed", what, _by_columns(start, size, shape[1]))
    elif len(shape) == 1:
        for width in range(2, size // 2 + 1):
            if size % width == 0:
                text = f"{what}, as an array of {size // width} × {width},"
                yield Rearrangement("transposed", text, _by_columns(start, size, width), least=4)
    along = [(math.prod(shape[axis + 1 :]), length) for axis, length in enumerate(shape)]
    for stride, length in dict.fromkeys([(1, size), *along]):
        for step in (1, -1) if length > 2 else ():
            yield Rearrangement("shift", what, _shift(start, size, stride, step, length=length))


def _by_columns(start: int, size: int, width: int) -> Callable[[Entry], tuple[Entry, bool] | None]:
    """Return the places of entries of an array of some width in the order of columns."""
    height = size // width

    def place_of(entry: Entry) -> tuple[Entry, bool] | None:
        if not start <= entry[1] < start + size:
            return None
        row, column = divmod(entry[1] - start, width)
        return (entry[0], start + column * height + row), False

    return place_of


def _shift(
    start: int, size: int, stride: int, step: int, *, length: int = 0, of_rows: bool = False
) -> Callable[[Entry], tuple[Entry, bool] | None]:
    """Return the places of entries moved by one along an axis, around its end."""
    length = length or size // stride

    def place_of(entry: Entry) -> tuple[Entry, bool] | None:
        index = entry[not of_rows] - start
        if not 0 <= index < size:
            return None
        along = index // stride % length
        moved = start + index + ((along + step) % length - along) * stride
        around = not 0 <= along + step < length
        return ((moved, entry[1]) if of_rows else (entry[0], moved)), around

    return place_of


def _swapped(start: int, other: int, size: int) -> Callable[[Entry], tuple[Entry, bool] | None]:
    """Return the places of entries of one argument in another."""

    def place_of(entry: Entry) -> tuple[Entry, bool] | None:
        for here, there in ((start, other), (other, start)):
            if here <= entry[1] < here + size:
                return (entry[0], entry[1] - here + there), False
        return None

    return place_of
