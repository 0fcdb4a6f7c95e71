"""What is suggested, case by case, and what is said where something can't be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from podwall.expectations import (
    ANYTHING,
    INTERNET,
    addresses,
    allowed,
    denied,
    only,
    outside,
    pods,
    workload,
)
from podwall.model import LabelMap
from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ANYWHERE,
    InvalidValue,
    NetworkPolicy,
    allow_from,
    allow_to,
    default_deny,
    ip_block,
    namespace,
    namespaces,
    not_in,
    tcp,
    udp,
)
from podwall.policies import pods as own
from podwall.policies.addresses import Anywhere
from podwall.suggest import Suggestion, suggest
from tests.core.builders import cluster, load_balancer, pod, policy, selector
from tests.suggest.shop import API, CALLS, DB, DNS, SHOP, WEB, found, named_policy, said

if TYPE_CHECKING:
    from podwall.policies import Peer


def test_both_sides_are_written_and_names_are_resolved() -> None:
    suggestion = found(CALLS)
    assert suggestion.policies == (
        default_deny("monitoring"),
        default_deny("shop"),
        NetworkPolicy(
            name="api",
            namespace="shop",
            pod_selector=own(app="api"),
            ingress=[allow_from(own(app="web"), ports=tcp(8080))],
        ),
        NetworkPolicy(
            name="web",
            namespace="shop",
            pod_selector=own(app="web"),
            egress=[allow_to(own(app="api"), ports=tcp(8080)), DNS],
        ),
    )
    assert said(suggestion) == []


@pytest.mark.parametrize(
    ("source", "peers"),
    [
        pytest.param(
            workload("monitoring/prometheus"),
            [namespace("monitoring").pods(app="prometheus")],
            id="a workload elsewhere",
        ),
        pytest.param(pods("monitoring"), [namespace("monitoring")], id="a namespace"),
        pytest.param(pods("shop"), [ALL_PODS], id="the own namespace"),
        pytest.param(
            pods(None, {"app": "web"}), [ALL_NAMESPACES.pods(app="web")], id="labels anywhere"
        ),
        pytest.param(addresses("203.0.113.0/24"), [ip_block("203.0.113.0/24")], id="addresses"),
        pytest.param(ANYTHING, [ANYWHERE], id="anything"),
        pytest.param(
            INTERNET,
            [
                ip_block(
                    "0.0.0.0/0",
                    except_=[
                        "0.0.0.0/8",
                        "10.0.0.0/8",
                        "100.64.0.0/10",
                        "127.0.0.0/8",
                        "169.254.0.0/16",
                        "172.16.0.0/12",
                        "192.168.0.0/16",
                        "224.0.0.0/3",
                    ],
                ),
                ip_block("2000::/3"),
            ],
            id="the internet",
        ),
    ],
)
def test_ends_are_peers(source: object, peers: list[Peer | Anywhere]) -> None:
    suggestion = found(allowed("in", source, DB, 5432))  # type: ignore[arg-type] # any selection
    ingress = named_policy(suggestion, "db").rules
    (rule,) = ingress(next(iter(named_policy(suggestion, "db").policy_types))) or ()
    assert (rule.peers if isinstance(rule.peers, tuple) else (rule.peers,)) == tuple(peers)
    assert said(suggestion) == []


def test_outside_a_namespace_leaves_the_addresses_of_its_pods_out() -> None:
    suggestion = found(allowed("in", outside("shop"), DB, 5432))
    elsewhere, ipv4, _ = _peers_of(suggestion, "db")
    assert elsewhere == namespaces(not_in("kubernetes.io/metadata.name", "shop"))
    assert ipv4 == ip_block("0.0.0.0/0", except_=["10.244.0.0/16"])
    assert said(suggestion) == []
    anywhere = replace(SHOP, pod_cidrs=())
    private = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
    careful = found(allowed("in", outside("shop"), DB, 5432), snapshot=anywhere)
    assert ip_block("0.0.0.0/0", except_=private) in _peers_of(careful, "db")
    assert said(careful) == ["error[expectation-not-met]"]
    known = suggest(SHOP, [allowed("in", outside("shop"), DB, 5432)], "cilium")
    assert ip_block("0.0.0.0/0") in _peers_of(known, "db")
    assert said(known) == []


def _peers_of(suggestion: Suggestion, name: str) -> tuple[Peer, ...]:
    one = named_policy(suggestion, name)
    rules = [rule for way in one.policy_types for rule in one.rules(way) or ()]
    return tuple(peer for rule in rules if isinstance(rule.peers, tuple) for peer in rule.peers)


def test_a_port_name_is_the_server_s_and_a_number_to_the_client() -> None:
    suggestion = found(allowed("scrape", workload("monitoring/prometheus"), API, "metrics"))
    assert named_policy(suggestion, "api").ingress == (
        allow_from(namespace("monitoring").pods(app="prometheus"), ports=tcp("metrics")),
    )
    assert named_policy(suggestion, "prometheus").egress == (
        allow_to(namespace("shop").pods(app="api"), ports=tcp(9090)),
        DNS,
    )


def test_what_is_alike_is_written_together() -> None:
    suggestion = found(
        CALLS,
        allowed("more", WEB, API, ["9090", "53/udp", "100-200"]),
        allowed("db too", DB, API, 8080),
    )
    ports = tcp(8080) | tcp(9090) | udp(53) | tcp(100, end_port=200)
    assert named_policy(suggestion, "api").ingress == (
        allow_from(own(app="web"), ports=ports),
        allow_from(own(app="db"), ports=tcp(8080)),
    )


def test_only_opens_what_it_names_and_refuses_the_rest() -> None:
    assert said(found(only("api alone", API, DB, 5432))) == []
    with pytest.raises(InvalidValue) as refused:
        found(only("api alone", API, DB, 5432), allowed("web too", WEB, DB, 5432))
    assert refused.value.message == (
        "`api alone` and `web too` contradict each other: shop/web -> shop/db on TCP 5432"
    )


def test_only_without_ports_opens_the_declared_ones_and_says_so() -> None:
    suggestion = found(only("api alone", API, DB))
    assert named_policy(suggestion, "db").ingress == (allow_from(own(app="api"), ports=tcp(5432)),)
    assert said(suggestion) == ["info[ports-not-stated]"]
    nothing = found(only("api alone", API, workload("monitoring/prometheus")))
    assert said(nothing) == ["error[ports-not-stated]", "error[expectation-not-met]"]


def test_a_contradiction_is_one_message() -> None:
    with pytest.raises(InvalidValue) as refused:
        found(CALLS, denied("web is alone", WEB, ANYTHING, 8080))
    assert refused.value.message == (
        "`web is alone` and `web calls` contradict each other: shop/web -> shop/api on TCP 8080"
    )


def test_denied_expectations_that_hold_are_held() -> None:
    assert said(found(CALLS, denied("no one else", DB, API), denied("out", INTERNET, DB))) == []


def test_a_client_that_may_not_ask_for_names_does_not() -> None:
    suggestion = found(CALLS, denied("web stays inside", WEB, outside("shop")))
    assert named_policy(suggestion, "web").egress == (allow_to(own(app="api"), ports=tcp(8080)),)
    assert said(suggestion) == ["warning[dns-denied]"] * 2


def test_what_no_policy_can_close_is_told() -> None:
    node = replace(pod("x/node"), host_network=True)
    suggestion = found(
        allowed("n", workload("x/node"), workload("x/c"), 80), snapshot=cluster(node, pod("x/c"))
    )
    assert said(suggestion)[0] == "warning[workload-on-host-network]"
    assert [each.name for each in suggestion.policies] == ["default-deny"]
    system = cluster(pod("kube-system/a"), pod("x/c"))
    assert said(found(snapshot=system)) == ["info[system-namespace]"]
    assert found(snapshot=system).policies == (default_deny("x"),)


def test_a_service_that_opens_past_the_policies_is_told() -> None:
    service = load_balancer("shop/web", 8080, selector(app="web"))
    snapshot = replace(SHOP, services=(service,))
    suggestion = suggest(snapshot, [CALLS], "azure")
    assert "error[open-beyond-intent]" in said(suggestion)
    assert said(suggest(snapshot, [CALLS], "cilium")) == []


def test_policies_that_are_there_are_replaced_or_left_over() -> None:
    snapshot = replace(
        SHOP,
        policies=(policy("shop", name="api", ingress=()), policy("shop", name="old", ingress=())),
    )
    suggestion = found(CALLS, snapshot=snapshot)
    assert [each.name for each in suggestion.replaced] == ["api"]
    assert [each.name for each in suggestion.left_over] == ["old"]


def test_names_are_names() -> None:
    snapshot = cluster(
        replace(pod("x/a"), name="web-GENERATED", labels=LabelMap.of({"app": "a"})),
        replace(pod("x/b"), name="default-deny", labels=LabelMap.of({"app": "b"})),
    )
    ends = [pods("x", {"app": "a"}), pods("x", {"app": "b"})]
    suggestion = found(allowed("all", ends, ends, 80), snapshot=snapshot)
    names = [each.name for each in suggestion.policies]
    assert sorted(names) == ["default-deny", "default-deny-2", "web-generated"]
