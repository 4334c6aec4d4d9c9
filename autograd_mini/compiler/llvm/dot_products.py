"""Dot products of weights with what varies, as a layer of a network has one for each neuron.

Written out, a layer of 64 inputs and 32 neurons is 2048 multiply-adds, which take LLVM long to compile and the
processor long to fetch. Those over the same inputs are a product of a matrix and a vector: it becomes a loop over the
inputs, with a few lines for each row, whose sums stay in registers.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil, inf
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograd_mini.compiler.tape import Tape

FEWEST = 4
"""Minimum dot products, and minimum terms of each, that are worth a loop."""

LONG = 8
"""Minimum terms of a dot product outside of loops that is added up in parts, since each addition waits for the last."""


class DotProduct(NamedTuple):
    """A sum: start + w0 x0 + w1 x1 and so on.

    Attributes:
        end: the step of the sum.
        start: the step that it starts from; None for nothing.
        weights: the steps of the weights, alike for all samples.
        inputs: the steps that they are multiplied by.
        inside: the steps that need not be computed on their own.

    """

    end: int
    start: int | None
    weights: list[int]
    inputs: tuple[int, ...]
    inside: list[int]


class MatVec:
    """Dot products of several rows of weights with the same inputs.

    Attributes:
        products: the dot products.
        inputs: the steps of the inputs, in order.
        first: for each dot product where its first weight lies.
        stride: how far the weights of one lie apart.
        parts: which of them are computed together, so that the registers hold their sums.
        place: where in the scratch memory the first input lies.
        step: how far the inputs lie apart there.

    """

    def __init__(self, products: Sequence[DotProduct], first: Sequence[int], stride: int, most: int) -> None:
        self.products, self.first, self.stride = products, first, stride
        self.inputs = products[0].inputs
        size = ceil(len(products) / ceil(len(products) / most))
        self.parts = [range(at, min(at + size, len(products))) for at in range(0, len(products), size)]
        self.place, self.step = 0, 1


def dot_products_of(
    tape: Tape, uses: Sequence[int], varies: Sequence[bool], slot: Mapping[int, int]
) -> list[DotProduct]:
    """Return the dot products of a tape, of two terms or more, the latest first; see `KernelPlan`."""
    steps = tape.steps

    def term(at: int) -> tuple[int, int] | None:
        step = steps[at]
        if step[0] != "mul" or uses[at] != 1 or varies[step[1]] == varies[step[2]]:
            return None
        weight, x = (step[1], step[2]) if varies[step[2]] else (step[2], step[1])
        return (weight, x) if weight in slot else None

    found: list[DotProduct] = []
    consumed: set[int] = set()
    for end in range(len(steps) - 1, -1, -1):
        if steps[end][0] != "add":
            continue
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
            weights, inputs = zip(*terms[::-1], strict=True)
            found.append(DotProduct(end, start, [*weights], inputs, inside))
    return found


def matvecs_of(tape: Tape, products: Sequence[DotProduct], slot: Mapping[int, int], most: int) -> list[MatVec]:
    """Return the dot products of the same inputs that can be computed at once, `most` of them together.

    That is when all inputs are known before the first of the sums is used, and the weights of each lie equally far
    apart.
    """
    alike: dict[tuple[tuple[int, ...], int], list[DotProduct]] = {}
    for product in products:
        places = [slot[weight] for weight in product.weights]
        strides = {after - before for before, after in pairwise(places)}
        if len(strides) == 1 and len(places) >= FEWEST:
            alike.setdefault((product.inputs, strides.pop()), []).append(product)
    first_use = {product.end: inf for product in products}
    for at, step in reversed(tape.operations()):
        for operand in step[1:]:
            if operand in first_use:
                first_use[operand] = at
    found = []
    for (inputs, stride), rows in alike.items():
        known = max(*inputs, *[product.start for product in rows if product.start is not None])
        if len(rows) >= FEWEST and known < min(first_use[product.end] for product in rows):
            found.append(MatVec(rows, [slot[product.weights[0]] for product in rows], stride, most))
    return found
