"""A recipe, kept in a model's file, says which columns the model reads, how they are scaled, what its answers mean."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from math import isfinite

from autograd_mini.cli.tables import Table, UserError
from autograd_mini.compiler.backends import installed
from autograd_mini.datasets import Standardiser
from autograd_mini.engine.functions import sigmoid, softmax
from autograd_mini.engine.hooks import no_grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from autograd_mini.nn import MLP

BY_POSITION = re.compile(r"column_[0-9]+")
"""The names of columns in a file without a header."""
KEY = "table"
"""The name under which a recipe stands in a model's metadata."""
MANY = 2_000
"""Minimum rows that are predicted by machine code, which takes about as long to make as these in Python."""


@dataclass
class Recipe:
    """What stands between the columns of a table and a model.

    Attributes:
        columns: the columns the model reads, in order.
        means: what is subtracted from each.
        scales: what each is then divided by.
        target: the column it predicts.
        loss: the loss it was trained with, which says what a prediction is.
        classes: the texts it chooses from; empty for a model that predicts a number.
        target_mean: a predicted number is target_mean + target_scale times what the model says.
        target_scale: see target_mean.
        medians: of each column, what stands for a missing number; empty where none may be missing.

    """

    columns: list[str]
    means: list[float]
    scales: list[float]
    target: str
    loss: str
    classes: list[str]
    target_mean: float = 0.0
    target_scale: float = 1.0
    medians: list[float] = field(default_factory=list)

    def to_metadata(self) -> dict[str, Any]:
        """Return the recipe as a part of a model's metadata."""
        return {KEY: {name: held for name, held in asdict(self).items() if held or name != "medians"}}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], path: str) -> Recipe:
        """Return the recipe in the metadata of a model that was loaded from a path."""
        found = metadata.get(KEY) if isinstance(metadata, dict) else None
        if not isinstance(found, dict):
            raise UserError(
                f"{path} says nothing of columns: predict needs a model that `autograd-mini train` has made"
            )
        try:
            recipe = cls(**found)
        except TypeError:
            raise UserError(f"{path} is damaged: its columns cannot be read") from None
        texts = [*_list(recipe.columns), recipe.target, recipe.loss, *_list(recipe.classes)]
        figures = [*_list(recipe.means), *_list(recipe.scales), *_list(recipe.medians)]
        figures += [recipe.target_mean, recipe.target_scale]
        if (
            not all(isinstance(text, str) for text in texts)
            or not all(isinstance(figure, (float, int)) and isfinite(figure) for figure in figures)
            or not 0 < len(recipe.columns) == len(recipe.means) == len(recipe.scales)
            or len(recipe.medians) not in {0, len(recipe.columns)}
            or min(recipe.scales) <= 0
        ):
            raise UserError(f"{path} is damaged: its columns cannot be read")
        return recipe

    def inputs(self, table: Table) -> list[list[float]]:
        """Return the rows of a table as the model reads them; a UserError where a column, or a cell, is missing."""
        self.check(table)
        columns = [table.numbers(column) for column in self.columns]
        if self.medians:
            columns = [filled(cells, median) for cells, median in zip(columns, self.medians, strict=True)]
        elif gaps := table.gaps(self.columns):
            raise UserError(
                f"{table.lacking(gaps)}: leave these rows out with --drop-missing, or train with --fill median, which "
                "predict then does too"
            )
        rows: list[list[Any]] = [list(row) for row in zip(*columns, strict=True)]
        return Standardiser(self.means, self.scales).transform(rows)

    def named(self, table: Table) -> Table:
        """Return a table; one that has no header, and just as many columns as the model reads, with their names."""
        if not table.headless or len(table.header) != len(self.columns) or {*self.columns} <= {*table.header}:
            return table
        found = Table(table.name, self.columns, table.rows, table.lines, table.delimiter, headless=True)
        found.notes.append(
            f"{table.name} has no header: its columns are taken for those that the model reads, in this order: "
            f"{', '.join(self.columns)}"
        )
        return found

    def check(self, table: Table) -> None:
        """Raise a UserError if a table lacks columns that the model reads."""
        missing = [column for column in self.columns if column not in table.header]
        if not missing:
            return
        if table.headless:
            raise UserError(
                f"{table.name} has no header, and {len(table.header)} columns: give it one, or just the "
                f"{len(self.columns)} columns that the model reads, in this order: {', '.join(self.columns)}"
            )
        if all(map(BY_POSITION.fullmatch, self.columns)):
            raise UserError(
                f"{table.name} has no column {missing[0]!r}: the model was trained on a file without a header, so it "
                "reads columns by their position; remove the header"
            )
        if len(missing) == 1:
            table.position(missing[0])  # raises, with a suggestion
        raise UserError(f"{table.name} lacks the columns {', '.join(map(repr, missing))} that the model reads")

    def answers(self, predictions: Sequence[Any]) -> dict[str, list[str]]:
        """Return the columns that say what predictions mean: the prediction, and the probability of each class."""
        if not self.classes:
            return {"prediction": [repr(self.number(prediction)) for prediction in predictions]}
        columns = {"prediction": [self.classes[self.index(prediction)] for prediction in predictions]}
        if self.loss != "hinge":  # a hinge score is no probability
            chances = [self.probabilities(prediction) for prediction in predictions]
            for index, name in enumerate(self.classes):
                columns[f"probability_{name}"] = [repr(row[index]) for row in chances]
        return columns

    def number(self, prediction: float) -> float:
        """Return a predicted number in the units of the table."""
        return self.target_mean + self.target_scale * prediction

    def index(self, prediction: Any) -> int:
        """Return the position of the predicted class: the largest of several outputs, or the sign of one."""
        if isinstance(prediction, list):
            return max(range(len(prediction)), key=prediction.__getitem__)
        return int(prediction > 0.0)

    def probabilities(self, prediction: Any) -> list[float]:
        """Return the probability of each class."""
        if isinstance(prediction, list):
            return [float(chance) for chance in softmax(prediction)]
        return [sigmoid(-prediction), sigmoid(prediction)]


def filled(column: Sequence[float | None], number: float) -> list[float | None]:
    """Return a column of numbers with one in place of those that are missing."""
    return [number if held is None else held for held in column]


def predictions(model: MLP, rows: Sequence[list[float]]) -> list[Any]:
    """Return what a model predicts for each row: a float, or a list of floats.

    Many rows are predicted by machine code where NumPy is installed, which differs in rounding alone.
    """
    if len(rows) >= MANY and installed("numpy"):
        found: list[Any] = model.jit()(rows).tolist()
        return found
    with no_grad():
        outputs = map(model, rows)
        return [[v.data for v in output] if isinstance(output, list) else output.data for output in outputs]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [None]  # which is neither text nor a number
