"""Measure how far back trained networks look, and how their state is best warmed up."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from statelab.config import params
from statelab.config.modes import MODES
from statelab.data.sequences import Sequences, head_of
from statelab.evaluation.scoring import with_target
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import descriptions, predictions_chosen
from statelab.memory import budget, summary, summary_text
from statelab.networks.scores import OF_HEAD
from statelab.pipeline import command, paths
from statelab.report import figures
from statelab.samples import target_changes
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, locate_predictions, rewindow

with command.lean_import():
    from statelab.memory import attribution, warm_up
    from statelab.networks import saving
    from statelab.networks.architecture import seeds_of


def main() -> None:
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    windows = arrays.read(paths.WINDOWS, Windows)
    inputs = target_changes.read_inputs(paths.WINDOWS, sequences)
    units = UserUnits(sequences, target_changes.read(paths.WINDOWS))
    score = OF_HEAD[head_of(sequences.targets)[0]].main.name
    loaded = params.load()
    networks = {mode: saving.read(paths.model(mode), network=None) for mode in MODES}
    trained = [one for mode in MODES for one in descriptions(paths.predictions(mode))]
    most = budget.trained_inputs(
        trained, windows, seeds_of(networks["stateful"].weights)
    )
    known = {
        mode: files.read_json(paths.model(mode) / saving.DATA_FILE) for mode in MODES
    }
    cut = {mode: rewindow(windows, **known[mode]["layout"]) for mode in MODES}
    reset = known["stateful"]["reset"]
    measured = {}
    for mode in MODES:
        table = attribution.measure(
            networks[mode],
            inputs,
            cut[mode],
            stateful=mode == "stateful",
            reset=reset,
            units=units,
            most=most,
            rng=np.random.default_rng((loaded.seed, 3)),
        )
        if table is None:
            _not_measured(most)
            return
        measured[mode] = table
    by_burn_in = warm_up.score_by_burn_in(
        networks["stateful"],
        inputs,
        cut["stateful"],
        predictions_chosen(paths.predictions("stateful")).predictions,
        reset=reset,
        naive=loaded.train_stateful.batching == "contiguous",
        units=units,
        rng=np.random.default_rng((loaded.seed, 4)),
    )
    number, target = with_target(sequences, windows, "test")
    step = locate_predictions(windows, number).step
    spread = summary.target_spread(units.beyond_base(target, step))
    memory = {mode: summary.of_mode(table, spread) for mode, table in measured.items()}
    memory["warm_up"] = summary.of_warm_up(by_burn_in, score)
    lags, burn_ins = summary.by_lag(measured), summary.by_burn_in(by_burn_in)
    _write(memory, lags, burn_ins, figures.memory(lags, burn_ins, score))


def _not_measured(most: int) -> None:
    """Write the reason in the place of what would be measured."""
    memory = {"not_measured": budget.too_costly(most)}
    _write(
        memory,
        pd.DataFrame(columns=summary.LAG_COLUMNS),
        pd.DataFrame(columns=summary.BURN_IN_COLUMNS),
        figures.not_measured(summary_text.in_words(memory)["not_measured"]),
    )


def _write(
    memory: dict[str, Any], lags: pd.DataFrame, burn_ins: pd.DataFrame, figure: Figure
) -> None:
    for sentence in summary_text.in_words(memory).values():
        print(sentence)
    files.write_json(paths.MEMORY, memory)
    csv_files.write(paths.LAGS, lags)
    csv_files.write(paths.WARM_UP, burn_ins)
    with files.atomic_write(paths.MEMORY_FIGURE) as stream:
        stream.write(figures.svg(figure))


if __name__ == "__main__":
    command.run(main)
