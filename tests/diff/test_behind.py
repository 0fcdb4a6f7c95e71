"""Of several policies that differ, each is asked what it does by itself; see `test_causes`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.diff import ChangeCause
from podwall.model import Policy, Rule, Snapshot, Unknown
from tests.core.builders import allow, block, cluster, peers, pod, policy, selector, tcp
from tests.diff.test_changes import change, compared

WEB = allow(peers(app="web"), ports=(tcp(8080),))
SCRAPES = allow(peers(app="prometheus"), ports=(tcp(9090),))
NOBODY = allow(peers(app="nobody"))


def shop(*policies: Policy) -> Snapshot:
    pods = (pod(f"x/{name}") for name in ("web", "prometheus", "api"))
    return cluster(*pods, *policies)


def about_api(name: str, *rules: Rule | Unknown) -> Policy:
    return policy("x", selector(app="api"), name, ingress=rules)


def sends(name: str, *rules: Rule) -> Policy:
    return policy("x", selector(app="web"), name, egress=rules)


Case = tuple[tuple[Policy, ...], tuple[Policy, ...], str, list[str]]
CASES: list[tuple[str, Case]] = [
    (
        "two policies of the same pods, each opens something else",
        (
            (about_api("a", NOBODY), about_api("b", NOBODY)),
            (about_api("a", NOBODY, WEB), about_api("b", NOBODY, SCRAPES)),
            "x/prometheus -> x/api",
            ["x/b"],
        ),
    ),
    (
        "a new one beside one that is edited",
        (
            (about_api("a", NOBODY),),
            (about_api("a", SCRAPES), about_api("b", WEB)),
            "x/web -> x/api",
            ["x/b"],
        ),
    ),
    (
        "both ends have to open",
        (
            (about_api("a"), sends("s")),
            (about_api("a", WEB), sends("s", allow(peers(app="api")))),
            "x/web -> x/api",
            ["x/a", "x/s"],
        ),
    ),
    (
        "one end opens, the other is edited about somebody else",
        (
            (about_api("a"), sends("s", allow(peers(app="api")))),
            (about_api("a", WEB), sends("s", allow(peers(app="api")), NOBODY)),
            "x/web -> x/api",
            ["x/a"],
        ),
    ),
    (
        "each would have sufficed",
        (
            (about_api("a"),),
            (about_api("a"), about_api("b", WEB), about_api("c", WEB)),
            "x/web -> x/api",
            ["x/b", "x/c"],
        ),
    ),
    (
        "two that deny go",
        ((about_api("a"), about_api("b")), (), "x/web -> x/api", ["x/a", "x/b"]),
    ),
    (
        "one of two that denies and allows nothing to web goes, the other goes on for others",
        (
            (about_api("a", WEB), about_api("b", SCRAPES)),
            (about_api("b", SCRAPES, NOBODY),),
            "x/web -> x/api",
            ["x/a"],
        ),
    ),
    (
        "a rule that is not known perhaps opens",
        (
            (about_api("a", NOBODY), about_api("b", NOBODY)),
            (about_api("a", NOBODY, Unknown("later")), about_api("b", NOBODY, WEB)),
            "x/prometheus -> x/api",
            ["x/a"],
        ),
    ),
    (
        "a range of addresses, opened by one of two",
        (
            (about_api("a"), about_api("b")),
            (about_api("a", WEB), about_api("b", allow(block("10.0.0.0/8")))),
            "10.0.0.0/8 -> x/api",
            ["x/b"],
        ),
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES])
def test_a_policy_without_which_nothing_would_be_different_is_no_cause(case: Case) -> None:
    before, after, flow, names = case
    found = change(compared(shop(*before), shop(*after)), flow)
    assert [each.name for each in found.policies] == names
    back = change(compared(shop(*after), shop(*before)), flow)
    assert [each.name for each in back.policies] == names


def test_pods_that_are_not_shown_have_their_own_cause() -> None:
    def open_to(a: Rule, b: Rule) -> Snapshot:
        return replace(shop(about_api("a", NOBODY, a), about_api("b", NOBODY, b)), complete=False)

    other = allow(peers(app="later"), ports=(tcp(7),))
    found = compared(open_to(NOBODY, NOBODY), open_to(WEB, other))
    unseen = [each for each in found.changes() if "later" in str(each.source)]
    assert [[p.name for p in each.policies] for each in unseen] == [["x/b"]]


def test_labels_that_differ_are_the_cause_where_an_edited_policy_is_about_others() -> None:
    old = cluster(pod("x/web", labels={"app": "old"}), pod("x/api"), about_api("a", WEB))
    new = cluster(pod("x/web"), pod("x/api"), about_api("a", WEB, SCRAPES))
    found = change(compared(old, new), "x/web -> x/api")
    assert (found.cause, found.policies) == (ChangeCause.OTHER, ())


def test_labels_and_a_policy_together_name_the_policy() -> None:
    old = cluster(pod("x/web", labels={"app": "old"}), pod("x/api"), about_api("a", NOBODY))
    new = cluster(pod("x/web"), pod("x/api"), about_api("a", NOBODY, WEB))
    found = change(compared(old, new), "x/web -> x/api")
    assert [each.name for each in found.policies] == ["x/a"]


def test_of_very_many_policies_all_that_may_have_done_it_stay_named() -> None:
    many = [about_api(f"p{number}", NOBODY) for number in range(20)]
    edited = [replace(each, ingress=(NOBODY, WEB)) for each in many]
    found = change(compared(shop(*many), shop(*edited)), "x/web -> x/api")
    assert len(found.policies) == 20


RULES: list[tuple[str, Case]] = [
    (
        "of two new rules the one that lets it through",
        (
            (about_api("a", NOBODY),),
            (about_api("a", NOBODY, WEB, SCRAPES),),
            "x/prometheus -> x/api",
            ["+ from pods with app=prometheus of namespace x on TCP 9090"],
        ),
    ),
    (
        "of two rules that go the one that let it through",
        (
            (about_api("a", NOBODY, WEB, SCRAPES),),
            (about_api("a", NOBODY),),
            "x/web -> x/api",
            ["- from pods with app=web of namespace x on TCP 8080"],
        ),
    ),
    (
        "both sides of the connection",
        (
            (about_api("a"), sends("s")),
            (about_api("a", SCRAPES, WEB), sends("s", allow(peers(app="api")), NOBODY)),
            "x/web -> x/api",
            [
                "+ from pods with app=web of namespace x on TCP 8080",
                "+ to pods with app=api of namespace x on all ports",
            ],
        ),
    ),
    (
        "another port for the same pods is both",
        (
            (about_api("a", WEB),),
            (about_api("a", replace(WEB, ports=(tcp(81),))),),
            "x/web -> x/api",
            [
                "+ from pods with app=web of namespace x on TCP 81",
                "- from pods with app=web of namespace x on TCP 8080",
            ],
        ),
    ),
    ("isolation that goes has no rule", ((about_api("a"),), (), "x/web -> x/api", [])),
    (
        "a rule that is not known may be it",
        (
            (about_api("a", NOBODY),),
            (about_api("a", NOBODY, Unknown("later"), SCRAPES),),
            "x/web -> x/api",
            ["+ a rule that is not known yet (later)"],
        ),
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in RULES])
def test_the_rules_behind_a_change_are_those_that_let_through_what_changes(case: Case) -> None:
    before, after, flow, rules = case
    found = compared(shop(*before), shop(*after))
    assert list(found.rules_behind(change(found, flow))) == rules


def test_of_pods_that_are_not_shown_the_rule_is_found_too() -> None:
    def open_to(*rules: Rule) -> Snapshot:
        return replace(shop(about_api("a", NOBODY, *rules)), complete=False)

    found = compared(open_to(), open_to(WEB, allow(peers(app="later"), ports=(tcp(7),))))
    unseen = [each for each in found.changes() if "later" in str(each.source)]
    assert [found.rules_behind(each) for each in unseen] == [
        ("+ from pods with app=later of namespace x on TCP 7",)
    ]
