"""A doctor is a function that looks at a loss and its model, and reports the classic mistakes of training."""

from __future__ import annotations

from autograd_mini.diagnosis import lifecycle, saturation
from autograd_mini.diagnosis.anomalies import anomaly
from autograd_mini.diagnosis.context import Context, Finding, counted
from autograd_mini.diagnosis.named_parameters import NamedParameters
from autograd_mini.engine import pytree
from autograd_mini.engine.checks import number
from autograd_mini.engine.hooks import Recorded
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

ROWS = 256
"""Maximum rows that are run, taken at even distances of more."""


class Diagnosis(tuple[Finding, ...]):  # noqa: SLOT001 - a tuple has no slots for what was examined
    """What `doctor` found: a sequence of findings, empty and so false if there was nothing.

    `print` shows it as text, a notebook as a list. `"dead" in diagnosis.kinds` asks for one kind.

    Attributes:
        findings: the findings, the one to look at first in front.
        examined: what was looked at, in words.

    >>> bool(Diagnosis([], "a model"))
    False

    """

    examined: str

    def __new__(cls, findings: Iterable[Finding], examined: str = "") -> Self:
        """Keep what was found."""
        self = super().__new__(cls, findings)
        self.examined = examined
        return self

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings alone."""
        return tuple(self)

    @property
    def kinds(self) -> list[str]:
        """The kind of each finding, in order."""
        return [finding.kind for finding in self]

    def warn(self, stacklevel: int = 1) -> None:
        """Give each finding to the module `warnings`, as a `DiagnosisWarning`, for the line that calls this.

        So `warnings.simplefilter("error", ag.DiagnosisWarning)`, or `-W error::autograd_mini.DiagnosisWarning` on the
        command line, stops at the first, and one that comes back in every step of a loop is shown once.

        Args:
            stacklevel: how many calls above this one the line stands that is shown, plus 1.

        """
        from warnings import warn

        from autograd_mini.errors import DiagnosisWarning

        for finding in self:
            known = "" if finding.place is None else f" ({finding.place})"
            warn(
                DiagnosisWarning(f"{finding.kind}: {finding.message}{known}. {finding.remedy}"),
                stacklevel=stacklevel + 1,
            )

    @property
    def _heading(self) -> str:
        return f"{counted(len(self), 'finding') if self else 'nothing found'}; examined: {self.examined}"

    def __str__(self) -> str:
        return "\n\n".join([self._heading, *map(str, self)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the diagnosis as a list in HTML, for notebooks."""
        from html import escape

        items = []
        for finding in self:
            facts = "".join(f"<br><em>{heading}:</em> {escape(text)}" for heading, text in finding.facts)
            items.append(f"<li><strong>{escape(finding.kind)}</strong>: {escape(finding.message)}{facts}</li>")
        return f"<p>{escape(self._heading)}</p>" + (f"<ol>{''.join(items)}</ol>" if items else "")


def doctor(loss: Any, model: Any, X: Any = None, y: Any = None) -> Diagnosis:
    """Look for the classic mistakes in a loss and the model that it was computed with.

    The best moment is after `loss.backward()` and before the step. Nothing is changed: no gradient, no number, no
    graph. What is found, by kind:

    | kind | what |
    |---|---|
    | zero_grad | gradients that are not those of this loss: `zero_grad` forgotten, or called too late |
    | repeated | one object several times in a list of weights: `[Value(0.1)] * 3` |
    | computed | a parameter replaced by a result: `w = w - lr * w.grad` |
    | no parameters, unused | a model without parameters; parameters that the loss does not depend on |
    | detached | a loss that lost its history: `.data`, `float`, `no_grad` |
    | old graph, old graphs | a loss that reaches back into earlier steps; graphs of these that are kept in memory |
    | stale | a loss that is older than its parameters: the doctor was called after the step |
    | not finite | nan and infinite numbers |
    | dead, saturated, symmetric | ReLUs that are always 0; tanh and sigmoid at their ends; units that are all equal |
    | vanishing, exploding | gradients by layer |

    Inside `origin()` the findings know lines of code.

    Args:
        loss: the Value that `backward` is called on; or a loss as `fit` takes it, by name or as a function, whose mean
            over the rows is taken.
        model: what has the parameters: an object with `parameters()`, or Values in lists and dicts.
        X: rows of inputs, for a loss that is not a Value yet; else rows to look at the units on, instead of those in
            the loss. At most 256 are run.
        y: targets of the rows, for a loss that is not a Value yet.

    Returns:
        a sequence of findings, empty if nothing was found, which shows itself as text or in a notebook.

    Raises:
        TypeError: if the model has no parameters() and is no list of Values, or the loss is neither of the above.

    >>> from autograd_mini import MLP
    >>> from autograd_mini.nn.losses import mse
    >>> w = [Value(0.1)] * 2
    >>> loss = mse(w[0] * 1.0 + w[1] * 2.0, 3.0)
    >>> print(doctor(loss, w))
    1 finding; examined: loss 7.29, 1 parameter, 6 nodes
    <BLANKLINE>
    repeated: the list holds one and the same Value several times
      why    [Value(…)] * 3 makes three references to one Value: one number and one gradient, so that
             they stay equal for ever.
      change Write [Value(…) for _ in range(3)], which makes three of them. If you mean to share it, leave
             it so.

    In `fit`: `callbacks=[lambda training: print(doctor("mse", training.model, X, y))]`.

    """
    with anomaly(enabled=False):
        return _examined(loss, model, X, y)


def _examined(loss: Any, model: Any, X: Any, y: Any) -> Diagnosis:
    named = NamedParameters(model)
    rows = None
    own = isinstance(loss, str) or (callable(loss) and not isinstance(loss, Value))
    if own:
        loss = mean_loss(loss, model, X, y)
    elif y is not None:
        raise TypeError(
            "y is given for a loss that is computed already, expected a loss by name or as a function: leave y out"
        )
    elif X is not None:
        rows = outputs(model, X)
    if not isinstance(loss, Value):
        loss = number(loss, "loss")
    elif loss.symbolic:
        raise TypeError(
            "loss is that of a function that is being compiled, expected one with a number: call doctor() outside"
        )
    findings: list[Finding] = [*lifecycle.of_parameters(named), *lifecycle.of_loss(loss)]
    if not isinstance(loss, Value) or loss._pull is None:
        return Diagnosis(findings, f"{len(named.parameters)} parameters")
    context = Context(named, loss, rows, own=own)
    findings += [*lifecycle.of_graph(context), *lifecycle.of_gradients(context), *saturation.not_finite(context)]
    if context.finite:
        findings += [*saturation.of_units(context), *saturation.of_layers(context)]
    return Diagnosis(findings, context.examined)


def outputs(model: Any, X: Any) -> list[Value]:
    """Return what a model computes of rows, as Values."""
    from autograd_mini.datasets.preprocessing import table
    from autograd_mini.train.data import evenly

    if not callable(model):
        raise TypeError(f"model is a {type(model).__name__}, expected one that can be called on a row: leave X out")
    with Recorded():
        results = [model(row) for row in evenly(table("X", X), ROWS)]
    return [value for value in pytree.leaves(results) if isinstance(value, Value)]


def mean_loss(loss: Any, model: Any, X: Any, y: Any) -> Value | float:
    """Return the mean of a loss, given as `fit` takes it, over rows and their targets."""
    from autograd_mini.train.data import evenly
    from autograd_mini.train.objective import Objective

    if X is None or y is None:
        raise TypeError(
            f"loss is {loss!r}, expected rows to compute it of: doctor(loss, model, X, y); or pass the Value itself"
        )
    objective = Objective(loss, {})
    with Recorded():
        samples = evenly(objective.samples(model, X, y), ROWS)
        total: Value | float = sum(objective.loss_of(model(row), target) for row, target in samples) * (
            1.0 / len(samples)
        )
    return total
