"""Where each stage reads and writes, from the root of a workspace.

dvc.yaml and search/dvc.yaml name the same paths: a test compares both with this module.
"""

from pathlib import Path

DATA = Path("data")  # large, in DVC's cache
METRICS = Path("metrics")  # small, in Git

PARAMS_CHECKED = DATA / "params-checked.txt"
SEQUENCES = DATA / "sequences"
WINDOWS = DATA / "windows"


def model(mode: str) -> Path:
    """Return the folder of the networks that a mode has trained."""
    return DATA / "models" / mode


def predictions(mode: str) -> Path:
    """Return the predictions of a mode, of every variant of it."""
    return DATA / "predictions" / f"{mode}.npz"


def training_scores(mode: str) -> Path:
    """Return the scores of the last epoch of a mode, the mean over seeds."""
    return METRICS / f"train_{mode}.json"


def history(mode: str) -> Path:
    """Return the scores of a mode, a line for each seed and epoch."""
    return METRICS / "history" / f"{mode}.csv"


def timing(mode: str) -> Path:
    """Return how long an epoch of a mode takes."""
    return METRICS / "timing" / f"{mode}.json"


def usage(mode: str) -> Path:
    """Return the processor and memory that a training took, by second."""
    return METRICS / "usage" / f"{mode}.csv"


EVALUATION_HEADLINE = METRICS / "evaluate.json"
EVALUATION = METRICS / "evaluate" / "evaluation.json"
SEED_SCORES = METRICS / "evaluate" / "scores.csv"
VARIANTS = METRICS / "evaluate" / "variants.csv"
LEARNING_CURVES = METRICS / "evaluate" / "learning_curves.csv"
LEARNING_CURVES_FIGURE = METRICS / "evaluate" / "learning_curves.svg"
