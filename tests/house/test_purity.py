"""What a cluster may be is decided without Pulumi: only its resource knows Pulumi.

The contracts in `pyproject.toml` count imports for type checkers as well. Arguments may be outputs
of Pulumi, so that their types name it; here only what is imported when the program runs counts.
"""

from __future__ import annotations

from functools import cache

import grimp
import pytest

from tests.house.count import PACKAGES, ROOT

RESOURCES = ("podwall.components.cluster.aks_cluster", "podwall.components.cluster.resources")
"""They ask for modules of the Azure SDK one by one, in a way that no graph of imports shows."""

PULUMI = ("pulumi", "pulumi_azure_native", "pulumi_kubernetes", "yaml", *RESOURCES)
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
    known = [each for each in PULUMI if each in graph.modules]
    chains = (graph.find_shortest_chain(importer=module, imported=each) for each in known)
    assert [chain for chain in chains if chain is not None] == []


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_resource_knows_pulumi(resource: str) -> None:
    assert _imports_at_run_time().find_shortest_chain(importer=resource, imported="pulumi")


def test_only_the_resources_ask_for_modules_of_the_azure_sdk() -> None:
    files = [*(ROOT / "podwall").rglob("*.py")]
    asking = [each for each in files if "= alone(" in each.read_text(encoding="utf-8")]
    named = {".".join(each.relative_to(ROOT).with_suffix("").parts) for each in asking}
    assert named == {*RESOURCES}
