"""What may import what, and that dvc.yaml names all that can change an output.

The order of the packages is a contract of import-linter in pyproject.toml.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from checkouts import REPOSITORY
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure
from ruamel.yaml import YAML

from statelab.pipeline import paths

SOURCE = REPOSITORY / "src" / "statelab"
# Change no output that anything depends on: they read parameters, show progress, note
# what training takes, turn errors into lines, see to it that a stage is the only one to
# write, and bring what was killed or is far away to the same end. The paths are those
# of dvc.yaml, and where one changes there DVC runs what it is of.
NO_OUTPUT = {
    "config.params",
    "errors",
    "training.executors",
    "lookback.trial_store",
    "pipeline.command",
    "pipeline.live_log",
    "pipeline.paths",
    "pipeline.progress",
    "pipeline.resume_key",
    "pipeline.workspace",
}
# What params.yaml may hold is for the check: DVC itself compares the values.
CHECKED = {"config.rules", "config.schema", "config.settings"}
WITHOUT_TENSORFLOW = (
    "cli.main",
    "config.schema",
    "data.sources",
    "evaluation.verdict_text",
    "lookback.evaluation_set",
    "networks.architecture",
    "networks.saving",
    "networks.scores",
    "report.page",
    "samples.chunks",
    "samples.splitting",
    "tracking.sync",
)
NETWORKS = {"keras", "tensorflow"}
LARGE = NETWORKS | {"dvc", "matplotlib", "mlflow", "pandas", "pyarrow", "scipy"}
STAGES_WITHOUT = [  # libraries that take long to import
    {
        "check": LARGE,
        "generate": LARGE,
        "window": LARGE,
        "evaluate": NETWORKS | {"dvc", "mlflow"},
        "log": NETWORKS | {"dvc"},
    },
    {"train": {"mlflow", "scipy.stats", "sklearn"}},
]


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE).with_suffix("").parts)


FILES = {name_of(file): file for file in SOURCE.rglob("[!_]*.py")}


@cache
def imports(file: Path) -> frozenset[str]:
    """The modules of statelab that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(str(node.module))
    return frozenset(name.removeprefix("statelab.") for name in names) & set(FILES)


def closure(file: Path, without: frozenset[str] = frozenset()) -> set[str]:
    """The modules of statelab that a file imports, and those that they import.

    Args:
        file: where it begins.
        without: modules that are left out, with what they alone import.
    """
    found, new = set(), imports(file) - without
    while new:
        found |= new
        new = set().union(*(imports(FILES[module]) for module in new))
        new -= found | without
    return found


def test_imports_go_down(monkeypatch):
    configure()
    monkeypatch.chdir(REPOSITORY)
    assert lint_imports(config_filename="pyproject.toml", cache_dir=None)


def test_modules_that_need_no_tensorflow_do_not_load_it():
    code = f"""
import sys
import {", ".join(f"statelab.{module}" for module in WITHOUT_TENSORFLOW)}
sys.exit("tensorflow" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("stages", STAGES_WITHOUT, ids=" ".join)
def test_stages_load_no_library_that_they_do_not_need(stages):
    """Loaded one after another: what a stage must not load, none before it may."""
    code = f"""
import importlib, sys
sys.path.insert(0, "stages")
for stage, unneeded in {stages}.items():
    importlib.import_module(stage)
    print(*(stage + " loads " + name for name in unneeded & sys.modules.keys()))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert loaded.stdout.split() == []


def test_what_mlflow_loads_needs_no_more_than_its_requirements_name():
    found = set()
    for module in {"served", *closure(FILES["served"])}:
        for node in ast.parse(FILES[module].read_text()).body:
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    assert found - sys.stdlib_module_names - {"statelab"} == {"keras", "numpy"}


STAGES = {
    name: stage
    for file in ("dvc.yaml", "search/dvc.yaml")
    for name, stage in YAML(typ="safe").load(REPOSITORY / file)["stages"].items()
}


def modules_of(dep: str) -> set[str]:
    """The modules that a dep of a stage stands for: itself, or all of its folder."""
    path = REPOSITORY / dep
    if path.is_dir():
        return {name_of(file) for file in path.glob("[!_]*.py")}
    return {name_of(path)}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_depends_on_every_module_that_can_change_its_outputs(stage):
    commands = STAGES[stage]["cmd"]
    # the second command of a stage logs what is written, and changes no output
    first = commands if isinstance(commands, str) else commands[0]
    script = next(word for word in first.split() if word.startswith("stages/"))
    deps = STAGES[stage]["deps"]
    code = [modules_of(dep) for dep in deps if dep.startswith("src/")]
    assert script in deps
    checked = frozenset() if "check" in stage else frozenset(CHECKED)
    assert set().union(*code) == closure(REPOSITORY / script, checked) - NO_OUTPUT


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_what_is_not_cached_stands_under_metrics_or_plots(stage):
    """One such file under outs would turn DVC's run-cache off."""
    for out in STAGES[stage].get("outs", []):
        assert isinstance(out, str) or list(out.values()) == [{"persist": True}]


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"check"}))
def test_every_stage_waits_for_the_check(stage):
    checked = paths.EVALUATION_SET if stage == "lookback" else paths.PARAMS_CHECKED
    assert str(checked) in STAGES[stage]["deps"]
