"""Which columns are the sequence, the target and the features."""

import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from statelab.inspection import text_format, times
from statelab.inspection.guesses import Guess, TextTable
from statelab.inspection.times import Time

SEQUENCE_NAMES = re.compile(
    r"(.*[ _.]|unique)?(id|ids|key|nr|series|store|shop|item|product|sku|user|subject|"
    r"patient|person|unit|machine|engine|device|sensor|station|site|symbol|ticker|"
    r"stock|customer|meter|city|country|region|trial|session|sequence|run)"
    r"([ _.]?(id|nr))?",
    re.IGNORECASE,
)
RARE = 0.01  # share of rows with a time twice that no sequence is looked for
TARGET_NAMES = ("target", "label", "class", "y", "activity", "outcome", "ot", "close")
FEW = 32  # distinct words, or whole numbers named so, that are classes
CHANGES = 0.2  # share of rows, at most, at which a class changes
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
STEPS = 8  # columns named by consecutive numbers, at least, that are steps
Kinds = dict[str, str]


def guess(
    table: TextTable, files: int, wanted: str | None
) -> tuple[list[Guess], list[str]]:
    """Guess what each column is.

    Args:
        table: rows of a file.
        files: how many there are.
        wanted: the target, where the user has named it; `remaining` for the time left.

    Returns:
        The settings of `generate.columns`, and of how targets are made of them; and
        what a user should know.

    Raises:
        KeyError: no column is `wanted`.
    """
    kinds = {name: text_format.kind(table.filled(name)) for name in table.cells}
    time = times.guess(table)
    if (time is None or not time.dates) and (steps := _steps(table, kinds)):
        return _wide(table, steps, wanted), []
    guesses = [_no_time() if time is None else time.guess]
    used = set(time.names) if time else set()
    sequence = _sequence(table, kinds, time, files)
    guesses.append(sequence)
    used |= set(_names(sequence.value))
    doubled = _doubled(table, time, _names(sequence.value))
    left = [name for name in kinds if name not in used and kinds[name] != "nothing"]
    target = _target(table, kinds, left, wanted, _names(sequence.value))
    guesses += target
    name = target[0].value
    forecast = any(each.setting == "horizon" and each.value for each in target)
    if doubled:
        evidence = f"{doubled} of {table.rows} rows have the time of another one"
        which = "mean" if forecast else "first"  # classes have no mean
        guesses.append(Guess("duplicates", which, evidence, certain=False))
    notes = []
    months = [each for each in kinds if each.lower()[:3] in MONTHS]
    if len(months) == len(MONTHS):
        notes.append(
            f"{months[0]} to {months[-1]} are months: a series that goes on from row "
            "to row is not read as one; write it with a row for each month"
        )
    if time is not None:
        notes.append(times.spacing(table, time, _names(sequence.value)))
    counters = [each for each in left if each != name and _counts_rows(table, each)]
    words = [each for each in left if each != name and kinds[each] != "number"]
    for each in left:
        if kinds[each] != "number" and (unit := _unit(table, each)):
            notes.append(
                f"cells of {each} are numbers with {unit!r} behind them, and so words: "
                "leave that out of the file, to have them as numbers"
            )
    if words:
        notes.append(
            f"columns of words, no features unless `generate.columns.categories` has "
            f"them: {', '.join(words)}"
        )
    if counters:
        notes.append(f"columns that count the rows, no features: {', '.join(counters)}")
    features = [each for each in left if each not in (*words, *counters, name)]
    if not features and not forecast:
        notes.append("no column is left for a feature")
    if (words or counters) and (features or forecast):
        evidence = "all other columns of numbers"
        guesses.append(Guess("columns.features", features or [name], evidence))
    return guesses, notes


def _names(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _no_time() -> Guess:
    evidence = "no column is a date, is named as a time, or counts"
    return Guess("columns.time", None, evidence, certain=False)


def _steps(table: TextTable, kinds: Kinds) -> list[str]:
    """Return the columns of a wide file that are steps; none of another file."""
    matches = {
        name: match
        for name in kinds
        if kinds[name] in ("number", "nothing")
        and (match := re.fullmatch(r"(\D*)(\d+)", name))
    }
    prefixes = {match[1] for match in matches.values()}
    numbers = [int(match[2]) for match in matches.values()]
    if (
        table.header == 0
        or len(matches) < max(STEPS, len(kinds) - 2)
        or len(prefixes) > 1
        or set(np.diff(numbers)) != {1}
    ):
        return []
    return list(matches)


def _wide(table: TextTable, steps: list[str], wanted: str | None) -> list[Guess]:
    others = [name for name in table.cells if name not in steps]
    if wanted is not None and wanted not in others:
        raise KeyError(wanted)
    first = wanted or (others[0] if others else None)
    evidence = f"columns {steps[0]} to {steps[-1]} are numbered one after another"
    guesses = [Guess("format.layout", "wide", evidence)]
    unique = first is not None and table.count(first) == table.rows and not wanted
    if first is not None and not unique:
        evidence = f"{first} has {table.count(first)} values"
        guesses += [
            Guess("columns.sequence", None, "no column has a value of its own"),
            Guess("columns.target", first, evidence, certain=wanted is not None),
            Guess("horizon", 0, "each row has a target", certain=False),
        ]
    else:
        why = "it has a value of its own in each row" if unique else "each row is one"
        of_values = "forecasts of wide files are of their values"
        guesses += [
            Guess("columns.sequence", first, why),
            Guess("columns.target", None, of_values),
            Guess("horizon", 1, "one step ahead", certain=False),
        ]
    return [*guesses, Guess("columns.time", None, "columns are the steps in order")]


def _sequence(table: TextTable, kinds: Kinds, time: Time | None, files: int) -> Guess:
    if files > 1 and not _doubled(table, time, []):
        return Guess("columns.sequence", None, f"each of {files} files is a sequence")
    keys = [
        name
        for name in kinds
        if (time is None or name not in time.names)
        and 1 < table.count(name) <= table.rows / 2
        and len(table.filled(name)) == table.rows
        and (kinds[name] == "text" or table.numbers(name, r"-?\d+") is not None)
    ]
    named = [name for name in keys if SEQUENCE_NAMES.fullmatch(name)]
    if time is None:
        for name in named:
            evidence = "named so, and rows of one value follow one another"
            if _in_blocks(table, name):
                return Guess("columns.sequence", name, evidence, certain=False)
        evidence = "no column is named as one: all rows are one sequence"
        return Guess("columns.sequence", None, evidence, certain=False)
    doubled = _doubled(table, time, [])
    if not doubled and _rises(table, time):
        return Guess("columns.sequence", None, "each time is there once, in order")
    for name in keys if not doubled else ():
        if _in_blocks(table, name) and _rises(table, time, name):
            evidence = f"in each of its {table.count(name)} values time rises"
            return Guess("columns.sequence", name, evidence, name in named)
    if not named and doubled <= RARE * table.rows:
        evidence = "each time is there once" + f", but for {doubled}" * bool(doubled)
        return Guess("columns.sequence", None, evidence)
    others = [name for name in keys if name not in named]
    for key in _keys([*named, *sorted(others, key=table.count)]):
        if not _doubled(table, time, list(key)):
            value = key[0] if len(key) == 1 else list(key)
            count = len(set(_rows(table, list(key))))
            evidence = f"of its {count} values each has a time once"
            certain = bool(set(key) & set(named))
            return Guess("columns.sequence", value, evidence, certain)
    evidence = f"no column tells the {doubled} rows apart that share their time"
    return Guess("columns.sequence", None, evidence, certain=False)


def _keys(names: list[str]) -> Iterator[tuple[str, ...]]:
    for count in (1, 2):
        yield from combinations(names[:6], count)


def _rows(table: TextTable, key: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(table.cells[name] for name in key), strict=True)


def _in_blocks(table: TextTable, name: str) -> bool:
    return _stretches(table, name) == table.count(name)


def _stretches(table: TextTable, name: str) -> int:
    return 1 + int((~table.follows(name)).sum())


def _doubled(table: TextTable, time: Time | None, key: list[str]) -> int:
    """Return how many rows have the time of another row with the same key."""
    if time is None:
        return 0
    keys = zip(time.ticks.tolist(), *(table.cells[name] for name in key), strict=True)
    return table.rows - len(set(keys))


def _rises(table: TextTable, time: Time, key: str | None = None) -> bool:
    same = table.follows() if key is None else table.follows(key)
    return bool((np.diff(time.ticks)[same] > 0).all())


def _counts_rows(table: TextTable, name: str) -> bool:
    numbers = table.numbers(name, r"\d+")
    if numbers is None:
        return False
    steps = np.diff(numbers)[table.follows()]
    return len(steps) > 1 and bool((steps == 1).all())


def _unit(table: TextTable, name: str) -> str | None:
    """Return the unit that stands behind each number of a column.

    Example:
        >>> cells = {"power": ["12.3 kW", "-7kW"], "wind": ["5 m/s", "NE"]}
        >>> table = TextTable(cells, np.array([0, 0]), 1)
        >>> _unit(table, "power"), _unit(table, "wind")
        ('kW', None)
    """
    cells = table.filled(name)
    matches = [re.fullmatch(r"[+-]?[\d.,]+ ?([^\d\s.,:/-]\S*)", cell) for cell in cells]
    units = {match[1] if match else "" for match in matches}
    (unit, *others) = units or {""}
    return unit if unit and not others else None


def _target(
    table: TextTable,
    kinds: Kinds,
    left: list[str],
    wanted: str | None,
    key: list[str],
) -> list[Guess]:
    """Guess the target, how far ahead it is, and of what type."""
    if wanted == "remaining":
        return [
            Guess("columns.target", None, "named by the user: the time left"),
            Guess("target_type", "remaining", "the time to a sequence's last step"),
            Guess("horizon", 0, "the time left is a target as it is"),
        ]
    if wanted is not None:
        if wanted not in kinds:
            raise KeyError(wanted)
        name, evidence, certain = wanted, "named by the user", True
    else:
        by_name = {each.lower(): each for each in left}
        named = [by_name[each] for each in TARGET_NAMES if each in by_name]
        classes = [each for each in left if _few_words(table, kinds, each, key)]
        numbers = [
            each for each in left if kinds[each] == "number" and table.count(each) > 1
        ]
        if named:
            name, evidence, certain = named[0], "named so", True
        elif len(numbers) == 1 and not classes:
            name, evidence, certain = numbers[0], "the only column of numbers", True
        elif classes:
            name, certain = classes[-1], False
            evidence = "words, each of which lasts: name another by --target"
        elif numbers:
            name, certain = numbers[-1], False
            evidence = "the last column of numbers: name another by --target"
        else:
            return [
                Guess("columns.target", None, "no column can be one", certain=False)
            ]
    features = [each for each in left if each != name and kinds[each] == "number"]
    guesses = [Guess("columns.target", name, evidence, certain)]
    labels = name.lower() in ("target", "label", "class", "activity", "outcome")
    if kinds[name] != "number":
        sure = _unit(table, name) is None
        guesses.append(Guess("horizon", 0, "its cells are words: classes", sure))
    elif labels and features and wanted is None:
        why = "named as what other columns predict; --horizon forecasts it"
        guesses.append(Guess("horizon", 0, why, certain=False))
    else:
        why = "one step ahead; set another by --horizon"
        guesses.append(Guess("horizon", 1, why, certain=False))
    return guesses


def _few_words(table: TextTable, kinds: Kinds, name: str, key: list[str]) -> bool:
    """Tell whether a column is of a few words, each of which lasts, and not always."""
    few = kinds[name] == "text" and 1 < table.count(name) <= FEW
    if not few or _stretches(table, name) > CHANGES * table.rows:
        return False
    pairs = len(set(_rows(table, [*key, name])))
    return not key or pairs > len(set(_rows(table, key)))
