"""The command lookback: search for the smallest window."""

import shlex
from importlib.util import find_spec
from typing import Annotated

import typer

from statelab.cli.console import print_table
from statelab.errors import UserError


def search_lookback(
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Trials at a time; by default one for each core."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Of the Dask cluster to run them, tcp://10.0.0.1:8786."),
    ] = None,
    adopt: Annotated[
        bool, typer.Option(help="Run the experiment with the window that came out.")
    ] = False,
) -> None:
    """Find the smallest window that is not worse than the best.

    Searches as search/params.yaml says, on the data that params.yaml names, and goes on
    where it was killed. It is `dvc repro search/dvc.yaml`: DVC runs no search twice.
    """
    from statelab.config import params, schema

    schema.check_search(params.read(params.SEARCH), schema.check(params.read()))
    if find_spec("optuna") is None:
        raise UserError(
            "`statelab lookback` needs Optuna: pip install 'statelab[search]'"
        )
    from statelab.io import csv_files, files
    from statelab.lookback import search_result
    from statelab.pipeline import dvc_experiments, paths

    options = {"STATELAB_WORKERS": workers, "STATELAB_SCHEDULER": scheduler}
    dvc_experiments.dvc(
        "repro",
        str(params.SEARCH / "dvc.yaml"),
        **{name: str(value) for name, value in options.items() if value is not None},
    )
    result = files.read_json(paths.LOOKBACK)
    curve = csv_files.read(paths.LOOKBACK_CURVE)
    print_table(
        [search_result.row(line) for line in curve.to_dict("records")],
        "steps of a window",
        f"{result['score']} on validation",
        "95 % interval",
        "against the best",
    )
    changes = dvc_experiments.changes(result["adopt"])
    print(f"{result['text']}\n\nTo use it:\ndvc exp run {shlex.join(changes)}")
    if adopt:
        dvc_experiments.dvc("exp", "run", *changes)
