"""Expectations are read strictly: what is not understood is refused, with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from podwall.expectations import (
    ANYTHING,
    INTERNET,
    Kind,
    addresses,
    outside,
    pods,
    workload,
)
from podwall.policies.errors import InvalidValue, Place, PodwallError
from podwall.sources.expectations import expectations_in, read_expectations

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "shop" / "expectations.yaml"
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "expectations.schema.json").read_text("utf-8"))


def one(**fields: Any) -> dict[str, Any]:
    """Return a document with one expectation."""
    full = {"name": "n", "from": "a/b", "to": "c/d", "expect": "denied", **fields}
    return {"expectations": [{key: value for key, value in full.items() if value is not ...}]}


ENDS = {
    "shop/web": workload("shop/web"),
    "shop/Deployment/web": workload("shop/Deployment/web"),
    "internet": INTERNET,
    "anything": ANYTHING,
    "outside shop": outside("shop"),
    "10.0.0.0/8": addresses("10.0.0.0/8"),
    "8.8.8.8": addresses("8.8.8.8"),
    "2001:db8::/32": addresses("2001:db8::/32"),
}


@pytest.mark.parametrize("text", ENDS)
def test_ends_as_text(text: str) -> None:
    document = one(to=text)
    jsonschema.validate(document, SCHEMA)
    (found,) = read_expectations(document, Place())
    assert found.destinations == (ENDS[text],)


def test_ends_as_objects_and_lists() -> None:
    document = one(to=["shop/web", {"namespace": "shop"}, {"labels": {"app": "db"}}])
    jsonschema.validate(document, SCHEMA)
    (found,) = read_expectations(document, Place())
    assert found.destinations == (workload("shop/web"), pods("shop"), pods(labels={"app": "db"}))


def test_the_example_says_what_it_says() -> None:
    jsonschema.validate(yaml.safe_load(EXAMPLE.read_text("utf-8")), SCHEMA)
    found = expectations_in(str(EXAMPLE))
    assert [each.kind for each in found] == [Kind.ALLOWED, Kind.ONLY, Kind.DENIED, Kind.DENIED]
    assert found[0].ports == ("8080",)
    assert EXAMPLE.read_text("utf-8").startswith("# yaml-language-server: $schema=../../docs/")


@pytest.mark.parametrize(
    ("document", "message", "help_"),
    [
        pytest.param([], "must be a mapping, is a list", "", id="no object"),
        pytest.param({}, "expectations: is missing", "", id="nothing"),
        pytest.param(
            {"expectation": []},
            "expectation: there is no field `expectation`",
            "did you mean `expectations`?",
            id="an unknown field at the top",
        ),
        pytest.param(
            one(form="a/b"),
            "expectations[0].form: there is no field `form`",
            "did you mean `from`?",
            id="an unknown field",
        ),
        pytest.param(one(name=...), "expectations[0].name: is missing", "a sentence", id="no name"),
        pytest.param(one(to=...), "expectations[0].to: is missing", "one end, or", id="no end"),
        pytest.param(
            one(to=[]), "expectations[0].to: must not be empty", "one end, or", id="no ends"
        ),
        pytest.param(
            one(to=["a/b", "internett"]),
            "expectations[0].to[1]: `internett` is not an end",
            "did you mean `internet`?",
            id="a misspelt word",
        ),
        pytest.param(
            one(to="10.0.0.1/8"),
            "expectations[0].to: `10.0.0.1/8` is not an address range",
            "as in",
            id="host bits",
        ),
        pytest.param(
            one(to={"namespaces": "a"}),
            "expectations[0].to.namespaces: there is no field `namespaces`",
            "did you mean `namespace`?",
            id="an unknown field of an end",
        ),
        pytest.param(
            one(to={}), "expectations[0].to: neither a namespace", "anything", id="an empty end"
        ),
        pytest.param(
            one(to={"labels": {"app": 1}}),
            "expectations[0].to.labels[app]: must be text, is `1`",
            "",
            id="a label that is no text",
        ),
        pytest.param(
            one(expect="alowed"),
            "expectations[0].expect: must be `allowed` or `denied`, is `alowed`",
            "did you mean `allowed`?",
            id="a misspelt verdict",
        ),
        pytest.param(
            one(expect="allowed"),
            "expectations[0].ports: it must be said which ones",
            "as in",
            id="allowed without ports",
        ),
        pytest.param(
            one(ports=[True]),
            "expectations[0].ports[0]: must be a whole number or text, is `true`",
            "the name of a port",
            id="a port that is none",
        ),
        pytest.param(
            one(ports="a/b/c"), "expectations[0].ports: `a/b/c` is not a port", "as in", id="ports"
        ),
        pytest.param(
            one(only="a/b"), "expectations[0].from: `from` does not go with `only`", "", id="both"
        ),
        pytest.param(
            {"expectations": one()["expectations"] * 2},
            "expectations[1].name: `n` stands twice",
            "a name of its own",
            id="a name twice",
        ),
    ],
)
def test_what_is_not_understood_is_refused(document: object, message: str, help_: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        read_expectations(document, Place())
    assert str(refused.value).startswith(message)
    assert help_ in refused.value.help


@pytest.mark.parametrize(
    "document",
    [one(form="a/b"), one(name=...), one(to=...), one(to=[]), one(expect="x"), one(only="a/b")],
)
def test_the_schema_refuses_it_too(document: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "expectations:\n- name: n\n  form: a/b\n", ":3 expectations[0].form", id="line"
        ),
        pytest.param("a: 1\n---\nb: 1\n", "holds 2 documents", id="two documents"),
        pytest.param("a: [", "this is not YAML", id="no YAML"),
        pytest.param("expectations: []\nexpectations: []\n", "stands twice", id="a key twice"),
    ],
)
def test_a_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PodwallError) as refused:
        expectations_in(str(path))
    assert message in str(refused.value)
