"""An expression: a formula that a user typed, such as "tanh(w*x + b)", made into a graph; it is never run as Python."""

from __future__ import annotations

from keyword import iskeyword

from autograd_mini.engine.formula import Decided, evaluate, names_in, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.operators import where
from autograd_mini.engine.value import Value
from autograd_mini.errors import FormulaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Number = Value | float

LONGEST = 2000
"""Maximum characters of an expression."""


class Numbers(Decided):
    """The algebra of Values and floats."""

    def constant(self, number: float) -> Number:
        """Return the number itself."""
        return number

    def apply(self, name: str, operands: list[Number]) -> Number:
        """Apply the operation: with a Value among the operands the result is one."""
        result: Number = getattr(ON_VALUES, name)(*operands)
        return result

    def where(self, condition: bool, this: Callable[[], Number], otherwise: Callable[[], Number]) -> Number:  # type: ignore[override]  # noqa: FBT001
        """Record the choice, with both branches."""
        return where(condition, this(), otherwise())


def expression(text: str, numbers: Mapping[str, float]) -> Value:
    """Return the graph of an expression; each name is one leaf, labelled with it.

    Args:
        text: numbers, names, + - * / ** % //, brackets, where(condition, a, b), and the operations of the table.
        numbers: a number for every name.

    Raises:
        FormulaError: if it does not parse, uses anything else, is too long or nested too deeply, or has no name in it.
        ValueError: if a name has no number, or a number's name is not in the expression.

    >>> y = expression("tanh(w*x + b)", {"w": 1.0, "x": 2.0, "b": -0.5})
    >>> y.data, [leaf.label for leaf in y.args[0].args[0].args]
    (0.9051482536448664, ['w', 'x'])
    >>> expression("__import__('os')", {})
    Traceback (most recent call last):
    autograd_mini.errors.FormulaError: the formula "__import__('os')" calls '__import__', which is unknown here; ...

    """
    if len(text) > LONGEST:
        raise FormulaError(
            f"the expression has {len(text)} characters, expected at most {LONGEST}: write it in Python instead"
        )
    for name in numbers:
        if not name.isidentifier() or iskeyword(name):
            raise ValueError(f"{name!r} is no name for a number: a name starts with a letter, such as w or x1")
    leaves = {name: Value(number, label=name) for name, number in numbers.items()}
    try:
        tree = parse(text, tuple(leaves))
        result = evaluate(tree, Numbers(), leaves)
    except FormulaError as error:
        if "names " in str(error) and "unknown here" in str(error):
            raise FormulaError(f"{error}. Give every name a number: name=value") from None
        raise
    except RecursionError:
        raise FormulaError(f"the expression {text[:40]!r}… is nested too deeply: write it in Python instead") from None
    if not isinstance(result, Value):
        raise FormulaError(f"the expression {text!r} has no name in it, so there is nothing to differentiate by")
    unused = sorted(leaves.keys() - names_in(tree))
    if unused:
        raise ValueError(f"{', '.join(unused)} got a number, but is not in the expression {text!r}")
    return result


def assignments(texts: Iterable[str]) -> dict[str, float]:
    """Return what a command line like ["w=1", "x=-2.5"] gives to names.

    Raises:
        ValueError: naming the text that is not of the form name=number, or a name that is given twice.

    >>> assignments(["w=1", "x=-2.5"])
    {'w': 1.0, 'x': -2.5}

    """
    found: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        name = name.strip()
        try:
            value = float(number)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise ValueError(f"{text!r} is not of the form name=number, such as w=1.5")
        if name in found:
            raise ValueError(f"{name!r} is given twice, {found[name]:g} and {value:g}")
        found[name] = value
    return found
