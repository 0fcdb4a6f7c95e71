"""Wrong calls, one a line, each of which the type checker must refuse.

`warn_unused_ignores` keeps this honest: a line that stops being an error is one. Nothing here is
ever run; what can be wrong beyond types is in tests/policies/test_refusals.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ALL_PORTS,
    ANYWHERE,
    DENY_ALL,
    ClusterNetworkPolicy,
    NetworkPolicy,
    PolicyTier,
    allow_dns,
    allow_from,
    allow_to,
    connection,
    default_deny,
    deny_from,
    deny_to,
    exists,
    in_,
    ip_block,
    namespace,
    namespaces,
    pods,
    tcp,
    udp,
    walkthrough,
)
from podwall.policies.labels import LabelSelector
from podwall.policies.rules import Namespaces, Pods

FROM = allow_from(ANYWHERE, ports=ALL_PORTS)
TO = allow_to(ANYWHERE, ports=ALL_PORTS)


class _Where(TypedDict):
    tier: PolicyTier
    priority: int
    subject: Namespaces


SUBJECT = _Where(tier=PolicyTier.ADMIN, priority=1, subject=ALL_NAMESPACES)

if TYPE_CHECKING:
    # Ports: all of them must be said, a name has no range, and a quoted number is not a number.
    allow_from(ALL_PODS)  # type: ignore[call-overload]  # no ports
    allow_to(ANYWHERE)  # type: ignore[call-overload]  # no ports
    allow_from(ALL_PODS, ports=None)  # type: ignore[call-overload]  # no ports
    allow_from(ALL_PODS, ports=80)  # type: ignore[call-overload]  # a number without a protocol
    allow_from(ALL_PODS, ports=[tcp(80), udp(53)])  # type: ignore[call-overload]  # unite with |
    tcp("http", end_port=90)  # type: ignore[call-overload]  # a range of a name
    tcp(8000, end_port="8999")  # type: ignore[call-overload]  # a quoted end
    tcp(8000, 8999)  # type: ignore[call-overload]  # an end without its name
    tcp(None)  # type: ignore[call-overload]  # every port is ALL_TCP_PORTS
    tcp()  # type: ignore[call-overload]  # every port is ALL_TCP_PORTS
    tcp(80) | 81  # type: ignore[operator]  # a number without a protocol

    # Peers: at least one, anywhere alone, and nothing that is not a peer.
    allow_from(ports=tcp(80))  # type: ignore[call-overload]  # no peer
    allow_from(ANYWHERE, pods(app="web"), ports=tcp(80))  # type: ignore[call-overload]  # not alone
    allow_from(pods(app="web"), ANYWHERE, ports=tcp(80))  # type: ignore[call-overload]  # not alone
    allow_from("web", ports=tcp(80))  # type: ignore[call-overload]  # a text
    allow_from({"app": "web"}, ports=tcp(80))  # type: ignore[call-overload]  # a mapping
    allow_from([ALL_PODS], ports=tcp(80))  # type: ignore[call-overload]  # a list
    allow_to("10.0.0.0/8", ports=tcp(80))  # type: ignore[call-overload]  # a text
    pods("app=web")  # type: ignore[arg-type]  # a text
    pods(app=1)  # type: ignore[arg-type]  # a number
    pods(app=["web", "api"])  # type: ignore[arg-type]  # several values are in_
    in_("app", ["web", "api"])  # type: ignore[arg-type]  # values are given one by one
    in_()  # type: ignore[call-arg]  # no key
    exists("app", "web")  # type: ignore[call-arg]  # a value
    namespace()  # type: ignore[call-arg]  # no name
    namespace(name="shop")  # type: ignore[call-arg]  # a label? no: a name is said by its place
    namespaces("shop")  # type: ignore[arg-type]  # a name is said by namespace
    pods(app="web").pods(app="web")  # type: ignore[attr-defined]  # pods have no pods
    namespace("shop").pods(app="web").pods(x="y")  # type: ignore[operator]  # twice
    ip_block("10.0.0.0/8", ["10.1.0.0/16"])  # type: ignore[call-arg]  # an exception without its name
    ip_block("10.0.0.0/8").pods(app="web")  # type: ignore[attr-defined]  # both is not possible
    Pods()  # type: ignore[call-arg]  # emptiness is said by ALL_PODS
    LabelSelector("app")  # type: ignore[arg-type]  # a text

    # Policies: everything by name, the two directions apart, and nothing said by emptiness.
    NetworkPolicy("a", "b", ALL_PODS)  # type: ignore[call-arg]  # by position
    NetworkPolicy(name="a", namespace="b", ingress=DENY_ALL)  # type: ignore[call-arg]  # no pods
    NetworkPolicy(name="a", pod_selector=ALL_PODS, ingress=DENY_ALL)  # type: ignore[call-arg]  # where
    NetworkPolicy(name="a", namespace=namespace("b"), pod_selector=ALL_PODS)  # type: ignore[arg-type]  # a peer
    NetworkPolicy(name="a", namespace="b", pod_selector={})  # type: ignore[arg-type]  # emptiness
    NetworkPolicy(name="a", namespace="b", pod_selector=None)  # type: ignore[arg-type]  # emptiness
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_NAMESPACES)  # type: ignore[arg-type]  # elsewhere
    NetworkPolicy(name="a", namespace="b", pod_selector=namespace("c").pods(d="e"))  # type: ignore[arg-type]  # elsewhere
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, ingress="all")  # type: ignore[arg-type]  # a text
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, ingress=ANYWHERE)  # type: ignore[arg-type]  # a peer
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, ingress=[ALL_PODS])  # type: ignore[list-item]  # a peer
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, ingress=FROM)  # type: ignore[arg-type]  # a list
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, ingress=[TO])  # type: ignore[list-item]  # egress
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, egress=[FROM])  # type: ignore[list-item]  # ingress
    NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, policy_types=["Ingress"])  # type: ignore[call-arg]  # said by the rules
    default_deny("shop").name = "other"  # type: ignore[misc]  # policies do not change

    # Policies with tiers: of which namespaces, in which tier, and no addresses of ingress.
    deny_from(ALL_NAMESPACES)  # type: ignore[call-arg]  # no ports
    deny_from(ports=ALL_PORTS)  # type: ignore[call-arg]  # no peer
    deny_from(ALL_PODS, ports=ALL_PORTS)  # type: ignore[arg-type]  # of which namespaces
    deny_from(ip_block("10.0.0.0/8"), ports=ALL_PORTS)  # type: ignore[arg-type]  # addresses
    deny_to(ANYWHERE, ports=ALL_PORTS)  # type: ignore[arg-type]  # no word of this API
    ClusterNetworkPolicy(name="a", priority=1, subject=ALL_NAMESPACES)  # type: ignore[call-arg]  # no tier
    ClusterNetworkPolicy(name="a", tier="Admin", priority=1, subject=ALL_NAMESPACES)  # type: ignore[arg-type]  # a text
    ClusterNetworkPolicy(name="a", tier=PolicyTier.ADMIN, subject=ALL_NAMESPACES)  # type: ignore[call-arg]  # no priority
    ClusterNetworkPolicy(name="a", tier=PolicyTier.ADMIN, priority=1, subject=ALL_PODS)  # type: ignore[arg-type]  # own pods

    ClusterNetworkPolicy(name="a", **SUBJECT, ingress=DENY_ALL)  # type: ignore[arg-type]  # isolation
    ClusterNetworkPolicy(name="a", **SUBJECT, ingress=[FROM])  # type: ignore[list-item]  # another kind's

    # Presets and connections.
    default_deny()  # type: ignore[call-arg]  # no namespace
    default_deny("shop", directions=["ingress"])  # type: ignore[list-item]  # a text
    allow_dns("shop", clients=namespace("shop"))  # type: ignore[arg-type]  # not the pods of it
    walkthrough("open")  # type: ignore[arg-type]  # a text
    connection(namespace("a"), namespace("b"))  # type: ignore[call-arg]  # no ports
    connection(pods(app="web"), namespace("b"), tcp(80))  # type: ignore[arg-type]  # pods of where
    connection(namespace("a"), namespaces(team="b"), tcp(80))  # type: ignore[arg-type]  # not by name
    connection(namespace("a"), ip_block("10.0.0.0/8"), tcp(80))  # type: ignore[arg-type]  # no pods
    connection(namespace("a"), ALL_NAMESPACES.pods(app="web"), tcp(80))  # type: ignore[arg-type]  # not by name
