"""The page explains every pair as `podwall explain` does: same policies, verdicts and misses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, Final

import msgspec
import pytest

from podwall.engines import ENGINES
from podwall.explain import (
    RuleExplanation,
    SideExplanation,
    TierExplanation,
    TierRuleExplanation,
    explain_ports,
)
from podwall.model import IpProtocol
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability import Reachability, Verdict, reachability
from podwall.reports.page import page_document
from podwall.reports.page.document import PageDocument
from podwall.reports.page.rendering import script
from podwall.reports.words import printable
from tests.core.builders import allow, block, load_balancer, policy, selector, tcp
from tests.core.calico_clusters import random_calico, with_calico
from tests.core.cilium_clusters import random_cilium_policies, with_cilium_policies
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured
from tests.core.tier_clusters import random_tier_policies, with_tier_policies
from tests.reports.page.browser import Browser, Tab

pytestmark = pytest.mark.long

_MATCH: Final = {Verdict.DENIED: 0, Verdict.UNDETERMINED: 1, Verdict.ALLOWED: 2}
_WEB: Final = PortSet.of(IpProtocol.TCP, 80)

# Explains every pair of a document, in the shape of `_side` below.
_EXPLAIN_ALL: Final = """
((raw, asked) => {
  const model = model_.decoded(raw);
  const { MATCH } = match_;
  const { explained, missParts } = explain_;
  const sentence = ([first, ...rest]) => first + rest.map((each) => each.words).join(' and ');
  const missed = (each, other) => sentence(missParts(model, each.miss, other));
  const rule = (each, other) => [each.match, each.peer === MATCH.NO ? missed(each, other) : ''];
  const tiered = ({ name, selects, rules }) => [
    name, selects, rules.map(({ action, decides, matches }) => [action, decides, matches])];
  const step = (each) => [
    each.match,
    each.policies.map((policy) => [
      policy.name, policy.selects, policy.match, policy.rules.map((one) => rule(one, each.other))]),
    each.exempt.map(({ says, match }) => [says, match]),
    each.tiers.map(({ tier, policies }) => [tier, policies.map(tiered)]),
  ];
  const pair = (i, j) => explained(model, model.after, i, j, asked).map(step);
  const places = model.endpoints.map((_, index) => index);
  return JSON.stringify(places.map((i) => places.map((j) => pair(i, j))));
})
""".strip()


def _side(side: SideExplanation) -> list[Any]:
    """Return what `explain` says of one end, in the shape that the page's script returns."""
    policies = [
        [
            printable(policy.name),
            int(policy.selects),
            _MATCH[policy.verdict],
            [_rule(rule) for rule in policy.rules],
        ]
        for policy in side.policies
    ]
    exemptions = [[each.says, 2 if each.when == "always" else 1] for each in side.exemptions]
    return [_MATCH[side.verdict], policies, exemptions, [_tier(each) for each in side.tiers]]


def _tier(tier: TierExplanation) -> list[Any]:
    """Return a tier: whom its policies are about, and which rules decide, or come too late."""
    policies = [
        [
            printable(policy.name),
            int(policy.selects),
            [[_action(each), bool(each.decides), bool(each.matches)] for each in policy.rules],
        ]
        for policy in tier.policies
    ]
    return [str(tier.tier), policies]


def _action(rule: TierRuleExplanation) -> str:
    """Return what a rule does; the page has nothing for what is not known, and says so itself."""
    return "" if rule.action == "an unknown action" else rule.action


def _rule(rule: RuleExplanation) -> list[Any]:
    """Return a rule's verdict, and why no peer of it matches, if none does."""
    by_port = rule.why.startswith("it allows ")
    missed = rule.verdict is Verdict.DENIED and not by_port
    return [_MATCH[rule.verdict], printable(rule.why) if missed else ""]


def _ids(document: PageDocument) -> list[list[str]]:
    """Return the ids by which the analysis knows each endpoint of the page: its ranges, if any."""
    return [
        [value for _, value in each.labels] if each.external else [each.id]
        for each in document.endpoints
    ]


_FROM_OUTSIDE: Final = (
    policy("x", selector(app="a"), "in", ingress=(allow(block("0.0.0.0/1"), ports=(tcp(80),)),)),
    policy("y", name="in", ingress=(allow(block("0.0.0.0/0")), allow(ports=(tcp("http"),)))),
)
"""What services can hide from the first, and in part from the second."""


def _clusters(engine: str, hidden: float) -> Iterator[Reachability]:
    for seed in range(4):
        rng = Random(f"explained {engine} {hidden} {seed}")
        snapshot = random_cluster(rng, Size(workloads=5, policies=7))
        if seed % 2:
            named = load_balancer("y/named", "http", selector(tier="a"))
            services = (load_balancer("x/lb", 80, selector(app="a")), named)
            snapshot = replace(snapshot, policies=(*snapshot.policies, *_FROM_OUTSIDE))
            snapshot = replace(snapshot, services=services)
        yield reachability(obscured(rng, snapshot, hidden), engine)


def _with_tiers(hidden: float) -> Iterator[Reachability]:
    for seed in range(12):
        rng = Random(f"explained in tiers {hidden} {seed}")
        snapshot = random_cluster(rng, Size(workloads=5, policies=4 * (seed % 3)))
        snapshot = with_tier_policies(snapshot, random_tier_policies(rng, 5))
        yield reachability(obscured(rng, snapshot, hidden), ("spec", "calico")[seed % 4 == 3])


@pytest.mark.parametrize("port", [None, 80], ids=["all ports", "one port"])
@pytest.mark.parametrize("hidden", [0.0, 0.3], ids=["all known", "some values hidden"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_pair_is_explained_alike(
    browser: Browser, engine: str, hidden: float, port: int | None
) -> None:
    _compare(browser, _clusters(engine, hidden), port)


def _with_kinds_of(engine: str, hidden: float) -> Iterator[Reachability]:
    for seed in range(8):
        rng = Random(f"explained with kinds of {engine} {hidden} {seed}")
        known = random_cluster(rng, Size(workloads=5, policies=3 * (seed % 3)))
        known = replace(obscured(rng, known, hidden), kubernetes_version="1.34")
        if engine == "calico":
            yield reachability(with_calico(known, random_calico(rng)), engine)
        else:
            yield reachability(with_cilium_policies(known, random_cilium_policies(rng)), engine)


@pytest.mark.parametrize("port", [None, 80], ids=["all ports", "one port"])
@pytest.mark.parametrize("hidden", [0.0, 0.3], ids=["all known", "some values hidden"])
@pytest.mark.parametrize("engine", ["calico", "cilium"])
def test_every_pair_is_explained_alike_by_kinds_of_an_engine(
    browser: Browser, engine: str, hidden: float, port: int | None
) -> None:
    _compare(browser, _with_kinds_of(engine, hidden), port)


@pytest.mark.parametrize("port", [None, 80], ids=["all ports", "one port"])
@pytest.mark.parametrize("hidden", [0.0, 0.3], ids=["all known", "some values hidden"])
def test_every_pair_is_explained_alike_under_tiers(
    browser: Browser, hidden: float, port: int | None
) -> None:
    _compare(browser, _with_tiers(hidden), port)


def _compare(browser: Browser, clusters: Iterator[Reachability], port: int | None) -> None:
    tab = Tab(browser)
    asked = None if port is None else {"protocol": "tcp", "number": port}
    for found in clusters:
        document = page_document(found)
        data = json.dumps([msgspec.to_builtins(document), asked])
        run = f"(() => {{ {script('explain')}\n return {_EXPLAIN_ALL}(...{data}) }})()"
        page = json.loads(tab.run(run))
        ids = _ids(document)
        for i, sources in enumerate(ids):
            for j, destinations in enumerate(ids):
                outside = document.endpoints[i].external and document.endpoints[j].external
                for source, destination in _pairs(sources, destinations):
                    if not outside:
                        ports = ALL_PORTS if port is None else _WEB
                        known = explain_ports(found, source, destination, ports)
                        expected = [_side(known.egress), _side(known.ingress)]
                        assert _in_order(page[i][j]) == _in_order(expected)
    tab.close()


def _in_order(sides: list[Any]) -> list[Any]:
    """Return the sides with their policies in one order: those of no known namespace vary."""
    return [[match, sorted(policies), exempt, tiers] for match, policies, exempt, tiers in sides]


def _pairs(sources: list[str], destinations: list[str]) -> Iterator[tuple[str, str]]:
    for source in sources:
        for destination in destinations:
            yield source, destination
