"""Rows on interrupts: what Ctrl-C in a backward pass, an optimiser's step or a save leaves behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from reliable.rows import TAPES, Figure, Row, folder, inside

backward = Row("ctrl-c", "Ctrl-C at every line of backward: some gradients old, some new", "0")
optimiser = Row("optimiser", "Ctrl-C at every line of an optimiser's step: some parameters old, some new", "0")
kill = Row("kill", "kill -9 during save: unreadable files", "0 of 100")


def interrupted(work, place, moment):
    """Run `work` with KeyboardInterrupt at the moment-th line in files below `place`; say whether it came."""
    passed = 0

    def trace(frame, event, _):
        nonlocal passed
        name = frame.f_code.co_filename
        if not name.startswith(place) and not name.startswith("<autograd_mini"):
            return None
        if event == "line":
            passed += 1
            if passed == moment:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False


def mixtures(make, work, look, place, *, every=1):
    """Count the moments after which there is neither the old nor the new to see, and all moments.

    `make` gives a fresh subject, `work` changes it, `look` shows what must not be mixed.
    """
    subject = make()
    old = look(subject)
    work(subject)
    new = look(subject)
    mixed = count = 0
    moment = 1
    while True:
        subject = make()
        came = interrupted(lambda: work(subject), place, moment)  # noqa: B023 - called at once
        found = look(subject)
        if not came:
            return mixed, count
        count += 1
        mixed += found not in (old, new)
        moment += every


def place(module):
    """Return the folder of an installed package."""
    return str(Path(find_spec(module).origin).parent)


def counted(mixed, count):
    return Figure(f"{mixed} of {count}", mixed == 0 and count > 0)


@backward.on(*TAPES)
def _(library, quick):
    def make():
        a, b, c = (library.leaf(number) for number in (0.5, -1.5, 2.0))
        library.backward(a * b * c)  # so that there are gradients to add to
        shared = a * b + 1.0
        return [a, b, c], shared * shared + c * a + b**2.0

    def work(subject):
        library.backward(subject[1])

    def look(subject):
        return [library.slope(leaf) for leaf in subject[0]]

    if library.name == "PyTorch":  # the pass is machine code; it stops where a hook raises

        def work(subject):
            subject[1].backward()

        def stopping():
            leaves, y = make()

            def stop(_):
                raise KeyboardInterrupt

            leaves[1].register_hook(stop)
            return leaves, y

        leaves, y = make()
        old = look((leaves, y))
        y.backward()
        new = look((leaves, y))
        leaves, y = stopping()
        try:
            y.backward()
        except KeyboardInterrupt:
            mixed = look((leaves, y)) not in (old, new)
            return Figure("partial where a hook raises" if mixed else "0, where a hook raises", not mixed)
    return counted(*mixtures(make, work, look, place(library.module), every=7 if quick else 1))


@optimiser.on("here", "PyTorch")
def _(library, quick):
    said, right = [], True
    for kind in ("SGD", "Adam"):

        def make(kind=kind):
            if library.name == "here":
                params = [import_module("autograd_mini").Parameter(1.0) for _ in range(10)]
                made = getattr(import_module("autograd_mini.optim"), kind)(params, lr=0.1)
            else:
                import_module("torch").set_grad_enabled(True)  # which an interrupt inside of no_grad leaves off
                params = [library.leaf(1.0) for _ in range(10)]
                made = getattr(import_module("torch.optim"), kind)(params, lr=0.1, foreach=False)
            for p in params:
                library.backward(p * 3.0)
            return params, made

        mixed, count = mixtures(
            make,
            lambda subject: subject[1].step(),
            lambda subject: [library.number(p) for p in subject[0]],
            place(library.module),
            every=5 if quick else 1,
        )
        said.append(f"{kind} {mixed} of {count}")
        right = right and mixed == 0 and count > 0
    return Figure(", ".join(said), right)


@optimiser.on("micrograd")
def _(library, quick):  # noqa: ARG001 - one loop is as good as another
    def make():
        params = [library.leaf(1.0) for _ in range(10)]
        for p in params:
            p.grad = 3.0
        return params

    def step(params):  # the loop of its demo
        for p in params:
            p.data -= 0.1 * p.grad

    return counted(*mixtures(make, step, lambda params: [p.data for p in params], __file__))


def saving(save, path):
    """Save over and over, until this process is killed."""
    try:
        while True:
            save(path)
    finally:
        os._exit(1)


@kill.on("here", "PyTorch")
def _(library, quick):
    module = import_module(library.module)
    if library.name == "here":
        model = module.MLP(9, [40, 1], seed=0)
        save, read = model.save, module.load
    else:
        model = module.nn.Sequential(module.nn.Linear(9, 40), module.nn.Tanh(), module.nn.Linear(40, 1))
        save, read = partial(module.save, model.state_dict()), module.load
    times, unreadable = 20 if quick else 100, 0
    with folder() as where:
        path = inside(where)
        for at in range(times):
            path.unlink(missing_ok=True)
            child = os.fork()
            if child == 0:
                saving(save, path)
            while not path.exists():
                time.sleep(0.001)
            time.sleep(0.01 + at % 17 * 0.001)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            try:
                read(path)
            except Exception:  # noqa: BLE001 - every error means that the file is lost
                unreadable += 1
    return Figure(f"{unreadable} of {times}", unreadable == 0)
