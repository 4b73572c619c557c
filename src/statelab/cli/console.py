"""Tables on the terminal, which stay tables in a file."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
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


def print_words(rows: Iterable[Sequence[str]], *headings: str) -> None:
    """Print a table of words in Markdown, as wide as the terminal.

    Args:
        rows: the cells of each row.
        headings: of the columns.
    """
    table = Table(box=box.MARKDOWN)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console = Console()
    console.print(table, width=console.width if console.is_terminal else 120)
