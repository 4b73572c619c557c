"""Imports go down only, one outside library a module, and dvc.yaml tells the truth."""

import ast
import subprocess
import sys

import pytest
from checkouts import REPOSITORY
from ruamel.yaml import YAML

SOURCE = REPOSITORY / "src" / "statelab"
FLOORS = [
    {"errors", "files", "findings", "hashes", "shapes"},
    {"arrays", "params", "sequences", "scores", "workspace", "columns", "tables"}
    | {"paired", "successions", "split_probes"},
    {
        "resuming",
        "layouts",
        "panels",
        "schema",
        "tasks",
        "results",
        "progress",
        "experiments",
    }
    | {"provenance"},
    {
        "plans",
        "metrics",
        "scaling",
        "npz",
        "rows",
        "bundles",
        "fingerprints",
        "journal",
        "questions",
        "variants",
    },
    {
        "sources",
        "plots",
        "tracking",
        "shards",
        "entrants",
        "histories",
        "reach",
        "probes",
        "cards",
    },
    {"projection", "verdict", "lookback"},
    {"chunks", "callbacks", "cells", "heads", "models", "optimizers"},
    {"recurrence", "stopping", "explain"},
    {"training"},
    {"reference", "gradients", "recording"},
    {"passages", "trials"}
    | {"experiment", "horizon", "hidden", "served", "post", "lockstep", "wording"},
    {
        "command",
        "checkpoints",
        "beyond",
        "examples",
        "rehearsal",
        "prediction",
        "vanishing",
        "ground",
        "search",
    }
    | {"pictures", "diagnose_model"}
    | {"answer_probes", "data_probes", "lane_probes", "reset_probes"},
    {"report", "diagnose_workspace", "border_probes", "ledger", "workers"},
    {"diagnose_script", "carrying"},
    {"cli"},
]
FLOOR = {module: number for number, floor in enumerate(FLOORS) for module in floor}
# Pictures that stages draw, and those of a page, which no stage is to wait for.
DRAWING = {"plots", "pictures"}
SOLE_IMPORTER = {
    "mlflow": {"tracking"},
    "matplotlib": DRAWING,
    "dvc": {"lockstep"},
    "jinja2": {"report"},
    "optuna": {"search"},
    "distributed": {"workers"},
}
WITHOUT_TENSORFLOW = sorted(
    set().union(*FLOORS[:6], {"chunks", "lockstep", "command", "pictures", "report"})
)
# Change no output that anything depends on: they read parameters, show progress, note
# what training takes, turn errors into lines, see to it that a stage is the only one to
# write, and bring what was killed or is far away to the same end.
NO_OUTPUT = {"params", "errors", "progress", "journal", "command", "workspace"}
NO_OUTPUT |= {"resuming", "workers", "ledger"}


def imports(file) -> set[str]:
    """Names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(file) -> set[str]:
    """The modules of statelab that a file imports."""
    parts = [name.split(".") for name in imports(file)]
    return {part[1] for part in parts if part[0] == "statelab" and part[1] in FLOOR}


def reached(file) -> set[str]:
    """The modules of statelab that a file imports, and those that they import."""
    found, new = set(), own_imports(file)
    while new:
        found |= new
        new = set().union(*(own_imports(SOURCE / f"{m}.py") for m in new)) - found
    return found


def test_every_module_has_a_floor():
    assert {file.stem for file in SOURCE.glob("[!_]*.py")} == set(FLOOR)


@pytest.mark.parametrize("module", sorted(FLOOR))
def test_imports_go_down(module):
    for below in own_imports(SOURCE / f"{module}.py"):
        assert FLOOR[below] < FLOOR[module], f"{module} imports {below}"


@pytest.mark.parametrize("library", sorted(SOLE_IMPORTER))
def test_a_library_is_imported_in_one_place(library):
    users = {
        file.stem
        for file in SOURCE.glob("*.py")
        if any(name.split(".")[0] == library for name in imports(file))
    }
    assert users <= SOLE_IMPORTER[library]


def test_low_floors_need_no_tensorflow():
    code = f"""
import sys
import {", ".join(f"statelab.{module}" for module in WITHOUT_TENSORFLOW)}
sys.exit("tensorflow" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_mlflow_loads_needs_no_more_than_its_requirements_name():
    found = set()
    for module in {"served", *reached(SOURCE / "served.py")}:
        for node in ast.parse((SOURCE / f"{module}.py").read_text()).body:
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


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_depends_on_every_module_that_can_change_its_outputs(stage):
    commands = STAGES[stage]["cmd"]
    # the second command of a stage logs what is written, and changes no output
    first = commands if isinstance(commands, str) else commands[0]
    script = next(word for word in first.split() if word.startswith("stages/"))
    modules = reached(REPOSITORY / script) - NO_OUTPUT
    expected = {script, *(f"src/statelab/{module}.py" for module in modules)}
    code = {dep for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    assert code == expected


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_what_is_not_cached_stands_under_metrics_or_plots(stage):
    """One such file under outs would turn DVC's run-cache off."""
    for out in STAGES[stage].get("outs", []):
        assert isinstance(out, str) or list(out.values()) == [{"persist": True}]


@pytest.mark.parametrize("stage", sorted(set(STAGES) - {"check"}))
def test_every_stage_waits_for_the_check(stage):
    own = "search-params" if stage == "lookback" else "params"
    assert f"data/{own}-checked.txt" in STAGES[stage]["deps"]
