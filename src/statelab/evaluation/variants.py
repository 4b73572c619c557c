"""The variants of a training: as it is in use, the same again, and what else is asked.

Each is trained and answers for itself; evaluate chooses among them on validation, and
judges what it has chosen on test.
"""

from typing import Any, NamedTuple

from statelab.data.sequences import SPLITS
from statelab.errors import UserError
from statelab.samples.windows import Windows, predicted_steps, rewindow, sample_lengths

MODES = ("stateless", "stateful")  # of training
IN_USE, AGAIN = "in use", "again"


class Variant(NamedTuple):
    """One of the trainings of a mode."""

    name: str
    layout: dict[str, Any]  # how its samples are cut; empty: as those in use
    gradient_window: int  # steps
    settings: dict[str, Any]  # of `trainer.train`


def of(
    windows: Windows,
    *,
    seed: int,
    seeds: int,
    again: bool,
    lookbacks: list[int] | None = None,
    gradient_window: int | None = None,
    gradient_windows: list[int] | None = None,
    **settings: Any,
) -> list[Variant]:
    """Return the variants that the settings of a training stage ask for.

    Args:
        windows: as they are in use.
        seed, seeds: of the networks in use; those that are trained `again` have the
            seeds after them.
        again: train as many networks once more.
        lookbacks: steps of windows to train on besides, stateless.
        gradient_window: in use; None for a whole sample.
        gradient_windows: to train with besides, stateful. One that is longer than a
            sample makes segments as long, so that updates are rarer, too.
        settings: all others, which they have in common.

    Returns:
        What is in use first. One that comes to the same is left out.

    Raises:
        UserError: no sequence of a split is as long as a lookback.
    """
    timesteps = sample_lengths(windows)[1]
    settings |= {"seed": seed, "seeds": seeds}
    in_use = {**settings, "gradient_window": gradient_window}
    reach = gradient_window or timesteps
    found = [Variant(IN_USE, {}, reach, in_use)]
    if again:
        found.append(Variant(AGAIN, {}, reach, {**in_use, "seed": seed + seeds}))
    # windows of one answer each have a stride of their own; samples side by side do not
    stride = int(windows.stride[0]) if predicted_steps(windows) == 1 else 1
    for lookback in lookbacks or []:
        _require_a_sample(windows, lookback)
        layout = {"layout": "subsampled", "window_length": lookback, "stride": stride}
        if not _alike(windows, rewindow(windows, **layout)):
            found.append(Variant(f"lookback {lookback}", layout, lookback, in_use))
    longest = int((windows.stop - windows.first).max())
    for each in dict.fromkeys(min(each, longest) for each in gradient_windows or []):
        longer = each > timesteps
        layout = {"layout": "per_timestep", "segment_length": each} if longer else {}
        if each != reach:
            own = {**settings, "gradient_window": None if longer else each}
            found.append(Variant(f"gradient window {each}", layout, each, own))
    return found


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
