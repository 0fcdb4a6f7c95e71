"""The components in a program that is not Python."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.engine.plans import inputs_of, operations, types
from tests.engine.workspace import ROOT, EngineFailed, Workspace

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CONFIGURATION = {
    "azure-native:location": "westeurope",
    "kubernetes:kubeconfig": "{apiVersion: v1}",
}
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy::shop/backend"


@pytest.fixture
def written_in_yaml(tmp_path: Path) -> Workspace:
    """Return a stack of the YAML program before its first deployment."""
    cli = shutil.which("pulumi") or ""
    if not (Path(cli).resolve().parent / "pulumi-language-yaml").exists():
        pytest.skip("this Pulumi CLI comes without pulumi-language-yaml")
    workspace = Workspace.of(ROOT, tmp_path, inside="tests/engine/programs/yaml")
    (tmp_path / "project" / "components" / ".venv").symlink_to(sys.prefix)
    return workspace.started().configured(CONFIGURATION)


def test_a_yaml_program_deploys_the_components(written_in_yaml: Workspace) -> None:
    preview = written_in_yaml.preview()
    assert types(preview, "create") > {"podwall:index:AksCluster", "podwall:index:NetworkPolicies"}
    (rule,) = inputs_of(preview, POLICY)["spec"]["ingress"]
    assert rule["ports"] == [{"port": 80, "protocol": "TCP"}]
    written_in_yaml.up()
    assert operations(written_in_yaml.preview()) == {"same"}


def test_a_wrong_input_is_refused_by_its_property(written_in_yaml: Workspace) -> None:
    with pytest.raises(EngineFailed, match="`99999` is not a port number") as failure:
        written_in_yaml.configured({"yaml:port": "99999"}).preview()
    assert "Traceback" not in failure.value.output
