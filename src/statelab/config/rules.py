"""Rules that join several keys of params.yaml, and of search/params.yaml.

What a single key may hold is for its type to say, in `settings`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from statelab.config.settings import (
    AnyTrainSettings,
    FileFormat,
    ModelSettings,
    Params,
    SearchModelSettings,
    SearchParams,
)
from statelab.config.tasks import TASKS, Task
from statelab.config.values import count


class Violation(NamedTuple):
    """A rule that is broken."""

    key: str
    rule: str
    received: object = None  # None: the value of the key


Violations = Iterator[Violation]


def of_params(params: Params) -> Violations:
    """Yield the rules that params.yaml breaks."""
    yield from _of_evaluate(params)
    yield from _of_target(params)
    if params.generate.source == "task":
        yield from _of_a_task(params, TASKS[params.generate.task])
        yield from _of_windows_of_a_task(params, TASKS[params.generate.task])
    else:
        yield from _of_files(params)
    yield from _of_model(params.model, params.model)
    yield from _of_training("train_stateless", params.train_stateless, params)
    yield from _of_training("train_stateful", params.train_stateful, params)
    yield from _of_stateful(params)
    yield from _of_stateful_engine(params)
    yield from _of_lookbacks(params)
    yield from _of_gradient_windows(params)


def of_search(search_params: SearchParams, params: Params) -> Violations:
    """Yield the rules that search/params.yaml breaks, beside a sound params.yaml."""
    search = search_params.search
    if search.high is not None and search.low > search.high:
        yield Violation(
            "search.low", f"must not be above `search.high`, which is {search.high}"
        )
    yield from _of_model(search_params.model, params.model)
    if params.window.target != "level":
        yield Violation(
            "window.target",
            "of params.yaml must be level in a search, which models no changes",
            params.window.target,
        )
    if params.model.class_weight is not None:
        yield Violation(
            "model.class_weight",
            "of params.yaml must be null in a search, in which classes count alike",
            params.model.class_weight,
        )
    if "sample" not in search.reset:
        yield Violation(
            "search.reset",
            "must name sample, which is no carried state: it is windows that are "
            "searched",
        )
    if search.validation_size == 0 and not _may_validate(params):
        yield Violation(
            "search.validation_size",
            "must leave sequences to choose on, as `window.validation_size` is 0",
        )


def _may_validate(params: Params) -> bool:
    """Tell whether there can be a validation split; a given one is not known yet."""
    return params.window.split == "given" or params.window.validation_size > 0


def _of_evaluate(params: Params) -> Violations:
    season, generate = params.evaluate.season, params.generate
    if season is None:
        return
    rule = ""
    if generate.source == "task" or not generate.horizon:
        rule = "must be null where `generate.horizon` makes no forecast"
    elif generate.target_type == "classes":
        rule = "must be null for classes: what recurs are values"
    elif season < generate.horizon:
        rule = (
            f"must not be shorter than `generate.horizon`, which is {generate.horizon}"
        )
    if rule:
        yield Violation("evaluate.season", rule)


def _of_target(params: Params) -> Violations:
    generate = params.generate
    forecast = generate.source != "task" and generate.horizon > 0
    if params.model.class_weight and forecast and generate.target_type != "classes":
        yield Violation(
            "model.class_weight", "must be null for forecasts of values, not classes"
        )
    if params.window.target == "level":
        return
    if generate.source == "task" or not generate.horizon:
        yield Violation(
            "window.target",
            "must be level where `generate.horizon` makes no forecast of a file",
        )
    elif generate.target_type == "classes":
        yield Violation(
            "window.target", "must be level for classes: they have no differences"
        )


def _of_format(form: FileFormat) -> Violations:
    """Yield the rules of how text is written: no mark means two things."""
    if form.thousands in form.decimal_marks:
        yield Violation(
            "generate.format.thousands",
            "must not be a decimal mark: set `generate.format.decimal` as well",
        )
    if form.line_end is not None and form.separator in form.line_end:
        yield Violation(
            "generate.format.line_end",
            "must not hold the separator: a last column without a name or a value is "
            "left out",
        )


def _of_files(params: Params) -> Violations:
    """Yield the rules where sequences come from files."""
    generate = params.generate
    if generate.source == "csv":
        yield from _of_format(generate.format)
    roles = generate.columns.roles
    for name in generate.columns.categories or {}:
        if name in roles:
            yield Violation(
                "generate.columns.categories",
                f"must be columns of features, not the {roles[name]}",
                name,
            )
    if generate.label == "end" and generate.horizon > 0:
        yield Violation(
            "generate.label",
            "must be each_step where `generate.horizon` makes a target for each step",
        )
    remaining = generate.target_type == "remaining"
    if remaining and generate.horizon > 0:
        yield Violation(
            "generate.horizon", "must be 0 where `generate.target_type` is remaining"
        )
    wide = generate.format.layout == "wide"
    of_values = wide and generate.horizon > 0
    if generate.source != "npz" and not remaining:
        if generate.columns.target is None and not of_values:
            yield Violation(
                "generate.columns.target",
                "must name a column, unless `generate.target_type` is remaining",
            )
    if remaining and generate.columns.target is not None:
        yield Violation(
            "generate.columns.target",
            "must be null where `generate.target_type` is remaining",
        )
    if generate.source != "npz" and not remaining:
        if generate.columns.target is not None and of_values:
            yield Violation(
                "generate.columns.target",
                "must be null for forecasts of wide files, which are of their values",
            )
    if wide and generate.columns.time is not None:
        yield Violation(
            "generate.columns.time",
            "must be null for wide files: their columns are the steps in order",
        )
    if generate.max_gap is not None and generate.columns.time is None:
        yield Violation("generate.max_gap", "needs times: set `generate.columns.time`")
    if generate.max_gap is not None and generate.source == "npz":
        yield Violation("generate.max_gap", "must be null: npz files have no times")
    if generate.horizon > 0 and generate.source == "npz":
        yield Violation(
            "generate.horizon",
            "must be 0 for npz files: put the targets that are meant into `y`",
        )
    given = params.window.split == "given"
    if given and generate.source != "npz" and generate.columns.split is None:
        yield Violation(
            "window.split",
            "must be sequence or time, or `generate.columns.split` name the column "
            "that says which",
        )
    if params.window.test_size == 0 and not given:
        yield Violation("window.test_size", "must leave something to test on")


def _of_a_task(params: Params, task: Task) -> Violations:
    """Yield the rules where it is known how many sequences there are, and how long."""
    generate, window = params.generate, params.window
    test, validation = (
        count(size, generate.sequences)
        for size in (window.test_size, window.validation_size)
    )
    if generate.length < task.shortest:
        yield Violation(
            "generate.length", f"must be at least {task.shortest} for `{generate.task}`"
        )
    if task.lagged and generate.lag >= generate.length:
        yield _too_long("generate.lag", params, rule="must be shorter than")
    if window.split == "time":
        yield Violation(
            "window.split",
            "must be sequence for a generated task: its sequences are short, and alike",
        )
    if window.split == "given":
        yield Violation(
            "window.split",
            "must be sequence for a generated task: it has no column of splits",
        )
    if test < 2:
        yield Violation("window.test_size", "must be at least two sequences")
    if test + validation >= generate.sequences:
        yield Violation(
            "window.test_size",
            "and `window.validation_size` must leave sequences to train on "
            f"(`generate.sequences` is {generate.sequences})",
            f"{window.test_size} and {window.validation_size}",
        )
    if params.train_stateful.burn_in >= generate.length:
        key = "train_stateful.burn_in"
        yield _too_long(key, params, rule="must be shorter than")


def _of_windows_of_a_task(params: Params, task: Task) -> Violations:
    """Yield the rules where windows and segments are cut out of generated sequences."""
    generate, window = params.generate, params.window
    if window.layout == "per_timestep" and window.segment_length > generate.length:
        yield _too_long("window.segment_length", params)
    if window.layout != "subsampled":
        return
    left = generate.length - window.window_length  # time steps beside a window
    if left < 0:
        yield _too_long("window.window_length", params)
    if generate.label == "end" and left % window.stride != 0:
        yield Violation(
            "window.stride",
            "must lead to the last step, where the target is (`generate.label` is end, "
            f"and {left} steps are left beside a window)",
        )
    last_end = window.window_length + left // window.stride * window.stride
    if task.lagged and last_end <= generate.lag:
        yield Violation(
            "generate.lag", "must leave a window that ends on a step with a target"
        )
    if task.ragged and generate.label == "end" and window.stride > 1:
        yield Violation(
            "window.stride",
            "must be 1 where only last steps have a target: sequences of "
            f"`{generate.task}` differ in length",
        )


def _too_long(
    key: str,
    params: Params,
    received: int | None = None,
    rule: str = "must not be longer than",
) -> Violation:
    length = params.generate.length
    rule = f"{rule} a sequence (`generate.length` is {length})"
    return Violation(key, rule, received)


def _of_model(
    model: ModelSettings | SearchModelSettings, network: ModelSettings
) -> Violations:
    if model.forget_bias != "unit" and network.cell != "lstm":
        yield Violation(
            "model.forget_bias", "must be `unit` where `model.cell` has no forget gate"
        )


def _of_training(key: str, training: AnyTrainSettings, params: Params) -> Violations:
    """Yield the rules that both trainings have."""
    generate, window = params.generate, params.window
    task = TASKS[generate.task]
    if training.patience is not None and not _may_validate(params):
        yield Violation(
            f"{key}.patience",
            "needs sequences to validate on: set `window.validation_size`",
        )
    yield from _of_variants(
        f"{key}.learning_rates", training.learning_rates, training, params
    )
    if training.engine == "compiled":
        return
    rule = ""
    if generate.source != "task":
        rule = "where sequences come from files: they may differ in length"
    elif task.ragged:
        rule = f"for `{generate.task}`: its sequences differ in length"
    elif window.layout != "full" and (generate.label == "end" or task.lagged):
        rule = (
            "where samples may have no target: Keras makes an update of them all the "
            "same"
        )
    elif (
        window.layout == "per_timestep" and generate.length % window.segment_length != 0
    ):
        rule = (
            "where `window.segment_length` does not divide `generate.length`: stock "
            "Keras has no shorter last segment"
        )
    if rule:
        yield _must_be_compiled(key, rule)


def _must_be_compiled(key: str, where: str) -> Violation:
    return Violation(f"{key}.engine", f"must be `compiled` {where}")


def _sample(params: Params) -> tuple[int, int, str]:
    """Return the steps of a sample, those to the next, and the key that decides."""
    window, generate = params.window, params.generate
    if window.layout == "full":
        length = generate.length if generate.source == "task" else 1
        return length, length, "generate.length"
    if window.layout == "subsampled":
        return window.window_length, window.stride, "window.window_length"
    return window.segment_length, window.segment_length, "window.segment_length"


def _of_unequal_lengths(key: str, longest: int | None, params: Params) -> Violations:
    """Yield the rule for gradient windows in whole sequences that are not alike."""
    generate = params.generate
    ragged = "of files, which may"
    if generate.source == "task":
        if not TASKS[generate.task].ragged:
            return
        ragged = f"of `{generate.task}`, which"
    if params.window.layout == "full" and longest not in (None, 1):
        yield Violation(
            key, f"must be null, or 1, for whole sequences {ragged} differ in length"
        )


def _of_stateful(params: Params) -> Violations:
    """Yield the rules of where state is reset, and how far the gradient reaches."""
    stateful = params.train_stateful
    timesteps, step, decided_by = _sample(params)
    every = stateful.reset.every
    if every is not None and params.window.layout == "full":
        yield Violation(
            "train_stateful.reset",
            "must be sequence or never where a sample is a whole sequence",
        )
    if every is not None and every % step != 0:
        yield Violation(
            "train_stateful.reset",
            f"must be a multiple of the {step} steps from a sample to the next",
        )
    key, steps = "train_stateful.gradient_window", stateful.gradient_window
    yield from _of_unequal_lengths(key, steps, params)
    if steps is not None and steps > timesteps:
        yield Violation(
            key,
            f"reaches no further than one sample of {timesteps} steps: no gradient "
            f"flows through carried state; raise `{decided_by}` to reach further back",
        )
    if steps is not None and timesteps % steps != 0:
        yield Violation(key, f"must divide the {timesteps} steps of a sample")


def _of_stateful_engine(params: Params) -> Violations:
    stateful = params.train_stateful
    if stateful.engine == "compiled":
        return
    rule = ""
    if (
        stateful.batching == "contiguous"
        and stateful.reset != "never"
        and stateful.lanes > 1
    ):
        rule = (
            "where `batching` is contiguous and state is reset: stock Keras resets all "
            "lanes of a batch together"
        )
    elif stateful.burn_in > 0:
        rule = (
            "where `train_stateful.burn_in` is set: Keras makes an update of what does "
            "not count"
        )
    elif stateful.gradient_window not in (None, _sample(params)[0]):
        rule = (
            "where `train_stateful.gradient_window` is shorter than a sample: Keras "
            "cuts the gradient at the end of a sample alone"
        )
    if rule:
        yield _must_be_compiled("train_stateful", rule)


def _of_lookbacks(params: Params) -> Violations:
    generate, window = params.generate, params.window
    training, key = params.train_stateless, "train_stateless.lookbacks"
    listed = None if training.lookbacks == "auto" else training.lookbacks
    yield from _of_variants(key, listed, training, params)
    if generate.source != "task":
        return
    for lookback in listed or []:
        if lookback > generate.length:
            yield _too_long(key, params, lookback)
        if (
            generate.label == "end"
            and window.layout == "subsampled"
            and (generate.length - lookback) % window.stride != 0
        ):
            yield Violation(
                key,
                "must lead to the last step, where the target is, by a stride of "
                f"{window.stride} (`window.stride`)",
                lookback,
            )


def _of_gradient_windows(params: Params) -> Violations:
    training, key = params.train_stateful, "train_stateful.gradient_windows"
    listed = training.gradient_windows
    yield from _of_unequal_lengths(key, max(listed or [1]), params)
    yield from _of_variants(key, listed, training, params)
    timesteps, every = _sample(params)[0], training.reset.every
    for steps in listed or []:
        if params.generate.source == "task" and steps > params.generate.length:
            yield _too_long(key, params, steps)
        if steps > timesteps and params.window.layout != "per_timestep":
            yield Violation(
                key, f"reach no further than one sample of {timesteps} steps", steps
            )
        if steps <= timesteps and timesteps % steps != 0:
            yield Violation(
                key,
                f"must divide the {timesteps} steps of a sample, or be longer",
                steps,
            )
        if steps > timesteps and every is not None and every % steps != 0:
            yield Violation(
                key, f"must divide the {every} steps from a reset to the next", steps
            )


def _of_variants(
    key: str,
    listed: list[int] | list[float] | None,
    training: AnyTrainSettings,
    params: Params,
) -> Violations:
    """Yield the rules of what is trained besides, to be chosen from."""
    if listed is None:
        return
    if not _may_validate(params):
        yield Violation(
            key, "needs sequences to choose on: set `window.validation_size`"
        )
    if training.engine != "compiled":
        yield _must_be_compiled(key.split(".")[0], f"where `{key}` is set")
