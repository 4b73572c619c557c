"""Tables on the terminal, which stay tables in a file."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table


def print_table(rows: Iterable[Sequence[str]], *headings: str) -> None:
    """Print a table in Markdown, each row on a line of its own.

    Args:
        rows: the cells of each row.
        headings: of the columns; all but the first are aligned to the right.
    """
    table = Table(box=box.MARKDOWN)
    for heading in headings:
        table.add_column(heading, justify="right" if table.columns else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=200).print(table)
