"""The variants of a training: in use, the same again, and other windows.

Each is trained on the same budget and predicts for itself; `choice` chooses among them
on validation, and what it has chosen is judged on test.
"""

from typing import Any, NamedTuple

import numpy as np

from statelab.baselines import season
from statelab.baselines.naive import Forecast
from statelab.config.modes import AGAIN, IN_USE
from statelab.config.settings import AnyTrainSettings, Training
from statelab.data.sequences import SPLITS, Sequences
from statelab.errors import UserError
from statelab.samples import plan_summary, plans
from statelab.samples.windows import (
    Windows,
    predicted_steps,
    rewindow,
    sample_lengths,
    sequences_in_split,
)

FEW = 3  # networks that tell whether a window that nobody asked for may be the best
LONGEST = 64  # steps of a window that is tried where params.yaml does not say which
FACTOR = 4  # from one of them to the next, where values do not recur


class Budget(NamedTuple):
    """What a network is trained with, in an epoch or in all, unless it stops early."""

    updates: int
    labelled_steps: int  # predictions that count in the loss

    def times(self, epochs: int) -> "Budget":
        """Return the budget of so many epochs."""
        return Budget(epochs * self.updates, epochs * self.labelled_steps)


class Variant(NamedTuple):
    """One of the trainings of a mode."""

    name: str
    layout: dict[str, Any]  # how its samples are cut; empty: as those in use
    gradient_window: int  # time steps
    training: Training
    budget: Budget  # of each network


def of(
    sequences: Sequences,
    windows: Windows,
    training: Training,
    stateful: AnyTrainSettings,
    forecast: Forecast | None = None,
) -> list[Variant]:
    """Return the variants that the settings of a training ask for.

    Args:
        sequences: the time steps and their targets.
        windows: as they are in use.
        training: what is in use, and in `settings` what is trained besides. `again`: as
            many networks once more, from the seeds that follow. `lookbacks`, without
            state: windows of so many time steps. `gradient_windows`, with state: the
            same samples, with other gradient windows; one that is longer than a sample
            makes segments as long.
        stateful: the settings of the stateful training. Where a batch size is `auto`,
            an epoch has as many updates as one of its epochs.
        forecast: what is forecast; None where nothing is.

    Returns:
        What is in use first. One that comes to the same is left out. All make as many
        updates, in whole epochs, and as far as samples allow on as many labelled steps.
        Of several lookbacks that are `auto` there are `FEW` networks, if not fewer.

    Raises:
        UserError: no sequence of a split is as long as a lookback.
    """
    pace = _of_an_epoch(sequences, windows, stateful).updates
    in_use = _in_use(sequences, windows, training, pace)
    model, settings, seed = in_use.training
    variants = [in_use]
    if settings.again:
        again = Training(model, settings, seed + settings.seeds)
        variants.append(in_use._replace(name=AGAIN, training=again))
    others = _others(sequences, windows, settings, forecast)
    if settings.lookbacks == "auto" and len(others) > 1:
        settings = settings.model_copy(update={"seeds": min(settings.seeds, FEW)})
    for name, layout, gradient_window, changes in others:
        changed = settings.model_copy(update=changes)
        training = Training(model, changed, seed)
        variant = Variant(name, layout, gradient_window, training, in_use.budget)
        variants.append(with_budget(sequences, windows, variant, in_use.budget))
    return variants


def _in_use(
    sequences: Sequences, windows: Windows, training: Training, pace: int
) -> Variant:
    """Return what is in use, with its batch size and its epochs decided."""
    settings, limit = training.settings, training.settings.epochs
    automatic = settings.batch_size == "auto"
    if automatic:
        size = _batch_size(windows, pace)
        settings = settings.model_copy(update={"batch_size": size})
    one = _of_an_epoch(sequences, windows, settings)
    if automatic:
        limit = round(limit * pace / one.updates)
    if settings.updates is not None:
        limit = min(round(settings.updates / one.updates), limit)
    settings = settings.model_copy(update={"epochs": max(limit, 1)})
    return Variant(
        name=IN_USE,
        layout={},
        gradient_window=settings.gradient_window or sample_lengths(windows)[1],
        training=training._replace(settings=settings),
        budget=one.times(settings.epochs),
    )


def _batch_size(windows: Windows, updates: float) -> int:
    """Return the batch size with which an epoch comes nearest to so many updates."""
    train = sequences_in_split(windows, SPLITS["train"])
    samples = int(np.diff(windows.samples)[train].sum())
    smaller = max(int(samples / updates), 1)
    return min(
        (smaller + 1, smaller), key=lambda size: abs(-(-samples // size) - updates)
    )


def _others(
    sequences: Sequences,
    windows: Windows,
    settings: AnyTrainSettings,
    forecast: Forecast | None,
) -> list[tuple[str, dict[str, Any], int, dict[str, Any]]]:
    """Return name, layout, gradient window and changed settings of other windows."""
    others = []
    timesteps = sample_lengths(windows)[1]
    window = settings.gradient_window or timesteps
    # windows of one prediction have a stride of their own; samples side by side do not
    stride = int(windows.stride[0]) if predicted_steps(windows) == 1 else 1
    if settings.lookbacks == "auto":
        lookbacks = default_lookbacks(sequences, windows, forecast)
    else:
        lookbacks = settings.lookbacks or []
        for lookback in lookbacks:
            _require_a_sample(windows, lookback)
    for lookback in lookbacks:
        layout = {"layout": "subsampled", "window_length": lookback, "stride": stride}
        if not _alike(windows, rewindow(windows, **layout)):
            others.append((f"lookback {lookback}", layout, lookback, {}))
    longest = int((windows.stop - windows.first).max())
    reachable = (min(steps, longest) for steps in settings.gradient_windows or [])
    for steps in dict.fromkeys(reachable):
        longer = steps > timesteps
        layout = {"layout": "per_timestep", "segment_length": steps} if longer else {}
        if steps != window:
            change = {"gradient_window": None if longer else steps}
            others.append((f"gradient window {steps}", layout, steps, change))
    return others


def default_lookbacks(
    sequences: Sequences, windows: Windows, forecast: Forecast | None
) -> list[int]:
    """Return the windows that are tried where params.yaml does not say which.

    Args:
        sequences: the time steps.
        windows: as they are in use, and the splits.
        forecast: what is forecast; None where nothing is.

    Returns:
        Where there are many short sequences of one length, that length: a window of a
        whole sequence. Where values recur, one step, the season and twice the season,
        up to half of the shortest part of a split. Else 1, 4, 16 and 64 steps, up to a
        quarter of it.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> alike = Sequences(np.zeros((40, 1), np.float32), np.array([0, 20, 40]),
        ...                   np.zeros(40, np.int8))
        >>> table = make_windows(alike.offsets, np.int8([0, 2]), layout="per_timestep")
        >>> default_lookbacks(alike, table, None)
        [20]
    """
    used = np.diff(windows.samples) > 0
    steps = (windows.stop - windows.first)[used]
    shortest, longest = sample_lengths(windows)
    if predicted_steps(windows) == 1 < longest:
        return []  # windows are in use, of a length that was chosen
    if len(steps) > 1 and len(np.unique(steps)) == 1 and steps[0] <= LONGEST:
        return [] if shortest == steps[0] else [int(steps[0])]
    by_split = (steps[windows.split[used] == code] for code in SPLITS.values())
    most = min(int(of_split.max()) for of_split in by_split if len(of_split))
    recurs = None if forecast is None else season.of(sequences, windows, forecast)
    if recurs is not None and 2 * recurs <= min(LONGEST, most // 2):
        return [1, recurs, 2 * recurs]
    return [FACTOR**power for power in range(4) if FACTOR**power <= most // 4]


def with_budget(
    sequences: Sequences, windows: Windows, variant: Variant, total: Budget
) -> Variant:
    """Set batch size and epochs of a variant to what comes nearest to a budget.

    Args:
        sequences: the time steps and their targets.
        windows: of the split that it is trained on, cut as those in use.
        variant: which.
        total: that it should have; on another split, its own on the first.
    """
    settings = variant.training.settings
    table = rewindow(windows, **variant.layout)
    one = _of_an_epoch(sequences, table, settings)
    if settings.stateful:
        of_an_update = one.labelled_steps / one.updates
        wanted = total.labelled_steps / total.updates
        size = max(round(settings.lanes * wanted / of_an_update), 1)
    else:
        epochs = total.labelled_steps / max(one.labelled_steps, 1)
        size = _batch_size(table, max(total.updates / epochs, 1))
    changed = settings.model_copy(update={"batch_size": size})
    one = _of_an_epoch(sequences, table, changed)
    epochs = max(round(total.updates / one.updates), 1)
    changed = changed.model_copy(update={"epochs": epochs})
    return variant._replace(
        training=variant.training._replace(settings=changed), budget=one.times(epochs)
    )


def _of_an_epoch(
    sequences: Sequences, windows: Windows, settings: AnyTrainSettings
) -> Budget:
    """Return the budget of one epoch; at least one update, to divide by."""
    plan = plans.training_plan(windows, settings)
    summary = plan_summary.summarize(sequences, windows, plan, settings.burn_in)
    return Budget(max(summary.updates, 1), summary.labelled_steps)


def other_rates(variant: Variant) -> list[float]:
    """Return the learning rates that are tried besides the one in use."""
    settings = variant.training.settings
    tried = dict.fromkeys(settings.learning_rates or [])
    return [rate for rate in tried if rate != settings.learning_rate]


def with_rate(variant: Variant, rate: float) -> Variant:
    """Return a variant that is trained at another learning rate."""
    model, settings, seed = variant.training
    changed = settings.model_copy(update={"learning_rate": rate})
    return variant._replace(training=Training(model, changed, seed))


def with_networks(variant: Variant, seeds: int) -> Variant:
    """Return a variant of which other many networks are trained."""
    model, settings, seed = variant.training
    changed = settings.model_copy(update={"seeds": seeds})
    return variant._replace(training=Training(model, changed, seed))


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
