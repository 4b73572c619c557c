"""Model cards: what a trained network is, how well it does, and where that ends."""

from collections.abc import Mapping

from statelab.baselines import naive
from statelab.evaluation.statistics import Interval
from statelab.formatting import count_of, in_steps, listed, number, step_range
from statelab.networks.scores import of_columns
from statelab.report.model_facts import ModelFacts, data_name


def card(facts: ModelFacts) -> str:
    """Describe one trained network in Markdown; the text ends with a line break."""
    parts = {
        "Data": _data(facts),
        "Samples and state": _samples(facts),
        "Network": _network(facts),
        "Scores": _scores(facts),
        "Limits": "\n".join(f"- {limit}" for limit in _limits(facts)),
        "Use": _use(facts),
    }
    name = data_name(facts.generate)
    title = f"# {facts.mode} {facts.architecture.cell}, {name}"
    sections = [f"## {heading}\n\n{text}" for heading, text in parts.items()]
    return "\n\n".join([title, _summary(facts), *sections]) + "\n"


def _summary(facts: ModelFacts) -> str:
    carried = (
        "state was carried from each sample to the next one of its sequence"
        if facts.training.stateful
        else "each sample began with a state of zeros"
    )
    return f"It predicts {_prediction(facts)}. In training, {carried}."


def _prediction(facts: ModelFacts) -> str:
    where = "at each time step"
    if facts.window.layout == "subsampled":
        where = f"at the last time step of a window of {facts.window.window_length}"
    if facts.architecture.head == "regression":
        if facts.change is not None:
            return f"a change of a value, as below, {where}"
        return f"a value, in the units of the data, {where}"
    if facts.architecture.head == "multiclass":
        return f"the probability of each class, in the order below, {where}"
    return f"the probability of class {_class_names(facts)[1]} {where}"


def _class_names(facts: ModelFacts) -> list[str]:
    classes = (facts.names or {}).get("classes")
    return [
        _code(name) for name in classes or range(max(facts.architecture.outputs, 2))
    ]


# --- sections -------------------------------------------------------------------------


def _data(facts: ModelFacts) -> str:
    generate, counts = facts.generate, facts.counts
    of_classes, in_time = facts.main_score == "accuracy", facts.window.split == "time"
    source = f"the file {_code(data_name(generate))}"
    if generate.source == "task":
        source = f"the generated task {_code(generate.task)}, seed {facts.seed}"
    splits = ", ".join(f"{n:,} {name}" for name, n in counts.sequences.items() if n)
    features = f"{facts.architecture.features}, unnamed"
    if facts.names is not None:
        features = listed(_code(name) for name in facts.names["features"])
    return _bullets(
        {
            "Source": source,
            "Parts of sequences" if in_time else "Sequences": (
                f"{splits}; {step_range(*counts.length)} in each of train, "
                f"{counts.steps:,} in all"
            ),
            "Features": features,
            "Classes" if of_classes else "Target": (
                listed(_class_names(facts)) if of_classes else _target(facts)
            ),
            **_changes(facts),
            "Label": {
                "each_step": "each step that has one",
                "end": "the last step of each sequence",
            }[generate.label],
            "Split": {
                "sequence": "each sequence is in one, drawn with seed "
                f"{facts.seed}" + ", classes in proportion" * of_classes,
                "time": "the first steps of each sequence train, and its last ones "
                "test",
                "given": "each sequence is in the one that the file says",
            }[facts.window.split],
            "Scaling": "features"
            + " and values" * (not of_classes)
            + ", by mean and standard deviation on train; it is a part of the model"
            if _scaled(facts)
            else "none",
        }
    )


def _target(facts: ModelFacts) -> str:
    forecast = (facts.names or {}).get("forecast")
    if facts.names is None or not forecast:
        return "a value"
    feature = _code(facts.names["features"][forecast["feature"]])
    return f"the value of {feature}, {in_steps(forecast['horizon'])} ahead"


def _changes(facts: ModelFacts) -> dict[str, str]:
    """Say which changes a network takes and gives, if it does."""
    change = facts.change
    if change is None:
        return {}
    assert facts.names is not None
    feature = _code(facts.names["features"][change.feature])
    logarithm = "the logarithm of " * (change.kind == "log_difference")
    taken = f"{logarithm}{feature} minus that of {in_steps(change.back)} before"
    base = "of the step itself"
    if change.base_back:
        base = f"of {in_steps(change.base_back)} before, or else {base}"
    given = "add it to the value"
    if change.kind == "log_difference":
        given = "multiply its exponential by the value"
    return {
        "Changes": f"it takes {taken}, 0 where a sequence has none, and predicts a "
        f"change: {given} {base}. `statelab predict` does both, and scores are of "
        "values"
    }


def _scaled(facts: ModelFacts) -> bool:
    scaling, of_file = facts.window.scaling, facts.generate.source != "task"
    return scaling == "standard" or (scaling == "auto" and of_file)


def _samples(facts: ModelFacts) -> str:
    window, training = facts.window, facts.training
    shortest, longest = facts.counts.sample
    sample = {
        "full": "a whole sequence",
        "per_timestep": f"a segment of {in_steps(window.segment_length)}",
        "subsampled": f"a window of {in_steps(window.window_length)}, "
        f"{in_steps(window.stride)} after the one before",
    }[window.layout]
    gradient_window, every = training.gradient_window or longest, training.reset.every
    if every is None:
        unit = "window" if window.layout == "subsampled" else "step"
        lookback, reset = {
            "sample": (
                f"at most {in_steps(longest)}: those of its sample up to its own",
                "each sample",
            ),
            "sequence": (f"each {unit} of its sequence up to its own", "each sequence"),
            "never": (f"each {unit} before it, of other sequences too", "each epoch"),
        }[training.reset]
    else:
        lookback = f"at most {in_steps(every)}"
        reset = f"each sequence, and each {in_steps(every)}"
    if training.batching == "contiguous":
        lookback = "what its lane has read since state was last zero, in naive batches"
    return _bullets(
        {
            "Layout": f"{_code(window.layout)}: a sample is {sample}",
            "Lookback": lookback,
            "Update interval": f"{step_range(shortest, longest)} of each lane, in "
            f"batches of {training.batch_size}",
            "Gradient window": f"at most {in_steps(gradient_window)}",
            "Reset interval": f"state is zero at {reset}",
        }
    )


def _network(facts: ModelFacts) -> str:
    network, training = facts.architecture, facts.training
    return _bullets(
        {
            "Layers": f"{count_of(network.layers, f'{network.cell} layer')} of "
            f"{network.units} units, and a dense one of {network.outputs}",
            "Parameters": f"{network.parameters:,}",
            "State": f"{network.state_width} numbers",
            "Variant": f"{facts.variant}, the best of those that were trained",
            "Training": f"{training.epochs} epochs, {training.optimizer}, learning "
            f"rate {training.learning_rate:g} ({training.schedule})",
            "Seed": f"{facts.seed + facts.network}; this is network {facts.network} of "
            f"{training.seeds}, counted from 0, which differ by their seed alone",
        }
    )


def _scores(facts: ModelFacts) -> str:
    main, scores = facts.main_score, facts.scores.scores
    bounds: dict[str, Mapping[str, float | None]] = {
        naive.CONSTANT[main] if name == "constant" else naive.NAMES[name]: by
        for name, by in facts.scores.baselines.items()
    }
    bounded = any(best is not None for best in facts.scores.ceiling.values())
    if bounded:
        bounds = {"ceiling": facts.scores.ceiling, **bounds}
    mean = f"mean of {scores[main].n}"
    headings = ["score", "this network", mean, "95 % interval", *bounds]
    rows = [headings, ["---"] + ["--:"] * (len(headings) - 1)]
    rows += [
        [
            name,
            number(facts.own[name]),
            number(score.mean),
            _interval(score),
            *(number(by.get(name)) for by in bounds.values()),
        ]
        for name, score in scores.items()
        if "running" not in name
    ]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    ceiling = (
        " The ceiling is the best that any model could reach from the inputs that it "
        "sees."
    )
    final = (
        f" `final_{main}` is of the last step of each sequence that has a target; the "
        "other scores are of every prediction."
    )
    return (
        f"{lines}\n\nScores are on the test split, but for `train_{main}`."
        f"{final * (f'final_{main}' in scores)}{ceiling * bounded}"
    )


def _interval(score: Interval) -> str:
    if score.low is None:
        return "–"
    return f"{number(score.low)} to {number(score.high)}"


def _use(facts: ModelFacts) -> str:
    network, stateful = facts.architecture, facts.training.stateful
    windowed = facts.window.layout == "subsampled"
    shortest, longest = facts.counts.sample
    fixed = (windowed or not stateful) and shortest == longest
    steps = longest if fixed else "timesteps"
    x = f"# float32 [batch, {steps}, {network.features}], features in the order above"
    shape = f"[batch, {network.outputs}]"
    if not windowed:
        shape = f"[batch, {steps}, {network.outputs}]"
    lines = [
        'model = mlflow.pyfunc.load_model("runs:/RUN_ID/model")',
        f"output = model.predict(x)  {x}",
        f'output["answers"]{"[:, -1]" * windowed}  # {shape}',
    ]
    if stateful:
        lines += [
            'params = {"state": output["state"].ravel()}',
            "output = model.predict(x_next, params=params)  # goes on from there",
        ]
    after = "Ignore the `state` that `predict` returns."
    if stateful:
        after = "Give it whole sequences, or pieces of any length."
    if stateful and windowed:
        after = (
            f"Each `x` is a window of {facts.window.window_length} steps, and `x_next` "
            f"the one that begins {in_steps(facts.window.stride)} later, as in "
            "training."
        )
    code = "\n".join(lines)
    held = (
        f"MLflow holds this network:\n\n```python\n{code}\n```\n\n{after}\n\n"
        if facts.network == 0
        else "MLflow holds network 0, not this one. "
    )
    return (
        f"{held}`statelab export {facts.mode} --network {facts.network}` writes it as "
        "two Keras models, which predict the last step of their input: "
        f"`{facts.mode}-stateless.keras` begins with a state of zeros, "
        f"`{facts.mode}-stateful.keras` with the state that the last call left, until "
        "you call `reset_state` of its layers."
    )


# --- limits ---------------------------------------------------------------------------


def _limits(facts: ModelFacts) -> list[str]:
    return [
        *_limits_of_scores(facts),
        *_limits_of_state(facts),
        *_limits_of_input(facts),
    ]


def _limits_of_scores(facts: ModelFacts) -> list[str]:
    limits = []
    main, test = facts.main_score, facts.counts.sequences["test"]
    own, baseline = facts.own[main], facts.scores.baselines["constant"][main]
    sign = of_columns([main]).main.sign
    if sign * own <= sign * baseline:
        limits.append(
            f"Its {main} on test, {number(own)}, is no better than that of a constant "
            f"prediction, {number(baseline)}."
        )
    if facts.generate.source == "task":
        limits.append("Its scores are of a generated task, and say nothing of others.")
    else:
        limits.append(
            f"Its scores are of the test split of {_code(data_name(facts.generate))}, "
            f"{test:,} sequences, and of no other data."
        )
    if not facts.counts.sequences["validation"]:
        limits.append(
            "There was no validation split: if settings were chosen by these scores, "
            "they are too good."
        )
    if facts.scores.scores[main].n == 1:
        limits.append("One network was trained: how much seeds differ is not known.")
    return limits


def _limits_of_state(facts: ModelFacts) -> list[str]:
    limits = []
    training = facts.training
    if training.reset == "sequence":
        limits.append("A sequence must begin with a state of zeros.")
    elif training.reset == "never":
        limits.append(
            "In training, state was never reset, and was carried from a sequence into "
            "the next. Only each epoch began with a state of zeros."
        )
    elif training.reset.every is not None:
        limits.append(
            f"State was reset every {training.reset.every} steps of a sequence. "
            "Predictions from an older state are untested."
        )
    if training.batching == "contiguous":
        limits.append(
            "Its batches were naive (`batching: contiguous`): it has learned which "
            "samples shared a lane, and its scores rest on that."
        )
    shortest, longest = facts.counts.sample
    if not training.stateful and shortest == longest:
        limits.append(
            f"It takes exactly {in_steps(longest)} at a time, and no state: it was "
            "trained from zeros alone."
        )
    elif training.stateful:
        longest_sequence = facts.counts.length[1]
        limits.append(
            f"It was trained on no sequence of more than {in_steps(longest_sequence)}."
        )
    else:
        limits.append(
            f"It was trained on no sample of more than {in_steps(longest)}, and from "
            "a state of zeros alone."
        )
    return limits


def _limits_of_input(facts: ModelFacts) -> list[str]:
    limits = []
    generate, window, burn_in = facts.generate, facts.window, facts.training.burn_in
    if window.split == "time":
        limits.append(
            "The test steps of a sequence follow its train steps, but were predicted "
            "from a state of zeros: given the whole sequence, it may do better."
        )
    if generate.label == "end" and window.layout != "subsampled":
        limits.append(
            "Only the last step of a sequence had a target: predictions at other steps "
            "are untested."
        )
    if burn_in:
        limits.append(
            f"The first {in_steps(burn_in)} of a sequence did not count in its loss, "
            "but do in its scores."
        )
    if generate.missing == "fill" and generate.source in ("csv", "parquet"):
        limits.append(
            "Missing values of a feature were filled with the value before: fill them "
            "in the same way."
        )
    return limits


# --- Markdown -------------------------------------------------------------------------


def _bullets(lines: Mapping[str, str]) -> str:
    return "\n".join(f"- **{name}**: {text}." for name, text in lines.items())


def _code(text: object) -> str:
    r"""Return a name as code, whatever is in it.

    Example:
        >>> print(_code("heat\n`C"))
        `heat 'C`
    """
    return f"`{' '.join(str(text).split()).replace('`', chr(39))}`"
