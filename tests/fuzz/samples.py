"""Sound documents of every kind that podwall reads, as trees: what the fuzz tests change.

Manifests of all kinds that matter are written here once, with every field that a reader knows;
previews, events and states are those that a real engine wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["ENGINE", "EXPECTATIONS", "MANIFESTS", "recorded"]

ENGINE: Final = Path(__file__).parents[1] / "data" / "engine"
_TEMPLATE: Final[dict[str, Any]] = {
    "metadata": {"labels": {"app": "web", "tier": "front"}},
    "spec": {
        "hostNetwork": False,
        "containers": [
            {
                "name": "web",
                "image": "web:1",
                "env": [{"name": "TOKEN", "value": "x"}],
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            }
        ],
        "initContainers": [{"name": "proxy", "restartPolicy": "Always", "ports": []}],
    },
}
_POLICY: Final = {
    "podSelector": {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}],
    },
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [
        {
            "from": [
                {"podSelector": {}, "namespaceSelector": {"matchLabels": {"team": "a"}}},
                {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
            ],
            "ports": [{"port": "http"}, {"port": 80, "endPort": 90, "protocol": "UDP"}],
        }
    ],
    "egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}],
}


def _object(version: str, kind: str, name: str, **parts: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "shop",
        "labels": {"app": name},
        "annotations": {"a": ""},
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


_CILIUM: Final = {
    "endpointSelector": _POLICY["podSelector"],
    "ingress": [
        {
            "fromEndpoints": [{"matchLabels": {"k8s:app": "api"}}],
            "toPorts": [
                {
                    "ports": [{"port": "8080", "endPort": 8090, "protocol": "TCP"}],
                    "rules": {"http": [{"method": "GET", "path": "/"}]},
                }
            ],
        },
        {"fromEntities": ["world", "host"], "icmps": [{"fields": [{"type": 8, "family": "IPv4"}]}]},
    ],
    "ingressDeny": [{"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}]}],
    "egress": [
        {"toFQDNs": [{"matchPattern": "*.example.com"}]},
        {"toServices": [{"k8sService": {"serviceName": "web", "namespace": "shop"}}]},
        {"toCIDR": ["192.0.2.0/24"], "toPorts": [{"ports": [{"port": "http"}]}]},
    ],
}
_CALICO: Final = {
    "tier": "platform",
    "order": 10,
    "selector": "app == 'web' && has(tier)",
    "types": ["Ingress", "Egress"],
    "ingress": [
        {
            "action": "Deny",
            "protocol": "TCP",
            "source": {"selector": "app in {'a', 'b'}", "notNets": ["10.1.0.0/16"]},
            "destination": {"ports": [80, "90:95", "http"]},
        }
    ],
    "egress": [{"action": "Pass", "destination": {"namespaceSelector": "team == 'a'"}}],
}


def _tier_policy(version: str, kind: str, name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"app": name}}
    group = f"policy.networking.k8s.io/{version}"
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


_TEAM: Final = {"namespaces": {"matchLabels": {"team": "a"}}}
_PODS: Final = {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}}
_CROSSING: Final = {
    "subject": _TEAM,
    "ingress": [{"name": "n", "action": "Deny", "from": [_PODS], "ports": []}],
    "egress": [
        {
            "action": "Allow",
            "to": [{"networks": ["10.0.0.0/8"]}],
            "ports": [{"portNumber": {"protocol": "TCP", "port": 80}}],
        }
    ],
}
_OTHER_POLICIES: Final = (
    _object("cilium.io/v2", "CiliumNetworkPolicy", "c", spec=_CILIUM),
    _object("projectcalico.org/v3", "NetworkPolicy", "platform.c", spec=_CALICO),
    {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "platform.all"},
        "spec": _CALICO,
    },
    {
        "apiVersion": "projectcalico.org/v3",
        "kind": "Tier",
        "metadata": {"name": "platform"},
        "spec": {"order": 5, "defaultAction": "Pass"},
    },
    _object("projectcalico.org/v3", "NetworkSet", "set", spec={"nets": ["203.0.113.0/24"]}),
    _tier_policy("v1alpha1", "AdminNetworkPolicy", "admin", priority=5, **_CROSSING),
    _tier_policy("v1alpha1", "BaselineAdminNetworkPolicy", "default", **_CROSSING),
    _tier_policy(
        "v1alpha2",
        "ClusterNetworkPolicy",
        "wide",
        tier="Admin",
        priority=7,
        subject=_TEAM,
        ingress=[{"action": "Pass", "from": [_PODS]}],
    ),
)
_SELECTOR: Final = {"matchLabels": {"app": "web"}}
_JOB: Final = {"template": _TEMPLATE}
_SERVED: Final = [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080}]
MANIFESTS: Final[Mapping[str, Any]] = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {}}},
        _object(
            "apps/v1", "Deployment", "web", spec={"replicas": 2, "selector": _SELECTOR, **_JOB}
        ),
        _object("apps/v1", "StatefulSet", "db", spec={"selector": _SELECTOR, **_JOB}),
        _object("apps/v1", "ReplicaSet", "rs", spec={"selector": _SELECTOR, **_JOB}),
        _object("batch/v1", "CronJob", "nightly", spec={"jobTemplate": {"spec": _JOB}}),
        _object(
            "v1",
            "Pod",
            "api",
            spec=_TEMPLATE["spec"] | {"nodeName": "node-1"},
            status={"podIP": "10.244.0.3", "podIPs": [{"ip": "10.244.0.3"}], "phase": "Running"},
        ),
        _object(
            "v1",
            "Node",
            "node-1",
            spec={"podCIDR": "10.244.0.0/24"},
            status={"addresses": [{"type": "InternalIP", "address": "10.224.0.4"}]},
        ),
        _object(
            "v1",
            "Service",
            "web",
            spec={
                "type": "LoadBalancer",
                "selector": {"app": "web"},
                "ports": _SERVED,
                "loadBalancerSourceRanges": ["1.2.3.0/24"],
                "externalIPs": ["1.2.3.4"],
                "externalTrafficPolicy": "Local",
            },
        ),
        _object("networking.k8s.io/v1", "NetworkPolicy", "web", spec=_POLICY),
        *_OTHER_POLICIES,
        _object("argoproj.io/v1alpha1", "Rollout", "r", spec={"selector": _SELECTOR, **_JOB}),
        _object(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "hook",
            webhooks=[
                {
                    "name": "a.b.c",
                    "clientConfig": {"service": {"name": "web", "namespace": "shop", "port": 443}},
                }
            ],
        ),
    ],
}
"""One object of every kind that is read or counted, with the fields that its reader knows."""

EXPECTATIONS: Final[Mapping[str, Any]] = {
    "expectations": [
        {"name": "one", "from": "shop/web", "to": "shop/db", "ports": 8080, "expect": "allowed"},
        {
            "name": "two",
            "only": ["shop/web", {"namespace": "shop", "labels": {"app": "api"}}],
            "to": {"namespace": "shop", "labels": {"app": "db"}},
            "ports": ["http", "53/udp", "80-90"],
        },
        {"name": "three", "from": "internet", "to": "shop/db", "expect": "denied"},
        {"name": "four", "from": "outside shop", "to": "shop/api", "expect": "denied"},
    ]
}


def recorded(name: str) -> Any:
    """Return a document of a real engine: a preview or a state, or its events in a list."""
    text = (ENGINE / name).read_text("utf-8")
    if name.endswith(".events.json"):
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)
