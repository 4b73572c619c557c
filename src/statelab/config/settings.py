"""The sections of params.yaml and search/params.yaml, each a type."""

import codecs
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
)

from statelab.config.networks import CELLS, OPTIMIZERS, SCHEDULES
from statelab.config.tasks import TASKS
from statelab.config.values import ForgetBias, Reset


def _is_size(size: int | float) -> int | float:
    if size < 0 or (isinstance(size, float) and not size < 1):
        raise ValueError("must be a count of sequences, or a fraction of them below 1")
    return size


def _is_patience(epochs: int | float) -> int | float:
    if epochs <= 0 or (isinstance(epochs, float) and not epochs < 1):
        raise ValueError("must be a count of epochs, or a fraction of them below 1")
    return epochs


def _is_in(table: Mapping[str, Any]) -> AfterValidator:
    """Return what checks that a name is in a table; its error is that of a Literal."""

    def check(name: str) -> str:
        if name not in table:
            *names, last = map(repr, table)
            raise ValueError(f"should be {', '.join(names)} or {last}")
        return name

    return AfterValidator(check)


def _is_model_name(name: str) -> str:
    if not re.fullmatch(r"\w[\w. -]*", name):
        raise ValueError("must be of letters, digits and _, or after one . - and space")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("should be a valid string")
    return value


def _reset(value: Any) -> Reset:
    return Reset(_text(value))


def _reset_of_carried_state(value: Any) -> Reset:
    return Reset("" if value == "sample" else _text(value))


def _forget_bias(value: Any) -> ForgetBias:
    return ForgetBias(_text(value))


def _are_different(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("must name each once")
    return values


def _is_separator(separator: str) -> str:
    if separator not in ("tab", "blanks") and not (
        len(separator) == 1 and separator.isascii() and separator not in '"\r\n'
    ):
        raise ValueError("must be one character, or tab or blanks")
    return separator


def _is_encoding(name: str) -> str:
    try:
        "".encode(name)  # some others are no text
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("must be an encoding of Python's, as utf-8") from None


def _is_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone, as Europe/Berlin") from None


Count = Annotated[int, Field(ge=1)]
Counts = Annotated[list[Count], Field(min_length=1), AfterValidator(_are_different)]
Rates = Annotated[
    list[Annotated[float, Field(gt=0, allow_inf_nan=False)]],
    Field(min_length=1),
    AfterValidator(_are_different),
]
Patience = Annotated[int | float, AfterValidator(_is_patience)]
Size = Annotated[int | float, AfterValidator(_is_size)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[list[Name], Field(min_length=1), AfterValidator(_are_different)]
Separator = Annotated[str, AfterValidator(_is_separator)]
Calendar = Annotated[
    list[Literal["minute", "hour", "weekday", "day", "month"]],
    Field(min_length=1),
    AfterValidator(_are_different),
]
DecimalMark = Literal[".", ","]
Encoding = Annotated[str, AfterValidator(_is_encoding)]
Zone = Annotated[str, AfterValidator(_is_zone)]
Task = Annotated[str, _is_in(TASKS)]
CellName = Annotated[str, _is_in(CELLS)]
OptimizerName = Annotated[str, _is_in(OPTIMIZERS)]
ScheduleName = Annotated[str, _is_in(SCHEDULES)]


class _Section(BaseModel):
    """A section of params.yaml: no other keys, no conversion of types, not changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


NONE = (  # text for no value, as pandas takes it
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NaN", "nan", "-NaN"),
    *("-nan", "null", "NULL", "None", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
WIDE_FEATURE = "value"  # of wide files, which have one


class FileFormat(_Section):
    """`generate.format`: how the text of CSV files is written."""

    separator: Separator = ","
    layout: Literal["long", "wide"] = "long"  # wide: a row for each sequence
    decimal: DecimalMark | dict[Name, DecimalMark] = "."  # of some columns by name
    thousands: Literal[",", ".", " ", "'"] | None = None
    encoding: Encoding = "utf-8"
    skip_rows: Annotated[int, Field(ge=0)] = 0  # lines above the header
    header: Annotated[int, Field(ge=0)] = 1  # its rows: the first has the names
    line_end: Name | None = None  # characters that end lines and belong to no cell
    missing: list[str | int | float] | None = None  # marks beside NONE
    sheet: Name | None = None  # of an Excel workbook; None: the first

    @property
    def no_value(self) -> list[str]:
        """Text that stands for no value."""
        return [*NONE, *map(str, self.missing or [])]

    @property
    def decimal_marks(self) -> set[str]:
        """The decimal marks of all columns."""
        marks = self.decimal
        return {marks} if isinstance(marks, str) else {".", *marks.values()}

    def decimal_of(self, column: str) -> str:
        """Return the decimal mark of a column's numbers."""
        if isinstance(self.decimal, str):
            return self.decimal
        return self.decimal.get(column, ".")


class TimeColumns(_Section):
    """Columns that make a time together, and the format that it has."""

    columns: Name | Names
    format: Name | None = None  # of strftime; of several columns, joined by spaces
    zone: Zone | None = None  # of times that name none


class Columns(_Section):
    """`generate.columns`: what the columns of a file are."""

    sequence: Name | Names | None
    time: Name | Names | TimeColumns | None
    target: Name | None
    features: Names | None
    categories: dict[Name, Literal["one_hot", "index"]] | None = None
    split: Name | None = None

    @property
    def roles(self) -> dict[str, str]:
        """What each column is that is no feature, or none yet: `time`, say."""
        time = self.time.columns if isinstance(self.time, TimeColumns) else self.time
        named = {
            "sequence": self.sequence,
            "time": time,
            "target": self.target,
            "split": self.split,
        }
        return {
            name: role
            for role, names in named.items()
            for name in ([names] if isinstance(names, str) else names or ())
        }


class GenerateSettings(_Section):
    """`generate`: the sequences."""

    source: Literal["task", "csv", "parquet", "excel", "npz"]
    task: Task
    sequences: Annotated[int, Field(ge=4, multiple_of=2)]
    length: Count
    lag: Count
    label: Literal["each_step", "end"]
    path: Name
    format: FileFormat = FileFormat()
    columns: Columns
    horizon: Annotated[int, Field(ge=0)]
    max_gap: Positive | None
    calendar: Calendar | None = None
    missing: Literal["error", "fill", "mask"]
    duplicates: Literal["error", "first", "last", "mean"] = "error"
    target_type: Literal["auto", "classes", "values", "remaining"]

    @property
    def forecast_feature(self) -> str:
        """The feature whose later values are the targets of a forecast."""
        return self.columns.target or WIDE_FEATURE


class WindowSettings(_Section):
    """`window`: the layout, the split, the scaling and the target."""

    layout: Literal["full", "subsampled", "per_timestep"]
    window_length: Count
    stride: Count
    segment_length: Count
    split: Literal["auto", "sequence", "time", "given"]
    test_size: Size
    validation_size: Size
    scaling: Literal["auto", "standard", "none"]
    target: Literal["level", "difference", "log_difference", "seasonal_difference"]


class ModelSettings(_Section):
    """`model`: the network."""

    cell: CellName
    units: Count
    layers: Count
    forget_bias: Annotated[InstanceOf[ForgetBias], BeforeValidator(_forget_bias)]
    class_weight: Literal["balanced"] | None = None


class TrainSettings(_Section):
    """What both trainings have."""

    engine: Literal["compiled", "reference", "reference_loop"]
    epochs: Count
    updates: Count | None
    batch_size: Count | Literal["auto"]  # of stateful training it is a number
    optimizer: OptimizerName
    learning_rate: Positive
    learning_rates: Rates | None
    schedule: ScheduleName
    clipnorm: Positive | None
    seeds: Count
    shuffle: bool
    patience: Patience | None
    again: bool

    @property
    def lanes(self) -> int:
        """The samples of a batch; `variants.of` has decided what is `auto`."""
        assert self.batch_size != "auto"
        return self.batch_size


class StatelessSettings(TrainSettings):
    """`train_stateless`: every sample begins with a state of zeros."""

    stateful: ClassVar[bool] = False
    gradient_window: ClassVar[int | None] = None
    gradient_windows: ClassVar[list[int] | None] = None
    burn_in: ClassVar[int] = 0
    reset: ClassVar[Reset] = Reset("sample")
    batching: ClassVar[str] = "aligned"

    lookbacks: Counts | Literal["auto"] | None


class StatefulSettings(TrainSettings):
    """`train_stateful`: state is carried from a sample to the next."""

    stateful: ClassVar[bool] = True
    lookbacks: ClassVar[list[int] | Literal["auto"] | None] = None

    gradient_window: Count | None
    gradient_windows: Counts | None
    burn_in: Annotated[int, Field(ge=0)]
    reset: Annotated[InstanceOf[Reset], BeforeValidator(_reset_of_carried_state)]
    batching: Literal["aligned", "contiguous"]


AnyTrainSettings = StatelessSettings | StatefulSettings


class Training(NamedTuple):
    """One training: all that decides it, besides its data."""

    model: ModelSettings
    settings: AnyTrainSettings
    seed: int  # of the first network

    @property
    def seeds(self) -> range:
        """The seed of each network; the same in either mode."""
        return range(self.seed, self.seed + self.settings.seeds)


class EvaluateSettings(_Section):
    """`evaluate`."""

    margin: Annotated[float, Field(ge=0, lt=1)]
    season: Count | None
    splits: Count | Literal["auto"]
    coverage: Annotated[float, Field(ge=0.001, le=0.999)] | None = None


class TrackingSettings(_Section):
    """`tracking`."""

    register_: Annotated[str, AfterValidator(_is_model_name)] | None = Field(
        alias="register"  # which a class of pydantic has already
    )


class SearchSettings(_Section):
    """`search` of search/params.yaml."""

    low: Count
    high: Count | None
    stride: Counts
    gradient_window: Annotated[
        list[Count | None], Field(min_length=1), AfterValidator(_are_different)
    ]
    reset: Annotated[
        list[Annotated[InstanceOf[Reset], BeforeValidator(_reset)]],
        Field(min_length=1),
        AfterValidator(_are_different),
    ]
    units: Counts | None
    learning_rate: Annotated[
        list[Positive], Field(min_length=1), AfterValidator(_are_different)
    ]
    trials: Count | None
    group: Count
    seeds: Count
    updates: Annotated[int, Field(ge=2)]
    batch_size: Count
    optimizer: OptimizerName
    schedule: ScheduleName
    clipnorm: Positive | None
    validation_size: Size
    scored_steps: Annotated[int, Field(ge=2)]
    shard_steps: Count | None


class SearchModelSettings(_Section):
    """`model` of search/params.yaml."""

    forget_bias: Literal["unit", "chrono"]


class SearchTrackingSettings(_Section):
    """`tracking` of search/params.yaml."""

    child_runs: bool


class SearchParams(_Section):
    """search/params.yaml."""

    search: SearchSettings
    model: SearchModelSettings
    tracking: SearchTrackingSettings


class Params(_Section):
    """params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    generate: GenerateSettings
    window: WindowSettings
    model: ModelSettings
    train_stateless: StatelessSettings
    train_stateful: StatefulSettings
    tracking: TrackingSettings
    evaluate: EvaluateSettings
