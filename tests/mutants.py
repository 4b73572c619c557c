"""Plants faults in the code, one at a time, and checks that tests fail for each.

    python tests/mutants.py            # all of them; some ten minutes
    python tests/mutants.py lanes      # those whose name has a word in it

Each is planted in a copy of the repository, and the tests beside the module are run.
Ends with 0 where every fault is noticed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]


class Mutant(NamedTuple):
    """A fault."""

    name: str
    module: str  # below src/statelab
    right: str  # what the module says, once
    wrong: str  # what it says instead
    tests: str  # what notices it, below tests


MUTANTS = [
    Mutant(
        "the last window of a sequence is dropped",
        "samples/windows.py",
        "(lengths - window_length) // stride + 1",
        "(lengths - window_length) // stride",
        "samples/test_windows.py",
    ),
    Mutant(
        "a segment reads on into the next sequence",
        "samples/windows.py",
        "np.minimum(windows.length[sequence], windows.stop[sequence] - first)",
        "windows.length[sequence] + 0 * first",
        "samples/test_windows.py",
    ),
    Mutant(
        "test and validation are swapped",
        "samples/splitting.py",
        'codes[test] = SPLITS["test"]',
        'codes[test] = SPLITS["validation"]',
        "data/test_sequences.py samples/test_windows.py",
    ),
    Mutant(
        "targets of the next part are left in train",
        "samples/splitting.py",
        "np.where(enough, middle - horizon, end)",
        "np.where(enough, middle, end)",
        "samples/test_windows.py",
    ),
    Mutant(
        "a change is restored from another step than it was made from",
        "samples/target_changes.py",
        "return -self.horizon % self.season if",
        "return self.horizon % self.season if",
        "samples/test_target_changes.py",
    ),
    Mutant(
        "a feature of changes reads on from the sequence before",
        "data/sequences.py",
        "np.where(step - back >= first, step - back, step)",
        "np.where(step - back >= 0 * first, step - back, step)",
        "samples/test_target_changes.py",
    ),
    Mutant(
        "lanes are swapped with batches",
        "samples/plans.py",
        "lane * plan.batches + batch if plan.lane_by_lane",
        "batch * plan.lanes + lane if plan.lane_by_lane",
        "samples/test_plans.py",
    ),
    Mutant(
        "no reset where a lane begins another sequence",
        "samples/plans.py",
        "(run[1:] != run[:-1]) | (stretch[1:] != stretch[:-1])",
        "stretch[1:] != stretch[:-1]",
        "samples/test_plans.py",
    ),
    Mutant(
        "a reset comes one sample late",
        "samples/plans.py",
        "nth // plan.interval[run]",
        "(nth - 1) // plan.interval[run]",
        "samples/test_plans.py",
    ),
    Mutant(
        "scaling sees the test split",
        "samples/scaling.py",
        'trained = windows.split[sequence] == SPLITS["train"]',
        "trained = windows.split[sequence] >= 0",
        "samples/test_scaling.py",
    ),
    Mutant(
        "burn-in is one time step longer",
        "samples/chunks.py",
        "step >= windows.first",
        "step > windows.first",
        "samples/test_chunks.py training/test_trainer.py",
    ),
    Mutant(
        "padding counts in the loss",
        "samples/chunks.py",
        "known & (nth < located.length) & (sample >= 0)[..., None]",
        "known & (nth < located.length)",
        "samples/test_chunks.py",
    ),
    Mutant(
        "lagged_copy looks back one step less",
        "data/tasks.py",
        "labels[:, lag:] = bits[:, : max(length - lag, 0)]",
        "labels[:, lag:] = bits[:, 1 : 1 + max(length - lag, 0)]",
        "data/test_tasks.py",
    ),
    Mutant(
        "the split of a sequence is that of its last row",
        "data/panels.py",
        "of_first[panel.sequence[::-1]] = panel.split[::-1]",
        "of_first[panel.sequence] = panel.split",
        "data/test_sources.py",
    ),
    Mutant(
        "a further run is taken for the mean of all runs",
        "studies/published.py",
        "std * np.sqrt(1 + 1 / n)",
        "std * np.sqrt(1 / n)",
        "studies/test_published.py",
    ),
    Mutant(
        "a gap as long as allowed cuts a sequence",
        "data/panels.py",
        "(gaps > max_gap)",
        "(gaps >= max_gap)",
        "data/test_sources.py",
    ),
    Mutant(
        "a forecast is of one step further",
        "data/panels.py",
        "later += horizon",
        "later += horizon - 1",
        "data/test_sources.py",
    ),
    Mutant(
        "an LSTM forgets by its input gate",
        "networks/cells.py",
        "c = f * c + i * g",
        "c = i * c + i * g",
        "networks/test_cells.py",
    ),
    Mutant(
        "the update gate of a GRU is the other way round",
        "networks/cells.py",
        "z * h + (1 - z) * g",
        "(1 - z) * h + z * g",
        "networks/test_cells.py",
    ),
    Mutant(
        "h and c are swapped",
        "networks/cells.py",
        "return (o * tf.tanh(c), c), (gates,)",
        "return (c, o * tf.tanh(c)), (gates,)",
        "networks/test_cells.py",
    ),
    Mutant(
        "the reset gate's gradient leaves out what it multiplies",
        "networks/cells.py",
        "d_candidate * candidate, d_g]",
        "d_candidate, d_g]",
        "networks/test_cells.py",
    ),
    Mutant(
        "a held lane's gradient is lost",
        "networks/recurrence.py",
        "d_held = hold_ended(zeros, d_after, t, scan.lengths)",
        "d_held = zeros",
        "training/test_compiled.py",
    ),
    Mutant(
        "chrono biases have the other sign",
        "networks/keras_models.py",
        "bias[:, units : 2 * units] = np.log(steps)",
        "bias[:, units : 2 * units] = -np.log(steps)",
        "networks/test_keras_models.py",
    ),
    Mutant(
        "the gradient window is one step longer",
        "networks/recurrence.py",
        "(scan.steps - t) % scan.gradient_window == 0",
        "(scan.steps - t) % scan.gradient_window == 1",
        "training/test_compiled.py",
    ),
    Mutant(
        "state is carried where it should be reset",
        "networks/lane_state.py",
        "tf.where(chosen, tf.zeros_like(part), part)",
        "tf.where(chosen, part, part)",
        "training/test_compiled.py",
    ),
    Mutant(
        "a batch without targets moves the weights",
        "networks/optimizers.py",
        "tf.where(counts, weight + by, weight)",
        "weight + by",
        "training/test_compiled.py",
    ),
    Mutant(
        "Adam corrects its bias by the wrong moment",
        "networks/optimizers.py",
        "tf.sqrt(1 - tf.pow(BETA_2, t))",
        "tf.sqrt(1 - tf.pow(BETA_1, t))",
        "training/test_compiled.py",
    ),
    Mutant(
        "patience keeps the last weights",
        "training/early_stopping.py",
        "better = loss < before.loss",
        "better = loss <= before.loss + 1",
        "training/test_trainer.py",
    ),
    Mutant(
        "the ceiling is the least frequent target",
        "evaluation/ceilings.py",
        "np.maximum.reduceat",
        "np.minimum.reduceat",
        "evaluation/test_ceilings.py",
    ),
    Mutant(
        "the seasonal baseline is off by the forecast horizon",
        "baselines/naive.py",
        "-forecast.horizon % forecast.season",
        "forecast.season",
        "evaluation/test_bounds.py",
    ),
    Mutant(
        "a stretch counts its burn-in",
        "samples/plans.py",
        "inside & (nth >= plan.burn_in[run])",
        "inside",
        "samples/test_stretches.py",
    ),
    Mutant(
        "lags look one step ahead",
        "baselines/lags.py",
        "step[:, None] - np.arange(lags)",
        "step[:, None] + 1 - np.arange(lags)",
        "baselines/test_models.py",
    ),
    Mutant(
        "networks pass for better than what they tie with",
        "evaluation/verdict.py",
        "return bool(over_seeds.mean() > margin and certain)",
        "return bool(over_seeds.mean() > -margin)",
        "evaluation/test_verdict.py",
    ),
    Mutant(
        "the spread over seeds divides by n",
        "evaluation/statistics.py",
        "np.std(values, ddof=1)",
        "np.std(values, ddof=0)",
        "evaluation/test_statistics.py",
    ),
    Mutant(
        "pairs are compared in the other direction",
        "evaluation/paired_test.py",
        "difference = one - other",
        "difference = other - one",
        "evaluation/test_paired_test.py evaluation/test_verdict.py",
    ),
    Mutant(
        "a burn-in reads one step too many",
        "memory/input_history.py",
        "at.step + 1 - begin",
        "at.step + 2 - begin",
        "memory/test_input_history.py",
    ),
    Mutant(
        "a window that is worse passes for as good",
        "lookback/decision.py",
        "high is not None and high <= rule.margin",
        "high is not None and high >= rule.margin",
        "lookback/test_decision.py",
    ),
    Mutant(
        "a probe takes resets for state that crosses",
        "diagnosis/array_probes.py",
        "(before != sequence) & ~lanes.reset",
        "(before != sequence) & lanes.reset",
        "diagnosis/test_array_probes.py",
    ),
    Mutant(
        "a file that is half written is seen",
        "io/files.py",
        "with part.open",
        "with file.open",
        "io/test_files.py",
    ),
    Mutant(
        "a budget that is twice as large passes for fair",
        "evaluation/verdict.py",
        "max(pair) > (1 + FAIR) * min(pair)",
        "max(pair) > (2 + FAIR) * min(pair)",
        "evaluation/test_verdict.py",
    ),
    Mutant(
        "training that goes on getting better passes for settled",
        "evaluation/verdict.py",
        "any(one.late_gain > verdict.margin for one in verdict.chosen)",
        "any(one.late_gain < -verdict.margin for one in verdict.chosen)",
        "evaluation/test_verdict.py",
    ),
    Mutant(
        "the variance over time counts every lag alike",
        "evaluation/loss_differences.py",
        "2 * (1 - lag / bandwidth) * covariance",
        "2 * covariance",
        "evaluation/test_loss_differences.py",
    ),
    Mutant(
        "train sets that overlap are taken to be apart",
        "evaluation/paired_test.py",
        "math.sqrt(1 / n + test_share)",
        "math.sqrt(1 / n)",
        "evaluation/test_paired_test.py",
    ),
    Mutant(
        "an earlier origin trains on its own test",
        "samples/splitting.py",
        "train = end - begin - test - validation",
        "train = end - begin - validation",
        "samples/test_windows.py",
    ),
    Mutant(
        "the same again is chosen as the best",
        "evaluation/choice.py",
        "if one.variant == AGAIN:",
        "if False:",
        "evaluation/test_choice.py",
    ),
    Mutant(
        "what is auto for files is the post's",
        "config/defaults.py",
        "known = dict(OF_TASKS if task else OF_FILES)",
        "known = dict(OF_TASKS)",
        "config/test_defaults.py",
    ),
]


def notices(mutant: Mutant, copy: Path) -> bool:
    """Plant a fault in a copy of the repository, run its tests, and take it out."""
    module = copy / "src" / "statelab" / mutant.module
    text = module.read_text()
    if text.count(mutant.right) != 1:
        sys.exit(f"{mutant.module}: must say once: {mutant.right}")
    module.write_text(text.replace(mutant.right, mutant.wrong))
    options = ["-q", "-x", "-m", "not slow", "-p", "no:cacheprovider"]
    tests = [f"tests/{name}" for name in mutant.tests.split()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": "src"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    module.write_text(text)
    if done.returncode not in (0, 1):  # neither passed nor failed
        sys.exit(done.stdout.decode())
    return done.returncode == 1


def main(word: str = "") -> None:
    chosen = [mutant for mutant in MUTANTS if word in mutant.name]
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("src", "tests", "stages", "benchmarks", "data", "search"):
            shutil.copytree(REPOSITORY / name, Path(folder, name), symlinks=True)
        for name in ("pyproject.toml", "params.yaml", "dvc.yaml"):
            shutil.copy(REPOSITORY / name, folder)
        for mutant in chosen:
            noticed = notices(mutant, Path(folder))
            missed += [] if noticed else [mutant]
            print("killed  " if noticed else "SURVIVED", mutant.name, flush=True)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} killed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main(*sys.argv[1:2])
