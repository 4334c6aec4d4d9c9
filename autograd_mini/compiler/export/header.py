"""The header of a compiled function: its value, and its value with its gradient, as C text that stands alone."""

from __future__ import annotations

from functools import partial
from inspect import Parameter, getdoc, signature
from itertools import islice
from math import prod
from typing import NamedTuple

from autograd_mini.compiler.branching import Paths
from autograd_mini.compiler.export.c import (
    comment,
    dialect,
    function,
    header,
    identifier,
    refusing,
    table,
    titled,
)
from autograd_mini.compiler.layouts import arranged
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.path_index import index_of
from autograd_mini.compiler.specialization import Programs
from autograd_mini.engine.pytree import TreeDef, unflatten
from autograd_mini.errors import TracingError
from autograd_mini.transforms.gradients import value_and_grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.compiled_function import Compiled
    from autograd_mini.compiler.export.c import Dialect
    from autograd_mini.compiler.program import Program
    from autograd_mini.engine.pytree import Spec
    from autograd_mini.engine.value import Value


def c_header(compiled: Compiled, args: tuple[Any, ...], name: str, dtype: str) -> str:
    """Return the header of a compiled function: what `Compiled.c` returns, which says more."""
    c, programs = dialect(dtype), compiled._programs
    if args and isinstance(compiled._prepared(args, {}, differentiate=False)[0], Paths):
        compiled(*args)  # which finds the paths of these
    latest = compiled._latest()
    layouts = next(layouts for (layouts, *_), program in programs.state.kept.items() if program is latest)
    taken, named, f, parameters = layouts[0], dict(layouts[1]), programs.function, [*compiled.parameters]
    axes = programs.axes(taken) if compiled._batched else []
    first = [at for at, axis in enumerate(axes) if axis is not None and not taken[at][0]]
    examples = _examples(latest, taken, named, first, parameters)
    trace = partial(_traced, programs._static, taken, named, parameters, examples)

    values = trace(f, differentiate=False)
    value = values[0]
    home = titled(name, str(getattr(f, "__name__", "")))
    arguments = _arguments(f, taken, named, home)
    count = len(value.tape.results) - (value.checks is not None)
    if not count:
        raise ValueError(f"{home}(…) is a function that returns nothing, expected one number or several")
    if any(program.layout != value.layout for program in values):
        raise TracingError(f"{home}(…) returns other structures on other paths, expected the same one on all")
    inputs = [place for argument, spec in arguments for place in _places(argument, spec)]
    declared = [_declared(argument, spec, c.number) for argument, spec in arguments]
    names = [argument for argument, _ in arguments]
    if parameters:
        inputs += [f"p[{at}]" for at in range(len(parameters))]
        declared, names = [*declared, f"const {c.number} p[{len(parameters)}]"], [*names, "p"]
    single, given = value.layout is None, ", ".join(names)
    takes = _Signature(declared, given, inputs, len(inputs) - len(parameters))
    path = f"{home}_path" if value.conditions is not None else ""
    what, parts = comment(f"{home}({given})"), []
    if parameters:
        numbers = [leaf._data for leaf in parameters]
        parts += [
            "/* The parameters, with the numbers that they had. */",
            f"enum {{ {home.upper()}_PARAMETERS = {len(numbers)} }};",
            table(f"{home}_parameters", numbers, [leaf.label or "" for leaf in parameters], c),
        ]
    if path:
        index = optimised(index_of(values, takes.first, len(parameters)))[0]
        parts += ["/* The number of the path that is taken. */", function(index, path, declared, inputs, c)]
    results = [""] if single else [f"result[{at}]" for at in range(count)]
    parts += [
        f"/* {what}{'' if single else f': {count} results, {comment(_said(value.layout))}'}. */",
        takes.written(values, home, path, results, "" if single else f"{c.number} result[{count}]", c),
    ]
    by = [at for at, (static, spec) in enumerate(taken) if not static and TreeDef(spec).size]
    if single and (parameters or (by and not named)):
        gradients = trace(f if parameters else value_and_grad(f, tuple(by)), differentiate=bool(parameters))
        slopes = len(gradients[0].tape.results) - 1 - (value.checks is not None)
        order = ", in this order" if len(arguments) > 1 else ""
        wrt = "the parameters" if parameters else f"{', '.join(argument for argument, _ in arguments)}{order}"
        results = ["", *[f"grad[{at}]" for at in range(slopes)]]
        parts += [
            f"/* {what}, and its gradient with respect to {wrt}. */",
            takes.written(gradients, f"{home}_value_and_grad", path, results, f"{c.number} grad[{slopes}]", c),
        ]
    return header(home, "\n".join(_about(f, what, arguments, len(parameters), c.number, _notes(values))), parts)


def _traced(
    static: Sequence[int],
    taken: Sequence[tuple[bool, Any]],
    named: dict[str, Spec],
    parameters: Sequence[Value],
    examples: Sequence[Sequence[float]],
    f: Callable[..., Any],
    *,
    differentiate: bool,
) -> list[Program]:
    """Return the programs of a function for one sample, those of the paths that examples take."""
    single = Programs(f, batched=False, in_axes=0, static=static, backend="python", paths=len(examples))
    single.state.parameters += parameters
    found = []
    for example in examples:
        numbers = iter(example)
        like = [given if fixed else unflatten(given, numbers) for fixed, given in taken]
        layouts, inputs, _ = arranged(like, {word: unflatten(named[word], numbers) for word in named}, None, static)
        found.append(single.another(single.state, layouts, [*inputs, *numbers], differentiate=differentiate))
    return found


class _Signature(NamedTuple):
    """What a function takes.

    Attributes:
        declared: its arguments, with their types.
        given: their names, as in a call.
        inputs: the expression for each input of a program with all parameters.
        first: how many of them come before those of the parameters.

    """

    declared: list[str]
    given: str
    inputs: list[str]
    first: int

    def written(
        self, programs: Sequence[Program], title: str, path: str, results: Sequence[str], out: str, c: Dialect
    ) -> str:
        """Write programs as a function.

        Args:
            programs: those of the paths.
            title: what to call the function.
            path: the function for the number of the path; "" where there is one alone.
            results: where the results are stored, "" for one that is returned.
            out: the argument for the array of results, "" for none.
            c: how C is written.

        """
        names = [f"{title}_path{at}" for at in range(len(programs))] if path else [title]
        arguments, texts = [*self.declared, *([out] if out else [])], []
        for program, name in zip(programs, names, strict=True):
            places = [*self.inputs[: self.first], *[self.inputs[self.first + at] for at in program.used]]
            tape = program.tape if program.checks is None else refusing(program.tape)
            texts.append(function(tape, name, arguments, places, c, results))
        if not path:
            return texts[0]
        given = ", ".join([*([self.given] if self.given else []), *([_name(out)] if out else [])])
        nan, returned = c.constant(float("nan")), "" in results
        lines = [f"    const {c.number} path = {path}({self.given});", "    switch ((int)path) {"]
        for at, name in enumerate(names):
            lines += [f"    case {at}:", f"        {'return ' if returned else ''}{name}({given});"]
            lines += [] if returned else ["        return;"]
        lines += ["    default:", *[f"        {place} = {nan};" for place in results if place]]
        lines += [f"        return {nan};" if returned else "        return;", "    }"]
        head = f"{c.qualifier} {c.number if returned else 'void'} {title}({', '.join(arguments) or 'void'})"
        return "\n".join([*texts, head, "{", *lines, "}", ""])


def _name(argument: str) -> str:
    """Return the name of an argument with its type."""
    return argument.partition("[")[0].split()[-1]


def _examples(
    program: Program | Paths,
    taken: Sequence[tuple[bool, Any]],
    named: dict[str, Spec],
    first: Sequence[int],
    parameters: Sequence[Value],
) -> list[list[float]]:
    """Return for each path numbers that take it: those of the arguments in their order, then of the parameters."""
    sizes = [0 if static else TreeDef(spec).size for static, spec in taken]
    count, now = sum(sizes) + sum(TreeDef(spec).size for spec in named.values()), [leaf._data for leaf in parameters]
    if not isinstance(program, Paths):
        return [[0.0] * count + now]
    found = []
    for path in program.paths:
        inputs = iter(path.conditions.example)
        parts = {
            at: [*islice(inputs, sizes[at])] for at in (*first, *[at for at in range(len(sizes)) if at not in first])
        }
        numbers = [number for at in range(len(sizes)) for number in parts[at]] + [*islice(inputs, count - sum(sizes))]
        own = [*now]
        for at, number in zip(path.program.used, inputs, strict=False):
            own[at] = number
        found.append(numbers + own)
    return found


def _about(
    f: Any, what: str, arguments: Sequence[tuple[str, Spec]], parameters: int, number: str, notes: Sequence[str]
) -> list[str]:
    """Return the lines at the top of a header."""
    lines = [what, "", *(getdoc(f) or "").splitlines()] if getdoc(f) else [what]
    lines += ["", "Written by autograd_mini, for C99 and C++; it needs the C library's math.h, and no memory but the"]
    lines += [f"stack. Numbers are of the type {number}; nan and infinities are kept, so leave -ffast-math off.", ""]
    lines += [f"  {name}: {_said(spec)}" for name, spec in arguments]
    if parameters:
        lines.append(f"  p: {parameters} parameters, such as {what.partition('(')[0]}_parameters")
    return [*lines, *([""] if notes else []), *notes]


def _notes(values: Sequence[Program]) -> list[str]:
    """Return what is said of results that are nan."""
    found = ["Where an index is out of range, every result is nan."] if values[0].checks is not None else []
    if values[0].conditions is not None:
        known = f"the {len(values)} paths" if len(values) > 1 else "one path"
        found.append(f"It has {known} through the function; where numbers take another, every result is nan.")
    return found


def _arguments(f: Any, taken: Sequence[tuple[bool, Any]], named: dict[str, Spec], home: str) -> list[tuple[str, Spec]]:
    """Return the arguments that hold numbers, each with a name of its own and its layout."""
    kinds = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    try:
        words = [p.name for p in signature(f).parameters.values() if p.kind in kinds]
    except (TypeError, ValueError):  # a builtin that does not say what it takes
        words = []
    reserved = {home, f"{home}_parameters", f"{home}_path", "path", "p", "grad", "result"}
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
