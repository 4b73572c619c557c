import numpy as np
import pandas as pd
import pytest
from evaluations import evaluation, mode_scores, over_seeds

from statelab.report import inline_svg, page_figures
from statelab.samples.plan_summary import Places

# Two lanes of three batches: a sequence of 5 steps and one of 3 and then padding, in
# segments of 2 steps.
PLACES = Places(
    sequence=np.array([[0, 1], [0, 1], [0, -1]]),
    reset=np.array([[True, True], [False, False], [False, False]]),
    length=np.array([[2, 2], [2, 1], [1, 0]]),
    counts=np.array([[True, True], [True, True], [True, False]]),
)


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_lanes_are_ribbons_cut_where_state_is_zero():
    figure = page_figures.lanes(PLACES, timesteps=2)
    panel = figure.axes[0]
    marks = [tuple(line.get_xydata()[0]) for line in panel.lines]
    assert marks == [(0.56, 0.5), (0.56, 1.5)]  # in the middle of 0.12 to 1
    filled, padding, _, filled_below, padding_below, _ = panel.collections
    extents = [[p.get_extents().x0, p.get_extents().x1] for p in filled.get_paths()]
    assert extents == [[0.12, 1], [1, 2], [2, 2.5]]
    (rest,) = padding.get_paths()
    assert [rest.get_extents().x0, rest.get_extents().x1] == [2.5, 3]
    assert len(filled_below.get_paths()) == 2 and len(padding_below.get_paths()) == 2
    assert legend(figure) == ["state is reset", "state is carried", "padding"]


def test_lanes_without_padding_or_carried_state_have_none_in_the_legend():
    alone = PLACES._replace(
        sequence=np.array([[0, 1], [0, 2], [3, 1]]),
        reset=np.ones((3, 2), bool),
        length=np.full((3, 2), 2),
    )
    assert legend(page_figures.lanes(alone, timesteps=2)) == ["state is reset"]


def test_learning_curves_have_one_scale_and_a_panel_each():
    histories = {
        mode: pd.DataFrame(
            {"seed": [0, 0], "epoch": [1, 2], "mae": mae, "test_mae": mae}
        )
        for mode, mae in (("stateless", [9.0, 4.0]), ("stateful", [3.0, 1.0]))
    }
    scored = {mode: mode_scores(ceiling={"rmse": None}) for mode in histories}
    one, two = page_figures.learning_curves(histories, scored).values()
    assert len(one.axes) == len(two.axes) == 1
    low, high = one.axes[0].get_ylim()
    assert (low, high) == two.axes[0].get_ylim() and low == 0 and high > 9


def test_layouts_draw_each_score_beside_its_ceiling():
    def scored(mean, ceiling):
        scores = {"accuracy": over_seeds(mean, mean - 0.1, mean + 0.05)}
        return mode_scores(scores, ceiling={"accuracy": ceiling})

    rows = [
        ("a", evaluation(stateless=scored(0.5, 0.6), stateful=scored(0.8, 1.0))),
        ("b", evaluation(stateless=scored(0.3, 0.4), stateful=scored(0.7, 0.9))),
    ]
    figure = page_figures.layouts(rows, "accuracy")
    lines = figure.axes[0].lines
    means = [line.get_xdata()[0] for line in lines if line.get_marker() == "o"]
    ceilings = [line.get_xdata()[0] for line in lines if line.get_markersize() == 15]
    assert means == [0.5, 0.8, 0.3, 0.7] and ceilings == [0.6, 1.0, 0.4, 0.9]
    assert legend(figure) == ["stateless", "stateful", "ceiling"]


def test_units_are_a_map_of_units_by_steps():
    hidden = np.array([[0.5, -0.25], [0.1, 0.0], [0.2, 0.3]])  # [steps, units]
    reset = np.array([True, False, True])
    panel = page_figures.units(hidden, reset, np.array([10, 12, 14]), 0.5).axes[0]
    (image,) = panel.images
    np.testing.assert_array_equal(image.get_array(), hidden.T)
    assert image.get_extent() == [9, 15, 2, 0]
    assert panel.lines[0].get_xdata().tolist() == [10, 14]
    nothing = image.cmap(image.norm(0.0))
    assert nothing[3] < 0.01  # where h is 0 the page shows through


def test_predictions_ring_few_targets_and_draw_many_as_a_line():
    step = np.arange(1, 101)
    predicted = {"stateful": np.linspace(0, 1, 100)}
    few = np.full(100, np.nan)
    few[[4, 99]] = 1
    (panel,) = page_figures.predictions(predicted, few, step, "value").axes
    rings, carried = panel.lines
    assert rings.get_linestyle() == "None" and carried.get_linestyle() == "-"
    np.testing.assert_array_equal(carried.get_ydata(), predicted["stateful"])
    (panel,) = page_figures.predictions(predicted, step / 100, step, "value").axes
    line, _ = panel.lines
    assert line.get_linestyle() == "-"


def test_an_inlined_figure_takes_size_and_colours_from_the_page():
    figure = page_figures.lanes(PLACES, timesteps=2)
    svg, again = (inline_svg.inline(figure, "plan", 'a "b" <c>') for _ in range(2))
    assert svg == again
    head = svg[: svg.index(">") + 1]
    assert 'role="img" aria-label="a &quot;b&quot; &lt;c&gt;"' in head
    assert "viewBox" in head and "width" not in head and "height" not in head
    assert "currentColor" in svg and "<text" in svg
    assert not [colour for colour in inline_svg.THEME if colour in svg]
    ids = [part.split('"')[0] for part in svg.split(' id="')[1:]]
    used = [part.split('"')[0] for part in svg.split('href="#')[1:]]
    used += [part.split(")")[0] for part in svg.split("url(#")[1:]]
    assert set(used) <= set(ids) and all(name.startswith("plan-") for name in ids)


def test_differences_are_dots_and_a_mean_within_its_interval_beside_the_margin():
    # two pairs, 0.1 and 0.3: mean 0.2, and t of one degree of freedom is 12.7062
    by_name = {
        "one against the other": np.array([0.1, 0.3]),
        "noise": np.array([-0.05]),
    }
    panel = page_figures.differences(by_name, 0.02, "rmse").axes[0]
    zero, dots, mean, *_ = panel.lines
    assert dots.get_xdata().tolist() == [0.1, 0.3]
    assert mean.get_xdata().tolist() == [0.2]
    (bar,) = panel.collections[0].get_segments()
    assert bar[:, 0].tolist() == pytest.approx([0.2 - 1.27062, 0.2 + 1.27062], abs=1e-4)
    band = panel.patches[0].get_extents().transformed(panel.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-0.02, 0.02))
    assert [text.get_text() for text in panel.texts] == list(by_name)
