"""What a lookback search leaves behind, out of trials that were never trained."""

from pathlib import Path

import project_params
from small_trials import trial

from statelab.io import csv_files, files
from statelab.lookback import search_result
from statelab.lookback.decision import Rule
from statelab.lookback.outcomes import PRUNED
from statelab.lookback.search_result import Searched
from statelab.pipeline import paths
from statelab.report import figures

RULE = Rule("accuracy", 0.01)
SEARCH_PARAMS = project_params.search_params({"clipnorm": None, "updates": 100})
OUTCOMES = [
    trial(4, 0.99, phase="stateful", reset="sequence", stride=4),
    trial(1, 0.5, gradient_window=1),
    trial(2, 0.6, state=PRUNED, updates=25),
    trial(4, 0.98),
    trial(3, 0.979, phase="bisect", group=1),
]
SEARCHED = Searched(
    low=1,
    high=4,
    grid_size=4,
    scored_steps=40,
    longest_sequence=4,
    baselines={"constant": 0.5},
)


def write(root: Path) -> dict:
    """Write the files of the stage below a root; return the result."""
    result = search_result.summary(OUTCOMES, RULE, SEARCHED)
    result["adopt"] = search_result.adopt(result["settings"], SEARCH_PARAMS, 320)
    result["text"] = search_result.in_words(result)
    ceilings = {1: 0.5, 2: 0.75, 3: 1.0, 4: None}
    curve = search_result.curve(OUTCOMES, RULE, ceilings)
    trials = search_result.records(OUTCOMES)
    files.write_json(root / paths.TRIALS, {"trials": trials})
    files.write_json(root / paths.LOOKBACK, result)
    files.write_json(root / paths.LOOKBACK_HEADLINE, search_result.headline(result))
    csv_files.write(root / paths.LOOKBACK_CURVE, curve)
    with files.atomic_write(root / paths.LOOKBACK_CURVE_FIGURE) as stream:
        stream.write(figures.svg(figures.lookback(curve, result)))
    return result
