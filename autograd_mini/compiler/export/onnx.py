"""A network as an ONNX model: a matrix product for a layer, and an operator, or the formula, of its activation."""

from __future__ import annotations

from autograd_mini.engine.formula import evaluate, parse
from autograd_mini.engine.ops import TABLE
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

OPSET = 20
"""The version of ONNX's operators that the models ask for: the first one with Gelu."""

OPERATORS = {
    row: row.capitalize()
    for row in (
        *("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"),
        *("atanh", "erf", "add", "sub", "mul", "pow", "neg", "abs", "sign", "floor", "ceil", "relu", "sigmoid"),
        *("softplus", "gelu"),
    )
} | {"truediv": "Div", "maximum": "Max", "minimum": "Min"}
"""ONNX's operator for each row that it has."""

FORMULAS = {
    "expm1": "exp(x) - 1.0",
    "log1p": "log(1.0 + x)",
    "log2": "1.4426950408889634 * log(x)",
    "log10": "0.4342944819032518 * log(x)",
    "cbrt": "sign(x) * abs(x) ** 0.3333333333333333",
    "erfc": "1.0 - erf(x)",
    "ndtr": "0.5 * (1.0 + erf(0.7071067811865476 * x))",
    "mod": "x - y * floor(x / y)",
    "floordiv": "floor(x / y)",
}
"""The formula of each primitive that ONNX lacks; it is right to the last places of a network's numbers."""

RELATIONS = {"<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual", "==": "Equal"}
"""ONNX's operator for each comparison but !=."""


class Graph:
    """An ONNX graph that is being written; an algebra that formulas are evaluated over, whose elements are names.

    Args:
        kind: the type of its numbers, such as "float32".

    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def node(self, operator: str, *inputs: str, **settings: Any) -> str:
        """Append a node and return the name of its result."""
        import onnx  # type: ignore[import-not-found, unused-ignore]  # an extra, imported on first use

        name = f"v{len(self.nodes) + 1}"
        self.nodes.append(onnx.helper.make_node(operator, inputs, [name], **settings))
        return name

    def tensor(self, name: str, numbers: Any) -> str:
        """Keep an array under a name, which is returned."""
        import numpy as np
        import onnx  # type: ignore[import-not-found, unused-ignore]  # an extra, imported on first use

        with np.errstate(over="ignore"):  # 1e300 is infinite in 32 bits
            array = np.asarray(numbers, dtype=np.float64).astype(self.kind)
        self.constants[name] = onnx.numpy_helper.from_array(array, name)
        return name

    def constant(self, number: float) -> str:
        """Return a number."""
        return self.tensor(f"number {number!r}", number)

    def apply(self, name: str, operands: list[str]) -> str:
        """Return a row of the table: an operator of ONNX, or the row's formula."""
        if name == "round":  # to 0 decimals, as every formula and activation has it
            return self.node("Round", operands[0])
        if name in OPERATORS:
            return self.node(OPERATORS[name], *operands)
        row = TABLE[name]
        if row.primitive and name not in FORMULAS:
            raise ValueError(
                f"the operation is {name!r}, expected one that ONNX has, or a formula of these: define it by "
                "autograd_mini.operation"
            )
        tree = parse(FORMULAS.get(name, row.value), row.operands, own=row)
        return evaluate(tree, self, dict(zip(row.operands, operands, strict=True)))

    def compare(self, relation: str, x: str, y: str) -> str:
        """Return a condition."""
        return self.node("Not", self.compare("==", x, y)) if relation == "!=" else self.node(RELATIONS[relation], x, y)

    def join(self, junction: str, conditions: list[str]) -> str:
        """Return whether all or any of the conditions hold."""
        first, *others = conditions
        for other in others:
            first = self.node(junction.capitalize(), first, other)
        return first

    def where(self, condition: str, this: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """Return this where the condition holds."""
        return self.node("Where", condition, this(), otherwise())


def model(architecture: dict[str, Any], numbers: Any, name: str, dtype: str, notes: Sequence[str]) -> bytes:
    """Return the ONNX model of a network; see `perceptron.written`."""
    onnx = extra("onnx", "an ONNX model")
    graph = Graph({"float": "float32", "double": "float64"}[dtype])
    h = "x"
    for index, (weights, biases, activation) in enumerate(zip(*numbers, architecture["activations"], strict=True)):
        w, b = graph.tensor(f"layers.{index}.weight", weights), graph.tensor(f"layers.{index}.bias", biases)
        h = graph.node("Gemm", h, w, b, transB=1)
        if activation != "linear":
            default = TABLE[activation].default
            h = graph.apply(activation, [h] if default is None else [h, graph.constant(default)])
    nodes = [*graph.nodes, onnx.helper.make_node("Identity", [h], ["y"])]
    kind = {"float": onnx.TensorProto.FLOAT, "double": onnx.TensorProto.DOUBLE}[dtype]
    ends = [
        onnx.helper.make_tensor_value_info(end, kind, ["batch", size])
        for end, size in (("x", architecture["nin"]), ("y", architecture["nouts"][-1]))
    ]
    read = {place for node in nodes for place in node.input}
    kept = [tensor for place, tensor in graph.constants.items() if place in read]
    made = onnx.helper.make_graph(nodes, name, ends[:1], ends[1:], kept, doc_string="\n".join(notes))
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    whole = onnx.helper.make_model(
        made,
        producer_name="autograd_mini",
        opset_imports=opsets,
        ir_version=onnx.helper.find_min_ir_version_for(opsets),
    )
    onnx.checker.check_model(whole, full_check=True)
    data: bytes = whole.SerializeToString(deterministic=True)
    return data
