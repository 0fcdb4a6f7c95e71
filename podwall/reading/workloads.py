"""Read the objects that are pods or make pods, and the nodes that they run on.

https://kubernetes.io/docs/reference/node/node-status/#addresses

The labels that controllers add to their pods are in no manifest, and most of them tell the pods
of one workload apart, so that a policy that asks for them has no certain answer.
https://kubernetes.io/docs/reference/labels-annotations-taints/

The addresses of a pod that runs are only in its status.
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

from podwall.calico import CalicoAccount
from podwall.model import (
    IpAddress,
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Service,
    SnapshotNode,
    SnapshotWorkload,
    Unknown,
    WorkloadPort,
)
from podwall.reading.fields import Malformed, field, flag, list_of, mapping, number, text, within
from podwall.reading.metadata import (
    NO_LABELS,
    ManifestObject,
    read_labels,
    read_plain_selector,
    read_selector,
)
from podwall.reading.policies import read_container_port

__all__ = [
    "MANY",
    "WORKLOAD_KINDS",
    "is_finished",
    "node_name",
    "nodes",
    "read_template",
    "read_workload",
    "running_at",
    "service_accounts",
    "with_controller_labels",
]


def nodes(items: Iterable[ManifestObject]) -> tuple[SnapshotNode, ...]:
    """Return the nodes that objects tell of and that have an address, by name.

    What can't be understood of a status is left aside: nobody writes one by hand.
    """
    found: defaultdict[str, dict[IpAddress, None]] = defaultdict(dict)
    for item in items:
        for name, address in _addresses(item):
            found[name][address] = None
    return tuple(SnapshotNode(name, tuple(found[name])) for name in sorted(found))


def node_name(manifest: Mapping[str, Any]) -> str | None:
    """Return the node that a Pod runs on, None where that is not said."""
    spec = manifest.get("spec")
    name = spec.get("nodeName") if isinstance(spec, Mapping) else None
    return name if isinstance(name, str) and name else None


def _addresses(item: ManifestObject) -> Iterator[tuple[str, IpAddress]]:
    status = item.manifest.get("status")
    if item.group or not isinstance(status, Mapping):
        return
    name = item.name if item.kind == "Node" else node_name(item.manifest)
    written = _of_node(status) if item.kind == "Node" else _of_host(status)
    if item.kind in {"Node", "Pod"} and name is not None:
        yield from ((name, each) for text in written if (each := _address(text)) is not None)


def _of_node(status: Mapping[str, Any]) -> Iterator[Any]:
    yield from (each.get("address") for each in _mappings(status.get("addresses")))


def _of_host(status: Mapping[str, Any]) -> Iterator[Any]:
    yield status.get("hostIP")
    yield from (each.get("ip") for each in _mappings(status.get("hostIPs")))


def _mappings(listed: Any) -> list[Mapping[str, Any]]:
    some = listed if isinstance(listed, list | tuple) else ()
    return [each for each in some if isinstance(each, Mapping)]


def running_at(status: Any) -> tuple[IpAddress, ...]:
    """Return the addresses of a pod with this status, none where it does not run yet.

    What can't be understood of a status is left aside: nobody writes one by hand.

    >>> running_at({"podIP": "10.244.0.7", "podIPs": [{"ip": "10.244.0.7"}]})
    (IPv4Address('10.244.0.7'),)
    """
    found = map(_address, _written(status if isinstance(status, Mapping) else {}))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _written(status: Mapping[str, Any]) -> Iterator[Any]:
    yield status.get("podIP")
    several = status.get("podIPs")
    for each in several if isinstance(several, (list, tuple)) else ():
        yield each.get("ip") if isinstance(each, Mapping) else None


def _address(written: Any) -> IpAddress | None:
    try:
        return ip_address(written) if isinstance(written, str) else None
    except ValueError:
        return None


def service_accounts(items: Iterable[ManifestObject]) -> tuple[CalicoAccount, ...]:
    """Return the service accounts that are written, with their labels; the last of one name."""
    found = {
        (item.namespace, item.name): CalicoAccount(item.namespace, item.name, item.labels)
        for item in items
        if (item.group, item.kind) == ("", "ServiceAccount") and isinstance(item.namespace, str)
    }
    return tuple(found.values())


#: The keys that each kind adds; those of `OWN_NAME` have the name of the object as their value.
JOB: Final = (
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
)
ADDED: Final = {
    "Deployment": ("pod-template-hash",),
    "StatefulSet": (
        "apps.kubernetes.io/pod-index",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
    ),
    "DaemonSet": ("controller-revision-hash", "pod-template-generation"),
    "Job": JOB,
    "CronJob": JOB,
    "Rollout": ("rollouts-pod-template-hash",),
    "CloneSet": ("apps.kruise.io/cloneset-instance-id", "controller-revision-hash"),
    "DeploymentConfig": ("deployment",),
}
OWN_NAME: Final = {("Job", "batch.kubernetes.io/job-name"), ("Job", "job-name")}
KEYS: Final = frozenset(key for keys in ADDED.values() for key in keys)


def with_controller_labels(
    workloads: tuple[SnapshotWorkload, ...], policies: Iterable[Policy], services: Iterable[Service]
) -> tuple[SnapshotWorkload, ...]:
    """Return workloads with the labels that controllers add, as far as a selector asks for them."""
    asked = asked_controller_labels(policies, services)
    return tuple(_labelled(each, asked) for each in workloads) if asked else workloads


def asked_controller_labels(
    policies: Iterable[Policy], services: Iterable[Service] = ()
) -> frozenset[str]:
    """Return the keys of labels that controllers add and that some selector asks for."""
    return KEYS & {
        requirement.key
        for selector in _selectors(policies, services)
        for requirement in selector.requirements
    }


def _labelled(workload: SnapshotWorkload, asked: frozenset[str]) -> SnapshotWorkload:
    keys = asked.intersection(ADDED.get(workload.kind, ()))
    if not keys:
        return workload
    added: Mapping[str, str | Unknown] = {key: _value(workload, key) for key in keys}
    labels = LabelMap.of({**dict(workload.labels.items), **added}, workload.labels.more)
    return replace(workload, labels=labels)


def _value(workload: SnapshotWorkload, key: str) -> str | Unknown:
    if (workload.kind, key) in OWN_NAME:
        return workload.real_name
    return Unknown(f"label `{key}`, which the {workload.kind} `{workload.name}` gives to its pods")


def _selectors(policies: Iterable[Policy], services: Iterable[Service]) -> Iterator[Selector]:
    for policy in policies:
        yield policy.pod_selector
        unlisted = policy.unlisted_ingress, policy.unlisted_egress
        for rules in (policy.ingress, policy.egress, *unlisted):
            yield from _peer_selectors(rules if isinstance(rules, tuple) else ())
    yield from (service.selector for service in services if service.selector is not None)


def _peer_selectors(rules: Iterable[Rule | Unknown]) -> Iterator[Selector]:
    for rule in rules:
        if isinstance(rule, Rule) and isinstance(rule.peers, tuple):
            yield from (peer.pods for peer in rule.peers if isinstance(peer, PodPeer))


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
ContainerPorts = tuple[WorkloadPort | Unknown, ...] | Unknown


def is_finished(item: ManifestObject) -> bool:
    """Return whether an object is a pod that ran to its end: it has no address any more."""
    status = item.manifest.get("status") if item.kind == "Pod" else None
    return isinstance(status, Mapping) and status.get("phase") in FINISHED


def read_workload(item: ManifestObject) -> SnapshotWorkload:
    """Return the pods of a Pod or of a controller, as one value."""
    kind = (item.group, item.kind)
    if kind == POD:
        pod = within(item.manifest, ("spec",), partial(_pods, item, item.labels, 1))
        addresses = running_at(item.manifest.get("status"))
        node = node_name(item.manifest)
        return replace(pod, addresses=addresses, node=node) if addresses or node else pod
    path = ("spec", "jobTemplate", "spec") if kind == CRON_JOB else ("spec",)
    return within(item.manifest, path, partial(_of_controller, item, COUNTS[kind]))


def _of_controller(item: ManifestObject, count: str, spec: Node) -> SnapshotWorkload:
    if isinstance(spec, Unknown):
        return _pods(item, LabelMap(more=spec), spec if count else MANY, spec)
    replicas = field(spec, count, number, 1) if count else MANY
    workload = within(spec, ("template",), partial(read_template, item, replicas))
    if item.group != "batch":
        read = read_selector if item.group == "apps" else read_plain_selector
        _refuse_strangers(field(spec, "selector", read, Selector()), workload.labels)
    return workload


def _refuse_strangers(selector: Selector, labels: LabelMap) -> None:
    """Raise if a controller would not recognise its own pods: the API server refuses that."""
    carried = dict(labels.items)
    for asked in selector.requirements:
        value = carried.get(asked.key, labels.more)
        certain = asked.unknown is None and not isinstance(value, Unknown)
        if certain and not _is_met(asked, value):
            raise Malformed(f"asks for `{asked.key}`, but the template's labels differ", "selector")


def _is_met(asked: SelectorRequirement, value: object) -> bool:
    """Return whether a label has what is asked for; None is one that is not there."""
    if asked.operator in {Operator.IN, Operator.NOT_IN}:
        return (value in asked.values) is (asked.operator is Operator.IN)
    return (value is not None) is (asked.operator is Operator.EXISTS)


def read_template(item: ManifestObject, replicas: Count, template: Node) -> SnapshotWorkload:
    """Return the pods that a controller makes after a template.

    Raises:
        Malformed: it is no template.
    """
    labels = within(template, ("metadata",), _labels)
    return within(template, ("spec",), partial(_pods, item, labels, replicas))


def _labels(metadata: Node) -> LabelMap:
    if isinstance(metadata, Unknown):
        return LabelMap(more=metadata)
    return field(metadata, "labels", read_labels, NO_LABELS)


def _pods(item: ManifestObject, labels: LabelMap, replicas: Count, spec: Node) -> SnapshotWorkload:
    ports = _declared_ports(spec)
    known = (port for port in ports if isinstance(port, WorkloadPort))
    return SnapshotWorkload(
        namespace=item.namespace,
        name=item.name,
        kind=item.kind,
        labels=labels,
        ports=tuple(dict.fromkeys(known)),
        replicas=replicas,
        host_network=spec if isinstance(spec, Unknown) else field(spec, "hostNetwork", flag, False),
        open_ports=next((port for port in ports if isinstance(port, Unknown)), None),
        place=item.place,
        service_account=_service_account(spec),
    )


def _service_account(spec: Node) -> str | Unknown:
    """Return the service account of pods, by either of its fields; `default` is the default one."""
    if isinstance(spec, Unknown):
        return spec
    found = field(spec, "serviceAccountName", text, "") or field(spec, "serviceAccount", text, "")
    return found or "default"


def _declared_ports(spec: Node) -> list[WorkloadPort | Unknown]:
    if isinstance(spec, Unknown):
        return [spec]
    containers = field(spec, "containers", read_containers, ())
    sidecars = field(spec, "initContainers", read_init_containers, ())
    return [*_flat(containers), *map(_of_sidecar, _flat(sidecars))]


def _of_sidecar(port: WorkloadPort | Unknown) -> WorkloadPort | Unknown:
    return port if isinstance(port, Unknown) else replace(port, sidecar=True)


def _flat(containers: tuple[ContainerPorts, ...] | Unknown) -> list[WorkloadPort | Unknown]:
    if isinstance(containers, Unknown):
        return [containers]
    return [
        port for ports in containers for port in ((ports,) if isinstance(ports, Unknown) else ports)
    ]


def _container(value: Any) -> ContainerPorts:
    node = mapping(value)
    return node if isinstance(node, Unknown) else field(node, "ports", read_ports, ())


def _init_container(value: Any) -> ContainerPorts:
    """Return the ports of a native sidecar; an init container that ends listens on none."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    policy, ports = field(node, "restartPolicy", text, ""), field(node, "ports", read_ports, ())
    if isinstance(policy, Unknown):
        return policy if ports else ()
    return ports if policy == "Always" else ()


read_ports = list_of(read_container_port)
read_containers = list_of(_container)
read_init_containers = list_of(_init_container)
