import signal
import subprocess
import sys
import time

import pytest

from statelab.errors import UserError
from statelab.pipeline import command

STAGE = """
import sys
from pathlib import Path
from statelab.pipeline import command
from statelab.errors import UserError

def main(file: Path, count: int) -> None:
    raise UserError(f"{file}, row 3: `count` must be even. Received: {count}")

command.run(main)
"""

BUSY = """
import time
from statelab.pipeline import command

def main() -> None:
    print("busy", flush=True)
    sum(range(10**12))  # one call, in compiled code, for hours

command.run(main)
"""


def test_run_turns_a_users_mistake_into_one_line_and_exit_code_2():
    ended = subprocess.run(
        [sys.executable, "-c", STAGE, "a.csv", "3"], capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr == "a.csv, row 3: `count` must be even. Received: 3\n"


def test_run_stops_at_once_within_compiled_code():
    stage = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True
    )
    assert stage.stdout is not None and stage.stdout.readline() == "busy\n"
    time.sleep(0.2)
    stage.send_signal(signal.SIGINT)
    try:
        assert stage.wait(timeout=1) == -signal.SIGINT
    finally:
        stage.kill()
        stage.stdout.close()


def test_one_line_errors_lets_mistakes_of_our_own_through():
    with pytest.raises(ZeroDivisionError), command.one_line_errors():
        _ = 1 / 0


def test_one_line_errors_exits_with_2(capsys):
    with pytest.raises(SystemExit) as ended, command.one_line_errors():
        raise UserError("one line")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "one line\n"


def test_quiet_import_hides_what_is_written_past_python_and_ends(capfd):
    with command.quiet_import():
        subprocess.run(["sh", "-c", "echo noise >&2"], check=True)
    subprocess.run(["sh", "-c", "echo sound >&2"], check=True)
    assert capfd.readouterr().err == "sound\n"


def test_lean_import_hides_from_keras_what_it_can_do_without():
    code = """
import sys
from statelab.pipeline import command
with command.lean_import():
    import keras
for name in ("matplotlib.pyplot", "scipy.stats", "sklearn"):
    assert name not in sys.modules, name
import sklearn, matplotlib.pyplot
"""
    subprocess.run([sys.executable, "-c", code], check=True)
