"""Selectors that tell workloads apart, and what is said where none does."""

from __future__ import annotations

from dataclasses import replace

from podwall.expectations import allowed, workload
from podwall.model import LabelMap, Unknown
from podwall.policies import does_not_exist
from podwall.policies import pods as own
from tests.core.builders import cluster, pod
from tests.suggest.shop import found, said


def test_labels_are_chosen_that_tell_workloads_apart() -> None:
    labels = {
        "a": {"app": "shop", "role": "a", "pod-template-hash": "1"},
        "b": {"app": "shop", "role": "b"},
        "c": {"app": "shop"},
        "d": {"app": "other", "version": "2"},
    }
    snapshot = cluster(*(pod(f"x/{name}", labels=each) for name, each in labels.items()))
    calls = [
        allowed(name, workload(f"x/{name}"), workload("x/d"), 80) for name in labels if name != "d"
    ]
    suggestion = found(*calls, snapshot=snapshot)
    selectors = {
        each.name: each.pod_selector for each in suggestion.policies if each.name in labels
    }
    assert selectors == {
        "a": own(role="a"),
        "b": own(role="b"),
        "c": own(does_not_exist("role"), app="shop"),
        "d": own(app="other"),
    }
    assert said(suggestion) == []


def test_workloads_of_the_same_labels_are_told_and_not_opened_together() -> None:
    snapshot = cluster(pod("x/a", labels={"app": "t"}), pod("x/b", labels={"app": "t"}), pod("x/c"))
    suggestion = found(allowed("one", workload("x/a"), workload("x/c"), 80), snapshot=snapshot)
    assert [each.name for each in suggestion.policies] == ["default-deny"]
    first, *_ = suggestion.findings
    assert (first.id, first.help) == (
        "labels-alike",
        "label the pods of `x/a`, as in `app.kubernetes.io/name: a`",
    )
    both = found(
        allowed("both", [workload("x/a"), workload("x/b")], workload("x/c"), 80), snapshot=snapshot
    )
    assert [each.name for each in both.policies] == ["default-deny", "a", "c"]
    assert said(both) == []


def test_what_is_not_known_is_not_certain() -> None:
    unknown = LabelMap.of({"app": Unknown("the app")})
    snapshot = cluster(pod("x/a"), replace(pod("x/b"), labels=unknown), pod("x/c"))
    suggestion = found(allowed("one", workload("x/a"), workload("x/c"), 80), snapshot=snapshot)
    assert not suggestion.is_certain
    assert "warning[labels-not-known]" in said(suggestion)
    where = replace(pod("x/a"), namespace=Unknown("the namespace"))
    assert said(found(snapshot=cluster(where, pod("x/c")))) == ["warning[workload-not-known]"]
