"""An arrangement: where the cards and wires of a diagram go. Graphviz finds it, for a large diagram piece by piece.

Graphviz takes minutes for graphs of a few hundred nodes in which wires run far: its time grows with the ranks that all
wires cross. So what is large or long is cut into pieces that take milliseconds each, and these are set in rows like
the lines of a page. A wire that is cut is drawn into a tag with the name of its other end, as in a circuit diagram.
"""

from __future__ import annotations

import json
from collections import Counter
from math import sqrt
from operator import attrgetter

from autograd_mini.viz.dot import card_size, layout_source
from autograd_mini.viz.renderers import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from autograd_mini.viz.diagram import Card, Diagram, Wire

    Point = tuple[float, float]
    Box = tuple[float, float, float, float]

EFFORT = 600
"""Maximum ranks, added up over the wires, for which Graphviz lays out a whole diagram."""

RANKS = 40
"""Maximum ranks of a diagram in one piece."""

COLUMN = 24
"""Maximum cards in a rank of a diagram in one piece."""

REACH = 3
"""Maximum ranks that a wire crosses within a piece."""

FAN = 8
"""Maximum wires into a card of operands that are used nowhere else, which are not cut."""

USES = 8
"""Maximum uses of a value, of whose wires none are cut."""

BATCH = 120
"""Nodes that are laid out in one run of Graphviz, unless one piece has more."""

ASPECT = 1.7
"""The ratio of width to height of the page that pieces are set on."""

GAP = 26.0
"""Points between the pieces of a page."""


class Layout:
    """Where Graphviz put things, in points, with y growing downwards.

    Attributes:
        size: the width and height of the whole.
        boxes: for every node its left, top, width and height.
        curves: for every edge the points of its Bézier curve: the start, then three a piece.
        marks: for every edge that has a place kept free for what is written on it, the middle of that place.
        frames: for each frame of the diagram, in its order, its left, top, width and height.
        tags: for every edge that was cut, the name of the end that is elsewhere; its box has the edge's name.

    """

    def __init__(self, source: bytes) -> None:
        self.tags: dict[str, str] = {}
        found = json.loads(source)
        _, _, right, top = map(float, found["bb"].split(","))
        self.size = (right, top)
        self.boxes: dict[str, tuple[float, float, float, float]] = {}
        self.curves: dict[str, list[Point]] = {}
        self.marks: dict[str, Point] = {}
        frames: dict[int, Box] = {}
        for node in found.get("objects", ()):
            if node["name"].startswith("cluster_"):
                left, bottom, right, upper = map(float, node["bb"].split(","))
                frames[int(node["name"].removeprefix("cluster_"))] = (left, top - upper, right - left, upper - bottom)
            if "pos" not in node:
                continue
            x, y = map(float, node["pos"].split(","))
            w, h = 72.0 * float(node["width"]), 72.0 * float(node["height"])
            if node["name"].startswith("m"):
                self.marks[node["name"][1:]] = (x, top - y)
            else:
                self.boxes[node["name"]] = (x - w / 2.0, top - y - h / 2.0, w, h)
        self.frames = [box for _, box in sorted(frames.items())]
        halves = {}
        for edge in found.get("edges", ()):
            points = edge["pos"].split(" ")
            ends = [text for text in points if text.startswith("e,")]
            inner = [_point(text, top) for text in points if text[0] not in "es"]
            halves[edge["id"]] = [*inner, *[_point(text[2:], top) for text in ends]]
        for key, curve in halves.items():
            if not key.startswith("m"):
                self.curves[key] = _joined(halves[f"m{key}"], curve) if f"m{key}" in halves else curve

    @classmethod
    def empty(cls) -> Layout:
        """Return a layout that nothing has been put on yet."""
        return cls(b'{"bb": "0,0,0,0"}')

    def take(self, other: Layout) -> None:
        """Put everything of another layout where it is there."""
        self.boxes |= other.boxes
        self.curves |= other.curves
        self.marks |= other.marks

    def extent(self, names: Collection[str]) -> Box:
        """Return the box around nodes and edges: left, top, width and height."""
        boxes = [self.boxes[name] for name in names if name in self.boxes]
        points = [point for name in names for point in self.curves.get(name, ())]
        xs = [x for left, _, w, _ in boxes for x in (left, left + w)] + [x for x, _ in points]
        ys = [y for _, top, _, h in boxes for y in (top, top + h)] + [y for _, y in points]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)

    def move(self, names: Iterable[str], dx: float, dy: float) -> None:
        """Move nodes and edges, with what belongs to them."""
        for name in names:
            if name in self.boxes:
                left, top, w, h = self.boxes[name]
                self.boxes[name] = (left + dx, top + dy, w, h)
            if name in self.curves:
                self.curves[name] = [(x + dx, y + dy) for x, y in self.curves[name]]
            if name in self.marks:
                x, y = self.marks[name]
                self.marks[name] = (x + dx, y + dy)


def _joined(first: list[Point], second: list[Point]) -> list[Point]:
    """Return two curves as one, with a straight piece between them."""
    (x0, y0), (x1, y1) = first[-1], second[0]
    between = [(x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in (1.0 / 3.0, 2.0 / 3.0)]
    return [*first, *between, *second]


def _point(text: str, top: float) -> Point:
    x, y = text.split(",")
    return float(x), top - float(y)


def placed(source: str) -> Layout:
    """Return where Graphviz puts the nodes and edges of a DOT source."""
    return Layout(render(source, "json"))


def arranged(diagram: Diagram) -> Layout:
    """Return where the cards and wires of a diagram go."""
    cutting = _Cutting(diagram)
    if cutting.whole:
        return placed(layout_source(diagram))
    cutting.cut()
    return _page(diagram, cutting)


def in_one_piece(diagram: Diagram) -> bool:
    """Tell whether Graphviz lays a diagram out as a whole, within a second."""
    return _Cutting(diagram).whole


class _Cutting:
    """The wires of a diagram that are cut, and the ranks and pieces of what is left.

    Attributes:
        cuts: the key of each wire that is cut, with the end that it stays at: "tail" or "head".
        ranks: for each card the ranks between it and the end of its piece.
        pieces: the cards of each piece.

    """

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.index = {card.key: index for index, card in enumerate(diagram.cards)}
        self.sizes = {card.key: card_size(card) for card in diagram.cards}
        self.operations = {card.key for card in diagram.cards if card.kind == "operation"}
        self.flip = diagram.rankdir in {"TB", "BT"}
        self.cuts: dict[str, str] = {}
        self.pieces: list[list[Card]] = []
        self.ranks = self._ranked()
        effort = sum(map(self._span, diagram.wires))
        columns = Counter(self.ranks.values())
        self.whole = effort <= EFFORT and len(columns) <= RANKS and max(columns.values(), default=0) <= COLUMN

    def cut(self) -> None:
        """Cut the wires of long sums and those that run far, then what is long, and find the pieces."""
        self._cut_fans()
        self.ranks = self._ranked()
        far = {wire.tail for wire in self._uncut() if self._span(wire) > REACH}
        far -= {wire.head for wire in self.diagram.wires}  # of leaves every wire, of results those that run far
        far |= self._shared()
        for wire in self._uncut():
            if self._span(wire) > REACH or wire.tail in far:
                self.cuts[wire.key] = "head"
        self.ranks = self._ranked()
        self._cut_bands()
        self.pieces = self._connected()

    def _uncut(self) -> list[Wire]:
        return [wire for wire in self.diagram.wires if wire.key not in self.cuts]

    def _span(self, wire: Wire) -> int:
        return max(1, abs(self.ranks[wire.tail] - self.ranks[wire.head]))

    def _cut_fans(self) -> None:
        """Cut the wires into an operation of many operands that are used nowhere else: the terms of a long sum."""
        used = Counter(wire.tail for wire in self.diagram.wires)
        into: dict[str, list[Wire]] = {}
        for wire in self.diagram.wires:
            into.setdefault(wire.head, []).append(wire)
        for head, wires in into.items():
            if head not in self.operations:
                continue
            own = [wire for wire in wires if used[wire.tail] == 1]
            if len(own) > FAN:
                self.cuts |= {wire.key: "tail" for wire in own}

    def _shared(self) -> set[str]:
        """Return the cards of values that a great many operations use."""
        uses = Counter(wire.tail for wire in self.diagram.wires if wire.head in self.operations)
        return {key for key, count in uses.items() if count > USES}

    def _ranked(self) -> dict[str, int]:
        """Return for each card the longest way, in wires that are not cut, to a card that nothing goes on from.

        A graph of groups may have cycles: where one has to be broken, the youngest card is taken for the end.
        """
        before: dict[str, list[str]] = {card.key: [] for card in self.diagram.cards}
        left = dict.fromkeys(before, 0)
        for wire in self._uncut():
            before[wire.head].append(wire.tail)
            left[wire.tail] += 1
        ranks = dict.fromkeys(before, 0)
        done: set[str] = set()
        ready = [key for key, count in left.items() if not count]
        rest = list(before)
        while len(done) < len(before):
            if not ready:
                while rest[-1] in done:
                    rest.pop()
                ready.append(rest.pop())
            key = ready.pop()
            if key in done:
                continue
            done.add(key)
            for tail in before[key]:
                left[tail] -= 1
                if tail not in done:
                    ranks[tail] = max(ranks[tail], ranks[key] + 1)
                    if not left[tail]:
                        ready.append(tail)
        return ranks

    def _cut_bands(self) -> None:
        """Cut each piece that is longer than the page is wide where its ranks reach the end of a line."""
        line = self.line()
        bands: dict[str, int] = {}
        for piece in self._connected():
            longest: dict[int, float] = {}
            for card in piece:
                rank = self.ranks[card.key]
                longest[rank] = max(longest.get(rank, 0.0), self.sizes[card.key][self.flip] + 40.0)
            at, band, band_of = 0.0, 0, {}
            for rank in sorted(longest, reverse=True):
                if at and at + longest[rank] > line and sum(longest.values()) > 1.25 * line:
                    at, band = 0.0, band + 1
                at += longest[rank]
                band_of[rank] = band
            bands |= {card.key: band_of[self.ranks[card.key]] for card in piece}
        nearest: dict[str, int] = {}  # a leaf stands in the band where it is first used
        for wire in self._uncut():
            nearest[wire.tail] = min(nearest.get(wire.tail, bands[wire.head]), bands[wire.head])
        bands |= {key: nearest[key] for key in nearest.keys() - {wire.head for wire in self.diagram.wires}}
        for wire in self._uncut():
            if bands[wire.tail] != bands[wire.head]:
                self.cuts[wire.key] = "head"

    def line(self) -> float:
        """Return how long a line of the page is, in points: its width, or its height if ranks run down."""
        tags = Counter(wire.head for wire in self.diagram.wires if self.cuts.get(wire.key) == "head")
        area = 0.0
        for piece in self._connected():
            lengths: dict[int, float] = {}
            depths: dict[int, float] = {}
            for card in piece:
                rank, size = self.ranks[card.key], self.sizes[card.key]
                lengths[rank] = max(lengths.get(rank, 0.0), size[self.flip] + 40.0)
                depths[rank] = depths.get(rank, 0.0) + size[not self.flip] + 20.0
                if card.key in tags:
                    depths[rank + 1] = depths.get(rank + 1, 0.0) + 38.0 * tags[card.key]
            area += sum(lengths.values()) * (max(depths.values()) + GAP)
        return max(sqrt(area / ASPECT if self.flip else area * ASPECT), 800.0)

    def _connected(self) -> list[list[Card]]:
        """Return the cards of each piece, in order; the pieces in the order of their last cards."""
        parent = {key: key for key in self.index}

        def top(key: str) -> str:
            while parent[key] != key:
                parent[key] = parent[parent[key]]
                key = parent[key]
            return key

        for wire in self._uncut():
            parent[top(wire.tail)] = top(wire.head)
        found: dict[str, list[Card]] = {}
        for card in self.diagram.cards:
            found.setdefault(top(card.key), []).append(card)
        return sorted(found.values(), key=lambda piece: self.index[piece[-1].key])


def _page(diagram: Diagram, cutting: _Cutting) -> Layout:
    """Lay out the pieces and set them in lines."""
    of_piece = {card.key: number for number, piece in enumerate(cutting.pieces) for card in piece}
    wires: list[list[Wire]] = [[] for _ in cutting.pieces]
    for wire in diagram.wires:
        wires[of_piece[wire.tail if cutting.cuts.get(wire.key) == "tail" else wire.head]].append(wire)
    page = Layout.empty()
    by_key = {card.key: card for card in diagram.cards}
    for wire in diagram.wires:
        if wire.key in cutting.cuts:
            other = wire.head if cutting.cuts[wire.key] == "tail" else wire.tail
            page.tags[wire.key] = by_key[other].name
    boxes = _laid_out(diagram, cutting, wires, page)
    moves, page.size = _set(boxes, cutting.line(), diagram.rankdir)
    for piece, own, (dx, dy) in zip(cutting.pieces, wires, moves, strict=True):
        page.move(map(attrgetter("key"), (*piece, *own)), dx, dy)
    return page


def _laid_out(diagram: Diagram, cutting: _Cutting, wires: Sequence[list[Wire]], page: Layout) -> list[Box]:
    """Lay out the pieces, several in a run, write where their parts are, and return the box of each piece."""
    boxes: list[Box] = []
    batch: list[int] = []
    size = 0
    for number, piece in enumerate(cutting.pieces):
        batch.append(number)
        size += len(piece) + sum(wire.key in cutting.cuts for wire in wires[number])
        following = number + 1
        if size < BATCH and following < len(cutting.pieces):
            continue
        cards = [card for n in batch for card in cutting.pieces[n]]
        between = [wire for n in batch for wire in wires[n]]
        found = placed(layout_source(diagram, cards=cards, wires=between, cuts=cutting.cuts, tags=page.tags))
        page.take(found)
        boxes += [found.extent([*map(attrgetter("key"), (*cutting.pieces[n], *wires[n]))]) for n in batch]
        batch, size = [], 0
    return boxes


def _set(boxes: Sequence[Box], line: float, rankdir: str) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """Return how far each box moves so that they stand in lines, and the size of the whole."""
    flip = rankdir in {"TB", "BT"}
    places: list[tuple[float, float]] = []
    along = across = deepest = longest = 0.0
    for box in boxes:
        length, depth = (box[3], box[2]) if flip else (box[2], box[3])
        if along and along + length > line * 1.05:
            along, across, deepest = 0.0, across + deepest + GAP, 0.0
        places.append((along, across))
        along += length + GAP
        longest, deepest = max(longest, along - GAP), max(deepest, depth)
    total = across + deepest
    moves = []
    for (left, top, w, h), (at, over) in zip(boxes, places, strict=True):
        start = longest - at - (h if flip else w) if rankdir in {"RL", "BT"} else at
        x, y = (over, start) if flip else (start, over)
        moves.append((x - left, y - top))
    return moves, ((total, longest) if flip else (longest, total))
