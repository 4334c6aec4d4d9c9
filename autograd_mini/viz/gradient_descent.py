"""A descent: the path of plain gradient descent on a function, why it stopped, and a page that shows it."""

from __future__ import annotations

from math import hypot, isfinite

from autograd_mini.engine.checks import number, takes_one
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.value import Value
from autograd_mini.viz.javascript import LivePage, Rows, asset, plain, program
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.partials import NotReplayableError, replay
from autograd_mini.viz.svg import number as coordinate_text
from autograd_mini.viz.svg import opening
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from os import PathLike
    from typing import Any

    from autograd_mini.engine.checks import Function

    Path = Iterable[Iterable[float]]
    Point = tuple[float, ...]


class Descent:
    """The path of a descent.

    Attributes:
        points: the points visited, each a tuple of coordinates; the first is where it started.
        values: the function at each of them.
        lr: the learning rate.
        steps: the maximum number of steps.
        tol: the tolerance.
        stopped: "converged" (the gradient's norm is at most the tolerance), "diverged" (a number is not finite, or the
            function is larger than at the start), or "steps" (all steps were made).

    """

    def __init__(self, lr: float, steps: int = 100, tol: float = 1e-6) -> None:
        self.points: list[Point] = []
        self.values: list[float] = []
        self.lr, self.steps, self.tol, self.stopped = lr, steps, tol, ""
        self._function: Callable[[list[Value]], Value | float] | None = None
        self._graph: tuple[Value, list[Value]] | None = None

    def __getstate__(self) -> dict[str, object]:
        """Leave out the function, which may be local, when it is pickled."""
        return {**vars(self), "_function": None, "_graph": None}

    def __len__(self) -> int:
        return len(self.points) - 1

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def __repr__(self) -> str:
        last = ", ".join(f"{coordinate:.4g}" for coordinate in self.points[-1])
        ended = f"{self.stopped} after {len(self)} steps"
        return f"Descent with lr={self.lr:g}: {ended} at ({last}), value {self.values[-1]:.4g}"

    def page(self) -> LivePage:
        """Return the descent, of one or two dimensions, as a page: a surface to turn, a map, and starts to click."""
        if self._function is None or len(self.points[0]) > 2:
            raise ValueError(
                f"the descent has {len(self.points[0])} coordinates{'' if self._function else ' and no function'}, "
                "expected one or two of a function: descend(f, x0).page()"
            )
        function = self._function
        return _page(self, lambda point: _plain(function([*map(Value, point)])), self._graph)

    def save(self, path: str | PathLike[str]) -> str:
        """Write the page of the descent, which works offline, and return its path; see `page`."""
        return self.page().save(path)

    def _repr_html_(self) -> str | None:
        return self.page().html() if self._function is not None and len(self.points[0]) <= 2 else None


def _plain(result: Value | float) -> float:
    return result.data if isinstance(result, Value) else number(result, "the result of f")


def descend(f: Function, x0: float | Sequence[float], lr: float = 0.1, steps: int = 100, tol: float = 1e-6) -> Descent:
    """Walk downhill: x ← x − lr · df/dx, from x0, until the gradient vanishes.

    Args:
        f: a function of Values, one argument for each coordinate or one list of them, that returns a Value.
        x0: where to start: a number, or one for each argument.
        lr: the learning rate.
        steps: the maximum number of steps.
        tol: the norm of the gradient at or below which it has converged.

    Returns:
        The path. If it diverges, the last point may hold infinities or nan.

    Raises:
        TypeError: if x0 holds what is no number, or f returns none.
        ValueError: if lr, steps or tol is negative, or no number.

    >>> descend(lambda x: (x - 3) ** 2, 0.0, lr=0.5)
    Descent with lr=0.5: converged after 1 steps at (3), value 0
    >>> descend(lambda x, y: x * x + 10 * y * y, (1.0, 1.0), lr=0.2).stopped
    'diverged'

    """
    for name, given in (("lr", lr), ("steps", steps), ("tol", tol)):
        if not given >= 0:
            raise ValueError(f"{name} is {given!r}, expected 0 or more")
    given_point = [x0] if isinstance(x0, (int, float)) else list(x0)
    point = tuple(number(coordinate, f"x0[{index}]") for index, coordinate in enumerate(given_point))
    together = len(point) > 1 and takes_one(f)
    called: Callable[..., Value | float] = f
    descent = Descent(lr, steps, tol)

    def function(variables: list[Value]) -> Value | float:
        return called(variables) if together else called(*variables)

    descent._function = function
    while True:
        variables = [Value(coordinate) for coordinate in point]
        result = function(variables)
        value = _plain(result)
        if descent._graph is None and isinstance(result, Value):
            descent._graph = result, variables
        slopes = (
            [slope.data for slope in gradient(result, variables)] if isinstance(result, Value) else [0.0] * len(point)
        )
        descent.points.append(point)
        descent.values.append(value)
        norm = hypot(*slopes)
        if not isfinite(value) or not isfinite(norm):
            descent.stopped = "diverged"
        elif norm <= tol:
            descent.stopped = "converged"
        elif len(descent) >= steps:
            descent.stopped = "diverged" if value > descent.values[0] else "steps"
        if descent.stopped:
            return descent
        point = tuple(coordinate - lr * slope for coordinate, slope in zip(point, slopes, strict=True))


GRID = 33
"""Places along each axis where the function is computed for the page, if the page cannot compute it."""

ARROWS, DIGITS = 400, 9
"""Maximum steps that are shown, and significant digits of their numbers in the page."""


def _page(descent: Descent, value: Callable[[Point], float], graph: tuple[Value, list[Value]] | None) -> LivePage:
    points = [point for point in descent.points if all(map(isfinite, point))][: ARROWS + 1]
    axes = [*zip(*points, strict=True)]
    bounds = [_around(axis, 0.3 if len(axes) == 2 else 0.5) for axis in axes]
    rows = Rows()
    made = None if graph is None else _program(graph, value, bounds, rows)
    data: dict[str, Any] = {
        "style": asset("page.css") + asset("descent.css"),
        "program": made,
        "root": 0 if made is None else len(made) - 1,
        "bounds": bounds,
        "lr": plain(descent.lr),
        "points": [[plain(x, DIGITS) for x in point] for point in points],
        "values": [plain(height, DIGITS) for height in descent.values[: len(points)]],
        "stopped": descent.stopped,
        "steps": descent.steps,
        "tol": plain(descent.tol),
    }
    if made is None:
        data["heights"] = [plain(_quietly(value, point), DIGITS) for point in _grid(bounds, GRID)]
    lines = [
        f"step {at}: ({', '.join(map(figure, point))}), value {figure(height)}"
        for at, (point, height) in enumerate(zip(points, descent.values, strict=False))
    ]
    scripts = ("arithmetic", "ground", "text", "dom", "contour", "descent")
    return LivePage(repr(descent), curve(descent.values), lines, scripts, data, rows)


def curve(heights: list[float], about: str = "The value at every step.") -> str:
    """Return a still picture of numbers in a row, as one line."""
    finite = [height for height in heights if isfinite(height)] or [0.0]
    low, high = min(finite), max(finite)
    along, down = 560.0 / max(1, len(heights) - 1), 160.0 / ((high - low) or 1.0)
    points = [(20.0 + along * at, 20.0 + down * (high - y)) for at, y in enumerate(heights) if isfinite(y)]
    corners = " ".join(f"{coordinate_text(x)},{coordinate_text(y)}" for x, y in points)
    line = f'<polyline points="{corners}" fill="none" stroke="#3f93c9" stroke-width="2.5"/>'
    return f"{opening(600.0, 200.0, about)}{line}</svg>"


def _around(coordinates: Sequence[float], share: float) -> list[float]:
    """Return bounds around coordinates with a share of their range free on either side."""
    low, high = min(coordinates), max(coordinates)
    free = max(share * (high - low), 0.5)
    return [low - free, high + free]


def _grid(bounds: list[list[float]], count: int) -> list[Point]:
    """Return the places of a grid, the last axis being the slowest."""
    axes = [[low + (high - low) * at / (count - 1) for at in range(count)] for low, high in bounds]
    return [(x,) for x in axes[0]] if len(axes) == 1 else [(x, y) for y in axes[1] for x in axes[0]]


def _quietly(value: Callable[[Point], float], point: Point) -> float:
    with no_grad():
        try:
            return value(point)
        except (ArithmeticError, ValueError):
            return float("nan")


def _program(
    graph: tuple[Value, list[Value]], value: Callable[[Point], float], bounds: list[list[float]], rows: Rows
) -> list[Any] | None:
    """Return the program of a function, its variables first; None where it does other things at other places."""
    result, variables = graph
    shown = Shown([result], keep=variables)
    shown.nodes = [*variables, *(node for node in shown.nodes if node not in set(variables))]
    try:
        for point in _grid(bounds, 6):
            again, true = replay(result, dict(zip(variables, point, strict=True))), _quietly(value, point)
            if abs(float(again) - true) > 1e-9 * (1.0 + abs(true)):  # type: ignore[arg-type]  # floats gave a float
                return None
        return program(shown, rows)
    except NotReplayableError:
        return None
