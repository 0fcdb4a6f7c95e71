"""What a plan knows, and what it says it can't know."""

from __future__ import annotations

from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest

from podwall.model import IpProtocol
from podwall.plan.documents import documents, with_known_namespaces
from podwall.policies.errors import Unknown
from podwall.reachability import Verdict, reachability
from podwall.reading import snapshot
from tests.plan.projects import plan_of, resource

CLUSTER = """
from pulumi_azure_native.authorization import get_client_config, get_role_definition_output
from pulumi_azure_native.containerservice import (
    ManagedCluster, list_managed_cluster_user_credentials_output
)
from pulumi_azure_native.managedidentity import UserAssignedIdentity

reader = {"role_definition_id": "reader", "scope": "/subscriptions/s"}
identity = UserAssignedIdentity("id", resource_group_name="rg", location="westeurope")
cluster = ManagedCluster(
    "aks",
    resource_group_name="rg",
    location="westeurope",
    dns_prefix="aks",
    identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
    oidc_issuer_profile={"enabled": True},
    tags={"team": "red"},
)
"""


def label_of(folder: Path, expression: str) -> Any:
    plan = plan_of(folder, f"{CLUSTER}\npod('web', labels={{'value': {expression}}})")
    return resource(plan, "web").inputs["metadata"]["labels"]["value"]


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        pytest.param("cluster.location", "westeurope", id="an input that comes back"),
        pytest.param("cluster.tags['team']", "red", id="a part of an input"),
        pytest.param(
            "cluster.tags.apply(lambda t: t['team'].upper())", "RED", id="a function of it"
        ),
        pytest.param(
            "pod('other', labels={'a': 'b'}).metadata.labels['a']", "b", id="a label of another pod"
        ),
    ],
)
@pytest.mark.long(keep=1)
def test_what_the_inputs_tell_is_known(tmp_path: Path, expression: str, known: str) -> None:
    assert label_of(tmp_path, expression) == known


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("cluster.fqdn", id="what the cloud makes up"),
        pytest.param("cluster.id", id="an id"),
        pytest.param("cluster.fqdn.apply(str.upper)", id="a function of an unknown"),
        pytest.param("Output.concat('x-', cluster.fqdn)", id="a text around an unknown"),
        pytest.param("cluster.oidc_issuer_profile.issuer_url", id="a field beside a known one"),
        pytest.param(
            "cluster.identity.apply(lambda i: list(i.user_assigned_identities)[0])",
            id="a list that comes back as a map",
        ),
        pytest.param(
            "get_role_definition_output(**reader).role_name", id="the answer of a function"
        ),
        pytest.param("get_client_config().tenant_id", id="its direct form"),
        pytest.param("f'x-{get_client_config().tenant_id}'", id="a text around the direct form"),
        pytest.param(
            "list_managed_cluster_user_credentials_output("
            "resource_group_name='rg', resource_name='aks').kubeconfigs[0].name",
            id="a function that the cloud answers",
        ),
        pytest.param("pod('other').metadata.uid", id="what the API server makes up"),
        pytest.param("Pod('auto').metadata.uid", id="what the API server makes up, without a name"),
    ],
)
@pytest.mark.long(keep=1)
def test_what_only_deployment_tells_is_unknown(tmp_path: Path, expression: str) -> None:
    assert isinstance(label_of(tmp_path, expression), Unknown)


def test_an_unknown_names_the_value_and_where_it_comes_from(tmp_path: Path) -> None:
    found = label_of(tmp_path, "cluster.fqdn")
    assert found.cause == (
        "`metadata.labels.value` of Pod `web` is known only after deployment"
        " of ManagedCluster `aks`"
    )


def test_a_plan_never_holds_the_protocols_own_mark(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, f"{CLUSTER}\npod('web', labels={{'a': cluster.fqdn}})")
    assert "04da6b54" not in repr(plan)


def test_a_namespace_from_another_objects_output_is_known(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """
        ns = Namespace("shop", metadata={"name": "shop"})
        pod("web", namespace=ns.metadata.name)
        pod("api", namespace=ns.metadata["name"])
        """,
    )
    for name in ("web", "api"):
        assert resource(plan, name).inputs["metadata"]["namespace"] == "shop"


@pytest.mark.parametrize(
    "expression",
    [
        "ns.metadata.name",
        "ns.metadata['name']",
        "ns.metadata.apply(lambda m: m.name)",
        "ns.metadata.apply(lambda m: m['name'])",
        "ns.id",
        "ns.id.apply(str)",
        "Output.concat(ns.metadata.name)",
        "Output.format('{0}', ns.metadata.name)",
        "Output.all(ns.metadata.name, ns.id).apply(lambda both: both[1])",
        "Output.all(name=ns.metadata.name).apply(lambda them: them['name'])",
        "ns.urn.apply(lambda _: ns.metadata.name)",
    ],
)
@pytest.mark.long(keep=2)
def test_pods_of_a_namespace_that_pulumi_names_are_in_that_namespace(
    expression: str, tmp_path: Path
) -> None:
    plan = plan_of(
        tmp_path,
        f"""
        from pulumi import Output
        ns = Namespace("tools")
        pod("web", namespace={expression})
        """,
    )
    read = snapshot(documents(with_known_namespaces(plan))).snapshot
    (web,) = read.workloads
    assert web.full_name == "tools/web"
    assert [namespace.name for namespace in read.namespaces] == ["tools"]


@pytest.mark.parametrize("given", ["managed_namespace_name='tools', ", ""])
def test_pods_of_a_namespace_that_azure_manages_are_in_that_namespace(
    given: str, tmp_path: Path
) -> None:
    # The oldest SDK imports pkg_resources, which warns: so it is not imported here to be asked.
    module = "pulumi_azure_native/containerservice/managed_namespace.py"
    if module not in map(str, files("pulumi-azure-native") or ()):
        pytest.skip("this release of pulumi-azure-native has no ManagedNamespace")
    plan = plan_of(
        tmp_path,
        f"""
        from pulumi_azure_native.containerservice import ManagedNamespace
        ns = ManagedNamespace("tools", {given}resource_group_name="rg", resource_name_="aks")
        pod("web", namespace=ns.name)
        """,
    )
    (web,) = snapshot(documents(plan)).snapshot.workloads
    assert web.full_name == "tools/web"


def test_what_a_program_makes_of_a_made_up_name_means_the_namespace(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """
        from pulumi_kubernetes.networking.v1 import NetworkPolicy

        ns, other = Namespace("tools"), Namespace("other")
        pod("web", namespace=ns.id)
        pod("api", namespace=other.id)
        there = {"kubernetes.io/metadata.name": other.metadata.name}
        NetworkPolicy("from-other", metadata={"name": "from-other", "namespace": ns.id}, spec={
            "pod_selector": {}, "policy_types": ["Ingress"],
            "ingress": [{"from_": [{"namespace_selector": {"match_labels": there}}]}]})
        """,
    )
    found = reachability(snapshot(documents(plan)).snapshot)
    assert found.verdict("other/api", "tools/web", IpProtocol.TCP, 80) is Verdict.ALLOWED
    assert found.verdict("0.0.0.0/0", "tools/web", IpProtocol.TCP, 80) is Verdict.DENIED


def test_a_whole_number_stays_one(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        "pod('web', containers=[{'name': 'a', 'image': 'b', 'ports': [{'container_port': 80}]}])",
    )
    (container,) = resource(plan, "web").inputs["spec"]["containers"]
    assert repr(container["ports"]) == "[{'containerPort': 80}]"


def test_yaml_inside_a_program_is_decoded(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        """
        from pulumi_kubernetes.yaml import ConfigGroup
        ConfigGroup("group", yaml=["{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}"])
        """,
    )
    assert "kubernetes:core/v1:ConfigMap" in {each.type for each in plan.resources}
