import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from statelab import plots

HISTORY = pd.DataFrame(
    {
        "seed": [0, 1, 0, 1],
        "epoch": [1, 1, 2, 2],
        "accuracy": [0.5, 0.6, 0.7, 0.9],
        "test_accuracy": [0.5, 0.7, 0.8, 1.0],
    }
)


def drawn(ceiling) -> Figure:
    scored = {"stateful": {"ceiling": {"accuracy": ceiling}}}
    return plots.learning_curves({"stateful": HISTORY}, scored)


def test_learning_curves_draw_the_mean_of_the_seeds_and_the_ceiling():
    lines = {line.get_label(): line for line in drawn(0.95).axes[0].lines}
    test = lines["test, weights frozen"]
    np.testing.assert_allclose(test.get_ydata(), [0.6, 0.9])
    assert list(test.get_xdata()) == [1, 2]
    ceiling = lines["best that any model could reach: 0.95"]
    assert list(ceiling.get_ydata()) == [0.95, 0.95]


def test_learning_curves_draw_no_ceiling_where_there_is_none():
    assert len(drawn(None).axes[0].lines) == 2


def test_learning_curves_of_values_are_of_the_absolute_error():
    columns = {"accuracy": "mae", "test_accuracy": "test_mae"}
    scored = {"stateful": {"ceiling": {"rmse": None}}}
    figure = plots.learning_curves(
        {"stateful": HISTORY.rename(columns=columns)}, scored
    )
    panel = figure.axes[0]
    assert panel.get_ylabel() == "mean absolute error" and panel.get_ylim()[0] == 0
    assert len(panel.lines) == 2


def test_svg_gives_the_same_bytes_for_the_same_figure():
    one, two = (plots.svg(drawn(0.95)) for _ in range(2))
    assert one == two
    assert one.startswith(b"<?xml")
