"""A random function that branches, as text: conditions, loops, early returns, and Python's max, min and sorted."""

from __future__ import annotations

import math
import random

import autograd_mini as ag
from autograd_mini import Parameter, where

RELATIONS = ("<", "<=", ">", ">=", "==", "!=")
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan)


class Writer:
    """Writes a function f(x, y) of two numbers, with the parameters v and w."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.loops = 0

    def number(self, names):
        """Write an expression that no rounding changes much: its operands are multiples of 1/8, or it is smooth."""
        draw, pick = self.random.random(), self.random.choice
        if draw < 0.35:
            return pick(names)
        if draw < 0.45:
            return repr(self.random.randint(-16, 16) / 8)
        left, right = pick(names), pick([*names, repr(self.random.randint(-16, 16) / 8)])
        if draw < 0.8:
            return f"({left} {pick('+-*')} {right})"
        return pick([
            f"ag.sin({left})", f"ag.tanh({left})", f"ag.log(abs({left}) + 0.5)", f"ag.sqrt({left})", f"abs({left})",
            f"max({left}, {right})", f"min({left}, {right})", f"sorted([{left}, {right}, {pick(names)}])[1]",
            f"where({left} > {right}, {left}, 2.0 * {right})", f"ag.log({left})", f"({left} / 4.0)",
        ])  # fmt: skip

    def condition(self, names):
        """Write a condition."""
        left, right, third = (self.number(names) for _ in range(3))
        asked = f"{left} {self.random.choice(RELATIONS)} {right}"
        draw = self.random.random()
        if draw < 0.15:
            return f"{asked} < {third}"
        if draw < 0.3:
            return f"{asked} {self.random.choice(('and', 'or'))} not {third} > 0.25"
        return asked if draw < 0.95 else f"({left})"

    def block(self, names, indent, depth):
        """Write statements, which may end in a return."""
        names = list(names)
        for _ in range(self.random.randint(1, 3)):
            draw = self.random.random()
            if draw < 0.5 or depth == 0:
                name = f"t{len(self.lines)}"
                self.lines.append(f"{indent}{name} = {self.number(names)}")
                names.append(name)
            elif draw < 0.85:
                name = self.random.choice(names[2:] or names)
                self.lines.append(f"{indent}if {self.condition(names)}:")
                self.block(names, indent + "    ", depth - 1)
                self.lines.append(f"{indent}    {name} = {self.number(names)}")
                if self.random.random() < 0.3:
                    self.lines.append(f"{indent}    return {self.number(names)}")
                if self.random.random() < 0.5:
                    self.lines.append(f"{indent}else:")
                    self.block(names, indent + "    ", depth - 1)
            else:
                self.loops += 1
                count, name = f"n{self.loops}", self.random.choice(names)
                self.lines += [
                    f"{indent}{count} = 0",
                    f"{indent}while ({self.condition(names)}) and {count} < 4:",
                    f"{indent}    {name}, {count} = {self.number(names)}, {count} + 1",
                ]
        return names

    def source(self):
        """Write the function."""
        self.lines.append("def f(x, y):")
        names = self.block(["x", "y", "v", "w"], "    ", 2)
        self.lines[1:1] = ["    v, w = parameters", "    a, b = x, y"]
        self.lines.append(f"    return {names[-1]} * w + v * {self.random.choice(names)} + a - b")
        return "\n".join(self.lines) + "\n"


def function(seed):
    """Return a random function, and its two parameters."""
    text = Writer(seed).source()
    parameters = [Parameter(1.5), Parameter(-0.25)]
    names = {"ag": ag, "where": where, "parameters": parameters, "__name__": "branches"}
    exec(compile(text, f"<branches {seed}>", "exec"), names)  # noqa: S102 - text of ours
    return names["f"], parameters, text


def points(seed, count):
    """Return points: multiples of 1/8 at which conditions are often equalities, others, and special ones."""
    draw = random.Random(-1 - seed)
    kinds = (lambda: draw.randint(-16, 16) / 8, lambda: draw.uniform(-2.5, 2.5), lambda: draw.choice(SPECIAL))
    return [[draw.choices(kinds, (4, 3, 1))[0]() for _ in range(2)] for _ in range(count)]


def eager(f, parameters, point):
    """Return the value, and the gradient with respect to the two arguments and the two parameters, of eager code."""
    leaves = [ag.Value(x) for x in point]
    for parameter in parameters:
        parameter.grad = None
    y = f(*leaves)
    if not isinstance(y, ag.Value):
        return [float(y), 0.0, 0.0, 0.0, 0.0]
    y.backward()
    return [y.data, *[leaf.grad for leaf in (*leaves, *parameters)]]


def close(found, expected):
    """Return whether numbers agree but for rounding; nan is nan."""
    return all(
        (math.isnan(x) and math.isnan(y)) or x == y or math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9)
        for x, y in zip(found, expected, strict=True)
    )
