"""How the text of a file is written: encoding, separator, header, marks of numbers."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence

import charset_normalizer
import numpy as np

from statelab.config.settings import NONE
from statelab.data import columns
from statelab.formatting import listed
from statelab.inspection import dates
from statelab.inspection.guesses import Guess, TextTable

SEPARATORS = {"tab": "\t", ";": ";", "|": "|", ",": ","}  # the likelier ones first
LINES = 500  # that a separator is judged by
ENDING = 0.5  # share of lines with which it is certain that a mark ends them
ALIKE = 0.9  # share of lines that must have as many columns
LONG = 1 << 16  # characters of a line that a field can have
HEADER_ROWS = 5  # that are looked at
COUNTED = 4  # columns, at least, that are named by numbers one after another
RARE = 0.05  # share of bytes of letters beside English ones, in European languages
TITLE_LINES = 50
BYTE_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")
SENTINELS = re.compile(r"-(9+|[1-9]00+|1)(\.0+)?")
Rows = list[list[str]]


def guess(parts: Sequence[bytes]) -> tuple[TextTable, list[Guess]]:
    """Guess how a file is written, and split its lines into cells.

    Args:
        parts: of the file, as `file_parts.read` returns them.

    Returns:
        Its rows, and the settings of `generate.format` that are not their defaults.

    Example:
        >>> table, guesses = guess([b"Date;Load\\n1/2/2024;3,5\\n2/2/2024;4,25\\n"])
        >>> [(guess.setting, guess.value) for guess in guesses]
        [('format.separator', ';'), ('format.decimal', ',')]
        >>> table.cells["Load"]
        ['3,5', '4,25']
    """
    guesses: list[Guess] = []
    texts = _decoded(parts, guesses)
    lines = [text.splitlines() for text in texts]
    separator, ending = _separator(lines[0][:LINES], guesses)
    split = [_rows(_stripped(some, ending, separator), separator) for some in lines]
    width = _usual([len(row) for row in split[0] if row])
    skipped = _title_lines(split[0], width, guesses)
    first = [row for row in split[0][skipped:] if any(row)]
    header = _header_rows(first, width, guesses)
    names = [name.strip() for name in first[0]] if header else [""] * width
    names = (names + [""] * width)[:width]
    names = [name or str(place) for place, name in enumerate(names, 1)]
    split[0] = first[header:]
    rows = [(row, number) for number, some in enumerate(split) for row in some]
    kept = [(row, number) for row, number in rows if len(row) == width and any(row)]
    other = sum(1 for row, _ in rows if any(row) and len(row) != width)
    if other:
        evidence = f"{other} of {len(rows)} rows have not {width} columns"
        guesses.append(Guess("format", "rows differ", evidence, certain=False))
    by_column = zip(*(row for row, _ in kept), strict=True) if kept else [()] * width
    cells = {
        name: [_cell(cell) for cell in column]
        for name, column in zip(distinct(names), by_column, strict=True)
    }
    table = TextTable(cells, np.array([number for _, number in kept], int), header)
    _marks(table, guesses)
    return table, guesses


def has_text(part: bytes) -> bool:
    """Tell whether bytes are more than blanks and marks between cells.

    Example:
        >>> has_text(b"\\xef\\xbb\\xbf,; "), has_text(b",a")
        (False, True)
    """
    return bool(part.strip(b"".join(BYTE_MARKS) + b",;|\0\t\r\n "))


def _cell(text: str) -> str:
    text = text.strip()
    return "" if text in NONE else text


def is_number(cells: Sequence[str]) -> np.ndarray:
    """Tell which cells are numbers, whatever their decimal mark is."""
    return columns.look_like_numbers(list(cells))


def kind(cells: Sequence[str]) -> str:
    """Tell whether cells are of a `number`, a `date`, `text` or `nothing`.

    Example:
        >>> kind(["1.5", "?", "2", "3"]), kind(["3/1/2024"]), kind(["low", "2"])
        ('number', 'date', 'text')
    """
    filled = [cell for cell in cells if cell and cell not in NONE]
    if not filled:
        return "nothing"
    if is_number(filled).mean() > 0.5:
        return "number"
    if dates.formats_of(filled[:20]) or dates.is_time_of_day(filled[:20]):
        return "date"
    return "text"


def _decoded(parts: Sequence[bytes], guesses: list[Guess]) -> list[str]:
    for mark, name in BOMS.items():
        if parts[0].startswith(mark):
            guesses.append(Guess("format.encoding", name, "its first two bytes"))
            return [part.decode(name, "replace") for part in parts]
    try:
        return [part.decode("utf-8-sig") for part in parts]
    except UnicodeDecodeError as error:
        name = _encoding(b"".join(parts)[: 1 << 18])
        byte = error.object[error.start : error.start + 1]
        evidence = f"{byte!r} is not in UTF-8; others that read it differ by letters"
        guesses.append(Guess("format.encoding", name, evidence, certain=False))
        return [part.decode(name, "replace") for part in parts]


def _encoding(sample: bytes) -> str:
    """Guess an encoding that is not UTF-8.

    Example:
        >>> _encoding("Höhe;1".encode("latin-1") * 9)
        'cp1252'
    """
    others = [byte for byte in sample if byte > 127]
    if len(others) < RARE * len(sample) or len(set(others)) < COUNTED:
        letters = bytes(set(others)).decode("cp1252", "replace")
        if all(letter.isalpha() or letter in "°²³µ€–±" for letter in letters):
            return "cp1252"
    best = charset_normalizer.from_bytes(sample).best()
    return best.encoding if best else "latin-1"


def _separator(lines: list[str], guesses: list[Guess]) -> tuple[str, str]:
    """Return what is between columns, and what ends lines without being one of them."""
    lines = [line for line in lines if line.strip()]
    for name in [*SEPARATORS, "blanks"]:
        rows = _rows([line.rstrip(";, \t") for line in lines], name)
        widths = [len(row) for row in rows if row]
        usual = _usual(widths)
        if usual > 1 and widths.count(usual) >= ALIKE * len(widths):
            break
    else:
        name, usual = ",", 1
    mark = SEPARATORS.get(name, " ")
    ends = [line[-1] for line in lines if line[-1] in ";," and line[-1] != mark]
    ending = Counter(ends).most_common(1)[0][0] if ends else ""
    if name != ",":
        evidence = f"it makes {usual} columns of most lines"
        guesses.append(Guess("format.separator", name, evidence))
    if ending:
        evidence = f"{len(ends)} of {len(lines)} lines end with it"
        often = len(ends) >= ENDING * len(lines)
        guesses.append(Guess("format.line_end", ending, evidence, certain=often))
    return name, ending


def _stripped(lines: list[str], ending: str, separator: str) -> list[str]:
    ends = ending + (" \t" if separator == "blanks" else "")
    return [line.rstrip(ends) for line in lines] if ends else lines


def _rows(lines: list[str], separator: str) -> Rows:
    if separator == "blanks":
        return [line.split() for line in lines]
    try:
        return list(csv.reader(lines, delimiter=SEPARATORS[separator]))
    except csv.Error:  # a quote that is not closed, say
        return [next(csv.reader([line[:LONG]])) for line in lines if line]


def _usual(counts: list[int]) -> int:
    return Counter(counts).most_common(1)[0][0] if counts else 1


def _title_lines(rows: Rows, width: int, guesses: list[Guess]) -> int:
    full = [len(row) == width and any(row) for row in rows[:TITLE_LINES]]
    number = full.index(True) if True in full else 0
    if any(map(any, rows[:number])):
        evidence = f"the first {number} lines do not have {width} columns"
        guesses.append(Guess("format.skip_rows", number, evidence))
        return number
    return 0


def _header_rows(rows: Rows, width: int, guesses: list[Guess]) -> int:
    """Return how many rows at the top are names, or other words above numbers."""
    body = [row for row in rows[HEADER_ROWS:] if len(row) == width]
    body = body or [row for row in rows[1:] if len(row) == width]
    if not body:
        return 1
    kinds = [kind([row[place] for row in body[:200]]) for place in range(width)]
    header = 0
    for row in rows[:HEADER_ROWS]:
        if not _is_header(row, kinds, numbered=header == 0):
            break
        header += 1
    if header == 0 and not {"number", "date"} & set(kinds):
        header = 1
        evidence = "all columns are words, so that the first row may be their names"
        guesses.append(Guess("format.header", header, evidence, certain=False))
    elif header != 1:
        evidence = (
            "a row of words above columns of numbers"
            if header
            else (
                f"the first row has numbers as those below it: columns are 1 to {width}"
            )
        )
        guesses.append(Guess("format.header", header, evidence))
    return header


def _is_header(row: list[str], kinds: list[str], numbered: bool) -> bool:
    """Tell whether a row has names, or numbers that count its columns."""
    cells = dict(enumerate(cell.strip() for cell in row[: len(kinds)]))
    typed = {k: cells[k] for k in cells if kinds[k] in ("number", "date") and cells[k]}
    counts = [cell for cell in typed.values() if cell.isdecimal()]
    numbers = [int(cell) for cell in counts]
    in_a_row = numbered and len(numbers) >= COUNTED and set(np.diff(numbers)) == {1}
    words = [
        cell
        for place, cell in typed.items()
        if cell not in NONE and re.search(r"[^\W\d_]", cell) and kind([cell]) == "text"
    ]
    others = len(typed) - len(words) - (len(counts) if in_a_row else 0)
    return bool(words or (in_a_row and len(counts) == len(typed))) and others == 0


def distinct(names: list[str]) -> list[str]:
    """Number names that are there more than once.

    Example:
        >>> distinct(["x", "y", "x"])
        ['x', 'y', 'x (2)']
    """
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _marks(table: TextTable, guesses: list[Guess]) -> None:
    """Guess decimal marks, marks of thousands, and what stands for no value."""
    commas, points, grouped = [], [], []
    pointed = []  # columns in which each point is before three digits
    missing: Counter[str] = Counter()
    lowest: Counter[str] = Counter()
    for name in table.cells:
        filled = table.filled(name)
        if kind(filled) != "number":
            continue
        numbers = is_number(filled)
        pairs = list(zip(filled, numbers, strict=True))
        missing.update(cell for cell, is_one in pairs if not is_one)
        some = [cell for cell, is_one in pairs if is_one]
        if any("," in cell for cell in some):
            of_thousands = all(GROUPED.fullmatch(cell) for cell in some if "," in cell)
            (grouped if of_thousands else commas).append(name)
            if any(POINTED.fullmatch(cell) for cell in some):
                pointed.append(name)
        elif any("." in cell for cell in some):
            of_thousands = all(POINTED.fullmatch(cell) for cell in some if "." in cell)
            (pointed if of_thousands else points).append(name)
        lowest.update(_sentinel(some))
    if commas:
        value = "," if not points else dict.fromkeys(commas, ",")
        evidence = f"numbers with commas: {listed(commas)}"
        guesses.append(Guess("format.decimal", value, evidence))
        if pointed and not points:
            both = set(pointed) <= set(commas)
            evidence = f"points in {pointed[0]} are before three digits each"
            guesses.append(Guess("format.thousands", ".", evidence, certain=both))
    elif grouped:
        evidence = f"commas in {grouped[0]} are before three digits each"
        guesses.append(Guess("format.thousands", ",", evidence, certain=False))
    if missing:
        shown = ", ".join(f"{mark!r} {count} times" for mark, count in missing.items())
        few = len(missing) <= 3 and not any(re.search(r"\d", mark) for mark in missing)
        value = sorted(missing)
        evidence = f"in columns of numbers: {shown[:100]}"
        guesses.append(Guess("format.missing", value, evidence, certain=few))
    for mark, count in lowest.most_common(1):
        if not missing and count:
            evidence = (
                f"{mark} is the lowest value of {count} columns, again and again, and "
                "far below the others: list it if it stands for none"
            )
            guesses.append(Guess("format.missing", None, evidence, certain=False))


def _sentinel(cells: list[str]) -> list[str]:
    """Return the lowest number of a column where it may stand for no value."""
    counts = Counter(cells)
    marks = [cell for cell in counts if SENTINELS.fullmatch(cell) and counts[cell] > 1]
    if not marks:
        return []
    mark = min(marks, key=float)
    others = [_number(cell) for cell in counts if cell != mark]
    spread = max(others, default=0) - min(others, default=0)
    return [mark] if others and min(others) - float(mark) > spread / 2 > 0 else []


def _number(cell: str) -> float:
    return float(cell.replace(",", "."))  # roughly: it is to be compared alone
