"""Ours and every peer by turns, on the same work: `python -m benchmarks`."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import chart, check, machine, table, works
from benchmarks.duel import duel
from benchmarks.processes import Unable, started
from benchmarks.works import OURS, WORKS, Work
from statelab.report import figures

CONSOLE = Console(highlight=False, soft_wrap=True)
METRICS = Path("metrics")


def main(
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This work; repeatable.")
    ] = None,
    quick: Annotated[
        bool, typer.Option(help="Few updates: shows that it runs, not how fast.")
    ] = False,
    same: Annotated[
        bool, typer.Option("--check", help="Compare losses in place of times.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where results go; metrics/, for a whole run alone."),
    ] = None,
) -> None:
    """Time training against its peers, and say how many times as long they take."""
    names = [work.name for work in WORKS]
    if unknown := set(only or ()) - set(names):
        raise typer.BadParameter(f"--only must be one of {names}. Received: {unknown}")
    chosen = [work for work in WORKS if not only or work.name in only]
    for module, package in works.missing().items():
        CONSOLE.print(f"{module} is left out: {package} is not installed")
    chosen = [works.of_installed(work) for work in chosen]
    if same:
        raise typer.Exit(0 if _check(chosen) else 1)
    if quick:
        chosen = [works.quick(work) for work in chosen]
    before = machine.sgemm_gflops()
    CONSOLE.print(_line("µs per update and seed", "ours", "peer", "", "ratio"))
    rows = [row for work in chosen for row in _rows(work)]
    if folder is None and not only and not quick:
        folder = METRICS
    if not rows:
        raise typer.Exit(1)
    limit = {"sgemm_gflops": round(max(before, machine.sgemm_gflops()))}
    document = {"machine": machine.description() | limit, "rows": rows}
    CONSOLE.print("\n" + table.markdown(document), markup=False)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = [row for row in rows if not row["group"]] or rows
        (folder / "benchmark.json").write_text(json.dumps(document, indent=2) + "\n")
        (folder / "benchmark.svg").write_bytes(figures.svg(chart.ratios(drawn)))


def _rows(work: Work) -> list[dict]:
    """Run a work: all prepare themselves at once, then meet us one after another."""
    rows = []
    with ExitStack() as stack:
        ours, *theirs = [
            stack.enter_context(started(peer, work)) for peer in (OURS, *work.peers)
        ]
        waiting = []
        try:
            ours.ready()
        except Unable as error:
            CONSOLE.print(f"{work.name}: left out, ours cannot do it ({error})")
            return []
        for peer, contestant in zip(work.peers, theirs, strict=True):
            try:
                contestant.ready()
                waiting.append((peer, contestant))
            except Unable as error:
                CONSOLE.print(f"{work.name}, {peer.name}: left out ({error})")
        for peer, contestant in waiting:
            try:
                rows.append(duel(work, ours, peer, contestant))
            except Unable as error:
                CONSOLE.print(f"{work.name}, {peer.name}: left out ({error})")
            else:
                CONSOLE.print(_row(rows[-1]))
    return rows


def _row(row: dict) -> str:
    times = [table.figure(row[f"{who}_us"]) for who in ("ours", "peer")]
    line = _line(row["work"], times[0], times[1], row["peer"], f"{row['ratio']:.2f}")
    if "ours_gflops" in row:
        line += f"   {row['ours_gflops']:.0f} : {row['peer_gflops']:.0f} GFLOP/s"
    return line


def _line(work: str, ours: str, theirs: str, peer: str, ratio: str) -> str:
    return f"{work:22} {ours:>9} {theirs:>9}  {peer:24} {ratio:>7}"


def _check(chosen: list[Work]) -> bool:
    """Print each contestant's loss; tell whether all have that of the first."""
    same = True
    for work in chosen:
        first = None
        for name, loss in check.losses(work):
            if isinstance(loss, str):
                CONSOLE.print(f"{work.name:22} {name:24} left out ({loss})")
                continue
            first = loss if first is None else first
            off = abs(loss / first - 1)
            same &= off < check.TOLERANCE
            CONSOLE.print(f"{work.name:22} {name:24} {loss:.7f}   off by {off:.0e}")
    return same


if __name__ == "__main__":
    typer.run(main)
