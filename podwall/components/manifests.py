"""The Kubernetes objects of namespaces and workloads, as documents, which tests can read."""

from __future__ import annotations

from typing import Any

from podwall.components.namespace_args import NamespaceArgs
from podwall.components.workload_args import FIRST_UNPRIVILEGED, WorkloadArgs, WorkloadKind

__all__ = [
    "companions",
    "deployment",
    "disruption_budget",
    "limit_range",
    "namespace",
    "pod",
    "resource_quota",
    "service",
    "service_account",
    "workload",
]


Manifest = dict[str, Any]


def namespace(args: NamespaceArgs) -> Manifest:
    """Return the namespace with its labels."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": args.name, "labels": args.all_labels},
    }


def resource_quota(args: NamespaceArgs) -> Manifest | None:
    """Return what all pods together may ask for; None where that is not limited."""
    if args.quota is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": args.name},
        "spec": {"hard": args.quota.hard},
    }


def limit_range(args: NamespaceArgs) -> Manifest | None:
    """Return what containers get that ask for nothing; None where that is nothing."""
    if args.default_resources is None:
        return None
    default = args.default_resources.requirements
    limits = {
        "type": "Container",
        "defaultRequest": default["requests"],
        "default": default["limits"],
    }
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "defaults", "namespace": args.name},
        "spec": {"limits": [limits]},
    }


_DRAIN_SECONDS = 5


def workload(args: WorkloadArgs) -> Manifest:
    """Return what runs the pods: a Deployment, or the bare Pod."""
    return pod(args) if args.kind is WorkloadKind.POD else deployment(args)


def companions(args: WorkloadArgs) -> list[Manifest]:
    """Return what stands beside the pods: the Service and the disruption budget, where needed."""
    return [each for each in (service(args), disruption_budget(args)) if each is not None]


def service_account(args: WorkloadArgs) -> Manifest:
    """Return an account of its own, without a token: nothing can be done in its name by accident.

    A bare pod that used the namespace's `default` account could also come before that account.
    """
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(args),
        "automountServiceAccountToken": False,
    }


def pod(args: WorkloadArgs) -> Manifest:
    """Return the bare pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(args), "spec": _pod_spec(args)}


def deployment(args: WorkloadArgs) -> Manifest:
    """Return the Deployment: spread over zones and nodes, updated without losing a pod."""
    template = _pod_spec(args)
    template["topologySpreadConstraints"] = [
        _spread("topology.kubernetes.io/zone", args),
        _spread("kubernetes.io/hostname", args),
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(args),
        "spec": {
            "replicas": args.pod_count,
            "selector": {"matchLabels": dict(args.labels)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
            },
            "template": {"metadata": {"labels": dict(args.labels)}, "spec": template},
        },
    }


def service(args: WorkloadArgs) -> Manifest | None:
    """Return the Service, reachable inside the cluster only; None where there are no ports."""
    if not args.ports:
        return None
    ports = [
        {"name": p.name, "port": p.number, "targetPort": p.name, "protocol": p.protocol.value}
        for p in args.ports
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(args),
        "spec": {"type": "ClusterIP", "selector": dict(args.labels), "ports": ports},
    }


def disruption_budget(args: WorkloadArgs) -> Manifest | None:
    """Return the budget that lets upgrades take one pod at a time; None where there is one pod.

    A budget that asked for all pods would stop every upgrade of the cluster.
    Source: https://learn.microsoft.com/azure/aks/operator-best-practices-scheduler
    """
    if args.pod_count == 1:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(args),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": dict(args.labels)}},
    }


def _metadata(args: WorkloadArgs) -> Manifest:
    return {"name": args.name, "namespace": args.namespace, "labels": dict(args.labels)}


def _pod_spec(args: WorkloadArgs) -> Manifest:
    volumes = enumerate(args.writable_paths)
    return {
        "serviceAccountName": args.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _pod_security(args),
        "containers": [_container(args)],
        "volumes": [{"name": _volume(n), "emptyDir": {"sizeLimit": "1Gi"}} for n, _ in volumes],
    }


def _pod_security(args: WorkloadArgs) -> Manifest:
    context: Manifest = {
        "runAsNonRoot": True,
        "runAsUser": args.user,
        "runAsGroup": args.user,
        "fsGroup": args.user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if any(port.number < FIRST_UNPRIVILEGED for port in args.ports):
        # A safe sysctl that restricted pods may set; the alternative is a capability.
        context["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    return context


def _container(args: WorkloadArgs) -> Manifest:
    mounts = enumerate(args.writable_paths)
    return {
        "name": args.name,
        "image": args.image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": args.resources.requirements,
        "volumeMounts": [{"name": _volume(n), "mountPath": path} for n, path in mounts],
        **_process(args),
        **_health(args),
    }


def _process(args: WorkloadArgs) -> Manifest:
    environment = [{"name": key, "value": value} for key, value in args.environment.items()]
    ports = [
        {"name": p.name, "containerPort": p.number, "protocol": p.protocol.value}
        for p in args.ports
    ]
    parts: Manifest = {
        "command": list(args.command),
        "args": list(args.arguments),
        "env": environment,
        "ports": ports,
    }
    return {key: value for key, value in parts.items() if value}


def _health(args: WorkloadArgs) -> Manifest:
    probe = args.effective_probe
    health: Manifest = {}
    if probe is not None:
        health = {"readinessProbe": probe.readiness, "livenessProbe": probe.liveness}
    if args.kind is WorkloadKind.DEPLOYMENT and args.ports:
        # Endpoints are withdrawn while the container still serves.
        health["lifecycle"] = {"preStop": {"sleep": {"seconds": _DRAIN_SECONDS}}}
    return health


def _spread(topology: str, args: WorkloadArgs) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(args.labels)},
    }


def _volume(index: int) -> str:
    return f"writable-{index}"
