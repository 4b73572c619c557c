"""Check search/params.yaml before a search removes the results of an earlier one."""

from statelab.config import params, schema
from statelab.data.sequences import Sequences, read_split
from statelab.io import arrays, files
from statelab.lookback import evaluation_set
from statelab.pipeline import command, paths


def main() -> None:
    loaded = params.load()
    search_params = schema.check_search(params.read(params.SEARCH), loaded)
    chosen = evaluation_set.build(
        arrays.read(paths.SEQUENCES, Sequences),
        loaded,
        search_params.search,
        read_split(paths.SEQUENCES),
    )
    files.write_json(
        paths.EVALUATION_SET,
        {
            "longest_window": chosen.longest_window,
            "scored_steps": len(chosen.scored_steps),
        },
    )


if __name__ == "__main__":
    command.run(main)
