"""A scalar reverse-mode automatic differentiation engine with a tiny neural-network layer.

>>> from autograd_mini import Value
>>> a, b = Value(-4.0, label="a"), Value(2.0, label="b")
>>> c = (a * b + b**3).tanh() / (1 + a.exp())
>>> c.backward()
>>> a.grad
1.964027580075817
"""

from autograd_mini import copying, datasets, graph, optim
from autograd_mini.errors import FormulaError, StaleValueError
from autograd_mini.functions import *  # noqa: F403 - the operations; `functions.__all__` lists them
from autograd_mini.graph import gradient
from autograd_mini.recording import is_recording, no_grad
from autograd_mini.value import Parameter, Value

__version__ = "0.1.0"
