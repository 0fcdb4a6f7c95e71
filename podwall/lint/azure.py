"""The limits of the azure engine, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.engines import AZURE
from podwall.lint.lint import Lint, Said
from podwall.lint.scene import Scene, said_of
from podwall.model import IpPeer, Policy, Rule, Unknown
from podwall.policies.errors import Place
from podwall.policies.findings import Severity
from podwall.reachability.cluster import rules_of
from podwall.reachability.port_rules import Direction

__all__ = ["LINTS"]

DOC: Final = "https://learn.microsoft.com/azure/aks/use-network-policies"
MOST_PODS: Final = 20_000
MOST_BLOCKS: Final = 4


def _too_many_pods(scene: Scene) -> Iterator[Said]:
    counts = (workload.replicas for workload in scene.snapshot.workloads)
    pods = sum(1 if isinstance(count, Unknown) else count for count in counts)
    if scene.engine == AZURE and pods > MOST_PODS:
        yield Said(Place(), f"{pods} pods are more than the azure engine can hold ({MOST_PODS})")


def _many_blocks(scene: Scene) -> Iterator[Said]:
    for policy in scene.snapshot.policies if scene.engine == AZURE else ():
        blocks = _blocks(policy)
        if blocks > MOST_BLOCKS:
            yield Said(policy.place.at("spec"), f"policy {said_of(policy)} has {blocks} ip blocks")


def _blocks(policy: Policy) -> int:
    rules = [rule for direction in Direction for rule in rules_of(policy, direction) or ()]
    peers = (rule.peers for rule in rules if isinstance(rule, Rule))
    return sum(
        isinstance(peer, IpPeer) for each in peers if isinstance(each, tuple) for peer in each
    )


def _ends(scene: Scene) -> Iterator[Said]:
    if scene.engine == AZURE and scene.snapshot.engine == AZURE.name:
        yield Said(Place(), "the azure engine is supported until 30 September 2028")


LINTS: Final = (
    Lint(
        "azure-too-many-pods",
        Severity.ERROR,
        _too_many_pods,
        "beyond 250 nodes or 20000 pods it runs out of memory: use cilium",
        DOC,
    ),
    Lint(
        "azure-many-ip-blocks",
        Severity.WARNING,
        _many_blocks,
        f"with more than {MOST_BLOCKS} its edits and reloads can race: split the policy",
        DOC,
    ),
    Lint(
        "azure-engine-ends",
        Severity.INFO,
        _ends,
        "plan the move to cilium: `podwall migrate --from azure --to cilium`",
        DOC,
    ),
)
