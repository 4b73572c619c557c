"""params.yaml of this repository, and sections of it with a few changes, typed."""

from typing import Any

from checkouts import REPOSITORY
from ruamel.yaml import YAML

from statelab.config import defaults
from statelab.config.settings import (
    AnyTrainSettings,
    GenerateSettings,
    Params,
    SearchParams,
    WindowSettings,
)

PARAMS = YAML(typ="safe").load(REPOSITORY / "params.yaml")
SEARCH_PARAMS = YAML(typ="safe").load(REPOSITORY / "search/params.yaml")


def params(seed: int = 0, **sections: dict[str, Any]) -> Params:
    changed = {name: PARAMS[name] | changes for name, changes in sections.items()}
    return Params.model_validate(defaults.filled(PARAMS | changed | {"seed": seed}))


def search_params(search: dict[str, Any], **sections: dict[str, Any]) -> SearchParams:
    sections["search"] = search
    changed = {
        name: SEARCH_PARAMS[name] | changes for name, changes in sections.items()
    }
    return SearchParams.model_validate(SEARCH_PARAMS | changed)


def generate(**changes: Any) -> GenerateSettings:
    return params(generate=changes).generate


def window(**changes: Any) -> WindowSettings:
    return params(window=changes).window


def training(mode: str, **changes: Any) -> AnyTrainSettings:
    return getattr(params(**{f"train_{mode}": changes}), f"train_{mode}")
