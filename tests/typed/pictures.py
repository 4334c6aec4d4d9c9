"""Pictures of a graph: drawn, stepped through, animated, explained."""

from autograd_mini import MLP, Value, animate, compare, draw, explain, step, steps, trace

a, b = Value(2.0, label="a"), Value(-3.0, label="b")
c = (a * b).tanh() + a
c.backward()
svg: str = draw(c).svg()
draw(MLP(2, [2, 1], seed=0)).save("net.svg")
page: str = step(c, "a").save("step.html")
animate(c).save("backward.svg")
names = [event.label for event in steps(c)]
print(trace(c), explain(a, c), names, len(svg), page)
compare(c, a * b + a).save("compared.svg")
