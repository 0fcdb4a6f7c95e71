"""The typed NetworkPolicy language: what is written. Pure Python, standard library only.

    from podwall.policies import DENY_ALL, NetworkPolicy, allow_from, pods, tcp

    api = NetworkPolicy(
        name="api",
        namespace="shop",
        pod_selector=pods(app="api"),
        ingress=[allow_from(pods(app="web"), ports=tcp(8080))],
        egress=DENY_ALL,
    )

Everything has a name (`ALL_PODS`, `ALL_NAMESPACES`, `ANYWHERE`, `ALL_PORTS`, `DENY_ALL`); emptiness
never means everything. A value that Kubernetes would refuse is refused where it is written.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from podwall.policies.addresses import ANYWHERE, IpBlock, ip_block
    from podwall.policies.cilium_policy import (
        CiliumNetworkPolicy,
        CiliumRule,
        Entity,
        HttpRequest,
        ask_names,
        entities_from,
        entities_to,
        http,
        names_to,
        pods_from,
        pods_to,
        requests_from,
    )
    from podwall.policies.cluster_policy import ClusterNetworkPolicy, check_priorities
    from podwall.policies.cluster_rules import (
        ClusterEgressRule,
        ClusterIngressRule,
        PolicyTier,
        TierAction,
        accept_from,
        accept_to,
        deny_from,
        deny_to,
        pass_from,
        pass_to,
    )
    from podwall.policies.errors import (
        Finding,
        InvalidManifest,
        InvalidValue,
        MissingExtra,
        Place,
        PodwallError,
        Severity,
        SourceError,
    )
    from podwall.policies.labels import (
        Labels,
        LabelSelector,
        Operator,
        Requirement,
        does_not_exist,
        exists,
        in_,
        not_in,
    )
    from podwall.policies.policy import NetworkPolicy
    from podwall.policies.ports import (
        ALL_PORTS,
        ALL_SCTP_PORTS,
        ALL_TCP_PORTS,
        ALL_UDP_PORTS,
        Port,
        Ports,
        Protocol,
        sctp,
        tcp,
        udp,
    )
    from podwall.policies.presets import (
        DNS_PORTS,
        KUBE_DNS,
        LOCAL_DNS,
        Step,
        allow_dns,
        connection,
        default_deny,
        walkthrough,
    )
    from podwall.policies.rules import (
        ALL_NAMESPACES,
        ALL_PODS,
        DENY_ALL,
        Direction,
        EgressRule,
        IngressRule,
        NamedNamespace,
        Namespaces,
        Peer,
        Pods,
        PodsIn,
        allow_from,
        allow_to,
        namespace,
        namespaces,
        pods,
    )

__all__ = [
    "ALL_NAMESPACES",
    "ALL_PODS",
    "ALL_PORTS",
    "ALL_SCTP_PORTS",
    "ALL_TCP_PORTS",
    "ALL_UDP_PORTS",
    "ANYWHERE",
    "DENY_ALL",
    "DNS_PORTS",
    "KUBE_DNS",
    "LOCAL_DNS",
    "CiliumNetworkPolicy",
    "CiliumRule",
    "ClusterEgressRule",
    "ClusterIngressRule",
    "ClusterNetworkPolicy",
    "Direction",
    "EgressRule",
    "Entity",
    "Finding",
    "HttpRequest",
    "IngressRule",
    "InvalidManifest",
    "InvalidValue",
    "IpBlock",
    "LabelSelector",
    "Labels",
    "MissingExtra",
    "NamedNamespace",
    "Namespaces",
    "NetworkPolicy",
    "Operator",
    "Peer",
    "Place",
    "Pods",
    "PodsIn",
    "PodwallError",
    "PolicyTier",
    "Port",
    "Ports",
    "Protocol",
    "Requirement",
    "Severity",
    "SourceError",
    "Step",
    "TierAction",
    "accept_from",
    "accept_to",
    "allow_dns",
    "allow_from",
    "allow_to",
    "ask_names",
    "check_priorities",
    "connection",
    "default_deny",
    "deny_from",
    "deny_to",
    "does_not_exist",
    "entities_from",
    "entities_to",
    "exists",
    "http",
    "in_",
    "ip_block",
    "names_to",
    "namespace",
    "namespaces",
    "not_in",
    "pass_from",
    "pass_to",
    "pods",
    "pods_from",
    "pods_to",
    "requests_from",
    "sctp",
    "tcp",
    "udp",
    "walkthrough",
]

_DEFINED_IN: Final = {
    "addresses": (
        "ANYWHERE",
        "IpBlock",
        "ip_block",
    ),
    "cilium_policy": (
        "CiliumNetworkPolicy",
        "CiliumRule",
        "Entity",
        "HttpRequest",
        "ask_names",
        "entities_from",
        "entities_to",
        "http",
        "names_to",
        "pods_from",
        "pods_to",
        "requests_from",
    ),
    "cluster_policy": ("ClusterNetworkPolicy", "check_priorities"),
    "cluster_rules": (
        "ClusterEgressRule",
        "ClusterIngressRule",
        "PolicyTier",
        "TierAction",
        "accept_from",
        "accept_to",
        "deny_from",
        "deny_to",
        "pass_from",
        "pass_to",
    ),
    "errors": (
        "Finding",
        "InvalidManifest",
        "InvalidValue",
        "MissingExtra",
        "Place",
        "PodwallError",
        "Severity",
        "SourceError",
    ),
    "labels": (
        "Labels",
        "LabelSelector",
        "Operator",
        "Requirement",
        "does_not_exist",
        "exists",
        "in_",
        "not_in",
    ),
    "policy": ("NetworkPolicy",),
    "ports": (
        "ALL_PORTS",
        "ALL_SCTP_PORTS",
        "ALL_TCP_PORTS",
        "ALL_UDP_PORTS",
        "Port",
        "Ports",
        "Protocol",
        "sctp",
        "tcp",
        "udp",
    ),
    "presets": (
        "DNS_PORTS",
        "KUBE_DNS",
        "LOCAL_DNS",
        "Step",
        "allow_dns",
        "connection",
        "default_deny",
        "walkthrough",
    ),
    "rules": (
        "ALL_NAMESPACES",
        "ALL_PODS",
        "NamedNamespace",
        "Namespaces",
        "Peer",
        "Pods",
        "PodsIn",
        "namespace",
        "namespaces",
        "pods",
        "DENY_ALL",
        "Direction",
        "EgressRule",
        "IngressRule",
        "allow_from",
        "allow_to",
    ),
}
_MODULES: Final = {name: module for module, names in _DEFINED_IN.items() for name in names}


def _on_first_use(name: str) -> Any:
    """Return a name, whose module is imported only now: an error needs no presets (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


if not TYPE_CHECKING:  # a type checker takes every name from a `__getattr__` that it sees
    __getattr__ = _on_first_use


def __dir__() -> list[str]:
    return list(__all__)
