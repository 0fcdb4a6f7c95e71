"""What a test states about a reachability, and how a statement explains itself."""

from __future__ import annotations

import unittest
from pathlib import Path

import pytest

from podwall.expectations import ANYTHING, allowed, outside, pods, workload
from podwall.policies import ALL_PORTS, ALL_TCP_PORTS, Ports, tcp, udp
from podwall.testing import Reach, reach_of_source
from tests.testing.programs import (
    BASELINE,
    LONELY,
    OPEN,
    with_policies,
)


@pytest.mark.parametrize(
    ("source", "destination", "ports"),
    [
        pytest.param("shop/web", "shop/api", tcp(8080), id="workloads"),
        pytest.param(workload("shop/web"), workload("shop/api"), tcp("main"), id="selections"),
        pytest.param(
            ["shop/api"], pods("shop", {"app": "db"}), tcp(5432), id="several, and labels"
        ),
    ],
)
def test_what_passes_is_allowed_and_not_denied(
    shop: Reach, source: str, destination: str, ports: Ports
) -> None:
    assert shop.allows(source, destination, ports)
    assert not shop.denies(source, destination, ports)
    assert not shop.denies(source, destination)


@pytest.mark.parametrize(
    ("source", "destination", "ports"),
    [
        pytest.param("shop/web", "shop/db", tcp(5432), id="not that client"),
        pytest.param("shop/web", "shop/api", tcp(8081), id="not that port"),
        pytest.param("shop/web", "shop/api", udp(8080), id="not that protocol"),
        pytest.param("internet", "shop/web", ALL_PORTS, id="the internet"),
        pytest.param("203.0.113.7", "shop/db", tcp("main"), id="an address"),
        pytest.param("shop/db", "10.0.0.0/8", ALL_TCP_PORTS, id="a range"),
        pytest.param(outside("shop"), "shop/db", ALL_PORTS, id="everything outside"),
    ],
)
def test_what_does_not_pass_is_denied_and_not_allowed(
    shop: Reach, source: str, destination: str, ports: Ports
) -> None:
    assert shop.denies(source, destination, ports)
    assert not shop.allows(source, destination, ports)


def test_allowed_means_all_the_ports_and_all_the_ends(shop: Reach) -> None:
    assert not shop.allows("shop/web", "shop/api", tcp(8080) | tcp(8081))
    assert not shop.allows(["shop/web", "shop/db"], "shop/api", tcp(8080))
    assert not shop.denies(["shop/web", "shop/db"], "shop/api", tcp(8080))


def test_a_statement_says_in_a_line_what_is_the_case_and_why(shop: Reach) -> None:
    said = repr(shop.allows("shop/web", "shop/db", tcp(5432)))
    assert said.startswith("<not allowed: shop/web does not reach shop/db on TCP 5432, ingress den")
    assert said.endswith("it would match if the pod carried app=api>")
    assert repr(shop.denies("shop/web", "shop/api")).startswith(
        "<not denied: shop/web reaches shop/api on TCP 8080, ingress allowed by policy shop/api ("
    )
    assert repr(shop.allows("shop/web", "shop/api", tcp(8080))) == (
        "<allowed: shop/web reaches shop/api on TCP 8080>"
    )


def test_a_line_is_never_longer_than_pytest_shows(shop: Reach) -> None:
    every = [shop.denies(a, "shop/api") for a in (ANYTHING, ["shop/web"] * 30)]
    assert all(len(repr(each)) <= 240 for each in every)


def test_a_statement_explains_itself_rule_by_rule(shop: Reach) -> None:
    text = str(shop.allows("shop/web", "shop/db", tcp(5432)))
    assert text.startswith("shop/web does not reach shop/db on TCP 5432\n")
    assert "shop.yaml:36): denied, isolates the pod for ingress\n" in text
    assert "spec.ingress[0] (line 43): denied, it would match if the pod carried app=api" in text


def test_what_holds_explains_itself_as_well(shop: Reach) -> None:
    text = str(shop.allows("shop/web", "shop/api", tcp(8080)))
    assert "allowed, it allows pods with app=web of namespace shop on TCP 8080" in text
    text = str(shop.denies("shop/web", "shop/db"))
    assert "it would match if the pod carried app=api" in text


def test_isolated_is_what_a_policy_selects_in_both_directions(tmp_path: Path) -> None:
    reach = with_policies(tmp_path, LONELY)
    reach.assert_isolated("shop/db")
    with pytest.raises(AssertionError) as caught:
        reach.assert_isolated("other/lonely")
    assert str(caught.value).splitlines()[:2] == [
        "no policy isolates other/lonely for ingress",
        "no policy isolates other/lonely for egress",
    ]


def test_a_policy_that_allows_everyone_isolates_only_on_paper(tmp_path: Path) -> None:
    reach = with_policies(tmp_path, OPEN)
    reach.assert_isolated("shop/db", "egress")
    with pytest.raises(AssertionError, match=r"policy shop/open \(.*:47\) allows everyone"):
        reach.assert_isolated("shop/db")


def test_nothing_is_isolated_where_nothing_enforces(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(BASELINE, encoding="utf-8")
    reach = reach_of_source(tmp_path, engine="none")
    with pytest.raises(AssertionError, match="no policy isolates shop/db for ingress"):
        reach.assert_isolated("shop/db")


def test_expectations_are_checked_as_values_and_as_files(shop: Reach, tmp_path: Path) -> None:
    good = allowed("web reaches api", workload("shop/web"), workload("shop/api"), 8080)
    bad = allowed("web reaches db", workload("shop/web"), workload("shop/db"), 5432)
    shop.assert_expectations(good)
    file = tmp_path / "expectations.yaml"
    file.write_text(
        "expectations:\n- {name: typo, from: shop/wbe, to: shop/db, expect: denied}\n", "utf-8"
    )
    with pytest.raises(AssertionError) as caught:
        shop.assert_expectations(good, bad, file)
    text = str(caught.value)
    assert text.startswith("2 of 3 expectations are not fulfilled\nfail: web reaches db\n")
    assert "app=api" in text
    assert f"fail: typo ({file}:" in text
    assert "did you mean `shop/web`?" in text


def test_findings_are_told_from_a_level_on(tmp_path: Path) -> None:
    reach = with_policies(tmp_path, LONELY)
    reach.assert_no_findings("error")
    with pytest.raises(AssertionError) as caught:
        reach.assert_no_findings()
    assert "warning[workload-not-isolated]: " in str(caught.value)
    assert "\n  help: " in str(caught.value)


class OfUnittest(unittest.TestCase):
    """What a test of the standard library shows."""

    def test_the_message_says_why(self) -> None:
        reach = reach_of_source(self.manifests)
        with self.assertRaises(AssertionError) as caught:  # noqa: PT027 - it is about unittest
            self.assertTrue(reach.denies("shop/web", "shop/api"))  # noqa: PT009 - as above
        assert "not denied: shop/web reaches shop/api on TCP 8080, ingress allowed" in str(
            caught.exception
        )

    @pytest.fixture(autouse=True)
    def _manifests(self, tmp_path: Path) -> None:
        self.manifests = tmp_path / "shop.yaml"
        self.manifests.write_text(BASELINE, encoding="utf-8")


def test_pods_that_are_not_shown_count(tmp_path: Path) -> None:
    manifest = tmp_path / "open.yaml"
    manifest.write_text(
        """
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop}, spec: {containers: []}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {}}]}]}
""",
        encoding="utf-8",
    )
    statement = reach_of_source(manifest).denies("anything", "shop/db")
    assert not statement
    assert "any other pod of shop could reach shop/db on all ports" in str(statement)
    assert reach_of_source(manifest, closed=True).denies("anything", "shop/db")
