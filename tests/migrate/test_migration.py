"""The edits of a migration keep who can reach whom: a third analysis proves it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from podwall import policies
from podwall.diff import ConnectionChangeKind, diff
from podwall.engines import AZURE, CILIUM, Treatment
from podwall.migrate import Migration, migrate, policy_manifest, python_code
from podwall.model import (
    IpProtocol,
    Operator,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    Unknown,
)
from podwall.policies import NetworkPolicy
from podwall.reachability import reachability
from podwall.reading import Document, snapshot
from podwall.reports.changes import change_rows
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    load_balancer,
    named,
    pod,
    policy,
    selector,
    tcp,
)
from tests.core.clusters import Size, random_cluster

SIZE = Size(workloads=5, policies=5, ipv6=False, hosts=False)

SCTP_ON = replace(
    CILIUM,
    sctp_rules=AZURE.sctp_rules,
    repeated_port_names=AZURE.repeated_port_names,
)
"""Cilium with SCTP switched on, and port names that pods may repeat, as random clusters do."""


def flows(migration: Migration) -> dict[str, ConnectionChangeKind]:
    """Return what changes between workloads and ranges."""
    changes = migration.difference.changes()
    return {f"{each.source.id} -> {each.destination.id}": each.kind for each in changes}


def still(migration: Migration) -> list[str]:
    """Return what still changes once the edits are applied."""
    return [f"{row.source} -> {row.destination}" for row in change_rows(migration.remaining)]


@pytest.mark.parametrize("seed", range(150))
@pytest.mark.long(keep=3)
def test_the_edits_of_random_clusters_keep_everything(seed: int) -> None:
    rng = Random(f"migrate {seed}")
    found = with_one_number_for_each_name(random_cluster(rng, SIZE))
    migration = migrate(replace(found, kubernetes_version="1.34"), AZURE, SCTP_ON)
    assert still(migration) == []


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.long(keep=8)
def test_ranges_are_written_out_where_only_their_first_port_would_count(seed: int) -> None:
    rng = Random(f"ranges {seed}")
    found = with_one_number_for_each_name(random_cluster(rng, SIZE))
    short = tuple(each for each in found.policies if not _has_a_long_range(each))
    older = replace(found, policies=short, kubernetes_version="1.30")
    assert still(migrate(older, AZURE, SCTP_ON)) == []


def _has_a_long_range(each: Policy) -> bool:
    return "end_port=65535" in repr(each) or "end_port=8080" in repr(each)


def with_one_number_for_each_name(found: Snapshot) -> Snapshot:
    """Return the cluster with the port numbers of the first pod that has each name."""
    numbers: dict[tuple[str | None, str], int] = {}
    workloads = tuple(
        replace(
            each,
            ports=tuple(
                replace(port, number=numbers.setdefault((port.name, port.protocol), port.number))
                for port in each.ports
                if port.name is not None
            ),
        )
        for each in found.workloads
    )
    return replace(found, workloads=workloads)


def test_a_block_that_included_pods_is_joined_by_every_namespace() -> None:
    only = policy("x", selector(app="a"), "out", egress=(allow(block("0.0.0.0/0")),))
    migration = migrate(cluster(only), "azure", "cilium")
    assert flows(migration)["x/a -> y/b"] is ConnectionChangeKind.REMOVED
    (edit,) = migration.edits
    assert (edit.name, edit.reasons[0].split(",")[0]) == ("x/out", "an ip block included the pods")
    (rule,) = policy_manifest(edit.new)["spec"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"namespaceSelector": {}}]
    assert 'allow_to(ip_block("0.0.0.0/0"), ALL_NAMESPACES, ports=ALL_PORTS)' in python_code(
        edit.new
    )
    assert still(migration) == []


def test_a_peer_that_only_excludes_namespaces_may_mean_what_has_none() -> None:
    others = PodPeer(Selector(), Selector((SelectorRequirement("env", Operator.NOT_IN, ("dev",)),)))
    migration = migrate(cluster(policy("x", ingress=(allow(others),))), "azure", "cilium")
    change = next(each for each in migration.difference.changes() if each.source.id == "0.0.0.0/0")
    assert change.only_perhaps
    assert "up to Cilium 1.18" in change.because
    (edit,) = migration.edits
    (rule,) = policy_manifest(edit.new)["spec"]["ingress"]
    exists = {"key": "kubernetes.io/metadata.name", "operator": "Exists"}
    assert exists in rule["from"][0]["namespaceSelector"]["matchExpressions"]
    assert still(migration) == []


def test_a_backend_that_was_open_gets_a_policy_of_its_own() -> None:
    snapshot_ = cluster(
        policy("x", name="deny", ingress=()), load_balancer("x/web", 8080, selector(app="a"))
    )
    migration = migrate(snapshot_, "azure", "cilium")
    assert flows(migration)["0.0.0.0/0 -> x/a"] is ConnectionChangeKind.REMOVED
    (edit,) = migration.edits
    assert (edit.old, edit.name) == (None, "x/allow-service-web")
    assert still(migration) == []


def test_backends_of_which_only_some_are_isolated_are_told() -> None:
    snapshot_ = cluster(
        policy("x", selector(app="a"), "deny", ingress=()), load_balancer("x/web", 80, EVERYTHING)
    )
    assert migrate(snapshot_, "azure", "cilium").edits == ()
    ids = [each.id for each in migrate(snapshot_, "azure", "cilium").limits]
    assert ids == []  # a service without a selector has no backends
    both = replace(snapshot_, services=(load_balancer("x/web", 80, selector(tier="web")),))
    pods = tuple(pod(f"x/{name}", labels={"app": name, "tier": "web"}) for name in "ab")
    migration = migrate(replace(both, workloads=pods), "azure", "cilium")
    assert [each.id for each in migration.limits] == ["service-backends-differ"]
    assert still(migration)


def test_a_port_name_of_two_numbers_becomes_numbers() -> None:
    snapshot_ = cluster(
        pod("x/a"),
        pod("y/b", named("http", 80)),
        pod("y/c", named("http", 8080)),
        policy("x", name="out", egress=(allow(ports=(tcp("http"), tcp(443))),)),
    )
    migration = migrate(snapshot_, "azure", "cilium")
    assert flows(migration)["x/a -> y/b"] is ConnectionChangeKind.NARROWED
    assert still(migration) == []
    egress = policy_manifest(migration.edits[0].new)["spec"]["egress"]
    assert [rule["ports"][0]["port"] for rule in egress] == [443, 80, 8080]


def test_what_no_network_policy_can_say_is_told() -> None:
    only = policy("x", selector(app="a"), "out", egress=(allow(block("10.0.0.0/8")),))
    migration = migrate(replace(cluster(only), pod_cidrs=()), "azure", "cilium")
    ids = [each.id for each in migration.limits]
    assert ids == [
        "block-may-mean-pods",
        "block-means-no-node",
        "own-node-closed",
        "local-dns-closed",
    ]
    assert migration.edits == ()


def test_a_policy_that_was_ignored_is_told() -> None:
    ignored = policy("x", name="v6", ingress=(allow(block("2001:db8::/32")),))
    migration = migrate(cluster(ignored), "azure", "cilium")
    assert [each.id for each in migration.limits] == ["enforcement-changes"]
    assert flows(migration)["y/b -> x/a"] is ConnectionChangeKind.REMOVED


def test_nothing_changes_between_an_engine_and_itself() -> None:
    only = policy("x", name="out", egress=(allow(block("0.0.0.0/0")),))
    migration = migrate(cluster(only), "calico", "calico")
    assert (migration.edits, migration.limits, flows(migration)) == ((), (), {})
    assert CILIUM.egress_port_names.value is Treatment.IGNORED


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.long(keep=8)
def test_written_policies_mean_what_they_say(seed: int) -> None:
    """YAML is read back to what it was written from, and Python makes what YAML says."""
    found = random_cluster(Random(f"written {seed}"), Size(policies=6))
    manifests = [policy_manifest(each) for each in found.policies]
    read = snapshot([Document(each) for each in manifests]).snapshot.policies
    assert diff(reachability(found), reachability(replace(found, policies=read))).is_empty
    for each, manifest in zip(found.policies, manifests, strict=True):
        made = eval(python_code(each), {name: getattr(policies, name) for name in policies.__all__})  # noqa: S307 - our own text
        assert made == NetworkPolicy.from_manifest(manifest)


SOMEWHERE = Selector((SelectorRequirement("app", Operator.IN, (), Unknown("the app")),))


@pytest.mark.parametrize(
    "rule",
    [
        Rule(peers=(Unknown("who"),)),
        Rule(peers=(PodPeer(SOMEWHERE),)),
        Rule(peers=(PodPeer(Selector(), SOMEWHERE),)),
        Rule(ports=Unknown("which")),
        Rule(ports=(PortRule(port=Unknown("which")),)),
        Rule(ports=(PortRule(IpProtocol.TCP, 80, Unknown("the end")),)),
    ],
)
def test_a_rule_of_which_a_side_is_unknown_does_not_allow_everything(rule: Rule) -> None:
    half = policy("x", name="in", ingress=(rule, allow(ports=(tcp(80),))))
    assert policy_manifest(half)["spec"]["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": 80}]}
    ]
    assert "allow_from(ANYWHERE, ports=tcp(80))" in python_code(half)
    assert python_code(half).count("allow_from") == 1
