"""Measure how far back trained networks look, and how their state is best warmed up."""

from pathlib import Path

import numpy as np

from statelab import arrays, command, files, params, plots, reach, results
from statelab.layouts import Windows
from statelab.scores import SCORES
from statelab.sequences import Sequences, head_of

with command.quiet_import():
    from statelab import horizon, models

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
    score = SCORES[head_of(data.targets)[0]].main
    seed = params.load("seed")
    networks = {mode: models.read(trained / mode, network=None) for mode in MODES}
    reset = results.read_json(trained / "stateful" / "data.json")["reset"]
    measured = {
        mode: horizon.measure(
            each,
            data,
            cut,
            stateful=mode == "stateful",
            reset=reset,
            rng=np.random.default_rng((seed, 3)),
        )
        for mode, each in networks.items()
    }
    warmed_up = horizon.warm_up(
        networks["stateful"],
        data,
        cut,
        results.predictions_in_use(stateful).answers,
        reset=reset,
        naive=params.load("train_stateful")["batching"] == "contiguous",
        rng=np.random.default_rng((seed, 4)),
    )
    told = {
        **{
            mode: reach.summary(table, horizon.spread(data, cut))
            for mode, table in measured.items()
        },
        "warm_up": reach.warm_ups(warmed_up, score),
    }
    for sentence in reach.in_words(told).values():
        print(sentence)
    lags, burn_ins = reach.by_lag(measured), reach.by_burn_in(warmed_up)
    results.write_json(found, told)
    results.write_table(tables / "lags.csv", lags)
    results.write_table(tables / "warm_up.csv", burn_ins)
    with files.whole(tables / "horizon.svg") as stream:
        stream.write(plots.svg(plots.horizon(lags, burn_ins, score)))


if __name__ == "__main__":
    command.run(main)
