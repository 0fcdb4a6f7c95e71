"""Selectors and unseen pods are read as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.model import EMPTY_SELECTOR, Selector
from podwall.policies import InvalidValue
from podwall.policies.wording import listed
from podwall.reachability.label_conditions import LabelConditions
from podwall.reachability.values import UnseenPods, is_unseen, read_unseen, unseen_in
from podwall.rule_parts import read_selector, selector_text
from tests.core.test_label_conditions import SELECTORS

SHOWN = ("shop", "web")


@given(SELECTORS)
def test_a_selector_is_read_as_it_is_written(selector: Selector) -> None:
    again = read_selector(selector_text(selector))
    assert LabelConditions.of(again) == LabelConditions.of(selector)


@given(SELECTORS, SELECTORS)
def test_unseen_pods_are_read_as_they_are_written(pods: Selector, namespaces: Selector) -> None:
    ordered = read_selector(selector_text(pods)), read_selector(selector_text(namespaces))
    for there in (ordered[1], ("shop",), SHOWN):
        unseen = UnseenPods(ordered[0], there)
        assert is_unseen(unseen.id)
        assert read_unseen(unseen.id, SHOWN) == unseen


MANY = tuple(f"team-{number:02}" for number in range(20))


@given(st.sets(st.sampled_from(MANY), min_size=1), SELECTORS)
def test_pods_of_many_namespaces_are_read_as_they_are_written(
    names: set[str], pods: Selector
) -> None:
    there = tuple(sorted(names))
    unseen = unseen_in(read_selector(selector_text(pods)), there, MANY)
    assert is_unseen(unseen.id)
    assert read_unseen(unseen.id, MANY) == unseen
    assert len(unseen.id.partition("/any:")[0].split(",")) <= 10
    assert read_unseen(f"{','.join(there)}/any:{selector_text(unseen.pods)}", MANY) == unseen


@pytest.mark.parametrize(
    ("names", "id_", "words"),
    [
        (MANY, "*/any:", "every namespace that is shown"),
        (MANY[1:], "!team-00/any:", "every namespace that is shown but team-00"),
        (MANY[:8], ",".join(MANY[:8]) + "/any:", listed(MANY[:8])),
        (MANY[:9], ",".join(MANY[:9]) + "/any:", f"{', '.join(MANY[:7])} and 2 more namespaces"),
        (
            MANY[:11],
            "!" + ",".join(MANY[11:]) + "/any:",
            f"every namespace that is shown but {', '.join(MANY[11:18])} and 2 more namespaces",
        ),
    ],
    ids=["all", "all but one", "eight", "nine of twenty", "eleven of twenty"],
)
def test_of_many_namespaces_the_few_are_named(names: tuple[str, ...], id_: str, words: str) -> None:
    unseen = unseen_in(EMPTY_SELECTOR, names, MANY)
    assert unseen.id == id_
    assert str(unseen) == f"any other pod of {words}"


@pytest.mark.parametrize(
    "text",
    [
        "app=",
        "app==web",
        "app != web",
        "!app",
        "a/b=c",
        "x in (a,b),y notin (c)",
        "app in ( a , b )",
    ],
)
def test_what_kubectl_reads_is_read(text: str) -> None:
    assert read_selector(text).requirements


@pytest.mark.parametrize(
    "text", ["app=web,", ",app", "app=we b", "app in ()x", "in (a)", "app=a=b"]
)
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a label selector"):
        read_selector(text)


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        ("shop/any:", "any other pod of shop"),
        ("shop,web/any:role=batch", "pods with role=batch of shop and web"),
        ("any:", "any pod of other namespaces"),
        ("any:@team=x", "any pod of other namespaces with team=x"),
        (
            "any:k8s-app=kube-dns@kubernetes.io/metadata.name=kube-system",
            "pods with k8s-app=kube-dns of namespace kube-system",
        ),
    ],
)
def test_unseen_pods_in_words(id_: str, words: str) -> None:
    assert str(read_unseen(id_, SHOWN)) == words


@pytest.mark.parametrize(
    ("id_", "message", "remedy"),
    [
        ("tools/any:", "no namespace `tools` is shown", "metadata.name=tools"),
        ("shop/any:a=b@c=d", "neither pods of `shop` nor of other namespaces", "as in"),
        ("any:app=web,", "not a label selector", "as in"),
    ],
)
def test_odd_unseen_pods_are_refused(id_: str, message: str, remedy: str) -> None:
    with pytest.raises(InvalidValue, match=message) as refused:
        read_unseen(id_, SHOWN)
    assert remedy in str(refused.value.help)


def test_everything_is_written_as_nothing() -> None:
    assert selector_text(EMPTY_SELECTOR) == ""
    assert read_selector(" ") == EMPTY_SELECTOR
