"""What the stages that params.yaml asks for take, about."""

import time
import warnings
from typing import NamedTuple

import numpy as np

from statelab.baselines import simple
from statelab.baselines.naive import Forecast
from statelab.config.modes import MODES
from statelab.data.sequences import Sequences
from statelab.evaluation import variants
from statelab.evaluation.scoring import with_target
from statelab.evaluation.variants import Variant
from statelab.memory import budget, input_history
from statelab.pipeline import command
from statelab.samples import plans
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows, rewindow, sample_lengths

with command.lean_import():
    from statelab.training import estimate


class Problem(NamedTuple):
    """What is to be trained on, and how."""

    sequences: Sequences
    windows: Windows
    scaling: Scaling | None
    forecast: Forecast | None
    splits: int
    task: bool  # made here: then no simple method is fitted


class Costs(NamedTuple):
    """What stages take, at most, in seconds, and the memory at the peak in bytes."""

    seconds: dict[str, float]  # by stage
    memory: dict[str, int]  # by mode


def costs(problem: Problem, trained: dict[str, list[Variant]]) -> Costs:
    """Train for some seconds, fit simple methods once, and count the rest from that.

    Networks that stop early take less. Starting a stage is not counted.

    Args:
        problem: the data.
        trained: by mode, the variants that its stage trains, what is in use first.
    """
    seconds, memory, inputs = {}, {}, {}
    for mode in MODES:
        in_use = trained[mode][0].training
        once = estimate.estimate(
            problem.sequences, problem.windows, in_use, problem.scaling
        )
        memory[mode] = once.memory
        read = inputs_read(problem, trained[mode])
        seconds[f"train_{mode}"] = once.seconds * sum(read) / read[0]
        inputs[mode] = sum(read) * in_use.settings.seeds
    if not problem.task:
        seconds["baselines"] = problem.splits * _simple_methods(problem)
    rate = sum(seconds[f"train_{mode}"] for mode in MODES) / sum(inputs.values())
    measured = _inputs_measured(problem, trained, sum(inputs.values()))
    seconds["memory"] = rate * measured
    return Costs(seconds, memory)


def inputs_read(problem: Problem, trained: list[Variant]) -> list[int]:
    """Return how many time steps each training reads, that of what is in use first.

    They are those of a network, by the share of the networks in use that are trained.
    What is in use is trained once more for each other learning rate, and the largest
    variant, which may be chosen, for each other split; of fewer networks, once more.
    """
    read, of_all = [], []
    seeds = trained[0].training.settings.seeds
    for variant in trained:
        settings = variant.training.settings
        table = rewindow(problem.windows, **variant.layout)
        plan = plans.training_plan(table, settings)
        places = settings.epochs * plan.batches * plan.lanes
        of_all.append(places * sample_lengths(table)[1])
        read.append(of_all[-1] * settings.seeds // seeds)
    rates = len(variants.other_rates(trained[0]))
    largest = max(of_all)
    again = [largest] * (largest not in read)
    return read + rates * [read[0]] + again + (problem.splits - 1) * [largest]


def _simple_methods(problem: Problem) -> float:
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        simple.of(problem.sequences, problem.windows, problem.forecast)
    return time.perf_counter() - started


def _inputs_measured(
    problem: Problem, trained: dict[str, list[Variant]], most: int
) -> int:
    """Return how many inputs are read to measure memory; the burn-ins read as many."""
    number = with_target(problem.sequences, problem.windows, "test")[0]
    number = np.random.default_rng(0).permutation(number)[: budget.MOST]
    measured = 0
    for mode, (in_use, *_) in trained.items():
        settings = in_use.training.settings
        history = input_history.inputs_of(
            problem.windows,
            number,
            stateful=mode == "stateful",
            reset=settings.reset,
        )
        kept = budget.predictions_to_read(history, settings.seeds, most)
        once = kept * budget.inputs_of_each(history, settings.seeds)
        measured += 2 * once if mode == "stateful" else once
    return measured
