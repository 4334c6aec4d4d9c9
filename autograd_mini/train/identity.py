"""Identity: what tells one training run from another, for a checkpoint to go on with its own run and no other."""

from __future__ import annotations

from hashlib import blake2b

from autograd_mini.train.trying import is_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.train.measuring import Sample

LOOKED_AT = 1000
"""So many rows, evenly spread, stand for all of them."""


def of_data(samples: Sequence[Sample]) -> str:
    """Return a fingerprint of rows and targets, so far as these are numbers.

    >>> of_data([([1.0], 2.0)]) == of_data([([1.0], 2.0)]), of_data([([1.0], 2.0)]) == of_data([([1.0], 2.5)])
    (True, False)

    """
    found = blake2b(digest_size=8)
    for at in range(min(len(samples), LOOKED_AT)):
        row, target = samples[at * len(samples) // min(len(samples), LOOKED_AT)]
        found.update(repr((list(row), target if is_plain(target) else None)).encode())
    return found.hexdigest()


def of_model(model: Any) -> str:
    """Return a fingerprint of the layers of a network, with their sizes and activations; "" for another model."""
    from autograd_mini.nn import MLP

    return blake2b(repr(model.layers).encode(), digest_size=8).hexdigest() if isinstance(model, MLP) else ""


def of_settings(optimizer: Any, schedule: Any) -> dict[str, Any]:
    """Return the settings of an optimiser and a schedule that are new, so far as they are numbers.

    None stands for one that may have been used.
    """
    group: dict[str, Any] = next(iter(getattr(optimizer, "param_groups", [])), {})
    settings = {name: value for name, value in group.items() if name != "params" and is_plain(value)}
    return settings | ({"schedule": schedule.state_dict()} if hasattr(schedule, "state_dict") else {})


def of_run(
    model: Any, samples: Sequence[Sample], made: tuple[Any, Any], given: tuple[Any, Any], clip_norm: float | None
) -> dict[str, Any]:
    """Return what tells runs apart: of what was `made` of optimiser and schedule, what is not the `given` one."""
    new = [one if one is not other else None for one, other in zip(made, given, strict=True)]
    return {"clip_norm": clip_norm, **of_settings(*new), "model": of_model(model), "data": of_data(samples)}
