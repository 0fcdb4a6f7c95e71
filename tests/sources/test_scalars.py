"""Plain scalars mean what they mean to Kubernetes.

`go-yaml-scalars.json` is what `sigs.k8s.io/yaml` (v1.6.0) makes of each scalar.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from podwall.sources.yaml_documents import parse_yaml
from podwall.yaml_values import yaml_values

TABLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "go-yaml-scalars.json").read_text(encoding="utf-8")
)


LETTERS = {"y", "Y", "n", "N"}


@pytest.mark.parametrize("written", sorted(TABLE.keys() - LETTERS))
def test_a_scalar_means_what_it_means_to_kubernetes(written: str) -> None:
    ((value, *_),) = yaml_values(f"a: {written}\n".encode())
    assert (type(value["a"]), value["a"]) == (type(TABLE[written]), TABLE[written])


@pytest.mark.parametrize("letter", sorted(LETTERS))
def test_a_bare_letter_is_the_text_it_looks_like_with_a_finding(letter: str) -> None:
    parsed = parse_yaml(f"kind: Pod\nmetadata:\n  name: {letter}\n".encode(), "pods.yaml")
    assert parsed.documents[0].manifest["metadata"]["name"] == letter
    assert [(each.id, each.place.line) for each in parsed.findings] == [("bare-letter", 3)]


@pytest.mark.parametrize(
    "text", ["a: n\nn: [y, {Y: N}]", "a: <<\nb: [<<, {c: <<}]", "- <<: {a: n}"]
)
def test_what_looks_like_a_text_is_one_to_every_writer_of_json(text: str) -> None:
    (document,) = parse_yaml(text.encode(), "x.yaml").documents
    assert msgspec.json.decode(msgspec.json.encode(document.manifest)) == document.manifest


@pytest.mark.parametrize("digits", [20, 21, 400, 5000])
def test_a_whole_number_of_many_digits_is_no_whole_number(digits: int) -> None:
    ((value, *_),) = yaml_values(b"a: " + b"9" * digits)
    assert isinstance(value["a"], str if digits > 308 else int | float)
