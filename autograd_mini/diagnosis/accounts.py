"""An account of an anomaly: the error that tells what was computed of what, on which line, and what helps."""

from __future__ import annotations

from math import isnan

from autograd_mini.diagnosis.remedies import for_derivative, for_result
from autograd_mini.engine.locations import assigned_at, place_of
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.errors import AnomalyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_INFIX = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "mod": "%", "floordiv": "//"}
_LONGEST = 40  # a longer label makes a formula hard to read


def of_result(node: Value) -> AnomalyError:
    """Return the error for an operation whose result is nan or infinite."""
    names = _names(node)
    lines = [f"{_applied(node, names)} is {node._data!r}{_where(node, names)}"]
    if isnan(node._data):
        for operand, name in zip(node.args, names, strict=True):
            if isnan(_number(operand)):
                return _error("forward", node, node._data, [f"{lines[0]}: {_history(operand, name)}"], "")
    return _error("forward", node, node._data, lines, for_result(node.op, [*map(_number, node.args)]))


def of_seed(root: Value) -> AnomalyError:
    """Return the error for a backward pass that was given such a number to begin with."""
    g: Any = root._adjoint
    return _error("backward", root, g, [f"backward() was called with the gradient {g!r}"], "")


def of_tangent(node: Value, tangent: float) -> AnomalyError:
    """Return the error for a tangent of a forward-mode pass."""
    names = _names(node)
    head = f"the directional derivative of {_applied(node, names)} is {tangent!r}{_where(node, names)}"
    return _error("backward", node, tangent, [head], for_derivative(node.op))


def of_derivative(node: Value, g: Any, nodes: Iterable[Value], fine: Callable[[Any], bool]) -> AnomalyError:
    """Return the error for a node that has handed on a wrong number.

    Args:
        node: the node, in a pass that goes no further, so that adjoints may be overwritten here.
        g: its adjoint.
        nodes: the nodes of the pass.
        fine: says of an adjoint whether it is no anomaly.

    """
    if (held := getattr(node, "_k", None)) is not None and hasattr(held, "pull"):
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
    applied, where = _applied(node, names), _where(node, names)
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
    return _error("backward", node, number, [head], for_derivative(node.op))


def _handed_on(node: Value, g: float) -> list[Any]:
    """Return what each operand receives of an adjoint; of one that stands twice the sum."""
    p, q = node._x, node._y
    p._adjoint = q._adjoint = -0.0
    node._pull(node, g)  # type: ignore[misc]  # a pass goes through computed nodes alone
    return [p._adjoint, q._adjoint if q is not p else -0.0]


def _of_call(call: Value, nodes: Iterable[Value], fine: Callable[[Any], bool]) -> AnomalyError:
    """Return the error for the derivative of a function that is not in the table: see `transforms/calls.py`."""
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


def _applied(node: Value, names: list[str]) -> str:
    """Return the operation with its operands: "log(p)", "a / b"."""
    if node.op in _INFIX:
        return f"{names[0]} {_INFIX[node.op]} {names[1]}"
    return f"-{names[0]}" if node.op == "neg" else f"{node.op}({', '.join(names)})"


def _where(node: Value, names: list[str]) -> str:
    """Return ", where p = 0.0": the numbers of the operands that are Values."""
    known = {name: operand for name, operand in zip(names, node.args, strict=True) if isinstance(operand, Value)}
    pairs = [f"{name} = {operand._data!r}" for name, operand in known.items()]
    if len(pairs) > 6:
        pairs[6:] = ["…"]
    return f", where {', '.join(pairs[:-1])}{' and ' if len(pairs) > 1 else ''}{pairs[-1]}" if pairs else ""
