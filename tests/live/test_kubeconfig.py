"""Which cluster is meant: kubeconfigs as kubectl reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from podwall.live import KubeContext
from podwall.live.kubeconfig import login
from podwall.policies.errors import SourceError
from tests.live.stand_in import kubeconfig_of


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def _written(path: Path, document: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(path)


def _chosen(kubeconfig: str | None = None, context: str | None = None) -> str:
    return login(KubeContext(kubeconfig, context)).cluster.server


def test_the_file_that_is_named_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other, home = (
        _written(tmp_path / each, kubeconfig_of(f"https://{each.split('/')[-1]}"))
        for each in ("named", "other", ".kube/config")
    )
    assert home.endswith(".kube/config")
    assert _chosen() == "https://config"
    monkeypatch.setenv("KUBECONFIG", other)
    assert _chosen() == "https://other"
    assert _chosen(named) == "https://named"


def test_of_several_files_the_first_with_an_entry_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = {"contexts": [{"name": "b", "context": {"cluster": "c", "user": "u"}}]}
    first = _written(tmp_path / "first", {**contexts, "current-context": "b"})
    second = _written(tmp_path / "second", kubeconfig_of("https://second"))
    third = _written(tmp_path / "third", kubeconfig_of("https://third"))
    paths = [first, str(tmp_path / "nowhere"), second, third]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(paths))
    assert login(KubeContext()).name == "b"
    assert _chosen() == "https://second"
    assert _chosen(context="stand-in") == "https://second"


def test_paths_are_those_beside_the_file(tmp_path: Path) -> None:
    document = kubeconfig_of("https://c", **{"client-certificate": "me.crt", "tokenFile": "/t"})
    document["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    document["users"][0]["user"]["exec"] = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "bin/login",
    }
    found = login(KubeContext(_written(tmp_path / "deep/config", document)))
    assert found.cluster.certificate_authority == str(tmp_path / "deep/ca.crt")
    assert found.user.client_certificate == str(tmp_path / "deep/me.crt")
    assert found.user.token_file == "/t"  # noqa: S105 - a path
    assert found.user.exec is not None
    assert found.user.exec.command == str(tmp_path / "deep/bin/login")


def test_a_pod_signs_in_with_its_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("t", encoding="utf-8")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    found = login(KubeContext(), account=str(tmp_path))
    assert found.cluster.server == "https://[fd00::1]:6443"
    assert found.user.token_file == str(tmp_path / "token")


REFUSED = [
    pytest.param("nonsense: [", "is not YAML", id="no YAML"),
    pytest.param("- 1", "is no kubeconfig", id="something else"),
    pytest.param("clusters: [{name: c}]", "clusters", id="a cluster without a server"),
    pytest.param("{}", "no current context", id="an empty one"),
    pytest.param("current-context: x", "there is no context `x`", id="a context that is not there"),
    pytest.param(
        "{current-context: x, contexts: [{name: x, context: {cluster: c}}]}",
        "names cluster `c`, which is not there",
        id="a cluster that is not there",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_wrong_is_said_with_the_file(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as problem:
        _chosen(str(path))
    assert str(problem.value).startswith(str(path))
    assert message in problem.value.message


def test_no_message_shows_what_stands_in_the_file(tmp_path: Path) -> None:
    path = _written(tmp_path / "config", kubeconfig_of("https://c", token=12345678901234))
    with pytest.raises(SourceError) as problem:
        _chosen(path)
    assert "users[0].user.token" in problem.value.message
    assert "12345678901234" not in str(problem.value)


def test_without_any_kubeconfig_the_remedy_says_how_to_get_one() -> None:
    with pytest.raises(SourceError, match="no kubeconfig was found") as problem:
        _chosen()
    assert "az aks get-credentials" in problem.value.help


def test_a_context_that_is_misspelt_is_proposed(tmp_path: Path) -> None:
    path = _written(tmp_path / "config", kubeconfig_of("https://c"))
    with pytest.raises(SourceError) as problem:
        _chosen(path, "stand-inn")
    assert "stand-in" in problem.value.help
