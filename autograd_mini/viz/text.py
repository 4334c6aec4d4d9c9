"""The text of pictures: labels made harmless, numbers with a true minus, and how wide they will be."""

from __future__ import annotations

import re
from math import isfinite
from unicodedata import category, east_asian_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograd_mini.engine.value import Value

NOT_COMPUTED = "–"
"""Text in place of a gradient that was not computed."""

LONGEST = 40
"""Maximum characters of a label on a card; its tooltip shows all."""

_SIMPLE = re.compile(r"[^\W\d]\w*(\[\w+\]|\.\w+)*")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACE = re.compile("[\t\n\r\x85\u2028\u2029]+")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_SYMBOLS = {"*": "×", "-": "−", "**": "^"}


def clean(label: str) -> str:
    r"""Return a label as one line that XML can hold.

    What XML forbids (control characters, lone surrogates) becomes U+FFFD, and so do the marks that turn the direction
    of the text around them; line breaks become spaces.

    >>> clean("a\0b\nc")
    'a\ufffdb c'

    """
    return _SPACE.sub(" ", _DIRECTION.sub("\ufffd", _FORBIDDEN.sub("\ufffd", label)))


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text cut to a number of characters, with an ellipsis where it was cut."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def xml(text: str) -> str:
    """Return a text as XML and HTML hold it, between tags and inside quotes."""
    text = _FORBIDDEN.sub("\ufffd", text)
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(mark, entity)
    return text


def figure(number: float, *, sign: bool = False, digits: int = 4) -> str:
    """Return a number in few digits, with a true minus, and a plus if asked.

    >>> figure(-1.5), figure(0.5, sign=True), figure(-0.0), figure(1e-7)
    ('−1.5', '+0.5', '0', '1e−07')

    """
    text = f"{number + 0.0:.{digits}g}".replace("-", "−")
    return f"+{text}" if sign and number > 0 else text


def factor(number: float) -> str:
    """Return a number as it stands in a product or a sum: a negative one in brackets."""
    text = figure(number)
    return f"({text})" if text.startswith("−") else text


def gradient_text(grad: float | None) -> str:
    """Return a gradient with its sign; an en dash if there is none, and "!" after what is not finite."""
    return NOT_COMPUTED if grad is None else value_text(grad, sign=True)


def value_text(value: float, *, sign: bool = False) -> str:
    """Return a value; "!" follows what is not finite."""
    return figure(value, sign=sign) + ("" if isfinite(value) else " !")


def width(text: str, size: float = 13.0) -> float:
    """Estimate how wide a sans-serif font of some size sets a text, a little generously."""
    return size * sum(map(_advance, text))


def _advance(character: str) -> float:
    if character in "ijl.,:;'|!()[]{} tfrI/\\":
        return 0.36
    if character in "mwMW@%—…\ufffd":
        return 0.95
    if category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    if east_asian_width(character) in "WF":
        return 1.05
    return 0.72 if character.isupper() else 0.6


def symbol(node: Value) -> str:
    """Return the sign of an operation as mathematics writes it.

    >>> from autograd_mini import Value
    >>> symbol(Value(2.0) * 3)
    '×'

    """
    shown = str(node._pull.rule.op.symbol) if node._pull is not None else ""
    return _SYMBOLS.get(shown, shown)


def names(nodes: Iterable[Value]) -> dict[Value, str]:
    """Return a name for every node: its label, or v1, v2, … in order for those that have none.

    >>> from autograd_mini import Value
    >>> a = Value(1.0, label="a")
    >>> list(names([a, a + a, a * a]).values())
    ['a', 'v1', 'v2']

    """
    nodes = list(nodes)
    taken = {node.label for node in nodes}
    named: dict[Value, str] = {}
    number = 0
    for node in nodes:
        if node.label:
            named[node] = clean(node.label)
            continue
        number += 1
        while f"v{number}" in taken:
            number += 1
        named[node] = f"v{number}"
    return named


def named(label: str) -> str:
    """Return a label as it stands in a formula: in brackets if it is more than a name.

    >>> named("w1"), named("a + b")
    ('w1', '[a + b]')

    """
    return label if _SIMPLE.fullmatch(label) else f"[{label}]"
