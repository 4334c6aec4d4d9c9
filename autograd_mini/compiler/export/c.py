"""The C text of a tape: one function, one line an operation, in the C of 1999.

    >>> from autograd_mini.compiler.tape import Tape
    >>> tape = Tape([("input", 0), ("input", 1), ("mul", 0, 1), ("tanh", 2)], results=[3], inputs=2)
    >>> print(function(tape, "f", ["double x", "double y"], ["x", "y"], Dialect()))
    static inline double f(double x, double y)
    {
        const double v1 = x * y;
        const double v2 = tanh(v1);
        return v2;
    }
    <BLANKLINE>

A step is written by `CALLS`, `SYMBOLS` or the few lines of `_expression`; rows that are formulas are written out
before, by the tape's builder, and those that the C library lacks by `legalised`. A `Dialect` holds all that differs
between numbers of 64 and 32 bits, and between C and its relatives: CUDA C is another qualifier.
"""

from __future__ import annotations

import re
import struct
from keyword import kwlist
from typing import NamedTuple

from autograd_mini.compiler.passes import ADDED, fold, legalised, rewritten
from autograd_mini.compiler.tape import ARRAYS, LEAVES, TRUTHS, Tape
from autograd_mini.engine.formula import RELATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograd_mini.compiler.tape import Builder, Step

CALLS = {
    name: name
    for name in (
        *(
            "exp",
            "expm1",
            "log",
            "log1p",
            "log2",
            "log10",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "atan2",
        ),
        *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "hypot", "erf", "erfc", "floor", "ceil", "pow"),
        *("fmod", "copysign"),
    )
} | {"abs": "fabs", "cbrt_rough": "cbrt", "roundeven": "rint"}
"""The function of the C library behind each operation of a tape."""

SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "and": "&&", "or": "||"} | {
    name: symbol for symbol, name in RELATIONS.items() if name not in {"eq", "ne"}
}
"""The operator behind each operation of two operands that has one."""

_KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while _Bool _Complex
_Imaginary bool true false asm typeof alignas alignof char8_t char16_t char32_t class compl concept const_cast constexpr
decltype delete dynamic_cast explicit export friend mutable namespace new noexcept nullptr operator private protected
public reinterpret_cast requires static_assert static_cast template this thread_local throw try typeid typename using
virtual wchar_t xor xor_eq and and_eq bitand bitor not not_eq or or_eq complex imaginary main NULL NAN INFINITY
fma fmin fmax round trunc nearbyint gamma lgamma tgamma signbit isnan isinf isfinite j0 j1 jn y0 y1 yn div abs exit
"""

RESERVED = {*_KEYWORDS.split(), *kwlist, *CALLS.values(), *[f"{name}f" for name in CALLS.values()]}
"""Names that mean something to C, to C++, or in the headers that the text includes."""

ROUND = """\
/* x rounded to y decimals, halves to even: right to the last bit where 10 to the power y is exact. */
{qualifier} {number} {name}({number} x, {number} y)
{{
    const {number} decimals = {fmin}({fabs}(y), {far});
    {number} power = {one}, scaled, nearest, rest;
    int count = (int)decimals;
    while (count-- > 0) {{
        power *= {ten};
    }}
    if (!({fabs}(x) < {inf}) || !(power < {inf})) {{
        return y < {zero} && {fabs}(x) < {inf} ? {copysign}({zero}, x) : x;
    }}
    scaled = y < {zero} ? x / power : x * power;
    if (!({fabs}(scaled) < {whole})) {{
        return x; /* which has no such decimals */
    }}
    nearest = {rint}(scaled);
    rest = y < {zero} ? {fma}(-scaled, power, x) : {fma}(x, power, -scaled);
    if ({fabs}(scaled - nearest) >= {half} && (rest < {zero} || rest > {zero})) {{
        nearest = rest > {zero} ? {ceil}(scaled) : {floor}(scaled); /* no tie but for rounding */
    }}
    return {copysign}(y < {zero} ? nearest * power : nearest / power, x);
}}
"""
"""The text of the one operation that neither C nor arithmetic has."""


class Dialect(NamedTuple):
    """How C is written for one kind of numbers and one compiler.

    Attributes:
        number: the type of a number.
        suffix: what ends its constants, and the names of the library's functions on it.
        qualifier: what a function's definition begins with.

    """

    number: str = "double"
    suffix: str = ""
    qualifier: str = "static inline"

    def constant(self, value: float) -> str:
        """Write a number: the shortest decimal that gives it back.

        >>> Dialect().constant(0.1), DIALECTS["float"].constant(0.1), DIALECTS["float"].constant(1e300)
        ('0.1', '0.1f', 'INFINITY')

        """
        if isinstance(value, bool):
            return "true" if value else "false"
        if self.suffix:
            value = _single(value)
        if value - value != 0.0:
            one = "NAN" if value != value else "INFINITY"  # noqa: PLR0124 - only nan differs from itself
            one = one if self.suffix else f"({self.number}){one}"
            return f"(-{one})" if value < 0.0 else one
        text = repr(value)
        if self.suffix:
            text = next(t for digits in range(1, 10) if _single(float(t := f"{value:.{digits}g}")) == value)
        text = text if re.search("[.e]", text) else f"{text}.0"
        return f"({text}{self.suffix})" if text.startswith("-") else f"{text}{self.suffix}"

    def call(self, name: str) -> str:
        """Return the name of a function of the C library."""
        return f"{name}{self.suffix}"


DIALECTS = {"double": Dialect(), "float": Dialect("float", "f")}
"""The dialects of plain C, by the type of a number."""


def dialect(dtype: str) -> Dialect:
    """Return the dialect of a type of numbers.

    Raises:
        ValueError: if there is no such type.

    """
    if dtype not in DIALECTS:
        raise ValueError(f"dtype is {dtype!r}, expected {' or '.join(map(repr, DIALECTS))}")
    return DIALECTS[dtype]


def function(
    tape: Tape, name: str, arguments: Sequence[str], inputs: Sequence[str], c: Dialect, results: Sequence[str] = ()
) -> str:
    """Write a tape as a C function, after the functions of its own that it calls.

    Args:
        tape: the program.
        name: what to call the function.
        arguments: its arguments, with their types.
        inputs: the expression for each input of the tape.
        c: how C is written.
        results: where to store each result of the tape, "" for one that is returned; without it the only one is.

    Raises:
        ValueError: if there is an operation that the C library lacks.

    """
    tape = rewritten(legalised(tape), _fold).pruned()
    names = [
        inputs[step[1]] if step[0] == "input" else c.constant(step[1]) if step[0] == "constant" else named
        for step, named in zip(tape.steps, tape.names(), strict=True)
    ]
    stores: dict[int, list[str]] = {}
    returned = ""
    for place, at in zip(results or [""], tape.results, strict=True):
        if place:
            stores.setdefault(at, []).append(f"    {place} = {_unbracketed(names[at])};")
        else:
            returned = f"    return {_unbracketed(names[at])};"
    read = {inputs[step[1]] for step in tape.steps if step[0] == "input"}
    used = {place.partition("[")[0] for place in (*read, *results)}
    declared = [argument.partition("[")[0].split()[-1] for argument in arguments]
    lines = [f"    (void){argument};" for argument in declared if argument not in used]
    for at, step in enumerate(tape.steps):
        if step[0] in ARRAYS:
            lines += _array(tape, at, names, c)
        elif step[0] not in LEAVES:
            kind = "bool" if step[0] in TRUTHS else c.number
            lines.append(f"    const {kind} {names[at]} = {_expression(step, names, name, c)};")
        lines += stores.get(at, ())  # as soon as may be, so that it need not be held
    kind = c.number if returned else "void"
    helper = [_rounding(name, c)] if any(step[0] == "round" for step in tape.steps) else []
    head = f"{c.qualifier} {kind} {name}({', '.join(arguments) or 'void'})"
    return "\n".join([*helper, head, "{", *lines, *([returned] if returned else []), "}", ""])


def refusing(tape: Tape) -> Tape:
    """Return a tape whose last result says whether a check fails as one without it: then its results are nan."""
    *results, broken = tape.results
    steps = [*tape.steps, ("constant", 0.0), ("constant", float("nan"))]
    zero, nan = len(steps) - 2, len(steps) - 1
    steps.append(("ne", broken, zero))
    steps += [("select", nan + 1, nan, at) for at in results]
    return Tape(steps, range(nan + 2, len(steps)), tape.inputs)


def _fold(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Compute what has become known as operations were written out."""
    return None if name in ADDED else fold(builder, name, operands)


def _expression(step: Step, names: Sequence[str], home: str, c: Dialect) -> str:
    """Write a step."""
    name, operands = step[0], [names[at] for at in step[1:]]
    if name in SYMBOLS:
        return f"{operands[0]} {SYMBOLS[name]} {operands[1]}"
    if name in {"eq", "ne"}:  # == and != without the operators that careful compilers warn of
        x, y = operands
        return f"{'' if name == 'eq' else '!'}({x} <= {y} && {x} >= {y})"
    if name == "select":
        return f"{operands[0]} ? {operands[1]} : {operands[2]}"
    if name in {"neg", "not"}:
        return f"{'-' if name == 'neg' else '!'}{operands[0]}"
    if name == "take":
        return f"{operands[0]}[(size_t){operands[1]}]"
    if name == "round":
        return f"{home}_round({', '.join(operands)})"
    if name not in CALLS:
        raise ValueError(
            f"the operation is {name!r}, expected one that the C library has, or a formula of these: define it by "
            "autograd_mini.operation"
        )
    return f"{c.call(CALLS[name])}({', '.join(map(_unbracketed, operands))})"


def _array(tape: Tape, at: int, names: Sequence[str], c: Dialect) -> list[str]:
    """Write a step that makes an array: a table of numbers, where they stand already if they do, or a scatter."""
    name, *operands = tape.steps[at]
    this, parts = names[at], [_unbracketed(names[operand]) for operand in operands]
    if name == "scatter":
        pairs = zip(parts[1::2], parts[2::2], strict=True)
        zeros = f"    {c.number} {this}[{tape.length(at)}] = {{{c.constant(0.0)}}};"
        return [zeros, *[f"    {this}[(size_t){index}] += {number};" for index, number in pairs]]
    home, _, first = parts[0].partition("[")
    if first and parts == [f"{home}[{place}]" for place in range(int(first[:-1]), int(first[:-1]) + len(parts))]:
        return [f"    const {c.number} *{this} = {home} + {first[:-1]};"]
    fixed = "static " if all(tape.steps[operand][0] == "constant" for operand in operands) else ""
    return [f"    {fixed}const {c.number} {this}[{len(parts)}] = {{{', '.join(parts)}}};"]


def _rounding(home: str, c: Dialect) -> str:
    numbers = {"zero": 0.0, "half": 0.5, "one": 1.0, "ten": 10.0, "far": 400.0, "inf": float("inf")}
    calls = ("fmin", "fabs", "copysign", "rint", "fma", "ceil", "floor")
    return ROUND.format(
        qualifier=c.qualifier,
        number=c.number,
        name=f"{home}_round",
        whole=c.constant(2.0**24 if c.suffix else 2.0**53),
        **{name: c.constant(number) for name, number in numbers.items()},
        **{name: c.call(name) for name in calls},
    )


def _unbracketed(text: str) -> str:
    """Return a text without the brackets of a negative constant."""
    return text[1:-1] if text.startswith("(-") else text


def _single(value: float) -> float:
    """Return the nearest number of 32 bits."""
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf") if value > 0.0 else float("-inf")
    return found


def identifier(text: str, otherwise: str, taken: Iterable[str] = ()) -> str:
    """Return a text as a name in C that means nothing else; with _ at its end where it would.

    >>> identifier("loss", "f"), identifier("<lambda>", "f"), identifier("exp", "f"), identifier("x", "x0", {"x"})
    ('loss', 'f', 'exp_', 'x_')

    """
    name = text if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", text) else otherwise
    while name in RESERVED or name in taken or re.fullmatch("v[0-9]+", name):
        name += "_"
    return name


def titled(name: str, otherwise: str) -> str:
    """Return the name that was given for a function, or if that is "" one like another text.

    Raises:
        ValueError: if C does not take the name.

    """
    if not isinstance(name, str) or (name and identifier(name, "") != name):
        raise ValueError(f"name is {name!r}, expected a name in C that is not taken, such as 'loss'")
    return name or identifier(otherwise, "f")


def comment(text: str) -> str:
    """Return a text that may stand in a comment of C: it neither ends it nor begins another.

    >>> comment("a */ b /* c")
    'a * / b / * c'

    """
    text = "".join(character if character.isprintable() else " " for character in text)
    return text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?")


def header(title: str, about: str, parts: Iterable[str]) -> str:
    """Return a whole header.

    Args:
        title: the name that tells it from others.
        about: the text of the comment at its top.
        parts: what it defines.

    """
    guard = f"{title.upper()}_H"
    text = "\n".join(f" * {comment(line)}".rstrip() for line in about.splitlines())
    body = "\n".join(parts)
    needed = [name for name, words in _HEADERS.items() if re.search(rf"\b({words})\b", body)]
    includes = "\n".join(f"#include <{name}>" for name in needed)
    begin = _BEGIN.format(text=text, guard=guard, includes=f"{includes}\n\n" if needed else "")
    return f"{begin}\n{body}\n{_END.format(guard=guard)}"


_HEADERS = {
    "math.h": "|".join([f"{name}f?" for name in {*CALLS.values(), "fma", "fmin"}] + ["NAN", "INFINITY"]),
    "stdbool.h": "bool|true|false",
    "stddef.h": "size_t|NULL",
}
"""The headers of the C library, and what text needs them."""

_BEGIN = """\
/*
{text}
 */
#ifndef {guard}
#define {guard}

{includes}#ifdef __cplusplus
extern "C" {{
#endif
"""

_END = """\
#ifdef __cplusplus
}}
#endif

#endif /* {guard} */
"""


def table(name: str, numbers: Sequence[float], labels: Sequence[str], c: Dialect) -> str:
    """Write a table of numbers, one a line, each with its place and its label."""
    lines = [
        f"    {_unbracketed(c.constant(number))}, /* {at}{f': {comment(label)}' if label else ''} */"
        for at, (number, label) in enumerate(zip(numbers, labels, strict=True))
    ]
    return "\n".join([f"static const {c.number} {name}[{len(lines)}] = {{", *lines, "};", ""])
