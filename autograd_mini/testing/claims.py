"""A claim: what the user's derivative returns, as rows of partial derivatives.

It is compared with the example of the arguments, leaf by leaf.
"""

from __future__ import annotations

import math
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from autograd_mini.extras import extra
from autograd_mini.testing.libraries import labels_of, leaves
from autograd_mini.testing.problem import MANY, ShapeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.testing.arguments import Arguments, Input

MOST_DENSE = 4_000_000
"""Numbers of a Jacobian above which one that is sparse or elementwise stays so."""


class Claims:
    """What the user's derivative returns, as rows of partial derivatives: one row a number that f returns.

    The gradient of a real f by a complex x + iy is df/dx + i df/dy (of JAX's arrays, df/dx - i df/dy); a complex f has
    a complex derivative f', as of a holomorphic function.

    Attributes:
        remark: what is unusual about the shape of the result, if it holds the right numbers.
        elementwise: whether it has one number for each of f's, by the entry of an argument in its place.

    """

    def __init__(self, arguments: Arguments) -> None:
        self.arguments, self.remark = arguments, ""
        self.sizes = [leaf.entries * (1 + arguments.complex) for leaf in arguments.leaves]
        self.shape: tuple[int, ...] = ()
        self.outputs, self.holomorphic, self.compared, self.elementwise = 1, False, False, False

    def expect(self, result: Any, values: Sequence[float]) -> None:
        """Take the shape of what f returned as that of each partial derivative."""
        numbers = len(leaves(result, "f"))
        self.holomorphic = len(values) == 2 * numbers and self.arguments.complex
        self.outputs, self.shape = numbers, shape_of(result)

    def rows(self, result: Any) -> Sequence[Sequence[float]]:
        """Return the rows of a result, after its shape was compared with that of the arguments."""
        result = self._spread(self._in_order(result))
        if hasattr(result, "tocsr") and math.prod(result.shape) > MOST_DENSE:
            self._compare(result, math.prod(result.shape))
            return sys.modules["scipy.sparse"].csr_array(result)  # type: ignore[no-any-return]
        flat, count = self._numbers(result), sum(self.sizes)
        if not self.compared or len(flat) != count * self.outputs:
            self._compare(result, len(flat))
            self.compared = True
        if self.outputs > 1 and len(self.arguments.leaves) > 1:
            flat = self._by_output(result, flat)
        if hasattr(flat, "reshape"):
            matrix: Sequence[Sequence[float]] = flat.reshape(self.outputs, count)
            return matrix
        rows = [flat[i * count : (i + 1) * count] for i in range(self.outputs)]
        return rows if not self.arguments.complex else [part for row in rows for part in self._real(row)]

    def _numbers(self, result: Any) -> Sequence[float]:
        """Return the numbers of a result, many as an array, or each as two where there are complex arguments."""
        if len(self.arguments.names) > MANY and not self.arguments.complex and "numpy" in sys.modules:
            numpy = sys.modules["numpy"]
            blocks = result if isinstance(result, (list, tuple)) and hasattr(result[0], "shape") else [result]
            try:
                arrays = [numpy.asarray(_dense(block)) for block in blocks]
            except (TypeError, ValueError, RuntimeError):  # no numbers, ragged, or of a type that NumPy does not know
                arrays = []
            if arrays and all(a.dtype.kind in "fiu" for a in arrays):
                flat: Sequence[float] = numpy.concatenate([a.ravel().astype(float, copy=False) for a in arrays])
                return flat
        return leaves(result, "df", 2 * self.arguments.complex)

    def _in_order(self, result: Any) -> Any:
        """Return a result with the entries of dicts in the order of the arguments, without None for what is kept."""
        names = self.arguments.names
        if isinstance(result, dict):
            heads = [leaf.name for leaf in self.arguments.leaves]
            keys = {f"{head.partition('[')[0]}[{key!r}]": key for head in heads for key in result}
            orders = ([*names], [*dict.fromkeys(h.partition("[")[0] for h in heads)], [keys.get(h) for h in heads])
            order = next((order for order in orders if set(order) == set(result)), [*result])
            return [self._in_order(result[key]) for key in order]
        parts = self.arguments.leaves
        if type(result) is tuple and len(result) == len(self.arguments.example):
            result = tuple(part for part in result if part is not None) or result
        if isinstance(result, tuple) and len(result) == len(parts) > 1:
            return tuple(map(_by_label, result, parts))
        return _by_label(result, parts[0]) if len(parts) == 1 else result

    def _spread(self, result: Any) -> Any:
        """Return a result with what is elementwise, each number by one entry of an argument, as a whole Jacobian."""
        parts = self.arguments.leaves
        if self.outputs < 2 or not any(leaf.shape == self.shape for leaf in parts):
            return result
        if len(parts) == 1:
            return self._elementwise(result, parts[0])
        if isinstance(result, (list, tuple)) and len(result) == len(parts):
            return tuple(map(self._elementwise, result, parts))
        return result

    def _elementwise(self, block: Any, leaf: Input) -> Any:
        if not leaf.shape == self.shape == shape_of(block):
            return block
        self.elementwise = True
        self.remark = "df is elementwise: number i of it was taken as the derivative of f[i] by entry i"
        entries = _dense(block).reshape(-1).tolist() if hasattr(block, "reshape") else [*_flat(block)]
        if len(entries) ** 2 > MOST_DENSE:
            with suppress(ImportError):
                return extra("scipy.sparse", "A large elementwise derivative").diags_array(entries, format="csr")
        if len(entries) > MANY and "numpy" in sys.modules:
            return sys.modules["numpy"].diag(entries)
        return [[entry if i == j else 0.0 for j in range(len(entries))] for i, entry in enumerate(entries)]

    def _by_output(self, result: Any, flat: Sequence[float]) -> Sequence[float]:
        """Return the numbers of blocks, one an argument and each with a row for each output, as whole rows."""
        parts = self.arguments.leaves
        if not isinstance(result, (list, tuple)) or len(result) != len(parts) or not any(leaf.shape for leaf in parts):
            return flat
        width = sum(self.sizes)
        if all(isinstance(row, (list, tuple)) and len(row) == len(parts) and shape_of(row[0]) for row in result):
            rows: list[float] = []  # one block for each part of outputs and arguments
            for row in result:
                inner = [self._numbers(block) for block in row]
                outputs = sum(map(len, inner)) // width
                if [len(block) for block in inner] != [outputs * size for size in self.sizes]:
                    return flat
                pairs = [*zip(inner, self.sizes, strict=True)]
                rows += [n for i in range(outputs) for block, size in pairs for n in block[i * size : (i + 1) * size]]
            return sys.modules["numpy"].array(rows) if hasattr(flat, "reshape") else rows
        blocks = [self._numbers(block) for block in result]
        if [len(block) for block in blocks] != [self.outputs * size for size in self.sizes]:
            return flat
        if hasattr(flat, "reshape"):
            side_by_side = [b.reshape(self.outputs, -1) for b in blocks]  # type: ignore[attr-defined]
            together: Sequence[float] = sys.modules["numpy"].hstack(side_by_side).ravel()
            return together
        pairs = [*zip(blocks, self.sizes, strict=True)]
        return [n for i in range(self.outputs) for block, size in pairs for n in block[i * size : (i + 1) * size]]

    def _real(self, row: Sequence[float]) -> Sequence[Sequence[float]]:
        """Return the partial derivatives by real and imaginary parts, of f or of the two parts of f."""
        flags = [leaf.complex for leaf in self.arguments.leaves for _ in range(leaf.entries)]
        pairs = list(zip(row[::2], row[1::2], strict=True))
        if not self.holomorphic:
            sign = -1.0 if self.arguments.conjugate else 1.0
            return [[n for (u, v), both in zip(pairs, flags, strict=True) for n in ((u, sign * v) if both else (u,))]]
        upper = [n for (u, v), both in zip(pairs, flags, strict=True) for n in ((u, -v) if both else (u,))]
        lower = [n for (u, v), both in zip(pairs, flags, strict=True) for n in ((v, u) if both else (v,))]
        return [upper, lower]

    def _compare(self, result: Any, numbers: int) -> None:
        """Raise ShapeError for a result of another size, or a transposed one; remember a flat one."""
        parts = self.arguments.leaves
        several = isinstance(result, (list, tuple)) and len(result) == len(parts) and len(parts) > 1
        pairs = zip(result, parts, strict=True) if several else [(result, parts[0])] if len(parts) == 1 else []
        for block, leaf in pairs:
            found, expected = shape_of(block), self.shape + leaf.shape
            if math.prod(found) != math.prod(expected):
                if found and expected and leaf.shape:
                    raise ShapeError(
                        f"df returned a gradient by {leaf.name} of shape {found}, expected {expected}"
                        + _difference(found, expected)
                    )
                continue
            thin, thick = (tuple(n for n in shape if n != 1) for shape in (found, expected))
            if thin == thick:
                continue
            if thin == thick[::-1]:
                raise ShapeError(
                    f"df returned a gradient by {leaf.name} of shape {found}, expected {expected}: it is transposed"
                )
            if len(thin) < len(thick):
                self.remark = f"df returned a gradient by {leaf.name} that is flat, {found}, where {expected} fits"
        count, rows = sum(self.sizes), self.outputs
        if numbers == count * rows:
            return
        kind = "partial derivative" if rows == 1 else f"x {rows} partial derivative"
        names = self.arguments.names
        shown = ", ".join(names if len(names) <= 8 else [*names[:3], "...", names[-1]])
        raise ShapeError(
            f"df returned {numbers} number{'s' * (numbers != 1)}, expected {count} {kind}{'s' * (count != 1)}, "
            f"one for each of {shown}{self._hint(numbers)}"
        )

    def _hint(self, numbers: int) -> str:
        """Return which of the arguments a result of some size may be by alone, if it is not by all."""
        sizes: dict[str, int] = {}
        for leaf, size in zip(self.arguments.leaves, self.sizes, strict=True):
            head = leaf.name.partition("[")[0]
            sizes[head] = sizes.get(head, 0) + size
        fits = [head for head, size in sizes.items() if size * self.outputs == numbers] if len(sizes) > 1 else []
        return f"; or say wrt={' or wrt='.join(map(repr, fits))} if it is by that alone" if fits else ""


def _by_label(result: Any, leaf: Input) -> Any:
    """Return a Series or a DataFrame of derivatives with its labels in the order of the argument's."""
    labels = labels_of(result)
    if not labels or not leaf.labels or {*labels[-1]} != {*leaf.labels[-1]}:
        return result
    return result.reindex(**{("index", "columns")[len(labels) - 1]: leaf.labels[-1]})


def _dense(block: Any) -> Any:
    """Return a sparse matrix or a tensor as an array that NumPy takes."""
    if hasattr(block, "toarray"):
        return block.toarray()
    return block.detach() if hasattr(block, "detach") else block


def _flat(block: Any) -> Iterator[Any]:
    """Yield the numbers in nested lists."""
    for part in block:
        yield from _flat(part) if isinstance(part, (list, tuple)) else (part,)


def shape_of(result: Any) -> tuple[int, ...]:
    """Return the shape of an array, of nested lists of equal length, or of a number."""
    if hasattr(result, "shape"):
        return tuple(result.shape)
    if isinstance(result, (list, tuple)) and result:
        return (len(result), *shape_of(result[0]))
    return ()


def _difference(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return in words how a shape differs from the expected one, where one dimension does."""
    if len(found) != len(expected):
        return ""
    off = [(axis, u - v) for axis, (u, v) in enumerate(zip(found, expected, strict=True)) if u != v]
    if len(off) != 1:
        return ""
    axis, surplus = off[0]
    what = ("a row", "a column")[axis] if len(found) == 2 else "a number" if len(found) == 1 else "a slice"
    amount = what if abs(surplus) == 1 else f"{abs(surplus)} {what.partition(' ')[2]}s"
    return f": it is {amount} {'short' if surplus < 0 else 'long'}"
