"""The header of a compiled function: its value, and its value with its gradient, as C text that stands alone."""

from __future__ import annotations

from inspect import Parameter, getdoc, signature
from itertools import repeat
from math import prod

from autograd_mini.compiler.export.c import comment, dialect, function, header, identifier, refusing, table, titled
from autograd_mini.compiler.specialization import Programs
from autograd_mini.engine.pytree import TreeDef, unflatten
from autograd_mini.transforms.gradients import value_and_grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.compiled_function import Compiled
    from autograd_mini.compiler.program import Program
    from autograd_mini.engine.pytree import Spec


def c_header(compiled: Compiled, args: tuple[Any, ...], name: str, dtype: str) -> str:
    """Return the header of a compiled function: what `Compiled.c` returns, which says more."""
    c = dialect(dtype)
    programs = compiled._programs
    if args:
        compiled._prepared(args, {}, differentiate=False)
    latest = compiled._latest()
    layouts = next(layouts for (layouts, *_), program in programs.state.kept.items() if program is latest)
    taken, named = layouts[0], dict(layouts[1])
    f = programs.function
    parameters = list(compiled.parameters)

    like = [given if static else unflatten(given, repeat(0.0)) for static, given in taken]
    like_named = {word: unflatten(spec, repeat(0.0)) for word, spec in named.items()}

    def trace(f: Callable[..., Any], *, differentiate: bool) -> Program:
        single = Programs(f, batched=False, in_axes=0, static=programs._static, backend="python")
        single.state.parameters += parameters
        found: Program = single.take(tuple(like), like_named, differentiate=differentiate)[0]
        return found

    value = trace(f, differentiate=False)
    home = titled(name, str(getattr(f, "__name__", "")))
    arguments = _arguments(f, taken, named, home)
    checked = value.checks is not None
    if len(value.tape.results) == checked:
        raise ValueError(f"{home}(…) is a function that returns nothing, expected one number or several")
    by = [at for at, (static, spec) in enumerate(taken) if not static and TreeDef(spec).size]
    gradient = None
    if value.layout is None and (parameters or (by and not named)):
        gradient = trace(f if parameters else value_and_grad(f, tuple(by)), differentiate=bool(parameters))

    inputs = [place for argument, spec in arguments for place in _places(argument, spec)]
    declared = [_declared(argument, spec, c.number) for argument, spec in arguments]
    taking = [*declared, f"const {c.number} p[{len(parameters)}]"] if parameters else declared
    given = ", ".join([*[argument for argument, _ in arguments], *(["p"] if parameters else [])])

    def written(program: Program, title: str, results: Sequence[str], out: str) -> str:
        places = [*inputs, *[f"p[{at}]" for at in program.used]]
        tape = program.tape if program.checks is None else refusing(program.tape)
        return function(tape, title, [*taking, *([out] if out else [])], places, c, results)

    count = len(value.tape.results) - checked
    single = value.layout is None
    what = comment(f"{home}({given})")
    parts = []
    if parameters:
        numbers = [leaf._data for leaf in parameters]
        parts += [
            "/* The parameters, with the numbers that they had. */",
            f"enum {{ {home.upper()}_PARAMETERS = {len(numbers)} }};",
            table(f"{home}_parameters", numbers, [leaf.label or "" for leaf in parameters], c),
        ]
    results = [""] if single else [f"result[{at}]" for at in range(count)]
    parts += [
        f"/* {what}{'' if single else f': {count} results, {comment(_said(value.layout))}'}. */",
        written(value, home, results, "" if single else f"{c.number} result[{count}]"),
    ]
    if gradient is not None:
        slopes = len(gradient.tape.results) - 1 - checked
        order = ", in this order" if len(arguments) > 1 else ""
        wrt = "the parameters" if parameters else f"{', '.join(argument for argument, _ in arguments)}{order}"
        parts += [
            f"/* {what}, and its gradient with respect to {wrt}. */",
            written(
                gradient,
                f"{home}_value_and_grad",
                ["", *[f"grad[{at}]" for at in range(slopes)]],
                f"{c.number} grad[{slopes}]",
            ),
        ]
    return header(home, "\n".join(_about(f, what, arguments, len(parameters), c.number, checked=checked)), parts)


def _about(
    f: Any, what: str, arguments: Sequence[tuple[str, Spec]], parameters: int, number: str, *, checked: bool
) -> list[str]:
    """Return the lines at the top of a header."""
    lines = [what, "", *(getdoc(f) or "").splitlines()] if getdoc(f) else [what]
    lines += ["", "Written by autograd_mini, for C99 and C++; it needs the C library's math.h, and no memory but the"]
    lines += [f"stack. Numbers are of the type {number}; nan and infinities are kept, so leave -ffast-math off.", ""]
    lines += [f"  {name}: {_said(spec)}" for name, spec in arguments]
    if parameters:
        lines.append(f"  p: {parameters} parameters, such as {what.partition('(')[0]}_parameters")
    if checked:
        lines += ["", "Where an index is out of range, every result is nan."]
    return lines


def _arguments(f: Any, taken: Sequence[tuple[bool, Any]], named: dict[str, Spec], home: str) -> list[tuple[str, Spec]]:
    """Return the arguments that hold numbers, each with a name of its own and its layout."""
    kinds = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    try:
        words = [p.name for p in signature(f).parameters.values() if p.kind in kinds]
    except (TypeError, ValueError):  # a builtin that does not say what it takes
        words = []
    reserved = {home, f"{home}_parameters", "p", "grad", "result"}
    found: list[tuple[str, Spec]] = []
    for at, (static, spec) in enumerate(taken):
        if not static and TreeDef(spec).size:
            found.append((identifier(words[at] if at < len(words) else "", f"x{at}", reserved), spec))
            reserved.add(found[-1][0])
    for word, spec in named.items():
        if TreeDef(spec).size:
            found.append((identifier(word, "x", reserved), spec))
            reserved.add(found[-1][0])
    return found


def _declared(name: str, spec: Spec, number: str) -> str:
    return f"{number} {name}" if spec is None else f"const {number} {name}[{TreeDef(spec).size}]"


def _places(name: str, spec: Spec) -> list[str]:
    return [name] if spec is None else [f"{name}[{at}]" for at in range(TreeDef(spec).size)]


def _said(spec: Spec) -> str:
    """Say how numbers are arranged."""
    if spec is None:
        return "a number"
    kind, parts = spec[0], spec[-1]
    if kind == "array":
        return f"an array of shape {parts}, {prod(parts)} numbers row by row"
    if all(part is None for part in parts) and kind != "dict":
        return f"{len(parts)} numbers"
    keys = spec[1] if kind == "dict" else range(len(parts))
    return "; ".join(f"[{key!r}] {_said(part)}" for key, part in zip(keys, parts, strict=True))
