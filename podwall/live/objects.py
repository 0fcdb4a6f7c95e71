"""What is kept of the objects of a cluster: the fields that decide who reaches whom, and no other.

Environments, arguments, volumes, annotations and whatever else may hold a secret is passed over
while an answer is decoded, so that it is in no document, no report and no memory. What stays are
plain dicts in the API's own words, as a manifest has them.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import msgspec

__all__ = [
    "ControllerObject",
    "CronJobObject",
    "EndpointSliceObject",
    "JobObject",
    "ListMetadata",
    "NodeAddress",
    "NodeObject",
    "ObjectMetadata",
    "Page",
    "PlainObject",
    "PodObject",
    "SpecObject",
]


class _Fields(msgspec.Struct, rename="camel", omit_defaults=True):
    """Some of the fields of an object."""


class _ObjectOwner(_Fields):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    controller: bool = False


class _Annotations(_Fields):
    """Podwall's own, and whom a load balancer lets in; all others are passed over."""

    ignore: str | None = msgspec.field(name="podwall.dev/ignore", default=None)
    source_ranges: str | None = msgspec.field(
        name="service.beta.kubernetes.io/load-balancer-source-ranges", default=None
    )
    allowed_ranges: str | None = msgspec.field(
        name="service.beta.kubernetes.io/azure-allowed-ip-ranges", default=None
    )
    allowed_tags: str | None = msgspec.field(
        name="service.beta.kubernetes.io/azure-allowed-service-tags", default=None
    )


_NO_ANNOTATIONS: Final = _Annotations()


class ObjectMetadata(_Fields):
    """What an object is called, what labels it has, and who made it."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: _Annotations | None = None
    owner_references: list[_ObjectOwner] | None = None
    deletion_timestamp: str | None = None

    def __post_init__(self) -> None:
        """Take annotations that say nothing to podwall for none."""
        if self.annotations == _NO_ANNOTATIONS:
            self.annotations = None


class _ContainerPort(_Fields):
    """A port that a container declares."""

    name: str = ""
    container_port: int | None = None
    host_port: int | None = None
    protocol: str | None = None


class _Container(_Fields):
    """A container, without what runs in it; the image tells an engine's version."""

    name: str = ""
    image: str | None = None
    restart_policy: str | None = None
    ports: list[_ContainerPort] | None = None


class _PodSpec(_Fields):
    """What of a pod's spec decides who reaches it."""

    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    host_network: bool | None = None
    node_name: str | None = None
    service_account_name: str | None = None


class _ObjectCondition(_Fields):
    """What holds of an object."""

    type: str = ""
    status: str = ""


class _PodAddress(_Fields):
    """One address of a pod."""

    ip: str = ""


class _PodStatus(_Fields):
    """Whether a pod runs, and at which addresses, its node's too."""

    phase: str | None = None
    host_ip: str | None = msgspec.field(name="hostIP", default=None)
    host_ips: list[_PodAddress] | None = msgspec.field(name="hostIPs", default=None)
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: list[_PodAddress] | None = msgspec.field(name="podIPs", default=None)
    conditions: list[_ObjectCondition] | None = None


class PlainObject(_Fields):
    """An object of which nothing but its metadata matters."""

    metadata: ObjectMetadata = msgspec.field(default_factory=ObjectMetadata)


class PodObject(PlainObject):
    """A pod; whether it is ready matters of agents only, whose owners are DaemonSets."""

    spec: _PodSpec | None = None
    status: _PodStatus | None = None

    def __post_init__(self) -> None:
        """Pass over the conditions of all others, which change often and decide nothing."""
        owners = self.metadata.owner_references or ()
        if self.status is not None and all(each.kind != "DaemonSet" for each in owners):
            self.status.conditions = None


class _TemplateMetadata(_Fields):
    """The labels of the pods to come."""

    labels: dict[str, str] | None = None


class _Template(_Fields):
    """The pods that a controller makes."""

    metadata: _TemplateMetadata | None = None
    spec: _PodSpec | None = None


class _WorkloadSpec(_Fields):
    """How many pods a controller makes, and which."""

    replicas: int | None = None
    parallelism: int | None = None
    selector: Any = None
    template: _Template | None = None


class _WorkloadStatus(_Fields):
    """How many of its pods a DaemonSet wants, and how many are ready."""

    desired_number_scheduled: int | None = None
    number_ready: int | None = None


class ControllerObject(PlainObject):
    """A Deployment, ReplicaSet, StatefulSet, DaemonSet or ReplicationController."""

    spec: _WorkloadSpec | None = None
    status: _WorkloadStatus | None = None


class _JobStatus(_Fields):
    """How many pods of a job run, and how often they ended."""

    active: int | None = None
    completion_time: str | None = None
    conditions: list[_ObjectCondition] | None = None


class JobObject(PlainObject):
    """A job."""

    spec: _WorkloadSpec | None = None
    status: _JobStatus | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it makes no pods any more."""
        found = (self.status and self.status.conditions) or ()
        return any(each.type in {"Complete", "Failed"} and each.status == "True" for each in found)


class _JobTemplate(_Fields):
    """The jobs that a CronJob makes."""

    spec: _WorkloadSpec | None = None


class _CronJobSpec(_Fields):
    """What of a CronJob decides who reaches its pods."""

    job_template: _JobTemplate | None = None


class CronJobObject(PlainObject):
    """A job that is repeated."""

    spec: _CronJobSpec | None = None


class SpecObject(PlainObject):
    """An object whose spec holds nothing secret, and is kept as it is: a policy, a service."""

    spec: Any = None
    specs: Any = None


class _NodeSpec(_Fields):
    """The addresses of the pods of a node."""

    pod_cidr: str | None = msgspec.field(name="podCIDR", default=None)
    pod_cidrs: list[str] | None = msgspec.field(name="podCIDRs", default=None)


class _NodeInfo(_Fields):
    """What a node runs."""

    kubelet_version: str | None = None
    operating_system: str | None = None


class NodeAddress(_Fields):
    """One address of a node."""

    type: str = ""
    address: str = ""


class _NodeStatus(_Fields):
    """What a node runs, and its addresses."""

    addresses: list[NodeAddress] | None = None
    node_info: _NodeInfo | None = None


class NodeObject(PlainObject):
    """A node."""

    spec: _NodeSpec | None = None
    status: _NodeStatus | None = None


class _EndpointConditions(_Fields):
    """Whether an endpoint takes connections."""

    ready: bool | None = None


class _Endpoint(_Fields):
    """Where a service leads to."""

    addresses: list[str] | None = None
    conditions: _EndpointConditions | None = None
    target_ref: _ObjectOwner | None = None


class _EndpointPort(_Fields):
    """A port at which a service arrives."""

    name: str | None = None
    port: int | None = None
    protocol: str | None = None


class EndpointSliceObject(PlainObject):
    """Where a service leads to."""

    address_type: str | None = None
    endpoints: list[_Endpoint] | None = None
    ports: list[_EndpointPort] | None = None


class ListMetadata(_Fields):
    """At which version a list was made, and what continues it."""

    resource_version: str = ""
    next_page: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


O = TypeVar("O", bound=PlainObject)  # noqa: E741 - an object


class Page(msgspec.Struct, Generic[O]):
    """One page of a list."""

    metadata: ListMetadata
    items: list[O] | None = None
