"""A correction: one place in the source of a derivative that makes its claims right when it says what is beside it.

A loop that is a step short, a slice that begins too late, a power that counts from elsewhere: each is an expression in
the source of df or of a helper of its. Copies of the function with one such expression moved, or with a mean for a sum,
are compared with what is measured. The functions themselves stay as they are, and what stores anything outside of
itself is not copied at all.

>>> from autograd_mini.testing import check_grad
>>> f = lambda x: sum((0.5 * x) ** k / k for k in range(1, 7))
>>> check_grad(f, lambda x: sum(0.5 * (0.5 * x) ** (k - 1) for k in range(1, 6)), at=0.7).cause
'an index is off by one: df is right with range(1, 7) for range(1, 6) in line 1'
"""

from __future__ import annotations

import ast
import linecache
import math
from contextlib import suppress
from functools import partial
from itertools import islice
from time import perf_counter
from types import CellType, CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.indices import means, moves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.counterexample import LocalSample, Partial
    from autograd_mini.testing.misplacement import Misplacement

_SECONDS, _MOST = 2.0, 400
"""Seconds that copies of a derivative are tried for, and how many are."""
_MOST_HELPERS = 6
"""Most helpers of a derivative whose source is looked at."""
_AGREEMENT = 1e-6
"""Relative difference up to which numbers are the same."""
_SAID = {"shift": "an index is off by one", "mean": "a sum and a mean are exchanged"}
_FEWEST = 3
"""Fewest points at which a correction has to be right."""

Syntax = ast.FunctionDef | ast.Lambda
Part = tuple[str, FunctionType, Syntax, "Callable[[FunctionType], Callable[..., Any]]"]
"""A helper's name, or "" for df itself; the function, its source, and what makes df of another in its place."""


def correction(claim: Partial, samples: Sequence[LocalSample], around: Misplacement) -> tuple[str, str] | None:
    """Return the kind of a mistake in the source of df, and a sentence about what makes the claims right.

    Args:
        claim: the partial derivative.
        samples: points at which it is measured.
        around: what is measured of the others.

    Returns:
        "shift" for an index that is off by one, or "mean" for a sum in the place of one; None where nothing is found.

    """
    df = claim.problem.derivative
    if df is None or claim.problem.scarce or len(samples) < _FEWEST:
        return None
    trial, tried, end = _Trial(claim, samples, around), 0, perf_counter() + _SECONDS
    for name, function, syntax, whole in _parts(df):
        same = _with_source(function, syntax)
        if same is None or not trial.claims_the_same(whole(same)):
            continue
        for move in (*moves(syntax), *means(syntax)):
            tried += 1
            if tried > _MOST or perf_counter() > end:
                return None
            with move.made():
                moved = _with_source(function, syntax)
                new = move.shown()
            if moved is not None and trial.is_right(whole(moved)):
                where = f"in line {move.line}{f', in {name}' if name else ''}"
                return move.kind, f"{_SAID[move.kind]}: df is right with {new} for {move.shown()} {where}"
    return None


class _Trial:
    """What another derivative in place of df is compared with."""

    def __init__(self, partial: Partial, samples: Sequence[LocalSample], around: Misplacement) -> None:
        self.partial, self.samples, self.around = partial, samples, around

    def claims_the_same(self, derivative: Callable[..., Any]) -> bool:
        """Return whether a copy of df claims what df does."""
        rows = self._rows(derivative, self.samples[0])
        return rows is not None and float(rows[self.partial.output][self.partial.axis]) == self.samples[0].claim

    def is_right(self, derivative: Callable[..., Any]) -> bool:
        """Return whether a derivative is right at every sample, and at one of them for all that is measured there."""
        for s in self.samples:
            rows = self._rows(derivative, s)
            if rows is None or not s.close(float(rows[self.partial.output][self.partial.axis]), s.measured):
                return False
        rows = self._rows(derivative, self.samples[0])
        known = self.around.measured_at(self.samples[0].point).items()
        return rows is not None and all(
            abs(float(rows[k][i]) - value) <= _AGREEMENT * abs(value) + 4 * error for (k, i), (value, error) in known
        )

    def _rows(self, derivative: Callable[..., Any], s: LocalSample) -> Sequence[Sequence[float]] | None:
        """Return the rows of another derivative at a sample; None where it raises, or returns no finite numbers."""
        with suppress(Exception):  # an index beyond an end, and whatever follows from one
            rows = self.partial.problem.claimed_by(derivative, s.point)
            if math.isfinite(rows[self.partial.output][self.partial.axis]):
                return rows
        return None


def _parts(df: Callable[..., Any]) -> Iterator[Part]:
    """Yield df and its helpers, as far as they have their source, in the same file, and store nothing elsewhere."""
    function = df.__func__ if isinstance(df, MethodType) else df
    if not isinstance(function, FunctionType):
        return
    bound = (lambda other: MethodType(other, df.__self__)) if isinstance(df, MethodType) else lambda other: other
    tree = _tree(function)
    if tree is None:
        return
    if (syntax := _source(function, tree)) is None:
        return
    yield "", function, syntax, bound
    code = function.__code__
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    helpers = 0
    for name in dict.fromkeys(node.id for node in ast.walk(syntax) if isinstance(node, ast.Name)):
        with suppress(ValueError):  # an empty cell
            helper = cells[name].cell_contents if name in cells else function.__globals__.get(name)
            if isinstance(helper, FunctionType) and helper.__code__.co_filename == code.co_filename:
                helpers += 1
                inner = _source(helper, tree) if helpers <= _MOST_HELPERS else None
                if inner is not None:
                    yield name, helper, inner, partial(_with, function, name, bound)


def _with(
    function: FunctionType, name: str, bound: Callable[[FunctionType], Callable[..., Any]], helper: FunctionType
) -> Callable[..., Any]:
    """Return a derivative whose function finds another helper under a name."""
    code, known = function.__code__, function.__closure__ or ()
    cells = zip(code.co_freevars, known, strict=True)
    around = function.__globals__ if name in code.co_freevars else {**function.__globals__, name: helper}
    closure = tuple(CellType(helper) if free == name else cell for free, cell in cells)
    return bound(_function(code, function, around, closure))


def _function(
    code: CodeType, like: FunctionType, around: dict[str, Any], closure: tuple[CellType, ...]
) -> FunctionType:
    found = FunctionType(code, around, like.__name__, like.__defaults__, closure)
    found.__kwdefaults__ = like.__kwdefaults__
    return found


def _with_source(function: FunctionType, syntax: Syntax) -> FunctionType | None:
    """Return a function of another source that closes over the same variables."""
    code = function.__code__
    inner = ast.Expr(syntax) if isinstance(syntax, ast.Lambda) else syntax
    given = ast.arguments([], [ast.arg(name) for name in code.co_freevars], None, [], [], None, [])
    outer = ast.FunctionDef("around", given, [inner], [])
    setattr(outer, "type_params", [])  # noqa: B010 - which Python 3.11 does not know
    try:
        made = compile(ast.fix_missing_locations(ast.Module([outer], [])), code.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: CodeType | None = made
    for name in ("around", code.co_name):
        inside = found.co_consts if found is not None else ()
        found = next((c for c in inside if isinstance(c, CodeType) and c.co_name == name), None)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    if found is None or not cells.keys() >= {*found.co_freevars}:
        return None
    return _function(found, function, function.__globals__, tuple(cells[name] for name in found.co_freevars))


def _tree(function: FunctionType) -> ast.Module | None:
    """Return the source of the file that a function is of; None if it is not known."""
    text = "".join(linecache.getlines(function.__code__.co_filename, function.__globals__))
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _source(function: FunctionType, tree: ast.Module) -> Syntax | None:
    """Return the source of a function, without its decorators; None if it is not known, or stores what stays."""
    code = function.__code__
    if code.co_name == "<lambda>":
        places = [(line, start) for line, _, start, _ in islice(code.co_positions(), 1, None) if line and start]
        for node in ast.walk(tree):
            if isinstance(node, ast.Lambda) and (node.body.lineno, node.body.col_offset) == min(places, default=None):
                return node if stores_nothing(node) else None
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                node.decorator_list = []
                return node if stores_nothing(node) else None
    return None


_STORING = {
    *("append", "appendleft", "extend", "insert", "pop", "popleft", "popitem", "remove", "clear", "update"),
    *("setdefault", "add", "discard", "put", "fill", "sort", "write", "send"),
}
"""Methods that change their object."""
_OUTWARD = {"print", "open", "input", "setattr", "delattr", "next", "exec", "eval", "copyto", "shuffle", "seed"}
"""Functions that change something elsewhere."""
_VIEWS = {
    "asarray",
    "asanyarray",
    "ravel",
    "reshape",
    "squeeze",
    "atleast_1d",
    "atleast_2d",
    "view",
    "get",
    "transpose",
}
"""Functions that may return what they are given."""
_ENDLESS = {"count", "cycle", "repeat", "iter"}
"""What a loop may run over for ever, if it is not left where it was."""


def stores_nothing(function: Syntax) -> bool:
    """Return whether a function ends, and changes nothing but what it has made itself, as far as its source says.

    >>> [stores_nothing(ast.parse(f"lambda x: {text}").body[0].value) for text in ("x[0] + 1", "known.append(x)")]
    [True, False]
    """
    own = _made(function)
    for node in ast.walk(function):
        if isinstance(node, (ast.Global, ast.Nonlocal, ast.While, ast.Yield, ast.YieldFrom, ast.Await, ast.Delete)):
            return False
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            return False
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and _base(node) not in own:
            return False
        if isinstance(node, ast.AugAssign) and _base(node.target) not in own:
            return False
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _STORING and _base(node.func) not in own:
                return False
            called = node.func.attr if isinstance(node.func, ast.Attribute) else _base(node.func)
            if called in _OUTWARD | _ENDLESS or any(keyword.arg == "out" for keyword in node.keywords):
                return False
    return True


def _made(function: Syntax) -> set[str]:
    """Return the names of what a function has made itself wherever it assigns them."""
    made, taken = set[str](), set[str]()
    for node in ast.walk(function):
        if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = [*zip(target.elts, node.value.elts, strict=False)]
            for left, right in pairs:
                new = not isinstance(
                    right, (ast.Name, ast.Attribute, ast.Subscript, ast.IfExp, ast.BoolOp, ast.NamedExpr)
                )
                if isinstance(right, ast.Call):
                    new = (right.func.attr if isinstance(right.func, ast.Attribute) else _base(right)) not in _VIEWS
                names = {n.id for n in ast.walk(left) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                (made if new else taken).update(names)
    return made - taken


def _base(node: ast.expr) -> str:
    """Return the name that an expression begins with."""
    while not isinstance(node, ast.Name):
        node = getattr(node, "value", None) or getattr(node, "func", None) or ast.Name("")
    return node.id
