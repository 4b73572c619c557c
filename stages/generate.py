"""Make the sequences, or read the user's."""

import sys
from pathlib import Path

from statelab.config import params
from statelab.data import tasks
from statelab.io import arrays, files
from statelab.pipeline import command

AGAIN = ("columns", "label", "max_gap", "missing")  # to read more of the same alike


def main(path: Path, sequences: Path) -> None:
    asked = params.read()["generate"]
    if asked["source"] == "task":
        arrays.write(sequences, tasks.make(seed=params.read()["seed"], **asked))
        return
    from statelab.data import sources  # pyarrow and pandas, which no task needs

    read = sources.load(**{**asked, "path": path})
    arrays.write(sequences, read.sequences)
    files.write_json(
        sequences / "names.json",
        {
            "features": read.features,
            "classes": read.classes,
            "forecast": _forecast(read.features, **asked),
            "read": {name: asked[name] for name in AGAIN},
        },
    )
    print(f"{path}: {sources.in_words(read)}")
    for note in read.notes:
        print(f"{path}: {note}", file=sys.stderr)


def _forecast(
    features: list[str], *, columns: dict[str, str], horizon: int, **_: object
) -> dict[str, int] | None:
    """Say which feature is forecast, and how far ahead."""
    if horizon == 0:
        return None
    return {"feature": features.index(columns["target"]), "horizon": horizon}


if __name__ == "__main__":
    command.run(main)
