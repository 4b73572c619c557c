"""Where files stand, seen from the root of a workspace.

dvc.yaml and search/dvc.yaml name the same paths: a test compares them. What is within a
folder, the module that writes it names.
"""

from pathlib import Path

DATA = Path("data")  # large, in DVC's cache
METRICS = Path("metrics")  # small, in Git

PARAMS_CHECKED = DATA / "params-checked.txt"

# Samples.
SEQUENCES = DATA / "sequences"
WINDOWS = DATA / "windows"


# Training, by mode.
def model(mode: str) -> Path:
    """Return the folder of the networks."""
    return DATA / "models" / mode


def predictions(mode: str) -> Path:
    """Return the predictions of every variant."""
    return DATA / "predictions" / f"{mode}.npz"


def history(mode: str) -> Path:
    """Return the scores by seed and epoch."""
    return METRICS / "history" / f"{mode}.csv"


def live_history(mode: str) -> Path:
    """Return the scores of a training under way."""
    return METRICS / "history" / f".{mode}.csv.live"


def timing(mode: str) -> Path:
    """Return how long an epoch takes."""
    return METRICS / "timing" / f"{mode}.json"


def usage(mode: str) -> Path:
    """Return the processor time and the memory that the training took, by second."""
    return METRICS / "usage" / f"{mode}.csv"


# Evaluation.
BASELINES = DATA / "predictions" / "baselines.npz"  # of simple methods
EVALUATION_HEADLINE = METRICS / "evaluate.json"
EVALUATION = METRICS / "evaluate" / "evaluation.json"
SEED_SCORES = METRICS / "evaluate" / "scores.csv"
VARIANTS = METRICS / "evaluate" / "variants.csv"
LEARNING_CURVES = METRICS / "evaluate" / "learning_curves.csv"
LEARNING_CURVES_FIGURE = METRICS / "evaluate" / "learning_curves.svg"

# Memory of the networks.
MEMORY = METRICS / "memory.json"
LAGS = METRICS / "memory" / "lags.csv"
WARM_UP = METRICS / "memory" / "warm_up.csv"
MEMORY_FIGURE = METRICS / "memory" / "memory.svg"

# The lookback search.
EVALUATION_SET = METRICS / "lookback" / "evaluation_set.json"
TRIALS = METRICS / "lookback" / "trials.json"
SHARDS = DATA / "lookback" / "shards"
LOOKBACK_HEADLINE = METRICS / "lookback.json"
LOOKBACK = METRICS / "lookback" / "result.json"
LOOKBACK_CURVE = METRICS / "lookback" / "curve.csv"
LOOKBACK_CURVE_FIGURE = METRICS / "lookback" / "curve.svg"

# No outputs of a stage: what studies, the report and MLflow leave behind.
EXAMPLES = DATA / "examples"  # tables of real sequences
VOWELS_AS_SPLIT = EXAMPLES / "vowels-as-split.csv"
BEYOND_SCORES = METRICS / "beyond.json"
EXAMPLE_SCORES = METRICS / "examples.json"
EXTERNAL = METRICS / "external.json"
GRADIENTS = METRICS / "gradients.json"
RUNS = METRICS / "run.json"  # of MLflow, that show what is in the workspace
REPORT = Path("report.html")

# At the root of the main checkout, for all workspaces of it.
CHECKPOINTS = Path(".checkpoints")
SPOOL = Path(".spool")  # runs that wait for MLflow
STORE = Path("mlflow.db")
STORE_LOCK = Path(".mlflow.lock")
ARTIFACTS = Path("mlartifacts")
