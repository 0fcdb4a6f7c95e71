"""Why flows pass, as Markdown: whatever a name contains, it links, mentions and hides nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from podwall.explain import answers
from podwall.model import LabelMap, Policy, Rule, Selector, Snapshot, SnapshotWorkload, Unknown
from podwall.policies.errors import Place
from podwall.reachability import reachability
from podwall.reports.explanation import explanation_markdown

LINKED = ("@everyone", "#12", "https://evil.example", "www.evil.example", "GH-1", "a@evil.example")
HOSTILE = (
    *LINKED,
    *("`", "``a", "<img src=x onerror=alert(1)>", "<b>", "[a](https://evil.example)", "&lt;b&gt;"),
    *("-->", "a\n# head", "\u202egpj", "\\", "*b*", "~~a~~", "$x$", "a|b"),
)


def _markdown(name: str) -> str:
    """Return the explanation of two workloads whose every name and place is the given one."""
    pods = tuple(
        SnapshotWorkload(name, each, "Pod", LabelMap.of({name: name}), replicas=1)
        for each in (name, f"{name} too")
    )
    rules = (Rule((Unknown(name),)), Rule(()))
    deny = Policy(name, name, Selector(), ingress=rules, place=Place(name, 1, name))
    found = reachability(Snapshot((), pods, (deny,)))
    source, destination = (each.id for each in found.workloads)
    (answer,) = answers(found, source, destination)
    return "".join(explanation_markdown(answer, lambda place: place))


class _Tags(HTMLParser):
    """Collects the tags and the text of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text(name: str) -> None:
    found = _Tags()
    found.feed(str(MarkdownIt("commonmark").render(_markdown(name))))
    assert found.tags <= {"h3", "p", "strong", "ul", "li", "code"}


@pytest.mark.parametrize("name", ["&lt;b&gt;", "*b*", "[a](https://evil.example)", "<b>"])
def test_a_name_is_shown_as_it_is_written(name: str) -> None:
    found = _Tags()
    found.feed(str(MarkdownIt("commonmark").render(_markdown(name))))
    assert f"policy {name}/{name}" in found.text


@pytest.mark.parametrize("name", LINKED)
def test_what_github_would_link_is_split(name: str) -> None:
    assert name not in _markdown(name)
