from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # no stubs
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from components.package import cluster as cluster_edge
from components.package import kubernetes as kubernetes_edge
from components.package import provider
from components.settings import ClusterChoice, ClusterSettings, parts
from podwall.components import cluster, namespace_args, workload_args

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    written: dict[str, Any] = json.loads(provider().schema or "")
    return written


def test_the_package_offers_four_components(schema: dict[str, Any]) -> None:
    assert set(schema["resources"]) == {
        "podwall:index:AksCluster",
        "podwall:index:Namespace",
        "podwall:index:NetworkPolicies",
        "podwall:index:Workload",
    }
    assert all(each["isComponent"] for each in schema["resources"].values())


def test_everything_in_the_schema_is_described(schema: dict[str, Any]) -> None:
    undescribed = [name for name, each in _described(schema) if not each.get("description")]
    assert undescribed == []


def _described(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, each in {**schema["resources"], **schema["types"]}.items():
        yield name, each
        for key in ("properties", "inputProperties"):
            for leaf, written in each.get(key, {}).items():
                yield f"{name}.{leaf}", written


def test_only_what_has_no_default_is_required(schema: dict[str, Any]) -> None:
    required = {name: each["requiredInputs"] for name, each in schema["resources"].items()}
    assert required == {
        "podwall:index:AksCluster": [],
        "podwall:index:Namespace": [],
        "podwall:index:NetworkPolicies": ["policies"],
        "podwall:index:Workload": ["image", "labels", "namespace"],
    }


FROM_OTHER_RESOURCES = {
    "AksCluster.defenderWorkspaceId",
    "AksCluster.monitoringWorkspaceId",
    "AksCluster.privateDnsZone",
    "AksCluster.resourceGroup",
    "Egress.bootstrapRegistryId",
    "Egress.natGatewayId",
    "Egress.routeTableId",
    "Entra.adminGroups",
    "Identities.registries",
    "ManagedIdentity.principalId",
    "ManagedIdentity.resourceId",
    "Network.apiServerSubnetId",
    "Network.nodeSubnetId",
    "Network.podSubnetId",
    "Principal.objectId",
    "Workload.image",
}
"""What another resource of a program gives, and so may be an output."""


def test_only_what_another_resource_gives_may_be_an_output(schema: dict[str, Any]) -> None:
    """What policies and pods are made of is plain, so that a preview knows it."""
    written = {
        f"{name.rpartition(':')[2]}.{key}": each
        for kinds, part in (("resources", "inputProperties"), ("types", "properties"))
        for name, kind in schema[kinds].items()
        for key, each in kind.get(part, {}).items()
    }
    assert {name for name, each in written.items() if not _is_plain(each)} == FROM_OTHER_RESOURCES


def _is_plain(written: Mapping[str, Any]) -> bool:
    return bool(written.get("plain")) and bool(written.get("items", {"plain": True}).get("plain"))


def test_a_port_by_number_and_a_port_by_name_are_two_fields(schema: dict[str, Any]) -> None:
    port = schema["types"]["podwall:index:NetworkPolicyPort"]["properties"]
    assert port["port"]["type"] == "integer"
    assert port["portName"]["type"] == "string"


def test_peers_are_spelled_as_kubernetes_spells_them(schema: dict[str, Any]) -> None:
    types = schema["types"]
    assert set(types["podwall:index:NetworkPolicyIngressRule"]["properties"]) == {"from", "ports"}
    assert set(types["podwall:index:IpBlock"]["properties"]) == {"cidr", "except"}


def test_the_package_has_the_version_of_the_repository(schema: dict[str, Any]) -> None:
    assert schema["version"] == importlib.metadata.version("podwall")


EDGES = [
    pytest.param(kubernetes_edge.NamespaceInputs, [namespace_args.NamespaceArgs], id="namespace"),
    pytest.param(kubernetes_edge.Quota, [namespace_args.Quota], id="quota"),
    pytest.param(kubernetes_edge.Resources, [workload_args.Resources], id="resources"),
    pytest.param(kubernetes_edge.WorkloadInputs, [workload_args.WorkloadArgs], id="workload"),
    pytest.param(kubernetes_edge.ContainerPort, [workload_args.ContainerPort], id="container port"),
    pytest.param(kubernetes_edge.Probe, [workload_args.Probe], id="probe"),
    pytest.param(cluster_edge.AksClusterInputs, [ClusterChoice, ClusterSettings], id="cluster"),
    pytest.param(cluster_edge.Entra, [parts.EntraSettings], id="entra"),
    pytest.param(cluster_edge.Principal, [parts.PrincipalSettings], id="principal"),
    pytest.param(cluster_edge.Identities, [parts.IdentitiesSettings], id="identities"),
    pytest.param(cluster_edge.ManagedIdentity, [parts.IdentitySettings], id="identity"),
    pytest.param(cluster_edge.Pool, [parts.SystemPoolSettings], id="system pool"),
    pytest.param(cluster_edge.UserPool, [parts.UserPoolSettings], id="user pool"),
    pytest.param(cluster_edge.Disk, [parts.DiskSettings], id="disk"),
    pytest.param(cluster_edge.Maintenance, [cluster.MaintenanceWindow], id="maintenance"),
    pytest.param(cluster_edge.Network, [parts.NetworkSettings], id="network"),
    pytest.param(cluster_edge.Egress, [parts.EgressSettings], id="egress"),
    pytest.param(cluster_edge.ServiceNetwork, [cluster.ServiceNetwork], id="services"),
    pytest.param(cluster_edge.DualStack, [cluster.DualStack], id="dual stack"),
    pytest.param(
        cluster_edge.AdvancedNetworking, [cluster.AdvancedNetworking], id="advanced networking"
    ),
]


@pytest.mark.parametrize(("edge", "values"), EDGES)
def test_the_edge_offers_exactly_what_the_values_have(edge: Any, values: list[Any]) -> None:
    assert set(edge.__annotations__) == {field.name for each in values for field in fields(each)}


@pytest.mark.long
def test_the_entry_point_serves_the_same_schema(schema: dict[str, Any]) -> None:
    command = [sys.executable, "-u", str(ROOT / "components"), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT.parent) as host:
        assert host.stdout is not None
        port = host.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            served = stub.GetSchema(provider_pb2.GetSchemaRequest()).schema
        host.terminate()
    assert json.loads(served) == schema
