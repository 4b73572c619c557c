import json

import pytest

from statelab.diagnosis.findings import QUESTIONS


def failing_probes(checkout, fails):
    output = checkout.statelab("diagnose", "--json", fails=fails).splitlines()
    findings = [json.loads(line) for line in output if line.startswith("{")]
    assert [finding["name"] for finding in findings] == list(QUESTIONS)
    return {finding["name"] for finding in findings if finding["passed"] is False}


@pytest.mark.slow
def test_a_workspace_is_sound_unless_its_parameters_are_naive(checkout):
    checkout.dvc("repro", "evaluate")
    assert failing_probes(checkout, fails=False) == set()
    checkout.edit("params.yaml", "batching: aligned", "batching: contiguous")
    text = (checkout.root / "params.yaml").read_text()
    before, after = text.split("train_stateful:")
    after = after.replace("batch_size: auto", "batch_size: 3", 1)
    (checkout.root / "params.yaml").write_text(f"{before}train_stateful:{after}")
    checkout.dvc("repro", "evaluate")
    assert failing_probes(checkout, fails=True) == {"contiguity"}
    checkout.edit("params.yaml", "batching: contiguous", "batching: aligned")
    checkout.edit("params.yaml", "reset: sequence", "reset: never")
    checkout.dvc("repro", "evaluate")
    assert failing_probes(checkout, fails=True) == {"boundary"}
    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")
