"""Label selectors, as the API server validates them.

https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwall.policies.findings import Finding
from podwall.policies.labels import Operator
from podwall.policies.syntax import label_key_problem, label_value_problem
from podwall.policies.unknown import Unknown
from podwall.policies.validation.shapes import (
    Findings,
    as_list,
    as_mapping,
    as_text,
    entry,
    error,
)
from podwall.policies.wording import did_you_mean, shown

__all__ = ["SELECTOR", "check_labels", "check_selector"]

#: The fields of a label selector.
SELECTOR: Final = frozenset({"matchLabels", "matchExpressions"})
_REQUIREMENT: Final = frozenset({"key", "operator", "values"})
_OPERATORS: Final = tuple(str(operator) for operator in Operator)
_COMPARING: Final = (Operator.IN, Operator.NOT_IN)
_ASKING: Final = (Operator.EXISTS, Operator.DOES_NOT_EXIST)


def check_selector(selector: Mapping[str, Any], path: str) -> Findings:
    """Yield what is wrong with a label selector."""
    if (labels := selector.get("matchLabels")) is not None:
        yield from as_mapping(labels, f"{path}.matchLabels", None, check_labels)
    if (requirements := selector.get("matchExpressions")) is not None:
        yield from as_list(requirements, f"{path}.matchExpressions", _check_requirement)


def check_labels(labels: Mapping[Any, Any], path: str) -> Findings:
    """Yield what is wrong with labels."""
    for key, value in labels.items():
        if not (isinstance(key, str) and label_key_problem(key) is None):
            yield from as_text(key, path, label_key_problem)
        if not (value is None or (isinstance(value, str) and label_value_problem(value) is None)):
            yield from as_text(value, entry(path, key), label_value_problem)


def _check_requirement(requirement: object, path: str) -> Findings:
    yield from as_mapping(requirement, path, _REQUIREMENT, _check_fields)


def _check_fields(requirement: Mapping[str, Any], path: str) -> Findings:
    yield from as_text(requirement.get("key") or "", f"{path}.key", label_key_problem)
    operator = requirement.get("operator")
    values = requirement.get("values")
    if operator not in _OPERATORS and not isinstance(operator, Unknown):
        yield _bad_operator(operator, f"{path}.operator")
    if operator in _COMPARING and not (values or isinstance(values, Unknown)):
        yield _values_missing(f"{path}.values")
    if operator in _ASKING and values and not isinstance(values, Unknown):
        yield _values_forbidden(operator, f"{path}.values")
    yield from as_list(values, f"{path}.values", _check_value)


def _bad_operator(operator: object, path: str) -> Finding:
    said = "is missing" if operator is None else f"{shown(operator)} is not an operator"
    return error("invalid-operator", path, said, did_you_mean(operator, _OPERATORS))


def _values_missing(path: str) -> Finding:
    return error(
        "values-required",
        path,
        "`In` and `NotIn` need at least one value",
        "to ask only whether the label is there, use `Exists` or `DoesNotExist`",
    )


def _values_forbidden(operator: object, path: str) -> Finding:
    return error(
        "values-forbidden",
        path,
        f"{shown(operator)} takes no values",
        "to compare values, use `In` or `NotIn`",
    )


def _check_value(value: object, path: str) -> Findings:
    if value is not None:
        yield from as_text(value, path, label_value_problem)
