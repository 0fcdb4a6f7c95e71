"""Which policies are named behind a change: only those that can have had its effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.diff import ChangeCause, diff
from podwall.model import LabelMap, Policy
from podwall.reachability import reachability
from tests.core.builders import allow, cluster, pod, policy, selector, tcp

PODS = cluster(pod("a/client"), pod("b/web"))
EIGHTY, NINETY = (allow(ports=(tcp(port),)) for port in (80, 90))


def ingress(name: str, *rules: object) -> Policy:
    """Return a policy on the server."""
    return policy("b", selector(), name, ingress=rules)


def egress(name: str, *rules: object) -> Policy:
    """Return a policy on the client."""
    return policy("a", selector(), name, egress=rules)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        pytest.param(
            [egress("deny")],
            [ingress("deny"), ingress("web", EIGHTY)],
            ["a/deny", "b/web"],
            id="a new deny opens nothing",
        ),
        pytest.param(
            [ingress("web", EIGHTY), ingress("deny")],
            [egress("deny")],
            ["a/deny"],
            id="the end of a deny closes nothing, nor does that of a rule beside another deny",
        ),
        pytest.param(
            [ingress("p", EIGHTY, NINETY), egress("deny")],
            [ingress("p", EIGHTY)],
            ["a/deny"],
            id="fewer rules open nothing",
        ),
        pytest.param(
            [ingress("p", EIGHTY)],
            [ingress("p", EIGHTY, NINETY), egress("deny")],
            ["a/deny"],
            id="more rules close nothing",
        ),
        pytest.param(
            [ingress("p", EIGHTY), ingress("q")],
            [ingress("p", EIGHTY, NINETY), ingress("r")],
            ["b/p"],
            id="one deny for another beside a rule",
        ),
        pytest.param(
            [ingress("p", EIGHTY)], [ingress("p", NINETY)], ["b/p"], id="another port is both"
        ),
        pytest.param([], [ingress("deny")], ["b/deny"], id="a new deny closes"),
        pytest.param([ingress("deny")], [], ["b/deny"], id="the end of a deny opens"),
    ],
)
def test_only_what_can_have_had_the_effect_is_named(
    before: list[Policy], after: list[Policy], named: list[str]
) -> None:
    old, new = (
        reachability(replace(PODS, policies=tuple(each)), "spec") for each in (before, after)
    )
    (change,) = (
        each
        for each in diff(old, new).changes()
        if (each.source.id, each.destination.id) == ("a/client", "b/web")
    )
    assert [each.name for each in change.policies] == named
    assert change.cause is ChangeCause.POLICY


def test_what_labels_open_is_not_the_work_of_a_new_deny() -> None:
    guard = policy("b", selector(app="web"), "guard", ingress=())
    relabelled = tuple(
        replace(each, labels=LabelMap.of({"app": "other"})) if each.name == "web" else each
        for each in PODS.workloads
    )
    old = reachability(replace(PODS, policies=(guard,)), "spec")
    deny = policy("a", selector(app="client"), "none", ingress=())
    new = reachability(replace(PODS, workloads=relabelled, policies=(guard, deny)), "spec")
    (change,) = (
        each
        for each in diff(old, new).changes()
        if (each.source.id, each.destination.id) == ("a/client", "b/web")
    )
    assert (change.cause, change.policies) == (ChangeCause.OTHER, ())
