"""The namespace component at the edge of the package."""

from typing import NotRequired, TypedDict

from pulumi import Output, ResourceOptions

from components.reading import read, snake_case
from podwall.components import kubernetes, namespace_args
from podwall.components.namespace_args import PodSecurity

__all__ = ["Namespace", "NamespaceInputs", "Quota", "Resources"]


class Quota(TypedDict):
    """The most that all pods of a namespace together may ask for."""

    pods: NotRequired[int]
    """The number of pods."""
    requests_cpu: NotRequired[str]
    """Processors that are promised, such as `4`."""
    requests_memory: NotRequired[str]
    """Memory that is promised, such as `8Gi`."""
    limits_cpu: NotRequired[str]
    """Processors that may be used."""
    limits_memory: NotRequired[str]
    """Memory that may be used."""


class Resources(TypedDict):
    """What a container is promised (requests) and may not exceed (limits)."""

    cpu_request: NotRequired[str]
    """At least `100m`, which is the default."""
    memory_request: NotRequired[str]
    """At least `100Mi`; `128Mi` if left out."""
    cpu_limit: NotRequired[str]
    """`500m` if left out."""
    memory_limit: NotRequired[str]
    """`256Mi` if left out."""


class NamespaceInputs(TypedDict):
    """One namespace, closed by default."""

    name: NotRequired[str]
    """The name in Kubernetes; the resource's name if left out."""
    labels: NotRequired[dict[str, str]]
    """Further labels; those of Pod Security are derived."""
    pod_security: NotRequired[PodSecurity]
    """What pods may ask for; `restricted` if left out."""
    pod_security_version: NotRequired[str]
    """Whose rules hold, such as `v1.36`; `latest`, if left out, follows the cluster."""
    deny_ingress: NotRequired[bool]
    """Pods accept no connection unless a policy allows it; true if left out."""
    deny_egress: NotRequired[bool]
    """Pods open no connection unless a policy allows it; true if left out."""
    allow_dns: NotRequired[bool]
    """Pods may resolve names where egress is denied; true if left out."""
    quota: NotRequired[Quota]
    """The most that all pods together may ask for; unlimited if left out."""
    default_resources: NotRequired[Resources]
    """What containers get that ask for nothing; nothing if left out."""


class Namespace(kubernetes.Namespace):
    """A namespace with its Pod Security labels, its default deny, and its quota."""

    namespace_name: Output[str]
    """The name in Kubernetes."""

    def __init__(
        self, name: str, args: NamespaceInputs, opts: ResourceOptions | None = None
    ) -> None:
        """Check the arguments and make the namespace."""
        document = {"name": name, **args}
        super().__init__(name, read(namespace_args.NamespaceArgs, document, "", snake_case), opts)
