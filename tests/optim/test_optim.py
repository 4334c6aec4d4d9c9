"""The optimisers: their arithmetic against PyTorch, their state, and what they refuse."""

import copy
import importlib.util
import json
import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import MLP, fit, optim
from autograd_mini.optim import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, optimizers
from autograd_mini.optim import optimizer as optimizer_module
from autograd_mini.optim.hyperparameters import flag, nonnegative, share
from autograd_mini.optim.optimizer import vectorised
from autograd_mini.train import fitting as fitting_module

finite = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-3)
# Two implementations can agree to rounding only where the denominator of Adam's step is no rounding error itself:
# either it remembers the squares of earlier gradients, or eps keeps it from zero.
moments = st.fixed_dictionaries(
    {"betas": st.tuples(st.floats(0, 0.999), st.floats(0.5, 0.999)), "eps": st.floats(1e-10, 0.1)}
) | st.fixed_dictionaries({"betas": st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)), "eps": st.floats(0.01, 0.1)})
settings_of = {
    "SGD": st.fixed_dictionaries(
        {
            "lr": st.floats(0, 1),
            "momentum": st.just(0.0) | st.floats(0.01, 1.2),
            "dampening": st.just(0.0) | st.floats(-1, 1),
            "weight_decay": st.just(0.0) | st.floats(0, 0.5),
            "nesterov": st.booleans(),
            "maximize": st.booleans(),
        }
    ).map(lambda s: s | {"nesterov": s["nesterov"] and s["momentum"] > 0 and s["dampening"] == 0}),
    "Adam": st.fixed_dictionaries(
        {
            "lr": st.floats(0, 1),
            "weight_decay": st.just(0.0) | st.floats(0, 0.5),
            "amsgrad": st.booleans(),
            "maximize": st.booleans(),
        }
    ).flatmap(lambda s: moments.map(lambda m: s | m)),
}
settings_of["AdamW"] = settings_of["Adam"]
named = st.sampled_from(sorted(settings_of)).flatmap(lambda name: st.tuples(st.just(name), settings_of[name]))


@st.composite
def runs(draw):
    """Draw an optimiser's name and settings, where its parameters start, and their gradients step by step."""
    name, chosen = draw(named)
    size = draw(st.integers(1, 4))
    start = draw(st.lists(finite, min_size=size, max_size=size))
    row = st.lists(st.none() | finite, min_size=size, max_size=size)
    return name, chosen, start, draw(st.lists(row, min_size=1, max_size=8))


def parameters_at(numbers):
    return [SimpleNamespace(data=x, grad=0.0) for x in numbers]


def take_steps(optimizer, params, rows):
    """Take a step for every row of gradients and list the parameters after each."""
    path = []
    for row in rows:
        for p, g in zip(params, row, strict=True):
            p.grad = g
        optimizer.step()
        path.append([p.data for p in params])
    return path


@settings(deadline=None)
@given(runs())
def test_a_run_equals_pytorch_s_to_rounding(run):
    torch = pytest.importorskip("torch")
    name, chosen, start, rows = run
    ours = parameters_at(start)
    path = take_steps(getattr(optim, name)(ours, **chosen), ours, rows)
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in start]
    reference = getattr(torch.optim, name)(theirs, **chosen)
    # Relative to the terms of the sums: a result near zero is a difference of them.
    size = max(map(abs, [*start, *(g for row in rows for g in row if g is not None), *(x for xs in path for x in xs)]))
    for row, reached in zip(rows, path, strict=True):
        for p, g in zip(theirs, row, strict=True):
            p.grad = None if g is None else torch.tensor(g, dtype=torch.float64)
        reference.step()
        assert reached == pytest.approx([p.item() for p in theirs], rel=1e-12, abs=1e-12 * size)


@settings(deadline=None)
@given(runs(), st.data())
def test_saving_and_loading_between_two_steps_changes_no_bit(run, data):
    name, chosen, start, rows = run
    pause = data.draw(st.integers(0, len(rows)))
    whole = parameters_at(start)
    path = take_steps(getattr(optim, name)(whole, **chosen), whole, rows)
    first = parameters_at(start)
    saved = getattr(optim, name)(first, **chosen)
    take_steps(saved, first, rows[:pause])
    text = json.dumps(saved.state_dict())
    second = parameters_at([p.data for p in first])
    resumed = getattr(optim, name)(second)
    resumed.load_state_dict(json.loads(text))
    assert take_steps(resumed, second, rows[pause:]) == path[pause:]
    assert json.dumps(saved.state_dict()) == text, "a state that was saved shares nothing with the optimiser"


@settings(deadline=None)
@given(runs())
def test_a_parameter_without_a_gradient_stays_and_keeps_its_state(run):
    name, chosen, start, rows = run
    together = parameters_at(start)
    take_steps(getattr(optim, name)(together, **chosen), together, rows)
    for index, x in enumerate(start):
        alone = parameters_at([x])
        take_steps(getattr(optim, name)(alone, **chosen), alone, [[r[index]] for r in rows if r[index] is not None])
        assert alone[0].data == together[index].data


@pytest.mark.parametrize(
    ("optimizer", "reached"),
    [
        (lambda p: SGD(p, lr=0.1), [0.81, 2.63]),
        (lambda p: SGD(p, lr=0.1, momentum=0.9, dampening=0.5), [0.727, 3.158]),
        (lambda p: SGD(p, 0.1, 0.9, weight_decay=0.01, nesterov=True), [0.43357095819099994, 3.9620984599819997]),
        (lambda p: Adam(p, lr=0.1), [0.7414531318466477, 2.267217124080151]),
        (
            lambda p: Adam(p, lr=0.1, betas=(0.5, 0.6), weight_decay=0.1, amsgrad=True),
            [0.7590977913904363, 2.230912805304191],
        ),
        (lambda p: AdamW(p, lr=0.1), [0.738747808953727, 2.2609234897933135]),
    ],
)
def test_three_steps_give_the_numbers_that_pytorch_gives(optimizer, reached):
    params = parameters_at([1.0, 2.0])
    take_steps(optimizer(params), params, [[0.5, -3.0], [1.5, -4.0], [-0.1, 0.7]])
    assert [p.data for p in params] == pytest.approx(reached, rel=1e-14)


def test_defaults_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    for name in settings_of:
        ours = getattr(optim, name)(parameters_at([0.0])).param_groups[0]
        theirs = getattr(torch.optim, name)([torch.zeros(())]).param_groups[0]
        assert {k: v for k, v in ours.items() if k != "params"} == {k: theirs[k] for k in ours if k != "params"}


def test_optimisers_are_found_by_name():
    assert {kind.__name__ for kind in OPTIMIZERS.values()} == {*optimizers.__all__} <= {*optim.__all__}
    assert [OPTIMIZERS[name] for name in ("sgd", "adam", "adamw")] == [SGD, Adam, AdamW]


def test_an_optimiser_written_as_one_class_is_found_by_fit_and_moves_all_parameters_at_once(monkeypatch):
    monkeypatch.setattr(optimizer_module, "OPTIMIZERS", {})
    monkeypatch.setattr(fitting_module, "OPTIMIZERS", optimizer_module.OPTIMIZERS)

    class RMSprop(Optimizer, name="rmsprop", rate=0.02):
        """Steps divided by the root of a running mean of squared gradients (Tieleman, Hinton, 2012)."""

        _checks = {"lr": nonnegative, "alpha": share, "eps": nonnegative, "maximize": flag}  # noqa: RUF012
        _start = {"square_avg": 0.0, "calls": 0}  # noqa: RUF012

        def __init__(self, params, lr=0.01, alpha=0.99, eps=1e-8, *, maximize=False):
            super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "maximize": maximize})

        def _names(self, _settings):
            return ("square_avg", "calls")

        def _formula(self, settings, algebra):
            lr, alpha, eps = settings["lr"], settings["alpha"], settings["eps"]

            def move(x, g, square, calls):
                square = alpha * square + (1 - alpha) * g * g
                return x - lr * algebra.quotient(g, algebra.root(square) + eps), square, calls + 1

            return move

    X = [[row % 7 - 3.0, row % 3 - 1.0] for row in range(64)]
    y = [row[0] - 2.0 * row[1] for row in X]

    def trained(**arguments):
        model = MLP(2, [4, 1], activation="tanh", seed=0)
        history = fit(model, X, y, loss="mse", optimizer="rmsprop", epochs=3, batch_size=8, **arguments)
        return history, [parameter.data for parameter in model.parameters()]

    history, eager = trained(compile=False)
    assert history["lr"] == [0.02] * 3
    assert vectorised(RMSprop(MLP(2, [1]).parameters())) is not None
    backends = ["numpy", "llvm"] if importlib.util.find_spec("llvmlite") else ["numpy"]
    for backend in backends:
        history, compiled = trained(compile=backend)
        assert history.backend == backend
        assert compiled == pytest.approx(eager, rel=1e-9)


@given(
    run=named,
    numbers=st.lists(finite, min_size=1, max_size=4),
    rows=st.lists(st.lists(finite, min_size=4, max_size=4), min_size=1, max_size=4),
)
@settings(max_examples=60)
def test_a_vectorised_optimiser_takes_the_steps_of_the_optimiser_itself(run, numbers, rows):
    np = pytest.importorskip("numpy")
    name, chosen = run
    one, all_at_once = parameters_at(numbers), parameters_at(numbers)
    eager, array = (getattr(optim, name)(params, **chosen) for params in (one, all_at_once))
    steps = vectorised(array)
    for row in rows:
        gradient = row[: len(numbers)]
        take_steps(eager, one, [gradient])
        with np.errstate(all="ignore"):
            steps.step(np.array(gradient))
    steps.settle()
    assert [p.data for p in all_at_once] == pytest.approx([p.data for p in one], rel=1e-12, abs=1e-300, nan_ok=True)
    state, expected = array.state_dict()["state"], eager.state_dict()["state"]
    for column in state:  # of columns that a step does not need the eager optimiser keeps none either
        assert state[column] == pytest.approx(expected[column], rel=1e-12, abs=1e-300, nan_ok=True)


def test_parameters_may_come_from_a_generator():
    params = parameters_at([1.0, 2.0])
    optimizer = SGD((p for p in params), lr=1.0)
    take_steps(optimizer, params, [[1.0, 1.0], [1.0, 1.0]])
    assert [p.data for p in params] == [-1.0, 0.0]


def test_integers_become_floats():
    params = parameters_at([1])
    optimizer = SGD(params, lr=1, momentum=1)
    take_steps(optimizer, params, [[2], [0]])
    assert [type(params[0].data), *map(type, optimizer.state_dict()["state"]["momentum_buffer"])] == [float, float]


def test_the_learning_rate_can_be_read_and_set_both_ways():
    optimizer = SGD(parameters_at([1.0]), lr=0.5)
    assert optimizer.lr == optimizer.param_groups[0]["lr"] == 0.5
    optimizer.lr = 0.25
    assert optimizer.param_groups[0]["lr"] == 0.25
    optimizer.param_groups[0]["lr"] = 2
    take_steps(optimizer, optimizer.param_groups[0]["params"], [[1.0]])
    assert optimizer.param_groups[0]["params"][0].data == -1.0


def test_zero_grad_sets_every_gradient_to_zero():
    params = parameters_at([1.0, 2.0])
    params[0].grad, params[1].grad = 3.0, None
    SGD(params).zero_grad()
    assert [p.grad for p in params] == [0.0, 0.0]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_nan_gradient_makes_a_nan_parameter_and_leaves_the_others(kind):
    params = parameters_at([1.0, 2.0])
    take_steps(kind(params, lr=0.1), params, [[math.nan, 0.0]])
    assert math.isnan(params[0].data)
    assert not math.isnan(params[1].data)


@pytest.mark.parametrize(("gradient", "expected"), [(0.0, math.nan), (1e-200, -math.inf), (-1e-200, math.inf)])
def test_without_eps_a_vanishing_denominator_divides_as_ieee_says(gradient, expected):
    params = parameters_at([1.0])
    take_steps(Adam(params, eps=0.0), params, [[gradient]])
    assert params[0].data == pytest.approx(expected, nan_ok=True)


def test_amsgrad_can_be_switched_on_in_the_middle():
    params = parameters_at([1.0])
    optimizer = Adam(params)
    take_steps(optimizer, params, [[1.0]])
    optimizer.param_groups[0]["amsgrad"] = True
    take_steps(optimizer, params, [[1.0]])
    saved = optimizer.state_dict()["state"]
    assert saved["max_exp_avg_sq"] == saved["exp_avg_sq"]


def test_a_step_without_momentum_keeps_the_buffer_for_later():
    params = parameters_at([0.0])
    optimizer = SGD(params, lr=1.0, momentum=0.5)
    for momentum in (0.5, 0.0, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        take_steps(optimizer, params, [[1.0]])
    assert params[0].data == -1.0 - 1.0 - 1.5


def test_a_state_shares_no_list_with_the_optimiser():
    params = parameters_at([0.0])
    optimizer = SGD(params, lr=1.0, momentum=0.5)
    take_steps(optimizer, params, [[1.0]])
    saved = optimizer.state_dict()
    expected = copy.deepcopy(saved)
    saved["state"]["momentum_buffer"][0] = 7.0
    assert optimizer.state_dict() == expected
    optimizer.load_state_dict(saved)
    saved["state"]["momentum_buffer"][0] = 8.0
    assert optimizer.state_dict()["state"]["momentum_buffer"] == [7.0]


def test_a_copy_goes_its_own_way():
    params = parameters_at([1.0])
    optimizer = SGD(params, lr=1.0, momentum=0.5)
    take_steps(optimizer, params, [[1.0]])
    twin = copy.deepcopy(optimizer)
    twin.step()
    assert params[0].data == 0.0
    assert twin.param_groups[0]["params"][0].data == -1.5


def test_repr_names_the_size_and_the_settings():
    assert repr(Adam(parameters_at([1.0, 2.0]), lr=0.1)).startswith("Adam(2 parameters, lr=0.1, betas=(0.9, 0.999), ")


def test_parameters_that_stand_there_twice_are_refused_with_their_positions():
    with pytest.raises(ValueError, match=r"params\[1\], params\[2\] are one and the same SimpleNamespace"):
        SGD([*parameters_at([1.0]), *parameters_at([1.0]) * 2])
    with pytest.raises(ValueError, match=r"params\[3\], \.\.\. are"):
        SGD(parameters_at([1.0]) * 5)


@pytest.mark.parametrize(
    ("params", "error", "says"),
    [
        ([], ValueError, "params is empty"),
        (
            SimpleNamespace(data=1.0, grad=0.0),
            TypeError,
            r"is one SimpleNamespace, expected a list of parameters such as model\.parameters\(\)",
        ),
        ([SimpleNamespace(data=1.0)], TypeError, r"params\[0\] is of type SimpleNamespace"),
        ([{"params": []}], TypeError, r"params\[0\] is of type dict"),
        ({1.0}, TypeError, "params is a set"),
        ([SimpleNamespace(data=1.0, grad=0.0, op="add")], ValueError, "result of add"),
    ],
)
def test_what_is_no_list_of_parameters_is_refused(params, error, says):
    with pytest.raises(error, match=says):
        SGD(params)


@pytest.mark.parametrize(
    ("kind", "chosen", "error", "says"),
    [
        (SGD, {"lr": -0.1}, ValueError, r"lr is -0\.1, expected a number of at least 0"),
        (SGD, {"lr": math.nan}, ValueError, "lr is nan, expected a finite number"),
        (SGD, {"lr": "fast"}, TypeError, "lr is 'fast', expected a number"),
        (SGD, {"lr": None}, TypeError, "lr is None, expected a number"),
        (SGD, {"momentum": -1}, ValueError, "momentum is -1, expected a number of at least 0"),
        (SGD, {"weight_decay": -1}, ValueError, "weight_decay is -1, expected a number of at least 0"),
        (SGD, {"dampening": math.inf}, ValueError, "dampening is inf, expected a finite number"),
        (SGD, {"nesterov": True}, ValueError, r"momentum is 0\.0 .* expected momentum > 0"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, r"dampening 0\.1, expected"),
        (SGD, {"nesterov": 1, "momentum": 0.9}, TypeError, "nesterov is 1, expected True or False"),
        (
            Adam,
            {"betas": (0.9, 1.0)},
            ValueError,
            r"betas\[1\] is 1\.0, expected a number of at least 0 and less than 1",
        ),
        (Adam, {"betas": (-0.1, 0.9)}, ValueError, r"betas\[0\] is -0\.1, expected"),
        (Adam, {"betas": 0.9}, TypeError, r"betas is 0\.9, expected a pair of numbers"),
        (Adam, {"betas": (0.9, "b")}, TypeError, r"betas\[1\] is 'b', expected a number"),
        (AdamW, {"eps": -1e-8}, ValueError, "eps is -1e-08, expected a number of at least 0"),
    ],
)
def test_settings_out_of_range_are_refused_by_name_and_value(kind, chosen, error, says):
    with pytest.raises(error, match=says):
        kind(parameters_at([1.0]), **chosen)


def test_settings_written_later_are_checked_too():
    optimizer = SGD(parameters_at([1.0]))
    with pytest.raises(ValueError, match="lr is -1, expected a number of at least 0"):
        optimizer.lr = -1
    optimizer.param_groups[0]["momentum"] = -1
    with pytest.raises(ValueError, match="momentum is -1, expected a number of at least 0"):
        optimizer.step()


def test_a_gradient_that_is_no_number_is_named_and_nothing_moves():
    params = parameters_at([1.0, 2.0])
    with pytest.raises(TypeError, match=r"the \.grad of parameter 1 is 'x' of type str, expected a number"):
        take_steps(SGD(params, lr=1.0), params, [[1.0, "x"]])
    assert params[0].data == 1.0


good = {
    "optimizer": "SGD",
    "param_groups": [SGD(parameters_at([0.0])).state_dict()["param_groups"][0] | {"momentum": 0.5}],
    "state": {"momentum_buffer": [1.0]},
}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ([], "no state of this SGD"),
        ({}, "'optimizer'"),
        (good | {"optimizer": "Adam"}, "it is one of 'Adam'"),
        (good | {"param_groups": []}, "no state of this SGD"),
        (good | {"param_groups": [good["param_groups"][0] | {"params": 2}]}, "it is for 2 parameters, not 1"),
        (good | {"param_groups": [good["param_groups"][0] | {"lr": -1}]}, "lr is -1, expected a number of at least 0"),
        (good | {"param_groups": [{"params": 1, "lr": 0.1}]}, "the setting 'momentum' is missing"),
        (good | {"state": []}, "no state of this SGD"),
        (good | {"state": {"velocity": [1.0]}}, "velocity"),
        (good | {"state": {"momentum_buffer": [1.0, 2.0]}}, "'momentum_buffer' is no list of 1 numbers"),
        (good | {"state": {"momentum_buffer": ["1"]}}, r"momentum_buffer\[0\] is '1'"),
        (good | {"state": {"momentum_buffer": [True]}}, r"momentum_buffer\[0\] is True"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state, says):
    optimizer = SGD(parameters_at([0.0]))
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=says):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before
    optimizer.load_state_dict(good)
    assert optimizer.state_dict() == good


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"step": [1.0]}, r"step\[0\] is 1\.0"),
        ({"step": [-1]}, r"step\[0\] is -1, which is negative"),
        ({"step": [10**400]}, r"which counts no steps"),
        ({"exp_avg": [None]}, r"exp_avg\[0\] is None"),
        ({"exp_avg": [10**400]}, r"exp_avg\[0\] is 1000"),
        ({"exp_avg_sq": [-1.0]}, r"exp_avg_sq\[0\] is -1\.0, which is negative"),
    ],
)
def test_adam_s_counts_are_whole_and_its_averages_of_squares_not_negative(change, says):
    params = parameters_at([0.0])
    optimizer = Adam(params)
    take_steps(optimizer, params, [[1.0]])
    saved = optimizer.state_dict()
    with pytest.raises(ValueError, match=says):
        optimizer.load_state_dict(saved | {"state": saved["state"] | change})
    with pytest.raises(ValueError, match="its state lacks 'exp_avg'"):
        optimizer.load_state_dict(saved | {"state": {"step": [1], "exp_avg_sq": [1.0]}})
