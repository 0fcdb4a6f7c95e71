"""Writing and reading are each other's inverse."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings

from podwall.policies import NetworkPolicy
from podwall.policies.policy import read
from tests.policies.strategies import network_policies


@given(network_policies())
def test_reading_what_was_written_gives_the_same_policy(policy: NetworkPolicy) -> None:
    again = NetworkPolicy.from_manifest(policy.to_manifest())
    assert again == policy
    assert hash(again) == hash(policy)


@settings(max_examples=20)
@given(network_policies())
def test_what_is_written_survives_json(policy: NetworkPolicy) -> None:
    document = policy.to_manifest()
    assert json.loads(json.dumps(document)) == document


@settings(max_examples=20)
@given(network_policies())
def test_reading_leaves_the_document_alone(policy: NetworkPolicy) -> None:
    document = policy.to_manifest()
    before = copy.deepcopy(document)
    read(document)
    assert document == before


@settings(max_examples=20)
@given(network_policies())
def test_a_written_document_shares_nothing_with_the_policy(policy: NetworkPolicy) -> None:
    first = policy.to_manifest()
    _empty(first)
    assert NetworkPolicy.from_manifest(policy.to_manifest()) == policy


def _empty(document: Any) -> None:
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, dict | list):
            _empty(value)
    document.clear()
