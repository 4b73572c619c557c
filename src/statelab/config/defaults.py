"""What `auto` means in params.yaml: for tasks the post's values, for files others.

Two keys depend on the data and stay `auto` here: `window.split`, of which
`samples.splitting` decides, and `train_stateless.lookbacks`, of which
`evaluation.variants` does.
"""

import sys
from collections.abc import Mapping
from typing import Any

AUTO = "auto"
NO_LIMIT = sys.maxsize  # of epochs, where `updates` limits them
WINDOW_OF_TASKS = {"segment_length": 1, "validation_size": 0}
WINDOW_OF_FILES = {"segment_length": 24, "validation_size": 0.15}
OF_TASKS = {  # the post's
    "epochs": 15,
    "updates": None,
    "batch_size": 1,
    "learning_rate": 0.001,
    "learning_rates": None,
    "schedule": "cosine",
    "patience": None,
}
OF_FILES = {
    "epochs": 300,
    "updates": 1500,
    "batch_size": 32,
    "learning_rate": 0.01,
    "learning_rates": [0.003],
    "schedule": "constant",
    "patience": 0.2,
}
CHOICES = ("learning_rates", "patience", "lookbacks")  # that take a validation split


def filled(read: Any) -> Any:
    """Return what params.yaml says with every `auto` replaced that needs no data.

    Args:
        read: the mapping read from params.yaml; what is not sound stays as it is.

    Example:
        >>> window = {"segment_length": "auto", "stride": 1}
        >>> filled({"generate": {"source": "csv"}, "window": window})["window"]
        {'segment_length': 24, 'stride': 1}
    """
    if not isinstance(read, Mapping) or not isinstance(read.get("generate"), Mapping):
        return read
    task = read["generate"].get("source") == "task"
    sections = dict(read)
    known = WINDOW_OF_TASKS if task else WINDOW_OF_FILES
    window = _replaced(read.get("window"), known)
    if "window" in read:
        sections["window"] = window
    validated = isinstance(window, Mapping) and window.get("validation_size") != 0
    for section in ("train_stateless", "train_stateful"):
        if isinstance(keys := read.get(section), Mapping):
            known = dict(OF_TASKS if task else OF_FILES)
            if not task and not validated:
                known |= dict.fromkeys(CHOICES)
            if keys.get("engine") != "compiled":
                known |= {"learning_rates": None, "lookbacks": None}
            known["epochs"], known["updates"] = _limits(keys, known)
            if section == "train_stateless":
                del known["batch_size"]  # as many updates as `train_stateful` makes
            sections[section] = _replaced(keys, known)
    return sections


def _limits(keys: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return epochs and updates: where one of them is given, it alone is the limit."""
    epochs, updates = known["epochs"], known["updates"]
    if keys.get("epochs") != AUTO:
        updates = None
    if keys.get("updates") not in (AUTO, None):
        epochs = NO_LIMIT
    return epochs, updates


def _replaced(section: Any, known: Mapping[str, Any]) -> Any:
    if not isinstance(section, Mapping):
        return section
    return {
        key: known[key] if value == AUTO and key in known else value
        for key, value in section.items()
    }
