"""A command is what `autograd-mini` does at a word: demo, site, train, predict, export, draw, step or ops."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import os
import shutil
import sys
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap

from autograd_mini import datasets, viz
from autograd_mini.cli import check
from autograd_mini.cli.learning import Settings, learn
from autograd_mini.cli.recipe import KEY, Recipe, predictions
from autograd_mini.cli.tables import HEADERS, Table, UserError, read_table
from autograd_mini.engine.ops import CHOICE, TABLE
from autograd_mini.errors import ModelFormatError, aligned
from autograd_mini.extras import pip
from autograd_mini.files import FORMATS, require, storage
from autograd_mini.nn import MLP, load
from autograd_mini.viz.expressions import assignments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from typing import Any


def demo(arguments: Namespace) -> None:
    """Train on irises and on moons, print the accuracies, and write models, data and a picture to a folder."""
    out = Path(arguments.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UserError(f"cannot write to {out}: it is a file, not a folder") from None

    iris = datasets.iris()
    irises = Table("iris", [*iris.feature_names, "species"], _rows(iris.X, [iris.target_names[k] for k in iris.y]))
    X, y = datasets.moons(200, noise=0.1, seed=arguments.seed)
    moons = Table("moons", ["x", "y", "moon"], _rows(X, [("upper", "lower")[k] for k in y]))

    rows = [["", "network", "train accuracy", "test accuracy", "baseline", "seconds"]]
    for table, target, settings in (
        (irises, "species", Settings(hidden=(8,), optimizer="sgd", lr=0.1, seed=arguments.seed)),
        (moons, "moon", Settings(hidden=(8, 8), optimizer="adam", lr=0.02, epochs=60, seed=arguments.seed)),
    ):
        print(f"{table.name}: {len(table.rows)} rows, {target} from {len(table.header) - 1} numbers", flush=True)
        learned = learn(table, target, settings)
        _, (_, _, train, _), (_, _, test, baseline) = learned.scores
        weights, _ = learned.model.matrices()
        shape = "-".join(map(str, [len(weights[0][0]), *map(len, weights)]))
        rows.append([table.name, shape, train, test, baseline, f"{learned.history.seconds:.1f}"])
        learned.model.save(out / f"{table.name}.json")
        with (out / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            table.write(file)
    classes = [learned.recipe.classes.index(name) for name in table.cells(target)]
    viz.gallery(out, learned.model, learned.history, learned.recipe.inputs(table), classes)

    print("", *aligned(rows, left={0}), "\nbaseline: always the most frequent class\n", sep="\n")
    print(f"{out}:")
    for names, what in (
        ("iris.json, moons.json", "the trained models"),
        ("iris.csv, moons.csv", "the data"),
        ("index.html", _pictures(out)),
    ):
        print(f"  {names.ljust(21)}  {what}")
    print(f"\nLook at {out / 'index.html'}")
    print(f"Now try: autograd-mini predict {out / 'iris.json'} {out / 'iris.csv'}")


def _pictures(out: Path) -> str:
    """Say what the gallery shows of the moons model, or what an extra is missing for."""
    missing = [name for name in ("neuron.svg", "boundary.svg") if not (out / name).exists()]
    if missing:
        return f"a page of pictures, some not drawn: {pip('pygraphviz', 'matplotlib')} draws them all"
    return "the moons model in pictures: a neuron, its gradients step by step, the network, loss, boundary, a descent"


def _rows(X: list[list[float]], classes: list[str]) -> list[list[str]]:
    return [[*map(repr, row), name] for row, name in zip(X, classes, strict=True)]


def train(arguments: Namespace) -> int:
    """Train a network on a CSV file, print its metrics, save it; until then there is a checkpoint beside it."""
    named(arguments.out)
    writable(arguments.out)
    supported(arguments.out)
    names = Settings.__dataclass_fields__
    given = {name: value for name, value in vars(arguments).items() if name in names}
    checkpoint = Path(f"{arguments.out}.checkpoint")  # whatever the model is called, another file
    if arguments.resume and not checkpoint.exists():
        _note(f"there is no {checkpoint} to resume from, so this is a new run")
    settings = Settings(**given, checkpoint=str(checkpoint))
    try:
        table = read_table(arguments.data, header=HEADERS[arguments.header])
        learned = learn(table, arguments.target, settings, _note)
    except ValueError as error:
        if not arguments.resume or isinstance(error, (UserError, ModelFormatError)):
            raise
        raise UserError(str(error)) from None
    if learned.history.stopped == "interrupted":
        print(
            f"autograd-mini: interrupted after {learned.history.epochs} epochs; the same command with --resume goes on",
            file=sys.stderr,
        )
        return 130
    if learned.history.epochs > settings.epochs:
        _note(
            f"the run had done {learned.history.epochs} epochs already, and --epochs is {settings.epochs} in all, so "
            "nothing was trained"
        )
    learned.model.save(arguments.out)
    checkpoint.unlink(missing_ok=True)
    recipe = learned.recipe
    kind = f"one of {len(recipe.classes)} classes" if recipe.classes else "a number"
    print(f"{recipe.target}, {kind}, from {len(recipe.columns)} columns; loss: {recipe.loss}\n")
    print(*aligned(learned.scores, left={0}), sep="\n")
    constant = "most frequent class" if recipe.classes else "mean"
    print(f"\nbaseline: always the {constant} of the training rows\nmodel: {arguments.out}")
    return 0


def predict(arguments: Namespace) -> None:
    """Write the rows of a CSV file, or of standard input, with a model's predictions behind them."""
    supported(arguments.model)
    model = load(arguments.model)
    recipe = Recipe.from_metadata(model.metadata, arguments.model)
    if arguments.data is None and sys.stdin is not None and sys.stdin.isatty():
        raise UserError(
            "expected DATA.csv, or a table piped to standard input, such as: ... | autograd-mini predict m.json"
        )
    source = arguments.data or "-"
    table = recipe.named(read_table(source, header=HEADERS[arguments.header], known=recipe.columns))
    if arguments.out != "-":
        writable(arguments.out)
        if Path(arguments.out).exists() and source != "-" and Path(arguments.out).samefile(source):
            raise UserError(f"--out {arguments.out} is the file the data is read from: choose another")
    recipe.check(table)
    for fact in table.notes:
        _note(fact)
    if gaps := table.gaps(recipe.columns):
        if arguments.drop_missing:
            _note(f"{table.lacking(gaps)}: these rows are left out")
            table = table.without(gaps)
        elif recipe.medians:
            _note(f"{table.lacking(gaps)}: the median of the training stands for each")
    said = predictions(model, recipe.inputs(table))
    outputs = {len(prediction) if isinstance(prediction, list) else 1 for prediction in said}
    if outputs != {len(recipe.classes) if recipe.loss == "cross_entropy" else 1}:
        raise UserError(f"{arguments.model} is damaged: its outputs are not those of its classes")
    taken = set(table.header)
    columns: dict[str, list[str]] = {}
    for wanted, cells in recipe.answers(said).items():
        name = wanted
        while name in taken:
            name += "_"
        taken.add(name)
        columns[name] = cells
    text = StringIO()
    table.write(text, columns)
    if arguments.out == "-":
        sys.stdout.write(text.getvalue())
    else:
        storage.write(arguments.out, text.getvalue().encode())


def export(arguments: Namespace) -> None:
    """Write a model, or a function of numbers, for another program."""
    writable(arguments.out)
    source, notes = arguments.source, []
    try:
        found: Any
        if ":" in source and not Path(source).exists():
            found = check.named(source)
        else:
            supported(source)
            found = load(source)
        if isinstance(found, MLP):
            if isinstance(found.metadata, dict) and KEY in found.metadata:
                notes = unscaled(found, Recipe.from_metadata(found.metadata, source))
            found.export(arguments.out, name=arguments.name, dtype=arguments.dtype, notes=notes)
        else:
            storage.write(_header(arguments.out), _header_of(found, arguments).encode())
    except (ValueError, TypeError, ImportError) as error:  # a name, an ending, an activation; a missing extra
        raise UserError(str(error)) from None
    print("\n".join([arguments.out, *notes]))


def _header(path: str) -> str:
    if Path(path).suffix.lower() != ".h":
        raise UserError(f"--out is {path!r}, expected a name that ends in .h: a function is written in C")
    return path


def _header_of(f: Callable[..., Any], arguments: Namespace) -> str:
    from inspect import signature

    from autograd_mini.compiler import Compiled, jit

    try:
        count = len(signature(f).parameters)
        fast = f if isinstance(f, Compiled) else jit(f, paths=0)  # no sample says which paths there are
        return fast.c(*[0.0] * count, name=arguments.name, dtype=arguments.dtype)
    except (ValueError, ImportError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever the user's function raises
        raise UserError(
            f"cannot compile {arguments.source} as a function of numbers: {type(error).__name__}: {error}"
        ) from None


def unscaled(model: MLP, recipe: Recipe) -> list[str]:
    """Let a network take columns as they stand in a table, and say what its inputs and outputs are.

    The scaling of the columns goes into the first layer, and that of a predicted number into the last.
    """
    for neuron in model.layers[0].neurons:
        for w, mean, scale in zip(neuron.w, recipe.means, recipe.scales, strict=True):
            w.data /= scale
            neuron.b.data -= w.data * mean
    notes = [f"inputs: {', '.join(recipe.columns)}, as they stand in the table"]
    if recipe.classes:
        scores = {"cross_entropy": "the largest is the class", "hinge": "above 0 is the second class"}
        meaning = scores.get(recipe.loss, "log-odds of the second class, so above 0 is that one")
        return [*notes, f"outputs: scores of {recipe.target}, {meaning}: {', '.join(recipe.classes)}"]
    for neuron in model.layers[-1].neurons:
        if neuron.activation == "linear":
            for w in neuron.w:
                w.data *= recipe.target_scale
            neuron.b.data = recipe.target_mean + recipe.target_scale * neuron.b.data
    return [*notes, f"output: {recipe.target}"]


def draw(arguments: Namespace) -> None:
    """Draw the graph of an expression with its gradients, or for `step` write a page that steps through its passes."""
    writable(arguments.out)
    try:
        result = viz.expression(arguments.expression, assignments(arguments.numbers))
        result.backward()
        (viz.draw if arguments.command == "draw" else viz.step)(result).save(arguments.out)
    except (ValueError, ImportError) as error:  # a formula, a number, the ending of the file; a missing extra
        raise UserError(str(error)) from None
    print(arguments.out)


def site(arguments: Namespace) -> None:
    """Build the static site in a folder."""
    from autograd_mini.site import build

    try:
        page = build(arguments.out, only=arguments.only)
    except (ImportError, RuntimeError, FileNotFoundError) as error:
        raise UserError(str(error)) from None
    print(f"{page}: files for any web server, such as python -m http.server --directory {arguments.out}")


def ops(_arguments: Namespace) -> None:
    """Print the table of operations."""
    width = max(80, min(shutil.get_terminal_size((120, 24)).columns, 160))
    rows = (*TABLE.values(), CHOICE)
    first = max(len(row.name) for row in rows) + 2
    second = min(max(len(row.value) for row in rows), width // 3) + 2
    third = width - first - second
    print(f"{'name'.ljust(first)}{'value'.ljust(second)}derivatives")
    for row in rows:
        partials = []
        for operand, partial in zip(row.operands, row.partials, strict=True):
            head = f"d/d{operand}  "
            partials += wrap(partial, third, initial_indent=head, subsequent_indent=" " * len(head))
        for name, value, part in zip_longest([row.name], wrap(row.value, second - 2), partials, fillvalue=""):
            print(f"{name.ljust(first)}{value.ljust(second)}{part}".rstrip())


def writable(path: str) -> None:
    """Raise a UserError if a file cannot be written there, so that no work is lost over it."""
    file = Path(path)
    if file.is_dir():
        raise UserError(f"cannot write {path}: it is a folder")
    if not file.parent.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {file.parent}")
    if file.exists() and not file.is_file():
        raise UserError(f"cannot write {path}: it is no regular file")
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise UserError(f"cannot write {path}: permission denied")


def named(path: str) -> None:
    """Raise a UserError if the name of a model file says that it holds something else."""
    ending = Path(path).suffix
    known = sorted(suffix for known in FORMATS for suffix in known.SUFFIXES)
    if ending.lower() not in {"", *known}:
        raise UserError(
            f"cannot write {path}: a model does not end in {ending}: choose {' or '.join(known)}, or none for JSON"
        )


def _note(text: str) -> None:
    """Print what the user should know, where it does not mix with the output."""
    print(f"autograd-mini: note: {text}", file=sys.stderr)


def supported(path: str) -> None:
    """Raise a UserError if a model file of that name needs a package that is not installed."""
    try:
        require(path)
    except ImportError as error:
        raise UserError(str(error)) from None
