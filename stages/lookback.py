"""Search for the smallest window that is not worse than the best."""

from statelab.baselines.naive import forecast_of
from statelab.config import params
from statelab.data.sequences import NAMES_FILE, Sequences, read_split
from statelab.io import arrays, csv_files, files
from statelab.lookback import search_result
from statelab.lookback.decision import Rule
from statelab.networks.scores import OF_HEAD
from statelab.pipeline import command, paths, progress, workspace
from statelab.report import figures

with command.lean_import():
    from statelab.lookback import problem, scheduler, search, trial_store
    from statelab.training import executors


def main() -> None:
    loaded, search_params = params.load(), params.load_search()
    settings = search_params.search
    with workspace.only_writer("lookback", paths.TRIALS):
        data = problem.build_problem(
            arrays.read(paths.SEQUENCES, Sequences),
            paths.SHARDS.resolve(),
            loaded,
            search_params,
            read_split(paths.SEQUENCES),
        )
        network = data.problem.network
        forecast = forecast_of(paths.SEQUENCES / NAMES_FILE, loaded.evaluate.season)
        baselines = problem.baselines(data, forecast)
        score = OF_HEAD[network.head].main.name
        rule = Rule.of(score, loaded.evaluate.margin, baselines)
        space = search.space(settings, data.longest_window, network.units)
        with (
            trial_store.opened(data, search_params) as folder,
            executors.from_environment(data.problem) as workers,
            progress.lines("lookback", " trials") as print_line,
        ):
            trial_scheduler = scheduler.TrialScheduler(
                workers, folder, lambda outcome: print_line(search_result.line(outcome))
            )
            outcomes = search.search(
                space,
                trial_scheduler.submit,
                trials=settings.trials,
                group=settings.group,
                seed=loaded.seed,
                rule=rule,
            )
            searched = search_result.Searched(
                low=space.low,
                high=space.high,
                grid_size=space.grid_size,
                scored_steps=len(data.scored_steps),
                longest_sequence=data.problem.longest_sequence,
                baselines=baselines,
            )
            result = search_result.summary(outcomes, rule, searched)
            chosen = result["settings"]
            samples = problem.samples(data, chosen)
            result["adopt"] = search_result.adopt(chosen, search_params, samples)
            result["text"] = search_result.in_words(result)
            windows = sorted({outcome.window_length for outcome in outcomes})
            ceilings = problem.ceilings(data, windows)
            curve = search_result.curve(outcomes, rule, ceilings)
            trials = search_result.records(outcomes)
            files.write_json(paths.TRIALS, {"trials": trials})
            files.write_json(paths.LOOKBACK, result)
            files.write_json(paths.LOOKBACK_HEADLINE, search_result.headline(result))
            csv_files.write(paths.LOOKBACK_CURVE, curve)
            with files.atomic_write(paths.LOOKBACK_CURVE_FIGURE) as stream:
                stream.write(figures.svg(figures.lookback(curve, result)))
    print(result["text"])


if __name__ == "__main__":
    command.run(main)
