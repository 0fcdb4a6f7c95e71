"""What is undetermined of Calico's own kinds, and what it refuses, of which nothing is enforced.

https://github.com/projectcalico/calico/tree/master/libcalico-go/lib/validator/v3
"""

from __future__ import annotations

import pytest

from podwall.model import IpProtocol
from podwall.reachability import Verdict
from podwall.reading import Document, snapshot
from tests.core.test_calico import (
    CRD,
    OPEN,
    PODS,
    V3,
    Manifest,
    found,
    made,
    own,
    rule,
    sources,
    wide,
)

HUGE = 10**5_000
"""A number that Python refuses to write."""


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"selector": "app = 'db'"}, "spec.selector"),
        ({"selector": "app == db"}, "spec.selector"),
        ({"selector": "app == 'db' &&"}, "spec.selector"),
        ({"selector": "app in {'a' 'b'}"}, "spec.selector"),
        ({"selector": "any()"}, "spec.selector"),
        ({"selector": "app == 'db'\n"}, "spec.selector"),
        ({"selector": "has (app)"}, "spec.selector"),
        ({"order": "first"}, "spec.order"),
        ({"types": ["ingress"]}, "spec.types"),
        ({"ingress": [{"action": "allow"}]}, "spec.ingress[0].action"),
        ({"ingress": [rule("Allow", nets=["10.0.0.0/33"])]}, "spec.ingress[0].source.nets[0]"),
        (
            {"ingress": [{"action": "Allow", "destination": {"ports": [80]}}]},
            "spec.ingress[0].destination.ports",
        ),
        (
            {"ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [0]}}]},
            "spec.ingress[0].destination.ports",
        ),
        (
            {"ingress": [rule("Allow", ports=[80])]},
            "spec.ingress[0].source.ports",
        ),
        (
            {"egress": [{"action": "Deny", "protocol": "TPC"}]},
            "spec.egress[0].protocol",
        ),
        *(
            (
                {
                    "ingress": [
                        {"action": "Allow", "protocol": "TCP", "destination": {"ports": [p]}}
                    ]
                },
                "spec.ingress[0].destination.ports",
            )
            for p in (70000, HUGE, "9" * 5_000, "\u00b2", "1:" + "9" * 5_000)
            for to in [{"ports": [p]}]
        ),
        ({"egress": [{"action": "Deny", "protocol": HUGE}]}, "spec.egress[0].protocol"),
        ({"egress": [{"action": "Deny", "protocol": "9" * 5_000}]}, "spec.egress[0].protocol"),
    ],
)
@pytest.mark.parametrize("api", [V3, CRD])
def test_what_calico_refuses_is_left_out_with_its_place(
    spec: Manifest, path: str, api: str
) -> None:
    written = made("NetworkPolicy", "p1", {"selector": "all()", **spec}, api, namespace="shop")
    read = snapshot([Document(written)])
    assert [(each.severity, each.place.path) for each in read.findings] == [("error", path)]
    assert read.snapshot.calico_policies == ()
    assert read.snapshot.unread_policies == ()


MIXED = [rule("Allow", nets=["10.0.0.0/8", "2001:db8::/32"])]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"ingress": MIXED}, "spec.ingress[0]"),
        (
            {"ingress": [{"action": "Allow", "ipVersion": 6, "source": {"nets": ["10.0.0.0/8"]}}]},
            "spec.ingress[0].ipVersion",
        ),
        ({"ingress": [{"action": "Allow", "icmp": {"type": 8}}]}, "spec.ingress[0].icmp"),
        (
            {"ingress": [rule("Allow", services={"name": "a"}, selector="all()")]},
            "spec.ingress[0].source.selector",
        ),
    ],
    ids=["both versions", "another version", "ICMP of no protocol", "a service and labels"],
)
def test_what_an_api_server_refuses_calico_itself_takes(spec: Manifest, path: str) -> None:
    """The definitions are checked by Calico alone, which reads each version by itself."""
    for api, errors in ((V3, [path]), (CRD, [])):
        read = snapshot([Document(made("NetworkPolicy", "p1", spec, api, namespace="shop"))])
        assert [each.place.path for each in read.findings] == errors
    assert sources(found(own(api=CRD, types=["Ingress"], ingress=MIXED))) == {*PODS} - {"shop/db"}


def undetermined(*objects: Manifest, engine: str = "calico") -> bool:
    reach = found(*objects, engine=engine)
    verdict = reach.verdict("bank/api", "shop/db", IpProtocol.TCP, 80)
    return verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    "objects",
    [
        [own(ingress=[{"action": "Allow", "http": {"methods": ["GET"]}}])],
        [own(ingress=[rule("Allow", namespaceSelector="all()", nets=["10.0.0.0/8"])])],
        [own(ingress=[rule("Allow", ports=[1234]) | {"protocol": "TCP"}])],
        [own(ingress=[rule("Allow", notPorts=[1234]) | {"protocol": "TCP"}])],
        [own(ingress=[{"action": "Allow", "ipVersion": 4}])],
        [own(ingress=[{"action": "Allow", "destination": {"services": {"name": "db"}}}])],
        [own(tier="elsewhere", ingress=[rule("Deny")])],
        [wide(doNotTrack=True, applyOnForward=True, ingress=[rule("Deny")])],
        [wide(applyOnForward=True, ingress=[rule("Deny")])],
        [wide(order=1000, name="x", ingress=[rule("Deny")]), OPEN],
        [wide(name="p2", order=5, ingress=[rule("Deny")]), own(order=5, ingress=[rule("Allow")])],
        [wide(name="a-b", order=5, ingress=[rule("Deny")]),
         wide(name="a", order=5, ingress=[rule("Allow")])],
        [own(newField=True)],
    ],
    ids=[
        "requests", "addresses beside labels", "ports of the source", "but some ports of it",
        "one of two versions of IP", "the own pods by a service", "an unknown tier",
        "host endpoints", "forwarded by hosts", "the order of NetworkPolicies",
        "one order, a namespace or none", "one order, names of which one begins the other",
        "a field that came later",
    ],
)  # fmt: skip
def test_what_is_not_known_is_undetermined(objects: list[Manifest]) -> None:
    assert undetermined(*objects)
