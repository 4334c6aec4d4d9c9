"""The engine: the table of operations, Values that record what was computed, and their gradients.

Read `ops` (the calculus), `value` (a number that remembers), `rules` and `codegen` (what a row becomes), `backward`
(the pass on floats) and `graph` (the pass that is a graph again). Nothing here knows what stands on it.
"""
