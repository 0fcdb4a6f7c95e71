"""What a reader may take grows with its input: a stranger's file can't make it much more."""

from __future__ import annotations

import tracemalloc

import pytest

from podwall.sources.yaml_documents import parse_yaml

MEGABYTE = 1 << 20
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"


def peak_memory(text: str) -> int:
    data = text.encode()
    tracemalloc.start()
    try:
        parse_yaml(data, "a.yaml")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}  key: {'a' * MEGABYTE}\n", id="one long word"),
        pytest.param(f"{HEAD}  key: {'a ' * (MEGABYTE // 2)}\n", id="many words on a line"),
        pytest.param(f"{HEAD}  key: '{'a' * MEGABYTE}'\n", id="one long quoted text"),
        pytest.param(f"{HEAD}  # {'a' * MEGABYTE}\n  key: b\n", id="one long comment"),
        pytest.param("---\n" * (MEGABYTE // 4), id="nothing but separators"),
    ],
)
def test_memory_grows_with_the_input(text: str) -> None:
    assert peak_memory(text) < 10 * len(text) + 10 * MEGABYTE
