"""What the engine is compared with besides micrograd: a slotted class that stores local gradients in tuples."""

from __future__ import annotations

import math
from typing import Self


class TupleValue:
    """The leanest design in common use: four slots, and the local gradients computed on the way forward."""

    __slots__ = ("children", "data", "grad", "local")

    def __init__(self, data: float, children: tuple[Self, ...] = (), local: tuple[float, ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local = local

    def __add__(self, other):
        other = other if isinstance(other, TupleValue) else TupleValue(other)
        return TupleValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, TupleValue) else TupleValue(other)
        return TupleValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power):
        return TupleValue(self.data**power, (self,), (power * self.data ** (power - 1),))

    def exp(self):
        result = math.exp(self.data)
        return TupleValue(result, (self,), (result,))

    def log(self):
        return TupleValue(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self):
        return TupleValue(max(0.0, self.data), (self,), (float(self.data > 0.0),))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for child in node.children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, local in zip(node.children, node.local, strict=True):
                child.grad += local * node.grad
