"""Configuration values, which Pulumi hands over as text, into one document."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from components.settings.settings import Settings
from podwall.components.reading import camel_case, read
from podwall.policies.errors import InvalidValue, Place

__all__ = ["settings_of"]


def settings_of(values: Mapping[str, str], project: str) -> Settings:
    """Return the settings of a stack's configuration values.

    Args:
        values: every configuration value by its full key; keys of other namespaces, such as
            `azure-native:location`, are for their providers.
        project: the namespace of our own keys.

    Raises:
        InvalidValue: an unknown key, a value of another type, or one that is not allowed; the
            message begins with the full key.

    >>> settings_of({"podwall:step": "open"}, "podwall").step
    <Step.OPEN: 'open'>
    >>> settings_of({"podwall:stepp": "open"}, "podwall")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: podwall:stepp: `stepp` is not a key here, allowed are ...
    """
    prefix = f"{project}:"
    given = {
        full.removeprefix(prefix): value
        for full, value in values.items()
        if full.startswith(prefix)
    }
    try:
        return read(Settings, {key: _parsed(key, value) for key, value in given.items()}, "")
    except InvalidValue as error:
        place = Place(path=f"{prefix}{error.place.path}")
        raise InvalidValue(error.message, help=error.help, place=place) from error


def _parsed(key: str, value: str) -> Any:
    """Return a value as a document: a text where the setting is one, or nothing else fits."""
    if key in _TEXTS:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _is_text(annotation: Any) -> bool:
    kinds = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    return any(isinstance(kind, type) and issubclass(kind, str | StrEnum) for kind in kinds)


_UNIONS = (Union, types.UnionType)
_TEXTS = {camel_case(name) for name, kind in get_type_hints(Settings).items() if _is_text(kind)}
