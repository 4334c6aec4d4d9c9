"""The kernel of a program in CUDA C: one sample a thread.

What is the same for every sample lies in constant memory; what of it is computed, is computed once, by plain Python.
Sums over samples are taken in one of two ways, each in an order that depends on the number of samples alone:

- few of them: each thread adds up its samples' results, and the threads of a block are added up as a tree;
- many, such as the gradient by matrices of weights: a sum's terms are products of two factors, of which there are far
  fewer than products. A block writes its samples' factors to shared memory, and each of its threads adds up the
  products of some sums over these samples.

Blocks write what they summed, and a second kernel adds that up. Arrays of 32 bits on the GPU are computed with in 32
bits, all others in 64; sums over samples are kept in 64 bits.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from autograd_mini.compiler.export.c import Dialect, function
from autograd_mini.compiler.tape import ARRAYS, LEAVES, TRUTHS, Tape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

FEW = 16
"""Maximum sums that every thread keeps for itself."""

THREADS = 128
"""Threads of a block, where its factors have room in shared memory."""

WARP = 32
"""Threads that a GPU starts together: the fewest that a block has."""

SHARED = 48 * 1024
"""Bytes of shared memory that a block has on every GPU."""

CONSTANT = 60 * 1024
"""Bytes of constant memory for the inputs that are the same for every sample; more lie in global memory."""

NUMBERS = {8: Dialect("double", "", "static __device__ __forceinline__"),
           4: Dialect("float", "f", "static __device__ __forceinline__")}  # fmt: skip
"""The dialects of CUDA C, by the bytes of a number."""


class Round(NamedTuple):
    """Some of the sums: products of factors that have room in shared memory together.

    Attributes:
        factors: which factors they are, in the order in which a sample's function finds them.
        pairs: for each sum of products the places of both factors among them.

    """

    factors: list[int]
    pairs: list[tuple[int, int]]


class Plan(NamedTuple):
    """How a tape is divided.

    Attributes:
        same: what is computed once for all samples, from all inputs; those of samples are not used.
        sample: what is computed for each of them; its inputs are those of the tape, and then what `same` returns.
        rounds: the sums of products, in their order; none where every thread sums for itself.
        means: how many means the tape has.
        sums: for each sum of products which mean it is a part of.
        added: the inputs of `sample` that are added to means, with the places of these.

    """

    same: Tape
    sample: Tape
    rounds: list[Round]
    means: int
    sums: list[int]
    added: list[tuple[int, int]]


def planned(tape: Tape, batched: int, kept: int) -> Plan:
    """Divide a tape whose first inputs are those of a sample, and whose first results are returned for each."""
    varies, steps = tape.varying(batched), tape.steps
    edge, seen, waiting = list[int](), set[int](), [*tape.results]
    while waiting:
        at = waiting.pop()
        if at in seen or steps[at][0] in LEAVES:
            continue
        seen.add(at)
        if varies[at] or steps[at][0] in TRUTHS | ARRAYS:
            waiting += steps[at][1:]
        else:
            edge.append(at)
    known = {at: tape.inputs + place for place, at in enumerate(edge)}
    divided = [("input", known[at]) if at in known else step for at, step in enumerate(steps)]
    inputs = tape.inputs + len(edge)
    same = Tape(steps, edge, tape.inputs).pruned()

    def sample(results: Sequence[int]) -> Tape:
        return Tape(divided, results, inputs).pruned()

    means = len(tape.results) - kept
    few = Plan(same, sample(tape.results), [], means, [], [])
    if means <= FEW:
        return few
    one = len(divided)
    divided.append(("constant", 1.0))
    terms: list[tuple[tuple[int, int], int]] = []
    added: list[tuple[int, int]] = []
    uses = tape.uses()
    for place, at in enumerate(tape.results[kept:]):
        for term in _terms(divided, at, uses):
            name, *operands = divided[term]
            if name == "input" and not varies[term]:
                added.append((operands[0], place))
            else:
                first, second = sorted(operands) if name == "mul" and uses[term] == 1 else (term, one)
                terms.append(((first, second), place))
    if not terms:
        return few
    terms.sort()
    factors: dict[int, int] = {}
    rounds: list[Round] = []
    here: dict[int, int] = {}
    for pair, _ in terms:
        if not rounds or len(here.keys() | {*pair}) > SHARED // (8 * (WARP + 1)):
            rounds.append(Round([], []))
            here = {}
        for at in pair:
            if at not in here:
                here[at] = len(here)
                rounds[-1].factors.append(factors.setdefault(at, len(factors)))
        rounds[-1].pairs.append((here[pair[0]], here[pair[1]]))
    return Plan(same, sample([*tape.results[:kept], *factors]), rounds, means, [place for _, place in terms], added)


def _terms(steps: Sequence[tuple[Any, ...]], at: int, uses: Sequence[int]) -> list[int]:
    """Return the products and inputs that a step is the sum of, to be summed apart; itself if it is no such sum."""
    found, waiting = [], [at]
    while waiting:
        term = waiting.pop()
        if steps[term][0] == "add" and uses[term] == 1:
            waiting += steps[term][:0:-1]
        elif steps[term][0] in {"mul", "input"} or term == at:
            found.append(term)
        else:
            return [at]
    return found


class Kernel:
    """The kernel of a plan, for numbers of one size.

    Attributes:
        plan: the plan.
        widths: how many columns each array of a batch has.
        threads: the threads of a block.
        sums: how many sums a batch has.
        in_constant: whether the inputs that are the same for every sample lie in constant memory.

    """

    def __init__(self, plan: Plan, widths: Sequence[int], kept: int, size: int = 8) -> None:
        self.plan, self.widths = plan, widths
        self._kept, self._c = kept, NUMBERS[size]
        self._most = max((len(part.factors) for part in plan.rounds), default=0)
        self.threads = THREADS
        while self.threads > WARP and self._most * (self.threads + 1) * size > SHARED:
            self.threads //= 2
        self._stride = self.threads + 1  # so that one factor's numbers and another's lie in different banks
        self._same = plan.sample.inputs - sum(widths)
        self.in_constant = 0 < self._same * size <= CONSTANT
        self.sums = len(plan.sums) or plan.means

    @cached_property
    def text(self) -> str:
        """What a compiler takes: the kernel "program", and the kernel "total" that adds up what its blocks summed."""
        plan, number = self.plan, self._c.number
        found = len(plan.sample.results) - self._kept
        placed = len(plan.rounds) == 1  # in shared memory at once
        rows = "".join(f"a{at} + i * {width}LL, " for at, width in enumerate(self.widths))
        arrays = [f"const {number} *a{at}" for at in range(len(self.widths))]
        uniform = [] if self.in_constant else [f"const {number} *u"]
        local = f"{number} *const found = factors + t;" if placed else f"{number} found[{max(found, 1)}] = {{0}};"
        most = sum(map(self._rows, plan.rounds)) or self.sums
        return _TEXT.format(
            number=number,
            constant=f"__constant__ {number} uniform[{self._same}];\n" if self.in_constant else "",
            tables="".join(map(_table, range(len(plan.rounds)), plan.rounds)),
            sample=self._sample([*arrays, f"const {number} *u"], self._stride if placed else 1),
            threads=self.threads,
            given=", ".join(["long long n", *arrays, *uniform, f"{number} *columns", "double *partial"]),
            shared=f"    __shared__ {number} factors[{self._most * self._stride}];\n" if plan.rounds else "",
            u=f"    const {number} *const u = uniform;\n" if self.in_constant else "",
            sums=f"    double sums[{most}] = {{0.0}};\n" if most else "",
            found=local,
            call=f"sample({rows}u, n, i, columns, found);",
            none=_NONE.format(found=found, stride=self._stride) if placed else "",
            summing="".join(self._summing()),
            storing="".join(self._storing()),
        )

    def _sample(self, arguments: Sequence[str], stride: int) -> str:
        """Write the function of one sample, which stores its results, and what it found at a stride."""
        c, found = self._c, len(self.plan.sample.results) - self._kept
        given = [f"a{at}[{column}]" for at, width in enumerate(self.widths) for column in range(width)]
        same = [f"u[{at}]" for at in range(self._same)]
        stored = [f"columns[{at}LL * n + i]" for at in range(self._kept)]
        stored += [f"found[{at * stride}]" for at in range(found)]
        taken = [*arguments, "long long n", "long long i", f"{c.number} *columns", f"{c.number} *found"]
        return function(self.plan.sample, "sample", taken, [*given, *same], c, stored)

    def _rows(self, part: Round) -> int:
        """Return how many sums of a round each thread has at most."""
        return -(-len(part.pairs) // self.threads)

    def _summing(self) -> Iterator[str]:
        """Write what is done with what was found of a block's samples."""
        if not self.plan.rounds:
            yield from (f"        sums[{at}] += (double)found[{at}];\n" for at in range(self.sums))
        row = 0
        for at, part in enumerate(self.plan.rounds):
            if len(self.plan.rounds) > 1:
                for place, one in enumerate(part.factors):
                    yield f"        factors[{place * self._stride} + t] = found[{one}];\n"
            numbers = {"at": at, "row": row, "rows": self._rows(part), "pairs": len(part.pairs)}
            yield _ROUND.format(**numbers, threads=self.threads, stride=self._stride, number=self._c.number)
            row += self._rows(part)

    def _storing(self) -> Iterator[str]:
        """Write how a block's sums are stored."""
        if not self.plan.rounds:
            yield from (
                f"    add_up(sums[{at}], partial + {at}LL * gridDim.x + blockIdx.x);\n" for at in range(self.sums)
            )
        row = before = 0
        for part in self.plan.rounds:
            numbers = {"row": row, "rows": self._rows(part), "pairs": len(part.pairs), "before": before}
            yield _STORE.format(**numbers, threads=self.threads)
            row, before = row + self._rows(part), before + len(part.pairs)


def _table(at: int, part: Round) -> str:
    """Write where in shared memory the factors of each sum of a round lie."""
    columns = zip(("first", "second"), zip(*part.pairs, strict=True), strict=True)
    return "".join(
        f"__device__ const unsigned short {name}{at}[{len(places)}] = {{{', '.join(map(str, places))}}};\n"
        for name, places in columns
    )


_TEXT = """\
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif

{constant}{tables}
{sample}
/* The sum of a number over the threads of a block, as a tree. */
static __device__ void add_up(double number, double *place)
{{
    __shared__ double tree[{threads}];
    const int t = threadIdx.x;
    tree[t] = number;
    __syncthreads();
    for (int half = {threads} / 2; half > 0; half /= 2) {{
        if (t < half) {{
            tree[t] += tree[t + half];
        }}
        __syncthreads();
    }}
    if (t == 0) {{
        *place = tree[0];
    }}
    __syncthreads();
}}

extern "C" __global__ void program({given})
{{
{shared}{u}{sums}    const int t = threadIdx.x;
    for (long long first = blockIdx.x * {threads}LL; first < n; first += gridDim.x * {threads}LL) {{
        const long long i = first + t;
        {found}
        if (i < n) {{
            {call}
        }}
{none}{summing}    }}
{storing}}}

extern "C" __global__ void total(const double *partial, long long count, double *totals)
{{
    double sum = 0.0;
    for (long long at = threadIdx.x; at < count; at += {threads}) {{
        sum += partial[blockIdx.x * count + at];
    }}
    add_up(sum, totals + blockIdx.x);
}}
"""

_ROUND = """\
        __syncthreads();
#pragma unroll
        for (int row = 0; row < {rows}; ++row) {{
            const int k = row * {threads} + t;
            if (k < {pairs}) {{
                const {number} *const x = factors + first{at}[k] * {stride};
                const {number} *const y = factors + second{at}[k] * {stride};
                {number} sum = 0;
                for (int s = 0; s < {threads}; ++s) {{
                    sum += x[s] * y[s];
                }}
                sums[{row} + row] += (double)sum;
            }}
        }}
        __syncthreads();
"""

_NONE = """\
        if (i >= n) {{
            for (int at = 0; at < {found}; ++at) {{
                found[at * {stride}] = 0;
            }}
        }}
"""

_STORE = """\
#pragma unroll
    for (int row = 0; row < {rows}; ++row) {{
        const int k = row * {threads} + t;
        if (k < {pairs}) {{
            partial[({before}LL + k) * gridDim.x + blockIdx.x] = sums[{row} + row];
        }}
    }}
"""
