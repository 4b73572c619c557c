"""Describes what a training has left behind: its files -> scores, and a card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from statelab.baselines.naive import Forecast
from statelab.config import schema
from statelab.config.settings import (
    GenerateSettings,
    StatefulSettings,
    StatelessSettings,
    WindowSettings,
)
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.evaluation import bounds, scoring
from statelab.evaluation.evaluation import ModeScores
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_in_use
from statelab.networks import saving
from statelab.networks.architecture import Architecture
from statelab.pipeline import paths
from statelab.report import model_card, model_facts
from statelab.report.model_facts import ModelFacts
from statelab.samples.windows import Windows


class Description(NamedTuple):
    """How well the networks of a mode do, and what one of them is."""

    windows: Windows
    history: pd.DataFrame
    table: pd.DataFrame  # as `scoring.seed_scores` makes it
    scores: ModeScores
    architecture: Architecture
    card: str


def describe(
    mode: str, read: Mapping[str, Any], root: Path, *, network: int = 0
) -> Description:
    """Describe what a training has left behind.

    Args:
        mode: `stateless` or `stateful`.
        read: what params.yaml said when it was trained.
        root: of the workspace.
        network: which one the card is of, counted from 0.

    Raises:
        UserError: a file is missing.
    """
    sequences = arrays.read(root / paths.SEQUENCES, Sequences)
    windows = arrays.read(root / paths.WINDOWS, Windows)
    predicted = predictions_in_use(root / paths.predictions(mode))
    history = csv_files.read(root / paths.history(mode))
    architecture = saving.read(root / paths.model(mode)).architecture
    file = root / paths.SEQUENCES / NAMES_FILE  # of the user's own columns
    names = files.read_json(file) if file.exists() else None
    table = scoring.seed_scores(predicted.predictions, sequences, windows, history)
    forecast = None
    if names is not None and names["forecast"]:
        forecast = Forecast(**names["forecast"], season=None)
    limits = bounds.of_scores(sequences, windows, predicted.visible_from, forecast)
    scores = ModeScores(scoring.intervals(table), *limits)
    training = StatefulSettings if mode == "stateful" else StatelessSettings
    section = read[f"train_{mode}"]
    facts = ModelFacts(
        seed=read["seed"],
        generate=generate_settings(read),
        window=schema.validated(WindowSettings, read["window"], "params.yaml"),
        training=schema.validated(training, section, "params.yaml"),
        architecture=architecture,
        counts=model_facts.count(sequences, windows),
        scores=scores,
        own=table.iloc[network].to_dict(),
        names=names,
        network=network,
    )
    card = model_card.card(facts)
    return Description(windows, history, table, scores, architecture, card)


def generate_settings(read: Mapping[str, Any]) -> GenerateSettings:
    """Return section `generate` of what params.yaml said, typed."""
    return schema.validated(GenerateSettings, read["generate"], "params.yaml")
