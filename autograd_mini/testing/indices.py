"""An index in source code: the ends of a loop or a slice, a subscript, or a number that counts, and what is beside it.

>>> import ast
>>> code = ast.parse("def f(x, n): return sum(x[i + 1] for i in range(n - 1))").body[0]
>>> for move in moves(code):
...     with move.made():
...         print(move.shown())
x[i + 2]
x[i]
x[i - 1]
range(1, n - 1)
range(n)
range(n - 2)
range(1, n)
"""

from __future__ import annotations

import ast
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RANGES = {"range", "arange"}
"""Functions that count, from a first number to one beyond the last."""
_COUNTING = {*_RANGES, "enumerate", "count"}
_OFFSETS = {"roll", "eye", "diag", "tri", "tril", "triu", "diagonal", "islice", "enumerate"}
"""Functions whose second argument is an index or an offset."""
_LONG = 60
"""Characters above which an expression is shown without what is around it."""
_SEQUENCES = (ast.Name, ast.Attribute)


@dataclass
class Move:
    """One expression, or several of the same text, that are replaced by what is beside them.

    Attributes:
        shows: the expression around it that is shown.
        changes: the places, each an object with the name of its attribute or an index, and what comes there.
        whole: whether it is a whole loop that begins and ends later, rather than one end of it.
        kind: what the mistake is that it mends: "shift" or "mean".

    """

    shows: ast.expr | ast.Assign
    changes: list[tuple[Any, str | int, Any]]
    whole: bool = False
    kind: str = "shift"

    @property
    def line(self) -> int:
        """The number of its line."""
        return self.shows.lineno

    def shown(self) -> str:
        """Return the expression around it as text, or, where that is long, itself."""
        text, alone = ast.unparse(self.shows), _at(*self.changes[0][:2])
        return ast.unparse(alone) if len(text) > _LONG and isinstance(alone, ast.expr) else text

    @contextmanager
    def made(self) -> Iterator[None]:
        """Have the source say the other in a block."""
        before = [(holder, where, _at(holder, where)) for holder, where, _ in self.changes]
        for holder, where, new in self.changes:
            _put(holder, where, new)
        try:
            yield
        finally:
            for holder, where, old in before:
                _put(holder, where, old)


def _at(holder: Any, where: str | int) -> Any:
    return getattr(holder, where) if isinstance(where, str) else holder[where]


def _put(holder: Any, where: str | int, new: Any) -> None:
    if isinstance(where, str):
        setattr(holder, where, new)
    else:
        holder[where] = new


def means(function: ast.AST) -> list[Move]:
    """Return every sum of a function by the name of a mean, and the other way round; then all of them together.

    >>> code = ast.parse("def f(g): return g - g.sum() - np.sum(g * g)").body[0]
    >>> for move in means(code):
    ...     with move.made():
    ...         print(ast.unparse(code.body[0]))
    return g - g.sum() - np.mean(g * g)
    return g - g.mean() - np.sum(g * g)
    return g - g.mean() - np.mean(g * g)
    """
    found = list[Move]()
    for old, new in (("sum", "mean"), ("mean", "sum")):
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        named = [node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == old]
        each = [Move(node, [(node.func, "attr", new)], kind="mean") for node in named]
        found += each
        if len(each) > 1:
            found.append(Move(named[0], [change for move in each for change in move.changes], kind="mean"))
    return found


def moves(function: ast.AST) -> list[Move]:
    """Return every index of a function moved by one; after them, those of one text together and loops as a whole."""
    counters, found = _counters(function), list[Move]()
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            found += _of_subscript(node)
        elif isinstance(node, ast.Call):
            found += _of_call(node, counters)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _counts(node.value, counters):
            found += [Move(node, [(node, "value", new)]) for new in _beside(node.value)]
        elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.iter, _SEQUENCES):
            for low, high in ((1, None), (None, -1)):
                part = ast.Subscript(node.iter, ast.Slice(_constant(low), _constant(high)), ast.Load())
                found.append(Move(part, [(node, "iter", part)]))
        found += _of_counters(node, counters)
    alike: dict[tuple[str, str], list[Move]] = defaultdict(list)
    for move in found:
        holder, where, new = move.changes[0]
        alone = isinstance(move.shows, ast.Subscript) and len(move.changes) == 1
        if alone and new and isinstance(old := _at(holder, where), ast.expr):
            alike[ast.unparse(old), ast.unparse(new)].append(move)
    several = [
        Move(m[0].shows, [change for move in m for change in move.changes]) for m in alike.values() if len(m) > 1
    ]
    return sorted([*found, *several], key=lambda move: move.whole)


def _counters(function: ast.AST) -> set[str]:
    """Return the names that count: of loops over a range, of what is made of one, and of subscripts."""
    found = set[str]()
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript):
            found |= {part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)}
        if isinstance(node, (ast.For, ast.comprehension)):
            source, target = node.iter, node.target
        elif isinstance(node, ast.Assign):
            source, target = node.value, node.targets[0]
        else:
            continue
        called = {_name(call.func) for call in ast.walk(source) if isinstance(call, ast.Call)}
        if called & _RANGES or (called & _COUNTING and not isinstance(target, ast.Tuple)):
            found |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif called & _COUNTING and isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
            found.add(target.elts[0].id)
        elif isinstance(node, ast.Assign) and called & {"len"} and isinstance(target, ast.Name):
            found.add(target.id)
    return found


def _name(function: ast.expr) -> str:
    """Return the last name of what is called."""
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _counts(node: ast.expr, counters: set[str]) -> bool:
    """Return whether an expression is a sum or a difference of whole numbers, counters and lengths."""
    if isinstance(node, ast.BinOp):
        whole = isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv))
        return whole and _counts(node.left, counters) and _counts(node.right, counters)
    if isinstance(node, ast.IfExp):
        return _counts(node.body, counters) and _counts(node.orelse, counters)
    if isinstance(node, ast.Call):
        return _name(node.func) == "len"
    if isinstance(node, ast.Name):
        return node.id in counters
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_plain(node: ast.expr) -> bool:
    """Return whether what counts is whole numbers alone: a factor or a power, rather than an index."""
    if isinstance(node, ast.IfExp):
        return _is_plain(node.body) and _is_plain(node.orelse)
    if isinstance(node, ast.BinOp):
        return _is_plain(node.left) and _is_plain(node.right)
    return isinstance(node, ast.Constant)


def _constant(number: int | None) -> ast.expr | None:
    return None if number is None else ast.Constant(number)


def _moved(node: ast.expr, step: int) -> ast.expr:
    """Return an expression that is a whole number more."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return ast.copy_location(ast.Constant(node.value + step), node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return ast.copy_location(ast.Constant(step - node.operand.value), node)  # type: ignore[operator]
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        last = node.right
        if isinstance(last, ast.Constant) and type(last.value) is int:
            amount = (last.value if isinstance(node.op, ast.Add) else -last.value) + step
            return _plus(node.left, amount)
    return _plus(node, step)


def _plus(node: ast.expr, amount: int) -> ast.expr:
    if not amount:
        return node
    operation = ast.Add() if amount > 0 else ast.Sub()
    return ast.copy_location(ast.BinOp(node, operation, ast.Constant(abs(amount))), node)


def _beside(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what is one more and one less, and what is as far on the other side of 0."""
    yield from (_moved(node, 1), _moved(node, -1))
    number = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)) else node
    if isinstance(node, ast.UnaryOp) or ast.unparse(number) == "1":
        negative = isinstance(node, ast.UnaryOp) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub))
        yield _moved(node, 2 if negative else -2)


def _of_subscript(node: ast.Subscript) -> Iterator[Move]:
    """Yield what a subscript says with one index moved, or both ends of a slice."""
    several = isinstance(node.slice, ast.Tuple)
    holders: Sequence[tuple[Any, str | int]] = (
        [(node.slice.elts, i) for i in range(len(node.slice.elts))]
        if isinstance(node.slice, ast.Tuple)
        else [(node, "slice")]
    )
    for holder, where in holders:
        index = _at(holder, where)
        if isinstance(index, ast.Slice):
            for changes in _of_slice(index):
                yield Move(node, changes)
        elif not (isinstance(index, ast.Constant) and type(index.value) is not int) and not (
            several and isinstance(index, ast.Starred)
        ):
            for new in _beside(index):
                yield Move(node, [(holder, where, new)])


def _of_slice(node: ast.Slice) -> Iterator[list[tuple[Any, str | int, Any]]]:
    """Yield the changes that move one end of a slice, or both."""
    for lower, upper in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)):
        changes: list[tuple[Any, str | int, Any]] = []
        for name, step in (("lower", lower), ("upper", upper)):
            bound = getattr(node, name)
            if not step:
                continue
            if bound is None:
                beyond = (name == "lower") != (step > 0)
                if beyond:
                    break
                changes.append((node, name, ast.Constant(step)))
            else:
                new = _moved(bound, step)
                open_end = isinstance(new, ast.Constant) and not new.value and (name == "lower" or step > 0)
                changes.append((node, name, None if open_end else new))
        else:
            yield changes


def _of_call(node: ast.Call, counters: set[str]) -> Iterator[Move]:
    """Yield what a call says that counts with one end moved, or both, or that takes a whole number."""
    name = _name(node.func)
    if name in _RANGES and 1 <= len(node.args) <= 3:
        start, stop, *rest = [ast.Constant(0), node.args[0]] if len(node.args) == 1 else node.args
        for low, high in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)):
            ends = [_moved(start, low) if low else start, _moved(stop, high) if high else stop]
            if isinstance(ends[0], ast.Constant) and low < 0 and ends[0].value == -1:
                continue
            alone = len(node.args) == 1 and not low
            yield Move(node, [(node, "args", ends[1:] if alone else [*ends, *rest])], whole=bool(low and high))
        return
    if name == "enumerate" and len(node.args) == 1:
        yield Move(node, [(node, "args", [*node.args, ast.Constant(1)])])
    for i, arg in enumerate(node.args):
        number = isinstance(arg, (ast.Constant, ast.UnaryOp))
        if (name in _OFFSETS and i == 1) or (
            _counts(arg, counters) and (isinstance(node.func, ast.Name) or not number)
        ):
            for new in _beside(arg):
                yield Move(node, [(node.args, i, new)])


def _of_counters(node: ast.AST, counters: set[str]) -> Iterator[Move]:
    """Yield what operations and comparisons of other numbers say with what counts in them moved."""
    if not isinstance(node, (ast.BinOp, ast.Compare)) or (isinstance(node, ast.BinOp) and _counts(node, counters)):
        return
    places: list[tuple[Any, str | int]] = [(node, name) for name in ("left", "right") if hasattr(node, name)]
    places += [(node.comparators, i) for i in range(len(node.comparators))] if isinstance(node, ast.Compare) else []
    for holder, where in places:
        value = _at(holder, where)
        if _counts(value, counters) and not _is_plain(value):
            for step in (1, -1):
                yield Move(node, [(holder, where, _moved(value, step))])
