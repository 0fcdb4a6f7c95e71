"""What is said about a document that the API server refuses, and that nothing is ever raised."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from functools import reduce
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podwall.policies import Finding, Place, Severity
from podwall.policies.errors import Unknown
from podwall.policies.policy import read
from podwall.policies.validation import violations
from tests.policies.documents import DOCUMENTS, Document

Path = tuple[str | int, ...]

LEGAL: Document = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "api", "namespace": "shop"},
    "spec": {
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 80}]}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
    },
}
POD: Path = ("spec", "podSelector")
PORT: Path = ("spec", "ingress", 0, "ports", 0)
FROM: Path = ("spec", "ingress", 0, "from", 0)
EXISTS_A = {"key": "app", "operator": "Exists", "values": ["a"]}
BLOCK: Path = ("spec", "egress", 0, "to", 0, "ipBlock")
DEEP: Any = reduce(lambda inside, _: [inside], range(2000), cast("Any", []))


def changed(path: Path, value: object) -> Document:
    """Return the legal document with another value at a place."""
    document = copy.deepcopy(LEGAL)
    inside: Any = document
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    return document


def spelled(path: Path) -> str:
    """Return a path as Kubernetes writes it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]


REFUSED = [
    pytest.param(("kind",), "networkpolicy", "did you mean `NetworkPolicy`", id="another kind"),
    pytest.param(("apiVersion",), "extensions/v1beta1", "networking.k8s.io/v1", id="an old API"),
    pytest.param(("metadata", "name"), "My Policy", "", id="a name that is none"),
    pytest.param(("metadata", "name"), None, "give it a name", id="no name"),
    pytest.param(("metadata", "namespace"), "a.b", "", id="a namespace that is none"),
    pytest.param(("metadata", "labels"), {"a": 1.5}, "in quotes", id="a label is a number"),
    pytest.param(("metadata", "annotations"), {"a": True}, "in quotes", id="annotation"),
    pytest.param((*POD, "matchLabels"), {"app": "a b"}, "", id="a label value with a space"),
    pytest.param((*POD, "matchLabels"), {"a b": "x"}, "", id="a label key with a space"),
    pytest.param(("metadata", "annotations"), {"a": "x" * 2**18}, "link", id="long annotations"),
    pytest.param((*POD, "matchExpressions", 0), EXISTS_A, "`In`", id="Exists with values"),
    pytest.param((*BLOCK, "cidr"), "999.0.0.0/8", "10.0.0.0/8", id="an octet above 255"),
    pytest.param((*POD, "matchLabels"), ["app"], "", id="labels as a list"),
    pytest.param((*POD, "matchExpressions", 0, "key"), "a b", "", id="a key with a space"),
    pytest.param((*POD, "matchExpressions", 0, "operator"), "in", "`In`", id="a small operator"),
    pytest.param((*POD, "matchExpressions", 0, "operator"), None, "`In`", id="no operator"),
    pytest.param((*POD, "matchExpressions", 0, "values"), [], "`Exists`", id="In without values"),
    pytest.param((*POD, "matchExpressions", 0, "values"), "a", "begin each", id="In one value"),
    pytest.param(("spec", "policyTypes", 0), "ingress", "`Ingress`", id="a small policy type"),
    pytest.param(("spec", "policyTypes"), ["Egress"] * 3, "at most once", id="three policy types"),
    pytest.param((*PORT, "port"), "80", "did you mean the number `80`", id="a quoted port"),
    pytest.param((*PORT, "port"), 0, "leave `port` out", id="port 0"),
    pytest.param((*PORT, "port"), 65536, "from 1 to 65535", id="a port above 65535"),
    pytest.param((*PORT, "port"), 80.5, "", id="half a port"),
    pytest.param((*PORT, "port"), True, "", id="a boolean port"),
    pytest.param((*PORT, "protocol"), "tcp", "did you mean `TCP`", id="a small protocol"),
    pytest.param((*PORT, "protocol"), "ICMP", "`TCP`", id="a protocol without ports"),
    pytest.param((*PORT, "endPort"), 79, "swap the two", id="a reversed range"),
    pytest.param((*PORT, "endPort"), "90", "", id="a quoted end of a range"),
    pytest.param((*BLOCK, "cidr"), "10.0.0.1", "10.0.0.0/8", id="an address instead of a CIDR"),
    pytest.param((*BLOCK, "cidr"), 10, "10.0.0.0/8", id="a number instead of a CIDR"),
    pytest.param((*BLOCK, "cidr"), "", "10.0.0.0/8", id="an empty CIDR"),
    pytest.param((*BLOCK, "except", 0), "11.0.0.0/8", "inside the CIDR", id="except outside"),
    pytest.param((*BLOCK, "except"), "10.1.0.0/16", "begin each", id="except without a list"),
    pytest.param(FROM, {}, "namespaceSelector: {}", id="an empty peer"),
    pytest.param((*FROM, "podSelector"), "app=web", "", id="a selector as a text"),
    pytest.param(("spec", "ingress"), {"from": []}, "begin each", id="rules without a list"),
    pytest.param(("spec",), "deny", "", id="a text as spec"),
]


@pytest.mark.parametrize(("path", "value", "remedy"), REFUSED)
def test_a_document_is_refused_at_its_place(path: Path, value: object, remedy: str) -> None:
    found = [e for e in violations(changed(path, value)) if e.severity is Severity.ERROR]
    assert len(found) == 1
    assert found[0].place.path.startswith(spelled(path))
    assert remedy in found[0].help


@pytest.mark.parametrize(("path", "value", "remedy"), REFUSED)
def test_a_finding_is_one_short_line(path: Path, value: object, remedy: str) -> None:
    for finding in violations(changed(path, value)):
        for text in (finding.message, finding.help):
            assert "\n" not in text
            assert not text.endswith(".")
            assert len(text) < 160
    assert "\n" not in remedy


def test_a_legal_document_is_left_in_peace() -> None:
    assert list(violations(LEGAL)) == []


def test_an_annotation_that_is_null_is_an_empty_text() -> None:
    assert list(violations(changed(("metadata", "annotations"), {"a": None}))) == []


def test_an_exception_in_ipv4_of_a_block_written_as_ipv6_is_refused() -> None:
    # Kubernetes compares the prefix lengths as they are written: 104 and 16.
    document = changed(BLOCK, {"cidr": "::ffff:10.0.0.0/104", "except": ["10.1.0.0/16"]})
    found = [each.id for each in violations(document) if each.severity is Severity.ERROR]
    assert found == ["except-outside"]


def test_a_range_of_a_name_is_refused() -> None:
    document = changed(PORT, {"port": "http", "endPort": 90})
    assert [each.id for each in violations(document)] == ["end-port-without-number"]


def test_a_range_without_a_port_is_refused() -> None:
    assert [e.id for e in violations(changed(PORT, {"endPort": 9}))] == ["end-port-without-number"]


def test_every_problem_is_found_with_its_place_in_the_source() -> None:
    document = changed((*PORT, "port"), 0) | {"kind": "Policy"}
    found = [str(each.place) for each in violations(document, Place("shop.yaml", 12))]
    assert found == ["shop.yaml:12 kind", "shop.yaml:12 spec.ingress[0].ports[0].port"]


def places(document: object, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value of a document."""
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from places(value, (*path, key))
    if isinstance(document, list):
        for index, value in enumerate(document):
            yield from places(value, (*path, index))


@pytest.mark.parametrize("path", [path for path in places(LEGAL) if path], ids=spelled)
def test_a_value_that_deployment_will_tell_is_not_judged(path: Path) -> None:
    document = changed(path, Unknown("an output"))
    assert list(violations(document)) == []
    reading = read(document)
    assert reading.policy is None
    assert [(e.id, e.place.path) for e in reading.findings] == [
        ("known-after-deployment", spelled(path))
    ]


def test_a_document_that_is_unknown_altogether_is_not_judged() -> None:
    assert list(violations(Unknown("a document"))) == []


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([math.nan, object(), {1}, Unknown("x"), "10.0.0.0/²"]),
    lambda children: st.lists(children) | st.dictionaries(st.text() | st.integers(), children),
    max_leaves=8,
)


@pytest.mark.parametrize("path", [path for path in places(LEGAL) if path], ids=spelled)
def test_neither_huge_numbers_nor_deep_lists_make_it_raise(path: Path) -> None:
    for value in (10**5000, -(10**5000), DEEP, [DEEP, DEEP], {"app": DEEP}, "\ud800"):
        assert read(changed(path, value)) is not None


@given(JUNK)
def test_no_junk_makes_it_raise(junk: object) -> None:
    assert all(isinstance(each, Finding) for each in violations(junk))
    assert read(junk).policy is None


@settings(max_examples=50)
@given(DOCUMENTS, st.data())
@pytest.mark.long
def test_no_junk_inside_a_document_makes_it_raise(document: Document, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in places(document) if path]))
    inside: Any = document
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = data.draw(JUNK)
    reading = read(document)
    refused = any(each.severity is Severity.ERROR for each in reading.findings)
    assert not (refused and reading.policy)
