"""A finding: one mistake that `doctor` saw, with its reason and its remedy; a diagnosis is a sequence of them."""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import overload

    from autograd_mini.engine.locations import Place

_WIDTH = 100  # characters a line


class Finding:
    """One mistake.

    Attributes:
        kind: a word for it, such as "zero_grad" or "dead"; `doctor` lists them.
        message: what was found, a sentence.
        reason: why that matters.
        remedy: what to change.
        place: the line of code that it belongs to; None if that is not known.
        names: the names of the parameters concerned.

    >>> print(Finding("dead", "2 of 8 neurons are dead.", "Their gradient is 0.", "Lower the learning rate."))
    dead: 2 of 8 neurons are dead.
      why    Their gradient is 0.
      change Lower the learning rate.

    """

    __slots__ = ("kind", "message", "names", "place", "reason", "remedy")

    def __init__(
        self,
        kind: str,
        message: str,
        reason: str,
        remedy: str,
        *,
        place: Place | None = None,
        names: Iterable[str] = (),
    ) -> None:
        self.kind, self.message, self.reason, self.remedy = kind, message, reason, remedy
        self.place, self.names = place, tuple(names)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a heading and its text: why, what to change, and where, if that is known."""
        known = [] if self.place is None else [("where", str(self.place))]
        return [("why", self.reason), ("change", self.remedy), *known]

    def __str__(self) -> str:
        """Return the finding as text, wrapped."""
        from textwrap import fill

        lines = [fill(f"{self.kind}: {self.message}", _WIDTH, subsequent_indent="  ", break_long_words=False)]
        for heading, text in self.facts:
            lines.append(
                fill(text, _WIDTH, initial_indent=f"  {heading:7}", subsequent_indent=" " * 9, break_long_words=False)
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Show the kind and the message."""
        return f"<{self.kind}: {self.message}>"


class Diagnosis(Sequence[Finding]):
    """What `doctor` found: a sequence of findings, empty and so false if there was nothing.

    `print` shows it as text, a notebook as a list. `"dead" in diagnosis.kinds` asks for one kind.

    Attributes:
        findings: the findings, the one to look at first in front.
        examined: what was looked at, in words.

    >>> bool(Diagnosis([], "a model"))
    False

    """

    def __init__(self, findings: Iterable[Finding], examined: str) -> None:
        self.findings, self.examined = tuple(findings), examined

    @property
    def kinds(self) -> list[str]:
        """The kind of each finding, in order."""
        return [finding.kind for finding in self.findings]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Finding: ...
        @overload
        def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...

    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        """Return a finding."""
        return self.findings[index]

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.findings)

    def warn(self, stacklevel: int = 1) -> None:
        """Give each finding to the module `warnings`, as a `DiagnosisWarning`, for the line that calls this.

        So `warnings.simplefilter("error", ag.DiagnosisWarning)`, or `-W error::autograd_mini.DiagnosisWarning` on the
        command line, stops at the first, and one that comes back in every step of a loop is shown once.

        Args:
            stacklevel: how many calls above this one the line stands that is shown, plus 1.

        """
        from warnings import warn

        from autograd_mini.errors import DiagnosisWarning

        for finding in self.findings:
            known = "" if finding.place is None else f" ({finding.place})"
            warn(
                DiagnosisWarning(f"{finding.kind}: {finding.message}{known}. {finding.remedy}"),
                stacklevel=stacklevel + 1,
            )

    @property
    def _heading(self) -> str:
        count = len(self.findings)
        found = "nothing found" if not count else "1 finding" if count == 1 else f"{count} findings"
        return f"{found}; examined: {self.examined}"

    def __str__(self) -> str:
        """Return the diagnosis as text."""
        return "\n\n".join([self._heading, *map(str, self.findings)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the diagnosis as a list in HTML, for notebooks."""
        from html import escape

        items = []
        for finding in self.findings:
            facts = "".join(f"<br><em>{heading}:</em> {escape(text)}" for heading, text in finding.facts)
            items.append(f"<li><strong>{escape(finding.kind)}</strong>: {escape(finding.message)}{facts}</li>")
        return f"<p>{escape(self._heading)}</p>" + (f"<ol>{''.join(items)}</ol>" if items else "")
