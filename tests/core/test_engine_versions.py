"""What an engine does by its version: certain where every version that may run does the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.aks.network_engine import SHIPPED_ENGINES, EngineVersions, engine_versions
from podwall.engines import CILIUM, ENGINES, Fact
from podwall.explain.questions import answers
from podwall.model import Operator, PodPeer, Selector, SelectorRequirement, WorkloadPort
from podwall.reachability import Verdict, reachability
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    named,
    pod,
    policy,
    selector,
    tcp,
    verdict,
)

_SHIPPED = {
    # policy-kinds A3 and A9: Cilium by Kubernetes version, and Calico 3.29 on 1.32, 3.30 later.
    "1.31": (("1.16", "1.16"), None),
    "1.32": (("1.17", "1.17"), ("3.29", "3.29")),
    "1.33": (("1.17", "1.17"), ("3.30", "3.30")),
    "1.34": (("1.18", "1.18"), ("3.30", "3.30")),
    "1.35": (("1.18", "1.18"), ("3.30", "3.30")),
    "1.36": (("1.18", "1.19"), ("3.30", "3.30")),
}


def test_which_engines_aks_ships_is_one_table_with_its_sources() -> None:
    assert {e.kubernetes: (e.cilium, e.calico) for e in SHIPPED_ENGINES} == _SHIPPED
    assert all(each.startswith("https://") for row in SHIPPED_ENGINES for each in row.sources)
    assert all(row.sources for row in SHIPPED_ENGINES)


@pytest.mark.parametrize(
    ("engine", "kubernetes", "own", "oldest", "newest"),
    [
        pytest.param("cilium", "1.34", None, (1, 18), (1, 18), id="a row"),
        pytest.param("cilium", "1.36", None, (1, 18), (1, 19), id="a row of two"),
        pytest.param("cilium", "1.30", None, None, (1, 16), id="older than the table"),
        pytest.param("cilium", "1.37", None, (1, 18), None, id="newer than the table"),
        pytest.param("cilium", None, None, (1, 16), (1, 19), id="no version: all that AKS has"),
        pytest.param("cilium", "1.34", "1.20.2", (1, 20), (1, 20), id="its own, seen in a cluster"),
        pytest.param("calico", "1.31", None, None, (3, 29), id="a row that has no source"),
        pytest.param("calico", "1.37", None, (3, 30), None, id="Calico, newer than the table"),
        pytest.param("azure", "1.34", None, None, None, id="an engine that has no versions here"),
    ],
)
def test_the_versions_that_may_run(
    engine: str,
    kubernetes: str | None,
    own: str | None,
    oldest: tuple[int, int] | None,
    newest: tuple[int, int] | None,
) -> None:
    found = engine_versions(engine, kubernetes, own)
    assert (found.oldest, found.newest) == (oldest, newest)
    assert found.assumed is (kubernetes is None)


@pytest.mark.parametrize(
    ("oldest", "newest", "expected"),
    [
        pytest.param((1, 17), (1, 19), "y", id="both ends count"),
        pytest.param((1, 16), (1, 17), "?", id="one is too old"),
        pytest.param((1, 19), (1, 20), "?", id="one is too new"),
        pytest.param((1, 15), (1, 16), "n", id="all are too old"),
        pytest.param((1, 20), None, "n", id="all are too new"),
        pytest.param(None, (1, 18), "?", id="no least one is known"),
        pytest.param((1, 18), None, "?", id="no latest one is known"),
        pytest.param(None, None, "?", id="nothing is known"),
    ],
)
def test_a_fact_that_holds_from_one_version_to_another(
    oldest: tuple[int, int] | None, newest: tuple[int, int] | None, expected: str
) -> None:
    fact = Fact("y", "", "", since="1.17", until="1.19", otherwise="n")
    found = fact.at(EngineVersions(oldest, newest))
    assert ("?" if len(found) > 1 else found[0]) == expected


_VERSIONS = [
    pytest.param("1.31", None, "y", id="1.31: Cilium 1.16"),
    pytest.param("1.36", None, "y", id="1.36: Cilium 1.18 or 1.19"),
    pytest.param(None, None, "y", id="no version: up to 1.19 in all that AKS has"),
    pytest.param("1.37", None, "?", id="1.37: beyond what is known"),
    pytest.param("1.34", "1.20.2", "n", id="1.20, seen in the cluster"),
    pytest.param("1.40", "1.18.6", "y", id="1.18, seen in the cluster"),
]


@pytest.mark.parametrize(("kubernetes", "own", "replaced"), _VERSIONS)
def test_a_port_name_on_egress_by_the_version(
    kubernetes: str | None, own: str | None, replaced: str
) -> None:
    """Measured: 1.18.6 replaces a name by its one number, 1.20.2 looks it up as specified."""
    pods = (pod("x/a"), pod("y/b", named("web", 8080)), pod("y/c", WorkloadPort(8080)))
    rules = policy("x", selector(app="a"), egress=(allow(ports=(tcp("web"),)),))
    known = replace(
        cluster(*pods, rules), engine="cilium", kubernetes_version=kubernetes, engine_version=own
    )
    outcome = {"y": Verdict.ALLOWED, "n": Verdict.DENIED, "?": Verdict.UNDETERMINED}[replaced]
    assert verdict(known, "x/a -> y/b", 8080) is Verdict.ALLOWED
    assert verdict(known, "x/a -> y/c", 8080) is outcome
    assert verdict(known, "x/a -> 0.0.0.0/0", 8080) is outcome
    assert verdict(known, "x/a -> y/c", 9090) is Verdict.DENIED


@pytest.mark.parametrize(("kubernetes", "own", "skipped"), _VERSIONS)
def test_a_port_name_of_several_numbers_on_egress_by_the_version(
    kubernetes: str | None, own: str | None, skipped: str
) -> None:
    pods = (pod("x/a"), pod("y/b", named("web", 80)), pod("y/c", named("web", 8080)))
    rules = policy("x", selector(app="a"), egress=(allow(ports=(tcp("web"),)),))
    known = replace(
        cluster(*pods, rules), engine="cilium", kubernetes_version=kubernetes, engine_version=own
    )
    outcome = {"y": Verdict.DENIED, "n": Verdict.ALLOWED, "?": Verdict.UNDETERMINED}[skipped]
    assert verdict(known, "x/a -> y/c", 8080) is outcome
    assert verdict(known, "x/a -> y/c", 80) is Verdict.DENIED


def test_what_depends_on_a_version_beyond_the_table_says_so_and_what_is_certain() -> None:
    pods = (pod("x/a"), pod("y/b", named("web", 8080)), pod("y/c", WorkloadPort(8080)))
    rules = policy("x", selector(app="a"), egress=(allow(ports=(tcp("web"),)),))
    known = cluster(*pods, rules, engine="cilium", kubernetes_version="1.37")
    [part] = reachability(known).connection("x/a", "y/c").undetermined
    assert "up to Cilium 1.19" in part.because
    assert "which version of Cilium runs is not known" in part.because
    assert "a number in place of the name is certain" in part.because


def test_the_version_of_one_engine_says_nothing_of_another() -> None:
    pods = (pod("x/a"), pod("y/b", named("web", 8080)), pod("y/c", WorkloadPort(8080)))
    rules = policy("x", selector(app="a"), egress=(allow(ports=(tcp("web"),)),))
    calico = cluster(*pods, rules, engine="calico", kubernetes_version="1.34")
    known = replace(calico, engine_version="3.30.1")
    assert verdict(known, "x/a -> y/c", 8080, engine=CILIUM) is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("kubernetes", "own", "expected"),
    [
        pytest.param("1.34", None, Verdict.UNDETERMINED, id="1.18"),
        pytest.param("1.36", None, Verdict.UNDETERMINED, id="1.18 or 1.19"),
        pytest.param("1.37", None, Verdict.UNDETERMINED, id="1.18 or newer"),
        pytest.param(None, None, Verdict.UNDETERMINED, id="not known"),
        pytest.param("1.34", "1.19.5", Verdict.DENIED, id="1.19, seen in the cluster"),
    ],
)
def test_a_peer_that_only_excludes_namespaces_by_the_version(
    kubernetes: str | None, own: str | None, expected: Verdict
) -> None:
    asked = Selector((SelectorRequirement("team", Operator.NOT_IN, ("b",)),))
    rules = policy("x", ingress=(allow(PodPeer(EVERYTHING, asked)),))
    known = cluster(rules, engine="cilium", kubernetes_version=kubernetes)
    found = replace(known, engine_version=own)
    assert verdict(found, "0.0.0.0/0 -> x/a", 80) is expected


@pytest.mark.parametrize(
    ("kubernetes", "own", "words"),
    [
        pytest.param("1.31", None, "an ip block can name AKS LocalDNS", id="1.16"),
        pytest.param("1.32", None, "no ip block matches AKS LocalDNS", id="1.17"),
        pytest.param(None, None, "no ip block matches AKS LocalDNS", id="not known"),
        pytest.param("1.32", "1.16.9", "an ip block can name AKS LocalDNS", id="1.16, seen"),
    ],
)
def test_what_is_said_of_local_dns_by_the_version(
    kubernetes: str | None, own: str | None, words: str
) -> None:
    rules = policy("x", egress=(allow(block("169.254.10.10/31")),))
    known = cluster(rules, engine="cilium", kubernetes_version=kubernetes)
    found = reachability(replace(known, engine_version=own))
    [answer] = answers(found, "x/a", "169.254.10.10", "53/udp")
    assert any(words in each.says for each in answer.explanation.notes)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=lambda each: each.name)
def test_every_fact_with_an_end_says_what_is_beyond_it(engine: object) -> None:
    assert hasattr(engine, "facts")
    for _, fact in engine.facts():
        bounded = fact.since is not None or fact.until is not None
        assert bounded is (fact.otherwise is not None)


def test_the_facts_that_depend_on_the_version() -> None:
    found = {
        (engine.name, point): (fact.since, fact.until)
        for engine in ENGINES.values()
        for point, fact in engine.facts()
        if fact.otherwise is not None
    }
    assert found == {
        ("calico", "cluster_policies"): (None, "3.31"),
        ("cilium", "cluster_policies"): (None, "1.19"),
        ("cilium", "egress_port_names"): (None, "1.19"),
        ("cilium", "end_port"): ("1.17", None),
        ("cilium", "local_dns"): ("1.17", None),
    }
