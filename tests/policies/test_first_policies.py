"""The first policies a newcomer writes become the documents they would have written by hand."""

from __future__ import annotations

from tests.typing.first_policies import api, default_deny

NAME = "kubernetes.io/metadata.name"


def test_default_deny_is_that_of_the_kubernetes_documentation() -> None:
    assert default_deny.to_manifest()["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_every_peer_and_port_is_where_it_belongs() -> None:
    spec = api.to_manifest()["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": "api"}}
    assert spec["ingress"] == [
        {
            "from": [{"podSelector": {"matchLabels": {"app": "web"}}}],
            "ports": [{"protocol": "TCP", "port": 8080}],
        },
        {
            "from": [
                {
                    "namespaceSelector": {"matchLabels": {NAME: "monitoring"}},
                    "podSelector": {"matchLabels": {"app": "prometheus"}},
                }
            ],
            "ports": [{"protocol": "TCP", "port": "metrics"}],
        },
    ]
    assert spec["egress"][2] == {
        "to": [{"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.7/32"]}}],
        "ports": [{"protocol": "TCP", "port": 443}],
    }
