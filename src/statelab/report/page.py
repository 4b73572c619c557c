"""Files -> one HTML page that needs no network: what came out, and of what."""

import platform
import re
import shlex
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from statelab.config import params
from statelab.data import sequences
from statelab.data.sequences import SPLITS, Sequences
from statelab.evaluation import scoring
from statelab.evaluation.variants import AGAIN, IN_USE
from statelab.formatting import count_of, listed, number, step_range
from statelab.io import arrays, csv_files, files
from statelab.memory import summary
from statelab.pipeline import command, dvc_experiments, stage_fingerprints
from statelab.pipeline.stage_fingerprints import LOOKBACK
from statelab.report import captions as captions_
from statelab.report import page_figures, tables
from statelab.report.tables import MODES
from statelab.samples import plan_summary
from statelab.samples.plans import Plan
from statelab.samples.windows import SIZES, Windows, sequences_in_split

DATA, METRICS = Path("data"), Path("metrics")
LANES, BATCHES = 8, 40  # of a plan that are drawn
STEPS, UNITS = 120, 32  # of a network that are drawn
OTHERS = 5  # layouts beside this one
LOOKED_AT = 1000  # test sequences, and steps of each, for one that is worth drawing
LIBRARIES = ("statelab", "tensorflow", "keras", "numpy", "pandas", "dvc", "mlflow")
IN_SENTENCES = ("the gradient reaches back", "state is zero at each")


class Picture(NamedTuple):
    """A figure as it stands on the page."""

    svg: Markup
    caption: str
    note: str


def write(file: Path) -> list[str]:
    """Write the page of the results in the working directory.

    Args:
        file: to make or to replace.

    Returns:
        What a reader has to know before the page is believed; it says so as well.

    Raises:
        UserError: something that the pipeline makes is missing.
    """
    evaluated = files.read_json(METRICS / "evaluate.json")
    read = params.read()
    data = arrays.read(DATA / "sequences", Sequences)
    windows = arrays.read(DATA / "windows", Windows)
    notes = [*_stale(read), *_leaks(evaluated), *_searched_elsewhere()]
    environment = Environment(
        loader=PackageLoader("statelab.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template("report.html").render(
        name=_name(**read["generate"]),
        notes=notes,
        facts=_facts(read, data, windows),
        came_out=tables.came_out(evaluated),
        verdict=_verdict(evaluated["verdict"]),
        scores=tables.score_table(evaluated),
        curves=_curves(evaluated),
        layouts=_layouts(read, evaluated),
        plan=_plan(read, data, windows),
        horizon=_horizon(),
        lookback=_lookback(),
        memory=_memory(read, data, windows),
        settings={k: _told(v) for k, v in read.items() if isinstance(v, Mapping)},
        seed=read["seed"],
        commit=dvc_experiments.head(),
        versions=_versions(),
        runs=_runs(METRICS / "run.json"),
    )
    with files.atomic_write(file) as stream:
        stream.write(page.encode())
    return notes


def _verdict(judged: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict in words, the variants, and the differences that it is of."""
    by_variant = csv_files.read(METRICS / "plots/variants.csv").set_index(
        ["mode", "variant"]
    )
    sign = 1 if judged["score"] == "accuracy" else -1

    def better_by(one: tuple[str, str], other: tuple[str, str]) -> np.ndarray:
        pairs = [
            by_variant.loc[each].set_index("pair")["test"] for each in (one, other)
        ]
        return sign * (pairs[0] - pairs[1]).dropna().to_numpy()

    stateful, stateless = (
        (mode, judged["chosen"][mode]) for mode in ("stateful", "stateless")
    )
    found = {"stateful against stateless": better_by(stateful, stateless)}
    for mode in judged["noise"]:
        found[f"noise, {mode}"] = better_by((mode, AGAIN), (mode, IN_USE))
    drawn = page_figures.differences(found, judged["margin"], judged["score"])
    lead, _, rest = judged["text"].partition(". ")
    return {
        "lead": f"{lead}.",
        "text": _with_code(rest),
        "table": tables.verdict_table(judged),
        "picture": _picture(
            drawn,
            "differences",
            captions_.differences(found, judged["score"]),
            f"{judged['score']}, seed by seed",
        ),
    }


def _with_code(text: str) -> Markup:
    """Set what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _leaks(evaluated: Mapping[str, Any]) -> list[str]:
    """Name the scores of which some seed is above what any model could reach."""
    by_seed = csv_files.read(METRICS / "plots" / "scores.csv")
    return [
        f"{mode}: {name} of some network is above its ceiling: something leaks."
        for mode, table in by_seed.groupby("mode")
        for name in scoring.above_ceiling(table, evaluated[str(mode)]["ceiling"])
    ]


def _curves(evaluated: Mapping[str, Any]) -> list[Picture]:
    histories = {
        mode: csv_files.read(METRICS / "history" / f"{mode}.csv") for mode in MODES
    }
    drawn = page_figures.learning_curves(histories, evaluated)
    return [
        _picture(
            drawn[mode],
            f"curve-{mode}",
            captions_.curve(mode, history, evaluated[mode]["ceiling"].get("accuracy")),
            f"{mode}, {history['seed'].nunique()} networks",
        )
        for mode, history in histories.items()
    ]


# --- layouts --------------------------------------------------------------------------


def _layouts(read: Mapping[str, Any], evaluated: Mapping[str, Any]) -> dict[str, Any]:
    rows = [{"label": captions_.cut(read["window"]), **evaluated}]
    rows += [
        {"label": captions_.cut(each.params["window"]), **each.evaluated}
        for each in other_layouts(read, dvc_experiments.finished())
    ]
    left_out = max(len(rows) - 1 - OTHERS, 0)
    rows = rows[: 1 + OTHERS]
    main = tables.main_score(evaluated)
    captions = {
        main: "Over every answer of the test split",
        f"final_{main}": "At the last step of each test sequence",
    }
    drawn = [
        _picture(
            page_figures.layouts(rows, score),
            score,
            captions_.by_layout(rows, score),
            told,
        )
        for score, told in captions.items()
    ]
    other = {"subsampled": "per_timestep"}.get(read["window"]["layout"], "subsampled")
    return {
        "pictures": drawn,
        "others": len(rows) - 1,
        "left_out": left_out,
        "to_run": other,
    }


def other_layouts(
    read: Mapping[str, Any], finished: Iterable[dvc_experiments.Finished]
) -> list[dvc_experiments.Finished]:
    """Choose the pipelines that differ from this one by their layout, and in no more.

    Args:
        read: params.yaml.
        finished: pipelines, of which the first of each layout is taken.
    """
    found: dict[str, dvc_experiments.Finished | None] = {
        captions_.cut(read["window"]): None
    }
    for each in finished:
        if _apart_from_layout(each.params) == _apart_from_layout(read):
            found.setdefault(captions_.cut(each.params["window"]), each)
    return [each for each in found.values() if each is not None]


def _apart_from_layout(read: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {"layout", *(name for names in SIZES.values() for name in names)}
    window = {k: v for k, v in read["window"].items() if k not in sizes}
    kept = {k: v for k, v in read.items() if k != "tracking"}  # changes no result
    return {**kept, "window": window}


# --- plans ----------------------------------------------------------------------------


def _plan(read: Mapping[str, Any], data: Sequences, windows: Windows) -> dict[str, Any]:
    drawn, columns, lengths = [], [], []
    for mode in MODES:
        settings = {"stateful": mode == "stateful", **read[f"train_{mode}"]}
        plan = plan_summary.training_plan(windows, **settings)
        counted = plan_summary.figures(data, windows, plan, **settings)
        words = plan_summary.in_words(counted, **settings)
        shown = plan_summary.places(windows, plan, lanes=LANES, batches=BATCHES)
        drawn.append(
            _picture(
                page_figures.lanes(shown, counted.timesteps[1]),
                f"plan-{mode}",
                captions_.plan(mode, shown, words),
                mode,
                _plan_note(plan, **settings),
            )
        )
        columns.append(words)
        lengths.append(
            {
                "update interval": step_range(*counted.timesteps),
                "gradient window": words["the gradient reaches back"],
                "reset interval": words["state is zero at each"],
            }
        )
    headings = [name for name in columns[0] if name not in IN_SENTENCES]
    lines = [
        (m, [each[h] for h in headings]) for m, each in zip(MODES, columns, strict=True)
    ]
    by_mode = dict(zip(MODES, lengths, strict=True))
    return {"pictures": drawn, "headings": headings, "lines": lines, "lengths": by_mode}


def _plan_note(plan: Plan, *, shuffle: bool, **_: object) -> str:
    text = captions_.first_of(
        ("batch", min(BATCHES, plan.batches), plan.batches),
        ("lane", min(LANES, plan.lanes), plan.lanes),
    )
    if shuffle:
        text += ", in reading order; each epoch shuffles it anew"
    return text


# --- horizon --------------------------------------------------------------------------


def _horizon() -> dict[str, Any]:
    told = files.read_json(METRICS / "horizon.json")
    lags = csv_files.read(METRICS / "horizon" / "lags.csv")
    warm_up = csv_files.read(METRICS / "horizon" / "warm_up.csv")
    score = told["warm_up"]["score"]
    drawn = [
        _picture(
            page_figures.by_lag(lags, measure),
            f"lags-{measure}",
            captions_.by_lag(lags, measure),
            caption,
        )
        for measure, caption in (
            ("change", "One step is another sequence’s"),
            ("slope", "One step changes a little"),
        )
    ]
    if told["warm_up"]["burn_in"]:
        drawn.append(
            _picture(
                page_figures.by_burn_in(warm_up, score),
                "burn-in",
                captions_.by_burn_in(warm_up, score),
                "Zeros, some steps before each sample",
            )
        )
    sentences = [each[0].upper() + each[1:] for each in summary.in_words(told).values()]
    answers = max(told[mode]["answers"] for mode in MODES)
    return {"pictures": drawn, "sentences": sentences, "answers": answers}


# --- lookback -------------------------------------------------------------------------


def _lookback() -> dict[str, Any] | None:
    """Tell what a search has found, where there was one."""
    file = METRICS / "lookback.json"
    if not file.exists():
        return None
    told = files.read_json(file)
    curve = csv_files.read(METRICS / "lookback" / "curve.csv")
    lead, _, rest = told["text"].partition(". ")
    return {
        "lead": f"{lead}.",
        "text": rest,
        "check": captions_.beside_horizon(
            told["smallest"], files.read_json(METRICS / "horizon.json")
        ),
        "table": tables.lookback_table(curve, told),
        "options": [
            shlex.join(dvc_experiments.changes({key: value}))
            for key, value in told["adopt"].items()
        ],
        "picture": _picture(
            page_figures.lookback(curve, told),
            "lookback",
            captions_.lookback(curve, told),
            "Windows, each at its best",
        ),
    }


def _searched_elsewhere() -> list[str]:
    """Say that a search is of other sequences than what else is on the page."""
    read = {each.stage: each.sequences for each in stage_fingerprints.of_workspace()}
    if read.get(LOOKBACK) in (None, read.get("evaluate")):
        return []
    return [
        "metrics/lookback.json is of other sequences than these results: run "
        "`dvc repro search/dvc.yaml`."
    ]


# --- memory ---------------------------------------------------------------------------


def _memory(
    read: Mapping[str, Any], data: Sequences, windows: Windows
) -> dict[str, Any]:
    """Draw what the first stateful network holds over one test sequence."""
    with command.quiet_import():
        from statelab.memory import hidden_states
        from statelab.networks import saving
    found = saving.read(DATA / "models" / "stateful")
    chosen = telling_sequence(data, windows)
    seen = hidden_states.compare(
        found,
        data,
        windows,
        chosen,
        reset=read["train_stateful"]["reset"],
        steps=STEPS,
    )
    step = 1 + seen.step - int(windows.first[chosen])
    carried, alone = seen.carried.hidden, seen.alone.hidden
    memory = np.abs(carried - alone).mean(axis=0)
    shown = np.argsort(-memory, kind="stable")[:UNITS]
    limit = float(np.ceil(10 * np.abs([carried, alone]).max()) / 10) or 1.0
    ways = {
        "stateful": ("carried", seen.carried, seen.reset),
        "stateless": ("reset at each sample", seen.alone, seen.begins),
    }
    if np.count_nonzero(seen.begins) == 1:  # there is nothing to carry
        del ways["stateless"]
    drawn = [
        _picture(
            page_figures.units(unrolled.hidden[:, shown], zero, step, limit),
            f"hidden-{mode}",
            captions_.hidden(state, unrolled.hidden[:, shown], step),
            f"State {state}",
        )
        for mode, (state, unrolled, zero) in ways.items()
    ]
    target = sequences.targets_at(data, np.full(len(step), chosen), seen.step)
    asked, label = _asked(target, data)
    given = {
        mode: _given(unrolled.answers, target)
        for mode, (_, unrolled, _) in ways.items()
    }
    drawn.append(
        _picture(
            page_figures.answers(given, asked, step, label),
            "answers",
            captions_.answers(label, given, asked, step),
            "Answers",
            _class_in_words(label),
        )
    )
    difference = np.abs(given["stateful"] - given.get("stateless", given["stateful"]))
    last = int(windows.stop[chosen] - windows.first[chosen])
    return {
        "pictures": drawn,
        "one_sample": len(ways) == 1,
        "steps": f"steps {step[0]} to {step[-1]} of {last:,}",
        "units": (len(shown), carried.shape[1]),
        "layers": found.architecture["layers"],
        "difference": number(float(difference.mean())),
        "largest": number(float(difference.max())),
        "at": int(step[difference.argmax()]),
        "never": read["train_stateful"]["reset"] == "never",
        "contiguous": read["train_stateful"]["batching"] == "contiguous",
    }


def telling_sequence(data: Sequences, windows: Windows) -> int:
    """Return the first test sequence whose features change, or else the first one."""
    test = sequences_in_split(windows, SPLITS["test"])
    for sequence in test[:LOOKED_AT].tolist():
        first, stop = windows.first[sequence], windows.stop[sequence]
        steps = data.values[first : min(stop, first + LOOKED_AT)]
        if (steps != steps[:1]).any():
            return sequence
    return int(test[0])


def _asked(target: np.ndarray, data: Sequences) -> tuple[np.ndarray, str]:
    """Return what the answers should be, NaN where none is asked for, and of what."""
    known, head = sequences.present(target), sequences.head_of(data.targets)[0]
    asked = np.where(known, 1.0 if head == "multiclass" else target, np.nan)
    return asked, {
        "regression": "value",
        "binary": "probability of class 1",
        "multiclass": "probability of the right class",
    }[head]


def _given(answers: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return values, or the probability of class 1; of more classes, of the right one.

    Where there is none, that of the next step that has one, or else of the last.

    Example:
        >>> answers = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.0, 0.75, 0.25]])
        >>> _given(answers, np.array([-1, 2, 1]))
        array([0.25, 0.8 , 0.75])
    """
    if answers.shape[1] == 1:
        return answers[:, 0]
    right = pd.Series(target).where(target >= 0).bfill().ffill().fillna(0).astype(int)
    return np.take_along_axis(answers, right.to_numpy()[:, None], axis=1)[:, 0]


def _class_in_words(label: str) -> str:
    file = DATA / "sequences" / "names.json"
    if label != "probability of class 1" or not file.exists():
        return ""
    return f"class 1 is “{files.read_json(file)['classes'][1]}”"


# --- settings -------------------------------------------------------------------------


def _name(*, source: str, task: str, path: str, **_: object) -> str:
    return task if source == "task" else path


def _facts(
    read: Mapping[str, Any], data: Sequences, windows: Windows
) -> list[tuple[str, str]]:
    """Say what data, layout, network and seeds there are."""
    made, model = read["generate"], read["model"]
    steps = np.diff(data.offsets)
    length = step_range(int(steps.min()), int(steps.max()))
    source = "generated task" if made["source"] == "task" else f"{made['source']} file"
    head, outputs = sequences.head_of(data.targets)
    target = "values" if head == "regression" else f"{max(outputs, 2)} classes"
    names = DATA / "sequences" / "names.json"
    features = f"{data.values.shape[1]}"
    if names.exists():
        known = files.read_json(names)
        features += f": {listed(known['features'])}"
        if known["classes"] is not None:
            target += f": {listed(known['classes'])}"
    label = "each step" if made["label"] == "each_step" else "the end of a sequence"
    split = ", ".join(
        f"{len(sequences_in_split(windows, code)):,} {name}"
        for name, code in SPLITS.items()
        if len(sequences_in_split(windows, code))
    )
    if read["window"]["split"] == "time":
        split += "; parts of sequences, cut in time"
    layers = count_of(model["layers"], "layer")
    networks = ", ".join(f"{read[f'train_{m}']['seeds']} {m}" for m in MODES)
    seeds = max(read[f"train_{mode}"]["seeds"] for mode in MODES)
    return [
        ("Data", f"{_name(**made)} ({source})"),
        ("Sequences", f"{len(steps):,} of {length}: {split}"),
        ("Features", features),
        ("Targets", f"{target}, at {label}"),
        ("Layout", captions_.cut(read["window"])),
        ("Network", f"{model['cell']}, {model['units']} units, {layers}"),
        ("Networks", f"{networks}; seeds {read['seed']} to {read['seed'] + seeds - 1}"),
    ]


def _told(section: Mapping[str, Any]) -> dict[str, str]:
    """Write values as params.yaml does."""
    words = {None: "null", True: "true", False: "false"}
    return {
        key: words[value] if value is None or isinstance(value, bool) else str(value)
        for key, value in params.flatten(section).items()
    }


def _stale(read: Mapping[str, Any]) -> list[str]:
    """Name what params.yaml says otherwise than when the results were made."""
    made_with = {}
    for name, asked in params.locked().items():
        if name != "check":  # which has all of params.yaml, and makes no results
            made_with |= asked
    then, now = params.flatten(made_with), params.flatten(read)
    changed = [key for key, value in then.items() if now.get(key) != value]
    if not changed:
        return []
    return [
        "params.yaml has changed since these results were made: run `dvc repro`. "
        f"Changed: {', '.join(sorted(changed))}"
    ]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # statelab run from a folder
            continue
    return found


def _runs(file: Path) -> dict[str, str]:
    """Return the id of the MLflow run of each stage that shows what dvc.lock tells."""
    links = files.read_json(file) if file.exists() else {}
    return {
        each.stage: links[each.stage]["run_id"]
        for each in stage_fingerprints.of_workspace()
        if links.get(each.stage, {}).get("fingerprint") == each.fingerprint
    }


def _picture(
    figure: page_figures.Figure, name: str, told: str, caption: str, note: str = ""
) -> Picture:
    return Picture(Markup(page_figures.inline(figure, name, told)), caption, note)
