"""A connection is allowed on both sides, under names that stay and never clash."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from podwall.policies import (
    ALL_PODS,
    DNS_PORTS,
    KUBE_DNS,
    LOCAL_DNS,
    InvalidValue,
    NetworkPolicy,
    Ports,
    allow_from,
    allow_to,
    connection,
    namespace,
    pods,
    tcp,
    udp,
)
from podwall.policies.presets import PodGroup
from tests.policies.strategies import POD_GROUPS, PORTS

WEB = namespace("shop").pods(app="web")
API = namespace("shop").pods(app="api")

Sides = tuple[PodGroup, PodGroup, Ports]
SIDES = st.tuples(POD_GROUPS, POD_GROUPS, PORTS)


def test_the_client_may_send_to_the_server_and_ask_dns() -> None:
    egress, _ = connection(WEB, API, tcp(8080))
    assert (egress.namespace, egress.pod_selector) == ("shop", pods(app="web"))
    assert egress.egress == (
        allow_to(API, ports=tcp(8080)),
        allow_to(KUBE_DNS, LOCAL_DNS, ports=DNS_PORTS),
    )
    assert egress.ingress is None


def test_the_server_may_receive_from_the_client() -> None:
    _, ingress = connection(WEB, API, tcp(8080))
    assert (ingress.namespace, ingress.pod_selector) == ("shop", pods(app="api"))
    assert ingress.ingress == (allow_from(WEB, ports=tcp(8080)),)
    assert ingress.egress is None


def test_each_side_is_in_its_own_namespace() -> None:
    db = namespace("data").pods(app="db")
    egress, ingress = connection(WEB, db, tcp(5432))
    assert (egress.namespace, ingress.namespace) == ("shop", "data")


def test_a_whole_namespace_may_be_a_side() -> None:
    egress, ingress = connection(namespace("shop"), namespace("data"), tcp(5432))
    assert (egress.pod_selector, ingress.pod_selector) == (ALL_PODS, ALL_PODS)
    assert ingress.ingress == (allow_from(namespace("shop"), ports=tcp(5432)),)


def test_names_stay_the_same_from_release_to_release() -> None:
    names = [policy.name for policy in connection(WEB, API, tcp(8080))]
    assert names == ["web-to-api-2d763bde31be-egress", "web-to-api-2d763bde31be-ingress"]


def test_the_same_connection_has_the_same_policies() -> None:
    one = connection(WEB, API, udp(53) | tcp(53))
    assert one == connection(WEB, API, tcp(53) | udp(53))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(connection(WEB, API, tcp(8081)), id="another port"),
        pytest.param(connection(WEB, API, udp(8080)), id="another protocol"),
        pytest.param(connection(API, WEB, tcp(8080)), id="the other way round"),
        pytest.param(connection(WEB, namespace("b").pods(app="api"), tcp(8080)), id="elsewhere"),
    ],
)
def test_connections_that_differ_have_other_names(other: tuple[NetworkPolicy, ...]) -> None:
    names = {policy.name for policy in (*connection(WEB, API, tcp(8080)), *other)}
    assert len(names) == 4


@given(SIDES, SIDES)
def test_no_two_connections_share_a_name(one: Sides, two: Sides) -> None:
    assume(one != two)
    names = {policy.name for sides in (one, two) for policy in connection(*sides)}
    assert len(names) == 4


@given(POD_GROUPS, POD_GROUPS, PORTS)
def test_names_are_short_dns_labels(client: PodGroup, server: PodGroup, ports: Ports) -> None:
    for policy in connection(client, server, ports):
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", policy.name)


@pytest.mark.parametrize("side", [pods(app="web"), ALL_PODS, "shop", None])
def test_pods_of_no_named_namespace_are_refused(side: object) -> None:
    for client, server in ((side, API), (WEB, side)):
        with pytest.raises(InvalidValue) as caught:
            connection(client, server, tcp(80))  # type: ignore[arg-type]  # an untyped caller
        assert caught.value.value == side
        assert "namespace(" in caught.value.help


def test_ports_must_be_ports() -> None:
    with pytest.raises(InvalidValue):
        connection(WEB, API, 80)  # type: ignore[arg-type]  # an untyped caller
