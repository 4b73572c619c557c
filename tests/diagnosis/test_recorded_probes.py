"""Planted faults: scripts as users write them, each with the probes that it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from statelab.diagnosis.findings import QUESTIONS
from statelab.diagnosis.recording import runner
from statelab.diagnosis.script import registry, sample_origin
from statelab.errors import UserError

PLANTED = Path(__file__).parents[1] / "planted"
BROKEN = sorted(PLANTED.glob("broken_scripts/*.py"))
SOUND = sorted(PLANTED.glob("sound_scripts/*.py"))
# by somebody who has not read the probes
BY_USERS = sorted(PLANTED.glob("*_by_users/*.py"))
MISSED = {
    "batch_size_centred_by_batch": "predictions at another batch size would show it",
    "boundary_reset_once_per_epoch": "two symbols, in lanes across an array",
}
# a second each; the others take minutes together
FAST = {
    "broken_scripts/predicts_twice",
    "broken_scripts/counts_executions",
    "broken_scripts/last_batch_is_small",
    "broken_scripts/loads_and_goes_on",
    "broken_scripts/nested_missed",
    "broken_scripts/overlapping_windows",
    "broken_scripts/scaled_by_hand",
    "broken_scripts/shuffled",
    "broken_scripts/split_of_windows",
    "broken_scripts/sums_hits",
    "broken_scripts/validates_in_fit",
    "sound_scripts/custom_loop",
    "sound_scripts/lanes",
    "sound_scripts/two_inputs",
}
STATEFUL = """
import keras
import numpy as np

keras.utils.set_random_seed(3)
x = np.random.default_rng(3).normal(size=(24, 3, 2))
model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 3, 2)),
        keras.layers.GRU(3, stateful=True),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(1),
    ]
)
model.compile("adam", "mse", steps_per_execution=2)
history = model.fit(
    x, x[:, 0, :1], batch_size=4, epochs=2, validation_split=0.5, verbose=0
)
print("said by the script")
predictions = model.predict(x, batch_size=4, verbose=0)
"""


def expected(script: Path) -> set[str]:
    """The probes that the first line names, after `# fails:`."""
    first = script.read_text().splitlines()[0]
    names = first.partition("fails:")[2].split(",")
    return {name.strip() for name in names if name.strip()}


def planted(script: Path):
    """The script as a parameter, expected to be missed if it is known to be."""
    name = f"{script.parent.name}/{script.stem}"
    marks = [] if name in FAST else [pytest.mark.slow]
    if script.stem in MISSED:
        marks.append(pytest.mark.xfail(reason=MISSED[script.stem], strict=True))
    return pytest.param(script, marks=marks, id=name)


@pytest.mark.parametrize("script", [*map(planted, [*BROKEN, *SOUND, *BY_USERS])])
def test_a_planted_fault_is_named_and_nothing_else(script):
    result = list(registry.findings(script))
    assert [finding.name for finding in result] == list(QUESTIONS)
    failed = {finding.name for finding in result if finding.passed is False}
    assert failed == expected(script)
    for finding in result:
        assert bool(finding.repair) == (finding.passed is False)
        assert "\n" not in finding.where + finding.repair


def test_each_probe_has_a_fast_script_that_fails_it():
    fast = [script for script in BROKEN if f"broken_scripts/{script.stem}" in FAST]
    assert set().union(*map(expected, fast)) == set(QUESTIONS)


def test_recording_changes_no_number(tmp_path, capsys):
    script = tmp_path / "train.py"
    script.write_text(STATEFUL)
    plain = {}
    exec(compile(STATEFUL, str(script), "exec"), plain)
    fit, call = keras.Model.fit, keras.Model.__call__
    capsys.readouterr()
    recorded = runner.record(script)
    assert keras.Model.fit is fit and keras.Model.__call__ is call
    assert capsys.readouterr().out == ""  # what it prints goes to stderr
    assert recorded.calls[0].scores["loss"] == plain["history"].history["loss"][-1]
    assert np.array_equal(recorded.arrays["predictions"], plain["predictions"])


def test_a_batch_is_kept_as_it_was_fed(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(STATEFUL.replace("epochs=2,", "epochs=2, shuffle=False,"))
    recorded = runner.record(script)
    x = np.random.default_rng(3).normal(size=(24, 3, 2)).astype(np.float32)
    # each epoch 3 batches of the first half, and 3 of the other; then 6 to predict
    kinds = 2 * (3 * ["train"] + 3 * ["validation"]) + 6 * ["predict"]
    assert [batch.kind for batch in recorded.batches] == kinds
    for batch, place in zip(
        recorded.batches, [*range(6), *range(6), *range(6)], strict=True
    ):
        assert np.array_equal(batch.x[0], x[4 * place : 4 * place + 4])
    # an execution takes 2 batches: the state between them is not seen
    train = recorded.batches[:3]
    assert [batch.carried is None for batch in train] == [False, True, False]
    assert train[2].carried[0].all() and not train[0].carried[0].any()


AS_STARTED = """
import argparse, os, subprocess
import numpy as np
from tensorflow.keras import Input, Sequential, layers
parser = argparse.ArgumentParser()
parser.add_argument("--folder")
os.chdir(parser.parse_args().folder)
os.environ["OF_THE_SCRIPT"] = "1"
def main():
    subprocess.run(["echo", "said by a child"])
    model = Sequential([Input((2, 1)), layers.GRU(1)])
    model.predict(np.array([[[3.0], [5.0]]]), verbose=0)
    os._exit(0)
if __name__ == "__main__":
    main()
"""


def test_a_script_runs_as_python_would_start_it(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("inner").mkdir()
    Path("train.py").write_text(AS_STARTED)
    leave, predict = os._exit, keras.Model.predict
    recorded = runner.record(Path("train.py"), ["--folder", "inner"])
    assert [(call.method, call.line) for call in recorded.calls] == [("predict", 12)]
    assert recorded.batches[0].x[0].tolist() == [[[3.0], [5.0]]]
    assert capfd.readouterr().out == ""
    assert Path.cwd() == tmp_path and "OF_THE_SCRIPT" not in os.environ
    assert os._exit is leave and keras.Model.predict is predict


@pytest.mark.parametrize(
    ("text", "line", "received"),
    [
        ("x = 1\nraise KeyError('lag')", ", line 2", "KeyError: 'lag'"),
        ("x = (1", ", line 1", "'(' was never closed"),
        ("import sys\nsys.exit('no data')", ", line 2", "SystemExit: no data"),
        ("import os\nos._exit(3)", ", line 2", "SystemExit: 3"),
        ("x = 1", "", "no batch was fed"),
    ],
)
def test_a_script_that_cannot_be_judged_costs_one_line(tmp_path, text, line, received):
    script = tmp_path / "train.py"
    script.write_text(text)
    with pytest.raises(UserError) as error:
        list(registry.findings(script))
    assert str(error.value).startswith(f"{script}{line}: ")
    assert str(error.value).endswith(received)
    assert "\n" not in str(error.value)


def test_another_backend_is_refused(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(f"import os\nos.environ['KERAS_BACKEND'] = 'jax'\n{STATEFUL}")
    fit, environment = keras.Model.fit, dict(os.environ)
    with pytest.raises(UserError, match="must be tensorflow.*Received: jax"):
        runner.record(script)
    assert keras.Model.fit is fit and os.environ == environment


def test_a_script_that_is_missing_costs_one_line(tmp_path):
    with pytest.raises(UserError, match="must be a file. Received: .*none.py"):
        runner.record(tmp_path / "none.py")


def test_samples_are_found_where_they_stand():
    source = np.arange(24.0).reshape(2, 12)  # 2 sequences of 12 steps
    batches = {
        7: np.array([[[3.0], [4.0]], [[20.0], [21.0]]]),
        9: np.array([[[11.0], [12.0]], [[0.0], [5.0]]]),  # over a border; nowhere
        11: np.array([[[22.0], [23.0]], [[1.0], [2.0]]]),
    }
    places = sample_origin.locate(
        {number: x.astype(np.float32) for number, x in batches.items()}, [source]
    )
    assert places[7].sequence.tolist() == [0, 1]
    assert places[7].step.tolist() == [3, 8]
    assert places[9].step.tolist() == [-1, -1]
    assert places[11].step.tolist() == [10, 1]


def test_symbols_are_found_along_a_lane():
    first = np.array([1, 0, 0, 1, 1, 0, 1, 0], np.float32)
    source = np.zeros((8, 5, 1), np.float32)
    source[:, 0, 0] = first
    fed = source.reshape(-1, 1, 1)
    batches = {number: fed[number : number + 1] for number in range(40)}
    places = sample_origin.locate(batches, [source])
    assert [int(places[n].step[0]) for n in range(40)] == 8 * [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_the_command_ends_with_0_1_or_2():
    def run(*arguments: str) -> subprocess.CompletedProcess:
        code = "from statelab.cli import main; main.main()"
        return subprocess.run(
            [sys.executable, "-c", code, "diagnose", *arguments],
            capture_output=True,
            text=True,
        )

    broken = run(str(PLANTED / "broken_scripts" / "never_reset.py"), "--json")
    lines = [json.loads(line) for line in broken.stdout.splitlines()]
    assert broken.returncode == 1
    assert [line["name"] for line in lines] == list(QUESTIONS)
    assert [line["name"] for line in lines if line["passed"] is False] == ["boundary"]
    assert set(lines[0]) == {"name", "passed", "where", "repair"}
    sound = run(str(PLANTED / "sound_scripts" / "lanes.py"))
    assert (sound.returncode, "FAILS" in sound.stdout) == (0, False)
    missing = run("none.py")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.count("\n") == 1
