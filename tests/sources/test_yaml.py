"""YAML streams: documents, lines, and everything that can be wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from podwall.sources.yaml_documents import parse_yaml
from podwall.sources.yaml_lines import field_line


def values(text: str | bytes) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    parsed = parse_yaml(data, "x.yaml")
    assert parsed.findings == ()
    return [document.manifest for document in parsed.documents]


def problems(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [str(finding) for finding in parse_yaml(data, "x.yaml").findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("# only a comment\n", [], id="a comment"),
        pytest.param("---\n---\na: b\n---\n", [{"a": "b"}], id="empty documents"),
        pytest.param("a: b\n---\nc: d\n", [{"a": "b"}, {"c": "d"}], id="two documents"),
        pytest.param("a: b\n...\n---\nc: d\n", [{"a": "b"}, {"c": "d"}], id="an end marker"),
        pytest.param("%YAML 1.1\n---\na: b\n", [{"a": "b"}], id="a directive"),
        pytest.param(b"\xef\xbb\xbfa: b\n", [{"a": "b"}], id="a byte order mark"),
        pytest.param("a: b\r\nc: d\r\n", [{"a": "b", "c": "d"}], id="carriage returns"),
        pytest.param('{"a": [1, true, null]}', [{"a": [1, True, None]}], id="JSON"),
        pytest.param(
            "a: |\n  x\n  y\nb: >-\n  x\n  y\n", [{"a": "x\ny\n", "b": "x y"}], id="blocks"
        ),
        pytest.param("a: &x {b: c}\nd: *x\n", [{"a": {"b": "c"}, "d": {"b": "c"}}], id="an alias"),
        pytest.param("80: x\non: y1\n1.5: z\n", [{"80": "x", "true": "y1", "1.5": "z"}], id="keys"),
        pytest.param(
            "a: &x {b: c, d: e}\nf: {<<: *x, b: g}\n",
            [{"a": {"b": "c", "d": "e"}, "f": {"b": "g", "d": "e"}}],
            id="a merge",
        ),
        pytest.param(
            "a: {<<: [{b: c}, {b: d, e: f}]}\n", [{"a": {"b": "c", "e": "f"}}], id="merges"
        ),
        pytest.param("a: <<\n'<<': b\n", [{"a": "<<", "<<": "b"}], id="no merge"),
    ],
)
def test_values(text: str | bytes, expected: list[Any]) -> None:
    assert values(text) == expected


def test_the_line_of_a_document_is_that_of_its_first_key() -> None:
    parsed = parse_yaml(b"# one\n---\n# two\n\na: b\n---\nc: d\n", "x.yaml")
    assert [document.place.line for document in parsed.documents] == [5, 7]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: b: c\n", "x.yaml:1: this is not YAML: mapping values are", id="colons"),
        pytest.param("a: [\n", "x.yaml:2: this is not YAML: did not find expected", id="open"),
        pytest.param("a:\n\t- b\n", "x.yaml:2: this is not YAML: a tab can't indent", id="a tab"),
        pytest.param("a: b\n\tc: d\n", "x.yaml:2: this is not YAML: a tab can't", id="a tab after"),
        pytest.param("a: @b\tc\n", "x.yaml:1: this is not YAML: found character", id="no tab"),
        pytest.param("a: *x\n", "x.yaml:1: this is not YAML: alias `x` stands for", id="alias"),
        pytest.param("a: &x [*x]\n", "x.yaml:1: this is not YAML: alias `x` stands", id="itself"),
        pytest.param("{[a]: b}\n", "x.yaml:1: this is not YAML: a key must be", id="list as key"),
        pytest.param("~: b\n", "x.yaml:2: this is not YAML: a key must be", id="null as key"),
        pytest.param("a: {<<: 1}\n", "x.yaml:1: this is not YAML: `<<` needs", id="merging 1"),
        pytest.param(b"a: \xff\n", "x.yaml:1: this is not YAML: invalid", id="not UTF-8"),
        pytest.param(b"a: \x00\n", "x.yaml:1: this is not YAML: control characters", id="NUL"),
        pytest.param("a: !!x [", "x.yaml:2: this is not YAML: did not find", id="a tag"),
        pytest.param(
            "{{ .Values }}: 1", "x.yaml:1: this is a template, and not YAML", id="a template"
        ),
    ],
)
def test_broken(text: str | bytes, expected: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"error[malformed-yaml]: {expected}")


@pytest.mark.parametrize("mark", ["---\n", "--- \n", "--- # more\n", "---\r\n"])
def test_a_broken_document_spoils_no_other(mark: str) -> None:
    parsed = parse_yaml(f"a: b\n{mark}c: d: e\n{mark}f: g\n".encode(), "x.yaml")
    assert [(document.place.line, document.manifest) for document in parsed.documents] == [
        (1, {"a": "b"}),
        (5, {"f": "g"}),
    ]
    (finding,) = parsed.findings
    assert (finding.place.line, finding.message) == (
        3,
        "this is not YAML: mapping values are not allowed in this context, column 5",
    )


TWICE = "key `b` stands twice in one mapping; the last one is taken"


def test_a_key_that_stands_twice_is_told_and_the_last_one_taken() -> None:
    parsed = parse_yaml(b"x: y1\n---\na:\n  b: 1\n  c: 2\n  b: 3\n", "x.yaml")
    assert parsed.documents[1].manifest == {"a": {"b": 3, "c": 2}}
    assert [str(finding) for finding in parsed.findings] == [
        f"warning[duplicate-key]: x.yaml:6: {TWICE}"
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 200_000, id="open lists"),
        pytest.param("[" * 200_000 + "]" * 200_000, id="closed lists"),
        pytest.param("- " * 200_000 + "a", id="items"),
        pytest.param("{a: " * 50_000, id="mappings"),
    ],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert problems(text) == [
        problem for problem in problems(text) if "nested deeper than 250 levels" in problem
    ]
    assert problems(text) != []


def test_aliases_that_stand_for_too_much_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    (problem,) = problems("\n".join(lines))
    assert "aliases stand for too much" in problem


@given(st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t~<01", max_size=40))
def test_any_text_gives_values_or_findings(text: str) -> None:
    parse_yaml(text.encode(), "x.yaml")


@given(st.binary(max_size=40))
def test_any_bytes_give_values_or_findings(data: bytes) -> None:
    parse_yaml(data, "x.yaml")


simple = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 10**6) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
)


@given(st.lists(st.dictionaries(st.text(max_size=5), simple, min_size=1, max_size=4), max_size=3))
@pytest.mark.long
def test_what_is_dumped_is_read_back(documents: list[Any]) -> None:
    assert values(yaml.safe_dump_all(documents, default_style='"')) == documents


DOCUMENT = b"""# a comment
---
kind: Pod
metadata:
  labels:
    app.kubernetes.io/name: web
spec:
  containers:
  - name: a
    ports:
    - containerPort: 1
    -
      containerPort: 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("", 3, id="the document"),
        pytest.param("kind", 3, id="a key"),
        pytest.param("metadata.labels[app.kubernetes.io/name]", 6, id="a label"),
        pytest.param("spec.containers[0].ports[1].containerPort", 13, id="an item"),
        pytest.param("spec.containers[0].ports[7].name", 10, id="what is left out: its list"),
        pytest.param("spec.hostNetwork", 7, id="what is left out: its mapping"),
    ],
)
def test_the_line_of_a_field(path: str, line: int) -> None:
    assert field_line(DOCUMENT, 3, path) == line


def test_a_line_where_no_document_starts() -> None:
    assert field_line(DOCUMENT, 2, "kind") is None
