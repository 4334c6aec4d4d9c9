"""Compare derivative checkers on the corpus: false alarms, wrong derivatives found, calls.

Run ``python tests/bench/checkers.py [--programs N] [--only NAME] [--list]`` from the repository root.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from checker_causes import MISTAKES, MUTANTS, mistaken  # noqa: E402 - after the path to it
from checker_corpus import TUNED, Case  # noqa: E402 - after the path to it
from checker_mutants import Mutant, mutants, regional, shows_at, shows_in_domain, shows_in_region  # noqa: E402 - after the path to it
from checker_pairs import EXTREME_BOXES, EXTREMES, PARTS, chained  # noqa: E402 - after the path to it
from checker_peers import peers  # noqa: E402 - after the path to it
from checker_programs import BUGS, program, shows  # noqa: E402 - after the path to it
from checker_unseen import UNSEEN  # noqa: E402 - after the path to it
from command import parser  # noqa: E402 - after the path to it
from mistaken_models import MODELS  # noqa: E402 - after the path to it
from mistakes import NAMES, gathered  # noqa: E402 - after the path to it

from autograd_mini.testing import check_grad, logspan  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Tally:
    """What one checker did on one kind of task."""

    right: int = 0
    alarms: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    wrong: int = 0
    missed: list[str] = field(default_factory=list)
    calls_f: list[int] = field(default_factory=list)
    calls_g: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def row(self, name: str) -> str:
        """Return one line of the table."""
        found = self.wrong - len(self.missed)
        calls = f"{median(self.calls_f):.0f} f, {median(self.calls_g):.0f} g" if self.calls_f else ""
        alarms = f"{len(self.alarms)} of {self.right} ({len(self.alarms) / max(1, self.right):.1%})"
        share = f"{found} of {self.wrong} ({found / max(1, self.wrong):.2%})"
        return f"{name:28s} {alarms:>20s} {len(self.unresolved):>11d} {share:>24s} {calls:>16s} {self.seconds:7.0f} s"


MOST_INPUTS = 5
"""Most inputs of the boxes of which a part is wrong."""
HEAD = (
    f"{'':28s} {'false alarms':>20s} {'unresolved':>11s} {'wrong ones found':>24s} {'calls, median':>16s} {'time':>9s}"
)


def ours(case: Case, gradient: Any, point: tuple[float, ...]) -> tuple[str, int, int]:
    """Return our verdict at a point, with the calls it took."""
    report = check_grad(case.function(), gradient, at=point, explained=False)
    return report.verdict, report.calls.f, report.calls.g


def ours_over(case: Case, gradient: Any) -> tuple[str, int, int]:
    """Return our verdict over the domain of a case."""
    domain = [logspan(*sorted(e[1:])) if e[0] == "log" else e for e in case.domain]
    report = check_grad(case.function(), gradient, domain=domain, explained=False)
    return report.verdict, report.calls.f, report.calls.g


def at_points(check: Any, cases: Sequence[Case], chosen: list[Mutant]) -> Tally:
    """Run a point checker on every case at every point, and on every mutant at its first point that shows it."""
    tally, start = Tally(), time.perf_counter()
    for case in cases:
        for point in (*case.points, *case.special):
            verdict, f, g = check(case, case.gradient(), point)
            record_right(tally, f"{case.name} at {point[:4]}", verdict)
            tally.calls_f.append(f)
            tally.calls_g.append(g)
    for mutant in chosen:
        point = next((p for p in mutant.case.points if shows_at(mutant, p)), None)
        if point is None:
            continue
        tally.wrong += 1
        verdict, *_ = check(mutant.case, mutant.case.gradient(mutant.partials), point)
        if verdict != "wrong":
            tally.missed.append(
                f"{mutant.kind}: {mutant.case.name}, {verdict} at {point[:4]}: {mutant.partials[mutant.axis]}"
            )
    tally.seconds = time.perf_counter() - start
    return tally


def record_right(tally: Tally, label: str, verdict: str) -> None:
    """Count the verdict on a right derivative."""
    tally.right += 1
    if verdict == "wrong":
        tally.alarms.append(label)
    elif verdict == "unresolved":
        tally.unresolved.append(label)


def over_domains(cases: Sequence[Case], chosen: list[Mutant]) -> Tally:
    """Run our checker over every domain."""
    tally, start = Tally(), time.perf_counter()
    for case in cases:
        verdict, f, g = ours_over(case, case.gradient())
        record_right(tally, case.name, verdict)
        tally.calls_f.append(f)
        tally.calls_g.append(g)
    for mutant in chosen:
        if not shows_in_domain(mutant):
            continue
        tally.wrong += 1
        verdict, *_ = ours_over(mutant.case, mutant.case.gradient(mutant.partials))
        if verdict != "wrong":
            tally.missed.append(f"{mutant.kind}: {mutant.case.name}, {verdict}: {mutant.partials[mutant.axis]}")
    tally.seconds = time.perf_counter() - start
    return tally


def over_regions(cases: Sequence[Case]) -> dict[int, Tally]:
    """Run our checker over the boxes of one to five inputs with a derivative that is wrong in a part, by dimension."""
    tallies: dict[int, Tally] = {}
    for case in cases:
        count = len(case.names)
        if count > MOST_INPUTS:
            continue
        tally, start = tallies.setdefault(count, Tally()), time.perf_counter()
        for mutant in regional(case):
            if not shows_in_region(mutant):
                continue
            tally.wrong += 1
            verdict, f, g = ours_over(case, case.gradient(mutant.partials))
            tally.calls_f.append(f)
            tally.calls_g.append(g)
            if verdict != "wrong":
                tally.missed.append(f"{mutant.kind}: {case.name}, {verdict}: {mutant.partials[mutant.axis]}")
        tally.seconds += time.perf_counter() - start
    return dict(sorted(tallies.items()))


def over_programs(count: int, first: int) -> Tally:
    """Run our checker at a point of random programs, right and with one bug each."""
    tally, start = Tally(), time.perf_counter()
    names = sorted(BUGS)
    for seed in range(first, first + count):
        made = program(seed)
        f = lambda *at: made.run(at)[0]  # noqa: B023, E731
        report = check_grad(f, lambda *at: made.run(at)[1], at=made.point, explained=False)  # noqa: B023
        record_right(tally, f"program {seed}", report.verdict)
        tally.calls_f.append(report.calls.f)
        tally.calls_g.append(report.calls.g)
        rng = Random(seed)
        name = rng.choice(names)
        bug = (rng.randrange(len(made.steps)), BUGS[name])
        if shows(made, bug):
            tally.wrong += 1
            report = check_grad(f, lambda *at: made.run(at, bug)[1], at=made.point, explained=False)  # noqa: B023
            if report.verdict != "wrong":
                tally.missed.append(
                    f"program {seed}, {name} in step {bug[0]}: {report.verdict} {report.resolution:.1e} {report.note}"
                )
    tally.seconds = time.perf_counter() - start
    return tally


def fuzzed(count: int, first: int) -> Counter[str]:
    """Return the verdicts on random pairs of functions, of which most are no pair; what a check raises escapes."""
    verdicts: Counter[str] = Counter()
    for seed in range(first, first + count):
        rng = Random(f"pair {seed}")
        f, df = (chained(rng.choices(PARTS, k=rng.randint(1, 3))) for _ in range(2))
        if rng.random() < 0.3:
            where = {"domain": {"x": rng.choice(EXTREME_BOXES)}}
        else:
            where = {"at": rng.choice((*EXTREMES, rng.uniform(-1e6, 1e6), rng.uniform(-3, 3), rng.uniform(-3, 3)))}
        try:
            verdicts[check_grad(f, df, budget="quick", **where).verdict] += 1
        except Exception:
            print(f"pair {seed} raises, {where}")
            raise
    return verdicts


def show_pairs() -> None:
    """Print what a check says of random pairs of functions, if that is asked for."""
    if ARGUMENTS.pairs and ARGUMENTS.only in ("", "pairs"):
        start, verdicts = time.perf_counter(), fuzzed(ARGUMENTS.pairs, ARGUMENTS.seed)
        print(
            f"{ARGUMENTS.pairs} pairs of functions: none raises; {dict(verdicts)}; {time.perf_counter() - start:.0f} s"
        )


def causes(chosen: list[Mutant]) -> dict[str, tuple[int, int]]:
    """Return, for each kind of mistake, how many were named rightly, of how many that were found at a point."""
    expected = {
        "sign": {"sign"},
        "factor": {"factor"},
        "swap": {"swap", "copy"},
        "dropped term": {"missing term", "factor", "exponent"},
    }
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for mutant in chosen:
        point = next((p for p in mutant.case.points if shows_at(mutant, p)), None)
        if mutant.kind not in expected or point is None:
            continue
        report = check_grad(mutant.case.function(), mutant.case.gradient(mutant.partials), at=point)
        if report.verdict == "wrong":
            found[mutant.kind] += 1
            right[mutant.kind] += report.cause_kind in expected[mutant.kind]
            if report.cause_kind not in expected[mutant.kind] and ARGUMENTS.list:
                print(f"  cause: {mutant.kind}: {mutant.case.name}: {mutant.partials[mutant.axis]}: {report.cause}")
    return {kind: (right[kind], found[kind]) for kind in expected}


def array_causes() -> dict[str, tuple[int, int]]:
    """Return, for each kind of mistake in gradients of arrays, how many were named rightly, of how many."""
    named: dict[str, tuple[int, int]] = {}
    for name, mistake in MUTANTS:
        f, df, at = mistaken(name, mistake)
        report = check_grad(f, df, at=at)
        right, count = named.get(mistake, (0, 0))
        named[mistake] = right + (report.cause_kind == MISTAKES[mistake][0]), count + 1
        if report.cause_kind != MISTAKES[mistake][0] and ARGUMENTS.list:
            print(f"  cause: {mistake}: {name}: {report.verdict}, {report.cause or report.note}")
    return named


def model_causes() -> dict[str, tuple[int, int]]:
    """Return, for each kind of mistake in code as engineers write it, how many were named rightly, of how many."""
    named: dict[str, tuple[int, int]] = {}
    for model, kinds in MODELS.items():
        for kind in kinds:
            try:
                f, df, at = model(kind)
            except ImportError:  # PyTorch or JAX is not here
                continue
            report = check_grad(f, df, at=at)
            right, count = named.get(kind, (0, 0))
            named[kind] = right + (report.cause_kind == kind), count + 1
            if report.cause_kind != kind and ARGUMENTS.list:
                print(f"  cause: {kind}: {model.__name__}: {report.verdict}, {report.cause or report.note}")
    return named


def program_causes() -> None:
    """Print, for each kind of mistake in programs, what is found, what is named, and what the right ones are called."""
    total: Counter[str] = Counter()
    for kind, programs in gathered().items():
        row: Counter[str] = Counter()
        for made in programs:
            verdicts = [check_grad(f, df, at=at) for f, df, at in map(made, (False, True))]
            right, wrong = verdicts
            named = wrong.cause_kind in NAMES[kind]
            row += Counter(
                {
                    "programs": 1,
                    "alarms": right.verdict == "wrong",
                    "unresolved": right.verdict == "unresolved",
                    "noted": bool(right.cause_kind),
                    "found": wrong.verdict == "wrong" or bool(wrong.cause_kind),
                    "named": named,
                }
            )
            if ARGUMENTS.list and not (named and right.verdict == "correct"):
                print(f"  cause: {kind}: {made.__name__}: {wrong.verdict}, {wrong.cause or wrong.note}")
        total += row
        print(
            f"in fresh programs, {kind:20s} found {row['found']:2d} of {row['programs']}, named {row['named']:2d}; "
            f"right ones: {row['alarms']} false alarms, {row['unresolved']} unresolved, {row['noted']} with a remark"
        )
    print(
        f"in fresh programs, all: found {total['found']} of {total['programs']}, named {total['named']} "
        f"({total['named'] / total['programs']:.1%}); of as many right ones {total['alarms']} false alarms, "
        f"{total['unresolved']} unresolved, {total['noted']} with a remark"
    )


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    cases = (*TUNED, *UNSEEN)
    chosen, fresh = ([m for case in some for m in mutants(case)] for some in (cases, UNSEEN))
    print(
        f"{len(cases)} functions, {len(UNSEEN)} of them unseen: written after the checker; {len(chosen)} wrong "
        f"derivatives; counted are those that rounding cannot hide\n{HEAD}"
    )

    def show(name: str, tally: Tally) -> None:
        print(tally.row(name), flush=True)
        if ARGUMENTS.list:
            for label, items in (
                ("false alarm", tally.alarms),
                ("unresolved", tally.unresolved),
                ("missed", tally.missed),
            ):
                for item in items:
                    print(f"  {label}: {item}")

    if ARGUMENTS.only in ("", "point"):
        show("autograd_mini, point", at_points(ours, cases, chosen))
    if ARGUMENTS.only in ("", "domain"):
        show("autograd_mini, domain", over_domains(cases, chosen))
    if ARGUMENTS.only in ("", "domain", "regions"):
        several = [case for case in cases if len(case.names) > 1]
        for count, tally in over_regions([*[case for case in cases if len(case.names) == 1][::4], *several]).items():
            show(f"wrong in a part, {count} input{'s' * (count > 1)}", tally)
    if ARGUMENTS.only in ("", "unseen"):
        show("the unseen, point", at_points(ours, UNSEEN, fresh))
        show("the unseen, domain", over_domains(UNSEEN, fresh))
    if ARGUMENTS.programs and ARGUMENTS.only in ("", "programs"):
        show(f"{ARGUMENTS.programs} random programs", over_programs(ARGUMENTS.programs, ARGUMENTS.seed))
    show_pairs()
    for name, check in peers().items():
        if ARGUMENTS.only in ("", "peers", name):
            show(name, at_points(check, cases, chosen))
    if ARGUMENTS.only in ("", "causes"):
        named = causes(chosen) | array_causes()
        total = [sum(v[k] for v in named.values()) for k in (0, 1)]
        print(
            "cause named rightly: "
            + ", ".join(f"{k} {r} of {n}" for k, (r, n) in named.items())
            + f"; {total[0] / total[1]:.1%}"
        )
        named = model_causes()
        total = [sum(v[k] for v in named.values()) for k in (0, 1)]
        print(
            "in code as engineers write it: "
            + ", ".join(f"{k} {r} of {n}" for k, (r, n) in named.items())
            + f"; {total[0] / total[1]:.1%}"
        )
        program_causes()


if __name__ == "__main__":
    command = parser(__doc__)
    command.add_argument("--programs", type=int, default=1000, help="how many random programs")
    command.add_argument("--pairs", type=int, default=1000, help="how many random pairs of functions")
    command.add_argument("--seed", type=int, default=1_000_000, help="the first seed of the random programs")
    command.add_argument(
        "--only", default="", help="point, domain, regions, unseen, programs, pairs, causes, peers, or a peer's name"
    )
    command.add_argument("--list", action="store_true", help="list every false alarm and every miss")
    ARGUMENTS = command.parse_args()
    main()
