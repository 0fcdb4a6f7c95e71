"""A chosen cell is explained: the policies of each side, the rule that allows, what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from podwall.model import LabelMap, SnapshotWorkload
from podwall.reading import snapshot
from podwall.sources import source
from tests.core.builders import cluster, load_balancer, pod, policy, selector
from tests.reports.page.browser import Tab
from tests.reports.page.conftest import Show
from tests.reports.page.stacks import AFTER, BEFORE, STACK

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[3]


def _explained(tab: Tab, source: str, destination: str) -> str:
    tab.click(f"[aria-label^='from {source} to {destination}:']")
    tab.run("document.querySelectorAll('#panel details').forEach(e => { e.open = true })")
    return _words(tab)


def _words(tab: Tab) -> str:
    return " ".join(tab.text("#panel").split())


def test_a_click_names_the_policies_and_the_rules_that_allow(show: Show) -> None:
    said = _explained(show(STACK), "shop/web", "shop/api")
    assert "shop/web → shop/api TCP 8080" in said
    leaving, arriving = said.split("Arriving at shop/api")
    assert "A rule lets it leave." in leaving
    assert "shop/web-calls __main__.py:52" in leaving
    assert "✓ rule 1 to pods with app=api of namespace shop on TCP 8080" in leaving
    assert "✓ rule 1 from pods with tier=front of namespace shop on TCP http" in arriving
    assert "✗ rule 2 from pods with app=prometheus of namespace ops on TCP 9090" in arriving


def test_a_denial_names_the_nearest_miss_with_the_label_that_is_there(show: Show) -> None:
    said = _explained(show(STACK), "ops/runner", "shop/api")
    assert "No rule lets it enter." in said
    assert "Nearest miss: rule 2 of shop/api would match if the pod carried app=prometheus" in said
    assert "(it has app=runner)" in said


def test_a_port_that_is_not_allowed_is_the_miss(show: Show) -> None:
    tab = show(STACK, "#port=9999")
    said = _explained(tab, "shop/web", "shop/api")
    assert "Denied on TCP 9999" in said
    assert "rule 1 of shop/web-calls matches, but on TCP 8080 only" in said


def test_a_side_without_policies_says_so(show: Show) -> None:
    said = _explained(show(STACK), "ops/runner", "ops/prometheus")
    assert "No policy restricts what may leave: everything may." in said
    assert "No policy restricts what may enter: everything may." in said


def test_outside_of_the_cluster_no_policies_apply(show: Show) -> None:
    said = _explained(show(STACK), "0.0.0.0/0", "shop/web")
    assert "Outside the cluster, where network policies do not apply." in said
    assert "✓ rule 1 from addresses in 0.0.0.0/0 on TCP 443" in said


def test_an_unknown_value_is_named_as_the_cause(show: Show) -> None:
    tab = show(AFTER, "#time=after", before=BEFORE)
    said = _explained(tab, "shop/web", "ops/prometheus")
    assert "Undetermined on all ports" in said
    assert "the cidr of policy `shop/late`" in said
    assert "? rule 1" in said


def test_the_difference_says_what_was_and_what_becomes(show: Show) -> None:
    tab = show(AFTER, before=BEFORE)
    said = _explained(tab, "ops/runner", "shop/db")
    assert "Opens: was denied, becomes all ports" in said
    assert "before denied after all ports" in said


def test_what_a_service_opens_is_said_with_its_source(show: Show) -> None:
    deny = policy("x", selector(app="a"), "deny", ingress=())
    stack = cluster(deny, load_balancer("x/front", 80, selector(app="a")))
    said = _explained(show(stack, engine="azure"), "y/a", "x/a")
    assert "Whatever the policies say: service front: node ports and load balancers" in said


def test_a_single_pod_reaches_itself(show: Show) -> None:
    tab = show(cluster(policy("x", ingress=()), pod("x/a"), pod("x/b")))
    assert "A pod always reaches itself." in _explained(tab, "x/a", "x/a")


def test_a_pod_on_the_host_network_is_a_node(show: Show) -> None:
    host = replace(pod("y/h"), host_network=True)
    deny = policy("x", name="deny", ingress=())
    said = _explained(show(cluster(deny, pod("x/a"), host)), "y/h", "x/a")
    assert "On the host network, where network policies do not apply." in said
    assert "traffic between a pod and its own node" in said


def test_the_other_way_round_is_one_step(show: Show) -> None:
    tab = show(STACK)
    _explained(tab, "shop/web", "shop/api")
    tab.click(".acts button")
    assert tab.text("#panel h2").startswith("shop/api → shop/web")


def test_a_name_shows_whom_it_reaches_and_who_reaches_it(show: Show) -> None:
    tab = show(STACK)
    tab.click(".side.leaf[title='shop/api']")
    said = _words(tab)
    assert "Deployment · 2 pods · __main__.py:23" in said
    assert "app=api" in said
    assert "Who may connect to it is restricted by shop/default-deny, shop/api." in said
    assert "reaches nothing" in said
    assert "is reached by 2" in said


def test_a_folded_cell_lists_its_connections(show: Show) -> None:
    tab = show(STACK)
    tab.click("#fold")
    tab.click("[aria-label^='from namespace ops to namespace shop:']")
    said = _words(tab)
    assert "3 of 6 connections open" in said
    assert "ops/prometheus → shop/api" in said
    tab.click(".pairs button")
    assert tab.text("#panel h2").startswith("ops/prometheus → shop/api")
    assert tab.run("document.querySelectorAll('.side.leaf').length") == 5


def test_a_link_to_a_cell_opens_its_explanation(show: Show) -> None:
    tab = show(STACK, "#from=shop/web&to=shop/api")
    assert tab.text("#panel h2").startswith("shop/web → shop/api")
    assert tab.run("document.querySelector('[aria-selected=true]').ariaLabel").startswith(
        "from shop/web to shop/api"
    )


def test_labels_with_unknown_values_are_shown_as_such(show: Show) -> None:
    quiet = SnapshotWorkload("x", "a", "Pod", LabelMap.of({}), replicas=1)
    assert "reaches 1" in show(cluster(quiet), "#from=x/a").text("#panel")


def test_a_rule_of_a_tier_is_named_as_what_decides(show: Show) -> None:
    found = snapshot(source(str(ROOT / "examples" / "guarded")).planned.documents).snapshot
    tab = show(found, engine="spec")
    said = _explained(tab, "bank/teller", "shop/web")
    assert "Rule 1 of ClusterNetworkPolicy guard keeps a part of it from entering." in said
    assert "Baseline tier, after NetworkPolicies" in said
    said = _explained(tab, "monitoring/prometheus", "shop/db")
    assert "Rule 2 of ClusterNetworkPolicy guard lets it enter." in said
    assert "✗ rule 1 Deny from every pod of namespace bank on TCP 22: is not for this" in said
    assert "Baseline tier, not reached: a NetworkPolicy isolates the pod" in said
