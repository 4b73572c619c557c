"""Search for the smallest window that is not worse than the best."""

from pathlib import Path

from statelab import (
    arrays,
    command,
    files,
    lookback,
    metrics,
    params,
    plots,
    progress,
    results,
    scaling,
    workspace,
)
from statelab.lookback import Rule
from statelab.scores import SCORES
from statelab.sequences import Sequences

with command.quiet_import():
    from statelab import carrying, ground, ledger, search, workers


def main(sequences: Path, trials: Path, answer: Path, drawn: Path) -> None:
    read, asked = params.read(), params.read(params.SEARCH)
    settings, made = asked["search"], read["generate"]
    with workspace.only_writer("lookback", trials):
        laid = ground.lay(
            arrays.read(sequences, Sequences),
            (trials.parent / "shards").resolve(),
            seed=read["seed"],
            scaled=scaling.wanted(read["window"]["scaling"], made["source"]),
            horizon=made["horizon"],
            window=read["window"],
            model=read["model"] | asked["model"],
            search=settings,
        )
        forecast = metrics.forecast_of(
            sequences / "names.json", read["evaluate"]["season"]
        )
        baselines = ground.baselines(laid, forecast)
        rule = Rule.of(
            SCORES[laid.ground.network.head].main, read["evaluate"]["margin"], baselines
        )
        space = search.space(
            **settings | {"high": laid.high}, default_units=read["model"]["units"]
        )
        with (
            ledger.of(laid, settings | asked["model"]) as kept,
            workers.opened(laid.ground) as crew,
            progress.lines("lookback", " trials") as line,
        ):
            outcomes = search.search(
                space,
                carrying.Crew(crew, kept, lambda o: line(lookback.line(o))),
                trials=settings["trials"],
                group=settings["group"],
                seed=read["seed"],
                rule=rule,
            )
            told = lookback.summary(
                outcomes,
                rule,
                low=space.low,
                high=space.high,
                grid_size=space.grid_size,
                asked=len(laid.asked),
                longest=laid.ground.longest,
                baselines=baselines,
            )
            told["adopt"] = lookback.adopt(
                told["settings"],
                settings,
                samples=ground.samples(laid, told["settings"]),
                forget_bias=asked["model"]["forget_bias"],
            )
            told["text"] = lookback.in_words(told)
            windows = sorted({each.window_length for each in outcomes})
            curve = lookback.curve(outcomes, rule, ground.ceilings(laid, windows))
            with files.whole(trials) as stream:
                lookback.table(outcomes).to_parquet(stream, index=False)
            results.write_json(answer, told)
            results.write_table(drawn / "curve.csv", curve)
            with files.whole(drawn / "curve.svg") as stream:
                stream.write(plots.svg(plots.lookback(curve, told)))
    print(told["text"])


if __name__ == "__main__":
    command.run(main)
