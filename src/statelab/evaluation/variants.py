"""The variants of a training: in use, the same again, and other windows.

Each is trained and predicts for itself; evaluate chooses among them on validation, and
judges what it has chosen on test.
"""

from typing import Any, NamedTuple

from statelab.config.modes import AGAIN, IN_USE
from statelab.config.settings import AnyTrainSettings, Training
from statelab.data.sequences import SPLITS, Sequences
from statelab.errors import UserError
from statelab.samples import plan_summary, plans
from statelab.samples.windows import Windows, predicted_steps, rewindow, sample_lengths


class Variant(NamedTuple):
    """One of the trainings of a mode."""

    name: str
    layout: dict[str, Any]  # how its samples are cut; empty: as those in use
    gradient_window: int  # time steps
    training: Training


def of(sequences: Sequences, windows: Windows, training: Training) -> list[Variant]:
    """Return the variants that the settings of a training ask for.

    Args:
        sequences: the time steps and their targets.
        windows: as they are in use.
        training: what is in use, and in `settings` what is trained besides. `again`: as
            many networks once more, from the seeds that follow. `lookbacks`, without
            state: windows of so many time steps. `gradient_windows`, with state: the
            same samples, with other gradient windows; one that is longer than a sample
            makes segments as long, so that updates are rarer, too. `updates`: each
            variant is trained for as many whole epochs as come nearest to so many.

    Returns:
        What is in use first. One that comes to the same is left out.

    Raises:
        UserError: no sequence of a split is as long as a lookback.
    """
    model, settings, seed = training
    timesteps = sample_lengths(windows)[1]
    window = settings.gradient_window or timesteps
    variants = [Variant(IN_USE, {}, window, training)]
    if settings.again:
        again = Training(model, settings, seed + settings.seeds)
        variants.append(Variant(AGAIN, {}, window, again))
    # windows of one prediction have a stride of their own; samples side by side do not
    stride = int(windows.stride[0]) if predicted_steps(windows) == 1 else 1
    for lookback in settings.lookbacks or []:
        _require_a_sample(windows, lookback)
        layout = {"layout": "subsampled", "window_length": lookback, "stride": stride}
        if not _alike(windows, rewindow(windows, **layout)):
            variants.append(Variant(f"lookback {lookback}", layout, lookback, training))
    longest = int((windows.stop - windows.first).max())
    others = (min(steps, longest) for steps in settings.gradient_windows or [])
    for steps in dict.fromkeys(others):
        longer = steps > timesteps
        layout = {"layout": "per_timestep", "segment_length": steps} if longer else {}
        if steps != window:
            change = {"gradient_window": None if longer else steps}
            other = Training(model, settings.model_copy(update=change), seed)
            variants.append(Variant(f"gradient window {steps}", layout, steps, other))
    return [_with_epochs(variant, sequences, windows) for variant in variants]


def _with_epochs(variant: Variant, sequences: Sequences, windows: Windows) -> Variant:
    """Set the epochs of a variant to what comes nearest to its updates."""
    settings = variant.training.settings
    if settings.updates is None:
        return variant
    table = rewindow(windows, **variant.layout)
    epochs = round(settings.updates / updates_of_an_epoch(sequences, table, settings))
    changed = settings.model_copy(update={"epochs": max(epochs, 1)})
    return variant._replace(training=variant.training._replace(settings=changed))


def updates(sequences: Sequences, windows: Windows, variant: Variant) -> int | None:
    """Return the updates of each network; None where validation ends its training."""
    settings = variant.training.settings
    if settings.patience is not None:
        return None
    table = rewindow(windows, **variant.layout)
    return settings.epochs * updates_of_an_epoch(sequences, table, settings)


def updates_of_an_epoch(
    sequences: Sequences, windows: Windows, settings: AnyTrainSettings
) -> int:
    """Return how many batches of an epoch change the weights; one at least."""
    plan = plans.training_plan(windows, settings)
    summary = plan_summary.summarize(sequences, windows, plan, settings.burn_in)
    return max(summary.updates, 1)


def _alike(one: Windows, other: Windows) -> bool:
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def _require_a_sample(windows: Windows, lookback: int) -> None:
    steps = windows.stop - windows.first
    for name, code in SPLITS.items():
        longest = steps[windows.split == code].max(initial=0)
        if 0 < longest < lookback:
            raise UserError(
                f"`train_stateless.lookbacks` must leave a sample in {name}, of which "
                f"the longest sequence has {longest} steps. Received: {lookback}"
            )
