"""What `statelab --help` says, and what it does not load to say it."""

import inspect
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from statelab.cli import main

SLOW = {
    *("keras", "matplotlib", "mlflow", "numpy", "pandas", "pyarrow", "scipy"),
    *("sklearn", "tensorflow"),
}
COMMANDS = {command.name: command.callback for command in main.app.registered_commands}


def test_help_lists_every_command_and_all_of_its_first_line():
    shown = CliRunner().invoke(main.app, ["--help"], env={"COLUMNS": "80"}).stdout
    assert len(COMMANDS) == 13
    for name, function in COMMANDS.items():
        first_line = inspect.getdoc(function).splitlines()[0]
        assert f"  {name:9}  {first_line}\n" in shown


@pytest.mark.parametrize(
    "words, status",
    [
        ("--help", 0),
        ("plan --help", 0),
        ("plann", 2),
        ("plan --lanes 0", 2),
        ("diagnose data.csv", 2),
        ("predict data.csv --out data.txt", 2),
    ],
)
def test_help_and_usage_errors_load_no_slow_library(words, status):
    # Typer checks arguments with Pydantic, where there are any
    slow = SLOW | {"pydantic"} if words == "--help" else SLOW
    code = f"""
import atexit, sys
from statelab.cli import main
atexit.register(lambda: print("loaded:", *{slow} & sys.modules.keys()))
sys.argv = "statelab {words}".split()
main.main()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == status
    assert ended.stdout.splitlines()[-1] == "loaded:", ended.stderr
