"""What params.yaml may hold: a type for each section."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _is_size(size: int | float) -> int | float:
    if size < 0 or (isinstance(size, float) and not size < 1):
        raise ValueError("must be a count of sequences, or a fraction of them below 1")
    return size


def _is_model_name(name: str) -> str:
    if not re.fullmatch(r"\w[\w. -]*", name):
        raise ValueError("must be of letters, digits and _, or after one . - and space")
    return name


def _is_reset(reset: str) -> str:
    if not re.fullmatch("sequence|never|every_[1-9][0-9]*", reset):
        raise ValueError("must be sequence, never or, say, every_20")
    return reset


def _is_reset_of_a_trial(reset: str) -> str:
    return reset if reset == "sample" else _is_reset(reset)


def _is_forget_bias(bias: str) -> str:
    if not re.fullmatch("unit|chrono(_[1-9][0-9]*)?", bias):
        raise ValueError("must be unit, chrono or, say, chrono_133")
    return bias


def _are_different(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("must name each once")
    return values


Count = Annotated[int, Field(ge=1)]
Counts = Annotated[list[Count], Field(min_length=1), AfterValidator(_are_different)]
Size = Annotated[int | float, AfterValidator(_is_size)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Columns(_Section):
    sequence: Name | None
    time: Name | None
    target: Name
    features: Annotated[list[Name], Field(min_length=1)] | None


class _Generate(_Section):
    source: Literal["task", "csv", "parquet", "npz"]
    task: Literal[
        "first_step",
        "noisy_first",
        "adding",
        "multiplication",
        "temporal_order_6a",
        "temporal_order_6b",
        "copy_memory",
        "lagged_copy",
        "parity",
        "noise",
    ]
    sequences: Annotated[int, Field(ge=4, multiple_of=2)]
    length: Count
    lag: Count
    label: Literal["each_step", "end"]
    path: Name
    columns: _Columns
    horizon: Annotated[int, Field(ge=0)]
    max_gap: Positive | None
    missing: Literal["error", "fill"]
    target_type: Literal["auto", "classes", "values"]


class _Window(_Section):
    layout: Literal["full", "subsampled", "per_timestep"]
    window_length: Count
    stride: Count
    segment_length: Count
    split: Literal["sequence", "time"]
    test_size: Size
    validation_size: Size
    scaling: Literal["auto", "standard", "none"]


class _Model(_Section):
    cell: Literal["lstm", "gru", "simple_rnn"]
    units: Count
    layers: Count
    forget_bias: Annotated[str, AfterValidator(_is_forget_bias)]


class _Train(_Section):
    engine: Literal["compiled", "reference", "reference_loop"]
    epochs: Count
    batch_size: Count
    optimizer: Literal["adam", "rmsprop", "sgd"]
    learning_rate: Positive
    schedule: Literal["cosine", "constant"]
    clipnorm: Positive | None
    seeds: Count
    shuffle: bool
    patience: Count | None
    again: bool


class _TrainStateless(_Train):
    lookbacks: Counts | None


class _TrainStateful(_Train):
    gradient_window: Count | None
    gradient_windows: Counts | None
    burn_in: Annotated[int, Field(ge=0)]
    reset: Annotated[str, AfterValidator(_is_reset)]
    batching: Literal["aligned", "contiguous"]


class _Evaluate(_Section):
    margin: Annotated[float, Field(ge=0, lt=1)]
    season: Count | None


class _Tracking(_Section):
    register_: Annotated[str, AfterValidator(_is_model_name)] | None = Field(
        alias="register"  # which a class of pydantic has already
    )


class _Search(_Section):
    low: Count
    high: Count | None
    stride: Counts
    gradient_window: Annotated[
        list[Count | None], Field(min_length=1), AfterValidator(_are_different)
    ]
    reset: Annotated[
        list[Annotated[str, AfterValidator(_is_reset_of_a_trial)]],
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
    optimizer: Literal["adam", "rmsprop", "sgd"]
    schedule: Literal["cosine", "constant"]
    clipnorm: Positive | None
    validation_size: Size
    answers: Annotated[int, Field(ge=2)]
    shard_steps: Count | None


class _SearchedModel(_Section):
    forget_bias: Literal["unit", "chrono"]


class _SearchTracking(_Section):
    child_runs: bool


class SearchParams(_Section):
    search: _Search
    model: _SearchedModel
    tracking: _SearchTracking


class Params(_Section):
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    generate: _Generate
    window: _Window
    model: _Model
    train_stateless: _TrainStateless
    train_stateful: _TrainStateful
    tracking: _Tracking
    evaluate: _Evaluate
