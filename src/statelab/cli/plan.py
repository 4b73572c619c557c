"""The command plan: what params.yaml means."""

import sys
from typing import Annotated

import typer

from statelab.cli.console import print_table
from statelab.config.modes import MODES


def show_plan(
    lanes: Annotated[int, typer.Option(min=1, help="Lanes to draw.")] = 8,
    batches: Annotated[int, typer.Option(min=1, help="Batches to draw.")] = 72,
    estimate: Annotated[
        bool, typer.Option(help="Train for some seconds, to tell how long it takes.")
    ] = True,
) -> None:
    """Show what params.yaml means, before anything is trained.

    Prints samples, updates and padding of an epoch, and draws what each lane of a batch
    reads: a letter for each sequence, a capital where state is zero, - for padding.
    """
    from statelab.baselines.naive import Forecast
    from statelab.config import params, schema
    from statelab.config.settings import Training
    from statelab.data import sources, tasks
    from statelab.evaluation import variants
    from statelab.samples import plan_summary, plans, scaling, splitting
    from statelab.samples.windows import dropped_notes

    read = params.read()
    checked = schema.check(read)
    generate, notes, forecast, given = checked.generate, [], None, None
    if generate.source == "task":
        sequences = tasks.make(generate, checked.seed)
    else:
        loaded = sources.load(generate)
        sequences, notes = loaded.sequences, [sources.in_words(loaded), *loaded.notes]
        given = loaded.split
        if generate.horizon > 0:
            feature = loaded.features.index(generate.forecast_feature)
            forecast = Forecast(feature, generate.horizon, checked.evaluate.season)
    windows = splitting.split_and_window(
        sequences,
        checked.window,
        seed=checked.seed,
        horizon=generate.horizon,
        given=given,
    )
    splits = splitting.count_of(sequences, checked.window, checked.evaluate.splits)
    for note in [*notes, *dropped_notes(windows)]:
        print(note, file=sys.stderr)
    columns, drawings, trained = [], [], {}
    for mode in MODES:
        training = Training(
            checked.model, getattr(checked, f"train_{mode}"), checked.seed
        )
        trained[mode] = variants.of(
            sequences, windows, training, checked.train_stateful, forecast
        )
        in_use = trained[mode][0]
        settings = in_use.training.settings
        plan = plans.training_plan(windows, settings)
        summary = plan_summary.summarize(sequences, windows, plan, settings.burn_in)
        column = plan_summary.in_words(summary, settings)
        column["variants"] = ", ".join(variant.name for variant in trained[mode])
        rates = [settings.learning_rate, *variants.other_rates(in_use)]
        column["learning rates"] = ", ".join(f"{rate:g}" for rate in rates)
        column["splits"] = f"{splits}"
        columns.append(column)
        drawing = plan_summary.drawing(windows, plan, lanes=lanes, batches=batches)
        drawings.append("\n".join([f"{mode}, batch by batch:", *drawing]))
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    print_table(rows, "an epoch of training", *MODES)
    if estimate:
        from statelab.cli import plan_costs

        scaled = scaling.applies(checked.window.scaling, generate.source)
        fitted = scaling.fit(sequences, windows) if scaled else None
        task = generate.source == "task"
        problem = plan_costs.Problem(sequences, windows, fitted, forecast, splits, task)
        costs = plan_costs.costs(problem, trained)
        seconds = costs.seconds | {"all": sum(costs.seconds.values())}
        rows = [(stage, f"{value:,.0f} s") for stage, value in seconds.items()]
        print_table(rows, "stage", "takes, at most about")
        peak = max(costs.memory.values())
        print(f"memory at the peak, about: {peak / 1e6:,.0f} MB")
    for text in drawings:
        print(f"\n{text}")
