"""The targets of machine code: every feature set gives the same results, and what the processor lacks is refused."""

from __future__ import annotations

import itertools
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_compiler_agreement import ROWS, apart, eager, points

import autograd_mini as ag
from autograd_mini import MLP, datasets, fit
from autograd_mini.engine.functions import function
from autograd_mini.nn import hinge
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

from autograd_mini.compiler.llvm import backend as llvm  # noqa: E402 - they need llvmlite
from autograd_mini.compiler.llvm import target as machine  # noqa: E402 - as above
from autograd_mini.compiler.llvm import vm  # noqa: E402 - they need llvmlite
from autograd_mini.compiler.llvm.assembler import Assembler  # noqa: E402 - as above
from autograd_mini.compiler.llvm.backend import kernel_text  # noqa: E402 - as above
from autograd_mini.compiler.llvm.plan import KernelPlan  # noqa: E402 - as above
from autograd_mini.compiler.llvm.target import FEATURE_SETS, VARIABLE, chosen  # noqa: E402 - as above

HERE = machine.target()
WIDTHS = sorted({HERE.features.lanes, 8}) if VARIABLE in os.environ else [2, 4, 8]
HOSTS = {
    "znver4": ("x86_64", "avx512", "sse2 sse3 sse4.1 avx avx2 fma avx512f avx512vl"),
    "znver3": ("x86_64", "avx2+fma", "sse2 sse3 sse4.1 avx avx2 fma"),
    "haswell without fma": ("x86_64", "avx2", "sse2 sse3 sse4.1 avx avx2"),
    "bdver2": ("x86_64", "avx", "sse2 sse3 sse4.1 avx fma"),
    "nehalem": ("x86_64", "sse2", "sse2 sse3 sse4.1"),
    "x86-64, not told": ("x86_64", "sse2", ""),
    "apple-m1": ("arm64", "neon", "neon fp-armv8"),
    "aarch64, not told": ("aarch64", "neon", ""),
    "riscv64": ("riscv64", "none", "m a f d"),
}
"""What processors have: for each the architecture, its feature set, and its features."""

KNOWN = sorted({name for _, _, names in HOSTS.values() for name in names.split()})


@pytest.mark.parametrize("cpu", HOSTS)
def test_the_feature_set_of_a_processor_is_the_best_that_it_has(cpu):
    architecture, expected, names = HOSTS[cpu]
    found = chosen({name: name in names.split() for name in KNOWN}, cpu, architecture, "")
    assert (found.features.name, found.cpu) == (expected, cpu)
    assert set(found.attributes.split(",")) == {f"{'+' if name in names.split() else '-'}{name}" for name in KNOWN}


@given(has=st.sets(st.sampled_from(KNOWN)), wanted=st.sampled_from(["", *FEATURE_SETS]))
def test_each_width_of_the_vector_functions_needs_a_feature_of_its_own(has, wanted):
    try:
        features = chosen(dict.fromkeys(sorted(has), True), "cpu", "x86_64", wanted).features
    except ValueError:
        assert not FEATURE_SETS[wanted].needs <= has | {"sse2"}
        return
    assert features.needs <= has | {"sse2"}
    letters = {width: prefix[4] for width, prefix in features.functions.items()}
    needed = {"e": "avx512f", "d": "avx2", "c": "avx", "b": "sse2"}
    assert {needed[letter] for letter in letters.values()} <= has | {"sse2"}
    assert all({"e": 8, "d": 4, "c": 4, "b": 2}[letter] == width for width, letter in letters.items())


def test_what_is_taken_away_is_the_last_that_llvm_is_told():
    host = {"avx512f": True, "avx512vl": True, "avx2": True, "fma": True, "sse3": True}
    told = {name: chosen(host, "cpu", "x86_64", name).attributes.split(",") for name in ("avx512", "avx2", "sse2")}
    assert told["avx512"] == [f"+{name}" for name in host]
    assert told["avx2"] == [*told["avx512"], "-avx512f", "-fma"]
    assert told["sse2"] == [*told["avx512"], "-sse3"]


def test_another_name_is_refused_with_those_that_would_do():
    host = {"sse2": True, "avx": True, "avx2": True, "fma": True, "avx512f": False}
    with pytest.raises(ValueError, match=r"AUTOGRAD_MINI_CPU is 'zmm'.* one of avx2\+fma, avx2, avx, sse2, none$"):
        chosen(host, "znver3", "x86_64", "zmm")
    with pytest.raises(ValueError, match=r"'avx512', which needs avx512f, .*\(znver3\) lacks: .* avx2\+fma, avx2"):
        chosen(host, "znver3", "x86_64", "avx512")
    with pytest.raises(ValueError, match="'neon', which needs neon"):
        chosen(host, "znver3", "x86_64", "neon")


@pytest.mark.parametrize("name", FEATURE_SETS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_width_that_the_processor_lacks_calls_functions_of_one_that_it_has(monkeypatch, name, width):
    features = FEATURE_SETS[name]
    monkeypatch.setattr("autograd_mini.compiler.llvm.target.target", lambda: HERE._replace(features=features))
    monkeypatch.setattr("autograd_mini.compiler.llvm.assembler.vector_function", machine.vector_function.__wrapped__)
    declarations = set()
    Assembler(width, "v", declarations).step("tanh", ["%x"])
    called = re.findall(r"@(?:_ZGV(\w)N(\d)v_)?tanh", " ".join(declarations))
    found = {(letter, int(lanes)) for letter, lanes in called if lanes}
    assert found <= {(prefix[4], lanes) for lanes, prefix in features.functions.items() if lanes <= width}
    assert called


@pytest.mark.parametrize(
    ("triple", "name", "cpu", "attributes", "instruction"),
    [
        ("aarch64-unknown-linux-gnu", "neon", "generic", "", "fmla"),
        ("aarch64-unknown-linux-gnu", "none", "generic", "-neon", "fmadd"),
        ("riscv64-unknown-linux-gnu", "none", "generic-rv64", "+m,+a,+f,+d", "fmadd.d"),
        ("x86_64-unknown-linux-gnu", "avx2+fma", "haswell", "", "vfmadd"),
        ("x86_64-unknown-linux-gnu", "none", "x86-64", "", "mulpd"),
    ],
)
def test_a_kernel_becomes_code_of_other_machines_too(monkeypatch, triple, name, cpu, attributes, instruction):
    made_for = machine.Target(FEATURE_SETS[name], cpu, attributes)
    monkeypatch.setattr("autograd_mini.compiler.llvm.target.target", lambda: made_for)
    monkeypatch.setattr("autograd_mini.compiler.llvm.assembler.vector_function", machine.vector_function.__wrapped__)
    binding = machine.llvmlite()
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    try:
        target = binding.Target.from_triple(triple)
    except RuntimeError:
        pytest.skip(f"this LLVM writes no code for {triple}")
    model = MLP(2, [9, 8, 1], activation="tanh", seed=0)
    fast = ag.jit(lambda x, y: hinge(model(x), y), batched=True, backend="python")
    fast.prepare(np.ones((3, 2)), np.ones(3))
    lanes = made_for.features.lanes
    text = kernel_text(KernelPlan(fast._programs.latest.tape, (2, 1), 0, lanes, machine.vectors(lanes)))
    code = target.create_target_machine(cpu=cpu, features=attributes, opt=2).emit_assembly(binding.parse_assembly(text))
    assert instruction in code
    assert not re.search(r"\bfma\b", code)  # no calls of a function for what takes two instructions
    assert ("_ZGV" in code) == (bool(made_for.features.functions) and "_ZGV" in text)


@pytest.mark.parametrize("width", [1, *WIDTHS])
@pytest.mark.parametrize("name", FEATURE_SETS)
def test_a_tile_fits_into_the_registers(monkeypatch, name, width):
    features = FEATURE_SETS[name]
    monkeypatch.setattr("autograd_mini.compiler.llvm.target.target", lambda: HERE._replace(features=features))
    assert machine.vectors(width) * max(width, features.lanes) == features.registers * features.lanes


# What follows holds for the target of this process; the last test runs it for the other ones.


@pytest.mark.parametrize("width", WIDTHS)
def test_every_row_and_its_partials_agree_with_eager_at_every_width(monkeypatch, width):
    monkeypatch.setattr(llvm, "lanes", lambda: width)
    rng, count = random.Random(0), 61
    tried = [(points(row) if len(points(row)) <= count else rng.sample(points(row), count)) for row in ROWS]
    places = np.cumsum([0, *[len(row.operands) for row in ROWS]])
    X = np.array([[x for some in tried for x in some[at % len(some)]] for at in range(count)])

    def every(x):
        found = []
        for row, first in zip(ROWS, places, strict=False):
            operands = tuple(range(len(row.operands)))
            value, slopes = value_and_grad(function(row), operands)(*[x[first + at] for at in operands])
            found += [value, *slopes]
        return found

    columns = ag.jit(every, batched=True, backend="llvm")(X)
    for at in range(count):
        results = iter([column[at] for column in columns])
        for row, some in zip(ROWS, tried, strict=True):
            for expected in eager(row, some[at % len(some)]):
                found = next(results)
                assert not apart(found, expected, 8.0), f"{row.name}{some[at % len(some)]}: {found!r}, {expected!r}"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_network_has_the_gradient_of_plain_code_for_every_number_of_samples(monkeypatch, width):
    monkeypatch.setattr(llvm, "lanes", lambda: width)
    model = MLP(5, [9, 6, 1], activation="tanh", seed=0)
    fast, slow = (ag.jit(lambda x, y: hinge(model(x), y), batched=True, backend=name) for name in ("llvm", "numpy"))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 5)), np.sign(rng.normal(size=20))
    for made in (fast, slow):
        made.prepare(X, y)
    p = np.array([parameter.data for parameter in fast.parameters])
    for n in range(1, 21):
        (loss, slopes), (expected, wanted) = (made.value_and_grad(p, X[:n], y[:n]) for made in (fast, slow))
        assert loss == pytest.approx(expected, rel=1e-12)
        assert slopes == pytest.approx(wanted, rel=1e-11, abs=1e-14)


def test_the_interpreter_agrees_with_plain_code_at_every_width(monkeypatch):
    x = np.linspace(-2.0, 2.0, 11)
    expected = ag.jit(lambda x: ag.tanh(x) * x + ag.exp(-x), batched=True, backend="python")(x)
    for width in WIDTHS:
        monkeypatch.setattr(vm, "lanes", lambda width=width: width)
        found = ag.jit(lambda x: ag.tanh(x) * x + ag.exp(-x), batched=True, backend="vm")(x)
        assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_many_steps_in_one_call_end_where_eager_steps_end(optimizer):
    X, y = datasets.moons(27, noise=0.2, seed=0)
    y = [2.0 * label - 1.0 for label in y]
    runs = []
    for compiled in (False, "llvm"):
        model = MLP(2, [5, 1], activation="relu", seed=0)
        chosen_for = {"loss": "hinge", "optimizer": optimizer, "lr": 0.05, "epochs": 4, "batch_size": 7, "seed": 0}
        history = fit(model, X, y, compile=compiled, **chosen_for)
        runs.append((history, [parameter.data for parameter in model.parameters()]))
    (eager_history, expected), (history, found) = runs
    assert (eager_history.backend, history.backend) == ("eager", "llvm")
    assert history.loss == pytest.approx(eager_history.loss, rel=1e-9)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_machine_code_that_python_calls_directly_agrees_with_eager():
    def rosenbrock(x):
        return sum(100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2 for a, b in itertools.pairwise(x))

    x = np.linspace(-1.0, 1.0, 10)
    expected, slopes = value_and_grad(rosenbrock)(x)
    for backend in ("llvm", "vm"):
        fast = ag.jit(value_and_grad(rosenbrock), backend=backend)
        for _ in range(2):  # the second call goes to machine code
            value, found = fast(x)
            assert value == pytest.approx(expected, rel=1e-13)
            assert found == pytest.approx(slopes, rel=1e-12, abs=1e-12)


def run(name, *words):
    """Run Python with a feature set asked for."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, VARIABLE: name},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


alone = pytest.mark.skipif(VARIABLE in os.environ, reason="this process is one of those that the test starts")
PROGRAM = "import autograd_mini as ag; print(ag.jit(lambda x: ag.exp(x), batched=True, backend='llvm')([0.0, 1.0]))"


def has(name):
    """Whether this processor has what a feature set needs."""
    return FEATURE_SETS[name].needs <= set(re.findall(r"\+([^,]+)", HERE.attributes)) | HERE.features.needs


@alone
@pytest.mark.parametrize("name", [name for name in FEATURE_SETS if has(name) and name != HERE.features.name])
def test_the_compiler_gives_the_same_with(name):
    done = run(name, "-m", "pytest", "-p", "no:cacheprovider", "-k", "agree or gradient or steps", __file__)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@alone
@pytest.mark.parametrize("name", [name for name in FEATURE_SETS if not has(name)])
def test_a_feature_set_that_the_processor_lacks_is_refused_and_does_not_crash(name):
    done = run(name, "-c", PROGRAM)
    assert done.returncode == 1
    assert f"ValueError: {VARIABLE} is '{name}', which needs" in done.stderr
