"""Anomalies: the first nan or infinite number is found, forward and backward, with its operands and its line."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import math
import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from programs import apply, programs, run

import autograd_mini as ag
from autograd_mini import AnomalyError, Parameter, Value
from autograd_mini.engine.hooks import on_leaf, on_pass, on_result
from autograd_mini.engine.ops import TABLE

HERE = Path(__file__)

WILD = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-200, 1e200, -1e308, 710.0])


def line_with(mark):
    """Return the number of the line of this file that ends with a comment."""
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {mark}"))


@st.composite
def wild_programs(draw):
    """Draw numbers, and operations that nothing keeps inside their domain."""
    numbers = draw(st.lists(WILD, min_size=1, max_size=3))
    names = st.sampled_from([name for name, row in TABLE.items() if row.builtin and name != "round"])
    steps = []
    for count in range(len(numbers), len(numbers) + draw(st.integers(1, 6))):
        name = draw(names)
        operands = [draw(st.integers(0, count - 1) | WILD) for _ in TABLE[name].operands]
        operands[0] = operands[0] if isinstance(operands[0], int) else count - 1
        steps.append((name, operands))
    return numbers, steps


def walk(program):
    """Yield the results of a wild program, one after the other."""
    numbers, steps = program
    registers = [Value(number) for number in numbers]
    for name, operands in steps:
        chosen = [registers[o] if isinstance(o, int) else o for o in operands]
        registers.append(apply(name, chosen))  # a step
        yield registers[-1]


def anomaly_of(work):
    """Call a function inside `anomaly`, and return the error that it raised, None for none."""
    try:
        with ag.anomaly():
            work()
    except AnomalyError as error:
        return error
    return None


def finite(node):
    return math.isfinite(node.data)


@given(wild_programs())
def test_a_forward_pass_stops_at_the_first_result_that_is_not_finite(program):
    nodes = list(walk(program))
    wrong = next((at for at, node in enumerate(nodes) if not finite(node)), None)
    found = []
    error = anomaly_of(lambda: found.extend(walk(program)))
    if wrong is None:
        assert error is None
        assert [node.data.hex() for node in found] == [node.data.hex() for node in nodes]
        return
    assert len(found) <= wrong
    assert (error.phase, error.operation) == ("forward", nodes[wrong].op)
    assert error.number.hex() == nodes[wrong].data.hex() == error.node.data.hex()
    numbers = [getattr(operand, "data", operand) for operand in error.operands]
    assert numbers == [getattr(operand, "data", operand) for operand in nodes[wrong].args]
    caller = error.place.callers[0]  # the line itself is that of `apply`
    assert (caller.file, caller.line) == (str(HERE), line_with("a step"))


@given(wild_programs())
def test_a_backward_pass_stops_at_the_first_gradient_that_is_not_finite_and_changes_none(program):
    nodes = list(walk(program))
    assume(all(map(finite, nodes)))
    root = nodes[-1]
    truth = None
    for event in ag.steps(root):
        if event.phase == "backward" and not all(math.isfinite(part.after) for part in event.contributions):
            truth = event.node
            break
    graph = ag.order(root)
    with ag.anomaly():
        if truth is None:
            root.backward()
        else:
            with pytest.raises(AnomalyError) as caught:
                root.backward()
            error = caught.value
            assert (error.phase, error.operation, error.node) == ("backward", truth.op, truth)
            assert not math.isfinite(error.number)
            assert not any(node.has_grad for node in graph)
    if truth is None:
        gradients = [node.grad for node in graph]
        for node in graph:
            node.grad = None
        root.backward()
        assert [node.grad.hex() for node in graph] == [gradient.hex() for gradient in gradients]


@given(programs())
def test_what_stays_finite_is_the_same_inside_and_outside(program):
    with ag.anomaly():
        leaves, results, _ = run(program)
        results[-1].backward()
    assert on_result == on_leaf == on_pass == []
    others, plain, _ = run(program)
    plain[-1].backward()
    assert [node.data.hex() for node in results] == [node.data.hex() for node in plain]
    assert [leaf.grad.hex() for leaf in leaves] == [leaf.grad.hex() for leaf in others]


def test_the_message_names_labels_numbers_the_expression_on_the_line_and_what_helps():
    p, t = Value(0.0, label="p"), 1.0
    with pytest.raises(AnomalyError) as caught, ag.anomaly():
        -(t * p.log() + (1 - t) * (1 - p).log())  # of the loss
    assert str(caught.value).splitlines() == [
        "log(p) is -inf, where p = 0.0",
        f'  File "{HERE}", line {line_with("of the loss")}, in {caught.value.place.function}',
        "    -(t * p.log() + (1 - t) * (1 - p).log())  # of the loss",
        "          ^^^^^^^",
        str(caught.value).splitlines()[-1],
    ]
    assert "binary_cross_entropy" in str(caught.value)
    assert caught.value.operands == (p,)


def helper(x):
    return x.sqrt()  # in the helper


def test_a_derivative_that_is_not_finite_is_traced_to_the_forward_line_and_its_caller():
    with ag.anomaly():
        x = Value(0.0, label="x")
        y = helper(x * x) + 1  # that calls it
        with pytest.raises(AnomalyError, match=r"the derivative of sqrt\(x\) with respect to x is inf") as caught:
            y.backward()
    place = caught.value.place
    assert (place.line, place.function, place.text) == (
        line_with("in the helper"),
        "helper",
        "return x.sqrt()  # in the helper",
    )
    assert place.callers[0].line == line_with("that calls it")
    assert str(place.callers[0]) == f'{HERE}, line {place.callers[0].line}: "{place.callers[0].text}"'
    assert "hypot" in str(caught.value)


def test_a_product_and_a_sum_that_overflow_backward_are_told_apart_from_an_infinite_derivative():
    x, big = Value(1e-300, label="x"), 1e200
    y = x * big
    with ag.anomaly(), pytest.raises(AnomalyError, match=r"the gradient of x is inf: .* times the derivative 1e\+200"):
        y.backward(1e200)
    z = x * 1e308 + x * 1e308
    with ag.anomaly(), pytest.raises(AnomalyError, match="the gradients that x receives add up to inf"):
        z.backward()
    with ag.anomaly(), pytest.raises(AnomalyError, match=r"backward\(\) was called with the gradient nan"):
        z.backward(math.nan)
    assert x.grad == 0.0


def test_a_gradient_of_zero_times_an_infinite_derivative_is_found():
    x = Value(0.0)
    y = x.sqrt() * 0.0
    with ag.anomaly(), pytest.raises(AnomalyError) as caught:
        y.backward()
    assert caught.value.operation == "sqrt"
    assert math.isnan(caught.value.number)


def test_an_operand_used_twice_is_named_once():
    x = Value(1e200, label="x")
    with pytest.raises(AnomalyError, match=r"x \* x is inf, where x = 1e\+200\n"), ag.anomaly():
        x * x
    a, b = Value(1e200, label="w"), Value(1e200, label="w")
    with (
        pytest.raises(AnomalyError, match=r"w \(x\) \* w \(y\) is inf, where w \(x\) = .* and w \(y\) = "),
        ag.anomaly(),
    ):
        a * b


def test_a_nan_that_was_there_before_is_told_by_where_it_came_from():
    old = Value(0.0, label="old") * math.inf
    with ag.origin():
        weight = Parameter(1.0, label="w")
        weight.data = math.nan  # the assignment
    for operand, history in [
        (Value(math.nan, label="x"), "x was nan already: it came in with the data"),
        (weight, f"the parameter w was nan already, .* in .*line {line_with('the assignment')}"),
        (old, "x was nan already, as a result of mul computed before"),
    ]:
        with pytest.raises(AnomalyError, match=history), ag.anomaly():
            operand + 1
    with pytest.raises(AnomalyError, match="a plain number that is nan came in"), ag.anomaly():
        Value(1.0) + math.nan


def test_infinite_numbers_brought_along_pass_until_a_nan_comes_of_them_but_those_of_parameters_do_not():
    mask = Value(-math.inf)
    with ag.anomaly():
        masked = mask + 1
        assert [p.data for p in ag.softmax([masked, Value(0.0), Value(1.0) - math.inf])] == [0.0, 1.0, 0.0]
        with pytest.raises(AnomalyError, match="inf - inf"):
            masked - mask
        with pytest.raises(AnomalyError, match="is inf, where"):
            Parameter(math.inf) * 2


def test_infinite_numbers_may_be_left_out():
    x = Value(0.0)
    with ag.anomaly(inf=False):
        assert x.log().data == -math.inf
        x.sqrt().backward()
        assert x.grad == math.inf
        with pytest.raises(AnomalyError):
            x.log() * 0


def test_a_branch_that_where_does_not_take_was_computed_and_so_counts():
    x = Value(-1.0)
    with ag.anomaly():
        with pytest.raises(AnomalyError):
            ag.where(x > 0, x.sqrt(), 0.0)
        y = ag.where(x > 0, x, 0.0)
        y.backward()
    assert y.data == 0.0


def test_blocks_nest_and_one_that_is_not_enabled_pauses():
    x = Value(0.0)
    with ag.anomaly():
        with ag.anomaly(enabled=False):
            x.log()
            with ag.anomaly(inf=False):
                x.log()
            with ag.origin():
                x.log()
        with ag.origin(), pytest.raises(AnomalyError):
            x.log()
        with pytest.raises(AnomalyError):
            x.log()
    x.log()
    assert on_result == on_leaf == on_pass == []


def test_one_block_object_may_be_entered_again_inside_itself():
    block, x = ag.anomaly(), Value(0.0)
    with block:
        with block, pytest.raises(AnomalyError):
            x.log()
        with pytest.raises(AnomalyError):
            x.log()
    x.log()


def test_functions_generators_and_coroutines_can_be_decorated():
    @ag.anomaly()
    def logarithm(x):
        """Take it."""
        return x.log()

    @ag.anomaly()
    def logarithms(xs):
        for x in xs:
            yield x.log()

    @ag.anomaly()
    async def later(x):
        await asyncio.sleep(0)
        return x.log()

    assert logarithm.__doc__ == "Take it."
    assert logarithm(Value(1.0)).data == 0.0
    with pytest.raises(AnomalyError):
        logarithm(Value(0.0))
    results = logarithms([Value(1.0), Value(0.0)])
    assert next(results).data == 0.0
    assert Value(0.0).log().data == -math.inf, "between the steps"
    with pytest.raises(AnomalyError):
        next(results)
    with pytest.raises(AnomalyError):
        asyncio.run(later(Value(0.0)))
    assert asyncio.run(later(Value(1.0))).data == 0.0


@pytest.mark.parametrize("wrong", [1, None, "yes", len])
def test_a_switch_that_is_no_truth_value_is_refused(wrong):
    with pytest.raises(TypeError, match="enabled of anomaly"):
        ag.anomaly(wrong)
    with pytest.raises(TypeError, match="inf of anomaly"):
        ag.anomaly(inf=wrong)


def test_a_block_holds_for_its_own_thread_unless_its_context_is_handed_on():
    x = Value(0.0)
    inside, release = threading.Event(), threading.Event()

    def hold():
        with ag.anomaly():
            inside.set()
            release.wait(10)
            with pytest.raises(AnomalyError):
                x.log()
            with pytest.raises(AnomalyError):
                x.sqrt().backward()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        inside.wait(10)
        assert x.log().data == -math.inf
        (x.sqrt() * 1).backward()
        release.set()
        held.result()
    assert x.grad == math.inf
    with ag.anomaly(), ThreadPoolExecutor(1) as pool:
        if not getattr(sys.flags, "thread_inherit_context", False):
            assert pool.submit(x.log).result().data == -math.inf
        with pytest.raises(AnomalyError):
            pool.submit(contextvars.copy_context().run, x.log).result()


def test_tasks_of_one_thread_do_not_share_a_block():
    x = Value(0.0)

    async def looking(entered, done):
        with ag.anomaly():
            entered.set()
            await done.wait()
            with pytest.raises(AnomalyError):
                x.log()

    async def both():
        entered, done = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(looking(entered, done))
        await entered.wait()
        assert x.log().data == -math.inf
        done.set()
        await task

    asyncio.run(both())
    assert on_result == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_keeps_the_blocks_of_its_own_thread_alone():
    x = Value(0.0)
    inside, release = threading.Event(), threading.Event()

    def hold():
        with ag.anomaly():
            inside.set()
            release.wait(10)

    def child():
        with pytest.raises(AnomalyError):
            x.log()
        with pytest.raises(AnomalyError):
            x.sqrt().backward()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        inside.wait(10)
        with ag.anomaly():
            process = os.fork()
            if process == 0:
                status = 1
                try:
                    child()
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitpid(process, 0)[1] == 0
        process = os.fork()
        if process == 0:
            os._exit(len(on_result) + len(on_leaf) + len(on_pass))
        assert os.waitpid(process, 0)[1] == 0
        release.set()
        held.result()


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: ag.grad(f)(0.0),
        lambda f: ag.value_and_grad(f)(0.0),
        lambda f: ag.vjp(f, 0.0)[1](1.0),
        lambda f: ag.jvp(f, (0.0,), (1.0,)),
        lambda f: ag.jacobian(lambda x: [f(x), x])(0.0),
        lambda f: ag.hessian(f)(0.0),
        lambda f: ag.gradient(f(x := Value(0.0)), x),
        lambda f: ag.remat(f)(Value(0.0)).backward(),
    ],
)
def test_a_derivative_inside_of_a_transform_is_looked_at(transform):
    def f(x):
        return ag.sqrt(x) * 2  # steep

    with ag.anomaly(), pytest.raises(AnomalyError) as caught:
        transform(f)
    told = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    assert "sqrt" in told
    assert f"line {line_with('steep')}" in told


def test_a_derivative_that_a_user_gave_is_named_by_its_function():
    def solve(x):
        return x

    safe = ag.custom_gradient(solve, lambda x: math.nan * x)
    a = Value(1.0, label="a")
    with (
        ag.anomaly(),
        pytest.raises(AnomalyError, match="the gradient that solve hands to its operand a is nan") as caught,
    ):
        (safe(a) * 2).backward()
    assert caught.value.operation == "solve"
    assert a.grad == 0.0


def test_what_no_grad_computes_is_looked_at():
    with ag.no_grad(), pytest.raises(AnomalyError), ag.anomaly():
        Value(0.0).log()
    with ag.anomaly(), ag.no_grad(), pytest.raises(AnomalyError):
        Value(0.0).log()


def test_training_stops_at_the_operation_and_leaves_the_model_as_it_was_before_the_step():
    X, y = [[1.0], [2.0], [0.0]], [0.0, 1.0, 0.0]
    model = ag.MLP(1, [2, 1], activation=lambda z: (z * 1e200) * (z * 1e200), seed=0)
    before = [p.data for p in model.parameters()]
    with pytest.raises(AnomalyError) as caught, ag.anomaly():
        ag.fit(model, X, y, loss="mse", epochs=3, progress=False)
    assert caught.value.operation == "mul"
    assert caught.value.place.function == "<lambda>"
    assert [p.data for p in model.parameters()] == before


def test_arrays_of_values_lead_to_the_line_that_handed_them_to_numpy():
    array = np.array([Value(4.0), Value(-1.0)])
    with pytest.raises(AnomalyError) as caught, ag.anomaly():
        np.mean(np.sqrt(array))  # by numpy
    assert caught.value.place.line == line_with("by numpy")
    big = np.array([Value(1.7e308), Value(1.7e308)])
    with pytest.raises(AnomalyError) as caught, ag.anomaly():
        np.mean(big)  # inside numpy
    assert caught.value.place.line == line_with("inside numpy")


def test_functions_that_are_being_compiled_are_left_alone_and_compiled_ones_are_not_looked_into():
    fast = ag.jit(ag.log)
    with ag.anomaly():
        assert fast(1.0) == 0.0
        assert fast(0.0) == -math.inf


def test_the_error_is_a_floating_point_error_that_can_be_pickled_with_all_it_knows():
    with pytest.raises(FloatingPointError) as caught, ag.anomaly():
        Value(0.0, label="p").log()
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert str(again) == str(caught.value)
    assert (again.phase, again.operation, again.number, again.place) == (
        "forward",
        "log",
        -math.inf,
        caught.value.place,
    )
    assert again.operands[0].label == "p"


def test_without_a_block_around_the_forward_pass_the_line_is_not_known_and_the_message_says_so():
    y = Value(0.0).sqrt()
    with ag.anomaly(), pytest.raises(AnomalyError, match="so its line is not known") as caught:
        y.backward()
    assert caught.value.place is None


# --- origin ---


def test_every_kind_of_value_keeps_the_line_that_made_it():
    with ag.origin():
        leaf, weight = Value(1.0), Parameter(2.0)
        product = leaf * weight
        chosen = ag.where(True, product, 0.0)
        detached = product.detach()
        with ag.no_grad():
            silent = product * 2
    line = ag.place_of(leaf).line
    places = [ag.place_of(value) for value in (leaf, weight, product, chosen, detached, silent)]
    assert [place.line - line for place in places] == [0, 0, 1, 2, 3, 5]
    assert {place.file for place in places} == {str(HERE)}
    assert ag.place_of(Value(1.0)) is None
    assert ag.place_of(leaf + 1) is None


def test_a_stale_value_names_the_lines_that_used_and_that_assigned_it():
    with ag.origin():
        w = Value(1.0, label="w")
        y = w * w  # the use
        w.data = 2.0  # too late
    with pytest.raises(ag.StaleValueError) as caught:
        y.backward()
    assert f"'w' (Value(data=2.0, label='w')) was assigned in {HERE}, line {line_with('too late')}" in str(caught.value)
    assert f"mul(…), made in {HERE}, line {line_with('the use')}" in str(caught.value)
    twin = copy.copy(w)
    with ag.origin():
        twin.data = 3.0
    assert "too late" in str(ag.diagnosis.assigned_at(w))


def test_a_copy_keeps_its_line_and_a_pickle_does_not():
    with ag.origin():
        y = Value(2.0).exp()
    assert ag.place_of(copy.deepcopy(y)) == ag.place_of(y)
    assert hash(ag.place_of(y)) == hash(ag.place_of(copy.copy(y)))
    assert ag.place_of(y) != "a place"
    assert ag.place_of(pickle.loads(pickle.dumps(y))) is None  # noqa: S301 - our own bytes


def test_a_line_of_many_bytes_a_character_is_marked_at_the_right_place():
    x = Value(2.0)
    with ag.origin():
        y = ("größer", x * x)[1]
    place = ag.place_of(y)
    assert place.text[slice(*place.span)] == "x * x"


def test_code_without_a_file_has_a_place_without_text():
    scope = {"ag": ag}
    exec("with ag.origin():\n    y = ag.Value(1.0)\n    z = (y\n + 1)", scope)  # noqa: S102 - code without a file
    assert str(ag.place_of(scope["z"])) == "<string>, line 3"
    assert ag.place_of(scope["z"]).described() == '  File "<string>", line 3, in <module>'


def test_what_runs_a_test_or_a_thread_is_no_caller():
    with ag.origin():
        y = Value(1.0) + 1
    assert ag.place_of(y).callers == ()


def test_a_cell_of_a_notebook_is_called_by_its_number():
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        cell = "import autograd_mini as ag\nwith ag.origin():\n    x = ag.Value(2.0)\n    y = x * x"
        done = shell.run_cell(cell, store_history=True)
        assert done.success
        place = ag.place_of(shell.user_ns["y"])
    finally:
        shell.history_manager.end_session()
        InteractiveShell.clear_instance()
    assert (place.file, place.line, place.text, place.callers) == ("Cell In[1]", 4, "y = x * x", ())
    assert place.described().startswith("  Cell In[1], line 4, in ")


def test_a_picture_shows_the_line_when_pointed_at_without_the_folder():
    with ag.origin():
        y = Value(2.0, label="x").exp()  # to be drawn
    drawn = ag.draw(y).source
    assert f"{HERE.name}, line {line_with('to be drawn')}: y = Value(2.0" in drawn
    assert str(HERE.parent) not in drawn
