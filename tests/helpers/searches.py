"""What a lookback search leaves behind, out of trials that nobody has carried out."""

from pathlib import Path

from small_trials import trial

from statelab.io import csv_files, files
from statelab.lookback import search_result
from statelab.lookback.decision import PRUNED, Rule
from statelab.report import figures

RULE = Rule("accuracy", 0.01)
SETTINGS = {
    "batch_size": 32,
    "optimizer": "adam",
    "schedule": "cosine",
    "clipnorm": None,
    "updates": 100,
}
OUTCOMES = [
    trial(4, 0.99, phase="stateful", reset="sequence", stride=4),
    trial(1, 0.5, gradient_window=1),
    trial(2, 0.6, state=PRUNED, updates=25),
    trial(4, 0.98),
    trial(3, 0.979, phase="bisect", group=1),
]


def write(root: Path) -> dict:
    """Write the files of the stage below a root; return the answer."""
    told = search_result.summary(
        OUTCOMES,
        RULE,
        low=1,
        high=4,
        grid_size=4,
        longest=4,
        asked=40,
        baselines={"constant": 0.5},
    )
    told["adopt"] = search_result.adopt(
        told["settings"], SETTINGS, samples=320, forget_bias="chrono"
    )
    told["text"] = search_result.in_words(told)
    ceilings = {1: 0.5, 2: 0.75, 3: 1.0, 4: None}
    curve = search_result.curve(OUTCOMES, RULE, ceilings)
    drawn = root / "metrics/lookback"
    trials = root / "data/lookback/trials.parquet"
    for folder in (drawn, trials.parent):
        folder.mkdir(parents=True, exist_ok=True)
    search_result.table(OUTCOMES).to_parquet(trials, index=False)
    files.write_json(root / "metrics/lookback.json", told)
    csv_files.write(drawn / "curve.csv", curve)
    (drawn / "curve.svg").write_bytes(figures.svg(figures.lookback(curve, told)))
    return told
