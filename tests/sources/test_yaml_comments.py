"""Comments are found where they are comments."""

from __future__ import annotations

import pytest

from podwall.policies import Place
from podwall.sources.yaml_documents import comment_lines, unkept_comments


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("a: 1\n", [], id="none"),
        pytest.param("# why\na: 1  # what\n\n# more\n", [1, 2, 4], id="before, beside, behind"),
        pytest.param("a: '# no'\nb: \"# no\"\nc: a#b\n", [], id="texts with the mark"),
        pytest.param("a: |\n  # no\nb: 1\n", [], id="a block of text"),
        pytest.param("a: {b: 1, # yes\n  c: 2}\n", [1], id="inside a flow"),
        pytest.param("é: 1\nb: 'é' # yes\n", [2], id="wide characters"),
        pytest.param("a: [\n# broken\n", [2], id="broken YAML"),
    ],
)
def test_comments(text: str, lines: list[int]) -> None:
    assert list(comment_lines(text.encode(), {1})) == lines


def test_only_the_documents_asked_for_count() -> None:
    data = b"a: 1 # no\n---\nb: 1 # yes\n---\nc: 1 # no\n"
    assert list(comment_lines(data, {3})) == [3]


def test_a_file_is_told_once() -> None:
    texts = {"a.yaml": b"a: 1 # one\nb: 1 # two\n", "b.yaml": b"a: 1\n"}
    places = [Place("a.yaml", 1), Place("b.yaml", 1), Place("c.yaml", 1), Place("urn")]
    (finding,) = unkept_comments(places, texts)
    assert str(finding) == "info[comments-not-kept]: a.yaml:1: comments are not kept"
