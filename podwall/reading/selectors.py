"""Read labels and label selectors, which may be known only in part."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from podwall.model import LabelMap, Operator, Selector, SelectorRequirement, Unknown
from podwall.reading.fields import Malformed, field, list_of, mapping, one_of, text, texts

__all__ = ["read_labels", "read_plain_selector", "read_selector"]

EVERYTHING = Selector()
OPERATOR = one_of(tuple(Operator))


def read_labels(value: Any) -> LabelMap:
    """Return the labels of an object; a `null` value is the empty string, as to the API."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return LabelMap(more=node)
    return _label_map(tuple(sorted(_text_values(node).items(), key=_key)))


def read_selector(value: Any) -> Selector:
    """Return a `LabelSelector`: labels and expressions, all of which must hold.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    node = mapping(value)
    if isinstance(node, Unknown):
        return Selector(unknown=node)
    labels = field(node, "matchLabels", read_plain_selector, EVERYTHING)
    if not node.get("matchExpressions"):
        return labels
    expressions = field(node, "matchExpressions", _requirements, ())
    if isinstance(expressions, Unknown):
        return Selector(labels.requirements, expressions)
    known = [item for item in expressions if isinstance(item, SelectorRequirement)]
    unknown = [item for item in expressions if isinstance(item, Unknown)]
    return Selector((*labels.requirements, *known), labels.unknown or next(iter(unknown), None))


def read_plain_selector(value: Any) -> Selector:
    """Return a selector that is a mapping of labels, as `matchLabels` and services have."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return Selector(unknown=node)
    return _plain_selector(tuple(sorted(_text_values(node).items(), key=_key)))


def _text_values(node: Mapping[str, Any]) -> dict[str, str | Unknown]:
    labels: dict[str, str | Unknown] = {}
    for key, value in node.items():
        if not isinstance(key, str):
            raise Malformed("must have strings as keys")
        labels[key] = value if isinstance(value, str) else field(node, key, text, "")
    return labels


def _key(label: tuple[str, str | Unknown]) -> str:
    return label[0]


@lru_cache(maxsize=65536)
def _label_map(labels: tuple[tuple[str, str | Unknown], ...]) -> LabelMap:
    """Return the labels; objects repeat them, so one value serves them all."""
    return LabelMap(labels)


@lru_cache(maxsize=65536)
def _plain_selector(labels: tuple[tuple[str, str | Unknown], ...]) -> Selector:
    """Return the selector of some labels; policies repeat them, so one value serves them all."""
    return Selector(tuple(_equals(key, label) for key, label in labels))


def _equals(key: str, value: str | Unknown) -> SelectorRequirement:
    if isinstance(value, Unknown):
        return SelectorRequirement(key, Operator.IN, (), value)
    return SelectorRequirement(key, Operator.IN, (value,))


def _requirement(value: Any) -> SelectorRequirement | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    key = field(node, "key", text, "")
    operator = field(node, "operator", OPERATOR, None)
    values = field(node, "values", texts, ())
    if isinstance(key, Unknown):
        return key
    if operator is None:
        raise Malformed("is required", "operator")
    if isinstance(operator, Unknown):
        return operator
    if isinstance(values, Unknown):
        return SelectorRequirement(key, operator, (), values)
    known = sorted({item for item in values if isinstance(item, str)})
    unknown = [item for item in values if isinstance(item, Unknown)]
    return SelectorRequirement(key, operator, tuple(known), next(iter(unknown), None))


_requirements = list_of(_requirement)
