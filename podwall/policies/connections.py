"""Connections: both sides of an allowed flow, so that allowing really allows."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Final

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.manifest import peer_manifest, ports_manifest
from podwall.policies.peers import ALL_PODS, Namespace, Pods, PodsIn
from podwall.policies.policy import NetworkPolicy
from podwall.policies.ports import Ports
from podwall.policies.presets import DNS_PORTS, KUBE_DNS, LOCAL_DNS
from podwall.policies.rules import allow_from, allow_to
from podwall.policies.wording import shown

__all__ = ["PodGroup", "connection"]

#: Pods of one namespace that is known by its name: all of them, or those with some labels.
PodGroup = Namespace | PodsIn[Namespace]

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
    if isinstance(group, Namespace):
        return
    if not isinstance(group, PodsIn) or not isinstance(group.namespaces, Namespace):
        raise InvalidValue(
            f"{shown(group)} is not pods of a namespace that is named",
            help='write `namespace("shop").pods(app="web")`',
            place=Place(path=path),
            value=group,
        )


def _namespace_of(group: PodGroup) -> Namespace:
    return group if isinstance(group, Namespace) else group.namespaces


def _pods_of(group: PodGroup) -> Pods:
    return ALL_PODS if isinstance(group, Namespace) else group.pods


def _name(client: PodGroup, server: PodGroup, ports: Ports) -> str:
    identity = [peer_manifest(client), peer_manifest(server), ports_manifest(ports)]
    written = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(written.encode()).hexdigest()[:_DIGEST]
    return f"{_slug(client)}-to-{_slug(server)}-{digest}"


def _slug(group: PodGroup) -> str:
    values = _pods_of(group).selector.match_labels.values()
    spoken = "-".join(values) or _namespace_of(group).name
    return re.sub(r"[^a-z0-9]+", "-", spoken.lower())[:_LONGEST_SLUG].strip("-") or "pods"
