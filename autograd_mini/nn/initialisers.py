"""An initialiser: the rule by which a weight gets the number that training starts from.

It is a function `init(rng, fan_in, fan_out)` that returns one weight: `rng.random()` gives random numbers in [0, 1),
`fan_in` is the number of inputs of the layer and `fan_out` the number of its neurons. The ones here do nothing but
arithmetic on `rng.random()`, the one method whose sequence the standard library promises to keep in every version.

Sources: "xavier" is X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
networks, AISTATS 2010; "he" is K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015; "uniform"
is micrograd's.
"""

from __future__ import annotations

import random
from math import cos, log, sqrt, tau

from autograd_mini.engine.checks import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Randomness(Protocol):
        """What gives random numbers: a `random.Random`, or the module `random` itself."""

        def random(self) -> float:
            """Return a number in [0, 1)."""

    Initialiser = Callable[[Randomness, int, int], float]


def uniform(rng: Randomness, _fan_in: int = 1, _fan_out: int = 1) -> float:
    """Draw from the uniform distribution on (-1, 1) the very number that `rng.uniform(-1, 1)` would give."""
    return -1.0 + 2.0 * rng.random()


def normal(rng: Randomness) -> float:
    """Draw from the standard normal distribution: Box and Muller, Ann. Math. Statist. 29 (1958) 610."""
    return sqrt(-2.0 * log(1.0 - rng.random())) * cos(tau * rng.random())


def _scaled(draw: Callable[[Randomness], float], square: Callable[[int, int], float]) -> Initialiser:
    """Return the initialiser that draws a number and multiplies it by the root of a function of the fans."""
    return lambda rng, fan_in, fan_out: sqrt(square(fan_in, fan_out)) * draw(rng)


INITIALISERS: dict[str, Initialiser] = {
    "uniform": uniform,
    "xavier_uniform": _scaled(uniform, lambda fan_in, fan_out: 6.0 / (fan_in + fan_out)),  # equation 16
    "xavier_normal": _scaled(normal, lambda fan_in, fan_out: 2.0 / (fan_in + fan_out)),  # equation 12
    "he_uniform": _scaled(uniform, lambda fan_in, _: 6.0 / fan_in),  # of the variance of the next
    "he_normal": _scaled(normal, lambda fan_in, _: 2.0 / fan_in),  # equation 10
    "zeros": lambda *_: 0.0,
}
"""The initialisers by name."""


def initialiser(init: str | Initialiser | None) -> Initialiser:
    """Return the initialiser of a name, or the callable itself; None is "uniform"."""
    if init is None:
        return uniform
    if isinstance(init, str) and init in INITIALISERS:
        return INITIALISERS[init]
    if not callable(init):
        raise (ValueError if isinstance(init, str) else TypeError)(
            f"init is {init!r}, expected one of {', '.join(INITIALISERS)}, or a function init(rng, fan_in, fan_out)"
        )
    return init


def randomness(seed: int | Randomness | None) -> Randomness:
    """Return what random numbers come from: `random.Random(seed)`, a generator, or for None the module `random`."""
    if seed is None:
        return random
    if callable(getattr(seed, "random", None)):
        return seed  # type: ignore[return-value]  # just seen
    return random.Random(whole_number("seed", seed, 0))
