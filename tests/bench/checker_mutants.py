"""Mutants: wrong derivatives made from right ones, as a human makes them, and whether floats can show the error."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checker_corpus import Case

SMALL_ENOUGH = 100.0


@dataclass(frozen=True)
class Mutant:
    """A case with wrong partials: which kind of mistake, and in which input."""

    case: Case
    kind: str
    axis: int
    partials: tuple[str, ...]


class _Edit(ast.NodeTransformer):
    """Change the ``index``-th place of a text where one kind of mistake can be made."""

    def __init__(self, kind: str, index: int) -> None:
        self.kind, self.index, self.seen = kind, index, 0
        self.terms: set[int] = set()

    def mark_terms(self, node: ast.AST) -> None:
        """Remember the sums that stand at the top: what is dropped there is a term of the derivative itself."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            self.terms.add(id(node))
            self.mark_terms(node.left)
            self.mark_terms(node.right)

    def here(self) -> bool:
        self.seen += 1
        return self.seen - 1 == self.index

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            kind = "dropped term" if id(node) in self.terms else "dropped inside"
            if self.kind == kind and self.here():
                return node.left
        if self.kind == "exponent" and isinstance(node.op, ast.Pow) and self.here():
            return ast.BinOp(node.left, node.op, ast.BinOp(node.right, ast.Add(), ast.Constant(1)))
        if self.kind == "dropped factor" and isinstance(node.op, ast.Mult) and self.here():
            return node.left
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        other = {"sin": "cos", "cos": "sin", "sign": "abs", "exp": "cos"}
        if self.kind == "function" and isinstance(node.func, ast.Name) and node.func.id in other and self.here():
            node.func.id = other[node.func.id]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.IfExp(node.test, node.orelse, node.body) if self.kind == "wrong branch" and self.here() else node


def edits(text: str, kind: str) -> Iterator[str]:
    """Yield the texts in which one mistake of this kind has been made."""
    for index in range(4):
        edit = _Edit(kind, index)
        tree = ast.parse(text, mode="eval")
        edit.mark_terms(tree.body)
        tree = edit.visit(tree)
        if edit.seen <= index:
            return
        yield ast.unparse(ast.fix_missing_locations(tree))


def mutants(case: Case, *, most: int = 14) -> list[Mutant]:
    """Return up to ``most`` wrong derivatives of a case, the same at every run."""
    rng, found = Random(case.name), []
    for axis, (name, claim) in enumerate(zip(case.names, case.partials, strict=True)):
        low, high = case.domain[axis][-2:]
        log = case.domain[axis][0] == "log"
        cut = math.sqrt(low * high) if log else low + 0.7 * (high - low)
        first = case.points[0][axis]
        made = {
            "sign": f"-({claim})",
            "factor": f"({rng.choice((2, 0.5, 3, 0.1))})*({claim})",
            "relative 1e-3": f"({claim})*1.001",
            "relative 1e-5": f"({claim})*1.00001",
            "power": f"({claim})*{name}",
            "zero": f"0.0*({claim})",
            "inverse power": f"({claim})/{name}",
            "part of the domain": f"({claim})*(1.1 if {name} > {cut!r} else 1.0)",
            "one side of the point": f"({claim})*(1.1 if {name} >= {first!r} else 1.0)",
        }
        texts = list(made.items())
        for kind in ("dropped term", "dropped inside", "exponent", "dropped factor", "function", "wrong branch"):
            texts += [(kind, text) for text in edits(claim, kind)]
        for kind, text in texts:
            found.append(Mutant(case, kind, axis, (*case.partials[:axis], text, *case.partials[axis + 1 :])))
        if axis + 1 < len(case.partials):
            swapped = list(case.partials)
            swapped[axis], swapped[axis + 1] = swapped[axis + 1], swapped[axis]
            found.append(Mutant(case, "swap", axis, tuple(swapped)))
    rng.shuffle(found)
    return found[:most]


def regional(case: Case) -> list[Mutant]:
    """Return derivatives of a case that are a tenth too large on a part of its box: a corner, a slab, a half space.

    The part is a twentieth or a quarter of the box; one axis, drawn at random, is wrong there.
    """
    rng, count, found = Random(f"regions of {case.name}"), len(case.names), []
    shares = [share_of(name, entry) for name, entry in zip(case.names, case.domain, strict=True)]
    for part in (0.05, 0.25):
        width, start, k = part ** (1 / count), rng.uniform(0, 1 - part), rng.randrange(count)
        weights = [rng.choice((-1, 1)) * rng.uniform(0.2, 1) for _ in shares]
        sums = sorted(sum(w * rng.random() for w in weights) for _ in range(4000))
        sides = (rng.choice((f"{u} < {width!r}", f"{u} > {1 - width!r}")) for u in shares)
        regions = {
            "corner": " and ".join(sides),
            "slab": f"{start!r} < {shares[k]} < {start + part!r}",
            "half space": f"{'+'.join(f'{w!r}*{u}' for w, u in zip(weights, shares, strict=True))} > "
            f"{sums[int((1 - part) * len(sums))]!r}",
        }
        for kind, region in regions.items():
            axis = rng.randrange(count)
            text = f"({case.partials[axis]})*(1.1 if {region} else 1.0)"
            partials = (*case.partials[:axis], text, *case.partials[axis + 1 :])
            found.append(Mutant(case, f"{kind} of {part:.0%}", axis, partials))
    return found


def share_of(name: str, entry: tuple[object, ...]) -> str:
    """Return the text of how far an input is through its interval, from 0 to 1."""
    low, high = entry[-2:]
    if entry[0] == "log":
        return f"(log({name}/{low!r})/log({high!r}/{low!r}))"
    return f"(({name}-{low!r})/{high - low!r})"


def shows_in_region(mutant: Mutant) -> bool:
    """Return whether the error shows at a hundredth of the box or more, of a region that is at least a twentieth."""
    rng = Random(mutant.case.name)
    return sum(shows_at(mutant, point_in(mutant.case, rng)) for _ in range(500)) >= 5


def shows_at(mutant: Mutant, point: tuple[float, ...]) -> bool:
    """Return whether the error at a point is a hundred times what rounding, and the noise of the case, can hide."""
    case = mutant.case
    try:
        value = case.function()(*point)
        right, wrong = case.gradient()(*point), case.gradient(mutant.partials)(*point)
    except (ArithmeticError, ValueError, TypeError):
        return False
    if not all(isinstance(p, (int, float)) for p in wrong):
        return False
    if not (math.isfinite(value) and all(map(math.isfinite, right))):
        return False
    noise = 2.0**-52 * (abs(value) + sum(abs(x * p) for x, p in zip(point, right, strict=True))) + case.grain
    return any(
        not abs(r - w) * (abs(x) or 1.0) / 4 <= SMALL_ENOUGH * noise and not abs(r - w) <= 2e-6 * abs(r)
        for x, r, w in zip(point, right, wrong, strict=True)
    )


def point_in(case: Case, rng: Random) -> tuple[float, ...]:
    """Return a random point of the domain of a case."""
    place = []
    for entry in case.domain:
        low, high = entry[-2:]
        share = rng.random()
        log = entry[0] == "log"
        place.append(
            math.copysign(abs(low) ** (1 - share) * abs(high) ** share, low) if log else low + (high - low) * share
        )
    return tuple(place)


def shows_in_domain(mutant: Mutant) -> bool:
    """Return whether the error shows at five of a hundred random points of the domain, or more."""
    rng = Random(mutant.case.name)
    return sum(shows_at(mutant, point_in(mutant.case, rng)) for _ in range(100)) >= 5
