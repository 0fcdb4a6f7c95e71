"""Read the objects that are pods or make pods: their labels, ports and number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from podwall.model import LabelMap, Operator, Selector, Unknown, Workload, WorkloadPort
from podwall.reading.addresses import running_at
from podwall.reading.fields import Malformed, field, flag, mapping, number, structs, text, within
from podwall.reading.metadata import NO_LABELS, KubernetesObject
from podwall.reading.ports import read_container_port
from podwall.reading.selectors import read_labels, read_selector

__all__ = ["WORKLOAD_KINDS", "is_finished", "read_workload"]

MANY: Final = 2
POD: Final = ("", "Pod")
CRON_JOB: Final = ("batch", "CronJob")
#: The field of a controller's spec that says how many pods it makes; a DaemonSet has none.
COUNTS: Final = {
    ("", "ReplicationController"): "replicas",
    ("apps", "Deployment"): "replicas",
    ("apps", "ReplicaSet"): "replicas",
    ("apps", "StatefulSet"): "replicas",
    ("apps", "DaemonSet"): "",
    ("batch", "Job"): "parallelism",
    CRON_JOB: "parallelism",
}
WORKLOAD_KINDS: Final = frozenset({POD, *COUNTS})

FINISHED: Final = ("Succeeded", "Failed")
Node = Mapping[str, Any] | Unknown
Count = int | Unknown
Ports = tuple[WorkloadPort | Unknown, ...] | Unknown


def is_finished(item: KubernetesObject) -> bool:
    """Say whether an object is a pod that ran to its end: it has no address any more."""
    status = item.manifest.get("status") if item.kind == "Pod" else None
    return isinstance(status, Mapping) and status.get("phase") in FINISHED


def read_workload(item: KubernetesObject) -> Workload:
    """Return the pods of a Pod or of a controller, as one value."""
    kind = (item.group, item.kind)
    if kind == POD:
        pod = within(item.manifest, ("spec",), partial(_pods, item, item.labels, 1))
        addresses = running_at(item.manifest.get("status"))
        return replace(pod, addresses=addresses) if addresses else pod
    path = ("spec", "jobTemplate", "spec") if kind == CRON_JOB else ("spec",)
    return within(item.manifest, path, partial(_of_controller, item, COUNTS[kind]))


def _of_controller(item: KubernetesObject, count: str, spec: Node) -> Workload:
    if isinstance(spec, Unknown):
        return _pods(item, LabelMap(more=spec), spec if count else MANY, spec)
    replicas = field(spec, count, number, 1) if count else MANY
    workload = within(spec, ("template",), partial(_of_template, item, replicas))
    if item.group == "apps":
        _refuse_strangers(field(spec, "selector", read_selector, Selector()), workload.labels)
    return workload


def _refuse_strangers(selector: Selector, labels: LabelMap) -> None:
    """Raise if a controller would not recognise its own pods: the API server refuses that."""
    carried = dict(labels.items)
    for asked in selector.requirements:
        value = carried.get(asked.key, labels.more)
        certain = asked.unknown is None and not isinstance(value, Unknown)
        if asked.operator is Operator.IN and certain and value not in asked.values:
            raise Malformed(f"asks for `{asked.key}`, but the template's labels differ", "selector")


def _of_template(item: KubernetesObject, replicas: Count, template: Node) -> Workload:
    labels = within(template, ("metadata",), _labels)
    return within(template, ("spec",), partial(_pods, item, labels, replicas))


def _labels(metadata: Node) -> LabelMap:
    if isinstance(metadata, Unknown):
        return LabelMap(more=metadata)
    return field(metadata, "labels", read_labels, NO_LABELS)


def _pods(item: KubernetesObject, labels: LabelMap, replicas: Count, spec: Node) -> Workload:
    ports = _declared_ports(spec)
    known = (port for port in ports if isinstance(port, WorkloadPort))
    return Workload(
        namespace=item.namespace,
        name=item.name,
        kind=item.kind,
        labels=labels,
        ports=tuple(dict.fromkeys(known)),
        replicas=replicas,
        host_network=spec if isinstance(spec, Unknown) else field(spec, "hostNetwork", flag, False),
        open_ports=next((port for port in ports if isinstance(port, Unknown)), None),
        place=item.place,
    )


def _declared_ports(spec: Node) -> list[WorkloadPort | Unknown]:
    if isinstance(spec, Unknown):
        return [spec]
    containers = field(spec, "containers", read_containers, ())
    sidecars = field(spec, "initContainers", read_init_containers, ())
    return [*_flat(containers), *_flat(sidecars)]


def _flat(containers: tuple[Ports, ...] | Unknown) -> list[WorkloadPort | Unknown]:
    if isinstance(containers, Unknown):
        return [containers]
    return [
        port for ports in containers for port in ((ports,) if isinstance(ports, Unknown) else ports)
    ]


def _container(value: Any) -> Ports:
    node = mapping(value)
    return node if isinstance(node, Unknown) else field(node, "ports", read_ports, ())


def _init_container(value: Any) -> Ports:
    """Return the ports of a native sidecar; an init container that ends listens on none."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    policy, ports = field(node, "restartPolicy", text, ""), field(node, "ports", read_ports, ())
    if isinstance(policy, Unknown):
        return policy if ports else ()
    return ports if policy == "Always" else ()


read_ports = structs(read_container_port)
read_containers = structs(_container)
read_init_containers = structs(_init_container)
