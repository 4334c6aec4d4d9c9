"""Machine code that runs before LLVM has tried hard, gives way to better code, and is kept on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import programs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import MLP, Parameter
from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")
llvmlite = pytest.importorskip("llvmlite")

from autograd_mini.compiler.llvm import background, cache  # noqa: E402 - it needs llvmlite
from autograd_mini.compiler.llvm.backend import MachineBatch, interpreter_text  # noqa: E402 - as above


def network(seed=0):
    model = MLP(3, [16, 1], seed=seed)
    return lambda x, y: ag.softplus(-y * model([*x]))


def table(rows=203):
    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, 3)), np.sign(rng.normal(size=rows))


def code_of(fast):
    return fast._latest().run(1).code


@pytest.fixture
def held(monkeypatch):
    """Hold the thread back until the test lets it go on."""
    go, settle = threading.Event(), background.MachineCode.settle

    def waits(self):
        if threading.current_thread().name == "autograd_mini compiler":
            go.wait(30)
        settle(self)

    monkeypatch.setattr(background.MachineCode, "settle", waits)
    yield go
    go.set()
    background.wait()


def test_the_same_bits_come_out_before_and_after_better_code_takes_over(held):
    X, y = table()
    fast = ag.jit(network(), batched=True)
    before = fast(X, y).tobytes()
    p = np.array([parameter.data for parameter in fast.parameters])
    loss, slopes = fast.value_and_grad(p, X, y)
    code = code_of(fast)
    first = code.address
    assert not code.settled
    held.set()
    background.wait()
    assert code.settled
    assert code.address != first
    for _ in range(3):  # the last by the fast entry
        again, others = fast.value_and_grad(p, X, y)
        assert (again, others.tobytes()) == (loss, slopes.tobytes())
    assert "value_and_grad" in vars(fast)
    assert fast(X, y).tobytes() == before


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row.builtin], ids=lambda row: row.name)
def test_every_operation_has_the_same_bits_however_hard_llvm_tries(row):
    rng = np.random.default_rng(2)
    count = len(row.operands)
    f = ag.jit(value_and_grad(function(row), tuple(range(count))), batched=True, backend="llvm")
    special = [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 5e-324, 1e300]
    columns = [np.concatenate([rng.uniform(*interval, 60), rng.permutation(special)]) for interval in row.domain]
    if row.name == "round":
        columns[1] = rng.integers(-1, 3, len(columns[0])).astype(float)
    program, n, arrays, uniform = f._prepared(tuple(columns), {}, differentiate=False)
    made = MachineBatch(program.tape, program.widths, program.kept)
    hard = np.array(made(n, arrays, uniform)[0])
    made.code._compile(0)
    quick = np.array(made(n, arrays, uniform)[0])
    assert np.array_equal(hard, quick, equal_nan=True)
    assert (np.signbit(hard) == np.signbit(quick))[~np.isnan(hard)].all()


@pytest.mark.parametrize("exact", [False, True])
@given(program=programs.programs(), rows=st.integers(1, 40), shared=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_an_interpreter_of_a_random_program_gives_the_same_bits(exact, program, rows, shared):
    count = len(program.numbers)
    w = [Parameter(number) for number in program.numbers[: min(shared, count - 1)]]
    fast = ag.jit(lambda x: programs.run(program, [*w, *x]).results[-1], batched=True, backend="llvm")
    X = np.random.default_rng(rows).normal(size=(rows, count - len(w)))
    X[rows // 2] = np.nan
    traced, n, arrays, uniform = fast._prepared((X,), {}, differentiate=True)
    for kept in (0, len(traced.tape.results)):
        made = MachineBatch(traced.tape, traced.widths, kept, exact=exact)
        found = [*made(n, arrays, uniform + fast._numbers(traced))]
        made.code._compile(0)
        again = [*made(n, arrays, uniform + fast._numbers(traced))]
        assert "@orders" in interpreter_text(made.plan)
        for a, b in zip([*found[0], found[1]], [*again[0], again[1]], strict=True):
            assert np.array_equal(a, b, equal_nan=True)


def test_a_large_batch_does_not_wait_for_an_interpreter(held, monkeypatch):
    X, y = table()
    fast = ag.jit(network(), batched=True)
    expected = fast.backward(X, y)
    code, addresses = code_of(fast), []
    for most in (2, 1_000, 2):
        monkeypatch.setattr("autograd_mini.compiler.llvm.backend.MOST", most)
        assert fast.backward(X, y) == expected
        addresses.append(code.address)
    assert addresses[0] == addresses[1] == addresses[2] != 0
    assert not code.settled
    assert len(code._codes) == 2
    held.set()


def test_short_programs_and_prepared_ones_are_compiled_at_once(held):
    short = ag.jit(lambda x: x * x, batched=True)
    short([1.0])
    assert code_of(short).settled
    prepared = ag.jit(network(), batched=True)
    prepared.prepare(*table())
    assert code_of(prepared).settled
    asked = ag.jit(network(), batched=True, background=False)
    asked.backward(*table())
    assert code_of(asked).settled
    assert not background._waiting
    held.set()


def test_a_single_set_of_numbers_gives_way_too(held):
    model = MLP(6, [12, 1], seed=0)
    fast = ag.jit(lambda x: model([*x]) ** 2)
    before = fast.backward(np.ones(6))
    code = code_of(fast)
    assert not code.settled
    held.set()
    background.wait()
    assert code.settled
    assert fast.backward(np.ones(6)) == before


def test_an_interrupt_while_compiling_leaves_nothing_broken(monkeypatch):
    X, y = table()
    expected = ag.jit(network(), batched=True, background=False).backward(X, y)
    compiled = background.MachineCode._compile
    calls = []

    def interrupted(self, level, **settings):
        calls.append(level)
        if len(calls) == 1:
            raise KeyboardInterrupt
        compiled(self, level, **settings)

    monkeypatch.setattr(background.MachineCode, "_compile", interrupted)
    fast = ag.jit(network(), batched=True)
    with pytest.raises(KeyboardInterrupt):
        fast.backward(X, y)
    assert fast.backward(X, y) == expected
    background.wait()
    assert fast.backward(X, y) == expected


def test_better_code_of_a_loop_takes_over_within_the_program_that_calls_it(held):
    model, (X, y) = network(), table(60)
    rows = [(x.tolist(), float(t)) for x, t in zip(X, y, strict=True)]
    fast = ag.jit(lambda: sum(model(x, t) for x, t in rows) / len(rows))
    loss = fast.backward()
    p = np.array([parameter.data for parameter in fast.parameters])
    value, slopes = fast.value_and_grad(p)
    composed = fast._latest().run()
    assert "loops" in fast.stats
    assert "value_and_grad" not in vars(fast)
    assert not composed.settled
    address = composed.address
    held.set()
    background.wait()
    assert composed.settled
    assert composed.address == address
    for _ in range(3):  # the last by the fast entry
        again, others = fast.value_and_grad(p)
        assert (again, others.tobytes()) == (loss, slopes.tobytes()) == (value, slopes.tobytes())
    assert "value_and_grad" in vars(fast)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_child_of_a_fork_goes_on_with_what_is_left(held):
    X, y = table()
    fast = ag.jit(network(), batched=True)
    expected = fast.backward(X, y)
    child = os.fork()
    if not child:
        held.set()
        same = fast.backward(X, y) == expected
        background.wait()
        os._exit(0 if same and code_of(fast).settled and fast.backward(X, y) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


PROGRAM = """
import sys
import numpy as np
import autograd_mini as ag
from autograd_mini import MLP
models = [MLP(3, [16, 1], seed=seed) for seed in range(4)]
for model in models:
    fast = ag.jit(lambda x, model=model: model([*x]), batched=True, **SETTINGS)
    loss = fast.backward(np.ones((10, 3)))
print(repr(loss), fast.parameters[0].grad)
"""


def run(settings=""):
    text = PROGRAM.replace("SETTINGS", f"dict({settings})")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_interpreter_ends_in_order_while_code_is_compiled():
    assert run() == run("background=False")


# --- the cache ---


@pytest.fixture
def place(tmp_path):
    """A folder below others that nobody else may write to."""
    return tmp_path / "kept"


def entries(place):
    return sorted(place.glob("*.code"))


def compiled(place):
    """Compile with a folder, and return a loss."""
    X, y = table()
    return ag.jit(network(), batched=True, cache=place, background=False).backward(X, y)


def compilations(monkeypatch):
    made, whole = [], background.object_file
    monkeypatch.setattr(background, "object_file", lambda *given: made.append(given) or whole(*given))
    return made


def test_machine_code_is_kept_and_not_compiled_again(place, monkeypatch):
    X, y = table()
    expected = ag.jit(network(), batched=True, background=False).backward(X, y)
    made = compilations(monkeypatch)
    for round_ in range(3):
        assert compiled(place) == expected
        assert (len(made), len(entries(place))) == (1, 1), round_
    assert place.stat().st_mode & 0o077 == 0
    assert entries(place)[0].stat().st_mode & 0o077 == 0
    assert not [*place.glob(".*")], "no temporary file is left"


def test_another_process_takes_the_code_of_the_first(place):
    first = run(f"cache={str(place)!r}, background=False")
    before = {path: path.read_bytes() for path in entries(place)}
    assert len(before) >= 1
    assert run(f"cache={str(place)!r}") == first == run("background=False")
    assert {path: path.read_bytes() for path in entries(place)} == before


def test_better_code_of_the_background_is_kept(place):
    X, y = table()
    fast = ag.jit(network(), batched=True, cache=place)
    expected = fast.backward(X, y)
    background.wait()
    assert len(entries(place)) == 1
    again = ag.jit(network(), batched=True, cache=place)
    assert again.backward(X, y) == expected
    assert code_of(again).settled


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "changed", "another file", "a folder", "a link", "writable", "foreign"]
)
def test_an_entry_that_is_damaged_or_foreign_is_ignored(place, damage, monkeypatch, tmp_path):
    expected = compiled(place)
    (entry,) = entries(place)
    whole = entry.read_bytes()
    if damage == "a folder":
        entry.unlink()
        entry.mkdir()
    elif damage == "a link":
        (tmp_path / "elsewhere").write_bytes(whole)
        entry.unlink()
        entry.symlink_to(tmp_path / "elsewhere")
    elif damage == "writable":
        entry.chmod(0o666)
    elif damage == "foreign":
        if os.geteuid():
            pytest.skip("only root can give files away")
        os.chown(entry, 12345, 12345)
    else:
        contents = {
            "cut": whole[:-100],
            "empty": b"",
            "changed": whole[:-9] + b"X" + whole[-8:],
            "another file": b"hello",
        }
        entry.write_bytes(contents[damage])
    made = compilations(monkeypatch)
    assert compiled(place) == expected
    assert len(made) == 1, "it was compiled"
    assert compiled(place) == expected
    assert len(made) == 1 + (damage == "a folder"), "and written anew"


def test_a_cache_that_others_can_write_to_is_refused(tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    for path in (open_to_all, open_to_all / "below"):
        with pytest.raises(ValueError, match=r"cache is .*, expected a folder of your own"):
            ag.jit(lambda x: x, cache=path)
    for wrong in (3, b"bytes", 1.5):
        with pytest.raises(TypeError, match="expected the path of a folder, or True"):
            ag.jit(lambda x: x, cache=wrong)


def test_a_cache_whose_folder_becomes_open_to_others_is_not_used_any_more(place):
    X, y = table()
    fast = ag.jit(network(), batched=True, cache=place, background=False)
    place.chmod(0o777)
    assert fast.backward(X, y) == compiled(None)
    assert not entries(place)


def test_the_usual_cache_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled(True)
    assert len(entries(tmp_path / "autograd_mini")) == 1


def test_code_for_another_processor_or_of_another_version_has_another_name(monkeypatch):
    text = "define void @f() { ret void }"
    names = {cache.name_of(text, 2), cache.name_of(text, 1), cache.name_of(text + " ", 2)}
    monkeypatch.setattr(llvmlite, "__version__", "0.0.0")
    names.add(cache.name_of(text, 2))
    made_for = cache.target()
    monkeypatch.setattr(cache, "target", lambda: made_for._replace(cpu="another"))
    names.add(cache.name_of(text, 2))
    assert len(names) == 5
    assert cache.name_of("call void inttoptr (i64 7 to ptr)()", 2) == ""


def test_code_with_addresses_of_the_process_is_not_kept(place):
    fast = ag.jit(lambda x: round(x * 1.5, 1), batched=True, cache=place, background=False)
    assert np.isfinite(fast([1.5])).all()
    assert "inttoptr (" in fast.llvm
    assert not entries(place)


def test_a_full_or_protected_folder_costs_nothing_but_time(place, monkeypatch):
    expected = compiled(None)
    monkeypatch.setattr(cache.os, "open", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert compiled(place) == expected


def test_the_oldest_entries_make_room(place, monkeypatch):
    monkeypatch.setattr(cache, "MOST", 8)
    cache.folder(place)
    for at in range(12):
        cache.write(str(place), f"{at:02}.code", b"x")
        os.utime(place / f"{at:02}.code", (at, at))
    assert 6 <= len(entries(place)) <= 9
    assert cache.read(str(place), "11.code") == b"x"
    assert cache.read(str(place), "00.code") is None
