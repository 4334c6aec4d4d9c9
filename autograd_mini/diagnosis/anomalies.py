"""An anomaly is a number that becomes nan or infinite; `anomaly` is a block that stops where the first one is made."""

from __future__ import annotations

from math import isfinite, isinf, isnan

from autograd_mini.diagnosis.messages import of_derivative, of_result, of_seed, of_tangent
from autograd_mini.diagnosis.origins import origin
from autograd_mini.engine.hooks import innermost
from autograd_mini.engine.value import ABSENT, Parameter, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def _brought_along(operand: Value | float) -> bool:
    if isinstance(operand, Value):
        return isinf(operand._data) and not isinstance(operand, Parameter)
    return isinf(operand)


def _not_finite(number: float) -> bool:
    return not isfinite(number)


class anomaly(origin):  # noqa: N801 - it reads as a keyword, as no_grad does
    """A block, or a function, that stops at the operation that makes the first nan or infinite number.

    The error names the operation, its operands with labels and values, and the line of code. A forward pass stops where
    the number is made. A backward pass stops at the node whose derivative is not finite, or whose gradient becomes so,
    and names the line of the forward pass that made that node; no `grad` has changed then. That holds inside
    transforms, `remat`, `no_grad` and `fit` too.

    As `torch.autograd.detect_anomaly`, but the forward pass is looked at as well, and infinite numbers count. A branch
    that `where` does not take has been computed, so it counts. Infinite plain numbers and leaves, such as a mask of
    -inf, may pass as long as no nan comes of them. Not looked into: functions compiled by `jit` (call the function
    itself instead), the power series of `taylor`, and plain floats.

    It makes passes some times slower inside and costs nothing outside. Blocks may be nested. As with `origin`, each
    holds for its own thread or asyncio task.

    Args:
        enabled: False for no checks inside, as in `with anomaly(debug):`.
        inf: whether infinite numbers count, or nan alone, as in PyTorch.

    Raises:
        AnomalyError: inside, where such a number is made.

    >>> x = Value(0.0, label="x")
    >>> with anomaly():
    ...     y = x.log()
    Traceback (most recent call last):
    ...
    autograd_mini.errors.AnomalyError: log(x) is -inf, where x = 0.0
      File "<doctest autograd_mini.diagnosis.anomalies.anomaly[1]>", line 2, in <module>
        y = x.log()
            ^^^^^^^
    A logarithm needs an operand above 0. ...
    >>> with anomaly():
    ...     (x * x).sqrt().backward()
    Traceback (most recent call last):
    ...
    autograd_mini.errors.AnomalyError: the derivative of sqrt(x) with respect to x is inf, where x = 0.0; ...
    Its forward pass ran here:
      File "<doctest autograd_mini.diagnosis.anomalies.anomaly[2]>", line 2, in <module>
        (x * x).sqrt().backward()
        ^^^^^^^^^^^^^^
    ...

    """

    def __init__(self, enabled: bool = True, *, inf: bool = True) -> None:  # noqa: FBT001, FBT002 - reads as a switch
        for name, value in (("enabled", enabled), ("inf", inf)):
            if not isinstance(value, bool):
                raise TypeError(
                    f"{name} of anomaly() is True or False; got {value!r}"
                    + (": as a decorator write @anomaly()" if callable(value) else "")
                )
        self.enabled, self.inf = enabled, inf
        self._wrong = _not_finite if inf else isnan

    def _looks(self) -> bool:
        """Return whether this block is the one that decides here."""
        return self.enabled and self is innermost(anomaly)

    def result(self, node: Value) -> Value:
        """Raise if a new node is nan, or is infinite and none of its operands is.

        Infinite numbers that a program brings along, such as a mask of -inf, may pass; but not those of a parameter,
        which nobody sets on purpose.
        """
        super().result(node)
        data = getattr(node, "_data", 0.0)  # a symbol of the compiler has none yet
        if data - data == 0.0 or node.symbolic or node._x.symbolic or node._y.symbolic or not self._wrong(data):
            return node
        if self._looks() and (isnan(data) or not any(map(_brought_along, node.args))):
            raise of_result(node)
        return node

    def sweep(self, nodes: Iterable[Value]) -> bool:
        """Run a backward pass one node at a time, and raise after the node that propagates the first wrong number."""
        if not self._looks():
            return False
        nodes = list(nodes)
        if nodes and not self._fine(nodes[0]._adjoint):
            raise of_seed(nodes[0])
        for node in nodes:
            g: Any = node._adjoint
            p, q = node._x, node._y
            node._pull(node, g)  # type: ignore[misc]  # a pass goes through computed nodes alone
            if not (self._fine(p._adjoint) and (q is ABSENT or self._fine(q._adjoint))):
                raise of_derivative(node, g, nodes, self._fine)
        return True

    def tangents(self, nodes: Iterable[Value], known: dict[Value, Any]) -> None:
        """Raise for the first wrong tangent of a forward-mode pass, the nodes being oldest first."""
        for node in nodes if self._looks() else ():
            tangent = known.get(node, 0.0)
            if not (hasattr(tangent, "parts") or self._fine(tangent)):  # several at once are those of a hidden node
                raise of_tangent(node, tangent)

    def _fine(self, adjoint: Any) -> bool:
        """Return whether an adjoint, a number or those of a call's results or operands, is no anomaly."""
        parts = getattr(adjoint, "parts", None)  # see `transforms/custom.py`
        return not any(map(self._wrong, parts.values())) if parts is not None else not self._wrong(adjoint)
