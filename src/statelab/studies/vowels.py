"""Japanese vowels on their original split: 270 utterances train, 370 test.

Reference:
    Kudo, Toyama and Shimbo, Multidimensional Curve Classification Using Passing-Through
    Regions, Pattern Recognition Letters 20, 1999. The ensemble is that of
    github.com/postnubilaphoebus/Jap_Speak_Recog, 2021: 11 LSTMs, on utterances that
    were resampled to 26 steps.
"""

from pathlib import Path

import numpy as np

from statelab.config.settings import (
    GenerateSettings,
    ModelSettings,
    StatelessSettings,
    Training,
    WindowSettings,
)
from statelab.data import sources
from statelab.data.sequences import SPLITS
from statelab.networks.scores import accuracy
from statelab.pipeline.dvc_experiments import Sections, changed
from statelab.pipeline.progress import Progress
from statelab.samples import scaling, splitting
from statelab.samples.windows import predictions_of, sequences_in_split, with_targets
from statelab.studies.examples import EXAMPLES
from statelab.training import trainer

_COLUMNS = {
    "sequence": "id",
    "time": "time",
    "target": "target",
    "features": None,
    "categories": None,
    "split": "split",
}
MEMBERS = 11  # networks of an ensemble
RUNS = 10


def sections(file: Path) -> Sections:
    """Return the settings of whole utterances in docs/examples.md, but for the split.

    Args:
        file: a table with the column `split`.
    """
    return changed(
        EXAMPLES["vowels"].rows[1].sections,
        generate={"path": str(file), "columns": _COLUMNS},
        window={"split": "given", "validation_size": 0},
    )


def settings() -> dict[str, object]:
    """Return what a result rests on, in short."""
    made = sections(Path())
    names = ("epochs", "batch_size", "learning_rate", "schedule", "clipnorm")
    train = {name: made["train_stateless"][name] for name in names}
    return {**train, "units": made["model"]["units"]}


def scores(
    file: Path, *, members: int = 1, runs: int = RUNS, epochs: int | None = None
) -> np.ndarray:
    """Train networks on whole utterances, and score ensembles of them on the test.

    An ensemble predicts the mean of the probabilities of its members.

    Args:
        file: the table of `datasets.vowels_as_split`.
        members: networks of an ensemble; 1 for networks by themselves.
        runs: ensembles.
        epochs: passes; None for those of docs/examples.md.

    Returns:
        Accuracies, [runs].
    """
    made = sections(file)
    loaded = sources.load(GenerateSettings.model_validate(made["generate"]))
    window = WindowSettings.model_validate(made["window"])
    windows = splitting.split_and_window(
        loaded.sequences, window, seed=0, given=loaded.split
    )
    train = made["train_stateless"] | {"seeds": members * runs}
    training = StatelessSettings.model_validate(
        train if epochs is None else train | {"epochs": epochs}
    )
    trained = trainer.train(
        loaded.sequences,
        windows,
        Training(ModelSettings.model_validate(made["model"]), training, seed=0),
        scaling=scaling.fit(loaded.sequences, windows),
        progress=Progress(f"vowels, {training.seeds} networks", training.epochs),
    )
    tested = sequences_in_split(windows, SPLITS["test"])
    prediction, target = with_targets(
        loaded.sequences, windows, predictions_of(windows, tested)
    )
    return accuracy(ensembles(trained.predictions[:, prediction], members), target)


def ensembles(probability: np.ndarray, members: int) -> np.ndarray:
    """Return the mean of the probabilities of each so many networks.

    Args:
        probability: of each class, [networks, samples, classes].
        members: networks of an ensemble, which follow each other.

    Returns:
        [ensembles, samples, classes].

    Example:
        >>> ensembles(np.array([[[0.25, 0.75]], [[0.75, 0.25]], [[1, 0]], [[0, 1]]]), 2)
        array([[[0.5, 0.5]],
        <BLANKLINE>
               [[0.5, 0.5]]])
    """
    return probability.reshape(-1, members, *probability.shape[1:]).mean(axis=1)
