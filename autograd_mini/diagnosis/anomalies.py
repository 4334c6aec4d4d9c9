"""An anomaly is a number that becomes nan or infinite; `anomaly` is a block that stops where the first one is made.

An origin is the line of code that made a Value; `origin` is a block in which every new Value keeps its own. The message
of an anomaly says what was computed of what, on which line, with the advice that goes with the operation.
"""

from __future__ import annotations

from math import isfinite, isinf, isnan

from autograd_mini.engine.formula import written
from autograd_mini.engine.hooks import Block, innermost
from autograd_mini.engine.locations import assigned_at, place_of, trail
from autograd_mini.engine.value import ABSENT, Parameter, Value
from autograd_mini.errors import AnomalyError
from autograd_mini.transforms.custom import Linear

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_LONGEST = 40  # a longer label makes a formula hard to read


class origin(Block):  # noqa: N801 - it reads as a keyword, as no_grad does
    """A block, or a function, in which every Value keeps the line of code that made it.

    Whatever has to do with such a Value can name that line: `place_of`, a `StaleValueError`, `doctor`, and the hover
    text of pictures. Of a leaf the last assignment of `data` is kept too. An operation takes some microseconds
    longer inside, and nothing outside. A copy keeps the line, a pickle does not.

    Blocks may be nested. Each holds for the thread, or the asyncio task, that entered it, as a context variable does;
    a thread started inside begins without, unless it runs in a copy of the context (`contextvars.copy_context().run`),
    as all do on free-threaded Python from 3.14 on: then until the block ends.

    >>> from autograd_mini import Value
    >>> from autograd_mini.diagnosis import place_of
    >>> with origin():
    ...     x = Value(2.0)
    ...     y = x * x
    >>> place_of(y)
    <place <doctest autograd_mini.diagnosis.anomalies.origin[2]>, line 3: "y = x * x">
    >>> x.data = 3.0
    >>> y.backward()
    Traceback (most recent call last):
    ...
    autograd_mini.errors.StaleValueError: Value(data=3.0) was assigned after Value(data=4.0) = mul(…), made in
    <doctest autograd_mini.diagnosis.anomalies.origin[2]>, line 3: "y = x * x", used it, so the gradient ...

    """

    def result(self, node: Value) -> Value:
        """Keep the line that made a node."""
        if self is innermost(origin):
            node._origin = trail()
        return node

    def leaf(self, leaf: Value, event: str) -> None:
        """Keep the line that made or assigned a leaf."""
        if self is innermost(origin):
            leaf._origin = {**getattr(leaf, "_origin", {}), event: trail()}


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
    ...forward pass ran here:
      File "<doctest autograd_mini.diagnosis.anomalies.anomaly[2]>", line 2, in <module>
        (x * x).sqrt().backward()
        ^^^^^^^^^^^^^^
    ...

    """

    def __init__(self, enabled: bool = True, *, inf: bool = True) -> None:  # noqa: FBT001, FBT002 - reads as a switch
        for name, value in (("enabled", enabled), ("inf", inf)):
            if not isinstance(value, bool):
                raise TypeError(
                    f"{name} of anomaly() is {value!r}, expected True or False"
                    + (": as a decorator write @anomaly()" if callable(value) else "")
                )
        self.enabled, self.inf = enabled, inf
        self._wrong = (lambda number: not isfinite(number)) if inf else isnan

    def _looks(self) -> bool:
        """Return whether this block is the one that decides here."""
        return self.enabled and self is innermost(anomaly)

    def result(self, node: Value) -> Value:
        """Raise if a new node is nan, or is infinite and none of its operands is.

        Infinite numbers that a program brings along, such as a mask of -inf, may pass.
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
        g: Any
        if nodes and not self._fine(nodes[0]._adjoint):
            g = nodes[0]._adjoint
            raise _error("backward", nodes[0], g, [f"backward() was called with the gradient {g!r}"], "")
        for node in nodes:
            g = node._adjoint
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


def _brought_along(operand: Value | float) -> bool:
    """Return whether an operand is infinite, and no parameter, which nobody sets so on purpose."""
    return isinf(_number(operand)) and not isinstance(operand, Parameter)


def of_result(node: Value) -> AnomalyError:
    """Return the error for an operation whose result is nan or infinite."""
    names = _names(node)
    lines = [f"{written(node.op, names)} is {node._data!r}{_where(node, names)}"]
    if isnan(node._data):
        for operand, name in zip(node.args, names, strict=True):
            if isnan(_number(operand)):
                return _error("forward", node, node._data, [f"{lines[0]}: {_history(operand, name)}"], "")
    return _error("forward", node, node._data, lines, _advice_on_result(node.op, [*map(_number, node.args)]))


def of_tangent(node: Value, tangent: float) -> AnomalyError:
    """Return the error for a tangent of a forward-mode pass."""
    names = _names(node)
    head = f"the directional derivative of {written(node.op, names)} is {tangent!r}{_where(node, names)}"
    return _error("backward", node, tangent, [head], _OF_DERIVATIVE.get(node.op, _GROWTH))


def of_derivative(node: Value, g: Any, nodes: Iterable[Value], fine: Callable[[Any], bool]) -> AnomalyError:
    """Return the error for a node with adjoint g that has handed on a wrong number; it overwrites adjoints."""
    if isinstance(getattr(node, "_k", None), Linear):
        return _of_call(node, nodes, fine)
    p, q = node._x, node._y
    after = {operand: operand._adjoint for operand in (p, q)}
    partials = [] if hasattr(g, "parts") else _handed_on(node, 1.0)  # a hidden node only hands on
    shares = _handed_on(node, g)
    slot = next((slot for slot, share in enumerate(shares) if not fine(share)), None)
    if slot is None:
        slot = 0 if not fine(after[p]) else 1
    receiver = (p, q)[slot]
    names = _names(node)
    name = next((name for name, operand in zip(names, node.args, strict=True) if operand is receiver), "an operand")
    applied, where = written(node.op, names), _where(node, names)
    number: Any = shares[slot]
    if fine(number):
        number = after[receiver]
        head = f"the gradients that {name} receives add up to {number!r}; the last to come was that of {applied}{where}"
    elif not partials or fine(partials[slot]):
        partial = partials[slot] if partials else 1.0
        head = (
            f"the gradient of {name} is {number!r}: that of {applied}, {g!r}, times the derivative {partial!r}{where}"
        )
    else:
        head = f"the derivative of {applied} with respect to {name} is {partials[slot]!r}{where}"
        head += f"; the gradient of the result, which it is multiplied by, is {g!r}"
    return _error("backward", node, number, [head], _OF_DERIVATIVE.get(node.op, _GROWTH))


def _handed_on(node: Value, g: float) -> list[Any]:
    """Return what each operand receives of an adjoint; of one that stands twice the sum."""
    p, q = node._x, node._y
    p._adjoint = q._adjoint = -0.0
    node._pull(node, g)  # type: ignore[misc]  # a pass goes through computed nodes alone
    return [p._adjoint, q._adjoint if q is not p else -0.0]


def _of_call(call: Value, nodes: Iterable[Value], fine: Callable[[Any], bool]) -> AnomalyError:
    """Return the error for the derivative of a function that is not in the table: see `transforms/custom.py`."""
    held, parts = call._k, getattr(call._x._adjoint, "parts", {})
    result = next(node for node in nodes if node._x is call)
    at, number = next((at, part) for at, part in parts.items() if not fine(part))
    names = _names(result)
    head = (
        f"the gradient that {held.name} hands to its operand {names[at]} is {number!r}{_where(result, names)}: "
        "it comes from the derivative that was given for it, or from the run that computes it"
    )
    return _error("backward", result, number, [head], "")


def _error(phase: str, node: Value, number: float, lines: list[str], remedy: str) -> AnomalyError:
    place = place_of(node)
    if place is not None:
        if phase == "backward":  # a forward pass is still under way, and its traceback shows the callers
            lines.append("Its forward pass ran here:")
        lines.append(place.described(callers=phase == "backward"))
    elif node._pull is not None:
        lines.append("It was made outside of anomaly(), so its line is not known: put the forward pass inside too.")
    lines += [remedy] if remedy else []
    return AnomalyError(
        "\n".join(lines), phase=phase, operation=node.op, operands=node.args, number=number, node=node, place=place
    )


def _history(operand: Value | float, name: str) -> str:
    """Return where an operand came from that was nan before it was used."""
    if not isinstance(operand, Value):
        return "a plain number that is nan came in"
    place = assigned_at(operand) or place_of(operand)
    known = f" in {place}" if place is not None else ""
    if operand._pull is not None:
        return f"{name} was nan already, as a result of {operand.op} computed before anomaly() was on{known}"
    if isinstance(operand, Parameter):
        return f"the parameter {name} was nan already, from a step of training or a file{known}"
    return f"{name} was nan already: it came in with the data{known}"


def _number(operand: Value | float) -> float:
    return operand._data if isinstance(operand, Value) else operand


def _names(node: Value) -> list[str]:
    """Return a name for each operand: its label if it has one, its letter in the formula, or the plain number."""
    letters = "cxy" if node.op == "where" else "xy"
    several = len(node.args) > len(letters)
    names = []
    for at, operand in enumerate(node.args):
        letter = f"x{at + 1}" if several else letters[at]
        if not isinstance(operand, Value):
            names.append(repr(operand))
        elif operand.label.isprintable() and 0 < len(operand.label) <= _LONGEST:
            names.append(operand.label)
        else:
            names.append(letter)
    known: dict[str, Value | float] = {}
    clash = any(known.setdefault(name, operand) is not operand for name, operand in zip(names, node.args, strict=True))
    return [f"{name} ({letters[at]})" for at, name in enumerate(names)] if clash and not several else names


def _where(node: Value, names: list[str]) -> str:
    """Return ", where p = 0.0": the numbers of the operands that are Values."""
    known = {name: operand for name, operand in zip(names, node.args, strict=True) if isinstance(operand, Value)}
    pairs = [f"{name} = {operand._data!r}" for name, operand in known.items()]
    if len(pairs) > 6:
        pairs[6:] = ["…"]
    return f", where {', '.join(pairs[:-1])}{' and ' if len(pairs) > 1 else ''}{pairs[-1]}" if pairs else ""


_LOGARITHM = (
    "A logarithm needs an operand above 0. Where it is of a probability, start from the logits: cross_entropy, "
    "binary_cross_entropy, log_softmax and softplus never form the probability that is rounded to 0."
)
_POWER = (
    "exp overflows above 709.78. sigmoid, softplus, softmax, logsumexp and the losses on logits never form "
    "that number; if the operand should be small, training diverges: try a tenth of the learning rate."
)
_INTERVAL = "It is defined between -1 and 1, and rounding may lead just outside: clip(x, -1, 1) brings it back."
_GROWTH = (
    "Numbers above 1.8e308 overflow. If they grow from step to step, training diverges: try a tenth of the learning "
    "rate, clip_norm=1.0 in fit (optim.clip_grad_norm_), inputs of size 1 (datasets.standardise), smaller weights."
)

_OF_RESULT = {
    **dict.fromkeys(("log", "log2", "log10"), _LOGARITHM),
    "log1p": "log1p(x) needs x above -1.",
    **dict.fromkeys(("exp", "expm1", "sinh", "cosh"), _POWER),
    **dict.fromkeys(("truediv", "mod", "floordiv"), "Keep the divisor away from 0: x / (y + 1e-12) where y is at least "
                    "0, or x / where(y == 0, 1, y), which chooses before it divides."),
    "sqrt": "A square root needs an operand of at least 0, and rounding may lead just below: sqrt(maximum(x, 0)).",
    "pow": "A negative number has no real power with a fractional exponent, and 0 none with a negative one; large "
           "powers overflow.",
    **dict.fromkeys(("asin", "acos", "atanh"), _INTERVAL),
    "acosh": "acosh(x) needs x of at least 1, and rounding may lead just below: acosh(maximum(x, 1)).",
}  # fmt: skip

_ROOT = (
    "A root is infinitely steep at 0. Add something small, sqrt(x + 1e-12), or use hypot(x, y) for the length of a "
    "vector and abs(x) for sqrt(x**2), which have a derivative there. where(x > 0, sqrt(x), 0) is safe too."
)
_EDGE = "It is infinitely steep at the ends of its interval: clip(x, -1 + 1e-12, 1 - 1e-12) stays inside."

_OF_DERIVATIVE = {
    **dict.fromkeys(("sqrt", "cbrt"), _ROOT),
    "pow": _ROOT + " An exponent that is a Value needs a base above 0, since d(x**y)/dy = x**y log(x).",
    **dict.fromkeys(("log", "log2", "log10", "log1p"), _LOGARITHM),
    **dict.fromkeys(("asin", "acos", "atanh"), _EDGE),
    "acosh": "It is infinitely steep at 1: acosh(maximum(x, 1 + 1e-12)).",
    "truediv": "The derivative of x / y has y**2 below the line: keep y away from 0, for example by y + 1e-12.",
}


def _advice_on_result(operation: str, operands: Sequence[float]) -> str:
    """Return what helps where a result is nan or infinite; of operands that were so before, where they cancel."""
    if any(map(isinf, operands)):
        return (
            "An infinite operand was brought in, and here it meets another number that leaves nothing defined, such as "
            "inf - inf or 0 * inf: choose with where() instead of multiplying or adding masks."
        )
    return _OF_RESULT.get(operation, _GROWTH)
