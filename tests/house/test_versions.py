"""Versions: networks announce their changes, and compiled functions compare one thing in place of every weight."""

from __future__ import annotations

import copy
import io
import json
import pickle
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import MLP, Layer, Module, Neuron, Parameter
from autograd_mini.engine.versions import VERSION, TrackedList, is_tracked

X = [0.5, -1.5]


def announced(change):
    """Return whether a change puts another version in place."""
    before = VERSION[0]
    change()
    return VERSION[0] is not before


# --- the list ---

CHANGES = {
    "append": lambda held: held.append(7),
    "extend": lambda held: held.extend([7, 8]),
    "insert": lambda held: held.insert(1, 7),
    "remove": lambda held: held.remove(1),
    "pop": lambda held: held.pop(),
    "pop at": lambda held: held.pop(0),
    "clear": lambda held: held.clear(),
    "sort": lambda held: held.sort(key=lambda entry: -entry, reverse=False),
    "reverse": lambda held: held.reverse(),
    "assign": lambda held: held.__setitem__(0, 7),
    "assign a slice": lambda held: held.__setitem__(slice(0, 2), [7]),
    "delete": lambda held: held.__delitem__(-1),
    "delete a slice": lambda held: held.__delitem__(slice(None, None, 2)),
    "+=": lambda held: held.__iadd__([7]),
    "*=": lambda held: held.__imul__(2),
    "shuffle": lambda held: random.Random(0).shuffle(held),
    "begin anew": lambda held: held.__init__([7]),
}


def test_every_method_that_changes_a_list_is_one_that_announces():
    asking = {"copy", "count", "index", "__add__", "__contains__", "__eq__", "__ge__", "__getitem__", "__gt__"}
    asking |= {"__iter__", "__le__", "__len__", "__lt__", "__mul__", "__ne__", "__repr__", "__reversed__", "__rmul__"}
    asking |= {"__class_getitem__", "__getattribute__", "__sizeof__", "__new__", "__doc__", "__hash__"}
    assert {name for name in vars(list) if name not in vars(TrackedList)} <= asking  # some Pythons have fewer


@pytest.mark.parametrize("name", CHANGES)
def test_a_tracked_list_changes_as_a_list_does_and_announces_it(name):
    held, plain = TrackedList([3, 1, 2]), [3, 1, 2]
    found = []
    assert announced(lambda: found.append(CHANGES[name](held)))
    assert found == [CHANGES[name](plain)]
    assert held == plain
    assert type(held) is TrackedList


def test_asking_a_tracked_list_announces_nothing():
    held = TrackedList([3, 1, 2])
    for ask in (len, repr, list, sorted, copy.copy, json.dumps, held.copy, held.count, lambda *_: held[0], sum):
        assert not announced(lambda ask=ask: ask(*() if ask == held.copy else (held,)))


def test_a_change_that_fails_half_way_is_announced():
    held, before = TrackedList(), VERSION[0]

    def half():
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        held.extend(half())
    assert held == [1]
    assert VERSION[0] is not before


@given(st.lists(st.integers() | st.text()))
def test_a_tracked_list_is_a_list_to_everybody(entries):
    held = TrackedList(entries)
    assert isinstance(held, list)
    assert (held, repr(held), json.dumps(held)) == (entries, repr(entries), json.dumps(entries))
    for part in (held[:], held + TrackedList(), held * 1, held.copy(), copy.copy(held)):
        assert (type(part), part) == (list, entries)
    ways = [lambda thing, at=at: pickle.loads(pickle.dumps(thing, at)) for at in range(pickle.HIGHEST_PROTOCOL + 1)]  # noqa: S301
    for way in (copy.deepcopy, pure_python, *ways):
        twin = way(held)
        assert (type(twin), twin, twin is held) == (TrackedList, entries, False)


def pure_python(thing):
    stream = io.BytesIO()
    pickle._Pickler(stream, 4).dump(thing)
    stream.seek(0)
    return pickle._Unpickler(stream).load()


def test_a_list_that_holds_itself_is_copied_and_shown_as_a_list():
    held = TrackedList()
    held.append(held)
    twin = copy.deepcopy(held)
    assert twin[0] is twin
    assert repr(held) == "[[...]]"


# --- what a model is ---


def test_a_model_looks_as_it_did():
    model = MLP(2, [2, 1], activation="tanh", seed=0)
    assert repr(model.layers) == "[Layer of [TanhNeuron(2), TanhNeuron(2)], Layer of [LinearNeuron(2)]]"
    assert model.layers == [*model.layers]
    assert [*vars(model)] == ["layers", "metadata"]
    assert [*vars(model.layers[0])] == ["neurons"]
    assert [*vars(model.layers[0].neurons[0])] == ["_activation", "w", "b"]
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 - our own bytes
        assert repr(twin) == repr(model)
        assert all(map(is_tracked, [twin.layers, *twin.layers, twin.layers[0].neurons[0].w]))


def test_a_model_whose_lists_are_plain_as_in_older_pickles_is_watched_all_the_same():
    model = MLP(2, [2, 1], seed=0)
    for layer in model.layers:
        for neuron in layer.neurons:
            neuron.w = [*neuron.w]
        layer.neurons = [*layer.neurons]
    model.layers = [*model.layers]
    data = pickle.dumps(model)
    assert b"TrackedList" not in data
    old = pickle.loads(data)  # noqa: S301 - our own bytes
    fast = ag.jit(lambda x: old([*x]), backend="python")
    assert fast(X) == old(X).data
    old.layers[0].neurons[0].w[0] = Parameter(9.0)
    old.layers[1].neurons[0].w.reverse()
    assert fast(X) == old(X).data


def test_a_name_that_is_wrong_is_refused_as_ever_and_can_be_deleted_only_if_it_is_there():
    neuron = Neuron(2)
    with pytest.raises(ValueError, match="activation is 'tahn', expected one of"):
        neuron.activation = "tahn"
    with pytest.raises(AttributeError):
        del neuron.nothing
    neuron.note = 1
    assert announced(lambda: delattr(neuron, "note"))


def test_a_subclass_with_a_way_of_its_own_to_assign_keeps_it():
    class Logged:
        def __setattr__(self, name, value):
            seen.append(name)
            super().__setattr__(name, value)

    class Mine(Neuron, Logged):
        pass

    seen = []
    assert not is_tracked(Mine(2))
    assert seen == ["activation", "_activation", "w", "b"]


# --- compiled functions ---

at = st.integers(0, 5)
edits = st.one_of(
    st.tuples(st.sampled_from(["layers", "neurons", "w"]), st.sampled_from(["swap", "double", "reverse", "pop"]), at),
    st.tuples(st.sampled_from(["w", "b"]), st.sampled_from(["replace", "same number"]), at),
    st.tuples(st.just("activation"), st.sampled_from(["tanh", "relu", None]), at),
    st.tuples(st.just("nonlin"), st.booleans(), at),
    st.tuples(st.sampled_from(["layer", "neuron"]), st.sampled_from(["replace", "dict"]), at),
    st.tuples(st.just("data"), st.just(0.25), at),
)


def edit(model, what, how, at):
    """Change a model, and leave it one that works."""
    layer = model.layers[at % len(model.layers)]
    neuron = layer.neurons[at % len(layer.neurons)]
    if how in {"swap", "double", "reverse", "pop"}:
        held = {"layers": model.layers, "neurons": layer.neurons, "w": neuron.w}[what]
        if how == "double":
            held *= 2
        elif how == "swap":
            held[0], held[-1] = held[-1], held[0]
        elif how == "reverse":
            held.reverse()
        elif len(held) > 1:
            held.pop(at % len(held))
    elif what in {"w", "b"}:
        old = neuron.b if what == "b" else neuron.w[at % len(neuron.w)]
        new = Parameter(old.data if how == "same number" else 9.0)
        if what == "b":
            neuron.b = new
        else:
            neuron.w[at % len(neuron.w)] = new
    elif what == "layer" and how == "dict":
        model.__dict__.update(MLP(2, [3, 2], seed=at).__dict__)
    elif what == "layer":
        model.layers = [Layer(2, 3, seed=at), Layer(3, 2, seed=at)]
    elif what == "neuron":
        layer.neurons = [Neuron(len(neuron.w), seed=at) for _ in layer.neurons]
    elif what == "data":
        neuron.b.data = how
    else:
        setattr(neuron, what, how)


def outcome(f):
    """Return numbers, or the class of an error, as for a model whose parts do not fit."""
    try:
        found = f()
    except Exception as error:  # noqa: BLE001 - any
        return type(error)
    return [getattr(y, "data", y) for y in (found if isinstance(found, list) else [found])]


@settings(deadline=None)
@given(st.lists(edits, min_size=1, max_size=6))
def test_any_sequence_of_edits_gives_what_the_model_gives(changes):
    model = MLP(2, [3, 2], seed=0)
    fast = ag.jit(lambda x: model([*x]), backend="python")
    for change in [("data", 0.5, 0), *changes]:
        edit(model, *change)
        expected = outcome(lambda: model(X))
        for _ in range(2):
            found = outcome(lambda: fast(X))
            assert found == (expected if isinstance(expected, type) else pytest.approx(expected))
    if not isinstance(expected, type):
        assert {*map(id, fast.parameters)} <= {*map(id, model.parameters())}


def test_the_guard_of_a_network_compares_as_much_for_many_weights_as_for_few():
    found = []
    for widths in ([1], [16, 16, 1]):
        model = MLP(2, widths, seed=0)
        fast = ag.jit(lambda x, model=model: model([*x]), backend="python")
        fast(X)
        found.append([place.name for place in fast._programs.state.dependencies.found if not place.tracked])
    assert found[0] == found[1]
    assert len(found[0]) <= 9


def test_a_change_of_another_network_makes_no_new_trace():
    model, other = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    fast = ag.jit(lambda x: model([*x]), backend="python")
    for _ in range(5):
        other.layers[0].neurons[0].w[0] = Parameter(1.0)
        assert fast(X) == model(X).data
    assert fast.stats["traces"] == 1


def test_a_network_inside_of_a_module_of_ones_own_is_watched_with_what_is_around_it():
    class Mine(Module):
        def __init__(self):
            self.scale, self.parts = 2.0, [Layer(2, 3, seed=0), Layer(3, 1, seed=0)]

        def forward(self, x):
            for part in self.parts:
                x = part(x)
            return x * self.scale

    model = Mine()
    fast = ag.jit(lambda x: model([*x]), backend="python")
    for change in (
        lambda: None,
        lambda: setattr(model, "scale", 3.0),
        model.parts[0].neurons[1].w.reverse,
        lambda: model.parts[0].neurons.sort(key=lambda neuron: neuron.w[0].data),
        lambda: model.parts.insert(1, Layer(3, 3, seed=4)),
        lambda: model.parts[1].neurons.__delitem__(0) or model.parts[2].neurons[0].w.pop(),
        lambda: vars(model).update(scale=5.0),
        lambda: setattr(model.parts[0].neurons[0], "__class__", type("Other", (Neuron,), {"__call__": lambda *_: 1.0})),
    ):
        change()
        assert fast(X) == pytest.approx(model(X).data)
    assert fast.stats["traces"] == 8


@pytest.mark.parametrize("when", range(2))
def test_what_another_thread_changes_while_a_function_is_traced_is_noticed(when):
    from concurrent.futures import ThreadPoolExecutor

    model = MLP(2, [3, 1], seed=0)
    neuron = model.layers[0].neurons[0]
    runs = iter(range(100))

    def f(x):
        y = model([*x])
        if next(runs) == when:
            pool.submit(setattr, neuron, "b", Parameter(5.0)).result()
        return y

    fast = ag.jit(f, backend="python")
    with ThreadPoolExecutor(1) as pool:
        for differentiate in (False, True, False, True):
            for again in range(2):
                if differentiate:
                    loss, _ = fast.value_and_grad([p.data for p in fast.parameters], X)
                else:
                    loss = fast(X)
                assert not again or loss == model(X).data
        assert {*fast.parameters} == {*model.parameters()}
    assert next(runs) > when


def test_a_function_that_makes_a_network_is_traced_until_nothing_changes():
    fast = ag.jit(lambda x: MLP(2, [3, 1], seed=0)([*x]), backend="python")
    for _ in range(3):
        assert fast(X) == MLP(2, [3, 1], seed=0)(X).data
    assert fast.stats["traces"] == 1


def test_ten_threads_that_change_networks_leave_nothing_unnoticed():
    from concurrent.futures import ThreadPoolExecutor

    model = MLP(2, [3, 1], seed=0)
    neuron = model.layers[0].neurons[0]
    fast = ag.jit(lambda x: model([*x]), backend="python")
    fast(X)

    def work(at):
        for step in range(50):
            neuron.b = Parameter(float((at + step) % 3))
            Neuron(1)
            fast(X)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for turn in range(5):
            with ThreadPoolExecutor(10) as pool:
                list(pool.map(work, range(10)))
            assert fast(X) == model(X).data, turn
    finally:
        sys.setswitchinterval(interval)
