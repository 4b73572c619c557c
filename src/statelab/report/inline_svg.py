"""A Figure as an `svg` element of a page, in the colours of the page."""

import io
import re
from html import escape
from typing import Any, NamedTuple

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from statelab.report.figures import COLOURS, GREY, GRID, INK

THEME = {  # colour in a figure -> what it is on a page, light or dark
    INK: "currentColor",
    GREY: "var(--muted)",
    GRID: "var(--line)",
    COLOURS["stateless"]: "var(--stateless)",
    COLOURS["stateful"]: "var(--stateful)",
}


class Picture(NamedTuple):
    """A figure as it stands on the page."""

    svg: Markup
    caption: str
    note: str  # below it


def picture(
    figure: Figure, name: str, alt_text: str, caption: str, note: str = ""
) -> Picture:
    """Return a figure with its caption; `figure`, `name`, `alt_text` as in `inline`."""
    return Picture(Markup(inline(figure, name, alt_text)), caption, note)


def inline(figure: Figure, name: str, alt_text: str) -> str:
    """Return a figure as an `svg` element that takes its colours from the page.

    Args:
        figure: with the colours of `figures`.
        name: begins each id in it, so that several can stand on one page.
        alt_text: what it shows, for those who cannot see it.

    Returns:
        The same text for the same figure, without a width or height of its own.
    """
    buffer = io.StringIO()
    options: dict[Any, Any] = {"svg.hashsalt": "statelab", "svg.fonttype": "none"}
    no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(options):
        figure.savefig(buffer, format="svg", transparent=True, metadata=no_metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    head, _, body = text.partition(">")
    head = re.sub(r' (width|height|version|xmlns)="[^"]*"', "", head)
    for pattern in (' id="', 'href="#', "url(#"):
        body = body.replace(pattern, pattern + name + "-")
    for colour, themed in THEME.items():
        body = body.replace(colour, themed)
    return f'{head} role="img" aria-label="{escape(alt_text)}">{body}'
