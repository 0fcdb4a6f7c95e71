"""A baseline closes what goes between namespaces, and says truly what else it closes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import yaml

from podwall.model import Snapshot
from podwall.policies import ClusterNetworkPolicy, NetworkPolicy, check_priorities
from podwall.reachability import Reachability, Verdict, reachability
from podwall.reachability.values import Connection, WorkloadEndpoint
from podwall.reading import Document, snapshot
from podwall.suggest import Baseline, baseline
from tests.cli.running import ROOT, podwall
from tests.core.clusters import Size, random_cluster
from tests.python_code.modules import scope_of

GUARDED = ROOT / "examples" / "guarded"


def declared() -> Snapshot:
    """Return the workloads of an example, without its policies."""
    written = yaml.safe_load_all((GUARDED / "workloads.yaml").read_text("utf-8"))
    return snapshot(map(Document, written)).snapshot


def across(found: Reachability) -> Iterator[Connection]:
    """Yield what goes between namespaces."""
    for each in found.connections():
        ends = [each.source, each.destination]
        spaces = {end.workload.namespace for end in ends if isinstance(end, WorkloadEndpoint)}
        if len(spaces) == len(ends):
            yield each


@pytest.mark.parametrize("engine", ["spec", "azure", "calico", "cilium"])
def test_nothing_stays_open_between_namespaces(engine: str) -> None:
    found = baseline(declared(), engine)
    assert bool(found.cluster_policies) is (engine == "spec")
    assert bool(found.policies) is not (engine == "spec")
    assert found.closed == sum(bool(each.allowed) for each in across(found.before)) > 0
    assert not any(each.allowed or each.undetermined for each in across(found.found))
    assert found.is_certain


def _ids(found: Baseline) -> set[str]:
    return {each.id for each in found.findings}


def test_only_network_policies_close_what_is_outside_and_that_is_said() -> None:
    web = "shop/web"
    for engine, verdict in (("spec", Verdict.ALLOWED), ("azure", Verdict.DENIED)):
        found = baseline(declared(), engine)
        (outside,) = {each.id for each in found.found.endpoints if each.id == "0.0.0.0/0"}
        said = found.found.connection(outside, web)
        assert bool(said.allowed) is (verdict is Verdict.ALLOWED)
        extra = {"closes-more", "no-baseline-tier"}
        assert _ids(found) & extra == (set() if verdict is Verdict.ALLOWED else extra)


@pytest.mark.parametrize("engine", ["spec", "azure", "cilium"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.long(keep=6)
def test_of_random_clusters_what_is_said_to_close_is_what_closes(seed: int, engine: str) -> None:
    cluster = random_cluster(Random(f"baseline {seed}"), Size(workloads=4, policies=2))
    found = baseline(cluster, engine)
    lost, more = 0, 0
    for was in found.before.connections():
        now = found.found.connection(was.source_id, was.destination_id)
        ends = [was.source, was.destination]
        spaces = {end.workload.namespace for end in ends if isinstance(end, WorkloadEndpoint)}
        known = was.allowed | was.undetermined_ports
        closes = bool(known - now.allowed - now.undetermined_ports)
        if was.source_id != was.destination_id:
            between = len(spaces) == len(ends)
            lost, more = lost + (closes and between), more + (closes and not between)
    for now in found.found.connections():
        was = found.before.connection(now.source_id, now.destination_id)
        assert not now.allowed - was.allowed - was.undetermined_ports
    assert found.closed == lost
    assert bool(more) is ("closes-more" in _ids(found))
    still = any(each.allowed for each in across(found.found))
    assert still is ("open-between-namespaces" in _ids(found))


def test_it_takes_priorities_that_nobody_has_and_is_the_same_again() -> None:
    first = baseline(declared(), "spec")
    check_priorities(first.cluster_policies)
    with_it = snapshot(Document(each.to_manifest()) for each in first.cluster_policies).snapshot
    again = baseline(replace(declared(), tier_policies=with_it.tier_policies), "spec")
    assert (again.cluster_policies, again.closed) == (first.cluster_policies, first.closed)
    other = replace(with_it.tier_policies[0], name="other")
    assert other.priority == 1000
    beside = baseline(replace(declared(), tier_policies=(other,)), "spec")
    assert [each.priority for each in beside.cluster_policies][:1] == [999]


def test_the_command_writes_both_forms(tmp_path: Path) -> None:
    workloads = str(GUARDED / "workloads.yaml")
    python = podwall(tmp_path, "suggest", "--baseline", workloads, "--engine", "spec")
    made = scope_of(python.out)["CLUSTER_POLICIES"]
    assert all(isinstance(each, ClusterNetworkPolicy) for each in made)
    assert "between namespaces, nothing stays open" in python.err
    documents = podwall(tmp_path, "suggest", "--baseline", workloads, "--engine", "spec",
                        "-o", "yaml")  # fmt: skip
    assert [each.to_manifest() for each in made] == list(yaml.safe_load_all(documents.out))
    plain = podwall(tmp_path, "suggest", "--baseline", workloads, "--engine", "azure", "-o", "yaml")
    listed = [NetworkPolicy.from_manifest(each) for each in yaml.safe_load_all(plain.out)]
    assert {each.name for each in listed} == {"baseline"}
    assert "info[no-baseline-tier]" in plain.err


def test_the_analysis_is_that_of_what_was_written() -> None:
    found = baseline(declared(), "spec")
    documents = [Document(each.to_manifest()) for each in found.cluster_policies]
    tiers = snapshot(documents).snapshot.tier_policies
    again = reachability(replace(declared(), tier_policies=tiers), "spec")
    assert [str(each) for each in again.connections()] == [
        str(each) for each in found.found.connections()
    ]
