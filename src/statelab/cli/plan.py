"""The command plan: what params.yaml means."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from statelab.cli.console import print_table
from statelab.config.modes import MODES
from statelab.pipeline import command

if TYPE_CHECKING:
    from statelab.data.sequences import Sequences
    from statelab.evaluation.variants import Variant
    from statelab.samples.scaling import Scaling
    from statelab.samples.windows import Windows


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
            feature = loaded.features.index(generate.columns.target)
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
    scaled = scaling.applies(checked.window.scaling, generate.source)
    fitted = scaling.fit(sequences, windows) if scaled else None
    columns, drawings = [], []
    for mode in MODES:
        training = Training(
            checked.model, getattr(checked, f"train_{mode}"), checked.seed
        )
        trained = variants.of(
            sequences, windows, training, checked.train_stateful, forecast
        )
        settings = trained[0].training.settings
        plan = plans.training_plan(windows, settings)
        summary = plan_summary.summarize(sequences, windows, plan, settings.burn_in)
        column = plan_summary.in_words(summary, settings)
        column["variants"] = ", ".join(variant.name for variant in trained)
        rates = [settings.learning_rate, *variants.other_rates(trained[0])]
        column["learning rates"] = ", ".join(f"{rate:g}" for rate in rates)
        column["splits"] = f"{splits}"
        if estimate:
            trainings = _trainings(windows, trained, len(rates), splits)
            column |= _estimated(sequences, windows, fitted, trained[0], trainings)
        columns.append(column)
        drawing = plan_summary.drawing(windows, plan, lanes=lanes, batches=batches)
        drawings.append("\n".join([f"{mode}, batch by batch:", *drawing]))
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    print_table(rows, "an epoch of training", *MODES)
    for text in drawings:
        print(f"\n{text}")


def _trainings(
    windows: "Windows", trained: "list[Variant]", rates: int, splits: int
) -> float:
    """Return how many times the time steps of what is in use are trained on in all.

    Each variant counts once, what is in use once more for each other learning rate, and
    the largest variant, which may be chosen, for each other split.
    """
    from statelab.samples import plans
    from statelab.samples.windows import rewindow, sample_lengths

    steps = []
    for variant in trained:
        settings = variant.training.settings
        table = rewindow(windows, **variant.layout)
        plan = plans.training_plan(table, settings)
        places = settings.epochs * plan.batches * plan.lanes
        steps.append(places * sample_lengths(table)[1])
    return (sum(steps) + (splits - 1) * max(steps)) / steps[0] + rates - 1


def _estimated(
    sequences: "Sequences",
    windows: "Windows",
    fitted: "Scaling | None",
    in_use: "Variant",
    trainings: float,
) -> dict[str, str]:
    with command.lean_import():
        from statelab.training import estimate
    costs = estimate.estimate(sequences, windows, in_use.training, fitted)
    return {
        "all trainings take, at most about": f"{costs.seconds * trainings:,.0f} s",
        "memory at the peak, about": f"{costs.memory / 1e6:,.0f} MB",
    }
