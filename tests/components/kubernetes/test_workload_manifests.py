from __future__ import annotations

from typing import Any

import pytest

from podwall.components import manifests
from podwall.components.workload_args import ContainerPort, Probe, WorkloadArgs, WorkloadKind
from podwall.policies import Protocol


def args_of(**choices: Any) -> WorkloadArgs:
    given: dict[str, Any] = {
        "name": "api",
        "namespace": "shop",
        "labels": {"app": "api"},
        "image": "docker.io/library/api:1.0",
        "ports": (ContainerPort(name="http", number=8080),),
    }
    return WorkloadArgs(**{**given, **choices})


def pod_spec(args: WorkloadArgs) -> dict[str, Any]:
    spec: dict[str, Any] = manifests.workload(args)["spec"]
    if args.kind is WorkloadKind.POD:
        return spec
    template: dict[str, Any] = spec["template"]["spec"]
    return template


@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_pods_satisfy_the_restricted_profile(kind: WorkloadKind) -> None:
    spec = pod_spec(args_of(kind=kind))
    security = spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] != 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all(set(volume) == {"name", "emptyDir"} for volume in spec["volumes"])
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in context


@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_pods_can_write_nowhere_but_on_their_own_empty_volumes(kind: WorkloadKind) -> None:
    spec = pod_spec(args_of(kind=kind, writable_paths=("/cache", "/run/app")))
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/cache", "/run/app"]
    mounted = [mount["name"] for mount in container["volumeMounts"]]
    assert mounted == [volume["name"] for volume in spec["volumes"]]


@pytest.mark.parametrize("kind", list(WorkloadKind))
def test_pods_carry_no_token_and_have_an_account_of_their_own(kind: WorkloadKind) -> None:
    spec = pod_spec(args_of(kind=kind))
    account = manifests.service_account(args_of(kind=kind))
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["serviceAccountName"] == account["metadata"]["name"] == "api"
    assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("number", "sysctls"),
    [
        pytest.param(80, [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}], id="80"),
        pytest.param(1023, [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}], id="<"),
        pytest.param(1024, None, id="1024 needs nothing"),
    ],
)
def test_low_ports_need_a_safe_sysctl_and_no_capability(number: int, sysctls: object) -> None:
    spec = pod_spec(args_of(ports=(ContainerPort(name="http", number=number),)))
    assert spec["securityContext"].get("sysctls") == sysctls


def test_the_image_decides_what_runs_unless_said_otherwise() -> None:
    (plain,) = pod_spec(args_of())["containers"]
    (said,) = pod_spec(args_of(command=("sh",), arguments=("-c", "x")))["containers"]
    assert not {"command", "args", "env"} & set(plain)
    assert (said["command"], said["args"]) == (["sh"], ["-c", "x"])


def test_a_deployment_rolls_out_without_losing_a_pod_and_spreads() -> None:
    spec = manifests.workload(args_of(replicas=3))["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]


def test_selectors_select_exactly_the_labels() -> None:
    args = args_of(labels={"app": "api", "role": "web"})
    service, budget = manifests.service(args), manifests.disruption_budget(args)
    assert service is not None
    assert budget is not None
    spec = manifests.deployment(args)["spec"]
    assert spec["selector"]["matchLabels"] == {"app": "api", "role": "web"}
    assert spec["template"]["metadata"]["labels"] == {"app": "api", "role": "web"}
    assert service["spec"]["selector"] == {"app": "api", "role": "web"}
    assert budget["spec"]["selector"]["matchLabels"] == {"app": "api", "role": "web"}


@pytest.mark.parametrize("replicas", [2, 3, 10])
def test_a_budget_never_asks_for_all_pods(replicas: int) -> None:
    budget = manifests.disruption_budget(args_of(replicas=replicas))
    assert budget is not None
    assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param({"kind": WorkloadKind.POD}, id="a bare pod"),
        pytest.param({"replicas": 1}, id="one replica"),
    ],
)
def test_one_pod_has_no_budget_that_would_stop_upgrades(choices: dict[str, Any]) -> None:
    assert manifests.disruption_budget(args_of(**choices)) is None


def test_a_service_stays_inside_the_cluster_and_offers_every_port() -> None:
    dns = ContainerPort(name="dns", number=53, protocol=Protocol.UDP)
    service = manifests.service(args_of(ports=(ContainerPort(name="http", number=80), dns)))
    assert service is not None
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"},
        {"name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP"},
    ]


def test_without_ports_there_is_neither_service_nor_probe_nor_wait() -> None:
    (container,) = pod_spec(args_of(ports=()))["containers"]
    assert manifests.service(args_of(ports=())) is None
    assert not {"readinessProbe", "livenessProbe", "lifecycle", "ports"} & set(container)


def test_a_probe_can_ask_for_a_page() -> None:
    (container,) = pod_spec(args_of(probe=Probe(port="http", path="/healthz")))["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["livenessProbe"]["failureThreshold"] > 3
