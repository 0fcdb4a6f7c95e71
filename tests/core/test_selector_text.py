"""Selectors and unseen pods are read as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given

from podwall.model import EMPTY_SELECTOR, Selector
from podwall.policies import InvalidValue
from podwall.reachability.label_conditions import LabelConditions
from podwall.reachability.values import UnseenPods, is_unseen, read_unseen
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
