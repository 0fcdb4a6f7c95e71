"""The typed NetworkPolicy language: what is written. Pure Python, standard library only.

    from podwall.policies import DENY_ALL, NetworkPolicy, allow_from, pods, tcp

    api = NetworkPolicy(
        name="api",
        namespace="shop",
        pod_selector=pods(app="api"),
        ingress=[allow_from(pods(app="web"), ports=tcp(8080))],
        egress=DENY_ALL,
    )

Everything has a name (`ALL_PODS`, `ALL_NAMESPACES`, `ANYWHERE`, `ALL_PORTS`, `DENY_ALL`); emptiness
never means everything. A value that Kubernetes would refuse is refused where it is written.
"""

from podwall.policies.addresses import ANYWHERE, IpBlock, ip_block
from podwall.policies.errors import (
    Finding,
    InvalidManifest,
    InvalidValue,
    MissingExtra,
    Place,
    PodwallError,
    Severity,
    SourceError,
)
from podwall.policies.labels import (
    Labels,
    LabelSelector,
    Operator,
    Requirement,
    does_not_exist,
    exists,
    in_,
    not_in,
)
from podwall.policies.peers import (
    ALL_NAMESPACES,
    ALL_PODS,
    NamedNamespace,
    Namespaces,
    Peer,
    Pods,
    PodsIn,
    namespace,
    namespaces,
    pods,
)
from podwall.policies.policy import NetworkPolicy
from podwall.policies.ports import (
    ALL_PORTS,
    ALL_SCTP_PORTS,
    ALL_TCP_PORTS,
    ALL_UDP_PORTS,
    Port,
    Ports,
    Protocol,
    sctp,
    tcp,
    udp,
)
from podwall.policies.presets import (
    DNS_PORTS,
    KUBE_DNS,
    LOCAL_DNS,
    Step,
    allow_dns,
    connection,
    default_deny,
    walkthrough,
)
from podwall.policies.rules import (
    DENY_ALL,
    Direction,
    EgressRule,
    IngressRule,
    allow_from,
    allow_to,
)

__all__ = [
    "ALL_NAMESPACES",
    "ALL_PODS",
    "ALL_PORTS",
    "ALL_SCTP_PORTS",
    "ALL_TCP_PORTS",
    "ALL_UDP_PORTS",
    "ANYWHERE",
    "DENY_ALL",
    "DNS_PORTS",
    "KUBE_DNS",
    "LOCAL_DNS",
    "Direction",
    "EgressRule",
    "Finding",
    "IngressRule",
    "InvalidManifest",
    "InvalidValue",
    "IpBlock",
    "LabelSelector",
    "Labels",
    "MissingExtra",
    "NamedNamespace",
    "Namespaces",
    "NetworkPolicy",
    "Operator",
    "Peer",
    "Place",
    "Pods",
    "PodsIn",
    "PodwallError",
    "Port",
    "Ports",
    "Protocol",
    "Requirement",
    "Severity",
    "SourceError",
    "Step",
    "allow_dns",
    "allow_from",
    "allow_to",
    "connection",
    "default_deny",
    "does_not_exist",
    "exists",
    "in_",
    "ip_block",
    "namespace",
    "namespaces",
    "not_in",
    "pods",
    "sctp",
    "tcp",
    "udp",
    "walkthrough",
]


def __dir__() -> list[str]:
    return list(__all__)
