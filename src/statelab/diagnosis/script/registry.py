"""`statelab diagnose SCRIPT.py`: what a training script's run shows."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from statelab.diagnosis.findings import QUESTIONS, Finding
from statelab.diagnosis.recording import runner
from statelab.diagnosis.script import (
    boundary_probes,
    data_probes,
    lane_probes,
    prediction_probes,
    reset_probes,
    transitions,
)
from statelab.diagnosis.script.transitions import Script
from statelab.errors import UserError

PROBES: dict[str, Callable[[Script], Finding]] = {
    probe.__name__: probe
    for probe in (
        lane_probes.shuffle,
        lane_probes.contiguity,
        boundary_probes.boundary,
        reset_probes.callback,
        reset_probes.nested,
        boundary_probes.validation_state,
        boundary_probes.training_state,
        data_probes.overlap,
        data_probes.scaling,
        prediction_probes.order,
        prediction_probes.batch_size,
        prediction_probes.saved_state,
        data_probes.ceiling,
    )
}


def findings(script: Path, arguments: Sequence[str] = ()) -> Iterator[Finding]:
    """Run a training script, and yield what each probe finds in what was recorded.

    Args:
        script: a Python file that trains with Keras.
        arguments: of its command line.

    Yields:
        One for each of `findings.QUESTIONS`, in that order.

    Raises:
        UserError: if the script does not run to its end, or feeds no Keras model.
    """
    recording = runner.record(script, arguments)
    if not recording.batches:
        raise UserError(
            f"{script}: must train a Keras model, or predict with it. "
            "Received: no batch was fed"
        )
    derived = transitions.derive(recording)
    for name in QUESTIONS:
        yield PROBES[name](derived)
