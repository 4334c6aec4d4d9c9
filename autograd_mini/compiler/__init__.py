"""The compiler: a scalar function, as it is written, becomes straight-line code, for one sample or for a whole batch.

A function is traced on symbols (`tracer`), its graph and the graph of its gradient become a tape (`lowering`, `tape`),
passes make the tape smaller (`passes`), and a backend of `backends` runs it (`python`, `numpy`, `llvm`, `vm`).
The graph of a long one becomes columns of numbers (`instructions`), in which loops are looked for (`rerolling`); what
is no loop is differentiated there (`reverse`) and becomes a tape of columns (`array_tape`). Lookups become steps of
arrays (`gathers`); a graph that exists is traced from its nodes (`recording`).
"""

from autograd_mini.compiler.api import jit
from autograd_mini.compiler.backends import BACKENDS
from autograd_mini.compiler.compiled_function import Compiled
from autograd_mini.compiler.recording import Replay, replay

__all__ = ["BACKENDS", "Compiled", "Replay", "jit", "replay"]
