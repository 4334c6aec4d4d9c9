"""A transformer written on scalars: one training step of a one-layer, decoder-only model, for any Value-like class.

The model is the usual one (token and position embeddings, RMS norm, causal attention with several heads, a two-layer
feed-forward block, softmax cross-entropy), every number of it a scalar of the class that is passed in.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def make_loss(
    scalar: Any, *, width: int = 16, heads: int = 4, places: int = 16, tokens: int = 8, vocabulary: int = 27
) -> tuple[Callable[[], Any], list[Any]]:
    """Return a function that computes the loss of a text of so many tokens, and the weights, 4,192 of them."""
    rng = random.Random(1)

    def matrix(rows: int, columns: int) -> list[list[Any]]:
        return [[scalar(rng.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]

    token, position, unembed = matrix(vocabulary, width), matrix(places, width), matrix(vocabulary, width)
    query, key, value, output = (matrix(width, width) for _ in range(4))
    wide, narrow = matrix(4 * width, width), matrix(width, 4 * width)
    weights = [w for m in (token, position, unembed, query, key, value, output, wide, narrow) for row in m for w in row]
    text = [rng.randrange(vocabulary) for _ in range(tokens + 1)]
    size = width // heads

    def linear(x: list[Any], w: list[list[Any]]) -> list[Any]:
        return [sum(a * b for a, b in zip(row, x, strict=True)) for row in w]

    def softmax(logits: list[Any]) -> list[Any]:
        largest = max(logit.data for logit in logits)
        powers = [(logit - largest).exp() for logit in logits]
        total = sum(powers)
        return [power / total for power in powers]

    def norm(x: list[Any]) -> list[Any]:
        scale = (sum(a * a for a in x) * (1 / len(x)) + 1e-5) ** -0.5
        return [a * scale for a in x]

    def attend(q: list[Any], keys: list[list[Any]], values: list[list[Any]]) -> list[Any]:
        mixed = []
        for start in range(0, width, size):
            part = range(start, start + size)
            share = softmax([sum(q[j] * k[j] for j in part) * size**-0.5 for k in keys])
            mixed += [sum(s * v[j] for s, v in zip(share, values, strict=True)) for j in part]
        return mixed

    def loss() -> Any:
        keys: list[list[Any]] = []
        values: list[list[Any]] = []
        losses = []
        for place in range(tokens):
            stream = norm([a + b for a, b in zip(token[text[place]], position[place], strict=True)])
            x = norm(stream)
            keys.append(linear(x, key))
            values.append(linear(x, value))
            mixed = linear(attend(linear(x, query), keys, values), output)
            stream = [a + b for a, b in zip(mixed, stream, strict=True)]
            hidden = [a.relu() for a in linear(norm(stream), wide)]
            stream = [a + b for a, b in zip(linear(hidden, narrow), stream, strict=True)]
            losses.append(-softmax(linear(stream, unembed))[text[place + 1]].log())
        return sum(losses) * (1 / tokens)

    return loss, weights


def make_step(scalar: Any) -> Callable[[], float]:
    """Return a function that runs one forward and backward pass and returns the loss."""
    loss, weights = make_loss(scalar)

    def step() -> float:
        for weight in weights:
            weight.grad = 0
        found = loss()
        found.backward()
        return float(found.data)

    return step
