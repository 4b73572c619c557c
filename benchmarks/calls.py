"""How often the verdict calls what is the same different, and what differs the same.

Single series of known kind are given to the settings that files have by default. Of
those of the first three kinds neither mode can be better: a linear model on the last
value is the best there is. Of the last kind the target depends on a lag beyond every
window that is trained, so that only carried state can know it.
"""

import json
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from scipy import signal

from statelab.baselines import simple
from statelab.baselines.naive import Forecast
from statelab.config import params, schema
from statelab.config.modes import MODES
from statelab.config.settings import AnyTrainSettings, Params, Training
from statelab.data.sequences import Sequences
from statelab.evaluation import comparison, paired_test, selection
from statelab.evaluation import verdict as verdicts
from statelab.evaluation.comparison import Comparison
from statelab.evaluation.variants import Variant
from statelab.pipeline import command
from statelab.pipeline.progress import Silent
from statelab.samples import scaling, splitting
from statelab.samples.windows import rewindow

with command.quiet_import():
    from statelab.training import trainer

CALLED = ("state_needed", "state_helps", "window_suffices")  # in favour of a mode


class Kind(NamedTuple):
    """A kind of series."""

    says: str
    series: int
    steps: int  # of a series
    make: Callable[[np.random.Generator, int], Sequences]
    horizon: int  # 0 where targets are given
    changes: dict[str, dict[str, Any]]  # of params.yaml


def _forecast(values: np.ndarray) -> Sequences:
    """Return a series of which each next value is the target."""
    column = np.float32(values)[:, None]
    return Sequences(column, np.array([0, len(values)]), np.append(values[1:], np.nan))


def _ar(coefficient: float) -> Callable[[np.random.Generator, int], Sequences]:
    def make(rng: np.random.Generator, steps: int) -> Sequences:
        noise = rng.normal(size=steps + 100)
        return _forecast(signal.lfilter([1], [1, -coefficient], noise)[100:])

    return make


def _walk(rng: np.random.Generator, steps: int) -> Sequences:
    return _forecast(100 + np.cumsum(rng.normal(size=steps)))


def _latch(rng: np.random.Generator, steps: int) -> Sequences:
    """Return a series whose target is the last mark that was seen, and noise.

    A mark of -1 or 1 comes every 40 steps or so, else the feature is 0. The target is
    the mark plus noise of half its size: a signal-to-noise ratio of 4 in variance.
    """
    mark = np.where(rng.random(steps) < 1 / 40, rng.choice([-1.0, 1.0], steps), 0.0)
    mark[0] = 1.0
    last = mark[np.maximum.accumulate(np.where(mark != 0, np.arange(steps), 0))]
    target = last + 0.5 * rng.normal(size=steps)
    return Sequences(np.float32(mark)[:, None], np.array([0, steps]), target)


SHORT: dict[str, dict[str, Any]] = {"train_stateless": {"lookbacks": [1, 4]}}
KINDS = {
    "ar 0.5": Kind("AR(1), 0.5", 100, 400, _ar(0.5), 1, {}),
    "ar 0.9": Kind("AR(1), 0.9", 100, 400, _ar(0.9), 1, {}),
    "walk": Kind("random walk", 200, 400, _walk, 1, {}),
    "latch": Kind("last mark", 100, 2000, _latch, 0, SHORT),
}


def default_params(changes: dict[str, dict[str, Any]], seeds: int) -> Params:
    """Return params.yaml as it is for files, with some changes."""
    read = params.read()
    read["generate"] |= {"source": "csv"}
    for section in ("train_stateless", "train_stateful"):
        read[section] |= {"again": False, "seeds": seeds}
    for section, keys in changes.items():
        read[section] |= keys
    return schema.check(read)


def compare(data: Sequences, horizon: int, settings: Params) -> list[Comparison]:
    """Train both modes on a series as the pipeline does, and score them on each split.

    Args:
        data: the series.
        horizon: time steps ahead; 0 where targets are given.
        settings: of the pipeline.
    """
    count = splitting.count_of(data, settings.window, settings.evaluate.splits)
    splits = [
        splitting.split_and_window(
            data, settings.window, seed=settings.seed, horizon=horizon, number=number
        )
        for number in range(count)
    ]
    scalings = [scaling.fit(data, windows) for windows in splits]

    def train(variant: Variant, number: int) -> trainer.Trained:
        cut = rewindow(splits[number], **variant.layout)
        return trainer.train(
            data, cut, variant.training, progress=Silent(), scaling=scalings[number]
        )

    forecast = Forecast(0, horizon, None) if horizon else None
    predicted = {}
    for mode in MODES:
        own: AnyTrainSettings = getattr(settings, f"train_{mode}")
        training = Training(settings.model, own, settings.seed)
        predicted[mode] = selection.select(
            data, splits, training, settings.train_stateful, forecast, train
        ).predictions
    compared = []
    for number, windows in enumerate(splits):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            methods = simple.of(data, windows, forecast)
        of_split = {
            mode: [one for one in found if one.split == number]
            for mode, found in predicted.items()
        }
        compared.append(comparison.compare(data, windows, of_split, methods, horizon))
    return compared


def by_seeds_alone(compared: Comparison) -> bool:
    """Tell whether modes in use differ over pairs of seeds alone, p below 0.05."""
    stateless, stateful = (verdicts.in_use(compared, mode) for mode in MODES)
    return paired_test.compare(stateful.test, stateless.test).p < paired_test.LEVEL


def markdown(document: dict[str, Any]) -> str:
    """Return the table of what metrics/calls.json holds."""
    lines = [
        "| series | steps | how many | a mode is favoured | by seeds alone "
        "| verdicts |",
        "| --- | --: | --: | --: | --: | --- |",
    ]
    for row in document["rows"].values():
        kinds = ", ".join(f"`{kind}` {n}" for kind, n in row["verdicts"].items())
        cells = [row["kind"], f"{row['steps']:,}", row["series"], row["called"]]
        cells += [row["by_seeds_alone"], kinds]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(
    kinds: Annotated[list[str] | None, typer.Argument()] = None,
    series: Annotated[
        int | None, typer.Option(min=1, help="Of each kind, in place of its own.")
    ] = None,
    seeds: int = 10,
    out: Path = Path("metrics/calls.json"),
) -> None:
    """Count the verdicts of many series of known kind."""
    rows = json.loads(out.read_text())["rows"] if out.exists() else {}
    for name in kinds or KINDS:
        kind = KINDS[name]
        settings = default_params(kind.changes, seeds)
        counted: Counter[str] = Counter()
        old, count = 0, series or kind.series
        for number in range(count):
            rng = np.random.default_rng((number, *name.encode()))
            compared = compare(kind.make(rng, kind.steps), kind.horizon, settings)
            pooled = comparison.pooled(compared)
            judged = verdicts.judge(pooled, settings.evaluate.margin)
            counted[str(judged.kind)] += 1
            old += by_seeds_alone(compared[0])
            if number % 10 == 9:
                print(
                    f"{name}: {number + 1} of {count}, {dict(counted)}",
                    file=sys.stderr,
                )
        rows[name] = {
            "kind": kind.says,
            "series": count,
            "steps": kind.steps,
            "verdicts": dict(counted),
            "called": sum(counted[kind] for kind in CALLED),
            "by_seeds_alone": old,
        }
        out.write_text(f"{json.dumps({'seeds': seeds, 'rows': rows}, indent=2)}\n")
        print(name, rows[name])


if __name__ == "__main__":
    typer.run(main)
