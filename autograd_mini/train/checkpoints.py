"""A checkpoint is a file with all that the rest of a training run depends on, beside the data and `fit`'s arguments.

    {"format": "autograd_mini checkpoint", "version": 1, "run": {"loss": "mse", "rows": 150, "batch_size": 16, …},
     "epoch": 4, "batch": 0, "sums": [], "seed": 0, "parameters": {"labels": […], "numbers": […]},
     "optimizer": {…}, "schedule": null, "history": {…}}

It is JSON, read with the care that `files` takes: nothing in it is run, and it is checked before anything changes.
"""

from __future__ import annotations

import json
import os
from hashlib import blake2b
from math import isfinite
from pathlib import Path

from autograd_mini.errors import ModelFormatError, shown
from autograd_mini.files import storage
from autograd_mini.files.documents import parse, plain
from autograd_mini.files.json_model import check_header, checked_numbers, member, written
from autograd_mini.optim.hyperparameters import positive_whole
from autograd_mini.optim.parameters import numbers, set_data
from autograd_mini.train.data import evenly, is_plain
from autograd_mini.train.history import History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from autograd_mini.train.data import Sample
    from autograd_mini.train.run import Training

FORMAT, VERSION = "autograd_mini checkpoint", 1
LARGEST = 64 * 1024 * 1024
"""Bytes that no checkpoint may exceed."""
LOOKED_AT = 1000
"""Number of rows, evenly spread, that stand for all data in a fingerprint."""


class Checkpoints:
    """Writes the checkpoints of a run, and takes up the one to go on from; arguments and errors are those of `fit`."""

    def __init__(
        self,
        training: Training,
        path: str | PathLike[str] | None,
        every: int,
        resume: str | PathLike[str] | bool | None,  # noqa: FBT001 - a path, or True for the one before
        given: tuple[Any, Any],
    ) -> None:
        self._every = positive_whole("every", every)
        self._path = target = None if path is None else _path("checkpoint", path)
        if target is not None and not target.resolve().parent.is_dir():
            raise FileNotFoundError(f"checkpoint is {str(target)!r}, and its folder does not exist: make it first")
        if target is not None and target.is_dir():
            raise IsADirectoryError(f"checkpoint is {str(target)!r}, a folder: give the name of a file in it")
        if resume is True and target is None:
            raise ValueError(
                "resume=True goes on from the checkpoint if there is one: say where, checkpoint='run.json'"
            )
        self._from = target if resume is True and target is not None and target.exists() else None
        if resume is not None and not isinstance(resume, bool):
            self._from = _path("resume", resume)
        self._training, self._run = training, {}
        if self._path is not None or self._from is not None:
            self._run = plain(fingerprint(training, given), "the settings of the run")
        self._written: tuple[int, int] | None = None

    @property
    def due(self) -> bool:
        """Whether a checkpoint is due after this epoch."""
        return self._path is not None and self._training.epoch % self._every == 0

    def write(self) -> None:
        """Write a checkpoint, whole or not at all, unless the one there says the same."""
        training = self._training
        if self._path is None or self._written == (training.epoch, training.batch):
            return
        history = training.history.to_dict()
        columns = {name: written(column, name, nonfinite=True) for name, column in history["columns"].items()}
        document = {
            "format": FORMAT,
            "version": VERSION,
            "run": self._run,
            "epoch": training.epoch,
            "batch": training.batch,
            "sums": written(training.sums, "sums", nonfinite=True),
            "seed": training.seed,
            "parameters": {"labels": _labels(training), "numbers": numbers(training.params, "data")},
            "optimizer": training.optimizer.state_dict(),
            "schedule": None if training.schedule is None else training.schedule.state_dict(),
            "history": {**history, "columns": columns},
        }
        data = json.dumps(plain(document, "the checkpoint"), allow_nan=False).encode()
        if len(data) > LARGEST:
            raise ValueError(f"the checkpoint would have {len(data)} bytes, but is read only up to {LARGEST}")
        try:
            storage.write(self._path, data)
        except OSError as error:
            error.add_note(
                f"No checkpoint of epoch {training.epoch} was written; the one before it is as it was, and the model "
                "has the parameters that it has learnt so far."
            )
            raise
        self._written = training.epoch, training.batch

    def resume(self, seed: int | None) -> None:
        """Bring the run to where the checkpoint to go on from was written; `seed` and the errors are those of `fit`."""
        training = self._training
        if self._path is not None or self._from is not None:
            for name, part in (("optimizer", training.optimizer), ("schedule", training.schedule)):
                if part is not None and not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
                    raise TypeError(
                        f"{name} is a {type(part).__name__} without state_dict and load_state_dict, so no checkpoint "
                        "can hold it"
                    )
        if self._from is None:
            return
        try:
            found = _checked(parse(storage.read(self._from, 1, lambda _: LARGEST)))
        except ValueError as error:
            raise ModelFormatError(f"{self._from} is no checkpoint that can be read here: {error}") from None
        self._same_run(found, seed)
        history = History.from_dict({**found["history"], "stopped": None})
        before = training.optimizer.state_dict()
        training.optimizer.load_state_dict(found["optimizer"])
        try:
            if training.schedule is not None:
                training.schedule.load_state_dict(found["schedule"])
            set_data(training.params, found["parameters"]["numbers"])
        except BaseException:
            training.optimizer.load_state_dict(before)
            raise
        training.epoch, training.batch, training.seed = found["epoch"], found["batch"], found["seed"]
        training.sums, training.history = found["sums"], history

    def _same_run(self, found: dict[str, Any], seed: int | None) -> None:
        """Raise a ValueError unless a checkpoint is one of this run."""
        training, run, epoch = self._training, found["run"], found["epoch"]
        names = training.objective.columns(validated=bool(training.held_out))
        figures = names if getattr(training.optimizer, "lr", None) is None else [*names, "lr"]
        here = {name: self._run[name] for name in ("loss", "rows", "batch_size", "shuffle")}
        here["seed"] = found["seed"] if seed is None else int(seed)
        here |= {"parameters": len(training.params), "labels": _labels(training)}
        here |= {"a schedule": training.schedule is not None, "figures": sorted(figures)}
        there = {**run, "seed": found["seed"], "parameters": len(found["parameters"]["numbers"])}
        there |= {"labels": found["parameters"]["labels"], "a schedule": found["schedule"] is not None}
        there["figures"] = sorted(found["history"]["columns"]) if epoch else here["figures"]
        if found["optimizer"].get("optimizer") == training.optimizer.state_dict().get("optimizer"):
            # An optimiser that was ready then has left no settings.
            here |= {name: value for name, value in self._run.items() if name in run}
        for name, value in here.items():
            if there.get(name) != value:
                other = f"with {name} {shown(there.get(name))}, but this one has {shown(value)}"
                other = f"with other {_UNSHOWN[name]}" if name in _UNSHOWN else other
                raise ValueError(
                    f"{self._from} was written by a run {other}: go on with the same; for another, do so to "
                    f"epochs={max(epoch, 1)} and then fit anew"
                )
        sums = sum(not name.startswith("validation_") for name in names) if found["batch"] else 0
        if found["batch"] >= max(training.batches, 1) or len(found["sums"]) != sums:
            raise ModelFormatError(
                f"{self._from} is no checkpoint that can be read here: it has {len(found['sums'])} sums after batch "
                f"{found['batch']} of {training.batches}, expected {sums}"
            )


_UNSHOWN = {"model": "layers or activations", "data": "numbers in X or y", "labels": "labels of its parameters"}
"""What differs where the values say nothing to a reader."""


def _path(name: str, path: Any) -> Path:
    if isinstance(path, (str, os.PathLike)) and os.fspath(path):
        return Path(path)
    error = ValueError if path == "" else TypeError
    raise error(f"{name} is {path!r}, expected the name of a file, such as 'run.json'")


def _labels(training: Training) -> list[str]:
    return [str(getattr(parameter, "label", "")) for parameter in training.params]


def _checked(document: Any) -> Any:
    """Return a document if it is a checkpoint; a ValueError says why it is none."""
    check_header(document, FORMAT, VERSION)
    for name, kind in (("run", dict), ("parameters", dict), ("optimizer", dict), ("history", dict), ("sums", list)):
        member(document, name, kind)
    for name in ("epoch", "batch", "seed"):
        if member(document, name, int) < 0:
            raise ValueError(f"{name} is {shown(document[name])}, expected a number from 0 on")
    if document.get("schedule", 0) is not None:
        member(document, "schedule", dict)
    document["sums"] = checked_numbers(document["sums"], "sums", nonfinite=True)
    _numbers("numbers", member(document["parameters"], "numbers", list))
    member(document["parameters"], "labels", list)
    history = document["history"]
    columns = member(history, "columns", dict)
    for name in columns:
        place = f"columns[{shown(name)}]"
        column = columns[name] = checked_numbers(member(columns, name, list), place, nonfinite=True)
        if name.endswith("loss"):
            _numbers(place, column)
        if len(column) != document["epoch"]:
            raise ValueError(f"the history has {len(column)} epochs, but epoch is {document['epoch']}")
    _numbers("seconds", [history.get("seconds")])
    return document


def _numbers(name: str, column: list[Any]) -> None:
    for index, entry in enumerate(column):
        if type(entry) not in (int, float) or not isfinite(entry):
            raise ValueError(f"{name}[{index}] is {shown(entry)}, expected a number")


def data_fingerprint(samples: Sequence[Sample]) -> str:
    """Return a fingerprint of rows and targets, so far as these are numbers."""
    found = blake2b(digest_size=8)
    for row, target in evenly(samples, LOOKED_AT):
        found.update(repr((list(row), target if is_plain(target) else None)).encode())
    return found.hexdigest()


def _settings(optimizer: Any, schedule: Any) -> dict[str, Any]:
    """Return the settings of an optimiser and a schedule, None where one may have been used, that are numbers."""
    group: dict[str, Any] = next(iter(getattr(optimizer, "param_groups", [])), {})
    settings = {name: value for name, value in group.items() if name != "params" and is_plain(value)}
    return settings | ({"schedule": schedule.state_dict()} if hasattr(schedule, "state_dict") else {})


def fingerprint(training: Training, given: tuple[Any, Any]) -> dict[str, Any]:
    """Return what tells runs apart, without the settings of an optimiser or schedule that was `given`, maybe used."""
    from autograd_mini.nn import MLP

    made, model = (training.optimizer, training.schedule), training.model
    new = [one if one is not other else None for one, other in zip(made, given, strict=True)]
    return {
        "loss": training.objective.name,
        "rows": training.rows,
        "batch_size": training.batch_size,
        "shuffle": training.shuffle,
        "clip_norm": training.clip_norm,
        **_settings(*new),
        "model": blake2b(repr(model.layers).encode(), digest_size=8).hexdigest() if isinstance(model, MLP) else "",
        "data": data_fingerprint(training.samples),
    }
