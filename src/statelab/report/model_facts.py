"""What is known of one trained network: its settings, data, scores and names."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from statelab.config.settings import (
    GenerateSettings,
    StatefulSettings,
    StatelessSettings,
    WindowSettings,
)
from statelab.data.sequences import SPLITS, Sequences
from statelab.evaluation.evaluation import ModeScores
from statelab.networks.architecture import Architecture
from statelab.networks.scores import OF_HEAD
from statelab.samples.target_changes import TargetChange
from statelab.samples.windows import Windows, sample_lengths, sequences_in_split


class Counts(NamedTuple):
    """How much data there is."""

    sequences: dict[str, int]  # of each split, with `window.split: time` parts of them
    steps: int  # of all of them
    length: tuple[int, int]  # of a train sequence: the shortest, the longest
    sample: tuple[int, int]  # steps of a sample: of the shortest, of the longest


def count(sequences: Sequences, windows: Windows) -> Counts:
    """Count the sequences, and the steps of sequences and samples.

    Args:
        sequences: the steps.
        windows: how they are cut, and their split.
    """
    by_split = {
        name: sequences_in_split(windows, code) for name, code in SPLITS.items()
    }
    lengths = (windows.stop - windows.first)[by_split["train"]]
    return Counts(
        sequences={name: len(numbers) for name, numbers in by_split.items()},
        steps=len(sequences.values),
        length=(int(lengths.min()), int(lengths.max())),
        sample=sample_lengths(windows),
    )


class ModelFacts(NamedTuple):
    """One network of a training."""

    variant: str  # of the training: what is in use, or what was better on validation
    seed: int  # of the first network
    generate: GenerateSettings
    window: WindowSettings
    training: StatelessSettings | StatefulSettings
    architecture: Architecture
    counts: Counts
    scores: ModeScores  # of all networks
    own: Mapping[str, float]  # this network's, by the same names
    names: Mapping[str, Any] | None  # what names.json says of a file; None of a task
    network: int  # which one it is, counted from 0
    change: TargetChange | None = None  # that it takes and predicts; None for levels

    @property
    def mode(self) -> str:
        """`stateless` or `stateful`."""
        return "stateful" if self.training.stateful else "stateless"

    @property
    def main_score(self) -> str:
        """The score by which networks are compared."""
        return OF_HEAD[self.architecture.head].main.name


def data_name(generate: GenerateSettings) -> str:
    """Return what the data are called: a task, or the name of a file."""
    if generate.source == "task":
        return generate.task
    return generate.path.rstrip("/").rpartition("/")[2]
