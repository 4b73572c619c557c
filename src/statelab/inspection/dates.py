"""The formats that text can be a date in."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import pandas as pd
import pyarrow as pa

from statelab.data import columns
from statelab.data.columns import Cells
from statelab.errors import UserError

ISO = ""  # needs no format
DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y"),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %y", "%d %B %Y"),
    *("%b %d, %Y", "%b %d %Y", "%b-%d-%Y", "%B %d, %Y", "%B %d %Y"),
    *("%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%b-%Y", "%b-%y", "%B %Y", "%YM%m"),
    *("%Y %b", "%Y-%b", "%Y %B", "%Y-%B"),
)
TIMES = (
    *("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%H.%M.%S", "%H.%M", "%H%M", "%H%M%S"),
    *("%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p"),
)
CLOCK = re.compile(r"(T|, | |:|-)(\d{1,2}[:.]\d{2}.*?)( ?)(Z|[+-]\d{2}:?\d{2})?$")


def formats_of(texts: Sequence[str]) -> list[str]:
    """Return the formats in which all of some texts are dates.

    Args:
        texts: one at least.

    Returns:
        `ISO` alone where that is so; else formats of strftime; none where some text is
        no date.

    Example:
        >>> formats_of(["1/2/2024 3:00", "5/2/2024 4:00"])
        ['%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M']
        >>> formats_of(["1/2/2024 3:00", "13/2/2024 4:00"])
        ['%d/%m/%Y %H:%M']
        >>> formats_of(["2024-01", "2024-02"]), formats_of(["1", "2"])
        ([''], [])
    """
    distinct = list(dict.fromkeys(texts))
    cells = Cells(pa.array(distinct, pa.string()), "", str)
    try:
        kind = columns.kind_of_time(cells)
        if kind != columns.NUMBER:
            columns.times(cells, kind)
            return [ISO]
    except UserError:
        pass
    else:
        if len(distinct[0]) != len("20240131"):
            return []
    found = (
        form
        for form in _formats_of_one(distinct[0])
        if parse(distinct, form) is not None
    )
    return list(islice(found, 2))


def _formats_of_one(text: str) -> Iterator[str]:
    """Yield the formats of one text.

    Example:
        >>> list(_formats_of_one("31.12.2024 7:30+0100"))
        ['%d.%m.%Y %H:%M%z']
    """
    clock = CLOCK.search(text)
    day = text[: clock.start()] if clock else text
    for form in DAYS:
        if parse([day], form) is None:
            continue
        if clock is None:
            yield form
            continue
        between, time, blank, zone = clock.groups()
        for clock_form in TIMES:
            if parse([time], clock_form) is not None:
                yield form + between + clock_form + (f"{blank}%z" if zone else blank)


def parse(texts: Sequence[str], form: str) -> pd.DatetimeIndex | None:
    """Return texts as dates in a format; None where one is none.

    Example:
        >>> parse(["3.1.2024"], "%d.%m.%Y").tolist()
        [Timestamp('2024-01-03 00:00:00')]
    """
    try:
        return pd.to_datetime(list(texts), format=form, utc="%z" in form)
    except ValueError:
        return None


def is_time_of_day(texts: Sequence[str]) -> bool:
    """Tell whether all texts are a time of day, without a date.

    Example:
        >>> is_time_of_day(["18.00.00"]), is_time_of_day(["18.5"])
        (True, False)
    """
    return any(
        parse(texts, form) is not None
        for form in TIMES
        if form not in ("%H%M", "%H%M%S", "%H.%M")
    )
