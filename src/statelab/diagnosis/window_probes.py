"""Probes: what windows and a scaling show of how the data were split.

Here it is known which step is which; `split_probes` has their values alone.
"""

import numpy as np

from statelab.data.sequences import SPLITS, Sequences
from statelab.diagnosis.findings import Finding, fails, sound
from statelab.samples import scaling
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows


def overlap(offsets: np.ndarray, windows: Windows, horizon: int) -> Finding:
    """Look for steps, and targets some steps ahead, that two splits share.

    Args:
        offsets: where the sequences of the data begin and end, [sequences + 1].
        windows: their parts, each in one split.
        horizon: steps ahead of which targets are.
    """
    used = np.flatnonzero((windows.split >= 0) & (np.diff(windows.samples) > 0))
    used = used[np.argsort(windows.first[used], kind="stable")]
    first, stop, split = (
        np.asarray(field)[used]
        for field in (windows.first, windows.stop, windows.split)
    )
    sequence = np.searchsorted(offsets, first, side="right") - 1
    goes_on = sequence == np.append(sequence[1:], -1)
    target_stop = stop + np.where(goes_on, horizon, 0)
    wrong = (target_stop[:-1] > first[1:]) & (split[:-1] != split[1:])
    if not wrong.any():
        where = f"{len(used):,} stretches of steps, and their targets, lie apart"
        return sound("overlap", where)
    place = int(wrong.argmax())
    names = {code: name for name, code in SPLITS.items()}
    one, other = names[int(split[place])], names[int(split[place + 1])]
    return fails(
        "overlap",
        f"sequence {sequence[place]}: {one} reaches to flat step "
        f"{target_stop[place] - 1}, its targets included, and {other} begins at "
        f"{first[place + 1]}",
        "split sequences, or time, before they are cut, `generate.horizon` steps apart",
    )


def fitted_scaling(data: Sequences, windows: Windows, used: Scaling | None) -> Finding:
    """Compare a scaling with that of the steps of training alone.

    Args:
        data: the steps.
        windows: their split.
        used: what networks were trained with; None for none.
    """
    if used is None:
        return sound("scaling", "features are not scaled")
    own = scaling.fit(data, windows)
    for name, values in used._asdict().items():
        expected = getattr(own, name)
        differs = ~np.isclose(values, expected, rtol=1e-5, atol=1e-6)
        if differs.any():
            feature = int(differs.argmax())
            return fails(
                "scaling",
                f"`{name}` of feature {feature} is {values[feature]:.6g}; that of the "
                f"steps of training alone is {expected[feature]:.6g}",
                "fit the scaling on training alone: run `dvc repro` to have it so",
            )
    return sound("scaling", "fitted on the steps of training alone")
