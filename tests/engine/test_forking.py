"""Processes that fork: a child computes on, whatever the threads of its parent were doing."""

from __future__ import annotations

import ast
import gc
import multiprocessing
import os
import signal
import threading
import traceback
import warnings
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import Parameter, Value, gradient
from autograd_mini.engine import forking
from autograd_mini.engine.hooks import on_read, on_result

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def in_a_child(work):
    """Call a function in a forked child, and raise here what it raised there, or that it hung."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, about threads and forks in general
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(30)
            work()
        except BaseException:  # noqa: BLE001 - shown by the parent
            os.write(writer, traceback.format_exc().encode())
            os._exit(1)
        os._exit(0)
    os.close(writer)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reader) as said:
        message = said.read()
    assert status == 0, message or "the child hung"


@contextmanager
def at_the_same_time(work):
    """Call a function over and over in another thread."""
    going = True

    def repeat():
        while going:
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        going = False
        thread.join()


@contextmanager
def waiting_inside(block):
    """Let another thread wait inside of a block; `block` is called with a function that waits."""
    inside, leave = threading.Event(), threading.Event()

    def wait():
        inside.set()
        leave.wait(20)

    thread = threading.Thread(target=block, args=[wait])
    thread.start()
    try:
        assert inside.wait(20)
        yield
    finally:
        leave.set()
        thread.join()


def differentiate():
    x = Value(3.0)
    (x * x + x).backward()
    assert x.grad == 7.0
    assert gradient(x * x, x).data == 6.0


def test_a_child_runs_backward_whatever_passes_its_parent_runs():
    x = Value(1.0)
    y = x
    for _ in range(20_000):
        y = y * 0.999 + x
    with at_the_same_time(y.backward):
        for _ in range(10):
            in_a_child(differentiate)


def test_gradients_in_a_child_are_those_before_a_pass_or_after_it():
    leaves = [Value(1.0) for _ in range(3000)]
    total = sum(leaves)

    def look():
        assert len({leaf.grad for leaf in leaves}) == 1

    with at_the_same_time(total.backward):
        for _ in range(10):
            in_a_child(look)


def test_a_fork_inside_of_a_pass_does_not_wait_for_itself():
    seen = []

    def slope(x):
        in_a_child(differentiate)
        seen.append(x)
        return 2.0 * x

    x = Value(3.0)
    ag.custom_gradient(lambda x: x * x, slope)(x).backward()
    assert x.grad == 6.0
    assert seen == [3.0]


def test_a_child_records_when_a_thread_of_its_parent_does_not():
    def pause(wait):
        with ag.no_grad():
            wait()

    def record():
        assert not on_result, "no thread is left that pauses"
        differentiate()

    def forget():
        assert Value(2.0).exp().args == ()

    with waiting_inside(pause):
        in_a_child(record)
        with ag.no_grad():
            in_a_child(forget)
    differentiate()


@pytest.mark.parametrize("batched", [False, True])
def test_a_child_compiles_what_a_thread_of_its_parent_was_tracing(batched):
    w = Parameter(0.5)
    meet = [lambda: None]

    def loss(x):
        meet[0]()
        return (w * x) ** 2

    compiled = ag.jit(loss, batched=batched, backend="python")
    numbers = [1.0, 2.0] if batched else 2.0

    def trace(wait):
        meet[0] = wait
        compiled.backward(numbers)

    def compute():
        meet[0] = lambda: None
        assert not on_read, "no thread is left that traces"
        assert compiled.backward(numbers) == (0.625 if batched else 1.0)
        assert w.grad == (2.5 if batched else 4.0)
        differentiate()

    with waiting_inside(trace):
        in_a_child(compute)
    assert compiled.backward(numbers) == (0.625 if batched else 1.0)


def compiled_square(**settings):
    w = Parameter(3.0)
    return w, ag.jit(lambda x: (w * x) ** 2, **settings)


@pytest.mark.parametrize("backend", ["python", "numpy", "llvm"])
def test_a_child_runs_and_compiles_with_every_backend(backend):
    if backend == "llvm":
        pytest.importorskip("llvmlite")
    w, made_before = compiled_square(batched=True, backend=backend)
    xs = np.array([1.0, 2.0])
    assert made_before.backward(xs) == 22.5

    def compute():
        w.grad = 0
        assert made_before.backward(xs) == 22.5
        assert w.grad == 15.0
        other, made_here = compiled_square(batched=True, backend=backend)
        assert made_here.backward(xs) == 22.5
        assert other.grad == 15.0

    in_a_child(compute)


def test_a_child_compiles_whatever_its_parent_compiles():
    pytest.importorskip("llvmlite")

    def compute():
        _, made = compiled_square(backend="llvm")
        assert made(2.0) == 36.0

    with at_the_same_time(compute):
        for _ in range(3):
            in_a_child(compute)


def test_a_child_has_threads_of_its_own_to_share_a_batch():
    pytest.importorskip("llvmlite")
    w, made = compiled_square(batched=True, backend="llvm", threads=2)
    xs = np.ones(100_000)
    assert made.backward(xs) == 9.0

    def compute():
        w.grad = 0
        assert made.backward(xs) == 9.0
        assert w.grad == 6.0

    in_a_child(compute)
    compute()


def test_a_lock_of_an_object_that_is_gone_is_forgotten():
    w, made = compiled_square(backend="python")
    made(1.0)
    del w, made
    gc.collect()
    in_a_child(differentiate)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_graphs_and_compiled_functions_travel_to_worker_processes(method):
    x, w = Value(3.0, label="x"), Parameter(2.0)
    y = x * x * w
    compiled = ag.jit(lambda v: v * v * w)  # with LLVM where it is installed
    compiled(1.0)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        slopes = pool.submit(gradient, y, [x, w])
        result = pool.submit(compiled, 4.0)
        assert [slope.data for slope in slopes.result(60)] == [12.0, 9.0]
        assert result.result(60) == 32.0
    assert (x.grad, w.grad) == (0.0, 0.0)


class Interrupted:
    """A lock on which an interrupt arrives when it is taken, as from Python 3.12 on one may in a `with` statement."""

    def __init__(self):
        self.lock = threading.RLock()

    def __enter__(self):
        self.lock.acquire()
        raise KeyboardInterrupt

    def __exit__(self, *_):
        self.lock.release()

    def __getattr__(self, name):
        return getattr(self.lock, name)


def test_a_lock_is_free_again_if_an_interrupt_arrives_before_what_it_guards_has_begun():
    lock = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        forking.holding(lock)(print)()
    assert not lock._is_owned()

    @forking.holding(lock.lock)
    def outer():
        with pytest.raises(KeyboardInterrupt):
            forking.holding(lock)(print)()
        assert lock._is_owned()

    outer()
    assert not lock._is_owned()


def test_a_lock_of_an_object_is_free_again_after_an_interrupt_too():
    _, compiled = compiled_square(backend="python")
    compiled.prepare(2.0)
    program = compiled._latest()
    program._runs.clear()
    program._lock = lock = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        program.run()
    assert not lock._is_owned()


MAKERS = {"awaited_lock", "own_lock"}


def named(node):
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def test_no_lock_is_taken_by_a_with_statement_which_an_interrupt_may_leave_locked():
    made, taken = [], []
    for path in sorted(Path(ag.__file__).parent.rglob("*.py")):
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        calls = [node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
        locks = {named(node.targets[0]) for node in calls if named(node.value.func) in MAKERS}
        blocks = [item.context_expr for node in nodes if isinstance(node, ast.With) for item in node.items]
        made += [(path.name, name) for name in locks]
        taken += [(path.name, named(block)) for block in blocks if named(block) in locks]
    assert len(made) >= 8
    assert taken == []
