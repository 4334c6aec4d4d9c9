"""A library under test: how each of them makes a leaf, runs backward and shows a gradient."""

from __future__ import annotations

from importlib import import_module


class Tape:
    """A library whose numbers remember how they were made: the methods are what they have in common.

    Attributes:
        name: the column of the table.
        module: what to import, to see whether it is there.

    """

    name = "here"
    module = "autograd_mini"

    @property
    def scalar(self):
        """The class of its numbers."""
        return import_module("autograd_mini").Value

    def leaf(self, number):
        """Return a number to differentiate by."""
        return self.scalar(number)

    def number(self, node):
        """Return the plain number of a result."""
        return float(node.data)

    def slope(self, leaf):
        """Return the gradient that backward has left in a leaf."""
        return float(leaf.grad)

    def backward(self, y):
        """Run the backward pass."""
        y.backward()

    def assign(self, leaf, number):
        """Give a leaf another number, as an update by hand does."""
        leaf.data = number

    def clear(self, leaf):
        """Set a gradient back to 0."""
        leaf.grad = 0

    def built(self, program, numbers):
        """Return the graph of program(leaves): what has to be kept for backward."""
        leaves = [self.leaf(number) for number in numbers]
        return leaves, program(leaves)

    def slopes(self, graph):
        """Run backward on a graph that was built, and return the gradients."""
        leaves, y = graph
        self.backward(y)
        return [self.slope(leaf) for leaf in leaves]

    def differentiated(self, program, numbers):
        """Return the graph of program(leaves), and the gradients."""
        graph = self.built(program, numbers)
        return graph, self.slopes(graph)


class Micrograd(Tape):
    """Karpathy's micrograd."""

    name = module = "micrograd"

    @property
    def scalar(self):
        """The class of its numbers."""
        return import_module("micrograd.engine").Value


class MyGrad(Tape):
    """MyGrad, tensors on NumPy: here 0-dimensional ones."""

    name, module = "MyGrad", "mygrad"

    @property
    def scalar(self):
        """The class of its numbers."""
        return import_module("mygrad").Tensor

    def slope(self, leaf):
        """Return the gradient, which is None before and where it was cleared."""
        return 0.0 if leaf.grad is None else float(leaf.grad)

    def assign(self, leaf, number):
        """Write into the array that the tensor holds."""
        leaf.data[...] = number

    def clear(self, leaf):
        """Forget the gradient."""
        leaf.null_grad()


class Torch(MyGrad):
    """PyTorch, tensors: here 0-dimensional ones of float64."""

    name = "PyTorch"
    module = "torch"

    def scalar(self, number):
        """Return a tensor that records."""
        torch = import_module("torch")
        return torch.tensor(number, dtype=torch.float64, requires_grad=True)

    def number(self, node):
        """Return the plain number."""
        return node.item()

    def assign(self, leaf, number):
        """Write into the tensor past its record, as updates by hand do."""
        leaf.data.fill_(number)

    def clear(self, leaf):
        """Forget the gradient."""
        leaf.grad = None


class Hips(Tape):
    """HIPS autograd, which differentiates functions: there are leaves inside of a call only."""

    name, module = "HIPS", "autograd"

    def recorded(self, program, given):
        """Return the pullback, which keeps the graph, and the result."""
        import_module("autograd.numpy")  # registers its types
        return import_module("autograd.core").make_vjp(program, given)

    def built(self, program, numbers):
        """Return the graph, in the pullback that keeps it."""
        return self.recorded(lambda leaves: program([leaves[at] for at in range(len(numbers))]), numbers)

    def slopes(self, graph):
        """Call the pullback."""
        return [float(slope) for slope in graph[0](1.0)]


LIBRARIES = {library.name: library for library in (Tape(), Micrograd(), Hips(), MyGrad(), Torch())}
"""The columns of the table, ours first."""
