"""Real processes: two that want the same output, and an orphan."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from statelab.pipeline import workspace

WRITER = """
import sys, time
from pathlib import Path
from statelab.pipeline import workspace

output, diary, go = map(Path, sys.argv[1:])
with workspace.only_writer("train", output):
    with diary.open("a") as lines:
        print("begin", file=lines, flush=True)
        while not go.exists():
            time.sleep(0.01)
        time.sleep(0.1)
        print("end", file=lines, flush=True)
"""

# What DVC does: a shell, told which stage it is, that runs a command.
DVC = """
import os, subprocess, sys
script, *words = sys.argv[1:]
subprocess.run(
    ["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", script, *words],
    env={**os.environ, "DVC_STAGE": "train"},
)
"""

STAGE = """
import os, sys, time
from pathlib import Path
from statelab.pipeline import workspace

output, pid = map(Path, sys.argv[1:])
with workspace.only_writer("train", output):
    pid.write_text(f"{os.getpid()}\\n")
    time.sleep(60)
"""


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def env(monkeypatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)


def test_root_is_where_dvc_says(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert workspace.root() == tmp_path
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert workspace.root() == tmp_path


def test_writers_of_one_output_take_turns_and_say_for_whom_they_wait(tmp_path, env):
    output, diary, go = (tmp_path / name for name in ("model", "diary", "go"))
    command = [sys.executable, "-c", WRITER, *map(str, (output, diary, go))]
    pipes = {"stderr": subprocess.PIPE, "text": True}
    one = subprocess.Popen(command, **pipes)
    wait_for(lambda: diary.exists() and diary.read_text())
    others = [subprocess.Popen(command, **pipes) for _ in range(2)]
    waits = f"train: waits for process {one.pid}, which is writing {output}\n"
    for other in others:
        assert other.stderr is not None and other.stderr.readline() == waits
    go.touch()
    said = [process.communicate(timeout=20)[1] for process in (one, *others)]
    assert diary.read_text().split() == ["begin", "end"] * 3
    assert said == ["", "", ""]


def test_writers_of_two_outputs_do_not_wait(tmp_path, env, capsys):
    with (
        workspace.only_writer("one", tmp_path / "stateless"),
        workspace.only_writer("two", tmp_path / "stateful"),
    ):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("session", [True, False])
def test_a_stage_ends_when_the_dvc_that_began_it_is_killed(tmp_path, env, session):
    pid = tmp_path / "pid"
    dvc = subprocess.Popen(
        [sys.executable, "-c", DVC, STAGE, str(tmp_path / "model"), str(pid)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=session,
    )
    wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    stage = psutil.Process(int(pid.read_text()))
    time.sleep(3 * workspace.SECONDS_BETWEEN_LOOKS)
    assert stage.is_running()  # and its shell stands between it and DVC
    assert stage.ppid() != dvc.pid
    dvc.kill()
    dvc.wait()
    stage.wait(timeout=10)
    assert dvc.stderr is not None
    with dvc.stderr:
        assert dvc.stderr.read() == "train: ends, as the DVC that began it is gone\n"


def test_a_stage_that_nobody_began_does_not_look_for_dvc(tmp_path, env):
    """Begun by hand, it outlives its terminal."""
    pid = tmp_path / "pid"
    by_hand = f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", {STAGE!r}, *sys.argv[1:]])
"""
    subprocess.run(
        [sys.executable, "-c", by_hand, str(tmp_path / "model"), str(pid)],
        check=True,
        env={name: os.environ[name] for name in os.environ if name != "DVC_STAGE"},
    )
    wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    stage = psutil.Process(int(pid.read_text()))
    time.sleep(3 * workspace.SECONDS_BETWEEN_LOOKS)
    assert stage.is_running() and stage.status() != psutil.STATUS_ZOMBIE
    stage.kill()
