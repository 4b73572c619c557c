"""Make the sequences, or read the user's."""

import sys

from statelab.config import params
from statelab.config.settings import GenerateSettings
from statelab.data import tasks
from statelab.data.sequences import NAMES_FILE, write_split
from statelab.io import arrays, files
from statelab.pipeline import command, paths

# of files to predict, too
READ_ALIKE = "calendar columns duplicates format label max_gap missing".split()


def main() -> None:
    loaded_params = params.load()
    generate = loaded_params.generate
    if generate.source == "task":
        arrays.write(paths.SEQUENCES, tasks.make(generate, loaded_params.seed))
        return
    from statelab.data import sources  # pyarrow and pandas, which no task needs

    loaded = sources.load(generate)
    arrays.write(paths.SEQUENCES, loaded.sequences)
    write_split(paths.SEQUENCES, loaded.split)
    settings = generate.model_dump()
    files.write_json(
        paths.SEQUENCES / NAMES_FILE,
        {
            "features": loaded.features,
            "classes": loaded.classes,
            "forecast": _forecast(loaded.features, generate),
            "read": {name: settings[name] for name in READ_ALIKE}
            | {"encoding": loaded.encoding._asdict()},
        },
    )
    print(f"{generate.path}: {sources.in_words(loaded)}")
    for note in loaded.notes:
        print(f"{generate.path}: {note}", file=sys.stderr)


def _forecast(features: list[str], generate: GenerateSettings) -> dict[str, int] | None:
    """Say which feature is forecast, and how many time steps ahead."""
    if generate.horizon == 0:
        return None
    return {
        "feature": features.index(generate.forecast_feature),
        "horizon": generate.horizon,
    }


if __name__ == "__main__":
    command.run(main)
