"""What a cluster may be is decided without Pulumi: only its resource knows Pulumi.

The contracts in `pyproject.toml` count imports for type checkers as well. Arguments may be outputs
of Pulumi, so that their types name it; here only what is imported when the program runs counts.
"""

from __future__ import annotations

from functools import cache

import grimp
import pytest

from tests.house.count import PACKAGES

PULUMI = ("pulumi", "pulumi_azure_native", "pulumi_kubernetes", "yaml")
PURE = (
    "podwall.components.checks",
    "podwall.components.manifests",
    "podwall.components.namespace_args",
    "podwall.components.workload_args",
    "podwall.components.cluster.access",
    "podwall.components.cluster.advice",
    "podwall.components.cluster.args",
    "podwall.components.cluster.network_profile",
    "podwall.components.cluster.networks",
    "podwall.components.cluster.operations",
    "podwall.components.cluster.pools",
    "podwall.components.cluster.properties",
    "podwall.components.cluster.args",
    "podwall.components.cluster.spec",
)


@cache
def _imports_at_run_time() -> grimp.ImportGraph:
    return grimp.build_graph(
        *PACKAGES,
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


@pytest.mark.parametrize("module", PURE)
def test_decides_without_pulumi(module: str) -> None:
    graph = _imports_at_run_time()
    chains = (graph.find_shortest_chain(importer=module, imported=each) for each in PULUMI)
    assert [chain for chain in chains if chain is not None] == []


def test_the_resource_knows_pulumi() -> None:
    resource = "podwall.components.cluster.aks_cluster"
    assert _imports_at_run_time().find_shortest_chain(importer=resource, imported="pulumi")
