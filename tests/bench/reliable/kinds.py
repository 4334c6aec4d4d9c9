"""The row on types: 16 odd ones in the constructor, in every operator position, and in comparisons."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import math
import operator
import sys
import warnings

from reliable.rows import ALL, Figure, Row

types = Row("types", "16 odd types in 17 positions: a float64, or an error that names the type", "all")


class Grade(enum.IntEnum):
    """An int of another type."""

    GOOD = 2


class Ratio:
    """No number, but it has a value as one."""

    def __float__(self):
        return 2.5


def odd_types():
    """Return 16 odd objects with the numbers that they are; nan for none, a list for several."""
    import numpy as np

    return {
        "bool": (True, 1.0),
        "huge int": (10**400, math.nan),
        "IntEnum": (Grade.GOOD, 2.0),
        "Fraction": (fractions.Fraction(1, 3), 1 / 3),
        "Decimal": (decimal.Decimal("0.1"), 0.1),
        "float32": (np.float32(0.1), float(np.float32(0.1))),
        "int8": (np.int8(3), 3.0),
        "0-d array": (np.array(2.5), 2.5),
        "1-d array": (np.array([1.5, 2.5]), [1.5, 2.5]),
        "__float__": (Ratio(), 2.5),
        "complex": (1 + 2j, math.nan),
        "str": ("3", math.nan),
        "bytes": (b"3", math.nan),
        "None": (None, math.nan),
        "list": ([1.0], math.nan),
        "datetime": (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), math.nan),
    }


ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "+=": operator.iadd,
    "*=": operator.imul,
}
ORDER = (operator.lt, operator.ge)


def held(library, result):
    """Return the float64 numbers that a result holds, as a list; None if it holds something else."""
    import numpy as np

    kinds = (float, np.float64)
    if library.name in ("here", "micrograd"):
        many = isinstance(result, np.ndarray)
        nodes = list(result.flat) if many else [result]
        good = all(isinstance(node, library.scalar) and type(node.data) in kinds for node in nodes)
        return [float(node.data) for node in nodes] if good else None
    if library.name == "HIPS":
        found = result
    elif library.name == "PyTorch":
        import torch

        if not isinstance(result, torch.Tensor) or result.dtype != torch.float64:
            return None
        found = result.detach().numpy()
    else:
        found = getattr(result, "data", None)
    found = np.asarray(found)
    return [float(number) for number in found.flat] if found.dtype == np.float64 else None


def told(odd, error):
    """Return "right" for an error that names the type, else "unclear"."""
    names = type(odd).__name__, "sequence" if isinstance(odd, (str, bytes, list)) else type(odd).__name__
    named = any(name in str(error) for name in names)  # "can't multiply sequence by …" is Python's own
    return "right" if named and isinstance(error, (TypeError, ValueError, OverflowError)) else "unclear"


def judged(library, work, odd, wanted):
    """Return "right", "silent" for a result that is not the float64 it should be, or "unclear"."""
    wanted = wanted if isinstance(wanted, list) else [wanted]
    try:
        found = held(library, work())
    except Exception as error:  # noqa: BLE001 - every error is judged
        return told(odd, error)
    same = found is not None and len(found) == len(wanted)
    return "right" if same and all(a == b for a, b in zip(found, wanted, strict=True)) else "silent"


def positions(library, odd, number):
    """Yield what to try with an object, and the number that is right; nan where there is none."""

    def expected(apply):
        return [apply(one) for one in number] if isinstance(number, list) else apply(number)

    if library.name == "PyTorch":
        import torch

        yield (lambda: torch.tensor(odd, dtype=torch.float64)), number
    elif library.name != "HIPS":  # which has no constructor
        yield (lambda: library.scalar(odd)), number
    for symbol, apply in ARITHMETIC.items():
        yield applied(library, lambda x, apply=apply: apply(x, odd)), expected(lambda one, apply=apply: apply(1.5, one))
        if symbol not in ("+=", "*="):
            yield (
                applied(library, lambda x, apply=apply: apply(odd, x)),
                expected(lambda one, apply=apply: apply(one, 1.5)),
            )


def applied(library, work):
    """Return a function that applies `work` to a number that records."""
    if library.name == "HIPS":
        return lambda: library.recorded(work, 1.5)[1]
    return lambda: work(library.leaf(1.5))


def compared(library, odd, number):
    """Yield for each order whether comparing answers as the number does, or raises."""
    plain = odd if isinstance(odd, int) else number  # an int may be larger than every float
    for apply in ORDER:
        for swapped in (False, True):
            said = []

            def compare(x, apply=apply, swapped=swapped, said=said):
                said.append(apply(odd, x) if swapped else apply(x, odd))
                return x

            try:
                applied(library, compare)()
            except Exception as error:  # noqa: BLE001 - every error is judged
                yield told(odd, error)
                continue
            if isinstance(plain, list):
                yield "right"  # element by element, each in its own way
            else:
                truth = apply(plain, 1.5) if swapped else apply(1.5, plain)
                yield "right" if plain == plain and bool(said[0]) == truth else "silent"  # noqa: PLR0124 - not nan


@types.on(*ALL)
def _(library, quick):  # noqa: ARG001 - nothing to shorten

    warnings.simplefilter("ignore")
    counts = {"right": 0, "silent": 0, "unclear": 0}
    for kind, (odd, number) in odd_types().items():
        if kind == "list" and library.name in ("HIPS", "MyGrad", "PyTorch"):
            number = odd  # noqa: PLW2901 - for them it is an array
        found = [judged(library, work, odd, wanted) for work, wanted in positions(library, odd, number)]
        found += compared(library, odd, number)
        for one in found:
            counts[one] += 1
        if set(found) != {"right"}:
            print(kind, *found, file=sys.stderr)
    total = sum(counts.values())
    bad = f" ({counts['silent']} silent, {counts['unclear']} unclear)" if counts["right"] < total else ""
    return Figure(f"{counts['right']} of {total}{bad}", counts["right"] == total)
