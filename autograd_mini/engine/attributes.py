"""The names that a Value refuses, as attributes and arguments, each with an error that says what is meant.

They are those of other engines, and the slips of a Value's own. Refusing them by descriptors, rather than by
`__setattr__`, leaves every store into a node as quick as it is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.engine.value import Value

ONE_LINE = (
    "define the operation in one line by its value and its derivative, such as "
    "cube = autograd_mini.operation('cube', 'x ** 3', '3 * x ** 2'), and call cube(x)"
)

_BACKWARD = {
    "create_graph": ": a derivative that can be differentiated again is autograd_mini.gradient(y, x), a Value",
    "retain_graph": ": leave it out, since a graph stays as long as something refers to it",
    "retain_grad": ": leave it out, since results keep their gradients",
    "d_output": ": the gradient of the result itself is called gradient",
}


def not_taken(label: object, others: tuple[object, ...], named: dict[str, object]) -> str:
    """Return the message for arguments of Value(…) that other engines take."""
    if isinstance(label, (tuple, set)) or others or not named.keys().isdisjoint({"_children", "_prev", "_op"}):
        wrong = "" if isinstance(label, str) else f"label is {label!r} of type {type(label).__name__}, expected a str. "
        return f"{wrong}A Value is made of its data and label, without operands and operation: {ONE_LINE}"
    name = next(iter(named))
    known = {"name": "the name is its label, Value(2.0, label='x')"}
    known["requires_grad"] = (
        "every Value has a gradient; to keep one from training, leave it out of the optimiser's list"
    )
    return f"Value(data, label) takes no {name!r}: {known.get(name, 'set it as an attribute, x.' + name + ' = …')}"


def not_taken_by_backward(name: str) -> str:
    """Return the message for an argument that the `backward` of other engines takes."""
    return f"backward(gradient=1.0) takes no {name!r}{_BACKWARD.get(name, '')}"


class _Unknown(str):
    """A descriptor that is the name it stands for; reading it raises the error that says what is meant."""

    __slots__ = ()

    def __get__(self, value: object, kind: type) -> object:
        raise AttributeError(f"a Value has no attribute {str(self)!r}{_remedy(self)}", name=str(self), obj=value)


class _Refused(_Unknown):
    """A name that cannot be assigned either."""

    __slots__ = ()

    def __set__(self, value: object, _: object) -> None:
        raise AttributeError(f"a Value takes no attribute {str(self)!r}{_remedy(self)}", name=str(self), obj=value)


def _near(name: str) -> set[str]:
    """Return the slips of a name: a letter replaced, doubled, left out or exchanged, capitals, and the plural."""
    letters = "abcdefghijklmnopqrstuvwxyz_"  # rather than from `string`, which loads `re`
    found = {name.capitalize(), name.upper(), name + "s"}
    for at, letter in enumerate(name):
        before, after = name[:at], name[at + 1 :]
        found.update([before + other + after for other in letters])
        found |= {before + letter * 2 + after, before + after, before + after[:1] + letter + after[1:]}
    return found - {name}


_MEANT = ("data", "grad", "label")
_REMEDIES = {
    "requires_grad": ": every Value has a gradient. To keep one from training, leave it out of the optimiser's list; "
    "for a result without history use x.detach() or no_grad()",
    "name": ": its name for pictures is label",
    "cleargrad": ": to clear its gradient, write x.grad = None",
    "zero_grad": ": to clear its gradient, write x.grad = None; for a network, model.zero_grad()",
    "derivative": ": its gradient is x.grad",
    "is_leaf": ": write not x.args",
    "_children": ": its operands are x.args",
    "creator": ": the operation that made it is x.op, of the operands x.args",
    "grad_fn": ": the operation that made it is x.op, of the operands x.args",
}


def _remedy(name: str) -> str:
    """Return the end of the message for a name that is refused."""
    for meant in _MEANT:
        if name in _near(meant):
            return f": {meant!r} is meant, or choose a name that is further from it"
    return _REMEDIES.get(name) or (
        ", since it is the result of an operation, which has room for none: set it on a leaf, or keep a dict by node, "
        f"such as {name.strip('_')}_of[node] = … (Values are hashed by identity)"
    )


_REFUSED = {name: _Refused(name) for name in set().union(*map(_near, _MEANT), ["requires_grad"])}
# What other engines name so can be an attribute of one's own on a leaf.
_UNKNOWN = {name: _Unknown(name) for name in _REMEDIES}
_OWN = {name: _Refused(name) for name in ("m", "v", "color", "state", "momentum", "velocity", "_vis_color", "name")}


def _dir(self: Value) -> list[str]:
    absent = {name for name in (*_OWN, *_UNKNOWN) if not hasattr(self, name)}
    return [name for name in object.__dir__(self) if name not in _REFUSED and name not in absent]


if TYPE_CHECKING:

    class ValueNames:
        """What refuses names that are one slip from a Value's."""

    class ResultNames(ValueNames):
        """What refuses attributes of one's own."""

else:
    ValueNames = type("ValueNames", (), {"__slots__": (), "__dir__": _dir, **_UNKNOWN, **_REFUSED})
    ResultNames = type("ResultNames", (ValueNames,), {"__slots__": (), **_OWN})
