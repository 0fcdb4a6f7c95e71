"""What enforces policies is told by what runs, and what is not certain of it is a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from podwall.change_review import change_review
from podwall.live.cluster import ClusterReading
from podwall.live.enforcement import Enforcement, agents_in, enforcement
from podwall.live.objects import ControllerObject, NodeObject, PodObject
from podwall.policies.errors import Place, Severity
from podwall.reading import DeclaredCluster
from podwall.reports.change_files import change_lacks
from podwall.review import review
from podwall.sources import source_of_cluster
from tests.live.objects import controller, node, pod

NPM = ("kube-system", "azure-npm", "mcr.microsoft.com/containernetworking/azure-npm:v1.6.29")
CALICO = ("calico-system", "calico-node", "mcr.microsoft.com/oss/calico/node:v3.30.1")
CILIUM = ("kube-system", "cilium", "mcr.microsoft.com/containernetworking/cilium/cilium:v1.18.6-1")
KNP = (
    "kube-system",
    "kube-network-policies",
    "registry.k8s.io/networking/kube-network-policies:v1",
)
EXPORTER = ("monitoring", "node-exporter", "quay.io/prometheus/node-exporter:v1.9.0")
NAMED_ALIKE = ("shop", "cilium", "shop.example/cilium-tea:v2")
ENVOY = ("kube-system", "cilium-envoy", "quay.io/cilium/cilium-envoy:v1.34.0")

Agent = tuple[str, str, str]


def _seen(
    *agents: Agent,
    nodes: tuple[str, ...] = ("one", "two"),
    ready: tuple[str, ...] = ("one", "two"),
    settings: Mapping[str, str] | None = None,
    version: str = "v1.34.4",
) -> Enforcement:
    daemon_sets = [controller("DaemonSet", *each) for each in agents]
    pods = [_agent_pod(each, where) for each in agents for where in ready]
    found = agents_in(
        msgspec.convert(daemon_sets, list[ControllerObject]), msgspec.convert(pods, list[PodObject])
    )
    listed = [node(each) | {"status": {"nodeInfo": {"kubeletVersion": version}}} for each in nodes]
    return enforcement(
        found, msgspec.convert(listed, list[NodeObject]), settings, Place("cluster lab")
    )


def _agent_pod(agent: Agent, where: str) -> dict[str, Any]:
    owner = {"kind": "DaemonSet", "name": agent[1], "controller": True}
    found = pod(agent[0], f"{agent[1]}-{where}", owner=owner)
    found["spec"]["nodeName"] = where
    found["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    return found


USUAL: Mapping[str, str] = {"enable-policy": "default"}
ENGINES = [
    pytest.param([NPM], "azure", "Azure Network Policy Manager 1.6.29", id="azure"),
    pytest.param([CALICO], "calico", "Calico 3.30.1", id="calico"),
    pytest.param([CILIUM, ENVOY], "cilium", "Cilium 1.18.6", id="cilium"),
    pytest.param([], "none", "no network policy engine", id="nothing"),
    pytest.param([EXPORTER], "none", "no network policy engine", id="agents of something else"),
    pytest.param([NAMED_ALIKE], "none", "no network policy engine", id="a tea of that name"),
    pytest.param([KNP], None, "kube-network-policies", id="another engine"),
    pytest.param(
        [NPM, CILIUM], None, "Azure Network Policy Manager 1.6.29 and Cilium 1.18.6", id="two"
    ),
]


@pytest.mark.parametrize(("agents", "engine", "title"), ENGINES)
def test_the_engine_is_told_by_its_agents(
    agents: list[Agent], engine: str | None, title: str
) -> None:
    found = _seen(*agents, settings=USUAL)
    assert (found.engine, found.title) == (engine, title)


@pytest.mark.parametrize(
    ("agents", "version"),
    [
        pytest.param([CILIUM, ENVOY], "1.18.6", id="its agents show it"),
        pytest.param([CALICO], "3.30.1", id="Calico's do"),
        pytest.param([("kube-system", "cilium", "cilium/cilium@sha256:1")], None, id="a digest"),
        pytest.param([CILIUM, (*CILIUM[:2], "cilium/cilium:v1.20.2")], None, id="two at once"),
        pytest.param([NPM, CILIUM], None, id="of two engines"),
    ],
)
def test_the_version_of_the_engine_is_told_by_its_agents(
    agents: list[Agent], version: str | None
) -> None:
    assert _seen(*agents, settings=USUAL).version == version


FINDINGS = [
    pytest.param([NPM], {}, [], id="all is well"),
    pytest.param([NPM, CILIUM], {}, [("engines-mixed", "error")], id="a move"),
    pytest.param([KNP], {}, [("engine-not-known", "info")], id="another engine"),
    pytest.param(
        [NPM], {"ready": ("one",)}, [("engine-not-on-every-node", "error")], id="half of the nodes"
    ),
    pytest.param(
        [CILIUM],
        {"settings": None},
        [("engine-settings-not-seen", "warning")],
        id="settings hidden",
    ),
    pytest.param(
        [CILIUM],
        {"settings": {"enable-policy": "always"}},
        [("engine-settings", "error")],
        id="isolated without a policy",
    ),
    pytest.param(
        [CILIUM],
        {"settings": {"policy-cidr-match-mode": "nodes"}},
        [("engine-settings", "warning")],
        id="blocks match nodes",
    ),
]


@pytest.mark.parametrize(("agents", "more", "wanted"), FINDINGS)
def test_what_is_not_certain_is_a_finding(
    agents: list[Agent], more: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    found = _seen(*agents, **{"settings": USUAL, **more})
    assert [(each.id, each.severity.value) for each in found.findings] == wanted


@pytest.mark.parametrize(
    "settings", [{"enable-policy": "never"}, {"enable-k8s-networkpolicy": "false"}]
)
def test_an_engine_that_is_told_to_do_nothing_is_none(settings: Mapping[str, str]) -> None:
    found = _seen(CILIUM, settings=settings)
    assert found.engine == "none"
    assert [each.severity for each in found.findings] == [Severity.ERROR]


def test_an_engine_that_is_inside_of_kubernetes_is_not_none() -> None:
    found = _seen(version="v1.34.1+k3s1")
    assert found.engine is None
    assert [each.id for each in found.findings] == ["engine-not-known"]


def test_the_nodes_without_an_agent_are_named() -> None:
    found = _seen(CALICO, nodes=tuple("abcdef"), ready=("b",))
    assert "not ready on 5 of 6 nodes" in found.findings[0].message
    assert "`a`, `c`, `d` and 2 more" in found.findings[0].message


def test_what_is_left_over_of_an_engine_is_none_beside_another() -> None:
    left = msgspec.convert(controller("DaemonSet", *CALICO), ControllerObject)
    left.status = msgspec.convert(
        {"status": {"desiredNumberScheduled": 0}, "metadata": {}}, ControllerObject
    ).status
    runs = msgspec.convert(controller("DaemonSet", *NPM), ControllerObject)
    assert [each.engine for each in agents_in([left, runs], ())] == ["azure"]
    assert [each.engine for each in agents_in([left], ())] == ["calico"]


def test_an_engine_that_is_not_on_every_node_leaves_nothing_unread() -> None:
    found = _seen(CILIUM, ready=("one",), settings=USUAL)
    cluster = DeclaredCluster("cilium", "1.34")
    partly = source_of_cluster(ClusterReading("lab", (), cluster, found.findings))
    wholly = source_of_cluster(ClusterReading("lab", (), cluster))
    assert not review(partly).not_read
    message = found.findings[0].message
    assert change_lacks(change_review(partly, wholly)) == (f"before the change, {message}",)
    assert change_lacks(change_review(wholly, partly)) == ()
    assert found.findings[0] in change_review(wholly, partly).findings
