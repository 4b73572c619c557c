import copy

import pytest
from project_params import PARAMS, SEARCH_PARAMS

from statelab.config import schema
from statelab.errors import UserError


def changed(key: str, value: object) -> dict:
    params = copy.deepcopy(PARAMS)
    *sections, name = key.split(".")
    place = params
    for section in sections:
        place = place[section]
    place[name] = value
    return params


def test_check_passes_what_the_repository_ships():
    schema.check(PARAMS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("window.layout", "full"),
        ("window.test_size", 0.25),
        ("window.validation_size", 100),
        ("train_stateless.learning_rate", 1),
        ("train_stateless.clipnorm", 1.0),
        ("train_stateful.gradient_window", 1),
        ("train_stateful.engine", "reference_loop"),
        ("train_stateful.shuffle", True),
        ("train_stateful.optimizer", "rmsprop"),
        ("model.cell", "gru"),
        ("model.forget_bias", "chrono"),
        ("generate.task", "temporal_order_6b"),
        ("generate.label", "end"),
        ("train_stateful.reset", "every_20"),
        ("train_stateful.burn_in", 3),
    ],
)
def test_check_passes_other_choices(key, value):
    schema.check(changed(key, value))


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        (
            "window.layout",
            "diagonal",
            "should be 'full', 'subsampled' or 'per_timestep'. Received: 'diagonal'",
        ),
        (
            "train_stateful.epochs",
            -3,
            "should be greater than or equal to 1. Received: -3",
        ),
        ("model.units", 0, "should be greater than or equal to 1. Received: 0"),
        ("model.units", "ten", "should be a valid integer. Received: 'ten'"),
        ("model.units", 7.5, "should be a valid integer. Received: 7.5"),
        ("model.unitz", 10, "is not a parameter of statelab"),
        ("windows", {}, "is not a parameter of statelab"),
        ("window", 3, "should be a valid dictionary"),
        ("train_stateless.shuffle", "yes", "should be a valid boolean"),
        ("train_stateless.learning_rate", 0.0, "should be greater than 0"),
        ("train_stateless.learning_rate", float("nan"), "should be"),
        ("generate.sequences", 1201, "should be a multiple of 2. Received: 1201"),
        (
            "window.test_size",
            1.5,
            "must be a count of sequences, or a fraction of them below 1. "
            "Received: 1.5",
        ),
        ("window.test_size", -2, "fraction of them below 1. Received: -2"),
        ("window.test_size", "some", "should be a valid integer. Received: 'some'"),
        ("window.test_size", 0, "must be at least two sequences"),
        ("window.test_size", 1200, "must leave sequences to train on"),
        (
            "train_stateful.patience",
            3,
            "needs sequences to validate on: set `window.validation_size`. Received: 3",
        ),
        ("window.segment_length", 21, "must not be longer than a sequence"),
        (
            "train_stateful.reset",
            "every_",
            "must be sequence, never or, say, every_20. Received: 'every_'",
        ),
        ("train_stateful.burn_in", -1, "should be greater than or equal to 0"),
        (
            "train_stateful.gradient_window",
            2,
            "reaches no further than one sample of 1 steps: no gradient flows through "
            "carried state; raise `window.segment_length` to reach further back. "
            "Received: 2",
        ),
    ],
)
def test_check_names_the_key_the_rule_and_the_value(key, value, rule):
    with pytest.raises(UserError) as caught:
        schema.check(changed(key, value))
    message = str(caught.value)
    assert message.startswith(f"params.yaml: `{key}`")
    assert rule in message
    assert "\n" not in message


def relation(**sections) -> dict:
    params = copy.deepcopy(PARAMS)
    for name, keys in sections.items():
        params[name] |= keys
    return params


@pytest.mark.parametrize(
    ("params", "key", "rule"),
    [
        (
            relation(generate={"task": "temporal_order_6a", "length": 9}),
            "generate.length",
            "must be at least 10 for `temporal_order_6a`. Received: 9",
        ),
        (
            relation(window={"split": "given"}),
            "window.split",
            "must be sequence for a generated task: it has no column of splits. "
            "Received: given",
        ),
        (
            relation(generate={"source": "csv"}, window={"split": "given"}),
            "window.split",
            "must be sequence or time, or `generate.columns.split` name the column "
            "that says which. Received: given",
        ),
        (
            relation(generate={"task": "lagged_copy", "lag": 20}),
            "generate.lag",
            "must be shorter than a sequence (`generate.length` is 20). Received: 20",
        ),
        (
            relation(
                generate={"label": "end"}, window={"layout": "subsampled", "stride": 3}
            ),
            "window.stride",
            "(`generate.label` is end, and 10 steps are left beside a window). "
            "Received: 3",
        ),
        (
            relation(
                generate={"label": "end"},
                window={"layout": "subsampled", "stride": 2, "window_length": 25},
            ),
            "window.window_length",
            "must not be longer than a sequence",
        ),
        (
            relation(
                generate={"task": "lagged_copy", "lag": 10},
                window={"layout": "subsampled", "stride": 11},
            ),
            "generate.lag",
            "must leave a window that ends on a step with a target. Received: 10",
        ),
        (
            relation(
                generate={"task": "temporal_order_6a", "label": "end"},
                window={"layout": "subsampled", "stride": 2},
            ),
            "window.stride",
            "must be 1 where only last steps have a target: sequences of "
            "`temporal_order_6a` differ in length. Received: 2",
        ),
        (
            relation(
                generate={"task": "temporal_order_6b"},
                window={"layout": "full"},
                train_stateful={"gradient_window": 10},
            ),
            "train_stateful.gradient_window",
            "must be null, or 1, for whole sequences of `temporal_order_6b`",
        ),
        (
            relation(
                generate={"task": "temporal_order_6b"},
                train_stateless={"engine": "reference"},
            ),
            "train_stateless.engine",
            "must be `compiled` for `temporal_order_6b`: its sequences differ in",
        ),
        (
            relation(
                generate={"label": "end"}, train_stateless={"engine": "reference"}
            ),
            "train_stateless.engine",
            "must be `compiled` where samples may have no target",
        ),
        (
            relation(train_stateful={"engine": "reference", "burn_in": 1}),
            "train_stateful.engine",
            "must be `compiled` where `train_stateful.burn_in` is set",
        ),
        (
            relation(train_stateful={"burn_in": 20}),
            "train_stateful.burn_in",
            "must be shorter than a sequence (`generate.length` is 20). Received: 20",
        ),
        (
            relation(window={"layout": "full"}, train_stateful={"reset": "every_20"}),
            "train_stateful.reset",
            "must be sequence or never where a sample is a whole sequence",
        ),
        (
            relation(model={"cell": "gru", "forget_bias": "chrono"}),
            "model.forget_bias",
            "must be `unit` where `model.cell` has no forget gate. Received: chrono",
        ),
        (
            relation(window={"segment_length": 4}, train_stateful={"reset": "every_6"}),
            "train_stateful.reset",
            "must be a multiple of the 4 steps from a sample to the next. "
            "Received: every_6",
        ),
        (
            relation(window={"layout": "subsampled", "window_length": 25}),
            "window.window_length",
            "must not be longer than a sequence (`generate.length` is 20). "
            "Received: 25",
        ),
        (
            relation(window={"test_size": 600, "validation_size": 0.5}),
            "window.test_size",
            "(`generate.sequences` is 1200). Received: 600 and 0.5",
        ),
        (
            relation(
                window={"segment_length": 4}, train_stateful={"gradient_window": 3}
            ),
            "train_stateful.gradient_window",
            "must divide the 4 steps of a sample. Received: 3",
        ),
        (
            relation(
                window={"segment_length": 3}, train_stateless={"engine": "reference"}
            ),
            "train_stateless.engine",
            "must be `compiled` where `window.segment_length` does not divide",
        ),
        (
            relation(
                window={"layout": "subsampled"},
                train_stateful={"gradient_window": 15},
            ),
            "train_stateful.gradient_window",
            "raise `window.window_length` to reach further back. Received: 15",
        ),
        (
            relation(
                train_stateful={
                    "engine": "reference",
                    "batching": "contiguous",
                    "batch_size": 3,
                }
            ),
            "train_stateful.engine",
            "stock Keras resets all lanes of a batch together. Received: reference",
        ),
        (
            relation(
                window={"segment_length": 4},
                train_stateful={"gradient_window": 2, "engine": "reference"},
            ),
            "train_stateful.engine",
            "must be `compiled` where `train_stateful.gradient_window` is shorter",
        ),
    ],
)
def test_check_joins_keys(params, key, rule):
    with pytest.raises(UserError) as caught:
        schema.check(params)
    assert str(caught.value).startswith(f"params.yaml: `{key}` ")
    assert rule in str(caught.value)


def test_check_names_a_key_that_is_missing():
    params = copy.deepcopy(PARAMS)
    del params["model"]["units"]
    with pytest.raises(UserError, match="params.yaml: `model.units` is missing"):
        schema.check(params)


def test_check_shows_the_misspelling_rather_than_the_key_that_it_left_missing():
    params = copy.deepcopy(PARAMS)
    params["model"]["unitz"] = params["model"].pop("units")
    with pytest.raises(UserError, match="`model.unitz` is not a parameter"):
        schema.check(params)


@pytest.mark.parametrize("params", [None, [], "text"])
def test_check_refuses_a_file_that_holds_no_sections(params):
    with pytest.raises(
        UserError, match="params.yaml: must hold seed, generate, window, "
    ):
        schema.check(params)


LISTS = {
    "train_stateless.lookbacks": [
        (
            [10],
            "validation_size",
            0,
            "needs sequences to choose on: set `window.validat",
        ),
        ([21], "layout", "full", "must not be longer than a sequence"),
        ([3, 3], "layout", "full", "must name each once"),
        ([], "layout", "full", "at least 1 item"),
    ],
    "train_stateful.gradient_windows": [
        (
            [2],
            "validation_size",
            0,
            "needs sequences to choose on: set `window.validat",
        ),
        ([2, 21], "layout", "per_timestep", "must not be longer than a sequence"),
        ([20, 3], "layout", "full", "must divide the 20 steps of a sample"),
        ([11], "layout", "subsampled", "reach no further than one sample of 10 steps"),
    ],
}


@pytest.mark.parametrize(
    ("key", "value", "other", "setting", "rule"),
    [(key, *case) for key, cases in LISTS.items() for case in cases],
)
def test_lists_of_variants_must_fit_the_window(key, value, other, setting, rule):
    params = changed(key, value)
    params["window"] |= {"validation_size": 100, other: setting}
    with pytest.raises(UserError, match=f"`{key}(.0)?`.*{rule}"):
        schema.check(params)


def test_lists_of_variants_go_beyond_what_is_in_use():
    params = changed("train_stateless.lookbacks", [5, 20])
    params["train_stateful"]["gradient_windows"] = [1, 4, 20]
    params["window"]["validation_size"] = 100
    schema.check(params)
    params["train_stateless"]["engine"] = "reference"
    with pytest.raises(UserError, match=r"`train_stateless.engine` must be `compiled`"):
        schema.check(params)


def test_lookbacks_with_end_labels_must_lead_to_the_last_step():
    params = changed("train_stateless.lookbacks", [8, 7])
    params["generate"]["label"] = "end"
    params["window"] |= {"layout": "subsampled", "stride": 2, "validation_size": 100}
    with pytest.raises(UserError, match=r"lead to the last step.* Received: 7"):
        schema.check(params)


FORECAST = {"source": "csv", "horizon": 2}


@pytest.mark.parametrize(
    "target", ["difference", "log_difference", "seasonal_difference"]
)
def test_forecasts_of_a_file_may_be_modelled_as_changes(target):
    known = {"window": {"target": target}}
    schema.check(relation(generate=FORECAST, **known))
    forecast, classes = "makes no forecast of a file", "for classes: they have no"
    for generate, rule in (
        ({"source": "csv"}, forecast),
        ({"horizon": 2}, forecast),
        ({**FORECAST, "target_type": "classes"}, classes),
    ):
        with pytest.raises(UserError) as caught:
            schema.check(relation(generate=generate, **known))
        message = str(caught.value)
        assert message.startswith("params.yaml: `window.target` must be level ")
        assert rule in message and message.endswith(f". Received: {target}")


FILE = {"source": "csv", "horizon": 0}


@pytest.mark.parametrize(
    ("form", "key", "received"),
    [
        ({"thousands": "."}, "thousands", "."),
        ({"thousands": ",", "decimal": {"x": ","}}, "thousands", ","),
        ({"separator": ";", "line_end": ",;"}, "line_end", ",;"),
    ],
)
def test_a_mark_does_not_mean_two_things(form, key, received):
    with pytest.raises(UserError) as caught:
        schema.check(relation(generate={**FILE, "format": form}))
    message = str(caught.value)
    assert message.startswith(f"params.yaml: `generate.format.{key}` must not")
    assert message.endswith(f". Received: {received}")
    decimal = {"decimal": ",", "thousands": "."}
    schema.check(relation(generate={**FILE, "format": decimal}))


@pytest.mark.parametrize("name", ["zlib", "base64", "latin"])
def test_an_encoding_is_of_text(name):
    relations = relation(generate={**FILE, "format": {"encoding": name}})
    if name == "latin":
        assert schema.check(relations).generate.format.encoding == "iso8859-1"
        return
    with pytest.raises(UserError, match="`generate.format.encoding` must be an enc"):
        schema.check(relations)


def test_words_are_of_columns_of_features():
    columns = {**PARAMS["generate"]["columns"], "categories": {"time": "index"}}
    with pytest.raises(UserError) as caught:
        schema.check(relation(generate={**FILE, "columns": columns}))
    assert str(caught.value) == (
        "params.yaml: `generate.columns.categories` must be columns of features, not "
        "the time. Received: time"
    )


def test_the_time_that_remains_has_no_column():
    with pytest.raises(UserError) as caught:
        schema.check(relation(generate={**FILE, "target_type": "remaining"}))
    assert str(caught.value) == (
        "params.yaml: `generate.columns.target` must be null where "
        "`generate.target_type` is remaining. Received: target"
    )


def test_class_weights_are_of_classes():
    model = {"model": {"class_weight": "balanced"}}
    schema.check(relation(**model))
    schema.check(relation(generate={**FORECAST, "target_type": "classes"}, **model))
    with pytest.raises(UserError, match="`model.class_weight` must be null for forec"):
        schema.check(relation(generate=FORECAST, **model))
    with pytest.raises(UserError, match="in a search, in which classes count alike"):
        schema.check_search(SEARCH_PARAMS, schema.check(relation(**model)))


def test_a_search_models_no_changes():
    params = schema.check(relation(generate=FORECAST, window={"target": "difference"}))
    with pytest.raises(UserError) as caught:
        schema.check_search(SEARCH_PARAMS, params)
    assert str(caught.value) == (
        "search/params.yaml: `window.target` of params.yaml must be level in a search, "
        "which models no changes. Received: difference"
    )
    schema.check_search(SEARCH_PARAMS, schema.check(relation(generate=FORECAST)))
