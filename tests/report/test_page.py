import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import browser
import evaluations
import numpy as np
import pytest
import searches
from evaluations import mode_scores, over_seeds
from small_windows import cut

from statelab.data.sequences import SPLITS, Sequences
from statelab.errors import UserError
from statelab.evaluation import evaluation, experiments
from statelab.evaluation.evaluation import Evaluation
from statelab.evaluation.experiments import Finished
from statelab.io import arrays, csv_files
from statelab.io.predictions import predictions_in_use
from statelab.memory import hidden_states
from statelab.networks import saving
from statelab.pipeline import paths, stage_fingerprints
from statelab.report import captions, memory_section, page, tables
from statelab.samples.plan_summary import Places
from statelab.samples.windows import Windows

BASELINE = {"accuracy": 0.4, "final_accuracy": 0.3}
CLASSES = evaluations.evaluation(
    stateless=mode_scores(
        {
            "accuracy": over_seeds(0.5, 0.25, 0.75, 3),
            "final_accuracy": over_seeds(None, n=3),
        },
        ceiling={"accuracy": 0.625, "final_accuracy": None},
        constant=BASELINE,
    ),
    stateful=mode_scores(
        {"accuracy": over_seeds(0.875), "final_accuracy": over_seeds(0.75)},
        ceiling={"accuracy": None, "final_accuracy": None},
        constant=BASELINE,
    ),
)
BASELINES = {"constant": {"rmse": 60.5}, "persistence": {"rmse": 31.25}}
VALUES = evaluations.evaluation(
    stateless=mode_scores({"rmse": over_seeds(40.0)}, {"rmse": None}, **BASELINES),
    stateful=mode_scores({"rmse": over_seeds(25.5)}, {"rmse": None}, **BASELINES),
    score="rmse",
)


def test_the_sentence_puts_each_score_beside_its_own_bound():
    assert tables.came_out(CLASSES) == (
        "Mean accuracy on the test split: 0.8750 with carried state (constant "
        "prediction 0.4000), 0.5000 without (ceiling 0.6250)."
    )


def test_the_sentence_says_once_what_bounds_both():
    assert tables.came_out(VALUES) == (
        "Mean rmse on the test split: 25.50 with carried state, 40.00 without; "
        "constant prediction 60.50, persistence 31.25."
    )


def test_the_table_has_a_line_for_each_score_and_no_column_that_is_empty():
    table = tables.score_table(CLASSES)
    assert table.headings == [
        *("stateless, n = 3", "ceiling, stateless", "stateful, n = 1"),
        "constant prediction",
    ]
    (first, _, cells), (last, meaning, last_cells) = table.rows
    assert first == "accuracy" and cells == [
        ("0.5000", "[0.2500, 0.7500]"),
        ("0.6250", ""),
        ("0.8750", ""),
        ("0.4000", ""),
    ]
    assert last == "final accuracy" and "last time step" in meaning
    assert [cell.text for cell in last_cells] == ["–", "–", "0.7500", "0.3000"]
    assert tables.score_table(VALUES).headings[2:] == [
        *("constant prediction", "persistence")
    ]


def test_a_plan_in_words_counts_what_is_drawn():
    shown = Places(
        sequence=np.array([[0, 1], [0, 2], [0, -1]]),
        reset=np.array([[True, True], [False, True], [False, False]]),
        length=np.array([[2, 2], [2, 1], [1, 0]]),
        counts=np.array([[True, True], [True, True], [True, False]]),
    )
    words = {"samples": "1,000", "batches": "500", "padding": "1.5%"}
    assert captions.plan("stateful", shown, words) == (
        "Plan of the stateful training, 2 lanes by 3 batches: 5 samples of 3 sequences "
        "are drawn, 3 of them begin with a state of zeros. An epoch has 1,000 samples "
        "in 500 batches, and padding is 1.5%."
    )


def settings(layout="per_timestep", segment=1, units=10, test_size=0.25):
    window = {"layout": layout, "segment_length": segment, "test_size": test_size}
    window |= {"window_length": 10, "stride": 1}
    return {"seed": 0, "window": window, "model": {"units": units}}


def test_other_layouts_differ_in_nothing_else():
    finished = [
        Finished("same", settings(), CLASSES),
        Finished("other network", settings("full", units=3), CLASSES),
        Finished("other test split", settings("full", test_size=0.5), CLASSES),
        Finished("newer", {**settings("full"), "tracking": {"register": "a"}}, CLASSES),
        # of whole sequences the length of a segment says nothing
        Finished("older", settings("full", segment=5), VALUES),
        Finished("longer segments", settings(segment=5), VALUES),
    ]
    chosen = page.other_layouts(settings(), finished)
    assert [pipeline.name for pipeline in chosen] == ["newer", "longer segments"]


def test_what_is_drawn_is_the_first_test_sequence_that_changes():
    table = cut([2, 3, 2], layout="full")._replace(split=np.int8([0, 2, 2]))
    values = np.float32([1, 2, 5, 5, 5, 7, 8])[:, None]
    data = Sequences(values, np.array([0, 2, 5, 7]), np.zeros(3, int))
    assert memory_section.sequence_to_draw(data, table) == 2
    constant = data._replace(values=np.ones_like(values))
    assert memory_section.sequence_to_draw(constant, table) == 1


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a function that commits files, and points a ref at the commit."""
    monkeypatch.chdir(tmp_path)

    def git(*words: str) -> str:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        ended = subprocess.run(
            ["git", *name, *words], capture_output=True, text=True, check=True
        )
        return ended.stdout.strip()

    def commit(settings: str, evaluated: Evaluation | None) -> str:
        (tmp_path / "params.yaml").write_text(settings)
        if evaluated is not None:
            evaluation.write(tmp_path, evaluated)
        git("add", ".")
        git("commit", "--quiet", "--allow-empty", "-m", "x")
        return git("rev-parse", "HEAD")

    git("init", "--quiet")
    return SimpleNamespace(git=git, commit=commit, root=tmp_path)


def test_finished_are_the_commit_and_its_experiments(repository):
    assert experiments.finished() == []  # there is no commit
    head = repository.commit("seed: 1e-3  # a number in YAML 1.2", CLASSES)
    other = repository.commit("seed: 2", VALUES)
    repository.git("reset", "--quiet", "--hard", head)
    repository.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/fuzzy-cat", other)
    repository.git("update-ref", f"refs/exps/{other[:2]}/{other[2:]}/of-another", head)
    assert experiments.finished() == [
        Finished("HEAD", {"seed": 0.001}, CLASSES),
        Finished("fuzzy-cat", {"seed": 2}, VALUES),
    ]


def test_what_is_not_evaluated_is_not_finished(repository):
    repository.commit("seed: 1", None)
    assert experiments.finished() == []


def test_without_results_one_line_says_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = r"metrics/evaluate/evaluation.json: .* Run `dvc repro`"
    with pytest.raises(UserError, match=message):
        page.write(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.fixture
def results_there(checkout, monkeypatch):
    """The checkout with what its params.yaml makes, whatever ran in it before."""
    checkout.dvc("checkout", "--quiet", "dvc.yaml")  # there was no search
    monkeypatch.chdir(checkout.root)
    return checkout


@browser.needs_browser
def test_the_page_is_whole_and_legible_and_asks_for_nothing(results_there):
    file = results_there.root / "report.html"
    assert page.write(file) == []  # nothing to warn of
    content = file.read_bytes()
    ids = re.findall(rb' id="([^"]+)"', content)
    assert len(ids) == len(set(ids))
    with browser.browser() as opened:
        views = {
            (width, scheme): browser.look(opened, file, width, scheme)
            for width in (1280, 390)
            for scheme in ("light", "dark")
        }
    for (width, _), seen in views.items():
        assert seen.requests == [file.as_uri()] and seen.complaints == []
        assert seen.width <= width
        # the verdict, two each of curves, layouts, plans and maps of units, the
        # answers, and three of how far back networks look
        assert seen.images == seen.named == 12
        for drawn in seen.texts:
            assert drawn["overlaps"] == []
            assert drawn["height"] >= 10  # pixels, of a line of text
            assert drawn["left"] >= 0 and drawn["right"] <= width
            assert drawn["colour"] == seen.ink
    papers = {scheme: seen.paper for (_, scheme), seen in views.items()}
    assert papers == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
    page.write(file)
    assert file.read_bytes() == content  # the same files give the same page
    assert results_there.run("git", "check-ignore", "report.html")


@pytest.fixture
def searched(results_there):
    """The checkout with what a search leaves behind."""
    yield searches.write(results_there.root)
    shutil.rmtree((results_there.root / paths.LOOKBACK).parent)
    (results_there.root / paths.LOOKBACK_HEADLINE).unlink()


@browser.needs_browser
def test_what_a_search_has_found_is_on_the_page_if_there_was_one(
    searched, results_there
):
    file = results_there.root / "report.html"
    assert page.write(file) == []
    text = file.read_text()
    lead = "A window of 3 steps is enough: it is not worse than the best"
    assert text.count(lead) == 1
    assert "-S window.window_length=3</span>" in text
    assert "-S train_stateless.clipnorm=null</span>" in text
    with browser.browser() as opened:
        for width, scheme in ((1280, "light"), (390, "dark")):
            seen = browser.look(opened, file, width, scheme)
            assert seen.complaints == [] and seen.width <= width
            assert seen.images == seen.named == 13
            for drawn in seen.texts:
                assert drawn["overlaps"] == []
                assert drawn["height"] >= 10
                assert drawn["left"] >= 0 and drawn["right"] <= width
                assert drawn["colour"] == seen.ink


def test_the_page_says_when_a_search_is_of_other_sequences(searched, results_there):
    (lock := results_there.root / "search/dvc.lock").write_text(
        "stages: {lookback: {deps: [{path: data/sequences, md5: other}], outs: [], "
        "params: {params.yaml: {seed: 0}}}}"
    )
    (note,) = page.write(results_there.root / "report.html")
    lock.unlink()
    assert note.endswith("run `dvc repro search/dvc.yaml`.")


def test_the_table_of_windows_marks_the_smallest(tmp_path):
    summary = searches.write(tmp_path)
    curve = csv_files.read(tmp_path / "metrics/lookback/curve.csv")
    table = tables.lookback_table(curve, summary)
    assert table.headings == ["accuracy", "against the best"]
    first, smallest, best = table.rows
    assert first[:2] == ("1 step", "") and first[2][1] == ("worse", "")
    assert smallest[:2] == ("3 steps", "the smallest")
    assert best[2][0][0] == "0.9802"  # 0.98, and 0 to 5 ten-thousandths
    curve["low"] = np.nan  # of one network there is no interval
    rows = tables.lookback_table(curve, summary).rows
    assert [row.cells[0].interval for row in rows] == [""] * 3


def test_the_memory_beside_the_smallest_window_counts_the_step_itself():
    measured = {
        "stateless": {"change": {"memory": None}},
        "stateful": {"change": {"memory": 3}},
    }
    assert captions.beside_memory(4, measured).endswith(
        "predictions depend on no step without carried state, on 4 steps with it; the "
        "smallest window is 4 steps."
    )
    assert captions.beside_memory(4, {"not_measured": "too long"}) == ""


def test_the_page_names_runs_and_quotes_what_the_user_has_named(results_there):
    names = results_there.root / "data/sequences/names.json"
    names.write_text(json.dumps({"features": ["a<b>$x$"], "classes": ["n", "<i>&"]}))
    runs = results_there.root / "metrics/run.json"
    kept = runs.read_bytes()
    links = {
        result.stage: {"fingerprint": result.fingerprint, "run_id": f"<{result.stage}>"}
        for result in stage_fingerprints.recorded(
            (results_there.root / "dvc.lock").read_text()
        )
    }
    links["train_stateful"]["fingerprint"] = "of what was here before"
    runs.write_text(json.dumps(links))
    page.write(results_there.root / "report.html")
    text = (results_there.root / "report.html").read_text()
    names.unlink()
    runs.write_bytes(kept)
    assert "1: a&lt;b&gt;$x$" in text and "class 1 is “&lt;i&gt;&amp;”" in text
    assert "a<b>" not in text and "<i>" not in text
    assert "MLflow run of evaluate</th><td>&lt;evaluate&gt;</td>" in text
    assert "train_stateful&gt;" not in text


def test_the_page_says_when_its_results_are_of_other_settings(results_there):
    results_there.edit("params.yaml", "layers: 1", "layers: 2")
    (note,) = page.write(results_there.root / "report.html")
    assert note.endswith("run `dvc repro`. Changed: model.layers")
    assert note in (results_there.root / "report.html").read_text()
    results_there.restore()


def test_what_is_drawn_is_what_the_stage_answered(results_there):
    data = arrays.read(paths.SEQUENCES, Sequences)
    windows = arrays.read(paths.WINDOWS, Windows)
    written = predictions_in_use(paths.predictions("stateful"))
    trained = saving.read(paths.model("stateful"))
    sequence = memory_section.sequence_to_draw(data, windows)
    assert windows.split[sequence] == SPLITS["test"]
    traces = hidden_states.of_sequence(
        trained, data, windows, sequence, reset="sequence", steps=3
    )
    first = windows.answers[sequence]
    expected = written.predictions[0, first : first + 3]
    np.testing.assert_allclose(traces.carried.predictions[:, 0], expected, atol=1e-6)
    assert np.abs(traces.alone.predictions[1:, 0] - expected[1:]).min() > 1e-6
