"""The shop: a gateway, three tiers and their monitoring, closed but for five connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.applications.application import Application, Images
from podwall.components.namespace_args import NamespaceArgs, Quota
from podwall.components.workload_args import ContainerPort, Probe, WorkloadArgs
from policies.shop import SHOP_POLICIES

__all__ = ["shop"]

_HTTP = ContainerPort(name="http", number=8080)
_DATA = ContainerPort(name="data", number=6379)


def shop(images: Images, replicas: int) -> Application:
    """Return the shop, with `replicas` pods of each of its stateless parts.

    Who may connect to whom is said in `policies.shop`; its namespaces deny all else, in both
    directions.
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
        policies=SHOP_POLICIES,
    )


def _closed(name: str, replicas: int) -> NamespaceArgs:
    # Two stateless tiers and the data, each with one pod more while it is updated.
    return NamespaceArgs(name=name, quota=Quota(pods=2 * replicas + 4))


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
