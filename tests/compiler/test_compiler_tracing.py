"""Tracing: what a traced function may do, and how everything is refused that would be baked in without a word."""

from __future__ import annotations

import copy
import gc
import math
import os
import pickle
import sys
import threading
from functools import cache
from types import SimpleNamespace

import pytest

import autograd_mini as ag
from autograd_mini import Parameter, TracingError, Value, where
from autograd_mini.compiler import frontend
from autograd_mini.compiler.tracer import Tracer
from autograd_mini.optim import SGD
from autograd_mini.transforms import grad

np = pytest.importorskip("numpy")


def branches(x):
    if x > 0:
        return x
    return -x


def counts(x):
    steps = 0.0
    while x < 10.0:
        x, steps = x * 2.0, steps + 1.0
    return steps


def steps_inside(x):
    optimizer = SGD([outside], lr=0.1)
    (outside * x).backward()
    optimizer.step()
    return x


outside = Parameter(1.5)
computed = outside * 2.0
kept = []
solve = ag.custom_gradient(lambda a: a * a, lambda a: 2.0 * a)


def keeps(x):
    kept.append(x)
    return x


REFUSED = {
    "a branch": (branches, "where"),
    "a loop": (counts, "where"),
    "a branch on a parameter": (lambda x: x if outside > 0 else -x, "where"),
    "a chain of comparisons": (lambda x: where(0.0 < x < 1.0, x, 0.0), "join conditions with &"),
    "and": (lambda x: (x > 0) and (x < 1), "join conditions with &"),
    "not": (lambda x: not x, "where"),
    "truth of a parameter": (lambda x: x if outside else -x, "where"),
    "membership": (lambda x: x if x in (1.0, 2.0) else 0.0, "where"),
    "max": (lambda x: max(x, 0.0), "maximum"),
    "sorted": (lambda x: sorted([x, outside]), "minimum"),
    "any": (lambda x: any([x, outside]), "where"),
    "np.where": (lambda x: np.where(x > 0, x, -x), "where"),
    "data": (lambda x: x.data * 2, "stop_gradient"),
    "data of a parameter": (lambda x: x * outside.data, "stop_gradient"),
    "data of a result computed outside": (lambda x: x * computed.data, "stop_gradient"),
    "item": (lambda x: x * outside.item(), "stop_gradient"),
    "a format": (lambda x: f"{x:.2f}", "stop_gradient"),
    "float": (lambda x: 2.0 * float(x), "Value itself"),
    "float of a parameter": (lambda x: x * float(outside), "Value itself"),
    "math": (lambda x: 2.0 * math.exp(x), "Value itself"),
    "math of a parameter": (lambda x: x * math.exp(outside), "Value itself"),
    "math.isnan": (lambda x: 0.0 if math.isnan(x) else x, "Value itself"),
    "complex": (lambda x: complex(x), "Value itself"),  # noqa: PLW0108 - as a user writes it
    "an array of floats": (lambda x: np.array([x, outside], dtype=float).sum(), "Value itself"),
    "int": (lambda x: 2 * int(x), "static"),
    "range": (lambda x: sum(range(x)), "static"),
    "math.trunc": (lambda x: math.trunc(x), "static"),  # noqa: PLW0108 - as a user writes it
    "an index": (lambda x: [1.0, 2.0][x], "static"),
    "a slice": (lambda x: [1.0, 2.0][:x], "static"),
    "backward": (lambda x: x.backward(), "grad"),
    "backward of parameters": (lambda x: [(outside * 2.0).backward(), x][1], "grad"),
    "a step of an optimiser": (steps_inside, "grad"),
    "assigning data": (lambda x: setattr(outside, "data", x), "outside"),
    "assigning a number": (lambda x: [setattr(outside, "data", 3.0), x][1], "outside"),
    "assigning an argument": (lambda x: [setattr(x, "data", 3.0), x][1], "outside"),
    "assigning grad": (lambda x: setattr(outside, "grad", x), "backward"),
    "clearing grad": (lambda x: [setattr(outside, "grad", None), x][1], "backward"),
    "assigning grad of an argument": (lambda x: [setattr(x, "grad", 1.0), x][1], "backward"),
    "reading grad": (lambda x: x * outside.grad, "read it outside"),
    "reading grad of an argument": (lambda x: x * x.grad, "read it outside"),
    "asking for grad": (lambda x: x if outside.has_grad else 0.0, "read it outside"),
    "a result computed outside": (lambda x: x * computed, "inside"),
    "a copy": (lambda x: copy.copy(x) * x, "Value itself"),
    "a deep copy": (lambda x: copy.deepcopy([x])[0] * x, "Value itself"),
    "a copy of a parameter": (lambda x: copy.copy(outside) * x, "Value itself"),
    "a deep copy of a parameter": (lambda x: copy.deepcopy(outside) * x, "Value itself"),
    "a pickle": (lambda x: pickle.dumps(x), "Value itself"),  # noqa: PLW0108 - as a user writes it
    "a pickle of a parameter": (lambda x: pickle.loads(pickle.dumps(outside)) * x, "Value itself"),  # noqa: S301 - ours
    "a given derivative": (solve, "leave that call out"),
    "a given derivative by a parameter": (lambda x: solve(outside) * x, "leave that call out"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("batched", [False, True])
def test_what_would_be_baked_in_is_refused_with_the_line_and_the_way_out(name, batched):
    f, remedy = REFUSED[name]
    with pytest.raises(TracingError, match=remedy) as refused:
        ag.jit(f, batched=batched, backend="python", paths=0)(np.ones(2) if batched else 1.0)
    assert "test_compiler_tracing.py, line " in str(refused.value) or name == "a result computed outside"
    assert (outside.data, outside.grad, outside.has_grad) == (1.5, 0.0, False)
    assert (outside > 0) is True, "comparisons are ordinary again"


NUMPYS = {
    "clip": lambda x: np.clip(x, 0.0, 1.0),
    "maximum": lambda x: np.maximum(x, 0.0),
    "fmin": lambda x: np.fmin(x, 0.0),
    "sign": np.sign,
    "hypot": lambda x: np.hypot(x, 1.0),
    "remainder": lambda x: x % 2.0,
    "floor_divide": lambda x: x // 2.0,
    "logaddexp": lambda x: np.logaddexp(x, 0.0),
    "isnan": lambda x: np.where(np.isnan(x), 1.0, x),
    "isinf": lambda x: np.where(np.isinf(x), 1.0, x),
    "isfinite": lambda x: np.where(np.isfinite(x), x, 1.0),
}


@pytest.mark.parametrize("name", NUMPYS)
def test_functions_of_numpy_are_traced_without_a_warning_of_the_numbers_that_are_not_known(name):
    f, x = NUMPYS[name], np.array([[-1.0, 0.5, 2.0], [3.0, -4.0, -0.5]])
    for row in x:
        np.testing.assert_allclose(ag.jit(f, backend="python")(row), f(row), rtol=1e-13)
    np.testing.assert_allclose(ag.jit(f, batched=True)(x), f(x), rtol=1e-13)


def test_a_refusal_names_the_file_and_the_line():
    with pytest.raises(TracingError, match=r"test_compiler_tracing\.py, line \d+: \"if x > 0:\""):
        ag.jit(branches, paths=0)(1.0)


def test_a_refusal_names_the_cell_of_a_notebook_by_its_number(monkeypatch):
    names = {}
    exec(compile("def f(x):\n    return float(x)\n", "ipykernel_1/2.py", "exec"), names)  # noqa: S102 - as a kernel does
    shell = SimpleNamespace(compile=SimpleNamespace(_filename_map={"ipykernel_1/2.py": 7}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with pytest.raises(TracingError, match=r"in Cell In\[7\], line 2: its number"):
        ag.jit(names["f"])(1.0)


def test_a_symbol_used_after_its_trace_is_refused():
    ag.jit(keeps, backend="python")(1.0)
    with pytest.raises(TracingError, match="after its trace"):
        kept[0] * 2.0


def test_a_symbol_used_in_another_thread_is_refused():
    found = []

    def shares(x):
        def use():
            try:
                x * 2.0
            except TracingError as error:
                found.append(str(error))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        return x

    assert ag.jit(shares, backend="python")(1.0) == 1.0
    assert "outside of its trace" in found[0]


def test_printing_and_naming_do_no_harm(capsys):
    def f(x):
        x.label = "x"
        print(x, outside)  # noqa: T201 - that is what is tried
        return x if x is not None else 0.0

    assert ag.jit(f, backend="python")(2.0) == 2.0
    assert capsys.readouterr().out == "<traced input> Value(data=1.5)\n"


def no(condition):
    """Return the opposite of a condition, traced or not."""
    return not condition if isinstance(condition, bool) else ~condition


WORKS = {
    "where of joined conditions": (lambda x, y: where((x > y) | no(x != 0.0), x, y), [(2.0, 1.0), (0.0, 5.0)]),
    "a condition as a number": (lambda x, y: (x > y) * x, [(2.0, 1.0), (0.0, 5.0)]),
    "rounding": (lambda x, y: round(x) + math.floor(y) + math.ceil(x) - abs(y), [(2.5, 1.25), (-0.5, 5.75)]),
    "powers": (lambda x, y: 2.0**x + x**3 + x**y, [(2.5, 1.25), (0.5, 0.0)]),
    "quotient and remainder": (lambda x, y: sum(divmod(x, y)), [(7.5, 2.0), (-7.5, 2.0)]),
    "NumPy's functions": (lambda x, y: np.dot(np.array([x, y]), np.exp(np.array([y, x]))), [(0.5, 1.0)]),
    "a loop": (lambda x, y: sum(x * y**at for at in range(4)), [(0.5, 3.0)]),
    "a constant made inside": (lambda x, y: Value(2.0) * x + Parameter(3.0) * y, [(0.5, 3.0)]),
    "assigning what was made inside": (lambda x, y: assigned() * x * y, [(0.5, 3.0)]),
    "a list as memory": (lambda x, y: [values := [x], values.append(y), values[0] - values[1]][2], [(0.5, 3.0)]),
    "a dictionary of Values": (lambda x, y: {x: 1.0, y: 2.0}[y] * x, [(0.5, 3.0)]),
    "a rematerialised function": (lambda x, y: ag.remat(lambda a: ag.exp(a * outside))(x) + y, [(0.5, 3.0)]),
    "an operation of one's own": (lambda x, y: cube()(x) * y, [(0.5, 3.0)]),
    "a gradient inside": (lambda x, y: ag.gradient(x * x * y, x), [(0.5, 3.0)]),
}


@cache
def cube():  # made in a test: other tests take the table as it is when they are collected
    return ag.operation("cube_for_the_compiler", "x * x * x", "3.0 * x * x")


def assigned():
    value = Value(2.0)
    value.data = 5.0
    return value


@pytest.mark.parametrize("name", WORKS)
def test_what_does_not_depend_on_numbers_just_works(name):
    f, points = WORKS[name]
    fast = ag.jit(f, backend="python")
    for point in points:
        expected = f(*[Value(x) for x in point])
        assert fast(*point) == (expected.data if isinstance(expected, Value) else expected)


def test_the_derivative_through_a_rematerialised_function_is_that_of_its_function():
    w = Parameter(0.5)
    fast = ag.jit(ag.remat(lambda a: ag.exp(a * w)), backend="python")
    assert fast.backward(2.0) == math.exp(1.0)
    assert w.grad == 2.0 * math.exp(1.0)


def test_no_derivative_flows_through_what_is_computed_without_recording():
    def f(x):
        with ag.no_grad():
            y = x * outside
            larger = where(y > x, y, x)
        return x * y + larger

    assert ag.jit(grad(f), backend="python")(2.0) == 3.0
    assert ag.jit(f, backend="python")(2.0) == 9.0
    with ag.no_grad():
        assert ag.jit(grad(lambda x: x * x), backend="python")(2.0) == 4.0


def test_numbers_that_are_stopped_are_constants():
    w = Parameter(3.0)
    f = ag.jit(grad(lambda x: x * x.detach() + w.detach() * x), backend="python")
    assert f(2.0) == 5.0
    w.data = 4.0
    assert f(2.0) == 6.0


def test_a_jitted_function_inside_a_traced_one_keeps_its_parameters_live():
    w = Parameter(2.0)
    inner = ag.jit(lambda x: w * x, backend="python")
    outer = ag.jit(lambda x: inner(3.0) + x, backend="python")
    assert (inner(1.0), outer(1.0)) == (2.0, 7.0)
    w.data = 10.0
    assert outer(1.0) == 31.0


def test_what_is_differentiated_inside_by_a_number_still_sees_parameters():
    w = Parameter(2.0)
    fast = ag.jit(lambda x: grad(lambda y: w * y * y)(3.0) * x, backend="python")
    assert fast(1.0) == 12.0
    w.data = 1.0
    assert fast(1.0) == 6.0


def test_a_parameter_that_another_thread_assigns_while_it_is_traced_is_read_afresh():
    w = Parameter(2.0)

    def assigns(x):
        thread = threading.Thread(target=lambda: setattr(w, "data", 3.0))
        thread.start()
        thread.join()
        return w * x

    fast = ag.jit(assigns, backend="python")
    assert fast(1.0) == 3.0
    w.data = 4.0
    assert fast(1.0) == 4.0


def test_another_thread_computes_on_while_one_traces():
    entered, done = threading.Event(), threading.Event()

    def slow(x):
        entered.set()
        done.wait(10)
        return x * 2.0

    thread = threading.Thread(target=lambda: ag.jit(slow, backend="python")(1.0))
    thread.start()
    entered.wait(10)
    x = Value(3.0)
    y = x * x
    y.backward()
    twin = copy.deepcopy(y)
    x.data = 4.0
    done.set()
    thread.join()
    assert (y.data, x.grad, x > 2, twin.args[0].data) == (9.0, 6.0, True, 3.0)


def test_another_thread_computes_without_a_graph_while_one_traces():
    inside, out, found = threading.Event(), threading.Event(), []

    def without_a_graph(x):
        with ag.no_grad():
            inside.set()
            out.wait(10)
            found.append((x * x + 1.0).exp())

    def slow(x):
        out.set()
        thread.join(10)
        return x * 2.0

    thread = threading.Thread(target=without_a_graph, args=[Value(3.0)])
    thread.start()
    inside.wait(10)
    assert ag.jit(slow, backend="python")(1.0) == 2.0
    assert [(y.data, y.args) for y in found] == [(math.exp(10.0), ())]


def test_an_error_of_the_function_itself_is_passed_on_and_leaves_no_trace():
    def broken(_):
        raise KeyError("mine")

    fast = ag.jit(broken, backend="python")
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            fast(1.0)
    assert (Value(1.0) > 0) is True
    assert not ag.engine.hooks.on_read


def test_the_collector_is_off_while_a_graph_grows_and_as_it_was_afterwards():
    seen = []

    def f(x):
        seen.append(gc.isenabled())
        return x * outside

    def broken(x):
        f(x)
        raise KeyError("mine")

    ag.jit(f, backend="python")(1.0)
    ag.replay(lambda: f(2.0), backend="python")
    with pytest.raises(KeyError, match="mine"):
        ag.jit(broken, backend="python")(1.0)
    assert gc.isenabled()
    gc.disable()
    try:
        ag.jit(f, backend="python")(1.0)
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert seen == [False] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_child_of_a_fork_while_another_thread_traces_collects():
    inside, forked = threading.Event(), threading.Event()

    def slow(x):
        inside.set()
        forked.wait(10)
        return x * 2.0

    thread = threading.Thread(target=ag.jit(slow, backend="python"), args=[1.0])
    thread.start()
    inside.wait(10)
    child = os.fork()
    if not child:
        os._exit(0 if gc.isenabled() else 1)
    forked.set()
    thread.join(10)
    assert os.waitpid(child, 0)[1] == 0
    assert gc.isenabled()


def test_a_long_trace_lets_go_of_its_symbols_before_it_is_compiled(monkeypatch):
    alive, mine = [], []

    def f(x):
        for _ in range(9):
            x = x * outside + 1.0
        return x

    def keeps_one(x):
        mine.append(y := f(x) * 2.0)
        return y

    def counted(*given):
        alive.append(sum(type(thing) is Tracer for thing in gc.get_objects()))
        return lowered(*given)

    lowered = frontend.lowered
    monkeypatch.setattr(frontend, "LONG", 5)
    monkeypatch.setattr(frontend, "lowered", counted)
    before = sum(type(thing) is Tracer for thing in gc.get_objects())
    ag.jit(f, backend="python").backward(2.0)
    assert alive == [before + 1]  # its input
    ag.jit(keeps_one, backend="python").backward(2.0)
    with pytest.raises(TracingError, match="after its trace"):
        mine[0] * 2.0
