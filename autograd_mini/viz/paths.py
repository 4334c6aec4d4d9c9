"""An explanation: every path from a result back to a value, with the product of local derivatives along it.

The chain rule says that the products of all paths sum to the gradient.
"""

from __future__ import annotations

from math import fsum, prod

from autograd_mini.engine.checks import whole_number
from autograd_mini.engine.graph import check_value, order, unchanged
from autograd_mini.engine.value import Value
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.partials import Flow
from autograd_mini.viz.text import factor, figure, named, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Path:
    """One way from a result back to a value.

    Attributes:
        nodes: the nodes passed, the result first.
        factors: the local derivatives between them.
        product: their product, what this path adds to the gradient.

    """

    def __init__(self, nodes: list[Value], factors: list[float], called: dict[Value, str]) -> None:
        self.nodes, self.factors, self._called = nodes, factors, called
        self.product = prod(factors)

    def __repr__(self) -> str:
        way = " → ".join(named(self._called[node]) for node in self.nodes)
        factors = " × ".join(map(factor, self.factors)) or "1"
        product = figure(self.product)
        return f"{way}:  {factors}" + ("" if factors in {product, f"({product})"} else f" = {product}")


class Explanation:
    """The paths from y to x, and the gradient that they sum to.

    Attributes:
        paths: the paths, as many as were asked for.
        count: how many paths there are.
        gradient: the derivative of y with respect to x, over all paths.

    """

    def __init__(self, paths: list[Path], count: int, gradient: float, title: tuple[str, str]) -> None:
        self.paths, self.count, self.gradient, self._names = paths, count, gradient, title

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Path:
        return self.paths[index]

    def __repr__(self) -> str:
        x, y = map(named, self._names)
        if not self.count:
            return f"∂{y}/∂{x} = 0: no path leads from {y} back to {x}"
        lines = [f"∂{y}/∂{x} is the sum over {self.count} path{'s' * (self.count > 1)}:"]
        lines += [f"  {path}" for path in self.paths]
        terms = [factor(path.product) for path in self.paths]
        more = self.count - len(self.paths)
        if more:
            rest = self.gradient - fsum(path.product for path in self.paths)
            lines.append(f"  … and {more} more, which sum to {figure(rest)}")
            terms.append(factor(rest))
        shown = " + ".join(terms) if len(terms) > 1 else f"∂{y}/∂{x}"
        lines.append(f"{shown} = {figure(self.gradient)}")
        return "\n".join(lines)


def explain(x: Value, y: Value, limit: int = 20) -> Explanation:
    """Return every path from y back to x with the product of the local derivatives along it; the products sum to dy/dx.

    Args:
        x: what y is differentiated with respect to.
        y: the result.
        limit: the maximum number of paths to list; the others are counted, not enumerated.

    Raises:
        TypeError: if x or y is no Value, or `limit` no whole number.
        ValueError: if `limit` is below 1.
        StaleValueError: if a leaf was assigned after y's graph used it.

    >>> a = Value(3.0, label="a")
    >>> explain(a, a * a + 2 * a)
    ∂v3/∂a is the sum over 3 paths:
      v3 → v1 → a:  1 × 3 = 3
      v3 → v1 → a:  1 × 3 = 3
      v3 → v2 → a:  1 × 2 = 2
    3 + 3 + 2 = 8

    """
    for name, given in (("x", x), ("y", y)):
        check_value(name, given)
    limit = whole_number("limit", limit, least=1)
    unchanged(order(y))
    shown = Shown([y], keep=[x])
    called = names(dict.fromkeys([*shown.nodes, x]))
    counts, gradients, leading = _count(x, shown)
    listed: list[Path] = []
    for path in _walk(x, y, leading, called):
        listed.append(path)
        if len(listed) == limit:
            break
    return Explanation(listed, counts.get(y, 0), gradients.get(y, 0.0), (called[x], called[y]))


def _count(x: Value, shown: Shown) -> tuple[dict[Value, int], dict[Value, float], dict[Value, list[Flow]]]:
    """Return for every node that leads to x its number of paths, its derivative, and its flows that lead there."""
    counts, gradients, leading = {x: 1}, {x: 1.0}, dict[Value, list[Flow]]()
    for node in shown.nodes:
        if node is x:
            continue
        found = [flow for flow in shown.flows(node, None) if flow.operand in counts]
        if found:
            leading[node] = found
            counts[node] = sum(counts[flow.operand] for flow in found)
            gradients[node] = sum(flow.partial * gradients[flow.operand] for flow in found)
    return counts, gradients, leading


def _walk(x: Value, y: Value, leading: dict[Value, list[Flow]], called: dict[Value, str]) -> Iterator[Path]:
    """Walk the paths depth first, operands in order, without recursion."""
    if y is x:
        yield Path([y], [], called)
        return
    trail: list[Flow] = []
    waiting = [iter(leading.get(y, ()))]
    while waiting:
        flow = next(waiting[-1], None)
        if flow is None:
            waiting.pop()
            if trail:
                trail.pop()
            continue
        trail.append(flow)
        if flow.operand is x:
            yield Path([y, *(step.operand for step in trail)], [step.partial for step in trail], called)
            trail.pop()
        else:
            waiting.append(iter(leading[flow.operand]))
