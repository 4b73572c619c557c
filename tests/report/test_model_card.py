"""Cards of settings that differ, each from facts that a reader could count."""

import numpy as np
import project_params
import pytest
from evaluations import mode_scores, over_seeds

from statelab.data.sequences import Sequences
from statelab.networks.architecture import Architecture
from statelab.report import model_card, model_facts
from statelab.report.model_facts import ModelFacts
from statelab.samples.target_changes import TargetChange
from statelab.samples.windows import make_windows

INTERVAL = over_seeds(0.5, 0.4, 0.6, n=4)


@pytest.fixture
def counts():
    offsets = np.array([0, 5, 8, 12, 19])
    split = np.int8([0, 0, 1, 2])
    data = Sequences(np.zeros((19, 2), np.float32), offsets, np.zeros(19))
    windows = make_windows(offsets, split, layout="subsampled", window_length=3)
    return model_facts.count(data, windows)


def params(**changes):
    """What params.yaml says, with changes of its sections."""
    changes = {"window": {}, **changes}
    changes["window"] = {"split": "sequence", **changes["window"]}
    return project_params.params(**changes)


def a_card(
    counts, settings=None, mode="stateful", head="regression", outputs=1, **changes
):
    settings = settings or params()
    main = "rmse" if head == "regression" else "accuracy"
    bounds = {main: 0.75, f"final_{main}": 0.7}
    facts = ModelFacts(
        variant="in use",
        seed=settings.seed,
        generate=settings.generate,
        window=settings.window,
        training=getattr(settings, f"train_{mode}"),
        architecture=Architecture("gru", head, 2, 3, features=2, outputs=outputs),
        counts=counts,
        scores=mode_scores(
            {
                main: INTERVAL,
                f"final_{main}": over_seeds(1234.56, 0.4, 0.6, n=4),
                f"running_{main}": INTERVAL,
            },
            ceiling=dict.fromkeys(bounds),
            constant=bounds,
        ),
        own={main: 0.25, f"final_{main}": 0.125},
        names=None,
        network=0,
    )
    return model_card.card(facts._replace(**changes))


def test_count_counts_sequences_by_split_and_steps_of_those_that_train(counts):
    assert counts == model_facts.Counts(
        sequences={"train": 2, "validation": 1, "test": 1},
        steps=19,
        length=(3, 5),
        sample=(3, 3),
    )


def test_a_card_of_a_forecast_names_columns_and_stands_beside_naive_ones(counts):
    text = a_card(
        counts,
        mode="stateless",
        network=2,
        names={
            "features": ["heat|`C", "load"],
            "classes": None,
            "forecast": {"feature": 0, "horizon": 6},
        },
        settings=params(
            generate={"source": "csv", "path": "plant/a.csv", "missing": "fill"},
            window={"layout": "subsampled", "window_length": 3, "split": "time"},
        ),
        scores=mode_scores(
            {"rmse": over_seeds(0.5, n=1)},
            ceiling={"rmse": None},
            constant={"rmse": 0.75},
            persistence={"rmse": 0.625},
        ),
        own={"rmse": 0.8},
    )
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows == [
        "| score | this network | mean of 1 | 95 % interval | mean of train | "
        "persistence |",
        "| --- | --: | --: | --: | --: | --: |",
        "| rmse | 0.8000 | 0.5000 | – | 0.7500 | 0.6250 |",
    ]
    for fact in (
        "- **Features**: `heat|'C`, `load`.",
        "- **Target**: the value of `heat|'C`, 6 steps ahead.",
        "- **Parts of sequences**: 2 train, 1 validation, 1 test; 3 to 5 steps in",
        "- **Scaling**: features and values, by mean",
        "- **Lookback**: at most 3 steps: those of its sample up to its own.",
        "- **Seed**: 2; this is network 2 of 10",
        # (2 + 3 inputs, 2 · 3 of state, 2 · 2 biases) · 9, and a dense layer of 4
        "- **Parameters**: 139.",
        "on test, 0.8000, is no better than that of a constant prediction, 0.7500.",
        "test split of `a.csv`, 1 sequences",
        "One network was trained",
        "It takes exactly 3 steps at a time, and no state",
        "follow its train steps",
        "filled with the value before",
        "MLflow holds network 0, not this one.",
    ):
        assert fact in text
    assert "validation split:" not in text and "ceiling" not in text


def test_a_card_says_how_far_state_is_carried(counts):
    stateful = {
        "reset": "every_20",
        "gradient_window": 2,
        "burn_in": 1,
        "batch_size": 7,
    }
    text = a_card(counts, params(train_stateful=stateful))
    for fact in (
        "- **Lookback**: at most 20 steps.",
        "- **Update interval**: 3 steps of each lane, in batches of 7.",
        "- **Gradient window**: at most 2 steps.",
        "- **Reset interval**: state is zero at each sequence, and each 20 steps.",
        "- **State**: 6 numbers.",
        "State was reset every 20 steps",
        "The first 1 step of a sequence did not count",
        "| final_rmse | 0.1250 | 1,234.56 | 0.4000 to 0.6000 | 0.7000 |",
        'params = {"state": output["state"].ravel()}',
        "no sequence of more than 5 steps",
    ):
        assert fact in text
    assert "no better" not in text and "running" not in text
    never = {"reset": "never", "batching": "contiguous"}
    text = a_card(counts, params(train_stateful=never))
    assert "In training, state was never reset" in text
    assert "Its batches were naive" in text
    assert "- **Reset interval**: state is zero at each epoch." in text


def test_a_card_of_classes_says_which_probability_is_which(counts):
    text = a_card(counts, head="multiclass", outputs=3)
    assert (
        "the probability of each class, in the order below, at each time step" in text
    )
    assert "- **Classes**: `0`, `1`, `2`." in text
    text = a_card(
        counts,
        head="binary",
        names={"features": ["x", "y"], "classes": ["no", "yes"], "forecast": None},
    )
    assert "the probability of class `yes` at each time step" in text
    # an accuracy of 0.25 where the most frequent class has 0.75
    assert "Its accuracy on test, 0.2500, is no better than that of a constant" in text


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (
            TargetChange("difference", 1, horizon=6),
            "it takes `load` minus that of 1 step before, 0 where a sequence has none, "
            "and predicts a change: add it to the value of the step itself.",
        ),
        (
            TargetChange("log_difference", 1, horizon=6),
            "it takes the logarithm of `load` minus that of 1 step before, 0 where a "
            "sequence has none, and predicts a change: multiply its exponential by the "
            "value of the step itself.",
        ),
        (
            TargetChange("seasonal_difference", 1, horizon=6, season=4),
            "it takes `load` minus that of 4 steps before, 0 where a sequence has "
            "none, and predicts a change: add it to the value of 2 steps before, or "
            "else of the step itself.",
        ),
    ],
)
def test_a_card_says_which_changes_a_network_takes_and_gives(counts, change, fact):
    forecast = {"feature": 1, "horizon": 6}
    names = {"features": ["heat", "load"], "classes": None, "forecast": forecast}
    settings = params(generate={"source": "csv", "path": "a.csv"})
    text = a_card(counts, settings, names=names, change=change)
    assert f"- **Changes**: {fact} `statelab predict` does both" in text
    assert "It predicts a change of a value, as below, at each time step." in text
    assert "Changes" not in a_card(counts, settings, names=names)
