from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from components.applications import Application, Images, shop
from podwall.components import manifests
from podwall.reachability import reachability
from podwall.reading import Document, snapshot


def documents(application: Application) -> Iterator[dict[str, Any]]:
    """Yield every object that the application is made of."""
    for namespace in application.namespaces:
        yield manifests.namespace(namespace)
        yield from (policy.to_manifest() for policy in namespace.closing_policies)
    yield from (policy.to_manifest() for policy in application.policies)
    for workload in application.workloads:
        yield manifests.workload(workload)
        yield from manifests.companions(workload)


@pytest.mark.parametrize("engine", ["spec", "azure", "calico", "cilium"])
def test_the_shop_allows_its_connections_and_no_other(engine: str) -> None:
    reading = snapshot([Document(each) for each in documents(shop(Images(), 2))])
    found = reachability(reading.snapshot, engine)
    inside = {workload.id for workload in found.workloads}
    allowed = {
        (each.source_id, each.destination_id): str(each.allowed)
        for each in found.connections()
        if each.allowed and {each.source_id, each.destination_id} <= inside
    }
    # One pod always reaches itself; two pods of one workload may not reach each other.
    between = {pair: ports for pair, ports in allowed.items() if pair[0] != pair[1]}
    assert between == {
        ("ingress/gateway", "shop/web"): "TCP 8080",
        ("shop/web", "shop/api"): "TCP 8080",
        ("shop/api", "shop/db"): "TCP 6379",
        ("monitoring/prometheus", "shop/api"): "TCP 8080",
    }
