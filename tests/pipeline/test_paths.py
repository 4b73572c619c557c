"""The paths that stages write are those that DVC knows."""

from pathlib import Path

import pytest
from checkouts import REPOSITORY
from ruamel.yaml import YAML

from statelab.config.modes import MODES
from statelab.pipeline import paths

FILES = ("dvc.yaml", "search/dvc.yaml")
STAGES = {
    name: stage
    for file in FILES
    for name, stage in YAML(typ="safe").load(REPOSITORY / file)["stages"].items()
}
DATA = {str(paths.DATA), str(paths.METRICS)}
# folders of outputs; what is there while a stage runs; what no stage writes
NO_OUTPUTS = {
    *(paths.DATA, paths.METRICS),
    *(paths.SHARDS, *map(paths.live_history, MODES)),
    *(paths.EXAMPLES, paths.BEYOND_SCORES, paths.EXAMPLE_SCORES, paths.GRADIENTS),
    *(paths.EXTERNAL, paths.VOWELS_AS_SPLIT),
    *(paths.RUNS, paths.REPORT, paths.CHECKPOINTS, paths.SPOOL),
    *(paths.STORE, paths.STORE_LOCK, paths.ARTIFACTS),
}


def owned() -> set[Path]:
    """Every path of the module; those that depend on a mode, for both."""
    found = set()
    for value in vars(paths).values():
        if isinstance(value, Path):
            found.add(value)
        elif getattr(value, "__module__", "") == paths.__name__:
            found |= {value(mode) for mode in MODES}
    return found


def outs(stage: dict) -> set[Path]:
    declared = [
        out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])
    ]
    return {Path(next(iter(out)) if isinstance(out, dict) else out) for out in declared}


def test_the_outputs_of_dvc_are_the_paths_that_stages_write():
    declared = [out for stage in STAGES.values() for out in outs(stage)]
    assert len(declared) == len(set(declared))
    assert set(declared) == owned() - NO_OUTPUTS
    assert NO_OUTPUTS < owned()


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_reads_data_that_another_stage_writes(stage):
    data = {Path(dep) for dep in STAGES[stage]["deps"] if dep.split("/")[0] in DATA}
    others = [outs(other) for name, other in STAGES.items() if name != stage]
    assert data <= set().union(*others)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_command_names_no_path_but_its_script(stage):
    commands = STAGES[stage]["cmd"]
    for command in [commands] if isinstance(commands, str) else commands:
        python, script, *arguments = command.split()
        assert python == "${python}" and script.startswith("stages/")
        assert not [word for word in arguments if "/" in word]


def test_no_module_spells_a_path_that_is_owned():
    spelled = [
        f"{file.relative_to(REPOSITORY)}: {path}"
        for folder in ("src", "stages", "benchmarks")
        for file in (REPOSITORY / folder).rglob("*.py")
        if file.name != "paths.py"
        for path in owned() - {paths.DATA, paths.METRICS, paths.REPORT}
        if f'"{path}' in file.read_text()
    ]
    assert spelled == []
