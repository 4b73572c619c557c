"""Measure how far back trained networks look, and how their state is best warmed up."""

import numpy as np

from statelab.config import params
from statelab.config.modes import MODES
from statelab.data.sequences import Sequences, head_of
from statelab.evaluation.scoring import with_target
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_chosen
from statelab.memory import summary, summary_text
from statelab.networks.scores import OF_HEAD
from statelab.pipeline import command, paths
from statelab.report import figures
from statelab.samples import target_changes
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, locate_predictions, rewindow

with command.lean_import():
    from statelab.memory import attribution, warm_up
    from statelab.networks import saving


def main() -> None:
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    windows = arrays.read(paths.WINDOWS, Windows)
    inputs = target_changes.read_inputs(paths.WINDOWS, sequences)
    units = UserUnits(sequences, target_changes.read(paths.WINDOWS))
    score = OF_HEAD[head_of(sequences.targets)[0]].main.name
    loaded = params.load()
    networks = {mode: saving.read(paths.model(mode), network=None) for mode in MODES}
    known = {
        mode: files.read_json(paths.model(mode) / saving.DATA_FILE) for mode in MODES
    }
    cut = {mode: rewindow(windows, **known[mode]["layout"]) for mode in MODES}
    reset = known["stateful"]["reset"]
    measured = {
        mode: attribution.measure(
            trained,
            inputs,
            cut[mode],
            stateful=mode == "stateful",
            reset=reset,
            units=units,
            rng=np.random.default_rng((loaded.seed, 3)),
        )
        for mode, trained in networks.items()
    }
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
    for sentence in summary_text.in_words(memory).values():
        print(sentence)
    lags, burn_ins = summary.by_lag(measured), summary.by_burn_in(by_burn_in)
    files.write_json(paths.MEMORY, memory)
    csv_files.write(paths.LAGS, lags)
    csv_files.write(paths.WARM_UP, burn_ins)
    with files.atomic_write(paths.MEMORY_FIGURE) as stream:
        stream.write(figures.svg(figures.memory(lags, burn_ins, score)))


if __name__ == "__main__":
    command.run(main)
