"""The schema, which an editor asks, and the reader, which decides, agree."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from podwall.policies.errors import InvalidValue, Place
from podwall.sources.expectations import read_expectations

ROOT = Path(__file__).resolve().parents[2]

#: What no pattern can say: bits of hosts, the order of a range, IPv6 groups, a name given twice.
ONLY_THE_READER = ("is not an address range", "is not a port", "stands twice")


@cache
def _validator() -> Draft202012Validator:
    path = ROOT / "docs" / "schemas" / "expectations.schema.json"
    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def accepted_by_the_schema(document: Any) -> bool:
    """Tell whether an editor shows no error."""
    return bool(_validator().is_valid(document))


def refused_by_the_reader(document: Any) -> str:
    """Return why the reader refuses a document, or nothing."""
    try:
        read_expectations(document, Place())
    except InvalidValue as problem:
        return problem.message
    return ""


WORDS = [
    "internet",
    "anything",
    "intrenet",
    "outside",
    "shop",
    "web",
    "shop/web",
    "shop/Deployment/web",
    "a/b/c/d",
    "/a",
    "a/",
    "a//b",
    "123/web",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.256",
    "10.0.0.0/255.0.0.0",
    "010.0.0.0/8",
    "10.0.0.0/08",
    "203.0.113.7",
    "1.2",
    "1./x",
    "2001:db8::/32",
    "2001:db8::1/32",
    "::",
    "::/129",
    "fe80::%1/64",
    "a:b/c",
    "::g",
]
TEXTS = st.sampled_from(
    [
        *WORDS,
        "",
        "outside shop",
        "outside  shop ",
        "outside a b",
        "outside a/b",
        "shop/a b",
        "a b/c",
    ]
) | st.text("abz019./:- ", max_size=12)
ANY: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1.5, 80.0, [], {}, ["a/b", []], "x"]
)
LABELS = st.dictionaries(st.sampled_from(["app", "a.b/c"]), TEXTS | ANY, max_size=2) | ANY
PODS = st.fixed_dictionaries(
    {}, optional={"namespace": TEXTS | ANY, "labels": LABELS, "lables": ANY}
)
END = st.one_of(TEXTS, TEXTS, PODS, ANY)
ENDS = END | st.lists(END, max_size=2)
PORT = st.one_of(
    st.sampled_from(
        [
            "80",
            "53/udp",
            "53/Tcp",
            "0",
            "65535",
            "65536",
            "00080",
            "000080",
            "80-90",
            "90-80",
            "80-65536",
            "http",
            "metrics/sctp",
            "8080-tcp",
            "99999-x",
            "123456",
            "a-b_c",
            "averyveryverylongname",
            "tcp",
            "/tcp",
            "80/icmp",
            "-",
            "٨٠",
        ]
    ),
    st.integers(-1, 65537),
    st.text("ab08-/tcp", max_size=8),
    ANY,
)
PORTS = PORT | st.lists(PORT, max_size=2)
_OPTIONAL = {
    "from": ENDS,
    "only": ENDS,
    "to": ENDS,
    "ports": PORTS,
    "expect": st.sampled_from(["allowed", "denied", "deny", None]),
    "may-be-empty": st.booleans() | ANY,
    "description": st.text(max_size=2) | ANY,
    "name": st.text(max_size=2) | ANY,
    "nmae": ANY,
}
SOUND = st.fixed_dictionaries(
    {"name": st.text(max_size=3), "from": ENDS, "to": ENDS, "ports": PORTS},
    optional={"expect": st.just("allowed"), "may-be-empty": st.booleans()},
)
EXPECTATION = st.one_of(
    SOUND,
    SOUND.map(lambda each: {**each, "expect": "denied"}),
    SOUND.map(
        lambda each: {("only" if key == "from" else key): value for key, value in each.items()}
    ),
    st.fixed_dictionaries({}, optional=_OPTIONAL),
    ANY,
)
DOCUMENTS = st.fixed_dictionaries(
    {"expectations": st.lists(EXPECTATION, max_size=2) | ANY}, optional={"expectation": ANY}
)


@settings(max_examples=10 * settings().max_examples)
@given(st.integers(0, 19).flatmap(lambda dice: DOCUMENTS if dice else ANY))
@pytest.mark.long
def test_schema_and_reader_agree_on_any_document(document: Any) -> None:
    refused = refused_by_the_reader(document)
    if not accepted_by_the_schema(document):
        assert refused
    elif refused:
        assert any(reason in refused for reason in ONLY_THE_READER), refused


@pytest.mark.parametrize("text", [*WORDS, "outside a b", "outside shop", "shop/a b", "a b/c"])
def test_schema_and_reader_agree_on_every_end(text: str) -> None:
    one = {"name": "a", "from": text, "to": "anything", "expect": "denied"}
    refused = refused_by_the_reader({"expectations": [one]})
    can_differ = text in {"10.0.0.1/8", "2001:db8::1/32"}
    assert accepted_by_the_schema({"expectations": [one]}) is (not refused or can_differ)


@pytest.mark.parametrize(
    "port", [0, 1, 65535, 65536, "0", "65536", "80-65536", "8080-tcp", "99999-x", "123456", "5/Udp"]
)
def test_schema_and_reader_agree_on_every_port(port: object) -> None:
    one = {"name": "a", "from": "a/b", "to": "a/c", "ports": port, "expect": "allowed"}
    refused = refused_by_the_reader({"expectations": [one]})
    assert accepted_by_the_schema({"expectations": [one]}) is not bool(refused)
