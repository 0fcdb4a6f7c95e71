"""Whatever documents are, linting what was read of them gives findings, and never an exception."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from podwall.engines import ENGINES
from podwall.lint import LINTS, lint, triaged
from podwall.reachability import reachability
from podwall.reading import Document, snapshot
from tests.reading.test_junk import WHOLE, junk, paths

KNOWN = frozenset(each.id for each in LINTS)


def linted(manifests: list[Any], engine: str) -> None:
    documents = [Document(manifest) for manifest in manifests]
    found = lint(reachability(snapshot(documents).snapshot, engine))
    assert all(each.message and "\n" not in each.message for each in found)
    triaged(found, documents, KNOWN)


@given(st.lists(junk, max_size=3), st.sampled_from(sorted(ENGINES)))
def test_junk(manifests: list[Any], engine: str) -> None:
    linted(manifests, engine)


@given(st.data(), junk, st.sampled_from(sorted(ENGINES)))
def test_whole_objects_with_one_field_of_junk(data: st.DataObject, value: Any, engine: str) -> None:
    damaged = copy.deepcopy(WHOLE)
    for manifest in damaged:
        *steps, last = data.draw(st.sampled_from(list(paths(manifest))))
        node: Any = manifest
        for step in steps:
            node = node[step]
        node[last] = value
    linted([*damaged, *WHOLE], engine)
