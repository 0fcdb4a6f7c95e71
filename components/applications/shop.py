"""The shop: a gateway, three tiers and their monitoring, closed but for five connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.applications.application import Application, Images
from podwall.components.namespace_args import NamespaceArgs, Quota
from podwall.components.workload_args import ContainerPort, Probe, WorkloadArgs
from podwall.policies.addresses import ANYWHERE
from podwall.policies.peers import pods
from podwall.policies.policy import NetworkPolicy
from podwall.policies.presets import connection
from podwall.policies.rules import allow_from

__all__ = ["shop"]

_HTTP = ContainerPort(name="http", number=8080)
_DATA = ContainerPort(name="data", number=6379)


def shop(images: Images, replicas: int) -> Application:
    """Return the shop, with `replicas` pods of each of its stateless parts.

    Who may connect to whom is this list; all else is denied, in both directions, by the namespaces:

    - anyone to the gateway, the gateway to `web`, `web` to `api`, `api` to `db`;
    - Prometheus to `api`, for its metrics.
    """
    gateway, prometheus = _gateway(images.gateway, replicas), _prometheus(images.prometheus)
    web, api, db = _tiers(images, replicas)
    return Application(
        namespaces=(
            _closed("ingress", replicas),
            _closed("monitoring", replicas),
            _closed("shop", replicas),
        ),
        workloads=(gateway, prometheus, web, api, db),
        policies=(
            _way_in(gateway),
            *_connected(gateway, web, "http"),
            *_connected(web, api, "http"),
            *_connected(api, db, "data"),
            *_connected(prometheus, api, "http"),
        ),
    )


def _closed(name: str, replicas: int) -> NamespaceArgs:
    # Two stateless tiers and the data, each with one pod more while it is updated.
    return NamespaceArgs(name=name, quota=Quota(pods=2 * replicas + 4))


def _connected(client: WorkloadArgs, server: WorkloadArgs, port: str) -> tuple[NetworkPolicy, ...]:
    return connection(client.peer, server.peer, server.port(port).rule)


def _way_in(gateway: WorkloadArgs) -> NetworkPolicy:
    return NetworkPolicy(
        name="way-in",
        namespace=gateway.namespace,
        pod_selector=pods(gateway.labels),
        ingress=[allow_from(ANYWHERE, ports=gateway.port("http").rule)],
    )


def _gateway(image: str, replicas: int) -> WorkloadArgs:
    return WorkloadArgs(
        name="gateway",
        namespace="ingress",
        labels={"app": "gateway"},
        image=image,
        replicas=replicas,
        ports=(_HTTP,),
    )


def _prometheus(image: str) -> WorkloadArgs:
    return WorkloadArgs(
        name="prometheus",
        namespace="monitoring",
        labels={"app": "prometheus"},
        image=image,
        replicas=1,
        ports=(ContainerPort(name="http", number=9090),),
        probe=Probe(port="http", path="/-/healthy"),
        writable_paths=("/prometheus",),
    )


def _tiers(images: Images, replicas: int) -> tuple[WorkloadArgs, WorkloadArgs, WorkloadArgs]:
    web = _tier("web", images.web, replicas=replicas, ports=(_HTTP,))
    listens: Mapping[str, str] = {"WHOAMI_PORT_NUMBER": str(_HTTP.number)}
    api = _tier("api", images.api, replicas=replicas, ports=(_HTTP,), environment=listens)
    # Two pods that don't know of each other would hold different data.
    db = _tier("db", images.db, replicas=1, ports=(_DATA,), writable_paths=("/data",))
    return web, api, db


def _tier(name: str, image: str, **choices: Any) -> WorkloadArgs:
    return WorkloadArgs(name=name, namespace="shop", labels={"app": name}, image=image, **choices)
