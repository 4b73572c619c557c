"""Files -> one HTML page that needs no network: what came out, and of what."""

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from statelab.config import params
from statelab.config.modes import AGAIN, IN_USE, MODES
from statelab.config.settings import AnyTrainSettings, Params
from statelab.data.sequences import Sequences
from statelab.evaluation import bounds, evaluation, experiments
from statelab.evaluation.evaluation import Evaluation
from statelab.evaluation.experiments import Finished
from statelab.formatting import step_range
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_in_use
from statelab.networks import scores
from statelab.pipeline import dvc_experiments, paths, stage_fingerprints
from statelab.pipeline.stage_fingerprints import LOOKBACK
from statelab.report import (
    captions,
    intervals_section,
    memory_section,
    page_figures,
    settings_section,
    tables,
)
from statelab.report.inline_svg import Picture, picture
from statelab.samples import plan_summary, plans
from statelab.samples.plans import Plan
from statelab.samples.windows import LAYOUTS, Windows

LANES, BATCHES = 8, 40  # of a plan that are drawn
OTHERS = 5  # layouts beside this one
IN_SENTENCES = ("the gradient reaches back", "state is zero at each")


def write(file: Path) -> list[str]:
    """Write the page of the results in the working directory.

    Args:
        file: to make or to replace.

    Returns:
        What a reader has to know before the page is believed; it says so as well.

    Raises:
        UserError: something that the pipeline makes is missing.
    """
    evaluated = evaluation.read()
    read, settings = params.read(), params.load()
    data = arrays.read(paths.SEQUENCES, Sequences)
    windows = arrays.read(paths.WINDOWS, Windows)
    notes = [*_changed_since(read), *_leaks(evaluated), *_search_of_other_data()]
    environment = Environment(
        loader=PackageLoader("statelab.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template("report.html").render(
        name=settings_section.data_name(settings.generate),
        notes=notes,
        facts=settings_section.facts(settings, data, windows),
        came_out=tables.came_out(evaluated),
        verdict=_verdict(evaluated),
        scores=tables.score_table(evaluated),
        intervals=intervals_section.intervals(evaluated, settings, data, windows),
        curves=_curves(evaluated),
        layouts=_layouts(read, evaluated),
        plan=_plans(settings, data, windows),
        memory=memory_section.memory(),
        lookback=_lookback(),
        hidden_state=memory_section.hidden_state(
            settings.train_stateful, data, windows
        ),
        settings={
            name: settings_section.as_written(section)
            for name, section in read.items()
            if isinstance(section, Mapping)
        },
        run={
            "seed": settings.seed,
            "commit": dvc_experiments.head(),
            **settings_section.versions(),
            **settings_section.mlflow_runs(paths.RUNS),
        },
    )
    with files.atomic_write(file) as stream:
        stream.write(page.encode())
    return notes


# --- notes ----------------------------------------------------------------------------


def _changed_since(read: Mapping[str, Any]) -> list[str]:
    changed = settings_section.changed_keys(read)
    if not changed:
        return []
    return [
        "params.yaml has changed since these results were made: run `dvc repro`. "
        f"Changed: {', '.join(changed)}"
    ]


def _leaks(evaluated: Evaluation) -> list[str]:
    """Name the scores of which some seed is above what any model could reach."""
    by_seed = csv_files.read(paths.SEED_SCORES)
    return [
        f"{mode}: {name} of some network is above its ceiling: something leaks."
        for mode, table in by_seed.groupby("mode")
        for name in bounds.above_ceiling(table, evaluated.modes[str(mode)].ceiling)
    ]


def _search_of_other_data() -> list[str]:
    """Say that a search is of other sequences than what else is on the page."""
    sequences = {
        result.stage: result.sequences for result in stage_fingerprints.of_workspace()
    }
    if sequences.get(LOOKBACK) in (None, sequences.get("evaluate")):
        return []
    return [
        f"{paths.LOOKBACK_HEADLINE} is of other sequences than these results: run "
        "`dvc repro search/dvc.yaml`."
    ]


# --- scores ---------------------------------------------------------------------------


def _verdict(evaluated: Evaluation) -> dict[str, Any]:
    """Return the verdict in words, the variants, and the differences that it is of."""
    verdict, score = evaluated.verdict, evaluated.score
    by_variant = csv_files.read(paths.VARIANTS).set_index(["mode", "variant"])
    sign = scores.of_columns([score]).main.sign

    def better_by(one: tuple[str, str], other: tuple[str, str]) -> np.ndarray:
        test = [
            by_variant.loc[variant].set_index("pair")["test"]
            for variant in (one, other)
        ]
        return sign * (test[0] - test[1]).dropna().to_numpy()

    stateful, stateless = (
        (mode, verdict.chosen[mode]) for mode in ("stateful", "stateless")
    )
    differences = {"stateful against stateless": better_by(stateful, stateless)}
    for mode in verdict.noise:
        differences[f"noise, {mode}"] = better_by((mode, AGAIN), (mode, IN_USE))
    return {
        "lead": verdict.text,
        "facts": {name: _with_code(fact) for name, fact in verdict.facts.items()},
        "table": tables.verdict_table(verdict),
        "picture": picture(
            page_figures.differences(differences, verdict.margin, score),
            "differences",
            captions.differences(differences, score),
            f"{score}, seed by seed",
        ),
    }


def first_sentence(text: str) -> tuple[str, str]:
    """Split a text after its first sentence: the next one begins with a capital.

    Example:
        >>> first_sentence("It is 0.95. With state, e.g. by lane, 0.97. 2 pairs.")
        ('It is 0.95.', 'With state, e.g. by lane, 0.97. 2 pairs.')
        >>> first_sentence("More than 0.9, e.g. 0.95.")
        ('More than 0.9, e.g. 0.95.', '')
    """
    first, *rest = re.split(r"(?<=[.?!]) (?=[A-Z])", text, maxsplit=1)
    return first, "".join(rest)


def _with_code(text: str) -> Markup:
    """Set what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _curves(evaluated: Evaluation) -> list[Picture]:
    histories = {mode: csv_files.read(paths.history(mode)) for mode in MODES}
    curves = page_figures.learning_curves(histories, evaluated.modes)
    return [
        picture(
            curves[mode],
            f"curve-{mode}",
            captions.curve(
                mode, history, evaluated.modes[mode].ceiling.get("accuracy")
            ),
            f"{mode}, {history['seed'].nunique()} networks",
        )
        for mode, history in histories.items()
    ]


# --- layouts --------------------------------------------------------------------------


def _layouts(read: Mapping[str, Any], evaluated: Evaluation) -> dict[str, Any]:
    rows = [(captions.layout(read["window"]), evaluated)]
    rows += [
        (captions.layout(other.params["window"]), other.evaluation)
        for other in other_layouts(read, experiments.finished())
    ]
    left_out = max(len(rows) - 1 - OTHERS, 0)
    rows = rows[: 1 + OTHERS]
    main, final_score = evaluated.score, f"final_{evaluated.score}"
    headings = {
        main: "Every prediction of the test split",
        final_score: "Last step of each test sequence",
    }
    if any(
        final_score not in mode.scores
        for _, each in rows
        for mode in each.modes.values()
    ):
        del headings[final_score]  # of few sequences
    pictures = [
        picture(
            page_figures.layouts(rows, score),
            score,
            captions.by_layout(rows, score),
            heading,
        )
        for score, heading in headings.items()
    ]
    other = {"subsampled": "per_timestep"}.get(read["window"]["layout"], "subsampled")
    return {
        "pictures": pictures,
        "others": len(rows) - 1,
        "left_out": left_out,
        "to_run": other,
    }


def other_layouts(
    read: Mapping[str, Any], finished: Iterable[Finished]
) -> list[Finished]:
    """Choose the pipelines that differ from this one by their layout, and in no more.

    Args:
        read: params.yaml.
        finished: pipelines, of which the first of each layout is taken.
    """
    own = captions.layout(read["window"])
    by_layout: dict[str, Finished] = {}
    for pipeline in finished:
        if _apart_from_layout(pipeline.params) == _apart_from_layout(read):
            by_layout.setdefault(captions.layout(pipeline.params["window"]), pipeline)
    return [pipeline for layout, pipeline in by_layout.items() if layout != own]


def _apart_from_layout(read: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {"layout", *(name for layout in LAYOUTS.values() for name in layout.sizes)}
    window = {k: v for k, v in read["window"].items() if k not in sizes}
    kept = {k: v for k, v in read.items() if k != "tracking"}  # changes no result
    return {**kept, "window": window}


# --- plans ----------------------------------------------------------------------------


def _plans(settings: Params, data: Sequences, windows: Windows) -> dict[str, Any]:
    pictures, rows, lengths = [], {}, {}
    for mode in MODES:
        training: AnyTrainSettings = getattr(settings, f"train_{mode}")
        size = predictions_in_use(paths.predictions(mode)).batch_size
        training = training.model_copy(update={"batch_size": size})
        plan = plans.training_plan(windows, training)
        summary = plan_summary.summarize(data, windows, plan, training.burn_in)
        words = plan_summary.in_words(summary, training)
        shown = plan_summary.places(windows, plan, lanes=LANES, batches=BATCHES)
        pictures.append(
            picture(
                page_figures.lanes(shown, summary.timesteps[1]),
                f"plan-{mode}",
                captions.plan(mode, shown, words),
                mode,
                _plan_note(plan, shuffled=training.shuffle),
            )
        )
        rows[mode] = {k: v for k, v in words.items() if k not in IN_SENTENCES}
        lengths[mode] = {
            "update interval": step_range(*summary.timesteps),
            "gradient window": words["the gradient reaches back"],
            "reset interval": words["state is zero at each"],
        }
    return {"pictures": pictures, "rows": rows, "lengths": lengths}


def _plan_note(plan: Plan, *, shuffled: bool) -> str:
    text = captions.first_of(
        ("batch", min(BATCHES, plan.batches), plan.batches),
        ("lane", min(LANES, plan.lanes), plan.lanes),
    )
    if shuffled:
        text += ", in reading order; each epoch is shuffled anew"
    return text


# --- lookback -------------------------------------------------------------------------


def _lookback() -> dict[str, Any] | None:
    """Show the result of a lookback search, where there was one."""
    if not paths.LOOKBACK.exists():
        return None
    summary = files.read_json(paths.LOOKBACK)
    curve = csv_files.read(paths.LOOKBACK_CURVE)
    lead, rest = first_sentence(summary["text"])
    return {
        "lead": lead,
        "text": rest,
        "check": captions.beside_memory(
            summary["smallest"], files.read_json(paths.MEMORY)
        ),
        "table": tables.lookback_table(curve, summary),
        "options": [
            shlex.join(dvc_experiments.changes({key: value}))
            for key, value in summary["adopt"].items()
        ],
        "picture": picture(
            page_figures.lookback(curve, summary),
            "lookback",
            captions.lookback(curve, summary),
            "Windows, each with its best settings",
        ),
    }
