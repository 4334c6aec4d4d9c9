"""A rule: what the table's row becomes for one kind of operands, compiled from the row's formulas to Python.

Row `mul` becomes the method `Value.__mul__`, which computes x * y and records a node, and three pullbacks, which hand
the node's adjoint g on to its operands: `mul_xy` (both are Values), `mul_x` (y is a plain number), `mul_y` (x is one).
A plain number stays a number; it never becomes a node. A row is compiled when it is first used. The text is filed with
`linecache`, so that a debugger steps into it and a traceback shows it.
"""

from __future__ import annotations

from autograd_mini import ieee
from autograd_mini.ops import TABLE, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    from autograd_mini.value import Value

    class Pullback(Protocol):
        """A function that adds g times each partial derivative to the adjoint of its operand."""

        rule: Rule
        __name__: str

        def __call__(self, node: Value, g: float, /) -> None:
            """Add the shares of the node's adjoint g."""


NAMESPACE: dict[str, object] = {**ieee.QUICK, "ieee": ieee}
"""The globals of the compiled functions; `value.py` and `functions.py` put in what they name."""


class Rule:
    """How a node came about: its operation and which of the operands are Values.

    Attributes:
        op: the row of the table.
        variant: the operands that are Values: "x", "y" or "xy".
        pullback: the function (node, g) that adds g times the partials to the operands' adjoints.

    """

    __slots__ = ("_partials", "op", "pullback", "variant")

    pullback: Pullback

    def __init__(self, op: Op, variant: str) -> None:
        self.op = op
        self.variant = variant
        self._partials: tuple[Callable[..., Value], ...] | None = None

    def args(self, node: Value) -> tuple[Value | float, ...]:
        """Return the node's operands in order, plain numbers included."""
        if self.variant == "xy":
            return node._x, node._y
        if len(self.op.operands) == 1:
            return (node._x,)
        return (node._x, node._k) if self.variant == "x" else (node._k, node._x)

    def __deepcopy__(self, _: object) -> Rule:
        """Return the rule itself: it never changes."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as a name: the table of the process that unpickles has the formulas."""
        return rule_named, (self.op.name, self.variant)

    @property
    def partials(self) -> tuple[Callable[..., Value], ...]:
        """For each operand that is a Value a function (node, g) -> g times the partial derivative, as a Value."""
        if self._partials is None:
            names = [f"{self.op.name}_{self.variant}_times_d{wanted}" for wanted in self.variant]
            lines = [
                f"def {name}(node, g):\n{_operands(self, 'node', data='')}    z = node\n"
                f"    return {_times('g', self.op, wanted, _on_values)}\n"
                for name, wanted in zip(names, self.variant, strict=True)
            ]
            made = _compile(f"{self.op.name} on Values, {self.variant}", "\n".join(lines))
            self._partials = tuple(made[name] for name in names)
        return self._partials


class Compiled:
    """What a row becomes: functions on floats and on Values.

    Attributes:
        floats: the operation on floats.
        forward: the method of Value.
        reflected: the same with its two operands exchanged, for a plain number on the left.
        pullbacks: for each variant the function (node, g) that adds g times the partials to the operands' adjoints.

    """

    __slots__ = ("floats", "forward", "pullbacks", "reflected")

    def __init__(self, op: Op) -> None:
        made = _compile(op.name, source(op), {"row": op, **_used_on_floats(op)})
        self.floats: Callable[..., float] = getattr(ieee, op.name) if op.primitive else made["on_floats"]
        self.forward: Callable[..., Value] = made["forward"]
        self.reflected: Callable[..., Value] | None = made.get("reflected")
        self.pullbacks: dict[str, Pullback] = {}
        for variant in _variants(op):
            self.pullbacks[variant] = function = made[f"{op.name}_{variant}"]
            function.rule = rule = Rule(op, variant)
            rule.pullback = function
        if op.name not in ieee.QUICK:
            made[op.name] = self.floats  # a partial may call its own row
        for function, name in ((self.forward, op.name), (self.reflected, f"r{op.name}")):
            if function is not None:
                function.__name__ = f"__{name}__" if op.method else name
                function.__qualname__ = f"Value.{function.__name__}"


def compiled(op: Op) -> Compiled:
    """Return the compiled row, compiling it if this is its first use."""
    if op.compiled is None:
        op.compiled = Compiled(op)
    return op.compiled


INLINED = (("add", "xy"), ("mul", "xy"), ("add", "x"), ("mul", "x"))
"""The rules that the sweep applies on the spot: most nodes of most graphs are these, and a call costs more."""


def sweep() -> Callable[[Iterable[Value]], None]:
    """Return the function that walks nodes newest first and hands each adjoint on to the operands."""
    lines = ["def sweep(nodes):\n    for node in nodes:\n        pull = node._pull\n        g = node._adjoint\n"]
    extra: dict[str, object] = {}
    for test, (name, variant) in zip(("if", *["elif"] * (len(INLINED) - 1)), INLINED, strict=True):
        function = compiled(TABLE[name]).pullbacks[variant]
        extra[function.__name__] = function
        body = pullback_body(function.rule, "node", " " * 12)
        lines.append(f"        {test} pull is {function.__name__}:\n{body}")
    lines.append("        else:\n            pull(node, g)\n")
    made: Callable[[Iterable[Value]], None] = _compile("sweep", "".join(lines), extra)["sweep"]
    return made


def rule_named(name: str, variant: str) -> Rule:
    """Return the rule of a row of the table, for a pickle.

    Raises:
        LookupError: if there is no such row here.

    """
    if name not in TABLE:
        raise LookupError(
            f"a pickled graph uses the operation {name!r}, which is not defined here: define it with operation()"
        )
    rule: Rule = compiled(TABLE[name]).pullbacks[variant].rule
    return rule


# --- the text of the compiled functions -----------------------------------------------------------------------------


def source(op: Op) -> str:
    """Return the Python source of a row: its function on floats, its methods, its pullbacks."""
    parts = [] if op.primitive else [_floats(op)]
    parts += [_pullback(Rule(op, variant)) for variant in _variants(op)]
    parts += [_unary(op)] if len(op.operands) == 1 else [_binary(op, "x"), _binary(op, "y")]
    return "\n\n".join(parts)


def _variants(op: Op) -> tuple[str, ...]:
    return ("x",) if len(op.operands) == 1 else ("xy", "x", "y")


def _floats(op: Op) -> str:
    return f"def on_floats({', '.join(op.operands)}):\n{_assign('z', _parsed(op, op.value), '    ')}    return z\n"


def _unary(op: Op) -> str:
    return (
        f'def forward(p):\n    """{op.doc}"""\n    node = Computed()\n    x = p._data\n'
        f"{_assign('node._data', _parsed(op, op.value), '    ')}"
        f"    node._pull = {op.name}_x\n    node._x = p\n    node._y = NIL\n{_RECORD}"
    )


def _binary(op: Op, left: str) -> str:
    """Write the method for the operand `left`, whose class Python asks first: p is x, or p is y and q is x."""
    right = "y" if left == "x" else "x"
    default = f"={op.default!r}" if op.default is not None and left == "x" else ""
    name = "forward" if left == "x" else "reflected"
    first, second = ("p", "q") if left == "x" else ("q", "p")
    value = _assign("node._data", _parsed(op, op.value), "        ")
    return (
        f'def {name}(p, q{default}):\n    """{op.doc}"""\n    kind = type(q)\n'
        f"    if kind is Computed or kind is Value or kind is Parameter:\n"
        f"        node = Computed()\n        {left} = p._data\n        {right} = q._data\n{value}"
        f"        node._pull = {op.name}_xy\n        node._x = {first}\n        node._y = {second}\n"
        f"    elif type(k := q if kind is float else float(q) if kind is int else operand(q)) is float:\n"
        f"        node = Computed()\n        {left} = p._data\n        {right} = k\n{value}"
        f"        node._pull = {op.name}_{left}\n        node._x = p\n        node._y = NIL\n        node._k = k\n"
        f"    else:\n        return mixed(row, {first}, {second}, k)\n{_RECORD}"
    )


_RECORD = """    node._tick = next(clock)
    node._adjoint = None
    return watch(node) if watchers else node
"""


def _pullback(rule: Rule) -> str:
    return f"def {rule.op.name}_{rule.variant}(node, g):\n{pullback_body(rule, 'node', '    ')}"


def pullback_body(rule: Rule, node: str, indent: str) -> str:
    """Write the lines that add g times each partial derivative to the adjoint of its operand."""
    op = rule.op
    needed = _names(op, rule.variant)
    text = _operands(rule, node, data="._data", needed=needed)
    if "z" in needed:
        text += f"    z = {node}._data\n"
    quick = {w: _times("g", op, w, _on_floats_quick) for w in rule.variant}
    careful = {w: _times("g", op, w, _on_floats_careful) for w in rule.variant}
    slots = dict(zip(rule.variant, ("p", "q"), strict=False))
    if quick == careful:
        text += "".join(f"    {slots[w]}._adjoint += {quick[w]}\n" for w in rule.variant)
    else:
        text += "    try:\n" + "".join(f"        d{w} = {quick[w]}\n" for w in rule.variant)
        text += "    except (ArithmeticError, ValueError):\n" + "".join(
            f"        d{w} = {careful[w]}\n" for w in rule.variant
        )
        text += "".join(f"    {slots[w]}._adjoint += d{w}\n" for w in rule.variant)
    return "".join(f"{indent}{line[4:]}\n" for line in text.splitlines())


def _operands(rule: Rule, node: str, *, data: str, needed: set[str] | None = None) -> str:
    """Write the lines that fetch the operands: Values into p and q, and x and y as floats or (no `data`) as Values."""
    slots = dict(zip(rule.variant, (("p", "_x"), ("q", "_y")), strict=False))
    lines = []
    for name in rule.op.operands:
        if name in slots:
            local, slot = slots[name]
            lines.append(f"    {local} = {node}.{slot}\n")
            if needed is None or name in needed:
                lines.append(f"    {name} = {local}{data}\n")
        elif needed is None or name in needed:
            lines.append(f"    {name} = {node}._k\n")
    return "".join(lines)


def _assign(target: str, tree: ast.expr, indent: str) -> str:
    """Write an assignment by quick code that falls back on the careful one where Python raises."""
    from autograd_mini.formula import write

    quick, careful = write(tree, _on_floats_quick), write(tree, _on_floats_careful)
    if quick == careful:
        return f"{indent}{target} = {quick}\n"
    return (
        f"{indent}try:\n{indent}    {target} = {quick}\n"
        f"{indent}except (ArithmeticError, ValueError):\n{indent}    {target} = {careful}\n"
    )


def _times(factor: str, op: Op, wanted: str, call: Callable[[str, list[str]], str]) -> str:
    from autograd_mini.formula import times

    return times(factor, _parsed(op, op.partials[op.operands.index(wanted)]), call)


def _parsed(op: Op, text: str) -> ast.expr:
    from autograd_mini.formula import parse

    return parse(text, (*op.operands, "z"), own=op)


def _names(op: Op, variant: str) -> set[str]:
    from autograd_mini.formula import names_in

    return set().union(*(names_in(_parsed(op, op.partials[op.operands.index(wanted)])) for wanted in variant))


def _on_floats_quick(name: str, args: list[str]) -> str:
    """Write an operation as Python or the math module computes it; it may raise where IEEE 754 has a value."""
    if name in {"truediv", "mod", "floordiv"}:
        return f"({args[0]} {TABLE[name].symbol} {args[1]})"
    return f"{name}({', '.join(args)})"


def _on_floats_careful(name: str, args: list[str]) -> str:
    """Write an operation by IEEE 754."""
    careful = name in {"truediv", "pow", "mod", "floordiv"} or (
        name in TABLE and TABLE[name].primitive and name != "abs"
    )
    return f"{'ieee.' if careful else ''}{name}({', '.join(args)})"


def _on_values(name: str, args: list[str]) -> str:
    """Write an operation as a function of Values and floats."""
    return f"on_values.{name}({', '.join(args)})"


def _used_on_floats(op: Op) -> dict[str, object]:
    """Return the functions on floats of the rows, not primitives, that the formulas of a row call."""
    import ast

    trees = [_parsed(op, text) for text in (op.value, *op.partials)]
    called = {
        n.func.id for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    return {name: compiled(TABLE[name]).floats for name in called - {op.name, "where"} if not TABLE[name].primitive}


def _compile(title: str, text: str, extra: dict[str, object] | None = None) -> dict[str, Any]:
    """Compile generated source in the shared namespace and file its text for debuggers."""
    import linecache

    filename = f"<autograd_mini {title}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    scope = NAMESPACE | (extra or {})
    exec(compile(text, filename, "exec"), scope)  # noqa: S102 - generated from formulas that `parse` has checked
    return scope
