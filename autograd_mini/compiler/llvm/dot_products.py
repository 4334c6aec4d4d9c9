"""Chains: sums of products of weights with what varies, as a layer of a network has one for each neuron.

Written out, a layer of 64 inputs and 32 neurons is 2048 multiply-adds, which take LLVM long to compile and the
processor long to fetch. A group is the chains over the same inputs: it becomes a loop over the inputs, with a few lines
for each chain, whose sums stay in registers.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograd_mini.compiler.tape import Tape

FEWEST = 4
"""So many chains of so many terms make a group that is worth a loop."""

LONG = 8
"""A chain of so many terms that is in no group is added up in several parts, since each addition waits for the last."""


class Chain:
    """A sum: start + w0 x0 + w1 x1 and so on.

    Attributes:
        end: the step of the sum.
        start: the step that it starts from; None for nothing.
        weights: the steps of the weights, alike for all samples.
        inputs: the steps that they are multiplied by.
        inside: the steps that need not be computed on their own.

    """

    def __init__(self, end: int, start: int | None, terms: Sequence[tuple[int, int]], inside: Sequence[int]) -> None:
        self.end, self.start, self.inside = end, start, inside
        self.weights = [weight for weight, _ in terms]
        self.inputs = tuple([x for _, x in terms])


class Group:
    """Chains over the same inputs.

    Attributes:
        chains: the chains.
        inputs: the steps of the inputs, in order.
        first: for each chain where its first weight lies.
        stride: how far the weights of a chain lie apart.

    """

    def __init__(self, chains: Sequence[Chain], first: Sequence[int], stride: int) -> None:
        self.chains, self.first, self.stride = chains, first, stride
        self.inputs = chains[0].inputs


def chains_of(tape: Tape, uses: Sequence[int], varies: Sequence[bool], slot: Mapping[int, int]) -> list[Chain]:
    """Return the chains of a tape, of two terms or more, the latest first.

    Args:
        tape: the program.
        uses: how often each step is used.
        varies: whether each step varies from sample to sample.
        slot: where the numbers lie that do not vary.

    """
    steps = tape.steps

    def term(at: int) -> tuple[int, int] | None:
        step = steps[at]
        if step[0] != "mul" or uses[at] != 1 or varies[step[1]] == varies[step[2]]:
            return None
        weight, x = (step[1], step[2]) if varies[step[2]] else (step[2], step[1])
        return (weight, x) if weight in slot else None

    found: list[Chain] = []
    consumed: set[int] = set()
    for end in range(len(steps) - 1, -1, -1):
        terms: list[tuple[int, int]] = []
        inside: list[int] = []
        at = end
        while at not in consumed and steps[at][0] == "add" and varies[at] and (at == end or uses[at] == 1):
            left, right = steps[at][1:]
            product, other = (right, left) if term(right) is not None else (left, right)
            if (taken := term(product)) is None:
                break
            terms.append(taken)
            inside += (at, product)
            at = other
        start: int | None = at
        if terms and (taken := term(at)) is not None:
            terms.append(taken)
            inside.append(at)
            start = None
        if len(terms) > 1:
            consumed.update(inside)
            found.append(Chain(end, start, terms[::-1], inside))
    return found


def groups_of(tape: Tape, chains: Sequence[Chain], slot: Mapping[int, int]) -> list[Group]:
    """Return the groups that can be computed at once.

    That is when all inputs are known before the first of the sums is used, and the weights of every chain lie equally
    far apart.
    """
    alike: dict[tuple[tuple[int, ...], int], list[Chain]] = {}
    for chain in chains:
        places = [slot[weight] for weight in chain.weights]
        strides = {after - before for before, after in pairwise(places)}
        if len(strides) == 1 and len(places) >= FEWEST:
            alike.setdefault((chain.inputs, strides.pop()), []).append(chain)
    first_use = {chain.end: inf for chain in chains}
    for at in range(len(tape.steps) - 1, -1, -1):
        step = tape.steps[at]
        if step[0] not in {"input", "constant"}:
            for operand in step[1:]:
                if operand in first_use:
                    first_use[operand] = at
    groups = []
    for (inputs, stride), rows in alike.items():
        known = max(*inputs, *[chain.start for chain in rows if chain.start is not None])
        if len(rows) >= FEWEST and known < min(first_use[chain.end] for chain in rows):
            groups.append(Group(rows, [slot[chain.weights[0]] for chain in rows], stride))
    return groups
