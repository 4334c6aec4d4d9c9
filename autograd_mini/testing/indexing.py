"""A mistake of an index: a loop that is one step short, counts from the wrong number, or reads a neighbour's entry.

What is measured for the entries about a wrong one tells them apart, besides the rows and matrices that f uses.

>>> from autograd_mini.testing import check_grad
>>> f = lambda x: sum((i + 1) * v**3 for i, v in enumerate(x))
>>> check_grad(f, lambda x: [3 * i * v**2 for i, v in enumerate(x)], at=[0.5, 1.5, 2.5, 0.7]).cause
'the claims have the factor i where i + 1 belongs: they are off by one'
"""

from __future__ import annotations

import math
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.localisation import blocks
from autograd_mini.testing.missing_terms import missing_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.testing.counterexample import LocalSample, Partial
    from autograd_mini.testing.misplacement import Misplacement
    from autograd_mini.testing.problem import Point

    Known = list[tuple[int, float, float, float]]
    """Entries of an array: the index, the claim, what is measured, and its error."""

_FEWEST = 4
"""Fewest entries of an array of which the ends are no matter of chance."""
_AT_AN_END = 2
"""Most entries at an end that a loop one step short leaves wrong: a difference belongs to two."""
_LEAST_DIVISOR = 5
"""Least n at which n/(n - 1) is no usual factor."""
_MOST_MATRICES, _LARGEST = 8, 300
"""Most arrays that are looked at, and their largest length."""
_AGREEMENT = 1e-6
"""Relative difference up to which numbers are the same."""


class Indexing:
    """The search for a mistake of an index behind a wrong partial derivative."""

    def __init__(self, partial: Partial, samples: Sequence[LocalSample], around: Misplacement) -> None:
        """Look at the entries about a wrong one, as far as they are measured ``around`` it."""
        self.partial, self.problem, self.samples, self.around = partial, partial.problem, samples, around

    def counted(self) -> tuple[str, str] | None:
        """Recognise claims with an index as a factor that counts from the wrong number."""
        own = self.partial.axis - self._block()[0]
        s = self.samples[0]
        for text, right, a, b in (("i", "i + 1", 0, 1), ("i + 1", "i", 1, 0)):
            if not _same(s.claim * (own + b), s.measured * (own + a), s.error * (own + a)):
                continue  # which costs no call
            seen = [self._entries(s.point) for s in self.samples[:2]]
            if all(
                sum(not _same(c, m, e) for _, c, m, e in known) >= _FEWEST - 1
                and all(_same(c * (i + b), m * (i + a), e * (i + a)) for i, c, m, e in known)
                for known in seen
            ):
                return "shift", f"the claims have the factor {text} where {right} belongs: they are off by one"
        return None

    def ends(self) -> tuple[str, str] | None:
        """Recognise claims that are right but at the ends of an array, where they are 0: a loop is short."""
        _, size, name, shape = self._block()
        lengths = shape if len(shape) > 1 else (size,)
        stride = size
        for axis, length in enumerate(lengths):
            stride //= length
            where = [self._wrong_places(s.point, stride, length) for s in self.samples[:2]]
            first, last = zip(*where, strict=True) if all(where) else ((), ())
            if not any(first) and not any(last):
                continue
            places = " and ".join(word for word, found in (("start", first), ("end", last)) if any(found))
            what = f"{('rows', 'columns')[axis]} of {name}" if len(lengths) == 2 else name or "them"
            return "shift", f"the claims are right but at the {places} of {what}: a loop is one step short"
        return None

    def short_divisor(self, ratio: float | None) -> tuple[str, str] | None:
        """Recognise a division by n in place of n - 1, or the other way round."""
        for n in sorted(self.problem.sizes) if ratio is not None else ():
            for wrong, right in ((n, n - 1), (n - 1, n)):
                if n >= _LEAST_DIVISOR and _same(wrong / right, ratio or 0.0, 0.0):
                    return "shift", f"the claim is divided by {wrong} where {right} belongs: it is off by one"
        return None

    def neighbours(self) -> tuple[str, str] | None:
        """Recognise a term of a neighbouring entry in place of one's own, or the other way round."""
        start, size, _, _ = self._block()
        axis, names = self.partial.axis, self.problem.names
        for j in (axis - 1, axis + 1):
            if start <= j < start + size:
                found = missing_difference(self.samples, names, axis, j)
                if found:
                    return "shift", f"the claim is missing {found}: one index of a term is off by one"
        return None

    def left_out(self) -> tuple[str, str] | None:
        """Recognise claims that all lack a multiple of the first or last row of an array: a loop leaves it out."""
        for rows in self._matrices():
            if len(rows) > 1 and len(rows[0]) == len(self.problem.names) > 1:
                for which, row in (("first", rows[0]), ("last", rows[-1])):
                    if all(_is_along(self._gaps(s.point), row) for s in self.samples[:2]):
                        what = f"the {which} of the {len(rows)} rows of data"
                        return "shift", f"the claims leave out {what}: a loop is one step short"
        return None

    def _block(self) -> tuple[int, int, str, tuple[int, ...]]:
        """Return the first number, the size, the name and the shape of the array that the wrong entry is in."""
        axis, parts = self.partial.axis, [*blocks(self.problem.claims)]
        if all(size == 1 for _, size, _, _ in parts):
            return 0, len(self.problem.names), "", (len(self.problem.names),)
        return next(part for part in parts if part[0] <= axis < part[0] + part[1])

    def _entries(self, point: Point) -> Known:
        """Return what is measured for the entries of the array, with the claims."""
        start, size, _, _ = self._block()
        claims = self.problem.partials(point, self.partial.output)
        return [
            (i - start, float(claims[i]), value, error)
            for (k, i), (value, error) in self.around.measured_at(point).items()
            if k == self.partial.output and start <= i < start + size
        ]

    def _wrong_places(self, point: Point, stride: int, length: int) -> tuple[bool, bool] | None:
        """Return whether the first, and the last entries along an axis are wrong, if all others are right."""
        known = [(i // stride % length, c, _same(c, m, e)) for i, c, m, e in self._entries(point)]
        wrong, right = {p for p, _, same in known if not same}, {p for p, c, same in known if same and c}
        first, last = {p for p in wrong if p < _AT_AN_END}, {p for p in wrong if p >= length - _AT_AN_END}
        if length < _FEWEST or len(right - wrong) < _FEWEST - 2 or wrong - first - last:
            return None
        starts, ends = not first or 0 in first, not last or length - 1 in last
        return (bool(first), bool(last)) if starts and ends else None

    def _gaps(self, point: Point) -> dict[int, tuple[float, float]]:
        """Return what the claims for each input lack, with the error."""
        claims = self.problem.partials(point, self.partial.output)
        measured = self.around.measured_at(point).items()
        return {i: (value - float(claims[i]), error) for (k, i), (value, error) in measured if k == self.partial.output}

    def _matrices(self) -> Iterator[list[list[float]]]:
        """Yield the matrices of real numbers that f uses, as far as they are of a usual size."""
        fitting = (a for a in self.problem.arrays if len(a.shape) == 2 and 0 < max(a.shape) <= _LARGEST)
        for array in islice(fitting, _MOST_MATRICES):
            rows: list[list[Any]] = array.tolist()
            if all(isinstance(x, (int, float)) and math.isfinite(x) for x in rows[0]):
                yield rows

    def transposed_inside(self) -> tuple[str, str] | None:
        """Recognise claims M c where f's matrix M has to be transposed, or half of it has to."""
        start, size, _, shape = self._block()
        for rows in self._matrices():
            if len(rows) != len(rows[0]) or len(rows) not in (*shape, size):
                continue
            for of_rows in (False, True):
                seen = [self._mended(s.point, rows, start, size, of_rows=of_rows) for s in self.samples[:2]]
                for share, what in ((1.0, "stands where its transpose belongs"), (0.5, "has to be M + its transpose")):
                    if all(_is_mended(known, share) for known in seen):
                        return "transposed", f"a matrix of {len(rows)} × {len(rows)} in the claims {what}"
        return None

    def _mended(
        self, point: Point, rows: list[list[float]], start: int, size: int, *, of_rows: bool
    ) -> list[tuple[float, float, float, float]]:
        """Return for each entry the claim, what it is with a matrix transposed, what is measured, and the error."""
        numpy = import_module("numpy")
        claims = numpy.asarray(self.problem.partials(point, self.partial.output)[start : start + size], dtype=float)
        matrix = numpy.array(rows)
        try:
            square = claims.reshape(-1, len(rows)).T if of_rows else claims.reshape(len(rows), -1)
            turned = matrix.T @ numpy.linalg.solve(matrix, square)
        except numpy.linalg.LinAlgError:
            return []
        flat = (turned.T if of_rows else turned).ravel()
        return [(c, float(flat[i]), m, e) for i, c, m, e in self._entries(point)]


def _is_mended(known: list[tuple[float, float, float, float]], share: float) -> bool:
    """Return whether claims are right with a share of them turned, and some were wrong."""
    right = all(_same((1 - share) * c + share * t, m, e) for c, t, m, e in known)
    return right and sum(not _same(c, m, e) for c, _, m, e in known) > 1


def _is_along(gaps: dict[int, tuple[float, float]], row: Sequence[float]) -> bool:
    """Return whether gaps are one multiple of a row."""
    wide = max(gaps, key=lambda i: abs(row[i]), default=-1)
    if len(gaps) < 2 or not row[wide] or abs(gaps[wide][0]) <= 100 * gaps[wide][1]:
        return False
    ratio = gaps[wide][0] / row[wide]
    alike = all(abs(ratio * row[i] - gap) <= _AGREEMENT * abs(gap) + 8 * error for i, (gap, error) in gaps.items())
    return alike and sum(abs(gap) > 100 * error for gap, error in gaps.values()) > 1


def _same(u: float, v: float, error: float) -> bool:
    return abs(u - v) <= _AGREEMENT * max(abs(u), abs(v)) + 4 * error
