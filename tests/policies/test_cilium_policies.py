"""What a typed CiliumNetworkPolicy writes, and what it refuses to be.

https://docs.cilium.io/en/stable/security/policy/language/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from podwall.model import IpProtocol
from podwall.policies import (
    ALL_PODS,
    ALL_PORTS,
    CiliumNetworkPolicy,
    Entity,
    InvalidValue,
    allow_from,
    ask_names,
    entities_from,
    entities_to,
    exists,
    http,
    names_to,
    namespace,
    namespaces,
    pods,
    requests_from,
    sctp,
    tcp,
    udp,
)
from podwall.reachability import Verdict, reachability
from podwall.reading import Document, snapshot
from tests.core.test_cilium import NODE, WORLD, cluster

ANY: Any = None


def policy(**rules: Any) -> CiliumNetworkPolicy:
    return CiliumNetworkPolicy(name="p", namespace="shop", pod_selector=pods(app="web"), **rules)


def test_everything_that_can_be_said_is_written_in_one_form() -> None:
    written = policy(
        ingress=[
            requests_from(namespace("bank").pods(exists("tier"), app="api"), http("GET", "/v1/.*"),
                          ports=tcp(80)),
            entities_from(Entity.WORLD, ports=tcp(443)),
        ],
        egress=[names_to("API.example.org.", "*.example.net", ports=tcp(443)), ask_names(),
                entities_to(Entity.HOST, Entity.REMOTE_NODE, ports=ALL_PORTS)],
        labels={"team": "a"},
    ).to_manifest()  # fmt: skip
    assert written["metadata"] == {"name": "p", "namespace": "shop", "labels": {"team": "a"}}
    assert written["spec"]["endpointSelector"] == {"matchLabels": {"app": "web"}}
    requests, world = written["spec"]["ingress"]
    assert requests["fromEndpoints"] == [
        {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "bank", "k8s:app": "api"},
         "matchExpressions": [{"key": "k8s:tier", "operator": "Exists"}]}
    ]  # fmt: skip
    assert requests["toPorts"] == [
        {"ports": [{"port": "80", "protocol": "TCP"}],
         "rules": {"http": [{"method": "GET", "path": "/v1/.*"}]}}
    ]  # fmt: skip
    assert world == {"fromEntities": ["world"],
                     "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}]}  # fmt: skip
    names, dns, nodes = written["spec"]["egress"]
    assert names["toFQDNs"] == [{"matchName": "api.example.org"}, {"matchPattern": "*.example.net"}]
    assert dns["toPorts"][0]["rules"] == {"dns": [{"matchPattern": "*"}]}
    assert nodes == {"toEntities": ["host", "remote-node"]}


def test_what_is_written_is_read_and_means_what_it_says() -> None:
    written = policy(
        ingress=[entities_from(Entity.WORLD, ports=tcp(443))],
        egress=[entities_to(Entity.HOST, Entity.REMOTE_NODE, ports=ALL_PORTS),
                names_to("api.example.org", ports=tcp(443)), ask_names()],
    )  # fmt: skip
    read = snapshot([Document(written.to_manifest())])
    assert (read.findings, len(read.snapshot.cilium_policies)) == ((), 1)
    found = reachability(cluster(written.to_manifest()), "cilium")
    asked = {
        (WORLD, "shop/web", 443): Verdict.ALLOWED,
        (WORLD, "shop/web", 80): Verdict.DENIED,
        ("bank/api", "shop/web", 443): Verdict.DENIED,
        ("shop/web", NODE, 9100): Verdict.ALLOWED,
        ("shop/web", "shop/db", 443): Verdict.DENIED,
        ("shop/web", WORLD, 443): Verdict.UNDETERMINED,
        ("shop/web", WORLD, 80): Verdict.DENIED,
    }
    said = {
        (source, destination, port): found.verdict(source, destination, IpProtocol.TCP, port)
        for source, destination, port in asked
    }
    assert said == asked


@pytest.mark.parametrize(
    ("make", "place", "words"),
    [
        (lambda: names_to("", ports=tcp(443)), "egress[].toFQDNs[0]", "is no name"),
        (lambda: names_to("a b", ports=tcp(443)), "egress[].toFQDNs[0]", "is no name"),
        (lambda: names_to("*", ports=tcp(443)), "egress[].toFQDNs[0]", "is every name"),
        (lambda: names_to("a.b", "a.b", ports=tcp(443)), "egress[].toFQDNs[1]", "given twice"),
        (lambda: names_to("a.b", ports=ANY), "egress[].toPorts", "is not a set of ports"),
        (lambda: entities_to("world", ports=tcp(1)), "egress[].toEntities[0]", "is no Entity"),  # type: ignore[arg-type] # refused at run time as well
        (lambda: entities_from(Entity.WORLD, Entity.WORLD, ports=tcp(1)),
         "ingress[].fromEntities[1]", "given twice"),
        (lambda: requests_from(namespaces(team="a"), http("GET", "/"), ports=tcp(80)),  # type: ignore[arg-type] # refused at run time as well
         "ingress[].fromEndpoints", "does not select pods"),
        (lambda: requests_from(ALL_PODS, http("GET", "/"), ports=ALL_PORTS), "toPorts",
         "are not some ports of TCP"),
        (lambda: requests_from(ALL_PODS, http("GET", "/"), ports=tcp(80) | udp(80)), "toPorts",
         "are not some ports of TCP"),
        (lambda: requests_from(ALL_PODS, http("GET", "/"), ports=sctp(80)), "toPorts",
         "are not some ports of TCP"),
        (lambda: http("get", "/"), "rules.http[].method", "is no method"),
        (lambda: http("GET", "v1"), "rules.http[].path", "is no path"),
        (lambda: http("GET", "/("), "rules.http[].path", "is no pattern"),
        (policy, "spec", "says nothing"),
        (lambda: policy(egress=[]), "spec.egress", "is empty"),
        (lambda: policy(ingress=[ask_names()]), "spec.ingress[0]", "not a rule of this direction"),
        (lambda: policy(egress=[allow_from(ALL_PODS, ports=ALL_PORTS)]), "spec.egress[0]",
         "is no CiliumRule"),
        (lambda: policy(egress=[ask_names(), ask_names()]), "spec.egress[1]", "given twice"),
        (lambda: policy(egress=[names_to("a.b", ports=tcp(443))]), "spec.egress",
         "nothing lets Cilium read DNS answers"),
    ],
)  # fmt: skip
def test_what_cilium_or_a_reader_would_not_understand_is_refused(
    make: Callable[[], object], place: str, words: str
) -> None:
    with pytest.raises(InvalidValue, match=words) as refused:
        make()
    assert refused.value.place.path == place
