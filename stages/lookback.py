"""Search for the smallest window that is not worse than the best."""

from pathlib import Path

from statelab.config import params
from statelab.data.sequences import Sequences
from statelab.evaluation import scoring
from statelab.io import arrays, files, predictions
from statelab.lookback import decision
from statelab.lookback.decision import Rule
from statelab.networks.scores import SCORES
from statelab.pipeline import command, progress, workspace
from statelab.report import figures
from statelab.samples import scaling

with command.quiet_import():
    from statelab.lookback import executors, problem, scheduler, search, trial_store


def main(sequences: Path, trials: Path, answer: Path, drawn: Path) -> None:
    read, asked = params.read(), params.read(params.SEARCH)
    settings, made = asked["search"], read["generate"]
    with workspace.only_writer("lookback", trials):
        laid = problem.lay(
            arrays.read(sequences, Sequences),
            (trials.parent / "shards").resolve(),
            seed=read["seed"],
            scaled=scaling.wanted(read["window"]["scaling"], made["source"]),
            horizon=made["horizon"],
            window=read["window"],
            model=read["model"] | asked["model"],
            search=settings,
        )
        forecast = scoring.forecast_of(
            sequences / "names.json", read["evaluate"]["season"]
        )
        baselines = problem.baselines(laid, forecast)
        rule = Rule.of(
            SCORES[laid.ground.network.head].main, read["evaluate"]["margin"], baselines
        )
        space = search.space(
            **settings | {"high": laid.high}, default_units=read["model"]["units"]
        )
        with (
            trial_store.of(laid, settings | asked["model"]) as kept,
            executors.opened(laid.ground) as crew,
            progress.lines("lookback", " trials") as line,
        ):
            outcomes = search.search(
                space,
                scheduler.Crew(crew, kept, lambda o: line(decision.line(o))),
                trials=settings["trials"],
                group=settings["group"],
                seed=read["seed"],
                rule=rule,
            )
            told = decision.summary(
                outcomes,
                rule,
                low=space.low,
                high=space.high,
                grid_size=space.grid_size,
                asked=len(laid.asked),
                longest=laid.ground.longest,
                baselines=baselines,
            )
            told["adopt"] = decision.adopt(
                told["settings"],
                settings,
                samples=problem.samples(laid, told["settings"]),
                forget_bias=asked["model"]["forget_bias"],
            )
            told["text"] = decision.in_words(told)
            windows = sorted({each.window_length for each in outcomes})
            curve = decision.curve(outcomes, rule, problem.ceilings(laid, windows))
            with files.whole(trials) as stream:
                decision.table(outcomes).to_parquet(stream, index=False)
            predictions.write_json(answer, told)
            predictions.write_table(drawn / "curve.csv", curve)
            with files.whole(drawn / "curve.svg") as stream:
                stream.write(figures.svg(figures.lookback(curve, told)))
    print(told["text"])


if __name__ == "__main__":
    command.run(main)
