"""Learning from a table is choosing its inputs, scaling them, fitting a network, and measuring it beside a baseline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import dist, fsum, sqrt
from statistics import median
from typing import Any
from warnings import catch_warnings, simplefilter

from autograd_mini.cli.recipe import Recipe, filled, predictions
from autograd_mini.cli.tables import UserError
from autograd_mini.datasets import Standardiser, split
from autograd_mini.engine.ops import TABLE
from autograd_mini.errors import DiagnosisWarning, DivergedError
from autograd_mini.nn import MLP
from autograd_mini.train import fit
from autograd_mini.train.objective import ACCURACY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.cli.tables import Table
    from autograd_mini.train import History

RECTIFYING = frozenset(name for name, row in TABLE.items() if row.activation == "rectifier")
"""The activations that halve the variance, for which He's initialiser is made; Xavier's is for the others."""

CLASSIFICATION, REGRESSION = TASKS = ("classification", "regression")
"""What a target may be: a class, or a number."""

MOST = 20
"""Different whole numbers that are taken for classes; of more than two, each stands in five rows on average."""

NUMBERING = frozenset({"id", "idx", "index", "no", "row", "rowid", "row_id", "rownames"})
"""Names of columns that number the rows."""

OF_FIT = ("optimizer", "lr", "epochs", "batch_size", "seed", "checkpoint", "every", "resume")
"""The settings that are arguments of `fit`."""

Rows = list[list[Any]]


@dataclass(frozen=True)
class Settings:
    """How to learn; each field is an option of `autograd-mini train`."""

    hidden: tuple[int, ...] = (16, 16)
    activation: str = "tanh"
    loss: str = "auto"
    optimizer: str = "adam"
    lr: float | None = None
    epochs: int = 100
    batch_size: int = 16
    seed: int = 0
    test_fraction: float = 0.25
    ignore: tuple[str, ...] = ()
    task: str = "auto"
    drop_missing: bool = False
    fill: str | None = None
    checkpoint: str | None = None
    every: int = 10
    resume: bool = False


@dataclass(frozen=True)
class Learned:
    """A trained network, its recipe and history, and its scores: rows of a table, a heading first."""

    model: MLP
    recipe: Recipe
    history: History
    scores: list[list[str]]


def learn(table: Table, target: str, settings: Settings, note: Callable[[str], object] = str) -> Learned:
    """Train a network to predict one column of a table from its other columns that hold numbers.

    A target that is text, or few different whole numbers, is a class: the loss is binary_cross_entropy for two,
    cross_entropy for more. Other numbers are predicted as numbers, scaled like the inputs meanwhile, by mse. Settings
    may choose otherwise. Scales and medians are those of the training part alone. `note` is called with what the user
    should know before the training begins; a UserError says what the user can mend.
    """
    columns, notes = _inputs(table, target, settings.ignore)
    table = _complete(table, columns, target, settings, notes)
    task, loss = _task(table, target, settings, notes)
    classes, y = _classes(table, target, loss) if task == CLASSIFICATION else ([], table.numbers(target))
    if task == CLASSIFICATION and loss == "auto":
        loss = "binary_cross_entropy" if len(classes) == 2 else "cross_entropy"
    X = [list(row) for row in zip(*map(table.numbers, columns), strict=True)]
    X_train, X_test, y_train, y_test = _parts(X, y, settings)

    medians = _medians(columns, X_train) if settings.fill else []
    if medians:
        X_train, X_test = _filled(X_train, medians), _filled(X_test, medians)
    scaling = Standardiser.fit(X_train)
    recipe = Recipe(columns, [*scaling.means], [*scaling.scales], target, loss, classes, medians=medians)
    if not classes:
        scaled = Standardiser.fit([[number] for number in y_train])
        recipe.target_mean, recipe.target_scale = scaled.means[0], scaled.scales[0]
    outputs = len(classes) if loss == "cross_entropy" else 1
    init = "he_uniform" if settings.activation in RECTIFYING else "xavier_uniform"
    model = MLP(len(columns), [*settings.hidden, outputs], settings.activation, init=init, seed=settings.seed)
    rows, goals = scaling.transform(X_train), _goals(y_train, recipe)
    tests = scaling.transform(X_test) if X_test else []
    for text in notes:
        note(text)
    with catch_warnings(record=True) as findings:
        simplefilter("always", DiagnosisWarning)
        try:
            history = fit(model, rows, goals, loss=loss, **{name: getattr(settings, name) for name in OF_FIT})
        except DivergedError as error:
            raise UserError(f"{error}; see --lr") from None
    for finding in findings:
        note(f"{finding.message}; see --lr")
    model.metadata.update(recipe.to_metadata())
    return Learned(model, recipe, history, _scores(model, recipe, [(rows, y_train), (tests, y_test)]))


def _inputs(table: Table, target: str, ignore: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns to learn from, and notes on how they were chosen."""
    for column in (target, *ignore):
        table.position(column)
    others = [column for column in table.header if column != target and column not in ignore]
    index = [column for column in others if table.is_index(column)]
    empty = [column for column in others if not any(table.cells(column))]
    columns = [column for column in others if column not in {*index, *empty} and table.is_numeric(column)]
    for column in columns:
        if column in table.unnamed:
            raise UserError(
                f"column {table.position(column) + 1} of {table.name} has no name in the header: give it one, or leave "
                f"it out with --ignore {column!r}"
            )
    if not columns:
        raise UserError(f"{table.name} has no column of numbers to learn from beside the target {target!r}")
    texts = [column for column in others if column not in {*index, *empty, *columns}]
    notes = [*table.notes]
    for left_out, why in (
        (index, "because they number the rows and have no name"),
        (empty, "because they are empty"),
        (texts, "because they hold text"),
    ):
        if left_out:
            notes.append(f"left out, {why}: {', '.join(map(repr, left_out))}")
    notes += [
        f"the column {column!r} numbers the rows, and is learnt from like the others: to leave it out, add "
        f"--ignore {column}"
        for column in columns
        if column.lower() in NUMBERING and table.counts(column)
    ]
    return columns, notes


def _complete(table: Table, columns: Sequence[str], target: str, settings: Settings, notes: list[str]) -> Table:
    """Return the table without the rows that cannot be learnt from, where the settings allow that."""
    gaps = table.gaps([*columns, target])
    if settings.fill:
        holes = {column: rows for column, rows in gaps.items() if column != target}
        gaps = {column: rows for column, rows in gaps.items() if column == target}
        if holes:
            notes.append(f"{table.lacking(holes)}: the median of the column stands for each")
    if not gaps:
        return table
    if settings.drop_missing:
        notes.append(f"{table.lacking(gaps)}: these rows are left out")
        return table.without(gaps)
    way_out = "leave these rows out with --drop-missing"
    if {*gaps} != {target}:
        way_out += ", or let the median of the column stand for each with --fill median"
    raise UserError(f"{table.lacking(gaps)}: {way_out}")


def _task(table: Table, target: str, settings: Settings, notes: list[str]) -> tuple[str, str]:
    """Return the task and the loss, "auto" for that of the classes; a note where whole numbers are classes."""
    task, loss = settings.task, settings.loss
    meant = task if loss == "auto" else CLASSIFICATION if loss in ACCURACY else REGRESSION
    if task not in {"auto", meant}:
        raise UserError(f"--loss {loss} is for {meant}, but --task is {task}: leave one of the two out")
    numeric = table.is_numeric(target)
    if meant == REGRESSION and not numeric:
        name = "--task regression" if loss == "auto" else loss
        raise UserError(
            f"the target {target!r} is text, but {name} measures numbers: choose --loss auto or cross_entropy"
        )
    if meant == "auto":
        meant = REGRESSION if numeric else CLASSIFICATION
        kinds = _whole_numbers(table, target) if numeric else []
        if kinds:
            meant = CLASSIFICATION
            notes.append(
                f"the target {target!r} is one of {len(kinds)} whole numbers, which are taken for classes: to predict "
                f"a number, add --task {REGRESSION}"
            )
        elif numeric and len({*table.cells(target)}) == 2:
            notes.append(
                f"the target {target!r} has two values, but they are numbers, so it is predicted as a number: "
                f"to tell two classes apart, add --task {CLASSIFICATION}"
            )
    if meant == CLASSIFICATION:
        return meant, loss
    cells = table.cells(target)
    if len(cells) > 1 and len({*cells}) == 1:
        raise UserError(f"the target {target!r} is {cells[0]!r} in every row, so there is nothing to learn")
    return meant, "mse" if loss == "auto" else loss


def _whole_numbers(table: Table, target: str) -> list[float]:
    """Return the different numbers in a column if they are few and whole, as classes are; else none."""
    numbers = [table.number(cell) for cell in table.cells(target)]
    kinds = {number for number in numbers if number is not None and number.is_integer()}
    if not {*numbers} <= kinds or not 2 <= len(kinds) <= MOST:
        return []
    return sorted(kinds) if len(numbers) >= (4 if len(kinds) == 2 else 5 * len(kinds)) else []


def _classes(table: Table, target: str, loss: str) -> tuple[list[str], list[Any]]:
    """Return the classes, as text in order, and for each row the position of its class."""
    cells = table.cells(target)
    figures = [table.number(cell) for cell in cells]
    keys: list[Any] = cells if None in figures else figures  # 1 and 1.0 are one class, and 9 comes before 10
    names: dict[Any, str] = {}
    for key, cell in zip(keys, cells, strict=True):
        names[key] = min(names.get(key, cell), cell, key=lambda text: (len(text), text))
    order = sorted(names)
    if len(order) < 2:
        raise UserError(f"the target {target!r} is {cells[0]!r} in every row, expected at least two classes")
    if 2 * len(order) > len(cells):
        raise UserError(
            f"the target {target!r} has {len(order)} different values in {len(cells)} rows, too many for classes: "
            "choose another --target"
        )
    if len(order) > 2 and loss not in {"auto", "cross_entropy"}:
        raise UserError(
            f"{loss} tells two classes apart, but the target {target!r} has {len(order)}: use cross_entropy"
        )
    places = {key: place for place, key in enumerate(order)}
    return [names[key] for key in order], [places[key] for key in keys]


def _medians(columns: Sequence[str], rows: Rows) -> list[float]:
    """Return the median of each column; a UserError if one has no number in the rows to learn from."""
    medians = []
    for name, column in zip(columns, zip(*rows, strict=True), strict=True):
        numbers = [number for number in column if number is not None]
        if not numbers:
            raise UserError(f"the column {name!r} has no number in the rows to learn from: add --ignore {name}")
        medians.append(median(numbers))
    return medians


def _filled(rows: Rows, medians: Sequence[float]) -> Rows:
    """Return rows with the medians in place of what is missing."""
    columns = zip(*rows, strict=True)
    return [[*row] for row in zip(*map(filled, columns, medians), strict=True)]


def _parts(X: Rows, y: list[Any], settings: Settings) -> tuple[Rows, Rows, list[Any], list[Any]]:
    """Return X_train, X_test, y_train, y_test; nothing for the test if it has no share."""
    if not settings.test_fraction:
        return X, [], y, []
    try:
        return split(X, y, settings.test_fraction, settings.seed)
    except ValueError as error:
        raise UserError(str(error)) from None


def _goals(y: Sequence[Any], recipe: Recipe) -> list[float]:
    """Return targets as the loss expects them: class indices, signs, or scaled numbers."""
    if recipe.loss == "hinge":
        return [2 * index - 1 for index in y]
    return [*y] if recipe.classes else [(number - recipe.target_mean) / recipe.target_scale for number in y]


def _scores(model: MLP, recipe: Recipe, parts: Sequence[tuple[Rows, list[Any]]]) -> list[list[str]]:
    """Return the table of metrics: the score of each part, and that of the best constant for the training part."""
    y_train = parts[0][1]
    if recipe.classes:
        commonest = Counter(y_train).most_common(1)[0][0]
        scores = [["", "rows", "accuracy", "baseline"]]
    else:
        scores = [["", "rows", "RMSE", "baseline", "R2"]]
    for name, (rows, y) in zip(("train", "test"), parts, strict=True):
        if not rows:
            continue
        said = predictions(model, rows)
        if recipe.classes:
            right = sum(recipe.index(prediction) == index for prediction, index in zip(said, y, strict=True))
            figures = [right / len(y), y.count(commonest) / len(y)]
            scores.append([name, str(len(y)), *map(_shown, figures)])
        else:
            error = _rmse([recipe.number(prediction) for prediction in said], y)
            spread = _rmse([fsum(y) / len(y)] * len(y), y)
            figures = [error, _rmse([recipe.target_mean] * len(y), y)]
            r2 = _shown(1 - error / spread * (error / spread)) if spread else "-"
            scores.append([name, str(len(y)), *(f"{figure:.4g}" for figure in figures), r2])
    return scores


def _rmse(predicted: Sequence[float], y: Sequence[float]) -> float:
    return dist(predicted, y) / sqrt(len(y))


def _shown(figure: float) -> str:
    """Show a figure of a table in a few characters."""
    return f"{figure:.3f}" if abs(figure) < 1e6 else f"{figure:.2e}"
