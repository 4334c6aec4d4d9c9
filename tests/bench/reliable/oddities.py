"""Rows on what is no ordinary number: truth, typing errors, nan, and symbols out of place."""

from __future__ import annotations

import math

from reliable.rows import TAPES, Figure, Row, outcome

truth = Row("truth", "bool of a zero; the typing error v.grda = 1", "False; AttributeError")
nan = Row("nan", "nan in training", "names operation, operands, line; forward and backward")
symbols = Row("symbols", "traced value branched on; used after its trace", "each way right; raises with file:line")


@truth.on(*TAPES)
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def typing_error():
        library.leaf(1.0).grda = 1
        return "accepted"

    said = str(outcome(lambda: bool(library.leaf(0.0)))), outcome(typing_error)
    return Figure("; ".join(said), said == ("False", "raises AttributeError"))


@nan.on("here")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    import autograd_mini as ag

    said = []
    for name, work in {
        "forward": lambda x: (x - 2.0).log() * 3.0,
        "backward": lambda x: ((x - 1.0).sqrt() * 0.0).backward(),
    }.items():
        x = library.scalar(1.0, label="speed")
        try:
            with ag.anomaly():
                work(x)
        except ArithmeticError as error:
            text = str(error)
            parts = {"operation": ("log", "sqrt"), "operand": ("speed", "1.0"), "line": ("oddities.py",)}
            missing = [part for part, words in parts.items() if not any(word in text for word in words)]
            said.append(f"{name} names all" if not missing else f"{name} lacks {missing}")
        else:
            said.append(f"{name} silent")
    return Figure("; ".join(said), "lacks" not in str(said) and "silent" not in str(said))


@nan.on("PyTorch")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    import warnings

    import torch

    warnings.simplefilter("ignore")

    def tried(work):
        def stopped():
            with torch.autograd.detect_anomaly(check_nan=True):
                work()
            return "silent"

        return outcome(stopped)

    x = library.leaf(1.0)
    logarithm, root = (x - 2.0).log, (x - 1.0).sqrt() * 0.0
    forward, backward = tried(logarithm), tried(root.backward)
    return Figure(f"opt-in: forward {forward}, backward {backward}", "silent" not in forward + backward)


@nan.on("micrograd", "MyGrad")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    x = library.leaf(1e200)

    def silent():
        y = x * x - x * x
        library.backward(y)
        return "silent" if math.isnan(library.number(y)) else "not nan"

    return Figure(outcome(silent), False)


@symbols.on("here")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    import autograd_mini as ag

    kept = []

    def branch(x):
        return x if x > 0 else -x

    def keep(x):
        kept.append(x)
        return x * x

    ag.jit(keep)(1.0)
    fast = ag.jit(branch)
    said = ["branches" if (fast(1.0), fast(-3.0)) == (1.0, 3.0) else "wrong branch"]
    try:
        kept[0] * 2.0
    except Exception as error:  # noqa: BLE001 - the figure says which
        named = "oddities.py" in str(error)
        said.append(f"{type(error).__name__}{' with file:line' if named else ''}")
    else:
        said.append("silent")
    return Figure("; ".join(said), said[0] == "branches" and "file:line" in said[1])


@symbols.on("HIPS")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    kept = []

    def keep(x):
        kept.append(x)
        return x * x

    library.recorded(keep, 1.0)
    said = outcome(lambda: type(kept[0] * 2.0).__name__)
    return Figure(f"branches; {'raises' if 'raises' in said else 'silent'}", "raises" in said)


@symbols.on("PyTorch")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    import warnings

    import torch

    warnings.simplefilter("ignore")

    def branched():
        traced = torch.jit.trace(lambda x: x if x > 0 else -x, torch.tensor(1.0))
        return "warns" if float(traced(torch.tensor(-3.0))) < 0 else "right"

    return Figure(f"jit.trace: {outcome(branched)}, wrong branch", False)
