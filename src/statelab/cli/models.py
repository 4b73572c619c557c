"""Commands that use a trained network: predict, export."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from statelab.config.modes import Mode
from statelab.errors import UserError
from statelab.io import files
from statelab.pipeline import command, paths

Network = Annotated[
    int, typer.Option(help="Of which seed the network is, counted from 0.")
]


class Row(StrEnum):
    """What has a row of its own among predictions."""

    STEP = "step"
    SEQUENCE = "sequence"


def predict(
    file: Annotated[Path, typer.Argument(help="Sequences: CSV, Parquet or npz.")],
    mode: Annotated[
        Mode, typer.Option(help="Of which training the model is.")
    ] = "stateful",
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet; else they are printed.")
    ] = None,
    network: Network = 0,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Sequences at a time; changes no prediction.")
    ] = 100,
    coverage: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=0.999,
            help="Of values: adds an interval that shall hold this share of targets.",
        ),
    ] = None,
    row: Annotated[
        Row | None,
        typer.Option(
            "--each", help="A row for each; by default as in `generate.label`."
        ),
    ] = None,
) -> None:
    """Predict the sequences of a file with a trained network.

    The columns are those that it was trained on; a target is not needed. Prints CSV,
    with the sequence and the time of each row as they stand in the file.
    """
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UserError(f"`--out` must end in .csv or .parquet. Received: {out}")
    if out is not None and out.resolve() == file.resolve():
        raise UserError(f"`--out` must be another file than is read. Received: {out}")
    with command.lean_import():
        from statelab.training import predict
    table, notes = predict.predict(
        paths.model(mode),
        file,
        stateful=mode == "stateful",
        network=network,
        batch_size=batch_size,
        coverage=coverage,
        row=row,
    )
    for note in notes:
        print(f"{file}: {note}", file=sys.stderr)
    if out is None:
        table.to_csv(sys.stdout, index=False)
        return
    with files.atomic_write(out) as stream:
        if out.suffix == ".csv":
            table.to_csv(stream, index=False)
        else:
            table.to_parquet(stream, index=False)


def export(
    mode: Annotated[Mode, typer.Argument(help="Of which training the model is.")],
    folder: Annotated[Path, typer.Argument(help="Where the files go.")] = Path("."),
    network: Network = 0,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Of the stateful model: Keras fixes it.")
    ] = 1,
) -> None:
    """Write a trained network as two stock Keras models.

    Both predict the same. MODE-stateless.keras takes whole sequences;
    MODE-stateful.keras takes them in parts, and carries its state from one call to the
    next until it is reset. MODE-card.md says what the network was trained on, how well
    it does, and where that ends.
    """
    with command.lean_import():
        from statelab.networks import keras_models
    folder.mkdir(parents=True, exist_ok=True)
    for kind, options in {
        "stateless": {},
        "stateful": {"stateful": True, "batch_size": batch_size},
    }.items():
        file = folder / f"{mode}-{kind}.keras"
        keras_models.load(paths.model(mode), network=network, **options).save(file)
        print(file)
    try:
        text = _card(mode, network)
    except UserError as error:
        print(f"no card: {error}", file=sys.stderr)
        return
    file = folder / f"{mode}-card.md"
    with files.atomic_write(file) as stream:
        stream.write(text.encode())
    print(file)


def _card(mode: Mode, network: int) -> str:
    from statelab.config import params
    from statelab.report import description

    settings = params.made_with(f"train_{mode}")
    return description.describe(mode, settings, Path("."), network=network).card
