"""Verdicts on scores made by hand, and on tasks whose verdict is known."""

import numpy as np
import project_params
import pytest
from small_trainings import training

from statelab.data import tasks
from statelab.evaluation import (
    comparison,
    paired_test,
    scoring,
    selection,
    verdict,
    verdict_text,
)
from statelab.evaluation.comparison import BaselineScore, Candidate, Comparison
from statelab.networks.scores import ACCURACY, RMSE
from statelab.pipeline import command
from statelab.pipeline.progress import Silent
from statelab.samples import splitting
from statelab.samples.windows import rewindow
from statelab.studies.post import POST

with command.quiet_import():
    from statelab.training import trainer

SPREAD = np.linspace(-0.02, 0.02, 10)  # over ten seeds


STEPS = 90  # of test, in 30 sequences


def errors_of(mean, score=ACCURACY):
    """The same error at each step: of classes a share, of values a square."""
    return np.full(STEPS, 1 - mean if score is ACCURACY else mean**2)


def candidate(mode, mean, variant="in use", validation=0.5, spread=SPREAD, **more):
    usual = {
        "timesteps": 4,
        "gradient_window": 4,
        "chosen": variant == "in use",
        "learning_rate": 0.01,
        "updates": 60,
        "labelled_steps": 120,
        "late_gain": 0.0,
        "ceiling": None,
        "errors": errors_of(mean, more.pop("score", ACCURACY)),
    }
    return Candidate(
        mode,
        variant,
        validation=np.full(10, validation),
        test=mean + spread,
        **(usual | more),
    )


def comparison_of(*candidates, baseline=0.5, score=ACCURACY, **more):
    usual = {"horizon": 1, "target_gap": 1, "longest_sequence": 4, "simple": []}
    usual |= {"sequence": np.repeat(np.arange(30), 3), "step": np.arange(STEPS)}
    usual |= {"by_split": np.zeros(1), "test_share": 0.25}
    return Comparison(
        **(usual | {"candidates": list(candidates)} | more),
        score=score,
        baseline=baseline,
        baseline_errors=errors_of(baseline, score),
    )


def kind_of(*candidates, margin=0.01, **more):
    judged = verdict.judge(comparison_of(*candidates, **more), margin)
    return judged.kind, judged.cause


def words(compared, margin=0.01):
    judged = verdict.judge(compared, margin)
    return verdict_text.sentence(compared, judged), verdict_text.facts(compared, judged)


def test_state_is_needed_where_it_is_better_by_more_than_the_margin():
    better = candidate("stateless", 0.6), candidate("stateful", 0.9, spread=-SPREAD)
    assert kind_of(*better) == ("state_needed", None)
    assert kind_of(*better, margin=0.4, baseline=0.1)[0] == "window_suffices"


def test_state_helps_where_only_shorter_windows_were_trained():
    better = candidate("stateless", 0.6), candidate("stateful", 0.9)
    compared = comparison_of(*better, longest_sequence=9)
    sentence, facts = words(compared)
    assert sentence == (
        "State helps against windows of up to 4 steps: accuracy 0.9000 with it, 0.6000 "
        "without. A longer window may do as well."
    )
    assert facts["Next step"].startswith("a sequence has up to 9 steps: try longer")
    whole = candidate("stateless", 0.5, "lookback 9", 0.4, timesteps=9)
    assert kind_of(*better, whole, longest_sequence=9)[0] == "state_needed"


@pytest.mark.parametrize("budget", ["updates", "labelled_steps"])
def test_no_verdict_where_one_mode_had_a_larger_budget(budget):
    """Air quality: a batch of 32 gave windows a 32nd of the updates."""
    few = candidate("stateless", 0.6, **{budget: 1000})
    for size, kind in ((1100, "state_needed"), (1101, "unequal_budgets")):
        more = candidate("stateful", 0.9, **{budget: size})
        assert kind_of(few, more)[0] == kind
        turned = more._replace(mode="stateless"), few._replace(mode="stateful")
        assert kind_of(*turned)[0] == ("window_suffices" if size == 1100 else kind)
    blind = few._replace(test=0.5 + SPREAD, errors=errors_of(0.5), ceiling=0.5)
    assert kind_of(blind, blind._replace(mode="stateful", **{budget: 32000})) == (
        "neither_learns",
        "ceiling",
    )
    much = candidate("stateful", 0.9, **{budget: 32000})
    sentence, facts = words(comparison_of(few, much))
    assert sentence.startswith("No verdict: the comparison is not fair, as one mode")
    assert "32,000" in facts["Fair chance"] and "1,000" in facts["Fair chance"]
    assert not {"Seeds", "Test", "Noise", "Power"} & facts.keys()


@pytest.mark.parametrize("mode", ["stateless", "stateful"])
def test_no_verdict_where_a_training_had_not_come_to_its_end(mode):
    both = [candidate("stateless", 0.6), candidate("stateful", 0.9)]
    for gain, kind in ((0.01, "state_needed"), (0.011, "not_settled")):
        late = [one._replace(late_gain=gain * (one.mode == mode)) for one in both]
        assert kind_of(*late)[0] == kind
    sentence, facts = words(comparison_of(*late))
    assert verdict_text.MODES[mode] in sentence and sentence.count("state") == 1
    assert "gained at least 0.0110" in facts["Fair chance"]


def simple(name, test, validation=None, score=ACCURACY, **more):
    usual = {"detail": "", "errors": errors_of(test, score)}
    return BaselineScore(name, validation=validation, test=test, **(usual | more))


def test_no_word_of_state_where_a_simple_method_does_as_well():
    """A daily price: persistence has 2.61, networks 3.85 and 3.54."""
    networks = [
        candidate("stateless", 3.85, score=RMSE),
        candidate("stateful", 3.54, score=RMSE),
    ]
    methods = [
        simple("drift", 2.7, score=RMSE),
        simple("persistence", 2.61, score=RMSE),
    ]
    compared = comparison_of(*networks, score=RMSE, baseline=20.0, simple=methods)
    judged = verdict.judge(compared, 0.01)
    assert (judged.kind, judged.cause) == ("no_better_than", "persistence")
    sentence, facts = words(compared)
    assert sentence == (
        "These networks are no better than persistence: rmse 3.5400 with carried "
        "state, 2.6100 by the simple method. Nothing can be said of state."
    )
    assert facts["Simple methods"] == "persistence 2.6100, drift 2.7000"
    assert facts["Next step"].startswith("`window.target: difference`; other learning")
    assert "Seeds" not in facts
    of_changes = verdict_text.facts(compared, judged, "log_difference")
    assert of_changes["Next step"].startswith("other learning rates")
    linear = [simple("drift", 3.6, score=RMSE), simple("linear", 2.6, score=RMSE)]
    _, facts = words(comparison_of(*networks, score=RMSE, baseline=20.0, simple=linear))
    assert facts["Next step"].startswith("other learning rates")
    worse = comparison_of(*networks, score=RMSE, baseline=20.0, simple=methods[:0])
    assert verdict.judge(worse, 0.01).kind == "state_needed"


def test_networks_have_to_be_better_by_the_margin_and_over_the_test_split():
    networks = candidate("stateless", 0.8), candidate("stateful", 0.9)
    # on average by 0.02, but by three sequences of thirty alone
    accident = np.repeat([0.1] * 27 + [0.3], [3] * 27 + [9])
    for method, kind in (
        (simple("linear", 0.88), "state_needed"),
        (simple("linear", 0.895), "no_better_than"),  # the margin is 0.01
        (simple("linear", 0.88, errors=accident), "no_better_than"),
    ):
        compared = comparison_of(*networks, simple=[method])
        assert verdict.judge(compared, 0.01).kind == kind
        if kind == "no_better_than":  # a lead is none that they are shown to have
            assert words(compared)[0].startswith(
                "These networks are not shown to be better than a linear model on lags:"
            )


def test_a_mean_ahead_of_a_constant_is_not_called_no_better():
    """Better on average, but by three sequences of thirty alone."""
    accident = np.repeat([0.5] * 27 + [0.8], [3] * 27 + [9])
    networks = [
        candidate("stateless", 0.45),
        candidate("stateful", 0.53, errors=1 - accident),
    ]
    _, facts = words(comparison_of(*networks))
    assert "with carried state 0.5300" in facts["Scores"]
    with_state, without = facts["Scores"].split("; without")
    assert "which is not shown to be better than a constant" in with_state
    assert "which is no better than a constant" in without


def test_the_simple_method_is_chosen_on_validation():
    lucky = simple("boosting", 0.95, validation=0.6)
    best = simple("linear", 0.7, validation=0.9)
    networks = candidate("stateless", 0.8), candidate("stateful", 0.9)
    compared = comparison_of(*networks, simple=[lucky, best])
    judged = verdict.judge(compared, 0.01)
    assert judged.best_simple == best and judged.kind == "state_needed"


def test_an_error_is_better_when_it_is_lower_and_its_margin_is_a_share():
    errors = [
        candidate("stateless", 6.0, score=RMSE),
        candidate("stateful", 5.9, score=RMSE),
    ]
    assert kind_of(*errors, score=RMSE, baseline=8.0)[0] == "state_needed"
    # 0.1 is below 2 % of 8
    assert kind_of(*errors, score=RMSE, baseline=8.0, margin=0.02) == (
        "window_suffices",
        None,
    )
    assert kind_of(*errors, score=RMSE, baseline=3.0) == ("neither_learns", None)


def test_all_ties_are_no_difference_and_then_a_window_suffices():
    tied = candidate("stateless", 0.9), candidate("stateful", 0.9)
    judged = verdict.judge(comparison_of(*tied), 0.01)
    assert judged.difference is not None and judged.difference.p == 1.0
    assert judged.kind == "window_suffices"


def test_what_seeds_cannot_tell_is_no_difference():
    # up to 0.1 apart either way: five of the ten pairs each
    rough = candidate("stateful", 0.9, spread=np.tile([-0.1, 0.1], 5))
    assert kind_of(candidate("stateless", 0.9), rough) == ("no_difference", None)


def test_where_neither_learns_the_cause_is_named():
    blind = [candidate("stateless", 0.5), candidate("stateful", 0.495)]
    assert kind_of(*blind) == ("no_difference", None)  # nothing says why
    bounded = [one._replace(ceiling=0.505) for one in blind]
    assert kind_of(*bounded) == ("neither_learns", "ceiling")
    assert kind_of(*blind, target_gap=5) == ("neither_learns", "gradient_window")
    tried = candidate("stateful", 0.5, "gradient window 9", 0.4, gradient_window=9)
    assert kind_of(*blind, tried, target_gap=5) == ("no_difference", None)
    whole = candidate("stateless", 0.4, gradient_window=5, timesteps=5)
    # worse than a constant prediction, by far, and so that it is no chance
    assert kind_of(whole, blind[1], target_gap=5) == ("neither_learns", None)


def test_what_holds_on_a_part_of_test_alone_is_an_accident_of_it():
    stateless = candidate("stateless", 0.6)
    errors = np.repeat([0.4] * 25 + [-0.2] * 5, 3)  # the mean is 0.3
    assert kind_of(stateless, candidate("stateful", 0.7, errors=errors)) == (
        "no_difference",
        None,
    )
    assert kind_of(stateless, candidate("stateful", 0.7))[0] == "state_needed"


def test_one_series_is_compared_over_time():
    """Gains that come in one stretch are one accident, and not ninety."""
    stateless, one_series = candidate("stateless", 0.6), np.zeros(STEPS, int)
    for errors, kind in (
        (np.repeat([0.1, 0.4], [30, 60]), "no_difference"),
        (np.tile([0.1, 0.4, 0.4], 30), "state_needed"),
    ):
        stateful = candidate("stateful", 0.7, errors=errors)
        assert kind_of(stateless, stateful, sequence=one_series)[0] == kind


def test_from_five_splits_on_the_verdict_must_hold_over_them():
    better = candidate("stateless", 0.6), candidate("stateful", 0.9)
    for by_split, kind in (
        ([0.3, 0.3, 0.31, 0.29, 0.3], "state_needed"),
        ([1.3, 0.1, 0.1, 0.0, 0.0], "no_difference"),
        ([1.3, 0.1, 0.1, 0.0], "state_needed"),  # too few to be sure of anything
    ):
        compared = comparison_of(*better, by_split=np.array(by_split))
        assert verdict.judge(compared, 0.01).kind == kind
    _, facts = words(compared)
    assert facts["Splits"].startswith(
        "on each of 4, the latest first, state is better by"
    )


def test_the_chosen_variants_are_judged_on_test():
    short = candidate("stateless", 0.5, validation=0.5, chosen=False)
    best = candidate("stateless", 0.8, "lookback 9", chosen=True, timesteps=9)
    lucky = candidate("stateless", 0.99, "lookback 7", validation=0.6)
    stateful = candidate("stateful", 0.8)
    noise = candidate("stateful", 0.79, "again", validation=1.0)
    compared = comparison_of(short, best, lucky, stateful, noise, longest_sequence=9)
    judged = verdict.judge(compared, 0.01)
    assert (judged.stateless, judged.stateful) == (best, stateful)
    assert judged.kind == "window_suffices"
    assert judged.noise["stateful"].mean == pytest.approx(-0.01)
    sentence, facts = words(compared)
    assert sentence == (
        "State is not needed: accuracy 0.8000 on a window of 9 steps, a whole "
        "sequence, 0.8000 with carried state."
    )
    assert "what is in use, 4 steps, has 0.5000 on test" in facts["Variants"]
    assert facts["Noise"].endswith("stateful by 0.0100 (p = 0.002)")


def test_no_difference_is_claimed_only_where_one_that_matters_is_excluded():
    tied = candidate("stateless", 0.9), candidate("stateful", 0.895)
    compared = comparison_of(*tied, baseline=0.895)
    sentence, _ = words(compared)
    assert sentence.startswith("No difference that matters was found: accuracy 0.8950")
    rough = candidate("stateful", 0.9, spread=np.tile([-0.1, 0.1], 5))
    sentence, facts = words(comparison_of(tied[0], rough))
    assert sentence.startswith("It cannot be told whether state helps: accuracy 0.9000")
    assert facts["Next step"] == "more `seeds`"
    assert "it is better in 50 % of pairs" in facts["Seeds"]
    assert facts["Doubt"].startswith("of the variance of the difference 100 % is from")


def test_every_sentence_has_at_most_forty_words():
    better = candidate("stateless", 0.6), candidate("stateful", 0.9)
    compared = comparison_of(*better, simple=[simple("seasonal_naive", 0.7)])
    judged = verdict.judge(compared, 0.01)
    kinds = ["no_better_than", "unequal_budgets", "not_settled", "state_needed"]
    kinds += ["state_helps", "window_suffices", "no_difference", "neither_learns", None]
    late = [one._replace(late_gain=1.0) for one in better]
    for kind in kinds:
        for cause in (None, "ceiling", "gradient_window"):
            case = judged._replace(
                kind=kind, cause=cause, stateless=late[0], stateful=late[1]
            )
            said = verdict_text.sentence(compared, case)
            assert 5 < len(said.split()) <= 40 and said.endswith(".")


def test_fewer_than_ten_networks_get_no_verdict():
    few = [
        ten._replace(test=ten.test[:9])
        for ten in (candidate("stateless", 0.6), candidate("stateful", 0.9))
    ]
    compared = comparison_of(*few)
    judged = verdict.judge(compared, 0.01)
    assert judged.kind is None
    summary = verdict_text.summary(compared, judged)
    assert summary.text.startswith("No verdict: it takes at least 10 networks")
    assert summary.difference is not None and summary.difference.n == 9
    one = comparison_of(*[nine._replace(test=nine.test[:1]) for nine in few])
    summary = verdict_text.summary(one, verdict.judge(one, 0.01))
    assert summary.difference is None


# --- tasks whose verdict is known -----------------------------------------------------


def post_training(mode, **changes):
    """The training of params.yaml, with changes, from seed 0."""
    settings = {**POST["model"], **POST[f"train_{mode}"], **changes}
    return training(stateful=mode == "stateful", seed=0, **settings)


def judged(*, generate, window, stateless=None, stateful=None, seed=0):
    params = project_params.params(
        generate=POST["generate"] | generate, window=POST["window"] | window
    )
    data = tasks.make(params.generate, seed)
    cut = splitting.split_and_window(data, params.window, seed=seed)
    pace = post_training("stateful", **(stateful or {})).settings

    def train(variant, number):
        table = rewindow(cut, **variant.layout)
        return trainer.train(data, table, variant.training, progress=Silent())

    def train_all(wanted):
        return [train(*each) for each in wanted]

    predictions = {}
    for mode, own in (("stateless", stateless), ("stateful", stateful)):
        changed = post_training(mode, **{"seeds": 10, **(own or {})})
        selected = selection.select(data, [cut], changed, pace, None, train_all)
        predictions[mode] = selected.predictions
    return verdict.judge(comparison.compare(data, cut, predictions), 0.01)


SPLIT = {"test_size": 50, "validation_size": 30}
FIRST = {"task": "first_step", "sequences": 240}


def test_state_helps_against_windows_of_10_of_the_post():
    result = judged(
        generate=FIRST,
        window={**SPLIT, "layout": "per_timestep"},
        stateless={"lookbacks": [10], "updates": 48_000, "epochs": 999},
        stateful={"updates": 48_000, "epochs": 999},
    )
    assert result.kind == "state_helps"
    assert result.stateful.test.tolist() == [1.0] * 10


@pytest.mark.slow
def test_or_windows_of_20():
    result = judged(
        generate=FIRST,
        window={**SPLIT, "layout": "per_timestep"},
        stateless={"lookbacks": [10, 20], "updates": 48_000, "epochs": 999},
        stateful={"updates": 48_000, "epochs": 999},
    )
    assert (result.kind, result.stateless.variant) == ("window_suffices", "lookback 20")


@pytest.mark.slow
def test_a_lag_inside_the_window_needs_no_state():
    budget = {"epochs": 60, "learning_rate": 0.01, "batch_size": 10}
    result = judged(
        generate={"task": "lagged_copy", "lag": 3, "sequences": 300},
        window={**SPLIT, "layout": "subsampled", "window_length": 8},
        stateless=budget,
        stateful=budget,
    )
    assert result.kind == "window_suffices"
    assert result.stateless.test.min() > 0.99


@pytest.mark.parametrize("layout", ["per_timestep", "full"])
def test_in_noise_there_is_no_difference(layout):
    result = judged(
        generate={"task": "noise", "sequences": 240}, window={**SPLIT, "layout": layout}
    )
    assert result.kind == "no_difference"


NOISY = {"task": "noisy_first", "label": "end", "length": 50}
BUDGET = {
    "epochs": 30,
    "learning_rate": 0.01,
    "batch_size": 8,
    "clipnorm": 1.0,
}


@pytest.mark.slow
def test_noise_that_is_learned_by_heart_gets_no_verdict():
    """Networks agree on the accidents of a test split: 20 of them, each of its own."""
    budget = {"epochs": 40, "learning_rate": 0.01}
    kinds = []
    for seed in range(20):
        result = judged(
            generate={"task": "noise", "sequences": 50},
            window={"layout": "full", "test_size": 10},
            stateless=budget,
            stateful={**budget, "gradient_window": 1},
            seed=seed,
        )
        kinds.append(result.kind)
    assert sum(kind in ("no_difference", "not_settled") for kind in kinds) >= 18


def test_noise_with_end_labels_is_no_proof_against_a_gradient_window():
    result = judged(
        generate={"task": "noise", "sequences": 240, "label": "end"},
        window={**SPLIT, "layout": "per_timestep"},
        stateful={"gradient_windows": [20]},
    )
    assert result.kind == "no_difference"


@pytest.mark.slow
@pytest.mark.parametrize("tried", [None, [50]])
def test_the_gradient_window_is_why_end_labels_are_not_learned(tried):
    result = judged(
        generate={**NOISY, "sequences": 1400},
        window={"layout": "per_timestep", "test_size": 200, "validation_size": 200},
        # of 1,000 sequences 8 end together in lanes, and one by one without them
        stateless={**BUDGET, "batch_size": "auto", "updates": 3750, "epochs": 999},
        stateful={**BUDGET, "updates": 3750, "epochs": 999, "gradient_windows": tried},
    )
    if tried is None:
        assert (result.kind, result.cause) == ("neither_learns", "gradient_window")
    else:  # the same networks, with a gradient that reaches back all 50 steps
        assert result.kind == "state_helps"
        assert result.stateful.variant == "gradient window 50"


@pytest.mark.slow
def test_the_same_against_the_same_is_rarely_called_different():
    """500 comparisons of ten networks and ten others, which differ in their seeds.

    Of 1,000 networks; ten times they are dealt anew into fifty comparisons.
    """
    generate = {"task": "lagged_copy", "lag": 2, "sequences": 40, "length": 5}
    params = project_params.params(
        generate=POST["generate"] | generate,
        window=POST["window"] | {"layout": "full", "test_size": 20},
    )
    data = tasks.make(params.generate, 0)
    cut = splitting.split_and_window(data, params.window, seed=0)
    changes = {"seeds": 1000, "epochs": 20, "learning_rate": 0.01, "batch_size": 4}
    changed = post_training("stateful", **changes)
    trained = trainer.train(data, cut, changed, progress=Silent())
    table = scoring.seed_scores(trained.predictions, data, cut, trained.history)
    rng = np.random.default_rng(0)
    for name in ("accuracy", "loss"):  # the one has ties, the other has none
        deals = (rng.permutation(table[name].to_numpy()) for _ in range(10))
        pairs = np.concatenate([deal.reshape(50, 2, 10) for deal in deals])
        called = sum(paired_test.compare(*pair).p < paired_test.LEVEL for pair in pairs)
        print(f"{called} of 500 comparisons of the same are called different by {name}")
        assert 5 < called <= 34  # a test that never speaks would pass as well
