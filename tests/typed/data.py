"""Data sets: made, split, standardised."""

from autograd_mini import MLP, datasets, evaluate, fit

X, y = datasets.iris()
X_train, X_test, y_train, y_test = datasets.split(X, y, seed=0)
X_train, X_test = datasets.standardise(X_train, X_test)
labels: list[int] = y_train
features: list[list[float]] = X_test
names: tuple[str, ...] = datasets.iris().feature_names
model = MLP(4, [3, 3], activation="tanh", seed=0)
fit(model, X_train, y_train, loss="cross_entropy", epochs=2, validation=(X_test, y_test), metrics={})
scores: dict[str, float] = evaluate(model, X_test, y_test, loss="cross_entropy")
print(labels[0], features[0], names, scores["accuracy"])
