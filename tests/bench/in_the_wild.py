"""Check the derivatives that authors of public libraries wrote by hand: false alarms, real mistakes, mutants found.

Run ``python tests/bench/in_the_wild.py [--only TEXT] [--surprises] [--explain] [--mutants] [--confirm] [--save FILE]``
from the repository root; FILE is Markdown or JSON by its name. Each derivative is checked at points and over a box;
then, with ``--mutants``, wrong versions of the right ones. Libraries that are not installed, and functions that an
installed version lacks, are left out and counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import processor  # noqa: E402 - after the path to it
from command import check, parser  # noqa: E402 - after the path to it
from wild import apart, mutated  # noqa: E402 - after the path to it

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy starts threads for matrices of nine numbers

from autograd_mini.testing import check_grad  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wild import Pair, Wild

COLLECTIONS = (
    *("wild_scipy", "wild_sklearn", "wild_statsmodels", "wild_torch", "wild_jax"),
    *("wild_autograd", "wild_gpy", "wild_symbolic", "wild_processes"),
    *("wild_models", "wild_operations"),
)
SLOW = 2e-3
"""Seconds of one call of f and df above which a box gets the quick budget."""
SLOWEST = 20e-3
"""Seconds of one call of f and df above which no box is checked."""
DISTRIBUTIONS = {"SciPy": "scipy", "NumPy": "numpy", "PyTorch": "torch", "JAX": "jax", "SymPy": "sympy"}


@dataclass
class Row:
    """What the checks of one derivative found."""

    library: str
    function: str
    derivative: str
    verdict: str = ""
    expected: str = "right"
    verdicts: dict[str, int] = field(default_factory=dict)
    calls: str = ""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    mutants: int = 0
    missed: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return one line of the table."""
        seen = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        return (
            f"{self.library:12s} {self.function[:45]:45s} {self.derivative[:52]:52s} {self.verdict:10s} "
            f"{self.expected:8s} {seen:26s} {self.calls:>14s} {self.seconds:8.2f} s"
        )


HEAD = (
    f"{'library':12s} {'function':45s} {'derivative':52s} {'verdict':10s} {'expected':8s} {'checks':26s} "
    f"{'calls, median':>14s} {'time':>9s}"
)


def main() -> None:
    """Check, print the table and its totals, and save them where that is asked for."""
    warnings.simplefilter("ignore")
    print(f"{processor.described()}\n{HEAD}")
    start, rows, left_out = time.perf_counter(), [], Counter()
    for case in collected(left_out):
        if time.perf_counter() - start > 60 * ARGUMENTS.minutes:
            left_out["not reached in time"] += 1
            continue
        try:
            pair = case.build()
        except Exception as error:  # noqa: BLE001 - this version of the library has no such function
            left_out[f"{case.library}: not in this version"] += 1
            print(f"left out: {case.name} ({type(error).__name__}: {error})")
            continue
        rows.append(checked(case, pair))
        if not ARGUMENTS.surprises or rows[-1].expected != rows[-1].verdict:
            print("\n    ".join([rows[-1].line(), *rows[-1].notes]), flush=True)
    summary = totals(rows, left_out, time.perf_counter() - start)
    print("\n".join(summary))
    if ARGUMENTS.save:
        saved(Path(ARGUMENTS.save), rows, summary)


def collected(left_out: Counter[str]) -> Iterator[Wild]:
    """Yield the derivatives of the installed libraries that ``--only`` names."""
    for name in COLLECTIONS:
        collection = import_module(name)
        lacking = [package for package in collection.PACKAGES if find_spec(package) is None]
        if lacking:
            left_out[f"{', '.join(lacking)} not installed"] += 1
            continue
        if ARGUMENTS.only and ARGUMENTS.only in COLLECTIONS and ARGUMENTS.only != name:
            continue
        for case in collection.cases():
            if ARGUMENTS.only in {"", name} or ARGUMENTS.only.lower() in f"{case.name} {case.function}".lower():
                yield case


def checked(case: Wild, pair: Pair) -> Row:
    """Return what the checks of one derivative found, at points and over its box."""
    row = Row(case.library, case.function, case.derivative, expected="wrong" if case.mistake else "right")
    start = time.perf_counter()
    other = case.mistake and not version(case.library).startswith(case.mistake.version)
    if case.mistake and other and find_spec("mpmath") and case.mistake.mended(pair):
        row.expected = "right"
        row.notes.append(f"mended: it was wrong in version {case.mistake.version}")
    counts: Counter[str] = Counter()
    calls: list[tuple[int, int]] = []

    def note(place: str, report: Any) -> None:
        counts[report.verdict] += 1
        calls.append((report.calls.f, report.calls.g))
        TALLY.append((row.expected, *calls[-1]))
        if (report.verdict != "correct") != (row.expected == "wrong"):
            row.notes.append(f"{place}: {' '.join(str(report).split())[:220]}")

    places = case.places()
    for place in places:
        begun = time.process_time()
        report = check_grad(*pair, at=place, to=case.to, explained=ARGUMENTS.explain)
        note(" ".join(f"at {place}".split())[:120], report)
    cost = (time.process_time() - begun) / sum(calls[-1])  # of the last: the first may have compiled something
    if (options := over(case, pair)) and cost < SLOWEST:
        f, df, box = options
        budget = "quick" if cost > SLOW else None
        report = check_grad(f, df, domain=box, to=case.to, budget=budget, explained=ARGUMENTS.explain)
        note("over its box", report)
    if row.expected == "wrong":
        row.verdict = "wrong" if counts["wrong"] else "right"
    else:
        row.verdict = "wrong" if counts["wrong"] else "unresolved" if counts["unresolved"] else "right"
    if ARGUMENTS.mutants and case.mistake is None and pair[1] is not None:
        f, df = apart(pair)
        for kind, wrong in mutated(f, df, places[0]):
            row.mutants += 1
            report = check_grad(f, wrong, at=places[0], explained=False)
            if report.verdict != "wrong":
                row.missed.append(" ".join(f"{kind}: {report.verdict} at {places[0]}".split())[:160])
    row.verdicts, row.seconds = dict(counts), time.perf_counter() - start
    row.calls = f"{median(f for f, _ in calls):.0f} f, {median(g for _, g in calls):.0f} g"
    return row


def over(case: Wild, pair: Pair) -> tuple[Any, Any, list[tuple[float, float]]] | None:
    """Return f and df as functions of numbers or of one list, with their box; None where there is no box."""
    f, df = pair
    if not case.box or df is None:
        return None
    if case.start is None:
        return f, df, list(case.box)
    make = case.array
    if make is None:
        return None
    return lambda x: f(make(x)), df is True or (lambda x: df(make(x))), list(case.box)


TALLY: list[tuple[str, int, int]] = []
"""Expected verdict, calls of f and calls of df of each check."""


def totals(rows: Sequence[Row], left_out: Counter[str], seconds: float) -> list[str]:
    """Return the lines below the table."""
    right = [row for row in rows if row.expected == "right"]
    wrong = [row for row in rows if row.expected == "wrong"]
    checks = sum(sum(row.verdicts.values()) for row in right)
    count = {verdict: sum(row.verdicts.get(verdict, 0) for row in right) for verdict in ("wrong", "unresolved")}
    per = Counter(row.library for row in rows)
    versions = ", ".join(f"{n} of {library} {version(library)}" for library, n in per.items())
    of_right = [entry for entry in TALLY if entry[0] == "right"]
    lines = [
        f"{len(rows)} derivatives: {versions}",
        f"right: {len(right)}, in {checks} checks: {count['wrong']} false alarms, {count['unresolved']} unresolved",
        f"wrong: {len(wrong)}, found: {sum(row.verdict == 'wrong' for row in wrong)}",
    ]
    if of_right:
        medians = [median(entry[k] for entry in of_right) for k in (1, 2)]
        lines.append(f"calls of a right check, median: {medians[0]:.0f} f, {medians[1]:.0f} df")
    if ARGUMENTS.mutants:
        made, missed = sum(row.mutants for row in rows), [m for row in rows for m in row.missed]
        lines.append(f"mutants of the right ones: {made}, found: {made - len(missed)}")
        lines += [f"  missed: {row.library}: {row.derivative}: {m}" for row in rows for m in row.missed]
    lines += [f"left out: {n}, {why}" for why, n in left_out.items()]
    return [*lines, f"{seconds:.0f} s"]


def version(library: str) -> str:
    """Return the installed version of a library."""
    return metadata.version(DISTRIBUTIONS.get(library, library))


def confirm() -> None:
    """Print the mistakes beside the right numbers, computed in many digits from the function's definition."""
    check(__doc__, "mpmath")
    warnings.simplefilter("ignore")
    for case in collected(Counter()):
        if case.mistake is None:
            continue
        try:
            pair = case.build()
        except Exception as error:  # noqa: BLE001 - as in `main`
            print(f"{case.name} is not in this version: {type(error).__name__}: {error}")
            continue
        claimed, truth = case.mistake.numbers(pair)
        known = f"{claimed!r}, right is {truth}" if truth is not None else f"{claimed!r}, known by reading the source"
        print(f"{case.name}, version {case.mistake.version}\n    {case.mistake.why}\n    claimed {known}")


def saved(path: Path, rows: Sequence[Row], summary: Sequence[str]) -> None:
    """Write the table as Markdown or as JSON."""
    if path.suffix == ".json":
        path.write_text(
            json.dumps({"rows": [asdict(row) for row in rows], "totals": [*summary]}, indent=1) + "\n", encoding="utf-8"
        )
        return
    head = ["library", "function", "derivative", "verdict", "expected", "calls", "seconds"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = [row.library, row.function, row.derivative, row.verdict, row.expected, row.calls, f"{row.seconds:.2f}"]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    path.write_text("\n".join([*lines, "", *summary]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--only", default="", help=f"one of {', '.join(COLLECTIONS)}, or a part of a name")
    command.add_argument("--mutants", action="store_true", help="check wrong versions of the right ones too")
    command.add_argument("--confirm", action="store_true", help="print the mistakes beside the right numbers, and stop")
    command.add_argument("--surprises", action="store_true", help="print those alone whose verdict is not the expected")
    command.add_argument("--explain", action="store_true", help="let the checker explain what is wrong, at some cost")
    command.add_argument("--minutes", type=float, default=20.0, help="leave out what is not reached by then")
    command.add_argument("--save", default="", help="write the table to this file, Markdown or JSON by its name")
    ARGUMENTS = command.parse_args()
    confirm() if ARGUMENTS.confirm else main()
