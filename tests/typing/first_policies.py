"""The first policies a newcomer writes, as the documentation shows them."""

from __future__ import annotations

from podwall.policies import (
    ALL_PODS,
    DENY_ALL,
    NetworkPolicy,
    allow_from,
    allow_to,
    ip_block,
    namespace,
    pods,
    tcp,
    udp,
)

kube_dns = namespace("kube-system").pods({"k8s-app": "kube-dns"})
prometheus = namespace("monitoring").pods(app="prometheus")

default_deny = NetworkPolicy(
    name="default-deny",
    namespace="shop",
    pod_selector=ALL_PODS,
    ingress=DENY_ALL,
    egress=DENY_ALL,
)
api = NetworkPolicy(
    name="api",
    namespace="shop",
    pod_selector=pods(app="api"),
    ingress=[
        allow_from(pods(app="web"), ports=tcp(8080)),
        allow_from(prometheus, ports=tcp("metrics")),
    ],
    egress=[
        allow_to(pods(app="db"), ports=tcp(5432)),
        allow_to(kube_dns, ports=udp(53) | tcp(53)),
        allow_to(ip_block("203.0.113.0/24", except_=["203.0.113.7/32"]), ports=tcp(443)),
    ],
)
