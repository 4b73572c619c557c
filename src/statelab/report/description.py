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
from statelab.io.predictions import (
    Predictions,
    predictions_chosen,
    predictions_in_use,
)
from statelab.networks import saving
from statelab.networks.architecture import Architecture
from statelab.pipeline import paths
from statelab.report import model_card, model_facts
from statelab.report.model_facts import ModelFacts
from statelab.samples import splitting, target_changes
from statelab.samples.windows import Windows, rewindow

TRAINED = ("batch_size", "epochs", "learning_rate")  # as they were decided


class Description(NamedTuple):
    """How well the networks of a mode do, and what one of them is."""

    variant: str  # whose networks are saved
    windows: Windows  # of that variant
    trained: dict[str, Any]  # of what is in use: `TRAINED`, as they were decided
    history: pd.DataFrame  # of what is in use
    table: pd.DataFrame  # of that, as `scoring.seed_scores` makes it
    scores: ModeScores  # of that
    architecture: Architecture
    card: str  # of a network that is saved


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
    predicted = root / paths.predictions(mode)
    used, chosen = predictions_in_use(predicted), predictions_chosen(predicted)
    own_windows = rewindow(windows, **chosen.layout)
    history = csv_files.read(root / paths.history(mode))
    architecture = saving.read(root / paths.model(mode)).architecture
    file = root / paths.SEQUENCES / NAMES_FILE  # of the user's own columns
    names = files.read_json(file) if file.exists() else None
    forecast = None
    if names is not None and names["forecast"]:
        forecast = Forecast(**names["forecast"], season=None)
    table, scores = _scores(used, sequences, windows, forecast, history)
    own_history = history if used.variant == chosen.variant else None
    own_table, own_scores = _scores(
        chosen, sequences, own_windows, forecast, own_history
    )
    training = StatefulSettings if mode == "stateful" else StatelessSettings
    section = schema.validated(training, read[f"train_{mode}"], "params.yaml")
    trained = {name: getattr(chosen, name) for name in TRAINED}
    window = schema.validated(WindowSettings, read["window"], "params.yaml")
    split = splitting.kind_of(sequences, window)
    facts = ModelFacts(
        variant=chosen.variant,
        seed=read["seed"],
        generate=generate_settings(read),
        window=window.model_copy(update={**chosen.layout, "split": split}),
        training=section.model_copy(update=trained),
        architecture=architecture,
        counts=model_facts.count(sequences, own_windows),
        scores=own_scores,
        own=own_table.iloc[network].to_dict(),
        names=names,
        network=network,
        change=target_changes.read(root / paths.WINDOWS),
    )
    card = model_card.card(facts)
    return Description(
        variant=chosen.variant,
        windows=own_windows,
        trained={name: getattr(used, name) for name in TRAINED},
        history=history,
        table=table,
        scores=scores,
        architecture=architecture,
        card=card,
    )


def _scores(
    predicted: Predictions,
    sequences: Sequences,
    windows: Windows,
    forecast: Forecast | None,
    history: pd.DataFrame | None,
) -> tuple[pd.DataFrame, ModeScores]:
    """Return the scores of each network of a variant, and of all of them."""
    table = scoring.seed_scores(predicted.predictions, sequences, windows, history)
    limits = bounds.of_scores(sequences, windows, predicted.visible_from, forecast)
    return table, ModeScores(scoring.intervals(table), *limits)


def generate_settings(read: Mapping[str, Any]) -> GenerateSettings:
    """Return section `generate` of what params.yaml said, typed."""
    return schema.validated(GenerateSettings, read["generate"], "params.yaml")
