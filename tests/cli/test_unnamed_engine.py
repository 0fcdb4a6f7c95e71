"""What nobody can tell only because no engine is named is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.cli import main
from tests.lint.cases import SHOP, pod, policy, service

DENY = policy("podSelector: {}, policyTypes: [Ingress]", "deny")
BALANCED = service("type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]", "front")
INSIDE = service("type: ClusterIP, selector: {app: web}, ports: [{port: 80}]", "front")
LINE = (
    "what `front` may open to the outside is not certain, because no engine is named: "
    "name it with `--engine`"
)


def said(folder: Path, capsys: pytest.CaptureFixture[str], *texts: str, engine: str = "") -> str:
    file = folder / "shop.yaml"
    file.write_text("\n---\n".join((SHOP, pod("web"), *texts)), encoding="utf-8")
    main(["reach", str(file), *(["--engine", engine] if engine else [])])
    return capsys.readouterr().err


def test_a_load_balancer_is_not_certain_without_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(tmp_path, capsys, DENY, BALANCED).count(LINE) == 1


@pytest.mark.parametrize("engine", ["azure", "calico", "cilium", "spec"])
def test_nothing_is_asked_of_who_has_named_one(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no engine is named" not in said(tmp_path, capsys, DENY, BALANCED, engine=engine)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param((DENY, INSIDE), id="a service inside the cluster"),
        pytest.param((BALANCED,), id="a pod that is open anyway"),
        pytest.param((DENY,), id="no service"),
    ],
)
def test_nothing_is_asked_where_an_engine_decides_nothing(
    texts: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no engine is named" not in said(tmp_path, capsys, *texts)
