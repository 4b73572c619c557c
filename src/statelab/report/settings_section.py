"""Sections of the report: the facts at its head, and the settings at its end."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from statelab.config import params
from statelab.config.settings import GenerateSettings, Params
from statelab.data import sequences
from statelab.data.sequences import NAMES_FILE, SPLITS, Sequences
from statelab.formatting import count_of, listed, step_range
from statelab.io import files
from statelab.pipeline import paths, stage_fingerprints
from statelab.report import captions
from statelab.samples import splitting, target_changes
from statelab.samples.windows import Windows, sequences_in_split

LIBRARIES = ("statelab", "tensorflow", "keras", "numpy", "pandas", "dvc", "mlflow")


def data_name(generate: GenerateSettings) -> str:
    """Return what the data are called: the task, or the path of the file."""
    return generate.task if generate.source == "task" else generate.path


def facts(settings: Params, data: Sequences, windows: Windows) -> list[tuple[str, str]]:
    """Say what data, layout, network and seeds there are."""
    generate, model = settings.generate, settings.model
    steps = np.diff(data.offsets)
    length = step_range(int(steps.min()), int(steps.max()))
    source = (
        "generated task" if generate.source == "task" else f"{generate.source} file"
    )
    features, targets = _columns(data)
    target = settings.window.target
    if target != target_changes.LEVEL:
        targets += f", modelled as {target.replace('_', ' ')}s"
    label = "each step" if generate.label == "each_step" else "the end of a sequence"
    split = ", ".join(
        f"{len(sequences_in_split(windows, code)):,} {name}"
        for name, code in SPLITS.items()
        if len(sequences_in_split(windows, code))
    )
    if splitting.kind_of(data, settings.window) == "time":
        split += "; parts of sequences, cut in time"
    layers = count_of(model.layers, "layer")
    seeds = {
        "stateless": settings.train_stateless.seeds,
        "stateful": settings.train_stateful.seeds,
    }
    last_seed = settings.seed + max(seeds.values()) - 1
    networks = ", ".join(f"{count} {mode}" for mode, count in seeds.items())
    return [
        ("Data", f"{data_name(generate)} ({source})"),
        ("Sequences", f"{len(steps):,} of {length}: {split}"),
        ("Features", features),
        ("Targets", f"{targets}, at {label}"),
        ("Layout", captions.layout(settings.window.model_dump())),
        ("Network", f"{model.cell}, {model.units} units, {layers}"),
        ("Networks", f"{networks}; seeds {settings.seed} to {last_seed}"),
    ]


def _columns(data: Sequences) -> tuple[str, str]:
    """Say what features and targets there are, by their names where a file has some."""
    head, outputs = sequences.head_of(data.targets)
    features = f"{data.values.shape[1]}"
    targets = "values" if head == "regression" else f"{max(outputs, 2)} classes"
    file = paths.SEQUENCES / NAMES_FILE
    if file.exists():
        names = files.read_json(file)
        features += f": {listed(names['features'])}"
        if names["classes"] is not None:
            targets += f": {listed(names['classes'])}"
    return features, targets


def as_written(section: Mapping[str, Any]) -> dict[str, str]:
    """Write the values of a section as params.yaml does.

    Example:
        >>> as_written({"columns": {"features": None}, "again": True})
        {'columns.features': 'null', 'again': 'true'}
    """
    words = {None: "null", True: "true", False: "false"}
    return {
        key: words[value] if value is None or isinstance(value, bool) else str(value)
        for key, value in params.flatten(section).items()
    }


def changed_keys(read: Mapping[str, Any]) -> list[str]:
    """Name the keys that had another value when the results were made.

    Args:
        read: params.yaml.
    """
    then = {}
    for stage, keys in params.locked().items():
        if stage != "check":  # which has all of params.yaml, and makes no results
            then |= keys
    now = params.flatten(read)
    return sorted(
        key for key, value in params.flatten(then).items() if now.get(key) != value
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    installed = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            installed[library] = version(library)
        except PackageNotFoundError:  # statelab run from a folder
            continue
    return installed


def mlflow_runs(file: Path) -> dict[str, str]:
    """Return the id of the MLflow run of each stage that shows the results here.

    Args:
        file: metrics/run.json, which links stages to runs.
    """
    links = files.read_json(file) if file.exists() else {}
    return {
        f"MLflow run of {result.stage}": links[result.stage]["run_id"]
        for result in stage_fingerprints.of_workspace()
        if links.get(result.stage, {}).get("fingerprint") == result.fingerprint
    }
