"""The validation and the reader agree with Kubernetes' own code (see tests/policies/api_server)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from podwall.policies import Finding, Severity
from podwall.policies.policy import read
from podwall.policies.validation import violations
from tests.policies.api_server.ask import answers
from tests.policies.stored import stored

ANSWERS = answers()
REFUSED = [answer for answer in ANSWERS if answer["refused"]]
ACCEPTED = [answer for answer in ANSWERS if not answer["refused"]]


def ids(document: Any) -> list[str]:
    return [finding.id for finding in violations(document)]


def errors(document: Any) -> list[Finding]:
    return [each for each in violations(document) if each.severity is Severity.ERROR]


def test_there_are_enough_documents_of_both_kinds() -> None:
    assert len(REFUSED) >= 100
    assert len(ACCEPTED) >= 50


@pytest.mark.parametrize("answer", REFUSED)
def test_what_kubernetes_refuses_is_an_error_of_the_same_field(answer: dict[str, Any]) -> None:
    # Kubernetes names the mapping where we name the label in it.
    paths = {
        re.sub(r"\[[^\]]*[^\]\d][^\]]*\]$", "", e.place.path) for e in errors(answer["document"])
    }
    assert paths
    if answer["refused"] != ["decode"]:
        assert set(answer["refused"]) <= paths


@pytest.mark.parametrize("answer", ACCEPTED)
def test_what_kubernetes_accepts_is_no_error(answer: dict[str, Any]) -> None:
    assert errors(answer["document"]) == []


@pytest.mark.parametrize("answer", ACCEPTED)
def test_fields_that_kubernetes_does_not_know_are_noted(answer: dict[str, Any]) -> None:
    assert ("unknown-field" in ids(answer["document"])) is answer["unknown_field"]


@pytest.mark.parametrize("answer", ACCEPTED)
def test_cidrs_that_kubernetes_warns_of_are_noted(answer: dict[str, Any]) -> None:
    noted = [each for each in ids(answer["document"]) if each.startswith("cidr-")]
    assert len(noted) == answer["cidr_warnings"]


@pytest.mark.parametrize("answer", ACCEPTED)
def test_what_is_read_is_what_kubernetes_stores(answer: dict[str, Any]) -> None:
    policy = read(answer["document"]).policy
    if not answer["document"]["metadata"].get("name"):
        assert policy is None
        return
    assert policy is not None
    assert stored(policy.to_manifest()) == stored(answer["stored"])


def _field(path: str) -> str:
    # Kubernetes names the mapping where we name the label in it.
    return re.sub(r"\[[^\]]*[^\]\d][^\]]*\]$", "", path)
