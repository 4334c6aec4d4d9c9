"""Training by hand, with Adam."""

from autograd_mini import MLP, Value, datasets, nn
from autograd_mini.optim import Adam

X, y = datasets.moons(20, seed=1)
model = MLP(2, [4, 1], activation="tanh", seed=0)
optimizer = Adam(model.parameters(), lr=0.05)
losses: list[float] = []
for _ in range(5):
    loss = Value(0.0)
    for row, target in zip(X, y, strict=True):
        loss = loss + nn.binary_cross_entropy(model(row), target)
    loss = loss / len(X)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.data)
assert losses[-1] < losses[0]
