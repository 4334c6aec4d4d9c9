"""An example to learn from is a table with a label for each row: Fisher's irises, or points drawn from a seed.

A shape is a scatter of labelled points in the plane, which a classifier learns to tell apart. Its function gives
`(X, y)`: X a list of n points [x0, x1], y a list of n ints, the class of each point from 0 up. A point's place on the
shape is uniformly random, and then `noise`, the standard deviation of a Gaussian in each coordinate, moves it. Rows
take turns through the classes: class sizes differ by one at most, and fewer points are the first rows of more.

The same arguments give the same points in every process and Python version; another machine's C library may round a
sine differently in the last digit. `seed=None` gives new points at every call. What is out of range, say a negative
`noise` or fewer points than classes, raises a ValueError, and what is no number a TypeError.
"""

from __future__ import annotations

from math import cos, log, pi, sin, sqrt, tau

from autograd_mini.engine.checks import random_numbers, real_number, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Iris(tuple[list[list[float]], list[int]]):
    """The irises as a pair `X, y`, with the names of what the numbers mean.

    X is 150 rows of 4 floats, in centimetres and in the order of `feature_names`; y is 150 ints, positions in
    `target_names`. The pair cannot be changed; its lists can, and are nobody else's.

    >>> iris().X[0], iris().feature_names[0]
    ([5.1, 3.5, 1.4, 0.2], 'sepal_length')
    """

    __slots__ = ()

    feature_names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    target_names = ("setosa", "versicolor", "virginica")
    source = (
        "R. A. Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936) 179-188; "
        "collected by E. Anderson, The irises of the Gaspe Peninsula, Bulletin of the American Iris Society 59 "
        "(1935) 2-5. Public domain."
    )

    @property
    def X(self) -> list[list[float]]:
        """The measurements, one row a flower."""
        return self[0]

    @property
    def y(self) -> list[int]:
        """The species, one index a flower."""
        return self[1]

    def __repr__(self) -> str:
        return f"<Iris: {len(self.X)} rows of {len(self.feature_names)} features, {len(self.target_names)} classes>"


def iris() -> Iris:
    """Return the iris data: 150 flowers, 50 of each species, ordered by species (so `split` before you train).

    The values are those of Fisher's paper and of R's `iris`; the widespread copy at UCI has the 35th and the 38th
    flower wrong.

    >>> X, y = iris()
    >>> X[0], y[0]
    ([5.1, 3.5, 1.4, 0.2], 0)
    >>> iris().target_names[y[-1]]
    'virginica'
    """
    from importlib.resources import files

    _header, *lines = files("autograd_mini.datasets").joinpath("iris.csv").read_text(encoding="utf-8").splitlines()
    flowers, kinds = [], []
    for line in lines:
        *measurements, species = line.split(",")
        flowers.append([float(centimetres) for centimetres in measurements])
        kinds.append(Iris.target_names.index(species))
    return Iris((flowers, kinds))


def moons(n: int = 100, noise: float = 0.1, seed: int | None = 0) -> tuple[list[list[float]], list[int]]:
    """Return two half circles of radius 1 that reach into each other: no straight line parts them.

    Class 0 is the upper half circle around (0, 0), class 1 the lower one around (1, 0.5).

    Source: the curves of scikit-learn's `make_moons`.

    Args:
        n: the number of points.
        noise: the standard deviation of a Gaussian in each coordinate.
        seed: a whole number from 0 on; None for new points at every call.

    >>> X, y = moons(100)
    >>> len(X), y[:4]
    (100, [0, 1, 0, 1])
    >>> [[round(x0, 2), round(x1, 2)] for x0, x1 in X[:2]]
    [[-1.03, 0.55], [0.21, -0.16]]

    """

    def place(moon: int, along: float) -> tuple[float, float]:
        x0, x1 = cos(pi * along), sin(pi * along)
        return (x0, x1) if moon == 0 else (1 - x0, 0.5 - x1)

    return _scatter(n, 2, "classes", noise, seed, place)


def circles(
    n: int = 100, noise: float = 0.1, factor: float = 0.5, seed: int | None = 0
) -> tuple[list[list[float]], list[int]]:
    """Return two circles around the origin, one inside the other: class 0 has radius 1, class 1 radius `factor`.

    Source: the curves of scikit-learn's `make_circles`.

    Args:
        n: the number of points.
        noise: the standard deviation of a Gaussian in each coordinate.
        factor: the radius of the inner circle, at least 0, where it is a point, and less than 1.
        seed: a whole number from 0 on; None for new points at every call.

    >>> X, y = circles(4, noise=0, factor=0.25)
    >>> [round((x0**2 + x1**2) ** 0.5, 12) for x0, x1 in X]
    [1.0, 0.25, 1.0, 0.25]

    """
    factor = real_number("factor", factor)
    if not 0 <= factor < 1:
        raise ValueError(f"factor is {factor}, expected a radius of at least 0 and less than 1, the outer radius")

    def place(circle: int, along: float) -> tuple[float, float]:
        radius, angle = (1.0, factor)[circle], tau * along
        return radius * cos(angle), radius * sin(angle)

    return _scatter(n, 2, "classes", noise, seed, place)


def xor(n: int = 100, noise: float = 0.1, seed: int | None = 0) -> tuple[list[list[float]], list[int]]:
    """Return clouds around the corners of the unit square, labelled 1 where one coordinate is 1 and the other 0.

    Four points without noise are the truth table of exclusive or, which no single neuron computes.

    Source: Minsky and Papert, Perceptrons (1969).

    Args:
        n: the number of points, at least 4.
        noise: the standard deviation of a Gaussian in each coordinate.
        seed: a whole number from 0 on; None for new points at every call.

    >>> xor(4, noise=0)
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])

    """

    def place(corner: int, _along: float) -> tuple[float, float]:
        return float(corner // 2), float(corner % 2)

    points, corners = _scatter(n, 4, "corners", noise, seed, place)
    return points, [corner // 2 ^ corner % 2 for corner in corners]


def spirals(
    n: int = 100, noise: float = 0.05, turns: float = 1.0, classes: int = 2, seed: int | None = 0
) -> tuple[list[list[float]], list[int]]:
    """Return `classes` arms that wind around the origin, each `turns` times, from radius 0.1 out to radius 1.

    Every class but the first is the first, turned. More turns or more classes bring the arms closer, to about
    0.9 / (turns * classes) of each other.

    Source: after the two spirals of Lang and Witbrock, Learning to tell two spirals apart (1988).

    Args:
        n: the number of points.
        noise: the standard deviation of a Gaussian in each coordinate.
        turns: how often an arm winds around, clockwise where negative.
        classes: the number of arms, at least 2.
        seed: a whole number from 0 on; None for new points at every call.

    >>> X, y = spirals(6, classes=3)
    >>> y
    [0, 1, 2, 0, 1, 2]

    """
    turns = real_number("turns", turns)
    classes = whole_number("classes", classes)
    if classes < 2:
        raise ValueError(f"classes is {classes}, expected at least 2 arms to tell apart")

    def place(arm: int, along: float) -> tuple[float, float]:
        radius, angle = 0.1 + 0.9 * along, tau * (turns * along + arm / classes)
        return radius * cos(angle), radius * sin(angle)

    return _scatter(n, classes, "classes", noise, seed, place)


def _scatter(
    n: int,
    parts: int,
    parts_are: str,
    noise: float,
    seed: int | None,
    place: Callable[[int, float], tuple[float, float]],
) -> tuple[list[list[float]], list[int]]:
    """Return n points, `place(part, along)` and noise, and the part of the shape that each is from.

    Noise is drawn for every point, even when it is 0, so that a seed gives the same shape at every noise.
    """
    n, noise = whole_number("n", n), real_number("noise", noise)
    if n < parts:
        raise ValueError(f"n is {n}, but there are {parts} {parts_are} and each needs a point: give n={parts} or more")
    if noise < 0:
        raise ValueError(f"noise is {noise}, expected a standard deviation of 0 or more")
    random = random_numbers(seed)
    points = []
    of_part = [row % parts for row in range(n)]
    for part in of_part:
        x0, x1 = place(part, random())
        radius = noise * sqrt(-2 * log(1 - random()))  # 1 - u, because u may be 0 but is never 1
        angle = tau * random()
        points.append([x0 + radius * cos(angle), x1 + radius * sin(angle)])
    return points, of_part
