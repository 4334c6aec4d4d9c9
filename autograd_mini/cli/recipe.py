"""A recipe, kept in a model's file, says which columns the model reads, how they are scaled, what its answers mean."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite

from autograd_mini.cli.failure import UserError
from autograd_mini.datasets import Standardiser
from autograd_mini.engine.functions import sigmoid, softmax
from autograd_mini.engine.recording import no_grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from autograd_mini.cli.tables import Table

KEY = "table"
"""The name under which a recipe stands in a model's metadata."""


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

    """

    columns: list[str]
    means: list[float]
    scales: list[float]
    target: str
    loss: str
    classes: list[str]
    target_mean: float = 0.0
    target_scale: float = 1.0

    def to_metadata(self) -> dict[str, Any]:
        """Return the recipe as a part of a model's metadata."""
        return {KEY: asdict(self)}

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
        figures = [*_list(recipe.means), *_list(recipe.scales), recipe.target_mean, recipe.target_scale]
        if (
            not all(isinstance(text, str) for text in texts)
            or not all(isinstance(figure, (float, int)) and isfinite(figure) for figure in figures)
            or not 0 < len(recipe.columns) == len(recipe.means) == len(recipe.scales)
            or min(recipe.scales) <= 0
        ):
            raise UserError(f"{path} is damaged: its columns cannot be read")
        return recipe

    def inputs(self, table: Table) -> list[list[float]]:
        """Return the rows of a table as the model reads them."""
        missing = [column for column in self.columns if column not in table.header]
        if len(missing) == 1:
            table.position(missing[0])  # raises, with a suggestion
        if missing:
            raise UserError(f"{table.name} lacks the columns {', '.join(map(repr, missing))} that the model reads")
        rows = [list(row) for row in zip(*map(table.numbers, self.columns), strict=True)]
        return Standardiser(self.means, self.scales).transform(rows)

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


def predictions(model: Callable[[list[float]], Any], rows: Sequence[list[float]]) -> list[Any]:
    """Return what a model predicts for each row: a float, or a list of floats."""
    with no_grad():
        outputs = map(model, rows)
        return [[v.data for v in output] if isinstance(output, list) else output.data for output in outputs]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [None]  # which is neither text nor a number
