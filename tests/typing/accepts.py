"""Right calls, with the types they have. The type checker is the test; pytest only imports this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_type

from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ALL_PORTS,
    ANYWHERE,
    DENY_ALL,
    Direction,
    EgressRule,
    IngressRule,
    IpBlock,
    NamedNamespace,
    Namespaces,
    NetworkPolicy,
    Peer,
    Pods,
    PodsIn,
    Ports,
    Requirement,
    Step,
    allow_dns,
    allow_from,
    allow_to,
    connection,
    default_deny,
    exists,
    in_,
    ip_block,
    namespace,
    namespaces,
    pods,
    sctp,
    tcp,
    udp,
    walkthrough,
)

assert_type(tcp(80), Ports)
assert_type(tcp("metrics"), Ports)
assert_type(tcp(8000, end_port=8999) | udp(53) | sctp(132), Ports)
assert_type(ALL_PORTS, Ports)

assert_type(in_("tier", "web", "api"), Requirement)
assert_type(pods(app="web"), Pods)
assert_type(pods({"k8s-app": "kube-dns"}, exists("tier"), app="web"), Pods)
assert_type(ALL_PODS, Pods)
assert_type(namespace("shop"), NamedNamespace)
assert_type(namespace("shop").pods(app="web"), PodsIn[NamedNamespace])
assert_type(namespaces(team="a"), Namespaces)
assert_type(namespaces(team="a").pods(app="web"), PodsIn[Namespaces])
assert_type(ALL_NAMESPACES.pods(app="web"), PodsIn[Namespaces])
assert_type(ip_block("203.0.113.0/24", except_=["203.0.113.7/32"]), IpBlock)

assert_type(allow_from(ANYWHERE, ports=tcp(80)), IngressRule)
assert_type(allow_from(pods(app="web"), namespace("monitoring"), ports=ALL_PORTS), IngressRule)
assert_type(allow_to(ip_block("10.0.0.0/8"), ALL_PODS, ports=tcp(443)), EgressRule)
peers: list[Peer] = [pods(app="web"), namespaces(team="a"), ip_block("::/0")]
assert_type(allow_to(*peers, ports=tcp(443)), EgressRule)

policy = NetworkPolicy(
    name="api",
    namespace="shop",
    pod_selector=pods(app="api"),
    ingress=[allow_from(ANYWHERE, ports=tcp(443))],
    egress=DENY_ALL,
    labels={"team": "a"},
)
assert_type(policy, NetworkPolicy)
assert_type(policy.labels, Mapping[str, str])
assert_type(policy.policy_types, tuple[Direction, ...])
assert_type(policy.rules(Direction.EGRESS), tuple[IngressRule | EgressRule, ...] | None)
assert_type(policy.to_manifest(), dict[str, Any])
assert_type(NetworkPolicy.from_manifest(policy.to_manifest()), NetworkPolicy)

rules: Sequence[IngressRule] = (allow_from(ALL_PODS, ports=tcp(80)),)
NetworkPolicy(name="a", namespace="b", pod_selector=ALL_PODS, ingress=rules)

assert_type(default_deny("shop", directions=[Direction.INGRESS]), NetworkPolicy)
assert_type(allow_dns("shop", clients=pods(app="web")), NetworkPolicy)
assert_type(walkthrough(Step.DENY_ALL), tuple[NetworkPolicy, ...])
assert_type(
    connection(namespace("shop").pods(app="web"), namespace("data"), tcp(5432)),
    tuple[NetworkPolicy, ...],
)
