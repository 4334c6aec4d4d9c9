"""The rules of rewriting, one by one: what each makes of small programs, and what it leaves alone.

In the programs u to z are inputs, sin8(x) is the sine of the sine, eight times, and SHORT says what other names mean.
"""

from __future__ import annotations

import ast
import re

import pytest

from autograd_mini.compiler.passes import PASSES, fold, hoist, rewritten, simplify, split
from autograd_mini.compiler.tape import Builder

INPUTS = "uvwxyz"
SHORT = {
    "c": "lt(x, y)",
    "d": "lt(z, w)",
    "p": "select(c, z, 0.0)",
    "q": "select(c, w, 0.0)",
    "r": "select(c, mul(z, w), 0.0)",
    "s": "select(c, mul(z, z), 0.0)",
    "t": "select(c, mul(w, w), 0.0)",
}

FOLD = """
add(2.0, 3.0) -> 5.0
neg(0.0) -> -0.0
lt(1.0, 2.0) -> True
le(2.0, 2.0) -> True
gt(1.0, 2.0) -> False
ge(2.0, 2.0) -> True
eq(2.0, 2.0) -> True
ne(2.0, 2.0) -> False
not(True) -> False
not(False) -> True
select(True, x, y) -> x
select(False, x, y) -> y
select(c, 1.0, 2.0) -> same
select(lt(1.0, 2.0), x, y) -> x
and(True, c) -> c
and(c, True) -> c
and(False, c) -> False
and(c, False) -> False
or(True, c) -> True
or(c, True) -> True
or(False, c) -> c
or(c, False) -> c
and(c, lt(y, z)) -> same
add(x, 2.0) -> same
add(2.0, x) -> same
exp(0.0) -> 1.0
add(x, mul(2.0, 3.0)) -> add(x, 6.0)
pow(2.0, 3.0) -> 8.0
truediv(1.0, -4.0) -> -0.25
and(True, True) -> True
and(True, False) -> False
or(False, False) -> False
"""

SIMPLIFY = """
add(x, -0.0) -> x
add(-0.0, x) -> x
add(x, 0.0) -> same
add(x, y) -> same
add(x, 1.0) -> same
add(x, neg(y)) -> sub(x, y)
add(neg(x), y) -> sub(y, x)
add(neg(x), neg(y)) -> sub(neg(y), x)
add(neg(x), -0.0) -> sub(-0.0, x)
add(1.0, neg(y)) -> sub(1.0, y)
sub(x, 0.0) -> x
sub(x, -0.0) -> same
sub(0.0, x) -> same
sub(x, 1.0) -> same
sub(x, neg(y)) -> add(x, y)
sub(neg(x), y) -> same
sub(x, y) -> same
mul(x, 1.0) -> x
mul(1.0, x) -> x
mul(x, -1.0) -> neg(x)
mul(-1.0, x) -> neg(x)
mul(x, 2.0) -> same
mul(x, y) -> same
mul(neg(x), -1.0) -> x
mul(-1.0, neg(x)) -> x
mul(neg(x), neg(y)) -> mul(x, y)
mul(neg(x), y) -> same
mul(x, neg(y)) -> same
mul(neg(x), 2.0) -> same
mul(x, 0.0) -> same
truediv(x, 1.0) -> x
truediv(x, -1.0) -> neg(x)
truediv(x, 2.0) -> same
truediv(1.0, x) -> same
truediv(x, y) -> same
neg(neg(x)) -> x
neg(x) -> same
neg(sub(x, y)) -> same
pow(x, 0.0) -> 1.0
pow(x, -0.0) -> 1.0
pow(x, 1.0) -> x
pow(x, 2.0) -> mul(x, x)
pow(x, 3.0) -> mul(mul(x, x), x)
pow(x, -1.0) -> truediv(1.0, x)
pow(x, 0.5) -> same
pow(x, 4.0) -> same
pow(x, y) -> same
pow(2.0, x) -> same
not(not(c)) -> c
not(c) -> same
not(and(c, lt(y, z))) -> same
select(c, z, z) -> z
select(c, z, w) -> same
select(not(c), z, w) -> select(c, w, z)
select(le(x, 0.0), 0.0, x), gt(x, 0.0) -> select(le(x, 0.0), 0.0, x), gt(select(le(x, 0.0), 0.0, x), 0.0)
select(le(x, 0.0), 0.0, y), gt(x, 0.0) -> same
select(le(x, 0.0), x, 0.0), gt(x, 0.0) -> same
select(lt(x, 0.0), 0.0, x), gt(x, 0.0) -> same
select(le(x, 0.0), 0.0, x), gt(x, 1.0) -> same
select(le(x, 1.0), 1.0, x), gt(x, 1.0) -> same
select(le(x, 0.0), 0.0, x), gt(y, 0.0) -> same
le(x, 0.0), gt(x, 0.0) -> same
gt(x, 0.0) -> same
exp(x) -> same
add(cos(x), -0.0) -> cos(x)
mul(1.0, exp(x)) -> exp(x)
"""

HOIST = """
select(c, exp(z), exp(w)) -> exp(select(c, z, w))
select(c, exp(z), sin(w)) -> same
select(c, z, w) -> same
select(c, 1.0, 2.0) -> same
select(c, exp(z), exp(z)) -> exp(z)
select(c, z, mul(z, w)) -> mul(z, select(c, 1.0, w))
select(c, z, mul(w, z)) -> mul(z, select(c, 1.0, w))
select(c, mul(z, w), z) -> mul(z, select(c, w, 1.0))
select(c, w, mul(z, w)) -> mul(w, select(c, 1.0, z))
select(c, add(z, w), add(z, w)) -> add(z, w)
select(c, mul(w, z), z) -> mul(z, select(c, w, 1.0))
select(c, z, add(z, w)) -> same
select(c, mul(z, z), z) -> mul(z, select(c, z, 1.0))
select(c, add(z, w), add(z, v)) -> add(z, select(c, w, v))
select(c, add(z, w), add(v, z)) -> add(z, select(c, w, v))
select(c, add(w, z), add(z, v)) -> add(select(c, w, v), z)
select(c, add(w, z), add(v, z)) -> add(select(c, w, v), z)
select(c, add(z, w), add(w, z)) -> same
select(c, add(z, z), add(v, z)) -> add(select(c, z, v), z)
select(c, add(z, w), add(u, v)) -> same
select(c, mul(z, w), mul(u, v)) -> same
select(c, sub(z, w), sub(u, v)) -> same
select(c, sub(z, w), sub(w, v)) -> same
select(c, sub(z, w), sub(z, v)) -> sub(z, select(c, w, v))
select(c, truediv(z, w), truediv(u, v)) -> truediv(select(c, z, u), select(c, w, v))
select(c, truediv(z, w), truediv(v, z)) -> truediv(select(c, z, v), select(c, w, z))
select(c, mul(z, w), mul(z, v)) -> mul(z, select(c, w, v))
select(c, mul(z, w), mul(v, z)) -> mul(z, select(c, w, v))
select(c, mul(z, z), mul(z, w)) -> mul(z, select(c, z, w))
select(c, mul(z, z), mul(w, z)) -> mul(select(c, z, w), z)
select(c, exp(exp(z)), exp(exp(w))) -> exp(exp(select(c, z, w)))
select(c, exp(neg(z)), exp(z)) -> exp(select(c, neg(z), z))
select(c, exp(add(z, w)), exp(add(u, v))) -> exp(add(select(c, z, u), select(c, w, v)))
select(c, exp(add(z, w)), exp(add(v, z))) -> exp(add(z, select(c, w, v)))
select(c, exp(mul(z, w)), exp(z)) -> exp(mul(z, select(c, w, 1.0)))
select(c, exp(select(d, u, v)), exp(select(d, v, u))) -> exp(select(c, select(d, u, v), select(d, v, u)))
select(c, select(d, u, v), select(d, v, u)) -> same
select(c, d, lt(z, v)), u -> lt(z, select(c, w, v)), u
select(select(c, and(d, lt(u, v)), and(lt(u, w), lt(z, v))), x, y) -> same
select(select(c, or(d, lt(u, v)), or(lt(u, w), lt(z, v))), x, y) -> same
select(c, sin7(z), sin7(w)) -> sin7(select(c, z, w))
select(c, sin8(z), sin8(w)) -> sin8(select(c, z, w))
select(c, sin9(z), sin9(w)) -> sin8(select(c, sin(z), sin(w)))
select(c, sin8(z), sin8(mul(z, w))) -> sin8(select(c, z, mul(z, w)))
select(c, sin7(z), sin7(mul(z, w))) -> sin7(mul(z, select(c, 1.0, w)))
exp(x) -> same
add(select(c, exp(z), exp(w)), 1.0) -> add(exp(select(c, z, w)), 1.0)
"""

SPLIT = """
r -> same
r, select(c, mul(z, v), 0.0) -> same
r, select(c, mul(z, v), 0.0), select(c, mul(u, w), 0.0) -> same
r, select(c, mul(z, v), 0.0), select(c, mul(u, w), 0.0), select(c, mul(u, v), 0.0) -> same
r, s, t -> mul(p, q), mul(p, p), mul(q, q)
select(c, mul(z, w), 1.0), select(c, mul(z, z), 1.0), select(c, mul(w, w), 1.0) -> same
select(c, mul(z, w), -0.0), select(c, mul(z, z), -0.0), select(c, mul(w, w), -0.0) -> same
select(c, 0.0, mul(z, w)), select(c, 0.0, mul(z, z)), select(c, 0.0, mul(w, w)) -> same
select(c, add(z, w), 0.0), select(c, add(z, z), 0.0), select(c, add(w, w), 0.0) -> same
r, s, select(lt(x, v), mul(w, w), 0.0) -> same
r, s, t, select(d, mul(w, w), 0.0), exp(2.0) -> mul(p, q), mul(p, p), mul(q, q), select(d, mul(w, w), 0.0), exp(2.0)
"""

RULES = {
    "fold": (FOLD, lambda tape: rewritten(tape, fold)),
    "simplify": (SIMPLIFY, lambda tape: rewritten(tape, simplify)),
    "hoist": (HOIST, lambda tape: rewritten(tape, hoist)),
    "split": (SPLIT, split),
}


def parsed(text):
    """Return the syntax of calls; `not`, `and` and `or` are Python's own words."""
    return ast.parse(re.sub(r"\b(not|and|or)\(", r"\1_(", text), mode="eval").body


def tape_of(text):
    """Return the tape of programs written as calls."""
    builder = Builder(len(INPUTS))
    for at in range(len(INPUTS)):
        builder.input(at)

    def built(node):
        if isinstance(node, ast.Call):
            name = node.func.id.rstrip("_")
            operands = [built(operand) for operand in node.args]
            if name.startswith("sin"):
                for _ in range(int(name[3:] or 1)):
                    operands = [builder.sin(*operands)]
                return operands[0]
            return builder.step(name, *operands)
        if isinstance(node, ast.Name):
            return built(parsed(SHORT[node.id])) if node.id in SHORT else INPUTS.index(node.id)
        return builder.constant(ast.literal_eval(node))

    return builder.finished([built(node) for node in parsed(f"[{text}]").elts])


def text_of(tape):
    """Return the programs of a tape as calls."""

    def shown(at):
        name, *operands = tape.steps[at]
        if name == "input":
            return INPUTS[operands[0]]
        return str(operands[0]) if name == "constant" else f"{name}({', '.join(map(shown, operands))})"

    return ", ".join(map(shown, tape.results))


CASES = [(name, *line.split(" -> ")) for name, (lines, _) in RULES.items() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_a_rule_makes_this_of_that(name, before, after):
    made = RULES[name][1](tape_of(before)).pruned()
    assert text_of(made) == text_of(tape_of(before if after == "same" else after))
    assert len(made) == len(tape_of(before if after == "same" else after))


@pytest.mark.parametrize("text", ["add(2.0, x)", "add(x, 2.0)", "exp(x), lt(y, z)", "and(c, d)", "neg(x)"])
def test_a_tape_in_which_nothing_is_known_and_nothing_chosen_is_not_rewritten(text):
    tape = tape_of(text)
    assert PASSES["fold"](tape) is tape
    assert PASSES["hoist"](tape) is tape
