"""Any text, and any value in the words of documents, is read or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import TOKENS
from tests.fuzz.reading import assert_survives
from tests.reading.test_junk import KINDS, TEXTS, WORDS

EXAMPLES = settings(max_examples=settings().max_examples // 4)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-1, 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(TEXTS)
    | st.text(max_size=5)
)
keys = st.sampled_from(WORDS) | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
)
objects = st.builds(
    lambda kind, metadata, spec: {
        "apiVersion": f"{kind[0]}/v1".removeprefix("/"),
        "kind": kind[1],
        "metadata": metadata,
        "spec": spec,
    },
    st.sampled_from(KINDS),
    values,
    values,
)
states = st.builds(
    lambda value, type_: {"urn": f"urn:pulumi:a::b::{type_}::c", "type": type_, "inputs": value},
    objects | values,
    st.sampled_from(["kubernetes:core/v1:Pod", "kubernetes:yaml:ConfigGroup", "x"]),
)
steps = st.fixed_dictionaries(
    {"op": st.sampled_from(["create", "same", "delete", ""]), "newState": states | values}
)


@EXAMPLES
@given(st.binary(max_size=60) | st.lists(st.sampled_from(TOKENS), max_size=6).map(b"\n".join))
def test_any_bytes(data: bytes) -> None:
    assert_read_or_refused(data)


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, allow_unicode=True)


@EXAMPLES
@given(objects | values)
@pytest.mark.parametrize("written", [json.dumps, _yaml])
def test_any_value_of_a_document(written: Callable[[object], str], value: Any) -> None:
    assert_read_or_refused(written(value).encode("utf-8", "surrogatepass"))


@EXAMPLES
@given(st.lists(steps | values, max_size=3))
def test_any_steps_of_a_preview(value: Any) -> None:
    assert_read_or_refused(json.dumps({"steps": value}).encode())


@EXAMPLES
@given(st.lists(states | values, max_size=3))
def test_any_resources_of_a_stack(value: Any) -> None:
    assert_read_or_refused(json.dumps({"deployment": {"resources": value}}).encode())


def assert_read_or_refused(data: bytes) -> None:
    """Read the bytes as a file of their own."""
    with TemporaryDirectory() as folder:
        assert_survives(Path(folder), data)
