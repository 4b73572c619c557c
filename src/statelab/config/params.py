"""Reads params.yaml. Rules between its keys are checked by `schema`, in stage check."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from statelab.config import defaults, schema
from statelab.config.settings import Params, SearchParams
from statelab.errors import UserError

FILE, LOCK = Path("params.yaml"), Path("dvc.lock")
SEARCH = Path("search")  # the folder of the files of that pipeline


def load(root: Path = Path(".")) -> Params:
    """Return params.yaml, each section of a type of its own, which nothing changes.

    Args:
        root: the folder that it stands in.

    Raises:
        UserError: it is not there, or a key is missing, unknown or of another type.

    Example:
        >>> load().window.layout  # doctest: +SKIP
        'per_timestep'
    """
    return schema.validated(Params, defaults.filled(read(root)), str(FILE))


def load_search(root: Path = Path(".")) -> SearchParams:
    """Return search/params.yaml in the same way."""
    return schema.validated(SearchParams, read(root / SEARCH), str(SEARCH / FILE))


def read(root: Path = Path(".")) -> Any:
    """Return params.yaml as nested mappings.

    YAML 1.2, as DVC reads it: `1e-3` is a number.

    Args:
        root: the folder that it stands in.

    Raises:
        UserError: it does not.
    """
    if not (root / FILE).exists():
        raise UserError(f"{root / FILE}: no such file. Go to the root of a checkout")
    return parse((root / FILE).read_text())


def parse(text: str) -> Any:
    """Return what YAML 1.2 says: params.yaml, or a file that DVC has written."""
    return YAML(typ="safe", pure=True).load(text)


def write_section(section: str, values: Mapping[str, Any]) -> None:
    """Write a section into params.yaml; comments and other sections stay.

    Args:
        section: its name.
        values: of some of its keys. Of a mapping all keys are written, and those that
            params.yaml had besides are left out.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _null)
    written = yaml.load(FILE.read_text())
    _replace(written[section], values)
    with FILE.open("w") as stream:
        yaml.dump(written, stream)


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _replace(into: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), Mapping):
            for stale in into[key].keys() - value.keys():
                del into[key][stale]
            _replace(into[key], value)
        elif key not in into or into[key] != value:
            into[key] = value


def locked() -> dict[str, dict[str, Any]]:
    """Return what params.yaml said when DVC last ran each stage.

    Since then it may have been edited.

    Returns:
        By stage, the keys that it depends on; none where DVC has run nothing.
    """
    stages = parse(LOCK.read_text())["stages"] if LOCK.exists() else {}
    return {
        name: stage.get("params", {}).get(str(FILE), {})
        for name, stage in stages.items()
    }


def made_with(stage: str) -> dict[str, Any]:
    """Return what params.yaml said when DVC last ran a training stage.

    Args:
        stage: `train_stateless` or `train_stateful`.

    Returns:
        The sections that it and the stages before it depend on, without `auto`.

    Raises:
        UserError: DVC has not run it here.
    """
    stages = locked()
    if stage not in stages:
        raise UserError(f"{LOCK}: must have the stage `{stage}`. Run `dvc repro`")
    made = {**stages["generate"], **stages["window"], **stages[stage]}
    return defaults.filled(made)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the keys of nested mappings with dots.

    Example:
        >>> flatten({"seed": 0, "window": {"layout": "full"}})
        {'seed': 0, 'window.layout': 'full'}
    """
    flat = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
