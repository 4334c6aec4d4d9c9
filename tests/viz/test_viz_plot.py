"""Plots: what they draw, where, and what they say when they cannot."""

from __future__ import annotations

import math
import warnings

import pytest

from autograd_mini import MLP, Value, datasets
from autograd_mini.viz import descend

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 - the backend comes first

from autograd_mini.viz import plot  # noqa: E402 - only with matplotlib


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def bowl(x, y):
    return x * x + 6 * y * y


POINTS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("draw", "size"),
    [
        (lambda ax: plot.loss_curve([3.0, 2.0, 1.0], ax=ax), 1),
        (lambda ax: plot.decision_boundary(MLP(2, [2, 1], seed=0), POINTS, [0, 1, 1, 0], ax=ax, resolution=8), 1),
        (lambda ax: plot.weights(MLP(2, [2, 1], seed=0), ax=ax), 1),
    ],
    ids=["loss_curve", "decision_boundary", "weights"],
)
def test_a_plot_is_drawn_on_the_axes_given_and_returns_them(draw, size):
    figure, ax = plt.subplots(size)
    assert draw(ax) is ax
    figure.canvas.draw()
    assert ax.get_title(loc="left")


def test_losses_are_on_a_logarithmic_axis_unless_one_is_0():
    assert plot.loss_curve([1.0, 0.1]).get_yscale() == "log"
    assert plot.loss_curve([1.0, 0.0]).get_yscale() == "linear"
    assert plot.loss_curve([1.0, math.nan, 0.1]).get_yscale() == "log"


def test_a_history_with_validation_shows_both_losses_and_the_best_epoch():
    class History:
        loss = (1.0, 0.5, 0.4)
        validation_loss = (1.1, 0.6, 0.7)
        best_epoch = 2

    ax = plot.loss_curve(History())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation", "best: epoch 2"]


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="holds no loss, expected at least one"):
        plot.loss_curve([])


def test_the_line_of_a_boundary_is_where_the_probability_is_a_half():
    def model(x):
        return 2.0 * x[0] - 1.0  # a logit: 0 at x = 0.5

    ax = plot.decision_boundary(model, POINTS, [0, 1, 0, 1], resolution=21)
    lines = [
        path.vertices
        for c in ax.collections
        if c.get_array() is not None and len(c.get_array()) == 1
        for path in c.get_paths()
    ]
    assert len(lines) == 1
    assert [x for x, _ in lines[0]] == pytest.approx([0.5] * len(lines[0]), abs=1e-9)


def test_a_sigmoid_output_is_a_probability_already():
    model = MLP(2, [1], output="sigmoid", seed=0)
    for parameter, number in zip(model.parameters(), (4.0, 0.0, -1.0), strict=True):
        parameter.data = number
    ax = plot.decision_boundary(model, POINTS, [0, 1, 0, 1], resolution=40)
    lines = [
        path.vertices
        for c in ax.collections
        if c.get_array() is not None and len(c.get_array()) == 1
        for path in c.get_paths()
    ]
    assert [x for x, _ in lines[0]] == pytest.approx([0.25] * len(lines[0]), abs=0.01)


def test_of_several_outputs_the_largest_decides():
    ax = plot.decision_boundary(MLP(2, [3], seed=1), POINTS, [0, 1, 2, 0], resolution=12)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class 0", "class 1", "class 2"]


def test_plotting_a_boundary_records_nothing_and_changes_no_gradient():
    model = MLP(2, [2, 1], seed=0)
    model(POINTS[1]).backward()
    before = [p.grad for p in model.parameters()]
    plot.decision_boundary(model, POINTS, [0, 1, 1, 0], resolution=5)
    assert [p.grad for p in model.parameters()] == before


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "X has 0 rows"),
        ([[1.0]], [0], "rows of two numbers"),
        (POINTS, [0], "expected 4, one for each row of X"),
    ],
    ids=["none", "one input", "too few targets"],
)
def test_wrong_points_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        plot.decision_boundary(MLP(2, [1], seed=0), X, y)


def test_a_surface_has_the_path_on_both_axes():
    path = descend(bowl, (2.0, 1.0), lr=0.05, steps=30)
    solid, flat = plot.surface(bowl, path, resolution=12)
    solid.figure.canvas.draw()
    assert len(solid.lines) == 1
    assert len(flat.lines[0].get_xdata()) == len(path.points)
    assert solid.name == "3d"


def test_the_path_on_a_surface_or_a_map_may_be_an_array():
    path = pytest.importorskip("numpy").array([[1.0, 1.0], [0.5, 0.5]])
    assert plot.surface(bowl, path, resolution=5)[1].lines
    assert plot.contour(bowl, path, resolution=5).lines


def test_a_surface_needs_two_axes_and_pairs():
    with pytest.raises(ValueError, match="expected two axes"):
        plot.surface(bowl, ax=plt.subplots(1, 2)[1])
    with pytest.raises(ValueError, match="two coordinates"):
        plot.surface(bowl, [(1.0,)])


@pytest.mark.parametrize("start", [-2.0, (-2.0, 1.5)], ids=["one number", "two numbers"])
def test_learning_rates_have_one_plot_each_that_says_how_it_ended(start):
    f = (lambda x: (x - 1) ** 2) if isinstance(start, float) else bowl
    rates = [0.01, 0.3, 1.05] if isinstance(start, float) else [0.01, 0.13, 0.2]
    axes = plot.learning_rates(f, start, rates, steps=120, resolution=12)
    titles = [ax.get_title(loc="left") for ax in axes]
    assert [title.split("\n")[1].split()[0] for title in titles] == ["120", "converged", "diverged"]


def test_the_gradient_flow_needs_gradients():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    with pytest.raises(ValueError, match="call backward"):
        plot.gradient_flow(model)
    model([1.0, 2.0]).backward()
    ax = plot.gradient_flow(model)
    heights = [bar.get_height() for bar in ax.patches]
    first = [abs(p.grad) for p in model.layers[0].parameters()]
    assert heights[0] == pytest.approx(sum(first) / len(first))
    assert heights[2] == pytest.approx(max(first))


def test_the_cells_of_a_small_model_hold_their_weights():
    model = MLP(2, [1], seed=0)
    texts = {text.get_text() for text in plot.weights(model).texts}
    assert f"{model.layers[0].neurons[0].w[0].data:.2f}" in texts


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"autograd_mini\[plot\]"):
        plot.loss_curve([1.0])


# --- descent ---


def test_a_descent_ends_converged_diverged_or_out_of_steps():
    assert descend(lambda x: x * x, 3.0, lr=0.3).stopped == "converged"
    assert descend(lambda x: x * x, 3.0, lr=1.1, steps=20).stopped == "diverged"
    assert descend(lambda x: x * x, 3.0, lr=1e200).stopped == "diverged"
    assert descend(lambda x: x * x, 3.0, lr=0.01, steps=5).stopped == "steps"


def test_a_descent_takes_the_step_of_the_gradient():
    path = descend(bowl, (1.0, 2.0), lr=0.01, steps=1)
    assert path.points == [(1.0, 2.0), (1.0 - 0.01 * 2.0, 2.0 - 0.01 * 24.0)]
    assert path.values == [25.0, bowl(*path.points[1])]


def test_a_descent_on_a_constant_has_nowhere_to_go():
    assert descend(lambda _: 3.0, 1.0).stopped == "converged"
    assert descend(lambda _: Value(3.0), 1.0).stopped == "converged"


@pytest.mark.parametrize("settings", [{"lr": -1.0}, {"lr": math.nan}, {"steps": -1}, {"tol": -1.0}])
def test_negative_settings_are_refused_by_name(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        descend(lambda x: x, 1.0, **settings)


def test_a_start_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match=r"x0\[1\]"):
        descend(bowl, (1.0, "2"))


def test_data_sets_can_be_plotted_as_they_come():
    X, y = datasets.moons(20, seed=0)
    assert plot.decision_boundary(MLP(2, [1], seed=0), X, y, resolution=5) is not None


def test_the_style_leaves_no_ground_and_its_ink_reads_on_white_and_on_dark():
    def luminance(colour):
        parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05

    with plt.rc_context():
        plot.style()
        ax = plot.loss_curve([1.0, 0.5])
        inks = {ax.title.get_color(), ax.xaxis.label.get_color(), ax.get_xticklabels()[0].get_color()}
        assert ax.figure.get_facecolor() == ax.get_facecolor() == (0.0, 0.0, 0.0, 0.0)
        for ink in inks:  # 3 is what large print and the lines of a plot need, by WCAG 2.1
            assert luminance("white") / luminance(ink) > 4.0
            assert luminance(ink) / luminance("#111111") > 4.0
        for colour in plt.rcParams["axes.prop_cycle"].by_key()["color"]:
            assert luminance("white") / luminance(colour) > 3.0
            assert luminance(colour) / luminance("#111111") > 3.0
    assert plt.rcParams["figure.facecolor"] != "none"


def test_a_legend_on_a_coloured_plane_is_dark_on_white_in_every_style():
    with plt.rc_context():
        plot.style()
        model = MLP(2, [2, 1], seed=0)
        for ax in (plot.decision_boundary(model, POINTS, [0, 1, 1, 0], resolution=8), plot.surface(bowl, [(1, 1)])[1]):
            legend = ax.get_legend()
            assert legend.get_frame().get_facecolor()[:3] == (1.0, 1.0, 1.0)
            assert {matplotlib.colors.to_hex(text.get_color()) for text in legend.get_texts()} == {"#1a1a1a"}


def test_a_surface_is_dots_inside_a_file_of_lines():
    assert plot.surface(bowl, resolution=5)[0].collections[0].get_rasterized()


def test_a_landscape_calls_its_axes_as_the_function_calls_its_arguments():
    def cost(w, b):
        return w * w + b * b

    solid, flat = plot.surface(cost, resolution=5)
    assert (solid.get_xlabel(), solid.get_ylabel(), solid.get_zlabel()) == ("w", "b", "cost")
    assert (flat.get_xlabel(), flat.get_ylabel()) == ("w", "b")
    assert plot.surface(lambda *p: p[0] + p[1], resolution=5)[0].get_zlabel() == "f"
    (ax,) = plot.learning_rates(lambda w: w * w, 1.0, [0.1])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w", "f")


@pytest.mark.parametrize("f", [bowl, lambda x, y: x + y, lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2])
def test_half_of_a_map_has_the_brighter_half_of_the_colours_as_far_as_powers_go(f):
    shapes = plot.contour(f, resolution=9).collections[0]
    heights = sorted(f(-3 + 0.75 * i, -3 + 0.75 * j) for i in range(9) for j in range(9))
    power = shapes.norm.gamma
    assert 0.3 <= power <= 1.0
    assert power in {0.3, 1.0} or shapes.norm(heights[40]) == pytest.approx(0.5)
    assert [*shapes.levels] == sorted({*shapes.levels})


def test_a_logarithmic_axis_has_numbers_written_out():
    ax = plot.loss_curve([0.7, 0.2, 0.04])
    ax.figure.canvas.draw()
    texts = [t.get_text() for t in (*ax.get_yticklabels(), *ax.get_yticklabels(minor=True)) if t.get_text()]
    assert {"0.1"} < {*texts}
    assert [f"{float(text):g}" for text in texts] == texts


def test_a_flat_landscape_is_drawn_too():
    plot.surface(lambda x, y: 0.0 * x * y, resolution=5)[0].figure.canvas.draw()


def test_contours_show_every_path_with_its_name_start_and_end():
    one, two = descend(bowl, (2.0, 1.0), lr=0.05, steps=5), [(1.0, 1.0), (0.5, 0.2)]
    ax = plot.contour(bowl, one, two, labels=["a descent", "points"], resolution=6)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a descent", "points"]
    places = [tuple(zip(*line.get_data(), strict=True)) for line in ax.lines]
    assert places == [tuple(one), tuple(one)[:1], tuple(one)[-1:], tuple(two), tuple(two)[:1], tuple(two)[-1:]]


def test_contours_without_a_path_show_the_bounds_asked_for():
    ax = plot.contour(bowl, bounds=((-1.0, 2.0), (0.0, 4.0)), resolution=6)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1.0, 2.0), (0.0, 4.0))


def test_contours_say_what_is_wrong_with_paths_and_labels():
    with pytest.raises(ValueError, match="two coordinates"):
        plot.contour(bowl, [(1.0, 2.0, 3.0)])
    with pytest.raises(ValueError, match="at least one"):
        plot.contour(bowl, [])
    with pytest.raises(ValueError, match="labels holds 2 names, expected 1"):
        plot.contour(bowl, [(1.0, 2.0)], labels=["a", "b"])


def test_a_boundary_among_several_needs_no_legend_of_its_own():
    figure, ax = plt.subplots(1, 2)
    for place, legend in zip(ax, (True, False), strict=True):
        plot.decision_boundary(MLP(2, [2, 1], seed=0), POINTS, [0, 1, 1, 0], ax=place, resolution=8, legend=legend)
    assert (ax[0].get_legend() is None, ax[1].get_legend() is None) == (False, True)
    assert len(figure.axes) == 3


def test_a_boundary_is_that_of_the_model_whether_or_not_it_can_be_compiled():
    class Stubborn(MLP):
        def __call__(self, x):
            return super().__call__([float(number) for number in x])  # a trace has no numbers yet

    levels = []
    for kind in (MLP, Stubborn):
        model = kind(2, [3, 1], activation="tanh", seed=1)
        ax = plot.decision_boundary(model, POINTS, [0, 1, 1, 0], resolution=9)
        levels.append([path.vertices.round(9).tolist() for path in ax.collections[0].get_paths()])
    assert levels[0] == levels[1]


def test_the_boundary_between_classes_runs_between_the_points_that_were_tried():
    def scores(x):
        return [x[0] + x[1], 0.9, -5.0]  # class 0 above a sloping line, class 1 below, class 2 nowhere

    ax = plot.decision_boundary(scores, POINTS, [0, 1, 1, 0], resolution=10)
    lines = [line for shapes in ax.collections if not shapes.get_facecolor().size for line in shapes.get_paths()]
    corners = [vertex for line in lines for vertex in line.vertices]
    assert len(corners) > 10
    assert {round(x + y, 9) for x, y in corners} == {0.9}


def test_one_class_everywhere_is_a_plane_without_a_boundary():
    plot.decision_boundary(lambda _: [1.0, 0.0, -1.0], POINTS, [0, 0, 0, 0], resolution=6).figure.canvas.draw()


def test_a_descent_takes_functions_of_numbers_and_functions_of_a_list():
    apart, together = (
        descend(lambda x, y: x * x + y * y, [1.0, 2.0]),
        descend(lambda x: x[0] ** 2 + x[1] ** 2, [1.0, 2.0]),
    )
    assert apart.points == together.points
    assert descend(lambda x: x * x, 1.0).stopped == "converged"


def test_a_plot_in_a_notebook_is_no_wider_than_its_page():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = "%matplotlib inline\nimport autograd_mini as ag\nag.plot.style()\nax = ag.plot.loss_curve([3.0, 2.0, 1.0])"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own
        nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    pictures = [output["data"].get("image/svg+xml", "") for output in notebook.cells[0].outputs if "data" in output]
    assert any('<svg style="max-width: 100%; height: auto"' in picture for picture in pictures)
