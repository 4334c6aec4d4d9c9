"""Models saved, loaded, and used for whole tables."""

from autograd_mini import MLP, Layer, ModelFormatError, Neuron, Value, load

model = MLP(2, [3, 1], activation="tanh", seed=0)
model.save("model.json", {"note": "mine"})
again: MLP = load("model.json")
try:
    load("model.json", into=MLP(2, [1]))
except (ModelFormatError, ValueError) as error:
    print(error)
weights, biases = again.matrices()
first: list[list[float]] = weights[0]
output: Value = Neuron(2, seed=0)([1.0, 2.0])
outputs: list[Value] = Layer(2, 3, seed=0)([1.0, 2.0])
prediction: Value = model([1.0, 2.0])
predict = model.jit(backend="python")
print(first, biases, output, outputs, prediction, predict([[1.0, 2.0]]))
