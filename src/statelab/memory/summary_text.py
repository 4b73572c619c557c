"""The memory of trained networks in words."""

from collections.abc import Mapping
from typing import Any

from statelab.formatting import in_steps, number


def in_words(summary: Mapping[str, Any]) -> dict[str, str]:
    """Say in a sentence each how long the memory of a mode is, and what a burn-in does.

    Args:
        summary: by mode `summary.of_mode`, and as `warm_up` `summary.of_warm_up`; or
            `not_measured`, the reason.
    """
    if "not_measured" in summary:
        return {"not_measured": f"memory is not measured: {summary['not_measured']}"}
    sentences = {
        mode: f"{mode} networks {_memory(summary[mode]['change'])}"
        for mode in ("stateless", "stateful")
    }
    return {**sentences, "warm_up": _warm_up(summary["warm_up"])}


def _memory(change: Mapping[str, Any]) -> str:
    if change["memory"] is None:
        return "predict the same whatever they have read"
    text = f"look back {in_steps(change['memory'])}"
    if change["shortest"] < change["longest"]:
        text += f" (single ones {change['shortest']} to {change['longest']})"
    if change["peak"] != change["memory"]:
        text += f"; they depend most on the input {in_steps(change['peak'])} back"
    largest = f"by {number(change['largest'])} on average"
    return f"{text}: another value there changes their predictions {largest}"


def _warm_up(warm_up: Mapping[str, Any]) -> str:
    score = warm_up["score"]
    carried = number(warm_up["carried"]["mean"])
    if warm_up["zero_state"] is None:
        return (
            "no burn-in was tried: samples were put into lanes in naive order, or are "
            f"very long. Carried state has {score} {carried}"
        )
    zeros = number(warm_up["zero_state"]["mean"])
    if not warm_up["burn_in"]:
        return (
            "no burn-in was tried: no sample of a test sequence has more than a step "
            f"before it. A state of zeros has {score} {zeros}, carried state {carried}"
        )
    longest, last = list(warm_up["burn_in"].items())[-1]
    match warm_up["as_good_as_carrying"]:
        case None:
            as_good = "no burn-in that was tried is as good as carrying"
        case 0:
            as_good = "a state of zeros is as good as carrying"
        case steps:
            as_good = f"a burn-in of {in_steps(steps)} is as good as carrying"
    return (
        f"stateful networks by what their state begins with, {score}: a state of zeros "
        f"{zeros}, a burn-in of {in_steps(int(longest))} {number(last['mean'])}, "
        f"carried state {carried}; {as_good}"
    )
