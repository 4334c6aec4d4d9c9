"""The plan of a kernel: what is computed once, which sums become loops, where vectors lie, and how sums are tiled.

It is data, made from a tape without LLVM; `block`, `reductions` and `backend` write what it says. What is the same for
every sample is computed once, ahead of the loop over blocks, and kept in memory, from where it is broadcast to all
lanes as it is used.

>>> from autograd_mini.compiler.tape import Builder
>>> b = Builder(3)
>>> x, w, c = b.input(0), b.input(1), b.input(2)
>>> print(KernelPlan(b.finished([b.tanh(b.mul(b.exp(w), b.add(x, c)))]), [1], kept=0, width=4, registers=16))
kernel of 4 lanes: arrays of 1 column, 0 results a sample, 1 sum
uniform: 3 numbers, 1 of them computed once: exp
scratch: 1 vector
sum 0 of 1: lanes of vector 0
"""

from __future__ import annotations

from typing import NamedTuple

from autograd_mini.compiler.llvm.dot_products import LONG, dot_products_of, matvecs_of
from autograd_mini.compiler.llvm.outer_products import Scratch, cut, outer_products_of, runs_of, shape, tiles
from autograd_mini.compiler.tape import ARRAYS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograd_mini.compiler.llvm.dot_products import DotProduct
    from autograd_mini.compiler.llvm.outer_products import Product
    from autograd_mini.compiler.tape import Step, Tape

NARROW = 4
"""Maximum columns of rows that are loaded as they lie, and shuffled; wider ones are transposed into memory."""

FEWEST = 4
"""Minimum dot products per loop, even if the registers do not hold their sums."""


class Scattered(NamedTuple):
    """Sums to which each sample adds at its own indices.

    Attributes:
        first: the number of the sum at index 0.
        pairs: where the indices and the numbers lie in the scratch memory.

    """

    first: int
    pairs: list[tuple[int, int]]


class KernelPlan:
    """What a kernel computes, and how, given a program, lanes and how many vectors the registers hold.

    An `exact` one rounds each product and each sum by itself.

    Attributes:
        tape: the program; its first inputs are the columns of the batch.
        widths: how many columns each array has.
        kept: how many of the results are stored for each sample; the others are summed.
        width: how many lanes a vector has.
        batched: how many inputs are columns of the batch.
        summed: how many results are summed.
        room: how many numbers `sums` has to have room for.
        uses: how often each step is used.
        varies: whether each step varies from sample to sample.
        slot: where in `uniform` each step lies that does not vary, is needed and is no constant.
        once: of these the ones that are computed, in order.
        lying: of these the tables whose entries are inputs that lie side by side.
        slots: how many numbers `uniform` has room for.
        matvecs: the dot products of the same vectors, which become loops.
        long: the dot products that are added up in parts, by their last steps.
        inside: the steps that these loops and parts compute on the way.
        fusing: products that are computed where they are added.
        scratch: which vectors of a block lie in memory.
        wide: where in the scratch memory the columns of an array begin.
        arrays: where the vectors of each array step that varies begin there.
        outer_products: the sums that become loops, each with the tiles that it is cut into: for rows and for columns
            (first, end, size of a tile).
        tiles: the other sums of products.
        scattered: the sums that a sample adds to at its own indices.

    """

    def __init__(
        self, tape: Tape, widths: Sequence[int], kept: int, width: int, registers: int, *, exact: bool = False
    ) -> None:
        self.tape, self.widths, self.kept, self.width = tape, list(widths), kept, width
        self.batched = sum(widths)
        self.summed = len(tape.results) - kept
        self.room = -(-max(self.summed, 1) // width) * width
        self.uses = tape.uses()
        self.varies = tape.varying(self.batched)
        self._plan_uniform()
        self._plan_dot_products(max(FEWEST, registers // 2), exact=exact)  # sums fill half of the registers
        self._plan_scratch()
        self._plan_sums(*shape(width, registers))

    def _plan_uniform(self) -> None:
        """Give each step that is computed once, and used by what varies, a slot in `uniform`."""
        steps = self.tape.steps
        used = {
            at
            for step, varies in zip(steps, self.varies, strict=True)
            if varies and step[0] != "input"
            for at in step[1:]
        }
        needed = {at for at in used.union(self.tape.results) if not self.varies[at]}
        self.slot: dict[int, int] = {}
        self.slots = self.tape.inputs - self.batched
        self.once = [at for at, _ in self.tape.operations() if not self.varies[at]]
        self.lying = {at for at in self.once if self._lies(steps[at])}
        for at, step in enumerate(steps):
            if step[0] == "input" and not self.varies[at]:
                self.slot[at] = step[1] - self.batched
        for at in self.once:
            if at in self.lying:
                self.slot[at] = self.slot[steps[at][1]]
            elif at in needed or steps[at][0] in ARRAYS:
                self.slot[at] = self.slots
                self.slots += self.tape.length(at) if steps[at][0] in ARRAYS else 1

    def _lies(self, step: Step) -> bool:
        """Return whether a step is a table of inputs that lie side by side."""
        if step[0] != "table" or any(self.tape.steps[at][0] != "input" for at in step[1:]):
            return False
        places = [self.tape.steps[at][1] for at in step[1:]]
        return places == [*range(places[0], places[0] + len(places))]

    def _plan_dot_products(self, most: int, *, exact: bool) -> None:
        found = [] if exact else dot_products_of(self.tape, self.uses, self.varies, self.slot)
        self.matvecs = matvecs_of(self.tape, found, self.slot, most)
        together = {product.end for matvec in self.matvecs for product in matvec.products}
        self.long: dict[int, DotProduct] = {
            product.end: product for product in found if product.end not in together and len(product.weights) >= LONG
        }
        self.inside = {
            at for product in found if product.end in together or product.end in self.long for at in product.inside
        }
        self.fusing: set[int] = set()
        steps = self.tape.steps
        for at, step in enumerate(() if exact else steps):
            if step[0] == "add" and self.varies[at] and at not in self.inside:
                for x in step[1:]:
                    if steps[x][0] == "mul" and self.uses[x] == 1 and self.varies[x] and not self._both_vary(x):
                        self.fusing.add(x)
                        break

    def _plan_scratch(self) -> None:
        """Give the columns of wide arrays and the inputs of loops their places in memory."""
        self.scratch, self.wide = Scratch(), dict[int, int]()
        inputs = {step[1]: at for at, step in enumerate(self.tape.steps) if step[0] == "input"}
        first = 0
        for array, columns in enumerate(self.widths):
            if columns > NARROW:
                # An input that nothing uses has a place all the same.
                steps = [inputs.get(column, -1 - column) for column in range(first, first + columns)]
                self.wide[array] = self.scratch.region(steps)[0]
            first += columns
        for matvec in self.matvecs:
            matvec.place, matvec.step = self.scratch.region(matvec.inputs)
        self.arrays: dict[int, int] = {}
        self.scattered: list[Scattered] = []
        summed = {result: at for at, result in enumerate(self.tape.results[self.kept :])}
        entries = self._entries()
        for at, step in enumerate(self.tape.steps):
            if at in entries and (base := self._side_by_side(entries[at], summed)) is not None:
                places = [self.scratch.place(operand) for operand in step[2:]]
                self.scattered.append(Scattered(base, [*zip(places[::2], places[1::2], strict=True)]))
                self.inside.update((at, *entries[at]))
            elif step[0] in ARRAYS and self.varies[at]:
                self.arrays[at] = self.scratch.reserved(self.tape.length(at))
            elif step[0] == "take" and step[1] in self.arrays and self.tape.steps[step[2]][0] == "constant":
                self.scratch.places[at] = [self.arrays[step[1]] + int(self.tape.steps[step[2]][1])]
                self.inside.add(at)  # it lies in memory already

    def _entries(self) -> dict[int, list[int]]:
        """Return for each scatter that varies, and has no other use, the steps that take each of its numbers."""
        steps, found = self.tape.steps, dict[int, dict[int, int]]()
        for at, step in enumerate(steps):
            if step[0] == "take" and steps[step[1]][0] == "scatter" and steps[step[2]][0] == "constant":
                found.setdefault(step[1], {})[int(steps[step[2]][1])] = at
        return {
            at: [taken[entry] for entry in sorted(taken)]
            for at, taken in found.items()
            if len(taken) == self.tape.length(at) == self.uses[at] and all(self.varies[x] for x in steps[at][2:])
        }

    def _is_spread(self, result: int) -> bool:
        """Return whether a result is the sum of what samples scatter to it."""
        step = self.tape.steps[result]
        return step[0] == "take" and step[1] in self.inside and self.tape.steps[step[1]][0] == "scatter"

    def _side_by_side(self, entries: Sequence[int], summed: Mapping[int, int]) -> int | None:
        """Return the number of the first sum, if all entries of a scatter are but summed, side by side."""
        first = summed.get(entries[0])
        if first is None or any(self.uses[entry] != 1 for entry in entries):
            return None
        return first if [summed.get(entry) for entry in entries] == [*range(first, first + len(entries))] else None

    def _plan_sums(self, side: int, size: int) -> None:
        """Find out which sums over samples become loops, and cut them into tiles."""
        results = self.tape.results[self.kept :]
        spread = {result for result in results if self._is_spread(result)}
        candidates = [self.product(at, result) for at, result in enumerate(results)]
        found, others = outer_products_of([product for product in candidates if product is not None], self.scratch)
        products = [product[:3] for product in others if product[3] is None]
        for _, *factors in products:
            for factor in factors:
                self.scratch.place(factor)
        alone = {product[0] for product in others if product[3] is not None}  # computed, then summed
        single: list[tuple[int, int]] = []
        for at, (result, product) in enumerate(zip(results, candidates, strict=True)):
            if product is not None and at not in alone:
                self.fusing.add(result)
                if product[3] is not None:
                    self.fusing.add(self.tape.steps[result][2])
            elif self.varies[result] and result not in spread:
                single.append((at, result))
        self.outer_products = []
        for outer in [*found, *runs_of(single, self.scratch)]:
            wide = min(outer.wide, side if outer.high > 1 else size)
            high = min(outer.high, size // wide)
            self.outer_products.append((outer, cut(outer.high, high), cut(outer.wide, wide)))
        self.tiles = tiles(products, side, size)

    def fused(self, step: Step) -> tuple[int, int, int] | None:
        """Return the factors and the other summand of an addition that takes in a product; None if this is none."""
        if step[0] == "add":
            for x, other in ((step[1], step[2]), (step[2], step[1])):
                if x in self.fusing:
                    _, left, right = self.tape.steps[x]
                    return left, right, other
        return None

    def _both_vary(self, product: int) -> bool:
        return all(self.varies[factor] for factor in self.tape.steps[product][1:])

    def product(self, at: int, result: int) -> Product | None:
        """Return a sum of products of two factors that vary, or of those under a condition."""
        steps, guard = self.tape.steps, None
        if steps[result][0] == "select" and self.uses[result] == 1 and self.varies[steps[result][1]]:
            condition, product, zero = steps[result][1:]
            if steps[zero][0] == "constant" and steps[zero][1] == 0.0:
                guard, result = condition, product
        step = steps[result]
        if step[0] == "mul" and self.uses[result] == 1 and self._both_vary(result):
            return at, step[1], step[2], guard
        return None

    def __str__(self) -> str:
        """Return the plan as text, a line for each part."""
        steps = self.tape.steps
        arrays = f"arrays of {', '.join(map(str, self.widths))} column{'s' * (self.widths != [1])}"
        results = f"{_many(self.kept, 'result')} a sample, {_many(self.summed, 'sum')}"
        lines = [
            f"kernel of {self.width} lanes: {arrays}, {results}",
            f"uniform: {_many(self.slots, 'number')}, {len(self.once)} of them computed once"
            + (f": {', '.join(steps[at][0] for at in self.once)}" if self.once else ""),
        ]
        for matvec in self.matvecs:
            rows = " + ".join(str(len(part)) for part in matvec.parts)
            lines.append(
                f"loop over {len(matvec.inputs)} vectors from {matvec.place} on by {matvec.step}: "
                f"{rows} dot products, weights {matvec.stride} apart"
            )
        lines += [
            f"{_many(len(pairs), 'number')} a sample scattered to sums from {at} on" for at, pairs in self.scattered
        ]
        lines += [f"dot product of {len(product.weights)} terms in parts" for product in self.long.values()]
        lines.append(f"scratch: {_many(len(self.scratch), 'vector')}")
        lines += [
            f"columns of array {array} transposed into vectors from {place} on" for array, place in self.wide.items()
        ]
        for outer, down, across in self.outer_products:
            shapes = ", ".join(f"{top[2]} x {left[2]}" for top in down for left in across)
            last = outer.first + (outer.high - 1) * outer.down + (outer.wide - 1) * outer.across
            if outer.columns is None and outer.high == 1:
                lines.append(f"sum {outer.first} of {self.summed}: lanes of vector {outer.rows[0]}")
            else:
                what = f"{outer.high} x {outer.wide} products" if outer.columns else f"{outer.high} vectors"
                guarded = " where a condition holds" if outer.guards else ""
                lines.append(f"sums {outer.first} to {last} of {self.summed}: {what}{guarded}, in tiles of {shapes}")
        for lefts, rights, tile in self.tiles:
            lines.append(f"tile of {_many(len(tile), 'sum')}: {len(lefts)} x {len(rights)} products")
        return "\n".join(lines)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
