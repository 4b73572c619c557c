"""`statelab diagnose SCRIPT.py`: what a training script's run shows."""

from collections.abc import Iterator
from pathlib import Path

from statelab import findings as every
from statelab import recorded_probes, recording
from statelab.errors import UserError
from statelab.findings import Finding


def findings(script: Path) -> Iterator[Finding]:
    """Run a training script, and yield what each probe finds in what was recorded.

    Args:
        script: a Python file that trains with Keras.

    Yields:
        One for each of `findings.QUESTIONS`, in that order.

    Raises:
        UserError: if the script does not run to its end, or feeds no Keras model.
    """
    recorded = recording.run(script)
    if not recorded.batches:
        raise UserError(
            f"{script}: must train or ask a Keras model. Received: no batch was fed"
        )
    read = recorded_probes.read(recorded)
    for name in every.QUESTIONS:
        yield recorded_probes.PROBES[name](read)
