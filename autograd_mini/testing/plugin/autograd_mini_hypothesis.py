"""The Hypothesis plugin: what `st.from_type(Value)` draws.

Hypothesis calls `register` when it is imported. The strategies themselves are made when one is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd_mini import Value


def register() -> None:
    """Tell Hypothesis about Value and Parameter."""
    from hypothesis import strategies as st

    from autograd_mini import Parameter, Value

    for kind in (Value, Parameter):
        st.register_type_strategy(kind, leaves)


def leaves(kind: type[Value]) -> Any:
    """Return the strategy of leaves of a kind."""
    from autograd_mini.testing.strategies import values

    return values(kind=kind)
