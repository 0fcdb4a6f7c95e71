"""Hypothesis strategies for everything that the public API can write.

Small alphabets on purpose: equal keys, overlapping blocks and neighbouring ports are where the
surprises are.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from hypothesis import strategies as st

from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ALL_PORTS,
    ALL_SCTP_PORTS,
    ALL_TCP_PORTS,
    ALL_UDP_PORTS,
    ANYWHERE,
    DENY_ALL,
    EgressRule,
    IngressRule,
    IpBlock,
    NamedNamespace,
    NetworkPolicy,
    Peer,
    Pods,
    Ports,
    Requirement,
    allow_from,
    allow_to,
    does_not_exist,
    exists,
    in_,
    ip_block,
    namespace,
    namespaces,
    not_in,
    pods,
    sctp,
    tcp,
    udp,
)
from podwall.policies.addresses import IpNetwork, unmapped
from podwall.policies.presets import PodGroup
from podwall.policies.rules import METADATA_NAME

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)
NAMESPACE_NAMES = st.sampled_from(["shop", "kube-system", "a"]) | NAMES
POLICY_NAMES = st.lists(NAMES, min_size=1, max_size=3).map(".".join)

LABEL_KEYS = st.sampled_from(["app", "role", "k8s-app", "example.com/tier", METADATA_NAME])
LABEL_VALUES = st.sampled_from(["", "web", "api", "v1.2_3-b", "A"])
LABELS = st.dictionaries(LABEL_KEYS, LABEL_VALUES, max_size=3)
ANNOTATIONS = st.dictionaries(LABEL_KEYS, st.text(max_size=12), max_size=2)


def _several(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


REQUIREMENTS: st.SearchStrategy[Requirement] = st.one_of(
    st.builds(lambda key, values: in_(key, *values), LABEL_KEYS, _several(LABEL_VALUES)),
    st.builds(lambda key, values: not_in(key, *values), LABEL_KEYS, _several(LABEL_VALUES)),
    st.builds(exists, LABEL_KEYS),
    st.builds(does_not_exist, LABEL_KEYS),
)
CONDITIONS = st.tuples(LABELS, st.lists(REQUIREMENTS, max_size=3, unique=True)).filter(any)

PODS: st.SearchStrategy[Pods] = st.just(ALL_PODS) | CONDITIONS.map(
    lambda conditions: pods(conditions[0], *conditions[1])
)

PORT_NAMES = st.sampled_from(["http", "metrics", "a", "8080-tcp", "x-11"])
PORT_NUMBERS = st.integers(1, 65535) | st.integers(79, 83)
_RANGES = st.tuples(PORT_NUMBERS, PORT_NUMBERS).map(sorted)


def _ports_of(protocol: Any) -> st.SearchStrategy[Ports]:
    return st.one_of(
        st.builds(protocol, PORT_NUMBERS),
        st.builds(protocol, PORT_NAMES),
        _RANGES.map(lambda ends: protocol(ends[0], end_port=ends[1])),
    )


SINGLE_PORTS: st.SearchStrategy[Ports] = st.one_of(
    _ports_of(tcp),
    _ports_of(udp),
    _ports_of(sctp),
    st.sampled_from([ALL_TCP_PORTS, ALL_UDP_PORTS, ALL_SCTP_PORTS]),
)


def _united(ports: list[Ports]) -> Ports:
    union = ports[0]
    for each in ports[1:]:
        union = union | each
    return union


PORTS: st.SearchStrategy[Ports] = st.just(ALL_PORTS) | st.lists(
    SINGLE_PORTS, min_size=1, max_size=3
).map(_united)


def _is_one_family(network: IpNetwork) -> bool:
    # The builder refuses IPv4 blocks that are written as IPv6.
    return unmapped(network) == network


@st.composite
def _networks(draw: st.DrawFn) -> IpNetwork:
    address: IPv4Address | IPv6Address = draw(st.ip_addresses(v=4) | st.ip_addresses(v=6))
    length = draw(st.integers(0, address.max_prefixlen))
    return ip_network((address, length), strict=False)


NETWORKS = _networks().filter(_is_one_family)


@st.composite
def _inside(draw: st.DrawFn, block: IpNetwork) -> IpNetwork:
    address = block[draw(st.integers(0, block.num_addresses - 1))]
    length = draw(st.integers(block.prefixlen + 1, block.max_prefixlen))
    return ip_network((address, length), strict=False)


@st.composite
def ip_blocks(draw: st.DrawFn) -> IpBlock:
    """Draw a block of either family, with exceptions inside it."""
    block = draw(NETWORKS)
    if block.prefixlen == block.max_prefixlen:
        return ip_block(block)
    smaller = _inside(block).filter(_is_one_family)
    return ip_block(block, except_=draw(st.lists(smaller, max_size=2, unique=True)))


def _is_more_than_a_name(conditions: tuple[dict[str, str], list[Requirement]]) -> bool:
    # The builder refuses a second way to write `namespace(name)`.
    return bool(conditions[1]) or set(conditions[0]) != {METADATA_NAME}


NAMED_NAMESPACES: st.SearchStrategy[NamedNamespace] = NAMESPACE_NAMES.map(namespace)
LABELLED_NAMESPACES = CONDITIONS.filter(_is_more_than_a_name).map(
    lambda conditions: namespaces(conditions[0], *conditions[1])
)
POD_GROUPS: st.SearchStrategy[PodGroup] = NAMED_NAMESPACES | st.builds(
    lambda name, conditions: namespace(name).pods(conditions[0], *conditions[1]),
    NAMESPACE_NAMES,
    CONDITIONS,
)
PEERS: st.SearchStrategy[Peer] = st.one_of(
    PODS,
    POD_GROUPS,
    st.just(ALL_NAMESPACES),
    LABELLED_NAMESPACES,
    st.builds(
        lambda spaces, conditions: spaces.pods(conditions[0], *conditions[1]),
        st.just(ALL_NAMESPACES) | LABELLED_NAMESPACES,
        CONDITIONS,
    ),
    ip_blocks(),
)
_SEVERAL_PEERS = st.lists(PEERS, min_size=1, max_size=3, unique=True)

INGRESS_RULES: st.SearchStrategy[IngressRule] = st.one_of(
    st.builds(lambda ports: allow_from(ANYWHERE, ports=ports), PORTS),
    st.builds(lambda peers, ports: allow_from(*peers, ports=ports), _SEVERAL_PEERS, PORTS),
)
EGRESS_RULES: st.SearchStrategy[EgressRule] = st.one_of(
    st.builds(lambda ports: allow_to(ANYWHERE, ports=ports), PORTS),
    st.builds(lambda peers, ports: allow_to(*peers, ports=ports), _SEVERAL_PEERS, PORTS),
)


@st.composite
def network_policies(draw: st.DrawFn) -> NetworkPolicy:
    """Draw any policy that the language can write."""
    ingress = draw(
        st.none() | st.just(DENY_ALL) | st.lists(INGRESS_RULES, min_size=1, max_size=3, unique=True)
    )
    said = st.just(DENY_ALL) | st.lists(EGRESS_RULES, min_size=1, max_size=3, unique=True)
    egress = draw(said if ingress is None else st.none() | said)
    return NetworkPolicy(
        name=draw(POLICY_NAMES),
        namespace=draw(NAMESPACE_NAMES),
        pod_selector=draw(PODS),
        ingress=ingress,
        egress=egress,
        labels=draw(LABELS),
        annotations=draw(ANNOTATIONS),
    )
