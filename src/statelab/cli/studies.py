"""Commands that repeat the published studies: post, beyond, examples, gradients.

`statelab study` has them all, and `external`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from statelab.cli.console import print_table
from statelab.io import files
from statelab.pipeline import command, paths

Run = Annotated[bool, typer.Option(help="Run the experiments that are missing.")]


def compare_post(run: Run = True) -> None:
    """Run the post's missing experiments, and print its table."""
    from statelab.studies import post

    if run:
        _run_missing(post.EXPERIMENTS)
    print_table(post.table(), *post.HEADINGS)


def compare_beyond(run: Run = True) -> None:
    """Show where the post's recipe fails: other labels and tasks.

    Runs the experiments that this commit lacks, and prints a table. Once all are there
    it also writes metrics/beyond.json and a figure beside it.
    """
    from statelab.studies import beyond

    if run:
        _run_missing(beyond.EXPERIMENTS)
    scores = beyond.scores()
    print_table(beyond.table(scores), *beyond.HEADINGS)
    if all("score" in row for row in scores):
        from statelab.report import figures

        _write(
            paths.BEYOND_SCORES,
            {"seeds": beyond.SEEDS, "rows": scores},
            figures.svg(figures.beyond(scores)),
        )


def compare_examples(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which; all, where none is named.")
    ] = None,
    run: Run = True,
) -> None:
    """Train on real sequences from PyPI packages, and print a table.

    Writes data/examples/NAME.csv for each data set, and runs the experiments that this
    commit lacks: `dvc exp apply example-NAME` puts the settings of one into
    params.yaml. Once all are there it also writes metrics/examples.json and a figure
    beside it.
    """
    from statelab.studies import examples

    names = names or list(examples.EXAMPLES)
    for name in names:
        examples.write(name)
    if run:
        rows = [row for name in names for row in examples.EXAMPLES[name].rows]
        sections = {row.experiment: row.sections for row in rows}
        _run_missing(sections, copied=[paths.EXAMPLES])
    scores = examples.scores(names)
    print_table(examples.table(scores), *examples.HEADINGS)
    if len(names) == len(examples.EXAMPLES) and all("score" in row for row in scores):
        from statelab.report import figures

        _write(
            paths.EXAMPLE_SCORES,
            {"seeds": examples.SEEDS, "rows": scores},
            figures.svg(figures.examples(scores)),
        )


def compare_external(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Rows to run, again too; those missing, if none is named."),
    ] = None,
    run: Run = True,
) -> None:
    """Compare our figures with published ones.

    Trains what is missing in metrics/external.json, and writes it there row by row: a
    command that was stopped goes on with the next row. Prints the table.
    """
    with command.lean_import():
        from statelab.studies import external
    results = external.stored()
    for row in external.chosen(names or [], results) if run else []:
        results[row.name] = external.measure(row)
        external.write(results)
    print_table(external.table(results), *external.HEADINGS)
    for line in external.findings(results):
        print(line)


def measure_gradients() -> None:
    """Show whether an LSTM keeps gradients from vanishing.

    Draws how steep the predictions of untrained networks are in an input some steps
    before, and trains networks to predict a first step after as many steps of noise:
    some minutes. Prints a table, and writes metrics/gradients.json and a figure beside
    it.
    """
    with command.lean_import():
        from statelab.report import figures
        from statelab.studies import vanishing_gradients
    shares, rows = vanishing_gradients.slopes(), list(vanishing_gradients.learned())
    print_table(
        [tuple(map(str, row.values())) for row in rows],
        f"steps back; of {vanishing_gradients.TRAINED} networks, learn it",
        *vanishing_gradients.KINDS,
    )
    slopes = {
        kind: {str(lag): table["mean"].iloc[lag] for lag in (0, 10, 50, 99)}
        for kind, table in shares.groupby("kind", sort=False)
    }
    _write(
        paths.GRADIENTS,
        {"slope": slopes, "learn": rows},
        figures.svg(figures.slopes(shares)),
    )


def _run_missing(
    sections: Mapping[str, dict[str, dict[str, object]]], copied: Iterable[Path] = ()
) -> None:
    from statelab.pipeline import dvc_experiments

    for name in dvc_experiments.missing(sections):
        dvc_experiments.run(name, sections[name], copied=copied)


def _write(file: Path, result: dict[str, Any], figure: bytes) -> None:
    files.write_json(file, result)
    with files.atomic_write(file.with_suffix(".svg")) as stream:
        stream.write(figure)
