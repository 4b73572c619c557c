"""Checks params.yaml: every key, its type, and the rules between keys."""

from functools import reduce
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from statelab.config import defaults, rules, settings
from statelab.errors import UserError

UNION = ("int", "float")  # what pydantic calls members of one
_AnyParams = TypeVar("_AnyParams", bound=BaseModel)


def check(params: Any) -> settings.Params:
    """Check everything in params.yaml before anything is computed from it.

    Args:
        params: the mapping read from params.yaml.

    Returns:
        The same, typed, and what is `auto` replaced as `defaults.filled` says.

    Raises:
        UserError: one line for the first key that breaks a rule.

    Example:
        >>> check({"seed": -1})
        Traceback (most recent call last):
        statelab.errors.UserError: params.yaml: `seed` should be greater than or \
equal to 0. Received: -1
    """
    checked = validated(settings.Params, defaults.filled(params), "params.yaml")
    _raise_first(rules.of_params(checked), checked, "params.yaml")
    return checked


def check_search(search_params: Any, params: settings.Params) -> settings.SearchParams:
    """Check everything in search/params.yaml.

    Args:
        search_params: the mapping read from it.
        params: what params.yaml says, which is sound.

    Returns:
        The same, typed.

    Raises:
        UserError: one line for the first key that breaks a rule.
    """
    file = "search/params.yaml"
    checked = validated(settings.SearchParams, search_params, file)
    _raise_first(rules.of_search(checked, params), checked, file)
    return checked


def _raise_first(violations: rules.Violations, read: BaseModel, file: str) -> None:
    for key, rule, received in violations:
        if received is None:
            received = reduce(getattr, key.split("."), read)
        raise UserError(f"{file}: `{key}` {rule}. Received: {received}")


def validated(model: type[_AnyParams], read: Any, file: str) -> _AnyParams:
    """Return the parameters of a file, typed; rules between keys are not looked at.

    Args:
        model: `settings.Params` or `settings.SearchParams`.
        read: the mapping read from the file.
        file: what the error calls it.

    Raises:
        UserError: one line for the first key that is missing, unknown or of another
            type.
    """
    try:
        return model.model_validate(read)
    except ValidationError as error:
        raise UserError(f"{file}: {_one_line(error, model)}") from None


def _one_line(error: ValidationError, model: type[BaseModel]) -> str:
    # A misspelt key also leaves the right one missing: the misspelling says more.
    first = min(error.errors(), key=lambda problem: problem["type"] == "missing")
    key = _key(first["loc"])
    of_key = [problem for problem in error.errors() if _key(problem["loc"]) == key]
    auto = any(problem["type"] == "literal_error" for problem in of_key[1:])
    if first["type"] == "missing":
        return f"`{key}` is missing"
    if first["type"] == "extra_forbidden":
        return f"`{key}` is not a parameter of statelab"
    if not key:
        sections = ", ".join(model.model_fields)
        return f"must hold {sections}. Received: {first['input']!r}"
    rule = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"`{key}` {rule}{', or auto' * auto}. Received: {first['input']!r}"


def _key(place: tuple[int | str, ...]) -> str:
    """Join the keys of a place, without pydantic's names for members of a union."""
    return ".".join(
        str(part)
        for part in place
        if isinstance(part, int) or (part.isidentifier() and part not in UNION)
    )
