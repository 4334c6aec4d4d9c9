"""What went wrong, and where."""

from autograd_mini import AnomalyError, DivergedError, Value, anomaly, doctor, origin

p = Value(0.0, label="p")
try:
    with anomaly():
        print(1.0 - p.log())
except AnomalyError as error:
    print(error)


@origin()
def loss(w: list[Value]) -> Value:
    return (w[0] * 1.0 + w[1] * 2.0 - 2.0) ** 2


weights = [Value(0.1), Value(0.2)]
found = loss(weights)
found.backward()
print(doctor(found, weights), DivergedError.__name__)
