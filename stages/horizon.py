"""Measure how far back trained networks look, and how their state is best warmed up."""

from pathlib import Path

import numpy as np

from statelab.config import params
from statelab.data.sequences import Sequences, head_of
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_in_use
from statelab.memory import summary
from statelab.networks.scores import OF_HEAD
from statelab.pipeline import command
from statelab.report import figures
from statelab.samples.windows import Windows

with command.lean_import():
    from statelab.memory import attribution
    from statelab.networks import saving

MODES = ("stateless", "stateful")


def main(
    sequences: Path,
    windows: Path,
    trained: Path,
    stateful: Path,
    found: Path,
    tables: Path,
) -> None:
    data, cut = arrays.read(sequences, Sequences), arrays.read(windows, Windows)
    score = OF_HEAD[head_of(data.targets)[0]].main.name
    seed = params.read()["seed"]
    networks = {mode: saving.read(trained / mode, network=None) for mode in MODES}
    reset = files.read_json(trained / "stateful" / "data.json")["reset"]
    measured = {
        mode: attribution.measure(
            each,
            data,
            cut,
            stateful=mode == "stateful",
            reset=reset,
            rng=np.random.default_rng((seed, 3)),
        )
        for mode, each in networks.items()
    }
    warmed_up = attribution.warm_up(
        networks["stateful"],
        data,
        cut,
        predictions_in_use(stateful).answers,
        reset=reset,
        naive=params.read()["train_stateful"]["batching"] == "contiguous",
        rng=np.random.default_rng((seed, 4)),
    )
    told = {
        **{
            mode: summary.summary(table, attribution.spread(data, cut))
            for mode, table in measured.items()
        },
        "warm_up": summary.warm_ups(warmed_up, score),
    }
    for sentence in summary.in_words(told).values():
        print(sentence)
    lags, burn_ins = summary.by_lag(measured), summary.by_burn_in(warmed_up)
    files.write_json(found, told)
    csv_files.write(tables / "lags.csv", lags)
    csv_files.write(tables / "warm_up.csv", burn_ins)
    with files.atomic_write(tables / "horizon.svg") as stream:
        stream.write(figures.svg(figures.memory(lags, burn_ins, score)))


if __name__ == "__main__":
    command.run(main)
