"""What a typed CiliumNetworkPolicy writes, and what it refuses to be.

https://docs.cilium.io/en/stable/security/policy/language/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podwall.model import CiliumPolicy, IpProtocol
from podwall.policies import (
    ALL_PODS,
    ALL_PORTS,
    CiliumNetworkPolicy,
    CiliumRule,
    Entity,
    InvalidValue,
    Place,
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
    pods_from,
    pods_to,
    requests_from,
    sctp,
    tcp,
    udp,
)
from podwall.python_code import policies_module
from podwall.reachability import Verdict, reachability
from podwall.reading import Document, snapshot, typed_policies
from tests.core.test_cilium import NODE, WORLD, cluster
from tests.policies.strategies import (
    ANNOTATIONS,
    LABELS,
    NAMESPACE_NAMES,
    POD_GROUPS,
    PODS,
    POLICY_NAMES,
    PORTS,
)
from tests.python_code.modules import judged_by_ruff, scope_of

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


NAMES = st.sampled_from(["api.example.org", "*.example.net", "a.b", "x*.y"])
REQUESTS = st.builds(http, st.sampled_from(["GET", "PUT"]), st.sampled_from(["/", "/v1/.*"]))
SOME_TCP = st.sampled_from([tcp(80), tcp(80, end_port=90) | tcp("metrics")])


def _some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


def _with_ports(make: Callable[..., CiliumRule], peers: st.SearchStrategy[Any]) -> Any:
    return st.builds(lambda given, ports: make(*given, ports=ports), _some(peers), PORTS)


RULES_IN = _some(
    st.one_of(
        _with_ports(pods_from, PODS | POD_GROUPS),
        _with_ports(entities_from, st.sampled_from(Entity)),
        st.builds(lambda peer, asked, ports: requests_from(peer, *asked, ports=ports),
                  PODS | POD_GROUPS, _some(REQUESTS), SOME_TCP),
    )
)  # fmt: skip
RULES_OUT = _some(
    st.one_of(
        _with_ports(pods_to, PODS | POD_GROUPS),
        _with_ports(entities_to, st.sampled_from(Entity)),
        _with_ports(names_to, NAMES),
        st.builds(lambda asked: ask_names(*asked), st.lists(NAMES, max_size=2, unique=True)),
    )
)


@st.composite
def cilium_policies(draw: st.DrawFn) -> CiliumNetworkPolicy:
    """Draw any policy of Cilium's kind that the language can write."""
    ingress, egress = draw(st.none() | RULES_IN), draw(st.none() | RULES_OUT)
    if egress and any(each.names for each in egress):
        egress = [each for each in egress if not each.names_asked] + [ask_names()]
    return CiliumNetworkPolicy(
        name=draw(POLICY_NAMES),
        namespace=draw(NAMESPACE_NAMES),
        pod_selector=draw(PODS),
        ingress=ingress,
        egress=draw(RULES_OUT.filter(lambda all_: not any(each.names for each in all_)))
        if ingress is None and egress is None
        else egress,
        labels=draw(LABELS),
        annotations=draw(ANNOTATIONS),
    )


@settings(max_examples=50)
@given(cilium_policies())
@pytest.mark.long
def test_reading_what_was_written_gives_the_same_policy(written: CiliumNetworkPolicy) -> None:
    found = typed_policies([Document(json.loads(json.dumps(written.to_manifest())))])
    assert ([each for each, _ in found.cilium_policies], found.findings) == ([written], ())


@settings(max_examples=20)
@given(st.lists(cilium_policies(), min_size=1, max_size=3, unique_by=lambda each: each.name))
@pytest.mark.long
def test_a_module_makes_equal_policies(found: list[CiliumNetworkPolicy]) -> None:
    assert scope_of(policies_module([], "Policies.", (), found))["CILIUM_POLICIES"] == found


def test_a_module_is_formatted_and_of_few_words(tmp_path: Any) -> None:
    rules = [names_to("a.b", ports=tcp(443)), ask_names(), entities_to(Entity.HOST, ports=tcp(1)),
             pods_to(namespace("bank"), ports=udp(5))]  # fmt: skip
    asked = [requests_from(ALL_PODS, http("GET", "/"), ports=tcp(80))]
    code = policies_module([], "Policies.", (), [policy(ingress=asked, egress=rules)])
    (tmp_path / "module.py").write_text(code, encoding="utf-8")
    assert judged_by_ruff(tmp_path) == ""
    for line in (
        'names_to("a.b", ports=tcp(443)),',
        "ask_names(),",
        "entities_to(Entity.HOST, ports=tcp(1)),",
        'pods_to(namespace("bank"), ports=udp(5)),',
        'requests_from(ALL_PODS, http("GET", "/"), ports=tcp(80)),',
    ):
        assert f"        {line}\n" in code


DNS: Any = {"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system",
                                             "k8s:k8s-app": "kube-dns"}}],
       "toPorts": [{"ports": [{"port": "53", "protocol": "ANY"}],
                    "rules": {"dns": [{"matchPattern": "*"}]}}]}  # fmt: skip
OTHERS_FORMS: Any = [
    {"endpointSelector": {}, "egress": [DNS, {"toFQDNs": [{"matchName": "a.example.org"}]}]},
    {"endpointSelector": {"matchLabels": {"k8s:app": "a"}, "matchExpressions":
        [{"key": "any:tier", "operator": "NotIn", "values": ["x"]}]}, "ingress": [
            {"fromEntities": ["world"], "toPorts": [{"ports": [{"port": "0", "protocol": "TCP"}]}]},
            {"fromEndpoints": [{}, {"matchLabels": {"app": "b"}}], "toPorts": [
                {"ports": [{"port": "80"}]}, {"ports": [{"port": "HTTP", "protocol": "tcp"}]}]}]},
    {"endpointSelector": {}, "ingress": [{"fromEndpoints": [
        {"matchLabels": {"io.kubernetes.pod.namespace": "bank", "any:app": "b"}}], "toPorts": [
            {"ports": [{"port": "80", "protocol": "TCP", "endPort": 0}],
             "rules": {"http": [{"method": "GET", "path": "/"}]}}]}], "ingressDeny": [],
     "description": "why"},
]  # fmt: skip


@pytest.mark.parametrize("spec", OTHERS_FORMS)
def test_what_others_have_written_means_the_same_as_its_typed_form(spec: Any) -> None:
    document = _document(spec)
    found = typed_policies([Document(document)])
    assert [each.id for each in found.findings] == ["field-not-kept"] * ("description" in spec)
    ((typed, _),) = found.cilium_policies
    assert _meaning(typed.to_manifest()) == _meaning(document)


def _document(spec: Any) -> Any:
    metadata = {"name": "p", "namespace": "shop"}
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata,
            "spec": spec}  # fmt: skip


def _meaning(manifest: Any) -> Any:
    """Return what a document allows, each peer with each port, and where it isolates."""
    (found,) = snapshot([Document(manifest)]).snapshot.cilium_policies
    assert isinstance(found, CiliumPolicy)
    (beside,) = found.beside
    assert found.around == ()
    given: tuple[Any, Any] = beside.ingress, beside.egress
    sides = [None if rules is None else {pair for rule in rules for pair in _pairs(rule)}
             for rules in given]  # fmt: skip
    return beside.pod_selector, sides


def _pairs(rule: Any) -> Iterator[tuple[str, str]]:
    for peer in rule.peers:
        for port in rule.ports or (None,):
            yield str(peer), str(port)


PEER: Any = {"fromEndpoints": [{}]}
UNTYPED: Any = [
    ({"egress": [{"toCIDR": ["10.0.0.0/8"]}]}, "spec.egress[0].toCIDR"),
    ({"ingress": [{"fromEntities": ["health"]}]}, "spec.ingress[0].fromEntities[0]"),
    ({"ingress": [{}]}, "spec.ingress[0]"),
    ({"ingress": [{"toPorts": [{"ports": [{"port": "80"}]}]}]}, "spec.ingress[0]"),
    ({"ingress": [PEER], "ingressDeny": [{"fromEntities": ["world"]}]}, "spec.ingressDeny"),
    ({"ingress": [PEER], "enableDefaultDeny": {"ingress": False}}, "spec.enableDefaultDeny"),
    ({"ingress": [{**PEER, "icmps": [{"fields": [{"type": 8}]}]}]}, "spec.ingress[0].icmps"),
    ({"ingress": [{**PEER, "authentication": {"mode": "required"}}]},
     "spec.ingress[0].authentication"),
    ({"ingress": [{**PEER, "toPorts": [{}]}]}, "spec.ingress[0].toPorts[0]"),
    ({"ingress": [{**PEER, "toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}],
      "rules": {"http": [{"method": "GET", "path": "/", "host": "a"}]}}]}]},
     "spec.ingress[0].toPorts[0].rules.http[0]"),
    ({"egress": [{"toEndpoints": [{}], "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}],
      "serverNames": ["a.b"]}]}]}, "spec.egress[0].toPorts[0].serverNames"),
    ({"egress": [{"toFQDNs": [{"matchName": "a.b"}]}]}, "spec.egress"),
    ({"egress": [{"toEndpoints": [{"matchExpressions": [
        {"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}]}]},
     "spec.egress[0].toEndpoints[0].matchExpressions[0].key"),
    ({"ingress": [{"fromEndpoints": [{"matchLabels": {"reserved:host": ""}}]}]},
     "spec.ingress[0].fromEndpoints[0].matchLabels[reserved:host]"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "path"), UNTYPED)
def test_what_has_no_typed_form_is_named_with_its_place(rules: Any, path: str) -> None:
    found = typed_policies(
        [Document(_document({"endpointSelector": {}, **rules}), Place("a.yaml"))]
    )
    assert found.cilium_policies == ()
    assert [(each.id, each.severity, each.place.path) for each in found.findings] == [
        ("policy-not-kept", "error", path)
    ]


def test_what_cilium_refuses_and_what_is_clusterwide_is_named() -> None:
    mixed = _document({"endpointSelector": {}, "ingress": [{**PEER, "fromEntities": ["world"]}]})
    wide = _document({"endpointSelector": {}, "ingress": [PEER]})
    wide |= {"kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "w"}}
    several = _document({}) | {"specs": [{"endpointSelector": {}, "ingress": [PEER]}]}
    del several["spec"]
    found = typed_policies(map(Document, (mixed, wide, several)))
    assert found.cilium_policies == ()
    assert [each.id for each in found.findings] == [
        "cilium-refuses", "policy-kind-not-kept", "policy-not-kept",
    ]  # fmt: skip


def test_names_that_may_be_asked_for_are_kept() -> None:
    rule = ask_names("*.example.org", "a.b", ports=udp(53))
    assert rule.manifest()["toPorts"] == [
        {"ports": [{"port": "53", "protocol": "UDP"}],
         "rules": {"dns": [{"matchPattern": "*.example.org"}, {"matchName": "a.b"}]}}
    ]  # fmt: skip
    with pytest.raises(InvalidValue, match="are not ports of DNS"):
        ask_names(ports=ALL_PORTS)
