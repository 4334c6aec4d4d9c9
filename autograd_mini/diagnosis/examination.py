"""An examination: `doctor` looks at a loss and a model, and reports the classic mistakes that it sees."""

from __future__ import annotations

from autograd_mini.diagnosis import gradients, keeping, learning
from autograd_mini.diagnosis.anomalies import anomaly
from autograd_mini.diagnosis.case import Case, mean_loss, outputs
from autograd_mini.diagnosis.members import Members
from autograd_mini.diagnosis.report import Diagnosis, Finding
from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    members = Members(model)
    rows = None
    own = isinstance(loss, str) or (callable(loss) and not isinstance(loss, Value))
    if own:
        loss = mean_loss(loss, model, X, y)
    elif y is not None:
        raise TypeError(
            "y is for a loss given by name or as a function; the one given is computed already: leave y out"
        )
    elif X is not None:
        rows = outputs(model, X)
    if not isinstance(loss, Value):
        loss = number(loss, "loss")
    elif loss.symbolic:
        raise TypeError("doctor() looks at numbers, and a function that is being compiled has none: call it outside")
    findings: list[Finding] = [*keeping.of_members(members), *keeping.of_loss(loss)]
    if not isinstance(loss, Value) or loss._pull is None:
        return Diagnosis(findings, f"{len(members.parameters)} parameters")
    case = Case(members, loss, rows, own=own)
    findings += [*keeping.of_graph(case), *gradients.of_loss(case), *gradients.not_finite(case)]
    if case.finite:
        findings += [*learning.of_units(case), *learning.of_layers(case)]
    return Diagnosis(findings, case.examined)
