"""The rows as the README shows them."""

from itertools import groupby


def markdown(document: dict) -> str:
    """Return the rows as a table, and a line on the machine that they were timed on.

    Args:
        document: what is in metrics/benchmark.json.

    Example:
        >>> rows = [{"work": "one seed", "ours_us": 2.0, "peer": "Keras fit",
        ...          "peer_us": 3000.0, "ratio": 1500.0}]
        >>> print(markdown({"machine": {"cpu": "Z80", "cores": 1}, "rows": rows}))
        | µs per update and seed | ours |      peer |       | ratio |
        | ---------------------- | ---: | --------: | ----: | ----: |
        | one seed               | 2.00 | Keras fit | 3,000 | 1,500 |
        <BLANKLINE>
        Measured on cpu Z80, cores 1.
    """
    lines = [("µs per update and seed", "ours", "peer", "", "ratio")]
    for work, rows in groupby(document["rows"], key=lambda row: row["work"]):
        for nth, row in enumerate(rows):
            lines.append(
                (
                    "" if nth else work,
                    figure(row["ours_us"]),
                    row["peer"],
                    figure(row["peer_us"]),
                    figure(row["ratio"]),
                )
            )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    machine = ", ".join(
        f"{name} {value}" for name, value in document["machine"].items()
    )
    head, *body = (_line(line, widths) for line in lines)
    return "\n".join([head, _line(rule, widths), *body, "", f"Measured on {machine}."])


def figure(value: float) -> str:
    """Return a number with three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _line(cells, widths) -> str:
    first, *rest = cells
    padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
    return "| " + " | ".join([first.ljust(widths[0]), *padded]) + " |"
