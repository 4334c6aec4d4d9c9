"""A replay: a graph computed again, with other numbers for some of its nodes."""

from __future__ import annotations

from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.graph import order
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.viz.partials import call_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class NotReplayableError(ValueError):
    """A graph holds an operation that is known only by its result."""


def replay(y: Value, replaced: Mapping[Value, Value | float]) -> Value | float:
    """Return y computed again.

    A `where` whose condition was a truth value, not a Value, takes the operand it took before.

    Args:
        y: the result.
        replaced: what stands in the place of some nodes: floats for a result that is a float, Values for one that
            can be differentiated. All other leaves keep their numbers, as constants.

    Raises:
        NotReplayableError: if an operation of the graph is not in the table.

    >>> x = Value(3.0)
    >>> replay(x * x, {x: 5.0})
    25.0

    """
    found: dict[Value, Any] = dict(replaced)
    for node in order(y):
        if node in found:
            continue
        if not node.op:
            found[node] = node.data
            continue
        args = [found[operand] if isinstance(operand, Value) else operand for operand in node.args]
        if node.op == "where":
            found[node] = args[1] if args[0] else args[2]
            continue
        if call_of(node) is not None or node.op not in TABLE:
            raise NotReplayableError(
                f"the graph holds {node.op}(…), which is no operation of the table, so it cannot be computed again"
            )
        function = getattr(ON_VALUES, node.op)
        found[node] = function(*args)
    result: Value | float = found[y]
    return result
