"""Learning from a table is choosing its inputs, scaling them, fitting a network, and measuring it beside a baseline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import dist, fsum, sqrt

from autograd_mini.cli.failure import UserError
from autograd_mini.cli.recipe import Recipe, predictions
from autograd_mini.datasets import Standardiser, split
from autograd_mini.engine.ops import TABLE
from autograd_mini.errors import DivergedError
from autograd_mini.nn import MLP
from autograd_mini.train import fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.cli.tables import Table
    from autograd_mini.train import History

SEPARATING = ("binary_cross_entropy", "hinge", "cross_entropy")
"""The losses that tell classes apart; the others measure the distance of numbers."""

RECTIFYING = frozenset(name for name, row in TABLE.items() if row.activation == "rectifier")
"""The activations that halve the variance, for which He's initialiser is made; Xavier's is for the others."""

Rows = list[list[float]]


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
    checkpoint: str | None = None
    every: int = 10
    resume: bool = False


@dataclass(frozen=True)
class Learned:
    """A trained network.

    Attributes:
        model: the network; its metadata hold the recipe.
        recipe: how the columns become its inputs, and its outputs answers.
        history: of its training.
        scores: rows of a table of metrics: a heading, the training part, the test part.
        notes: what the user should know.

    """

    model: MLP
    recipe: Recipe
    history: History
    scores: list[list[str]]
    notes: list[str]


def learn(table: Table, target: str, settings: Settings) -> Learned:
    """Train a network to predict one column of a table from its other columns that hold numbers.

    A target that is text is a class: the loss is binary_cross_entropy for two classes, cross_entropy for more. One that
    is numbers is predicted as a number, scaled like the inputs meanwhile, by mse. `settings.loss` may choose otherwise.
    Scales are those of the training part alone. Raises a UserError for what the user can mend.
    """
    columns, notes = _inputs(table, target, settings.ignore)
    classes, loss = _task(table, target, settings.loss, notes)
    X = [list(row) for row in zip(*map(table.numbers, columns), strict=True)]
    y: list[Any] = [classes.index(c) for c in table.column(target)] if classes else table.numbers(target)
    X_train, X_test, y_train, y_test = _parts(X, y, settings)

    scaling = Standardiser.fit(X_train)
    recipe = Recipe(columns, [*scaling.means], [*scaling.scales], target, loss, classes)
    if not classes:
        (recipe.target_mean,), (recipe.target_scale,) = _scaling_of(y_train)
    outputs = len(classes) if loss == "cross_entropy" else 1
    init = "he_uniform" if settings.activation in RECTIFYING else "xavier_uniform"
    model = MLP(len(columns), [*settings.hidden, outputs], settings.activation, init=init, seed=settings.seed)
    rows, goals = scaling.transform(X_train), _goals(y_train, recipe)
    tests = scaling.transform(X_test) if X_test else []
    try:
        history = fit(
            model,
            rows,
            goals,
            loss=loss,
            optimizer=settings.optimizer,
            lr=settings.lr,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            checkpoint=settings.checkpoint,
            every=settings.every,
            resume=settings.resume,
        )
    except DivergedError as error:
        raise UserError(f"{error}; see --lr") from None
    model.metadata.update(recipe.to_metadata())
    return Learned(model, recipe, history, _scores(model, recipe, [(rows, y_train), (tests, y_test)]), notes)


def _inputs(table: Table, target: str, ignore: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns to learn from, and notes on those left out."""
    for column in (target, *ignore):
        table.position(column)
    others = [column for column in table.header if column != target and column not in ignore]
    columns = [column for column in others if table.is_numeric(column)]
    if not columns:
        raise UserError(f"{table.name} has no column of numbers to learn from beside the target {target!r}")
    texts = [column for column in others if column not in columns]
    return columns, [f"left out, because they hold text: {', '.join(map(repr, texts))}"] * bool(texts)


def _task(table: Table, target: str, loss: str, notes: list[str]) -> tuple[list[str], str]:
    """Return the classes, none for a target of numbers, and the loss; a note where numbers may be classes."""
    numeric = table.is_numeric(target)
    cells = table.column(target)
    kinds = sorted(set(cells))
    if loss not in SEPARATING and numeric:
        if len(kinds) == 2 and loss == "auto":
            notes.append(
                f"the target {target!r} has two values, but they are numbers, so it is predicted as a number: "
                "to tell two classes apart, add --loss binary_cross_entropy"
            )
        return [], "mse" if loss == "auto" else loss
    if loss not in {*SEPARATING, "auto"}:
        raise UserError(
            f"the target {target!r} is text, but {loss} measures numbers: choose --loss auto or cross_entropy"
        )
    figures = [*map(table.number, kinds)]
    if None not in figures:
        kinds = [kind for _, kind in sorted(zip(figures, kinds, strict=True))]  # 9 before 10
    if len(kinds) < 2:
        raise UserError(f"the target {target!r} is {kinds[0]!r} in every row, but expected at least two classes")
    if 2 * len(kinds) > len(cells):
        raise UserError(
            f"the target {target!r} has {len(kinds)} different values in {len(cells)} rows, too many for classes: "
            "choose another --target"
        )
    if len(kinds) > 2 and loss not in {"auto", "cross_entropy"}:
        raise UserError(
            f"{loss} tells two classes apart, but the target {target!r} has {len(kinds)}: use cross_entropy"
        )
    if loss == "auto":
        loss = "binary_cross_entropy" if len(kinds) == 2 else "cross_entropy"
    return kinds, loss


def _parts(X: Rows, y: list[Any], settings: Settings) -> tuple[Rows, Rows, list[Any], list[Any]]:
    """Return X_train, X_test, y_train, y_test; nothing for the test if it has no share."""
    if not settings.test_fraction:
        return X, [], y, []
    try:
        return split(X, y, settings.test_fraction, settings.seed)
    except ValueError as error:
        raise UserError(str(error)) from None


def _scaling_of(y: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    scaling = Standardiser.fit([[number] for number in y])
    return scaling.means, scaling.scales


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
    """Return the root of the mean squared error."""
    return dist(predicted, y) / sqrt(len(y))


def _shown(figure: float) -> str:
    """Show a figure of a table in a few characters."""
    return f"{figure:.3f}" if abs(figure) < 1e6 else f"{figure:.2e}"
