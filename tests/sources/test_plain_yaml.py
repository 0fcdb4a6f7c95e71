"""What the fast reader of plain YAML answers is what the parser answers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from podwall.sources.plain_yaml import PlainYaml
from podwall.yaml_values import yaml_values

MANIFEST = """\
# a policy
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: api
  namespace: shop  # the shop
  labels: {app: api, tier: "front"}
  annotations:
    example.com/text: several words and more
spec:
  podSelector: {}
  policyTypes:
  - Ingress
  ingress:
  - from:
      - podSelector: {matchExpressions: [{key: app, operator: In, values: [a, 'b', "c"]}]}
        namespaceSelector:
          matchLabels:
            team: "x"
      - ipBlock:
          cidr: 10.0.0.0/8
          except: [ 10.1.0.0/16,10.2.0.0/16 ]
    ports:
    - port: 8080

    - port: http
      protocol: TCP
status:
"""


def plainly(text: str) -> Any:
    """Return the fast reader's answer, held against the parser's."""
    answer = PlainYaml().mapping(text.split("\n"))
    if answer is not None:
        value, line = answer
        ((parsed, parsed_line, repeats, letters),) = yaml_values(text.encode())
        assert repr(parsed) == repr(value)
        assert (line, repeats, letters) == (parsed_line, False, ())
    return answer


def test_a_manifest_is_plain() -> None:
    assert (
        plainly(MANIFEST.replace('"tier"', "tier").replace("words, and", "words and")) is not None
    )


@pytest.mark.parametrize(
    "line",
    [
        "a: b",
        "a:  b ",
        "a: b c",
        "a: 080",
        "a: 12:30",
        "a: b#c # d",
        "a: 'b # c'",
        'a: "b: c"',
        "a: [b, [c, {d: e}], 1.5, 'x']",
        "a: { b: c , d: [ ] }",
        "a: [yes, no, on, 1e3, ~]".replace("~", "null"),
        "1.2.3: x",
        "on1: x",
        "a: b:c",
        "a: x=y",
        "a:\n- b\n- c: d\n  e:\n  - f",
        "a:\n  b:\n    c: d\n  e: f",
        "a:\n  # b\n\n  c: d",
        "a:\nb:\n",
    ],
)
def test_plain_lines(line: str) -> None:
    assert (plainly(line) is None) == ("#c #" in line)


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  b",
        "a: &b c",
        "a: *b",
        "a: !!str 1",
        "a: b\n  c",
        "a: b\n  c: d",
        "a: y",
        "y: a",
        "on: a",
        "a: b\na: c",
        "a: {b: c, b: d}",
        "<<: {a: b}",
        "- a",
        "a",
        "a: b: c",
        "a: [b",
        "a: b\n---\nc: d",
        "...",
        "--- a",
        "a:\tb",
        "a: ü",
        "a: -1",
        "a:\n  - b\n - c",
        "a:\n  b: c\n d: e",
        "  a: b\nc: d",
        "a:\n- b\n  - c",
        "a:\n- b\n  c: d",
        "a: 'b''c'",
        'a: "\\n"',
        "a: b\r\nc: d",
        "? a\n: b",
        "a: 'b' c",
        "[a]: b",
        "%YAML 1.1",
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(text: str) -> None:
    assert plainly(text) is None


def test_a_line_is_not_taken_for_another_that_looks_like_it() -> None:
    reader = PlainYaml()
    assert reader.mapping(["a: 1", "b: 1"]) == ({"a": 1, "b": 1}, 0)
    assert reader.mapping(["a:", "- b: 1", "  b2: 1"]) == ({"a": [{"b": 1, "b2": 1}]}, 0)


WRITTEN = (
    " |  |\n|\n  |- |-|:|: |a|b|on|1|010|1e3|.|{|}|[|]|,|, |'|\"|#| #|x: |y: |\n- |\n  - |null"
    "|~|/|\t|\r|>|&a|*a|!t|?|---|...|%|@|`|<<|=|\\|ü"
)
PIECES = st.sampled_from(WRITTEN.split("|"))


@given(st.lists(PIECES, max_size=24).map("".join))
@example("a: [b , c]")
@example("a:   # b\n  c: d")
@example("a: b #c\n")
@example("a: {b: c}#")
def test_random_texts(text: str) -> None:
    plainly(text)


LINES = st.tuples(
    st.sampled_from(["", "", "  ", "  ", "    ", " "]),
    st.sampled_from(["", "", "", "- ", "-", "-  ", "- - "]),
    st.sampled_from(["a:", "b:", "c:", "d1:", "on:", "1:", "a b:", "'a':", "", "#", "..."]),
    st.sampled_from(["", "", " x", " 1", "  y1 ", " n", " 'q'", ' "q" # c', " x#y", " [a, {b: c}]"])
    | st.lists(PIECES, max_size=4).map(lambda pieces: f" {''.join(pieces)}"),
).map("".join)


@given(st.lists(LINES, max_size=7).map("\n".join))
def test_random_lines(text: str) -> None:
    plainly(text)


@given(st.data())
def test_a_manifest_with_lines_moved_and_cut(data: st.DataObject) -> None:
    lines = MANIFEST.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "indent", "dedent", "double", "cut", "swap"]))
        line = lines[index]
        lines[index : index + 1] = {
            "drop": [],
            "indent": [f" {line}"],
            "dedent": [line[1:]],
            "double": [line, line],
            "cut": [line[: data.draw(st.integers(0, len(line)))]],
            "swap": [lines[index - 1]],
        }[change]
        lines = lines or [""]
    plainly("\n".join(lines))


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 99999)
    | st.floats(allow_nan=False)
    | st.text("abyn01 .:-#'\"{}[],&*!|>%@/=~eox_", max_size=6)
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("aby01.-_/: ", min_size=1, max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", min_size=1), trees, min_size=1), st.booleans())
def test_what_other_tools_write(document: dict[str, Any], flow: bool) -> None:  # noqa: FBT001 - drawn
    plainly(yaml.safe_dump(document, default_flow_style=flow, sort_keys=False))
