"""Pictures: graphs drawn and stepped through, and plots of training. Each is imported when it is first used.

A new picture is a module and its name in the three lists below; the package's front door takes all names from here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.viz import plot as plot
    from autograd_mini.viz.animation import animate as animate
    from autograd_mini.viz.comparison import compare as compare
    from autograd_mini.viz.drawing import draw as draw
    from autograd_mini.viz.events import steps as steps
    from autograd_mini.viz.events import trace as trace
    from autograd_mini.viz.expressions import expression as expression
    from autograd_mini.viz.gradient_descent import descend as descend
    from autograd_mini.viz.network_pages import watch as watch
    from autograd_mini.viz.paths import explain as explain
    from autograd_mini.viz.report_page import gallery as gallery
    from autograd_mini.viz.stepper import explore as explore
    from autograd_mini.viz.stepper import step as step

HOMES = {
    "animate": "animation",
    "compare": "comparison",
    "descend": "gradient_descent",
    "draw": "drawing",
    "explain": "paths",
    "explore": "stepper",
    "expression": "expressions",
    "gallery": "report_page",
    "plot": "plot",
    "step": "stepper",
    "steps": "events",
    "trace": "events",
    "watch": "network_pages",
}
"""The module of each public name."""

__all__ = [
    "animate",
    "compare",
    "descend",
    "draw",
    "explain",
    "explore",
    "expression",
    "gallery",
    "plot",
    "step",
    "steps",
    "trace",
    "watch",
]


if not TYPE_CHECKING:  # else a slip of the pen would be a name to them

    def __getattr__(name: str) -> object:
        """Import a name when it is first asked for."""
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
        from importlib import import_module  # only those who draw pay for it

        home = import_module(f"{__name__}.{HOMES[name]}")
        found = home if name == HOMES[name] else getattr(home, name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return __all__
