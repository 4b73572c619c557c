"""The rows as docs/benchmark.md shows them, and a summary for the README."""

import statistics
from itertools import groupby


def markdown(document: dict) -> str:
    """Return the rows as a table, and a line on the machine that they were timed on.

    Args:
        document: what is in metrics/benchmark.json.

    Example:
        >>> rows = [{"work": "one seed", "ours_us": 2.0, "peer": "Keras fit",
        ...          "peer_us": 3000.0, "ratio": 1500.0}]
        >>> print(markdown({"machine": {"cpu": "Z80", "cores": 1}, "rows": rows}))
        | µs per update and seed | ours |      peer |       | ratio | of sgemm |
        | ---------------------- | ---: | --------: | ----: | ----: | -------: |
        | one seed               | 2.00 | Keras fit | 3,000 | 1,500 |        – |
        <BLANKLINE>
        Measured on cpu Z80, cores 1.
    """
    limit = document["machine"].get("sgemm_gflops")
    lines = [("µs per update and seed", "ours", "peer", "", "ratio", "of sgemm")]
    for work, rows in groupby(document["rows"], key=lambda row: row["work"]):
        for nth, row in enumerate(rows):
            lines.append(
                (
                    "" if nth else work,
                    figure(row["ours_us"]),
                    row["peer"],
                    figure(row["peer_us"]),
                    figure(row["ratio"]),
                    figure(row["ours_gflops"] / limit) if "ours_gflops" in row else "–",
                )
            )
    machine = ", ".join(
        f"{name} {value}" for name, value in document["machine"].items()
    )
    return f"{_table(lines)}\n\nMeasured on {machine}."


def groups(document: dict) -> str:
    """Return for each group of works and each peer the mean of the ratios.

    Args:
        document: what is in metrics/benchmark.json.

    Example:
        >>> rows = [{"group": "10 networks", "peer": "JAX", "ratio": ratio}
        ...         for ratio in (1.0, 2.0, 4.0)]
        >>> print(groups({"rows": rows}))
        | sizes that people train | peer | sizes | geometric mean | least | most |
        | ----------------------- | ---: | ----: | -------------: | ----: | ---: |
        | 10 networks             |  JAX |     3 |           2.00 |  1.00 | 4.00 |
    """
    head = ("sizes that people train", "peer", "sizes", "geometric mean")
    lines = [(*head, "least", "most")]
    for group, peers in _ratios(document).items():
        for peer, ratios in peers.items():
            mean = statistics.geometric_mean(ratios)
            spread = [figure(value) for value in (mean, min(ratios), max(ratios))]
            lines.append((group, peer, str(len(ratios)), *spread))
    return _table(lines)


def _ratios(document: dict) -> dict[str, dict[str, list[float]]]:
    """Return the ratios of each group of works, by peer."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in document["rows"]:
        if row.get("group"):
            peers = found.setdefault(row["group"], {})
            peers.setdefault(row["peer"], []).append(row["ratio"])
    return found


def summary(document: dict) -> str:
    """Return a row for each work: ours, Keras `fit` and the fastest other library.

    Of a group of works it shows the geometric means of the ratios.

    Args:
        document: what is in metrics/benchmark.json.

    Example:
        >>> rows = [{"work": "one seed", "ours_us": 2.0, "peer": "Keras fit",
        ...          "peer_us": 3000.0, "ratio": 1500.0},
        ...         {"work": "one seed", "ours_us": 2.0, "peer": "Torch",
        ...          "peer_us": 600.0, "ratio": 300.0}]
        >>> summary({"rows": rows}).splitlines()[-1].split(" | ")[1:]
        ['2.00', '    3,000', '1,500', '        Torch', '600', '  300 |']
    """
    head = ("µs per update and seed", "ours", "Keras fit", "ratio")
    lines = [(*head, "fastest other", "", "ratio")]
    rows = [row for row in document["rows"] if not row.get("group")]
    for work, group in groupby(rows, key=lambda row: row["work"]):
        peers = {row["peer"]: row for row in group}
        keras = peers.pop("Keras fit", None)
        others = [row for peer, row in peers.items() if _is_other(peer)]
        if not others:
            continue
        fastest = min(others, key=lambda row: row["ratio"])
        lines.append(
            (
                work,
                figure(fastest["ours_us"]),
                figure(keras["peer_us"]) if keras else "–",
                figure(keras["ratio"]) if keras else "–",
                fastest["peer"],
                figure(fastest["peer_us"]),
                figure(fastest["ratio"]),
            )
        )
    for name, ratios in _ratios(document).items():
        means = {peer: statistics.geometric_mean(each) for peer, each in ratios.items()}
        other = min(filter(_is_other, means), key=means.__getitem__, default=None)
        if other is None:
            continue
        mean = f"{name}, mean of {len(ratios[other])} sizes"
        keras = figure(means["Keras fit"]) if "Keras fit" in means else "–"
        lines.append((mean, "–", "–", keras, other, "–", figure(means[other])))
    return _table(lines)


def _is_other(peer: str) -> bool:
    return not peer.startswith(("Keras", "floor", "ours"))


def _table(lines: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    head, *body = (_line(line, widths) for line in lines)
    return "\n".join([head, _line(rule, widths), *body])


def figure(value: float) -> str:
    """Return a number with three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _line(cells, widths) -> str:
    first, *rest = cells
    padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
    return "| " + " | ".join([first.ljust(widths[0]), *padded]) + " |"
