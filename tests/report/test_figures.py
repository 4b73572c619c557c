import numpy as np
import pandas as pd
from evaluations import mode_scores
from matplotlib.figure import Figure

from statelab.report import figures

HISTORY = pd.DataFrame(
    {
        "seed": [0, 1, 0, 1],
        "epoch": [1, 1, 2, 2],
        "accuracy": [0.5, 0.6, 0.7, 0.9],
        "test_accuracy": [0.5, 0.7, 0.8, 1.0],
    }
)


def drawn(ceiling) -> Figure:
    scored = {"stateful": mode_scores(ceiling={"accuracy": ceiling})}
    return figures.learning_curves({"stateful": HISTORY}, scored)


def test_learning_curves_draw_the_mean_of_the_seeds_and_the_ceiling():
    lines = {line.get_label(): line for line in drawn(0.95).axes[0].lines}
    test = lines["test, after the epoch"]
    np.testing.assert_allclose(test.get_ydata(), [0.6, 0.9])
    assert list(test.get_xdata()) == [1, 2]
    ceiling = lines["ceiling: 0.95"]
    assert list(ceiling.get_ydata()) == [0.95, 0.95]


def test_learning_curves_draw_no_ceiling_where_there_is_none():
    assert len(drawn(None).axes[0].lines) == 2


def test_learning_curves_share_a_scale_that_holds_the_lowest_of_all():
    low = HISTORY.assign(test_accuracy=HISTORY["test_accuracy"] - 0.375)
    scored = dict.fromkeys(("stateless", "stateful"), mode_scores())
    figure = figures.learning_curves({"stateless": low, "stateful": HISTORY}, scored)
    for panel in figure.axes:
        assert panel.get_ylim()[0] < 0.125


def test_learning_curves_of_values_are_of_the_absolute_error():
    columns = {"accuracy": "mae", "test_accuracy": "test_mae"}
    scored = {"stateful": mode_scores(ceiling={"rmse": None})}
    figure = figures.learning_curves(
        {"stateful": HISTORY.rename(columns=columns)}, scored
    )
    panel = figure.axes[0]
    assert panel.get_ylabel() == "mean absolute error" and panel.get_ylim()[0] == 0
    assert len(panel.lines) == 2


def test_beyond_has_a_panel_for_each_task_and_length():
    modes = {
        "stateless": {"mean": 0.25, "low": 0.2, "high": 0.4},
        "stateful": {"mean": 0.75, "low": 0.7, "high": 0.8},
    }
    rows = [
        {
            **modes,
            "score": "accuracy",
            "baseline": 0.5,
            "task": task,
            "length": 20,
            "label": label,
            "segment": segment,
        }
        for task, label in [("a", "each_step"), ("a", "end"), ("b", "end")]
        for segment in (1, None)
    ]
    one, two = figures.beyond(rows).axes
    assert one.get_title() == "a, 20 steps" and two.get_title() == "b, 20 steps"
    assert [text.get_text() for text in one.get_xticklabels()] == ["1", "all"]
    assert len(one.containers) == 4
    drawn = {
        line.get_color(): line.get_ydata().tolist()
        for line in (container.lines[0] for container in two.containers)
    }
    assert drawn == {
        figures.COLOURS["stateless"]: [0.25, 0.25],
        figures.COLOURS["stateful"]: [0.75, 0.75],
    }


def test_svg_gives_the_same_bytes_for_the_same_figure():
    one, two = (figures.svg(drawn(0.95)) for _ in range(2))
    assert one == two
    assert one.startswith(b"<?xml")
