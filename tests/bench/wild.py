"""A derivative in the wild: a function of a public library with the derivative that its authors wrote by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Pair = tuple[Callable[..., Any], Callable[..., Any] | bool | None]

POINTS = 4
"""Points at which a derivative is checked that names none."""


@dataclass(frozen=True)
class Mistake:
    """A derivative that is really wrong: since which version it is known, why, and what the right number is.

    Attributes:
        version: the version of the library in which it was confirmed.
        why: what is wrong, in a sentence.
        at: a point at which it shows.
        truth: the right number there, in many digits, by a formula that has nothing in common with the library's;
            it returns None where reading the source is enough.
        index: which of the derivative's numbers is meant.
        of_function: whether the function is wrong and its derivative is right.

    """

    version: str
    why: str
    at: Any
    truth: Callable[[], Any]
    index: int = 0
    of_function: bool = False

    def mended(self, pair: Pair) -> bool:
        """Return whether the library claims the right number now."""
        claimed, truth = self.numbers(pair)
        return truth is not None and abs(claimed - truth) <= 1e-9 * abs(truth)

    def numbers(self, pair: Pair) -> tuple[float, Any]:
        """Return the number that the library claims at the point, and the right one."""
        arguments = self.at if isinstance(self.at, tuple) else (self.at,)
        f, df = apart(pair)
        return flat((f if self.of_function else df)(*arguments))[self.index], self.truth()


@dataclass(frozen=True)
class Wild:
    """One function of a library, with its derivative.

    Attributes:
        library: the library's name.
        function: what is differentiated, as its author calls it.
        derivative: what claims to be the derivative.
        build: returns both as callables, or one that returns both and True; whatever it raises means that this version
            of the library lacks them.
        box: the interval of each number.
        start: an array, or a tuple of arrays and numbers, to check at and around; None for functions of numbers.
        points: points to check at, instead of random ones.
        mistake: what is wrong with it; None if it is right.
        array: makes the argument of a list of numbers, where a box is checked of a function of one array.
        to: the accuracy of f, where it is an iteration that stops; see `check_grad`.

    """

    library: str
    function: str
    derivative: str
    build: Callable[[], Pair]
    box: tuple[tuple[float, float], ...] = ()
    start: Any = None
    points: tuple[Any, ...] = ()
    mistake: Mistake | None = None
    array: Callable[[Any], Any] | None = None
    to: float | None = None

    @property
    def name(self) -> str:
        """The name of the derivative in tables."""
        return f"{self.library}: {self.derivative}"

    def places(self) -> list[Any]:
        """Return the points to check at: those given, and random ones of the box or around the start."""
        rng = Random(self.name + self.function)
        if self.start is None:
            drawn = [tuple(low + (high - low) * rng.random() for low, high in self.box) for _ in range(POINTS)]
            return [*((p,) if isinstance(p, (int, float)) else p for p in self.points), *drawn]
        return [self.start, *self.points, *(self.moved(rng) for _ in range(POINTS - 1))]

    def moved(self, rng: Random) -> Any:
        """Return a point near the start."""

        def near(part: Any) -> Any:
            if isinstance(part, tuple):
                return tuple(map(near, part))
            if not hasattr(part, "shape") or not part.shape:
                return part * (1 + 0.2 * rng.uniform(-1, 1)) + 0.1 * rng.uniform(-1, 1)
            flat = part.reshape(-1)
            change = [0.2 * rng.uniform(-1, 1) for _ in range(len(flat))]
            return part + type_like(part, change) * (abs(part) + 0.5)

        return near(self.start)


def apart(pair: Pair) -> tuple[Callable[..., Any], Any]:
    """Return the function and its derivative, each by itself."""
    f, df = pair
    return (lambda *at: f(*at)[0], lambda *at: f(*at)[1]) if df is True else (f, df)


def type_like(array: Any, numbers: list[float]) -> Any:
    """Return numbers as an array of the kind, the type and the shape of another one."""
    if hasattr(array, "new_tensor"):
        return array.new_tensor(numbers).reshape(array.shape)
    import numpy as np

    made = np.asarray(numbers, dtype=array.dtype).reshape(array.shape)
    return made if isinstance(array, np.ndarray) else array * 0 + made


def many_digits() -> Any:
    """Return mpmath, set to 60 digits."""
    import mpmath

    mpmath.mp.dps = 60
    return mpmath


def gathered(library: str, parts: Iterable[Callable[[], Iterator[Wild]]]) -> Iterator[Wild]:
    """Yield the derivatives of each part; a part that an installed version lacks as one that cannot be built."""
    for part in parts:
        try:
            yield from part()
        except (ImportError, AttributeError) as error:
            yield Wild(library, part.__name__, part.__name__, partial(_lack, error))


def _lack(error: Exception) -> Pair:
    raise error


def flat(result: Any) -> list[float]:
    """Return all numbers of a result, however nested."""
    if isinstance(result, (list, tuple)):
        return [number for part in result for number in flat(part)]
    if hasattr(result, "tolist"):
        made = (result.detach() if hasattr(result, "detach") else result).tolist()
        return flat(made)
    return [float("nan") if isinstance(result, complex) else float(result)]


def mutated(f: Callable[..., Any], df: Callable[..., Any], place: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield wrong versions of a derivative that is right at a place, as far as floats can show there what is wrong."""
    import numpy as np

    arguments = place if isinstance(place, tuple) else (place,)
    values, right = np.array(flat(f(*arguments))), np.array(flat(df(*arguments)))
    inputs = np.array(flat(arguments))
    if right.size != values.size * inputs.size or not (np.isfinite(values).all() and np.isfinite(right).all()):
        return
    size, side = right.size, inputs.size
    largest, middle = int(np.argmax(abs(right))), int(np.argsort(abs(right))[size // 2])
    kinds: dict[str, Callable[[Any], Any]] = {
        "the sign": lambda d: -d,
        "twice": lambda d: 2 * d,
        "a relative error of 1e-4": lambda d: d * 1.0001,
        "a term too many": lambda d: d + 0.03 * abs(right).mean(),
    }
    if size > 1:
        kinds["the largest number is 0"] = lambda d: np.where(np.arange(size) == largest, 0.0, d)
        kinds["one number is 1 % off"] = lambda d: np.where(np.arange(size) == middle, 1.01 * d, d)
        kinds["shifted by one"] = lambda d: np.roll(d, 1)
    if side > 1 and size == side * side:
        kinds["transposed"] = lambda d: d.reshape(side, side).T.reshape(-1)
    single = any(str(getattr(part, "dtype", "")).endswith("float32") for part in arguments)
    grain = 1000 * (2.0**-23 if single else 2.0**-52) * abs(values)
    for kind, change in kinds.items():
        apart = abs(change(right) - right).reshape(values.size, side)
        shows = (apart * (abs(inputs) + (inputs == 0)) / 4 > grain[:, None]) & (
            apart > 2e-5 * abs(right.reshape(values.size, side))
        )
        if shows.any():
            yield kind, lambda *a, change=change: change(np.array(flat(df(*a))))
