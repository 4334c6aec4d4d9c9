"""The demo does the main job twice, on irises and on moons, and leaves models, data and a picture to look at."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

from pathlib import Path

from autograd_mini import datasets, viz
from autograd_mini.cli.failure import UserError
from autograd_mini.cli.learning import Settings, learn
from autograd_mini.cli.tables import Table, aligned
from autograd_mini.extras import pip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from autograd_mini.cli.learning import Learned


def demo(arguments: Namespace) -> None:
    """Train on irises and on moons, print the accuracies, and write models, data and a picture to a folder."""
    out = Path(arguments.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UserError(f"cannot write to {out}: it is a file, not a folder") from None

    iris = datasets.iris()
    irises = Table("iris", [*iris.feature_names, "species"], _rows(iris.X, [iris.target_names[k] for k in iris.y]))
    X, y = datasets.moons(200, noise=0.1, seed=arguments.seed)
    moons = Table("moons", ["x", "y", "moon"], _rows(X, [("upper", "lower")[k] for k in y]))

    rows = [["", "network", "train accuracy", "test accuracy", "baseline", "seconds"]]
    for table, target, settings in (
        (irises, "species", Settings(hidden=(8,), optimizer="sgd", lr=0.1, seed=arguments.seed)),
        (moons, "moon", Settings(hidden=(8, 8), optimizer="adam", lr=0.02, epochs=60, seed=arguments.seed)),
    ):
        print(f"{table.name}: {len(table.rows)} rows, {target} from {len(table.header) - 1} numbers", flush=True)
        learned = learn(table, target, settings)
        _, (_, _, train, _), (_, _, test, baseline) = learned.scores
        rows.append([table.name, _shape(learned), train, test, baseline, f"{learned.history.seconds:.1f}"])
        learned.model.save(out / f"{table.name}.json")
        with (out / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            table.write(file)
    classes = [learned.recipe.classes.index(name) for name in table.cells(target)]
    viz.gallery(out, learned.model, learned.history, learned.recipe.inputs(table), classes)

    print(f"\n{aligned(rows)}\n\nbaseline: always the most frequent class\n")
    files = [
        ("iris.json, moons.json", "the trained models"),
        ("iris.csv, moons.csv", "the data"),
        ("index.html", _pictures(out)),
    ]
    print(f"{out}:\n{aligned_left(files)}\n")
    print(f"Look at {out / 'index.html'}")
    print(f"Now try: autograd-mini predict {out / 'iris.json'} {out / 'iris.csv'}")


def aligned_left(rows: list[tuple[str, str]]) -> str:
    """Return pairs as indented lines of two columns."""
    width = max(len(first) for first, _ in rows)
    return "\n".join(f"  {first.ljust(width)}  {second}" for first, second in rows)


def _pictures(out: Path) -> str:
    """Say what the gallery shows of the moons model, or what an extra is missing for."""
    missing = [name for name in ("neuron.svg", "boundary.svg") if not (out / name).exists()]
    if missing:
        return f"a page of pictures, some not drawn: {pip('pygraphviz', 'matplotlib')} draws them all"
    return "the moons model in pictures: a neuron, its gradients step by step, the network, loss, boundary, a descent"


def _rows(X: list[list[float]], classes: list[str]) -> list[list[str]]:
    return [[*map(repr, row), name] for row, name in zip(X, classes, strict=True)]


def _shape(learned: Learned) -> str:
    """Return the sizes of a network's layers: 4-8-3."""
    weights, _biases = learned.model.matrices()
    return "-".join(map(str, [len(weights[0][0]), *map(len, weights)]))
