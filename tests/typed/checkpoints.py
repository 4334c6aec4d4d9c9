"""Training that is interrupted and goes on."""

from pathlib import Path

from autograd_mini import MLP, History, datasets, fit

run = Path("run.json")
X, y = datasets.xor(20)


def train(epochs: int, *, checkpoint: Path | None = None, resume: Path | None = None) -> History:
    model = MLP(2, [3, 1], seed=0)
    return fit(model, X, y, loss="binary_cross_entropy", epochs=epochs, checkpoint=checkpoint, resume=resume)


train(2, checkpoint=run)
assert train(4, resume=run) == train(4)
