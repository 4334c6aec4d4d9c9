"""An anomaly is a number that becomes nan or infinite; `anomaly` is a block that stops where the first one is made."""

from __future__ import annotations

from math import isfinite, isinf, isnan

from autograd_mini.diagnosis.accounts import of_derivative, of_result, of_seed, of_tangent
from autograd_mini.diagnosis.origins import entered, examiner, origin
from autograd_mini.engine import backward as engine
from autograd_mini.engine import rules
from autograd_mini.engine.forking import in_child
from autograd_mini.engine.value import ABSENT, Parameter, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from autograd_mini.diagnosis.origins import Examiner

    Sweep = Callable[[Iterable[Value]], None]


class _Examiner:
    """Looks at new nodes and at the steps of backward passes.

    Args:
        wrong: says of a float whether it is an anomaly: not finite, or nan alone.

    """

    __slots__ = ("wrong",)

    def __init__(self, wrong: Callable[[float], bool]) -> None:
        self.wrong = wrong

    def look(self, node: Value) -> None:
        """Raise if a new node is nan, or is infinite and none of its operands is.

        Infinite numbers that a program brings along, such as a mask of -inf, may pass; but not those of a parameter,
        which nobody sets on purpose.
        """
        data = getattr(node, "_data", 0.0)  # a symbol of the compiler has none yet
        if data - data == 0.0 or node.symbolic or node._x.symbolic or node._y.symbolic or not self.wrong(data):
            return
        if isnan(data) or not any(map(_brought_along, node.args)):
            raise of_result(node)

    def sweep(self, nodes: Iterable[Value]) -> None:
        """Run a backward pass one node at a time, and raise after the node that hands on the first wrong number."""
        nodes = list(nodes)
        if nodes and not self.fine(nodes[0]._adjoint):
            raise of_seed(nodes[0])
        for node in nodes:
            g: Any = node._adjoint
            p, q = node._x, node._y
            node._pull(node, g)  # type: ignore[misc]  # a pass goes through computed nodes alone
            if not (self.fine(p._adjoint) and (q is ABSENT or self.fine(q._adjoint))):
                raise of_derivative(node, g, nodes, self.fine)

    def fine(self, adjoint: Any) -> bool:
        """Return whether an adjoint, a number or those of a call's results or operands, is no anomaly."""
        parts = getattr(adjoint, "parts", None)  # see `transforms/calls.py`
        return not any(map(self.wrong, parts.values())) if parts is not None else not self.wrong(adjoint)

    def tangents(self, nodes: Iterable[Value], known: dict[Value, Any]) -> None:
        """Raise for the first wrong tangent of a forward-mode pass, the nodes being oldest first."""
        for node in nodes:
            tangent = known.get(node, 0.0)
            if not (hasattr(tangent, "parts") or self.fine(tangent)):  # several at once are those of a hidden node
                raise of_tangent(node, tangent)


def _brought_along(operand: Value | float) -> bool:
    if isinstance(operand, Value):
        return isinf(operand._data) and not isinstance(operand, Parameter)
    return isinf(operand)


def _not_finite(number: float) -> bool:
    return not isfinite(number)


_blocks = 0  # in all threads together; while it is 0, the engine's own sweep runs
_quick: Sweep | None = None


def _sweep(nodes: Iterable[Value]) -> None:
    """Stand in for the engine's sweep: examine where a block is on in this thread, else run the quick one."""
    looking = examiner()
    (_quick if looking is None else looking.sweep)(nodes)  # type: ignore[misc]  # set before this is called


def _remove() -> None:
    engine._sweep = _quick
    engine.tangent_watchers.remove(_look_at_tangents)


def _look_at_tangents(nodes: Iterable[Value], known: dict[Value, Any]) -> None:
    if (looking := examiner()) is not None:
        looking.tangents(nodes, known)


class anomaly(origin):  # noqa: N801 - it reads as a keyword, as no_grad does
    """A block, or a function, that stops at the operation that makes the first nan or infinite number.

    The error names the operation, its operands with labels and values, and the line of code. A forward pass stops where
    the number is made. A backward pass stops at the node whose derivative is not finite, or whose gradient becomes so,
    and names the line of the forward pass that made that node; no `grad` has changed then. That holds inside
    transforms, `checkpoint`, `no_grad` and `fit` too.

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

    def __enter__(self) -> None:
        """Begin to look."""
        global _blocks, _quick  # noqa: PLW0603 - counts over all threads
        super().__enter__()
        with engine._lock:
            _blocks += 1
            if _blocks == 1:
                _quick = engine._sweep or rules.sweep()
                engine._sweep = _sweep
                engine.tangent_watchers.append(_look_at_tangents)

    def __exit__(self, *error: object) -> None:
        """Go on as before."""
        global _blocks  # noqa: PLW0603 - counts over all threads
        with engine._lock:
            _blocks -= 1
            if _blocks == 0:
                _remove()
        super().__exit__(*error)

    def _examiner(self, around: Examiner | None) -> Examiner | None:  # noqa: ARG002 - see `origin`
        if not self.enabled:
            return None
        return _Examiner(_not_finite if self.inf else isnan)


def _alone() -> None:
    """Forget the blocks of threads that a fork has left behind."""
    global _blocks  # noqa: PLW0603 - counts over all threads
    _blocks = entered(anomaly)
    if engine._sweep is _sweep and not _blocks:
        _remove()


in_child(_alone)
