"""Policies that nearly everyone needs: default deny, DNS, connections, the walkthrough.

A connection is allowed only where the egress of the client and the ingress of the server allow it;
`connection` writes both, and DNS for the client, so that allowing really allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final, assert_never

from podwall.policies.addresses import ip_block
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.manifest import peer_manifest, ports_manifest
from podwall.policies.policy import NetworkPolicy
from podwall.policies.ports import Ports, tcp, udp
from podwall.policies.rules import (
    ALL_NAMESPACES,
    ALL_PODS,
    DENY_ALL,
    DenyAll,
    Direction,
    IngressRule,
    NamedNamespace,
    Peer,
    Pods,
    PodsIn,
    allow_from,
    allow_to,
    pods,
)
from podwall.policies.wording import did_you_mean, refused, shown

__all__ = [
    "DNS_PORTS",
    "KUBE_DNS",
    "LOCAL_DNS",
    "PodGroup",
    "Step",
    "allow_dns",
    "connection",
    "default_deny",
    "walkthrough",
]


#: The cluster's DNS servers (CoreDNS on AKS).
KUBE_DNS: Final = NamedNamespace("kube-system").pods({"k8s-app": "kube-dns"})
#: AKS LocalDNS, which listens on the node itself, where no pod selector matches: its two addresses
#: are 169.254.10.10 and .11, and nothing else of the link-local network is opened:
#: https://learn.microsoft.com/azure/aks/localdns-custom
LOCAL_DNS: Final = ip_block("169.254.10.10/31")
#: DNS asks over UDP, and over TCP where an answer is long.
DNS_PORTS: Final[Ports] = udp(53) | tcp(53)

_BOTH: Final = (Direction.INGRESS, Direction.EGRESS)


def default_deny(
    namespace: str,
    *,
    directions: Collection[Direction] = _BOTH,
    name: str = "default-deny",
) -> NetworkPolicy:
    """Return the policy that isolates every pod of a namespace and allows nothing.

    Isolated egress needs `allow_dns`, or names stop resolving.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies

    >>> default_deny("shop").policy_types
    (<Direction.INGRESS: 'Ingress'>, <Direction.EGRESS: 'Egress'>)
    """
    return NetworkPolicy(
        name=name,
        namespace=namespace,
        pod_selector=ALL_PODS,
        ingress=DENY_ALL if Direction.INGRESS in directions else None,
        egress=DENY_ALL if Direction.EGRESS in directions else None,
    )


def allow_dns(
    namespace: str,
    *,
    clients: Pods = ALL_PODS,
    servers: Sequence[Peer] = (KUBE_DNS, LOCAL_DNS),
    name: str = "allow-dns",
) -> NetworkPolicy:
    """Return the policy that lets pods of a namespace resolve names, and isolates their egress.

    The servers are CoreDNS and AKS LocalDNS unless said otherwise. With Cilium 1.17 and newer a
    LocalDNS on the node cannot be allowed by a NetworkPolicy at all, only by a CiliumNetworkPolicy.
    """
    if not servers:
        raise InvalidValue(
            "no DNS server is given",
            help="leave `servers` out for CoreDNS and AKS LocalDNS",
            place=Place(path="spec.egress[0].to"),
            value=servers,
        )
    return NetworkPolicy(
        name=name,
        namespace=namespace,
        pod_selector=clients,
        egress=[allow_to(*servers, ports=DNS_PORTS)],
    )


class Step(StrEnum):
    """The steps of the walkthrough: what the backend's policy says."""

    OPEN = "open"
    DENY_ALL = "deny-all"
    SAME_NAMESPACE = "same-namespace"
    ANY_NAMESPACE = "any-namespace"
    OWN_NAMESPACE = "own-namespace"

    @classmethod
    def _missing_(cls, value: object) -> Step:
        raise InvalidValue(
            f"{shown(value)} is not a step of the walkthrough",
            help=did_you_mean(value, tuple(cls)),
            value=value,
        )


_HTTP: Final = tcp(80)


def walkthrough(step: Step, namespace: str = "starwind") -> tuple[NetworkPolicy, ...]:
    """Return the backend's policies at a step of the walkthrough; they always have the same name.

    >>> walkthrough(Step.OPEN)
    ()
    >>> [policy.name for policy in walkthrough(Step.DENY_ALL)]
    ['backend']
    """
    rules = _backend_ingress(Step(step), NamedNamespace(namespace))
    if rules is None:
        return ()
    backend = pods(app="webapp", role="backend")
    return (
        NetworkPolicy(name="backend", namespace=namespace, pod_selector=backend, ingress=rules),
    )


def _backend_ingress(step: Step, own: NamedNamespace) -> list[IngressRule] | DenyAll | None:
    frontend = {"app": "webapp", "role": "frontend"}
    match step:
        case Step.OPEN:
            return None
        case Step.DENY_ALL:
            return DENY_ALL
        case Step.SAME_NAMESPACE:
            return [allow_from(pods(frontend), ports=_HTTP)]
        case Step.ANY_NAMESPACE:
            return [allow_from(ALL_NAMESPACES.pods(frontend), ports=_HTTP)]
        case Step.OWN_NAMESPACE:
            return [allow_from(own.pods(frontend), ports=_HTTP)]
        case _:
            assert_never(step)


#: Pods of one namespace that is known by its name: all of them, or those with some labels.
PodGroup = NamedNamespace | PodsIn[NamedNamespace]

#: Leaves room in 63 characters for both, the digest and the direction.
_LONGEST_SLUG: Final = 18
_DIGEST: Final = 12


def connection(client: PodGroup, server: PodGroup, ports: Ports) -> tuple[NetworkPolicy, ...]:
    """Return the policies that let `client` connect to `server` on `ports`, and resolve its name.

    Two policies: the client's egress (to the server, and to DNS, which isolated egress needs) and
    the server's ingress. Both isolate: what no policy allows is then denied in that direction.
    Their names tell who connects to whom and end with a digest of the client, the server and the
    ports, so that they stay the same from run to run and never clash with another connection's.

    >>> from podwall.policies import namespace, tcp
    >>> shop = namespace("shop")
    >>> for policy in connection(shop.pods(app="web"), shop.pods(app="api"), tcp(8080)):
    ...     print(policy.namespace, policy.name)
    shop web-to-api-2d763bde31be-egress
    shop web-to-api-2d763bde31be-ingress
    """
    _check_group(client, "spec.podSelector")
    _check_group(server, "spec.egress[0].to[0]")
    outgoing = allow_to(server, ports=ports)
    name = _name(client, server, ports)
    egress = NetworkPolicy(
        name=f"{name}-egress",
        namespace=_namespace_of(client).name,
        pod_selector=_pods_of(client),
        egress=[outgoing, allow_to(KUBE_DNS, LOCAL_DNS, ports=DNS_PORTS)],
    )
    ingress = NetworkPolicy(
        name=f"{name}-ingress",
        namespace=_namespace_of(server).name,
        pod_selector=_pods_of(server),
        ingress=[allow_from(client, ports=ports)],
    )
    return (egress, ingress)


def _check_group(group: object, path: str) -> None:
    if isinstance(group, NamedNamespace):
        return
    if not isinstance(group, PodsIn) or not isinstance(group.namespaces, NamedNamespace):
        remedy = 'write `namespace("shop").pods(app="web")`'
        raise refused(path, group, "is not pods of a namespace that is named", remedy)


def _namespace_of(group: PodGroup) -> NamedNamespace:
    return group if isinstance(group, NamedNamespace) else group.namespaces


def _pods_of(group: PodGroup) -> Pods:
    return ALL_PODS if isinstance(group, NamedNamespace) else group.pods


def _name(client: PodGroup, server: PodGroup, ports: Ports) -> str:
    # Imported only for a name that is made up: it brings the whole of OpenSSL.
    from hashlib import sha256  # noqa: PLC0415 - as above

    identity = [peer_manifest(client), peer_manifest(server), ports_manifest(ports)]
    written = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    digest = sha256(written.encode()).hexdigest()[:_DIGEST]
    return f"{_slug(client)}-to-{_slug(server)}-{digest}"


def _slug(group: PodGroup) -> str:
    values = _pods_of(group).selector.match_labels.values()
    spoken = "-".join(values) or _namespace_of(group).name
    return re.sub(r"[^a-z0-9]+", "-", spoken.lower())[:_LONGEST_SLUG].strip("-") or "pods"
