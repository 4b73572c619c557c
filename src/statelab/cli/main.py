"""The command `statelab`."""

import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from statelab.config import params, schema
from statelab.data import sources, tasks
from statelab.data.sequences import Sequences
from statelab.diagnosis import findings
from statelab.diagnosis.findings import Finding
from statelab.errors import UserError
from statelab.evaluation import variants
from statelab.evaluation.variants import Variant
from statelab.io import csv_files, files
from statelab.lookback import search_result
from statelab.pipeline import command, dvc_experiments, progress
from statelab.samples import plan_summary, scaling, splitting
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows, dropped_notes
from statelab.studies import beyond, examples, post

BEYOND = Path("metrics/beyond.json")
EXAMPLES = Path("metrics/examples.json")
GRADIENTS = Path("metrics/gradients.json")
LOOKBACK = Path("metrics/lookback.json")


class Each(StrEnum):
    """What has a line of its own among predictions."""

    STEP = "step"
    SEQUENCE = "sequence"


app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _statelab() -> None:
    """Does a recurrent network have to carry state on your sequences?"""


@app.command("post")
def _post(
    run: Annotated[
        bool, typer.Option(help="Run the experiments that are missing.")
    ] = True,
) -> None:
    """Run every experiment of the post that this commit lacks, and print the table."""
    if run:
        _run_missing(post.EXPERIMENTS)
    _print(
        post.table(),
        "test accuracy of",
        "the post",
        f"ours, {post.SEEDS} seeds",
        "ceiling",
        "at the last step",
        "s/epoch, post",
        f"s/epoch, all {post.SEEDS}",
    )


@app.command("beyond")
def _beyond(
    run: Annotated[
        bool, typer.Option(help="Run the experiments that are missing.")
    ] = True,
) -> None:
    """Show where the recipe of the post stops: other labels, segments and tasks.

    Runs the experiments that this commit lacks, and prints a table. Once all are there
    it also writes metrics/beyond.json and a picture beside it.
    """
    if run:
        _run_missing({row.experiment: beyond.sections(row) for row in beyond.ROWS})
    scored = beyond.scores()
    _print(
        beyond.table(scored),
        "task",
        "steps",
        "label at",
        "gradient window",
        f"state reset at each segment, {beyond.SEEDS} seeds",
        "state carried",
        "no model",
    )
    if all("baseline" in each for each in scored):
        files.write_json(BEYOND, {"seeds": beyond.SEEDS, "rows": scored})
        from statelab.report import figures  # matplotlib takes a second to import

        with files.atomic_write(BEYOND.with_suffix(".svg")) as stream:
            stream.write(figures.svg(figures.beyond(scored)))


@app.command("gradients")
def _gradients() -> None:
    """Show whether an LSTM keeps gradients from vanishing, and what that is worth.

    Draws how steeply untrained networks' answers go with a step some lag before, and
    trains them to tell a first step after so much noise: some minutes. Prints a table,
    and writes metrics/gradients.json and a picture beside it.
    """
    with command.quiet_import():
        from statelab.report import figures
        from statelab.studies import vanishing_gradients
    shares, rows = vanishing_gradients.slopes(), list(vanishing_gradients.learned())
    _print(
        [tuple(map(str, row.values())) for row in rows],
        f"steps back; of {vanishing_gradients.TRAINED} networks, learn it",
        *vanishing_gradients.KINDS,
    )
    told = {
        kind: {str(lag): table["mean"].iloc[lag] for lag in (0, 10, 50, 99)}
        for kind, table in shares.groupby("kind", sort=False)
    }
    files.write_json(GRADIENTS, {"slope": told, "learn": rows})
    with files.atomic_write(GRADIENTS.with_suffix(".svg")) as stream:
        stream.write(figures.svg(figures.slopes(shares)))


@app.command("examples")
def _examples(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which; all, where none is named.")
    ] = None,
    run: Annotated[
        bool, typer.Option(help="Run the experiments that are missing.")
    ] = True,
) -> None:
    """Train on real sequences that ship inside PyPI packages, and print the table.

    Writes each as data/examples/NAME.csv, and runs the experiments that this commit
    lacks: `dvc exp apply example-NAME` puts the settings of one into params.yaml. Once
    all are there it also writes metrics/examples.json and a picture beside it.
    """
    names = names or list(examples.EXAMPLES)
    for name in names:
        examples.write(name)
    rows = [row for name in names for row in examples.EXAMPLES[name].rows]
    if run:
        named = {row.experiment: row.sections for row in rows}
        _run_missing(named, copied=[examples.FOLDER])
    scored = examples.scores(names)
    _print(
        examples.table(scored),
        "data",
        "sequences",
        "steps",
        "samples",
        "score",
        f"stateless, {examples.SEEDS} seeds",
        "stateful",
        "one answer",
        *examples.NAIVE.values(),
    )
    if len(names) == len(examples.EXAMPLES) and all("score" in row for row in scored):
        files.write_json(EXAMPLES, {"seeds": examples.SEEDS, "rows": scored})
        from statelab.report import figures  # matplotlib takes a second to import

        with files.atomic_write(EXAMPLES.with_suffix(".svg")) as stream:
            stream.write(figures.svg(figures.examples(scored)))


def _run_missing(
    named: Mapping[str, dvc_experiments.Sections], copied: Iterable[Path] = ()
) -> None:
    for name in dvc_experiments.missing(named):
        dvc_experiments.run(name, named[name], copied=copied)


def _print(lines: list[tuple[str, ...]], *headings: str) -> None:
    table = Table(box=box.MARKDOWN)
    for heading in headings:
        table.add_column(heading, justify="right" if table.columns else "left")
    for line in lines:
        table.add_row(*line)
    Console(width=200).print(table)  # a line for each row, also in a file


@app.command("lookback")
def _lookback(
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Trials side by side; else one for each core."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Of a Dask cluster that carries them, tcp://10.0.0.1:8786."),
    ] = None,
    adopt: Annotated[
        bool, typer.Option(help="Run the experiment that puts the answer to use.")
    ] = False,
) -> None:
    """Find the smallest window that is not worse than the best.

    Searches as search/params.yaml says, on the data that params.yaml names, and goes on
    where it was killed. It is `dvc repro search/dvc.yaml`: what has been found is not
    searched again.
    """
    read = params.read()
    schema.check(read)
    schema.check_search(params.read(params.SEARCH), read)
    if find_spec("optuna") is None:
        raise UserError(
            "`statelab lookback` needs Optuna: pip install 'statelab[search]'"
        )
    told = {"STATELAB_WORKERS": workers, "STATELAB_SCHEDULER": scheduler}
    asked = {name: str(value) for name, value in told.items() if value is not None}
    dvc_experiments.dvc("repro", str(params.SEARCH / "dvc.yaml"), **asked)
    found = files.read_json(LOOKBACK)
    curve = csv_files.read(LOOKBACK.with_suffix("") / "curve.csv")
    _print(
        [search_result.row(line) for line in curve.to_dict("records")],
        "steps of a window",
        f"{found['score']} on validation",
        "95 % interval",
        "against the best",
    )
    options = dvc_experiments.changes(found["adopt"])
    print(f"{found['text']}\n\nTo use it:\ndvc exp run {shlex.join(options)}")
    if adopt:
        dvc_experiments.dvc("exp", "run", *options)


@app.command("diagnose")
def _diagnose(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCRIPT.py [-- ARGS…] | MODEL.keras DATA.npz]",
            help="A training script, or a model and data; else this workspace.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each probe.")
    ] = False,
) -> None:
    """Tell whether state leaks: from sequence to sequence, or into validation.

    A training script is run, with what it hands to Keras recorded. Of a model and data
    (x, y, and optionally sequence_id, x_val, y_val) it tells what such a pair can show.
    Without either it looks at what `dvc repro` has left in this workspace.

    Ends with 0 where everything is sound, with 1 where a probe fails.
    """
    found = []
    with progress.steps("diagnose", len(findings.QUESTIONS)) as step:
        for finding in _door(given or []):
            found.append(finding)
            step(finding.name)
    if as_json:
        for finding in found:
            print(json.dumps(finding._asdict()))
    else:
        _print_findings(found)
    sys.exit(any(finding.passed is False for finding in found))


def _door(given: list[str]) -> Iterable[Finding]:
    """Return what the probes find in what was given, one by one."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND must be tensorflow. Received: {backend}")
    with command.quiet_import():
        match [Path(file).suffix for file in given]:
            case []:
                from statelab.diagnosis import workspace

                return workspace.findings()
            case [".py", *_]:
                from statelab.diagnosis.script import registry

                return registry.findings(Path(given[0]), given[1:])
            case [".keras", ".npz"]:
                from statelab.diagnosis import model

                return model.findings(*map(Path, given))
    raise UserError(
        "`statelab diagnose` takes SCRIPT.py, or MODEL.keras DATA.npz, or nothing. "
        f"Received: {' '.join(given)}"
    )


def _print_findings(found: list[Finding]) -> None:
    table = Table(box=box.SIMPLE)
    for heading in ("probe", "", "where"):
        table.add_column(heading, overflow="fold")
    signs = {True: "[green]sound", False: "[red bold]FAILS", None: "[dim]cannot tell"}
    # what fails is read first
    for name, passed, where, repair in sorted(
        found, key=lambda f: f.passed is not False
    ):
        more = f"\n[bold]repair:[/bold] {escape(repair)}" if repair else ""
        table.add_row(name, signs[passed], escape(where) + more)
    Console().print(table)
    counts = Counter(finding.passed for finding in found)
    print(f"{counts[False]} fail, {counts[True]} sound, {counts[None]} cannot tell")


@app.command("plan")
def _plan(
    lanes: Annotated[int, typer.Option(min=1, help="Lanes to draw.")] = 8,
    batches: Annotated[int, typer.Option(min=1, help="Batches to draw.")] = 72,
    rehearse: Annotated[
        bool, typer.Option(help="Train for some seconds, to tell how long it takes.")
    ] = True,
) -> None:
    """Show what params.yaml means, before anything is trained.

    Prints samples, updates and padding of a pass, and draws what each lane of a batch
    reads: a letter for each sequence, a capital where state is zero, - for padding.
    """
    read = params.read()
    schema.check(read)
    made, notes = read["generate"], []
    if made["source"] == "task":
        sequences = tasks.make(seed=read["seed"], **made)
    else:
        loaded = sources.load(**made)
        sequences, notes = loaded.sequences, [sources.in_words(loaded), *loaded.notes]
    windows = splitting.split_and_window(
        sequences, seed=read["seed"], horizon=made["horizon"], **read["window"]
    )
    for note in [*notes, *dropped_notes(windows)]:
        print(note, file=sys.stderr)
    scaled = scaling.wanted(read["window"]["scaling"], made["source"])
    fitted = scaling.fit(sequences, windows) if scaled else None
    columns, drawings = [], []
    for mode in command.Mode:
        settings = {"stateful": mode is command.Mode.STATEFUL, **read[f"train_{mode}"]}
        plan = plan_summary.training_plan(windows, **settings)
        counted = plan_summary.figures(sequences, windows, plan, **settings)
        trained = variants.of(windows, seed=read["seed"], **read["model"], **settings)
        told = {"variants": ", ".join(each.name for each in trained)}
        columns.append(plan_summary.in_words(counted, **settings) | told)
        if rehearse:
            columns[-1] |= _rehearsed(sequences, windows, fitted, trained)
        shown = plan_summary.drawing(windows, plan, lanes=lanes, batches=batches)
        drawings.append("\n".join([f"{mode}, batch by batch:", *shown]))
    lines = [(name, *(each[name] for each in columns)) for name in columns[0]]
    _print(lines, "an epoch of training", *command.Mode)
    for text in drawings:
        print(f"\n{text}")


def _rehearsed(
    sequences: Sequences,
    windows: Windows,
    fitted: Scaling | None,
    trained: list[Variant],
) -> dict[str, str]:
    with command.quiet_import():
        from statelab.training import estimate
    told = estimate.estimate(sequences, windows, fitted, **trained[0].settings)
    return {
        "all epochs of all variants take, about": (
            f"{told.seconds * len(trained):,.0f} s"
        ),
        "memory at the peak, about": f"{told.memory / 1e6:,.0f} MB",
    }


@app.command("sync")
def _sync() -> None:
    """Bring MLflow in step with DVC's experiments and the workspace.

    Delivers what waited for a store that was down, shows what came out of DVC's cache,
    and lets each run be found by every experiment that shares it. Running it twice
    changes nothing.
    """
    from statelab.tracking import mlflow_store, sync  # MLflow takes seconds to import

    try:
        done = sync.sync()
    except mlflow_store.NotLogged as error:
        print(f"sync: stopped by {mlflow_store.refusal(error)}", file=sys.stderr)
        sys.exit(1)
    for line in done.lost:
        print(f"no run: {line}", file=sys.stderr)
    print(
        f"{mlflow_store.address()}: {done.results} results of {done.experiments} "
        f"experiments and the workspace, {done.delivered} runs delivered from the "
        f"spool, {done.made} made from DVC's cache, {done.named} found by more "
        f"experiments, {done.merged} doubles deleted"
    )


@app.command("report")
def _report(
    out: Annotated[Path, typer.Option(help="The file that is written.")] = Path(
        "report.html"
    ),
) -> None:
    """Write what came out as one HTML page that needs no network.

    Trains nothing: it shows what `dvc repro` has left behind.
    """
    from statelab.report import page  # matplotlib takes a second to import

    for note in page.write(out):
        print(note, file=sys.stderr)
    print(out)


@app.command("predict")
def _predict(
    file: Annotated[Path, typer.Argument(help="Sequences: CSV, Parquet or npz.")],
    mode: Annotated[
        command.Mode, typer.Option(help="Which training's model.")
    ] = command.Mode.STATEFUL,
    out: Annotated[
        Path | None, typer.Option(help="A .csv or .parquet; else it is printed.")
    ] = None,
    network: Annotated[int, typer.Option(help="Which seed's, counted from 0.")] = 0,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Sequences side by side; changes no answer.")
    ] = 100,
    each: Annotated[
        Each | None,
        typer.Option(help="A line for each; by default as in `generate.label`."),
    ] = None,
) -> None:
    """Answer the sequences of a file with a trained network.

    The columns are those that it has learnt from; a target is not needed. Prints CSV,
    with the sequence and the time of each line as they stand in the file.
    """
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UserError(f"`--out` must end in .csv or .parquet. Received: {out}")
    if out is not None and out.resolve() == file.resolve():
        raise UserError(f"`--out` must be another file than is read. Received: {out}")
    with command.quiet_import():
        from statelab.training import predict
    table, notes = predict.predict(
        Path("data/models") / mode,
        file,
        stateful=mode is command.Mode.STATEFUL,
        network=network,
        batch_size=batch_size,
        each=each,
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


@app.command("export")
def _export(
    mode: Annotated[command.Mode, typer.Argument(help="Which training's model.")],
    folder: Annotated[Path, typer.Argument(help="Where the files go.")] = Path("."),
    network: Annotated[int, typer.Option(help="Which seed's, counted from 0.")] = 0,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Of the stateful twin: Keras fixes it.")
    ] = 1,
) -> None:
    """Write a trained network as two stock Keras models that answer alike.

    MODE-stateless.keras takes whole sequences; MODE-stateful.keras takes them piece by
    piece, and carries its state from one call to the next until it is reset.
    MODE-card.md says what it has learnt from, how well it does, and where that ends.
    """
    with command.quiet_import():
        from statelab.networks import keras_models
    folder.mkdir(parents=True, exist_ok=True)
    for twin, options in {
        "stateless": {},
        "stateful": {"stateful": True, "batch_size": batch_size},
    }.items():
        file = folder / f"{mode}-{twin}.keras"
        keras_models.load(Path("data/models") / mode, network=network, **options).save(
            file
        )
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


def _card(mode: command.Mode, network: int) -> str:
    from statelab.tracking import bundle_builder  # matplotlib takes a second to import

    asked = params.made_with(f"train_{mode}")
    return bundle_builder.describe(mode, asked, Path("."), network=network).card


def main() -> None:
    """Run the command, and exit as `command` says."""
    with command.one_line_errors():
        try:
            app()
        except subprocess.CalledProcessError as error:
            sys.exit(error.returncode)  # the program that failed has said why
