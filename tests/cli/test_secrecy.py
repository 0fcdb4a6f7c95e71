"""No secret reaches the screen, a message, or a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import ROOT, Result, podwall
from tests.plan.projects import project_in

PASSWORD = "correct-horse-battery"  # noqa: S105 - the secret that must not come out
SECRETS = f"""
    import pulumi
    from pulumi_kubernetes import Provider
    from pulumi_kubernetes.core.v1 import ConfigMap, Pod, Secret

    config = pulumi.Config()
    secret = pulumi.Output.secret("{PASSWORD}")
    provider = Provider("k8s", kubeconfig=pulumi.Output.concat("token: ", secret))
    inside = pulumi.ResourceOptions(provider=provider)

    Secret("key", metadata={{"name": "key"}}, string_data={{"password": secret}}, opts=inside)
    ConfigMap("map", metadata={{"name": "map"}}, data={{"password": secret, "user": "me"}})
    Pod(
        "web",
        metadata={{"name": "web", "annotations": {{"key": secret}}}},
        spec={{"containers": [{{"name": "a", "env": [{{"name": "KEY", "value": secret}}]}}]}},
    )
    Pod("api", metadata={{"name": "api", "labels": {{"key": secret}}}}, spec={{"containers": []}})
    pulumi.export("password", pulumi.Output.all(secret, "x"))
    pulumi.export("config", config.require_secret("password"))
"""


def everything(result: Result, folder: Path) -> Iterator[str]:
    """Yield all that a run has said and written."""
    yield from (result.out, result.err)
    yield from (file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_of_the_program_comes_out_nowhere(tmp_path: Path, form: str) -> None:
    declared = {"password": {"type": "string", "secret": True}}
    project = project_in(tmp_path, SECRETS, {"shop:password": PASSWORD}, declared)
    result = podwall(project, "preview", "-o", form, "--cluster", "k8s,default")
    assert result.code == 0
    said = list(everything(result, project / "out"))
    assert len(said) == 7
    assert not any(PASSWORD in text for text in said)


def test_a_secret_of_a_program_that_fails_comes_out_nowhere(tmp_path: Path) -> None:
    project = project_in(
        tmp_path, f"{SECRETS}\n    config.require_int('password')", {"shop:password": PASSWORD}
    )
    result = podwall(project, "preview")
    assert result.code == 2
    assert "`shop:password` is not of type `int`" in result.err
    assert PASSWORD not in result.out + result.err


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.long(keep=1)
def test_the_clusters_kubeconfig_comes_out_nowhere(tmp_path: Path, stack: str) -> None:
    result = podwall(ROOT, "preview", "-s", stack, "-o", "json", "--out", str(tmp_path))
    assert result.code == 0
    for text in everything(result, tmp_path):
        assert "certificate-authority-data" not in text
        assert "current-context" not in text
    (provider,) = (
        each for each in result.json["resources"] if each["type"] == "pulumi:providers:kubernetes"
    )
    assert provider["inputs"]["kubeconfig"] == "[secret]"
    assert result.json["outputs"]["kubeconfig"] == "[secret]"
