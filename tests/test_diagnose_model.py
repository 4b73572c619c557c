import numpy as np
import planted_pairs
import pytest

from statelab import diagnose_model
from statelab.findings import QUESTIONS


def diagnosed(folder, model, arrays):
    model.save(folder / "model.keras")
    np.savez(folder / "data.npz", **arrays)
    return list(diagnose_model.findings(folder / "model.keras", folder / "data.npz"))


@pytest.mark.parametrize(
    "planted, faults",
    [*planted_pairs.BROKEN.items(), *((each, set()) for each in planted_pairs.SOUND)],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_planted_fault_is_named_and_no_other(planted, faults, tmp_path):
    found = diagnosed(tmp_path, *planted())
    assert [finding.name for finding in found] == list(QUESTIONS)
    failed = {finding.name: finding for finding in found if finding.passed is False}
    assert set(failed) == faults, failed
    assert all(bool(finding.repair) == (finding.name in faults) for finding in found)
