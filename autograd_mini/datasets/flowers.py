"""The iris data: four measurements of 150 flowers of three species, the best-known small data set there is."""

from __future__ import annotations


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
        """Return the size of the data in one line, because the data itself fills a screen."""
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
