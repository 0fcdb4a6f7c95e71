"""Pods, nodes and replies: the numbered rules 27 to 29 and 34.

Rule 30 (all containers of a pod count alike) is about documents, and the reader's to hold.
"""

from __future__ import annotations

import pytest

from podwall.engines import SPEC
from podwall.model import IpProtocol, PortRule, Unknown
from podwall.reachability import Verdict, reachability
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    peers,
    pod,
    policy,
    reaches,
    selector,
    tcp,
    verdict,
)


def test_rule_27_the_relation_is_of_who_begins() -> None:
    """Replies of an allowed connection pass without a rule; a new connection back does not."""
    one_way = cluster(
        policy("x", selector(app="a"), ingress=(allow(peers(app="b")),)),
        policy("x", selector(app="b"), ingress=()),
    )
    assert reaches(one_way, "x/b -> x/a")
    assert not reaches(one_way, "x/a -> x/b")


class TestRule28ThePodsOwnNode:
    """'Traffic to and from the node where a Pod is running is always allowed'."""

    NODE = pod("x/node", host_network=True)

    def test_may_be_any_node_so_that_the_verdict_is_open(self) -> None:
        snapshot = cluster(self.NODE, pod("y/a"), policy("y", ingress=()))
        found = reachability(snapshot, SPEC).connection("x/node", "y/a")
        assert not found.allowed
        assert [(str(each.ports), "own node" in each.because) for each in found.undetermined] == [
            ("all ports", True)
        ]

    def test_no_selector_speaks_of_nodes(self) -> None:
        rule = allow(peers(app="node"), ports=(tcp(80),))
        snapshot = cluster(self.NODE, pod("x/a"), policy("x", ingress=(rule,)))
        assert verdict(snapshot, "x/node -> x/a") is Verdict.UNDETERMINED

    def test_a_rule_for_everyone_lets_every_node_in(self) -> None:
        rule = allow(ports=(tcp(80),))
        snapshot = cluster(self.NODE, pod("y/a"), policy("y", ingress=(rule,)))
        assert reaches(snapshot, "x/node -> y/a", 80)
        assert verdict(snapshot, "x/node -> y/a", 81) is Verdict.UNDETERMINED

    def test_policies_do_not_isolate_pods_on_the_host_network(self) -> None:
        deny = policy("x", EVERYTHING, ingress=(), egress=())
        snapshot = cluster(self.NODE, pod("y/a"), deny)
        assert reaches(snapshot, "y/a -> x/node")
        assert reaches(snapshot, "x/node -> y/a")
        assert reaches(snapshot, "x/node -> 0.0.0.0/0")


class TestRule29APodReachesItself:
    """As in https://github.com/kubernetes/kubernetes/issues/95879."""

    DENY = policy("x", ingress=(), egress=())

    def test_whatever_the_policies_say(self) -> None:
        assert reaches(cluster(pod("x/a"), self.DENY), "x/a -> x/a")

    @pytest.mark.parametrize("replicas", [2, 3, Unknown("the replicas")], ids=str)
    def test_but_two_pods_of_one_workload_are_two_pods(self, replicas: int | Unknown) -> None:
        several = pod("x/a", replicas=replicas)
        assert not reaches(cluster(several, self.DENY), "x/a -> x/a")
        own = policy("x", ingress=(allow(peers(app="a"), ports=(tcp(80),)),))
        found = reachability(cluster(several, own))
        assert str(found.connection("x/a", "x/a").allowed) == "TCP 80"

    def test_in_the_stream_at_its_place(self) -> None:
        snapshot = cluster(*(pod(f"x/{name}") for name in "abc"), self.DENY)
        told = [(c.source_id, c.destination_id) for c in reachability(snapshot).connections()]
        assert told == [(f"x/{name}", f"x/{name}") for name in "abc"]


class TestRule34DnsNeedsARuleOfItsOwn:
    DNS = (PortRule(IpProtocol.UDP, 53), PortRule(IpProtocol.TCP, 53))
    KUBE_DNS = pod("kube-system/coredns", labels={"k8s-app": "kube-dns"})

    def test_isolated_egress_cannot_resolve_names(self) -> None:
        snapshot = cluster(self.KUBE_DNS, pod("x/a"), policy("x", egress=()))
        assert not reaches(snapshot, "x/a -> kube-system/coredns", 53, IpProtocol.UDP)

    def test_a_selector_does_not_match_a_dns_cache_on_the_node(self) -> None:
        cache = pod("kube-system/cache", labels={"k8s-app": "kube-dns"}, host_network=True)
        everything = allow(peers(**{"k8s-app": "kube-dns"}), ports=self.DNS)
        snapshot = cluster(cache, pod("kube-system/a"), policy("kube-system", egress=(everything,)))
        flow = "kube-system/a -> kube-system/cache"
        assert verdict(snapshot, flow, 53, IpProtocol.UDP) is Verdict.UNDETERMINED
        assert verdict(snapshot, flow, 80, IpProtocol.UDP) is Verdict.UNDETERMINED

    def test_the_link_local_address_needs_a_block(self) -> None:
        rule = allow(block("169.254.10.0/24"), ports=self.DNS)
        snapshot = cluster(pod("x/a"), policy("x", egress=(rule,)))
        assert reaches(snapshot, "x/a -> 169.254.10.0/24", 53, IpProtocol.UDP)
        assert not reaches(snapshot, "x/a -> 169.254.10.0/24", 80)
