"""Whatever the builder can write passes the transcription of the API server's validation.

That the transcription is right is held by test_api_server.py, on the answers of Kubernetes itself.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from podwall.policies import (
    NetworkPolicy,
    Ports,
    Step,
    allow_dns,
    connection,
    default_deny,
    walkthrough,
)
from podwall.policies.presets import PodGroup
from podwall.policies.validation import violations
from tests.policies.strategies import POD_GROUPS, PORTS, network_policies


@given(network_policies())
def test_nothing_is_to_be_noted_about_what_the_builder_writes(policy: NetworkPolicy) -> None:
    assert list(violations(policy.to_manifest())) == []


@given(POD_GROUPS, POD_GROUPS, PORTS)
def test_nothing_is_to_be_noted_about_a_connection(
    client: PodGroup, server: PodGroup, ports: Ports
) -> None:
    for policy in connection(client, server, ports):
        assert list(violations(policy.to_manifest())) == []


PRESETS = [
    default_deny("shop"),
    allow_dns("shop"),
    *(p for step in Step for p in walkthrough(step)),
]


@pytest.mark.parametrize("policy", PRESETS)
def test_nothing_is_to_be_noted_about_a_preset(policy: NetworkPolicy) -> None:
    assert list(violations(policy.to_manifest())) == []
