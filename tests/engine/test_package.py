"""The package of the components under the real engine, through the SDK that Pulumi makes of it."""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.engine.plans import inputs_of, operations, types
from tests.engine.workspace import ROOT, Document, EngineFailed, Workspace

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

PROGRAM = ROOT / "tests" / "engine" / "programs" / "package"
VERSION = version("podwall")


@pytest.fixture(scope="module")
def with_package(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a stack of the program, beside the SDK that is made from the package's own schema."""
    workspace = Workspace.of(PROGRAM, tmp_path_factory.mktemp("package"))
    script = workspace.with_plugin("podwall", VERSION, f'"{sys.executable}" -u "{ROOT}/components"')
    schema = workspace.folder / "schema.json"
    schema.write_text(workspace.pulumi("package", "get-schema", str(script)), encoding="utf-8")
    sdk = workspace.folder / "sdk"
    workspace.pulumi("package", "gen-sdk", str(schema), "--language", "python", "--out", str(sdk))
    _install(sdk / "python", workspace.project)
    return workspace.started()


def _install(made: Path, project: Path) -> None:
    """Put the SDK beside the program, with the version that it asks its own distribution for."""
    (made / "pulumi_podwall").rename(project / "pulumi_podwall")
    about = project / f"pulumi_podwall-{VERSION}.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text(f"Metadata-Version: 2.1\nName: pulumi_podwall\nVersion: {VERSION}\n")


def test_outputs_of_the_program_arrive_and_come_back(with_package: Workspace) -> None:
    preview = with_package.preview()
    assert types(preview, "create") >= {"podwall:index:AksCluster", "podwall:index:Workload"}
    assert "azure-native:network:VirtualNetwork" not in types(preview, "create")
    closed = inputs_of(preview, "kubernetes:networking.k8s.io/v1:NetworkPolicy::shop/default-deny")
    assert closed["spec"]["policyTypes"] == ["Ingress", "Egress"]
    (settings,) = (each for each in preview["steps"] if each["urn"].endswith("ConfigMap::settings"))
    assert "AksCluster$pulumi:providers:kubernetes::shop::" in settings["newState"]["provider"]
    with_package.up()
    again = with_package.preview()
    assert operations(again) == {"same"}
    _check_inputs(again)
    _check_outputs(with_package)


def _check_inputs(again: Document) -> None:
    """What was an output in the first preview is the value that it became."""
    group = inputs_of(again, "azure-native:resources:ResourceGroup::rg")["resourceGroupName"]
    cluster = inputs_of(again, "azure-native:containerservice:ManagedCluster::shop")
    assert cluster["resourceGroupName"] == group
    assert cluster["agentPoolProfiles"][0]["vnetSubnetID"].endswith("/hub/subnets/nodes")
    workload = inputs_of(again, "kubernetes:apps/v1:Deployment::shop/api")
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{group}.azurecr.io/api:1.0"


def _check_outputs(deployed: Workspace) -> None:
    """What is given back is known, and the way into the cluster is a secret."""
    shown = json.loads(deployed.pulumi("stack", "output", "--json", "--stack", deployed.stack))
    assert shown["kubeconfig"] == "[secret]"
    assert shown["issuer"].startswith("https://")
    assert shown["nodes"]


def test_an_output_where_the_plan_needs_the_value_is_refused(with_package: Workspace) -> None:
    program = with_package.project / "__main__.py"
    written = program.read_text(encoding="utf-8")
    program.write_text(written.replace('namespace="shop"', "namespace=group.name"))
    with pytest.raises(EngineFailed, match="has to be known before the deployment") as failure:
        with_package.preview()
    program.write_text(written)
    assert "property namespace" in failure.value.output
