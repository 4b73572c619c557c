"""Model cards: what a trained network is, how well it does, and where that ends."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from statelab.data.sequences import SPLITS, Sequences
from statelab.formatting import count_of, in_steps, listed, number, step_range
from statelab.networks.architecture import Architecture
from statelab.samples.windows import Windows, sample_lengths, sequences_in_split

NAIVE = {"persistence": "persistence", "seasonal_naive": "season before"}


class Counts(NamedTuple):
    """How much there was to learn from."""

    sequences: dict[str, int]  # of each split, with `window.split: time` parts of them
    steps: int  # of all of them
    length: tuple[int, int]  # of a sequence that trains: the shortest, the longest
    sample: tuple[int, int]  # steps of a sample: of the shortest, of the longest


def count(sequences: Sequences, windows: Windows) -> Counts:
    """Count what the windows stage has cut.

    Args:
        sequences: the steps.
        windows: how they are cut, and their split.
    """
    chosen = {name: sequences_in_split(windows, code) for name, code in SPLITS.items()}
    lengths = (windows.stop - windows.first)[chosen["train"]]
    return Counts(
        sequences={name: len(each) for name, each in chosen.items()},
        steps=len(sequences.values),
        length=(int(lengths.min()), int(lengths.max())),
        sample=sample_lengths(windows),
    )


def card(
    mode: str,
    *,
    params: Mapping[str, Any],
    architecture: Mapping[str, Any],
    counts: Counts,
    scores: Mapping[str, Any],
    own: Mapping[str, float],
    names: Mapping[str, Any] | None = None,
    network: int = 0,
) -> str:
    """Say in Markdown what one trained network is.

    Args:
        mode: `stateless` or `stateful`.
        params: what params.yaml said when it was trained: `seed`, `generate`, `window`,
            `model` and `train_<mode>`.
        architecture: of the model, as `saving.write` was given it.
        counts: by `count`.
        scores: of its mode, as in metrics/evaluate.json.
        own: this network's scores, by the same names.
        names: what names.json says of a file's columns; None of a generated task.
        network: which one of the mode's networks, counted from 0.

    Returns:
        A page that ends with a line break.
    """
    training = params[f"train_{mode}"]
    told = _Told(
        mode, params, training, architecture, counts, scores, own, names, network
    )
    parts = {
        "What it has learnt from": _data(told),
        "What an answer may depend on": _lengths(told),
        "The network": _network(told),
        "Scores": _scores(told),
        "Limits": _limits(told),
        "How to call it": _calls(told),
    }
    title = f"# {mode} {architecture['cell']}, {dataset(params['generate'])}"
    sections = [f"## {heading}\n\n{text}" for heading, text in parts.items()]
    return "\n\n".join([title, _summary(told), *sections]) + "\n"


class _Told(NamedTuple):
    mode: str
    params: Mapping[str, Any]
    training: Mapping[str, Any]
    architecture: Mapping[str, Any]
    counts: Counts
    scores: Mapping[str, Any]
    own: Mapping[str, float]
    names: Mapping[str, Any] | None
    network: int

    @property
    def stateful(self) -> bool:
        return self.mode == "stateful"

    @property
    def head(self) -> str:
        return self.architecture["head"]

    @property
    def main(self) -> str:
        return "rmse" if self.head == "regression" else "accuracy"

    @property
    def layout(self) -> str:
        return self.params["window"]["layout"]

    @property
    def reset(self) -> str:
        return self.training["reset"] if self.stateful else "sample"


def _summary(told: _Told) -> str:
    carried = (
        "state was carried from each sample to the next one of its sequence"
        if told.stateful
        else "each sample began with a state of zeros"
    )
    return f"It answers {_answer(told)}. While it was trained, {carried}."


def _answer(told: _Told) -> str:
    at = (
        f"at the last step of a window of {told.params['window']['window_length']}"
        if told.layout == "subsampled"
        else "at each step"
    )
    if told.head == "regression":
        return f"with a value, in the units of the data, {at}"
    if told.head == "multiclass":
        return f"with the probability of each class, in the order below, {at}"
    return f"with the probability of class {_class_names(told)[1]} {at}"


def _class_names(told: _Told) -> list[str]:
    if told.names is not None and told.names["classes"]:
        return [_name(each) for each in told.names["classes"]]
    return [_name(k) for k in range(max(told.architecture["outputs"], 2))]


def _data(told: _Told) -> str:
    made, window, counts = told.params["generate"], told.params["window"], told.counts
    of_classes = told.head != "regression"
    names = told.names and [_name(each) for each in told.names["features"]]
    features = listed(names) if names else f"{told.architecture['features']}, unnamed"
    if made["source"] == "task":
        source = f"the generated task {_name(made['task'])}, seed {told.params['seed']}"
    else:
        source = f"the file {_name(dataset(made))}"
    in_time = window["split"] == "time"
    lines = {
        "Data": source,
        "Parts of sequences" if in_time else "Sequences": ", ".join(
            f"{n:,} {name}" for name, n in counts.sequences.items() if n
        )
        + f"; {step_range(*counts.length)} in each that trains, "
        f"{counts.steps:,} in all",
        "Features": features,
        "Classes" if of_classes else "Target": (
            listed(_class_names(told)) if of_classes else _target(told)
        ),
        "Label": {
            "each_step": "each step that has one",
            "end": "the last step of each sequence",
        }[made["label"]],
        "Split": {
            "sequence": "each sequence is in one, drawn with seed "
            f"{told.params['seed']}" + ", classes in proportion" * of_classes,
            "time": "the first steps of each sequence train, and its last ones test",
        }[window["split"]],
        "Scaling": "features"
        + " and values" * (not of_classes)
        + ", by mean and standard deviation on train; it is a part of the model"
        if _scaled(told)
        else "none",
    }
    return _bullets(lines)


def _target(told: _Told) -> str:
    forecast = told.names and told.names["forecast"]
    if not forecast:
        return "a value"
    feature = _name(told.names["features"][forecast["feature"]])  # pyright: ignore
    return f"the value of {feature}, {in_steps(forecast['horizon'])} ahead"


def _scaled(told: _Told) -> bool:
    scaling, source = told.params["window"]["scaling"], told.params["generate"]
    return scaling == "standard" or (scaling == "auto" and source["source"] != "task")


def _lengths(told: _Told) -> str:
    window = told.params["window"]
    shortest, longest = told.counts.sample
    unit = "window" if told.layout == "subsampled" else "step"
    sample = {
        "full": "a whole sequence",
        "per_timestep": f"a segment of {in_steps(window['segment_length'])}",
        "subsampled": f"a window of {in_steps(window['window_length'])}, "
        f"{in_steps(window['stride'])} after the one before",
    }[told.layout]
    seen = {
        "sample": f"at most {in_steps(longest)}: those of its sample up to its own",
        "sequence": f"each {unit} of its sequence up to its own",
        "never": f"each {unit} before it, of other sequences too",
    }.get(told.reset, f"at most {told.reset.removeprefix('every_')} steps")
    if told.training.get("batching") == "contiguous":
        seen = "what its lane has read since state was last zero, in naive batches"
    reach = told.training.get("gradient_window") or longest
    interval = {
        "sample": "each sample",
        "sequence": "each sequence",
        "never": "each epoch",
    }.get(
        told.reset, f"each sequence, and each {told.reset.removeprefix('every_')} steps"
    )
    lines = {
        "Layout": f"{_name(told.layout)}: a sample is {sample}",
        "Lookback": seen,
        "Update interval": f"{step_range(shortest, longest)} of each lane, in batches "
        f"of {told.training['batch_size']}",
        "Gradient window": f"{in_steps(reach)} back at most",
        "Reset interval": f"state is zero at {interval}",
    }
    return _bullets(lines)


def _network(told: _Told) -> str:
    architecture, training = told.architecture, told.training
    seed = told.params["seed"]
    width = Architecture(**architecture).state_width
    layer = f"{architecture['cell']} layer"
    lines = {
        "Layers": f"{count_of(architecture['layers'], layer)} "
        f"of {architecture['units']} units, and a dense one of "
        f"{architecture['outputs']}",
        "Parameters": f"{Architecture(**architecture).parameters:,}",
        "State": f"{width} numbers",
        "Training": f"{training['epochs']} epochs, {training['optimizer']}, learning "
        f"rate {training['learning_rate']:g} ({training['schedule']})",
        "Seed": f"{seed + told.network}; it is network {told.network} of "
        f"{training['seeds']}, counted from 0, which differ by their seed alone",
    }
    return _bullets(lines)


def _scores(told: _Told) -> str:
    ceilings, scores = told.scores["ceiling"], told.scores
    baseline = "mean of train" if told.head == "regression" else "most frequent class"
    naive = {key: name for key, name in NAIVE.items() if key in scores}
    shown = [
        name
        for name, score in scores.items()
        if isinstance(score, Mapping) and "mean" in score and "running" not in name
    ]
    bounded = any(best is not None for best in ceilings.values())
    headings = [
        "score",
        "this network",
        f"mean of {scores[told.main]['n']}",
        "95 % interval",
        *["ceiling"] * bounded,
        baseline,
        *naive.values(),
    ]
    rows = [headings, ["---"] + ["--:"] * (len(headings) - 1)]
    for name in shown:
        score = scores[name]
        spread = "–"
        if score["low"] is not None:
            spread = f"{number(score['low'])} to {number(score['high'])}"
        beside = [*[ceilings] * bounded, scores["baseline"], *map(scores.get, naive)]
        rows.append(
            [
                name,
                number(told.own[name]),
                number(score["mean"]),
                spread,
                *(number(each.get(name)) for each in beside),
            ]
        )
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    ceiling = " No model can be above the ceiling from what it may see." * bounded
    return (
        f"{lines}\n\nOn the test sequences, `train_{told.main}` excepted. `final_"
        f"{told.main}` is of the last step of each that has a target, the others are "
        f"of every answer.{ceiling}"
    )


def _limits(told: _Told) -> str:
    window, made, training = (
        told.params["window"],
        told.params["generate"],
        told.training,
    )
    (shortest, longest), (_, longest_sequence) = told.counts.sample, told.counts.length
    limits = []
    own, baseline = told.own[told.main], told.scores["baseline"][told.main]
    if own >= baseline if told.main == "rmse" else own <= baseline:
        limits.append(
            f"On test its {told.main} is no better than without a model: "
            f"{number(own)}, and {number(baseline)}."
        )
    if made["source"] == "task":
        limits.append("Its scores are of a generated task, and say nothing of others.")
    else:
        limits.append(
            f"Its scores are of the test split of {_name(dataset(made))}, "
            f"{told.counts.sequences['test']:,} sequences, and of no other data."
        )
    if not told.counts.sequences["validation"]:
        limits.append(
            "There was no validation split: settings that were chosen by these scores "
            "are flattered by them."
        )
    if told.scores[told.main]["n"] == 1:
        limits.append("One network was trained: how much seeds differ is not known.")
    if told.reset == "sequence":
        limits.append("A sequence must begin with a state of zeros.")
    elif told.reset == "never":
        limits.append(
            "In training state was never reset, and went on from a sequence into the "
            "next; from a state of zeros it has only begun an epoch."
        )
    elif told.stateful:
        steps = told.reset.removeprefix("every_")
        limits.append(
            f"State was set to zeros every {steps} steps of a sequence: how it answers "
            "from a state that is older is untested."
        )
    if told.stateful and training["batching"] == "contiguous":
        limits.append(
            "Its batches were naive (`batching: contiguous`): which samples shared a "
            "lane is a part of what it has learnt, and of its scores."
        )
    if not told.stateful and shortest == longest:
        limits.append(
            f"It must be given {in_steps(longest)} at a time, no more and no fewer, "
            "and no state: it has never seen one but zeros."
        )
    elif told.stateful:
        limits.append(
            f"It was trained on no sequence of more than {in_steps(longest_sequence)}."
        )
    else:
        limits.append(
            f"It was trained on no sample of more than {in_steps(longest)}, and from "
            "no state but zeros."
        )
    if window["split"] == "time":
        limits.append(
            "The test steps of a sequence follow its train steps, and begin with a "
            "state of zeros all the same: given the whole, it may do better."
        )
    if made["label"] == "end" and told.layout != "subsampled":
        limits.append(
            "The last step of a sequence alone had a target: what it answers at others "
            "is untested."
        )
    if training.get("burn_in"):
        limits.append(
            f"The first {in_steps(training['burn_in'])} of a sequence did not count in "
            "its loss, but do in its scores."
        )
    if made["missing"] == "fill" and made["source"] in ("csv", "parquet"):
        limits.append(
            "Where a feature had no value, it was given the one before: give it the "
            "same."
        )
    return "\n".join(f"- {limit}" for limit in limits)


def _calls(told: _Told) -> str:
    features = told.architecture["features"]
    window = told.params["window"]
    shortest, longest = told.counts.sample
    fixed = told.layout == "subsampled" or not told.stateful
    steps = longest if fixed and shortest == longest else "timesteps"
    x = f"# float32 [batch, {steps}, {features}], features in the order above"
    outputs = told.architecture["outputs"]
    lines = [
        'model = mlflow.pyfunc.load_model("runs:/RUN_ID/model")',
        f"said = model.predict(x)  {x}",
    ]
    if told.layout == "subsampled":
        lines.append(f'said["answers"][:, -1]  # [batch, {outputs}]')
    else:
        lines.append(f'said["answers"]  # [batch, {steps}, {outputs}]')
    if told.stateful:
        lines.append('more = {"state": said["state"].ravel()}')
        lines.append("said = model.predict(x_next, params=more)  # goes on from there")
    if told.stateful and told.layout == "subsampled":
        after = (
            f"Each `x` is a window of {window['window_length']} steps, and `x_next` the"
            f" one that begins {in_steps(window['stride'])} later, as in training."
        )
    elif told.stateful:
        after = "Sequences may be fed in pieces of any lengths, or whole."
    else:
        after = "What `predict` returns as `state` is of no use to it."
    code = "\n".join(lines)
    held = (
        f"MLflow holds this network:\n\n```python\n{code}\n```\n\n{after}\n\n"
        if told.network == 0
        else "MLflow holds network 0, not this one. "
    )
    return (
        f"{held}`statelab export {told.mode} --network {told.network}` writes it as "
        "two Keras models that answer at the last step that they are given: "
        f"`{told.mode}-stateless.keras` from zeros, and `{told.mode}-stateful.keras` "
        "from where the call before has ended, until `reset_state` of its layers is "
        "called."
    )


def dataset(made: Mapping[str, Any]) -> str:
    """Return what sequences are called: a task, or the name of a file.

    Args:
        made: the section `generate` of params.yaml.
    """
    if made["source"] == "task":
        return made["task"]
    return made["path"].rstrip("/").rpartition("/")[2]


def _bullets(lines: Mapping[str, str]) -> str:
    return "\n".join(f"- **{name}**: {text}." for name, text in lines.items())


def _name(text: object) -> str:
    r"""Return a name as code, whatever is in it.

    Example:
        >>> print(_name("heat\n`C"))
        `heat 'C`
    """
    return f"`{' '.join(str(text).split()).replace('`', chr(39))}`"
