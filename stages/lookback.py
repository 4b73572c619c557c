"""Search for the smallest window that is not worse than the best."""

from pathlib import Path

from statelab.config import params
from statelab.data.sequences import Sequences
from statelab.evaluation.baselines import forecast_of
from statelab.io import arrays, csv_files, files
from statelab.lookback import search_result
from statelab.lookback.decision import Rule
from statelab.networks.scores import OF_HEAD
from statelab.pipeline import command, progress, workspace
from statelab.report import figures
from statelab.samples import scaling

with command.lean_import():
    from statelab.lookback import executors, problem, scheduler, search, trial_store


def main(sequences: Path, trials: Path, answer: Path, drawn: Path) -> None:
    read, asked = params.read(), params.read(params.SEARCH)
    settings, made = asked["search"], read["generate"]
    with workspace.only_writer("lookback", trials):
        laid = problem.build_problem(
            arrays.read(sequences, Sequences),
            (trials.parent / "shards").resolve(),
            seed=read["seed"],
            scaled=scaling.wanted(read["window"]["scaling"], made["source"]),
            horizon=made["horizon"],
            window=read["window"],
            model=read["model"] | asked["model"],
            search=settings,
        )
        forecast = forecast_of(sequences / "names.json", read["evaluate"]["season"])
        baselines = problem.baselines(laid, forecast)
        rule = Rule.of(
            OF_HEAD[laid.ground.network.head].main.name,
            read["evaluate"]["margin"],
            baselines,
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
                scheduler.TrialScheduler(
                    crew, kept, lambda o: line(search_result.line(o))
                ),
                trials=settings["trials"],
                group=settings["group"],
                seed=read["seed"],
                rule=rule,
            )
            told = search_result.summary(
                outcomes,
                rule,
                low=space.low,
                high=space.high,
                grid_size=space.grid_size,
                asked=len(laid.asked),
                longest=laid.ground.longest,
                baselines=baselines,
            )
            told["adopt"] = search_result.adopt(
                told["settings"],
                settings,
                samples=problem.samples(laid, told["settings"]),
                forget_bias=asked["model"]["forget_bias"],
            )
            told["text"] = search_result.in_words(told)
            windows = sorted({each.window_length for each in outcomes})
            curve = search_result.curve(outcomes, rule, problem.ceilings(laid, windows))
            with files.atomic_write(trials) as stream:
                search_result.table(outcomes).to_parquet(stream, index=False)
            files.write_json(answer, told)
            csv_files.write(drawn / "curve.csv", curve)
            with files.atomic_write(drawn / "curve.svg") as stream:
                stream.write(figures.svg(figures.lookback(curve, told)))
    print(told["text"])


if __name__ == "__main__":
    command.run(main)
