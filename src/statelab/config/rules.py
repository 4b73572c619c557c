"""Rules that join several keys of params.yaml."""

from collections.abc import Iterable

from statelab.config import settings
from statelab.config.values import count

SHORTEST = {  # sequences of a task
    "adding": 2,
    "multiplication": 2,
    "temporal_order_6a": 10,
    "temporal_order_6b": 10,
    "copy_memory": 21,
}


RAGGED = ("temporal_order_6a", "temporal_order_6b")  # up to a tenth longer


def of_search(
    s: settings.SearchParams, p: settings.Params
) -> Iterable[tuple[bool, str, str, object]]:
    """Yield (broken, key, rule, received) for the rules that join several keys."""
    search = s.search
    yield (
        search.high is not None and search.low > search.high,
        "search.low",
        f"must not be above `search.high`, which is {search.high}",
        search.low,
    )
    yield (
        s.model.forget_bias == "chrono" and p.model.cell != "lstm",
        "model.forget_bias",
        "must be `unit` where `model.cell` has no forget gate",
        s.model.forget_bias,
    )
    yield (
        "sample" not in search.reset,
        "search.reset",
        "must name sample, which is no carried state: it is windows that are searched",
        search.reset,
    )
    yield (
        search.validation_size == 0 and p.window.validation_size == 0,
        "search.validation_size",
        "must leave sequences to choose on, as `window.validation_size` is 0",
        search.validation_size,
    )


def of_params(p: settings.Params) -> Iterable[tuple[bool, str, str, object]]:
    """Yield (broken, key, rule, received) for the rules that join several keys."""
    season, horizon = p.evaluate.season, p.generate.horizon
    yield (
        season is not None and (p.generate.source == "task" or not horizon),
        "evaluate.season",
        "must be null where `generate.horizon` makes no forecast",
        season,
    )
    yield (
        season is not None and p.generate.target_type == "classes",
        "evaluate.season",
        "must be null for classes: what recurs are values",
        season,
    )
    yield (
        season is not None and season < horizon,
        "evaluate.season",
        f"must not be shorter than `generate.horizon`, which is {horizon}",
        season,
    )
    if p.generate.source == "task":
        yield from _of_a_task(p)
    else:
        yield from _of_files(p)
    window = p.window
    whole = p.generate.length if p.generate.source == "task" else 1
    lengthened_by, timesteps, step = {
        "full": ("generate.length", whole, whole),
        "subsampled": ("window.window_length", window.window_length, window.stride),
        "per_timestep": (
            "window.segment_length",
            window.segment_length,
            window.segment_length,
        ),
    }[window.layout]
    yield (
        p.model.forget_bias != "unit" and p.model.cell != "lstm",
        "model.forget_bias",
        "must be `unit` where `model.cell` has no forget gate",
        p.model.forget_bias,
    )
    stateful = p.train_stateful
    yield (
        window.layout == "full" and stateful.reset.every is not None,
        "train_stateful.reset",
        "must be sequence or never where a sample is a whole sequence",
        stateful.reset,
    )
    every = stateful.reset.every
    yield (
        every is not None and every % step != 0,
        "train_stateful.reset",
        f"must be a multiple of the {step} steps from a sample to the next",
        stateful.reset,
    )
    gradient_window = stateful.gradient_window
    yield (
        gradient_window is not None and gradient_window > timesteps,
        "train_stateful.gradient_window",
        f"reaches no further than one sample of {timesteps} steps: no gradient flows "
        f"through carried state; raise `{lengthened_by}` to reach further back",
        gradient_window,
    )
    yield (
        gradient_window is not None and timesteps % gradient_window != 0,
        "train_stateful.gradient_window",
        f"must divide the {timesteps} steps of a sample",
        gradient_window,
    )
    yield from _of_variants(p, timesteps)
    yield (
        stateful.engine != "compiled"
        and stateful.batching == "contiguous"
        and stateful.reset != "never"
        and stateful.batch_size > 1,
        "train_stateful.engine",
        "must be `compiled` where `batching` is contiguous and state is reset: "
        "stock Keras resets all lanes of a batch together",
        stateful.engine,
    )
    yield (
        stateful.engine != "compiled" and stateful.burn_in > 0,
        "train_stateful.engine",
        "must be `compiled` where `train_stateful.burn_in` is set: Keras makes an "
        "update of what does not count",
        stateful.engine,
    )
    yield (
        stateful.engine != "compiled" and gradient_window not in (None, timesteps),
        "train_stateful.engine",
        "must be `compiled` where `train_stateful.gradient_window` is shorter than a "
        "sample: Keras cuts the gradient at the end of a sample alone",
        stateful.engine,
    )


def _of_variants(
    p: settings.Params, timesteps: int
) -> Iterable[tuple[bool, str, str, object]]:
    """Yield the rules of what is trained besides, to be chosen from."""
    window, stateless, stateful = p.window, p.train_stateless, p.train_stateful
    for key, counts, engine in (
        ("train_stateless.lookbacks", stateless.lookbacks, stateless.engine),
        ("train_stateful.gradient_windows", stateful.gradient_windows, stateful.engine),
    ):
        yield (
            counts is not None and window.validation_size == 0,
            key,
            "needs sequences to choose on: set `window.validation_size`",
            counts,
        )
        yield (
            counts is not None and engine != "compiled",
            f"{key.split('.')[0]}.engine",
            f"must be `compiled` where `{key}` is set",
            engine,
        )
    every = stateful.reset.every
    for each in stateful.gradient_windows or []:
        yield (
            each > timesteps and window.layout != "per_timestep",
            "train_stateful.gradient_windows",
            f"reach no further than one sample of {timesteps} steps",
            each,
        )
        yield (
            each <= timesteps and timesteps % each != 0,
            "train_stateful.gradient_windows",
            f"must divide the {timesteps} steps of a sample, or be longer",
            each,
        )
        yield (
            each > timesteps and every is not None and every % each != 0,
            "train_stateful.gradient_windows",
            f"must divide the {every} steps from a reset to the next",
            each,
        )


def _of_files(p: settings.Params) -> Iterable[tuple[bool, str, str, object]]:
    """Yield the rules where sequences come from files, and differ in length."""
    yield (
        p.generate.label == "end" and p.generate.horizon > 0,
        "generate.label",
        "must be each_step where `generate.horizon` makes a target for each step",
        p.generate.label,
    )
    yield (
        p.generate.max_gap is not None and p.generate.columns.time is None,
        "generate.max_gap",
        "needs times: set `generate.columns.time`",
        p.generate.max_gap,
    )
    yield (
        p.generate.max_gap is not None and p.generate.source == "npz",
        "generate.max_gap",
        "must be null: npz files have no times",
        p.generate.max_gap,
    )
    yield (
        p.generate.horizon > 0 and p.generate.source == "npz",
        "generate.horizon",
        "must be 0 for npz files: put the targets that are meant into `y`",
        p.generate.horizon,
    )
    yield (
        p.window.test_size == 0,
        "window.test_size",
        "must leave something to test on",
        p.window.test_size,
    )
    for name, section in (
        ("stateless", p.train_stateless),
        ("stateful", p.train_stateful),
    ):
        yield (
            section.patience is not None and p.window.validation_size == 0,
            f"train_{name}.patience",
            "needs sequences to validate on: set `window.validation_size`",
            section.patience,
        )
        yield (
            section.engine != "compiled",
            f"train_{name}.engine",
            "must be `compiled` where sequences come from files: they may differ in "
            "length",
            section.engine,
        )
    yield (
        p.window.layout == "full"
        and any(each > 1 for each in p.train_stateful.gradient_windows or []),
        "train_stateful.gradient_windows",
        "must be null, or 1, for whole sequences of files, which may differ in length",
        p.train_stateful.gradient_windows,
    )
    yield (
        p.window.layout == "full" and p.train_stateful.gradient_window not in (None, 1),
        "train_stateful.gradient_window",
        "must be null, or 1, for whole sequences of files, which may differ in length",
        p.train_stateful.gradient_window,
    )


def _of_a_task(p: settings.Params) -> Iterable[tuple[bool, str, str, object]]:
    """Yield the rules where it is known how many sequences there are, and how long."""
    window, length = p.window, p.generate.length
    stateful, ragged = p.train_stateful, p.generate.task in RAGGED
    test = count(window.test_size, p.generate.sequences)
    validation = count(window.validation_size, p.generate.sequences)
    task, shortest = p.generate.task, SHORTEST.get(p.generate.task, 1)
    yield (
        length < shortest,
        "generate.length",
        f"must be at least {shortest} for `{task}`",
        length,
    )
    yield (
        task == "lagged_copy" and p.generate.lag >= length,
        "generate.lag",
        f"must be shorter than a sequence (`generate.length` is {length})",
        p.generate.lag,
    )
    yield (
        window.layout == "subsampled" and window.window_length > length,
        "window.window_length",
        f"must not be longer than a sequence (`generate.length` is {length})",
        window.window_length,
    )
    for each in p.train_stateless.lookbacks or []:
        yield (
            each > length,
            "train_stateless.lookbacks",
            f"must not be longer than a sequence (`generate.length` is {length})",
            each,
        )
        yield (
            p.generate.label == "end"
            and window.layout == "subsampled"
            and (length - each) % window.stride != 0,
            "train_stateless.lookbacks",
            "must lead to the last step, where the target is, by a stride of "
            f"{window.stride} (`window.stride`)",
            each,
        )
    for each in stateful.gradient_windows or []:
        yield (
            each > length,
            "train_stateful.gradient_windows",
            f"must not be longer than a sequence (`generate.length` is {length})",
            each,
        )
    yield (
        p.generate.label == "end"
        and window.layout == "subsampled"
        and (length - window.window_length) % window.stride != 0,
        "window.stride",
        "must lead to the last step, where the target is (`generate.label` is end, and "
        f"{length - window.window_length} steps are left beside a window)",
        window.stride,
    )
    yield (
        task == "lagged_copy"
        and window.layout == "subsampled"
        and window.window_length
        + (length - window.window_length) // window.stride * window.stride
        <= p.generate.lag,
        "generate.lag",
        "must leave a window that ends on a step with a target",
        p.generate.lag,
    )
    yield (
        window.layout == "per_timestep" and window.segment_length > length,
        "window.segment_length",
        f"must not be longer than a sequence (`generate.length` is {length})",
        window.segment_length,
    )
    yield (
        window.split == "time",
        "window.split",
        "must be sequence for a generated task: its sequences are short, and alike",
        window.split,
    )
    yield (
        test < 2,
        "window.test_size",
        "must be at least two sequences",
        window.test_size,
    )
    yield (
        test + validation >= p.generate.sequences,
        "window.test_size",
        "and `window.validation_size` must leave sequences to train on "
        f"(`generate.sequences` is {p.generate.sequences})",
        f"{window.test_size} and {window.validation_size}",
    )
    yield (
        ragged
        and p.generate.label == "end"
        and window.layout == "subsampled"
        and window.stride > 1,
        "window.stride",
        f"must be 1 where only last steps have a target: sequences of `{task}` differ "
        "in length",
        window.stride,
    )
    yield (
        ragged
        and window.layout == "full"
        and any(each > 1 for each in stateful.gradient_windows or []),
        "train_stateful.gradient_windows",
        f"must be null, or 1, for whole sequences of `{task}`, which differ in length",
        stateful.gradient_windows,
    )
    yield (
        ragged
        and window.layout == "full"
        and stateful.gradient_window not in (None, 1),
        "train_stateful.gradient_window",
        f"must be null, or 1, for whole sequences of `{task}`, which differ in length",
        stateful.gradient_window,
    )
    yield (
        stateful.burn_in >= length,
        "train_stateful.burn_in",
        f"must be shorter than a sequence (`generate.length` is {length})",
        stateful.burn_in,
    )
    for name, section in (
        ("stateless", p.train_stateless),
        ("stateful", p.train_stateful),
    ):
        yield (
            section.patience is not None and validation < 1,
            f"train_{name}.patience",
            "needs sequences to validate on: set `window.validation_size`",
            section.patience,
        )
        yield (
            section.engine != "compiled" and ragged,
            f"train_{name}.engine",
            f"must be `compiled` for `{task}`: its sequences differ in length",
            section.engine,
        )
        yield (
            section.engine != "compiled"
            and window.layout != "full"
            and (p.generate.label == "end" or task == "lagged_copy"),
            f"train_{name}.engine",
            "must be `compiled` where samples may have no target: Keras makes an "
            "update of them all the same",
            section.engine,
        )
        yield (
            section.engine != "compiled"
            and window.layout == "per_timestep"
            and length % window.segment_length != 0,
            f"train_{name}.engine",
            "must be `compiled` where `window.segment_length` does not divide "
            "`generate.length`: stock Keras has no shorter last segment",
            section.engine,
        )
