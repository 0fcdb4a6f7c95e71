"""A small shop, and what is suggested for it in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.expectations import Expectation, allowed, workload
from podwall.policies import DNS_PORTS, KUBE_DNS, LOCAL_DNS, NetworkPolicy, allow_to
from podwall.suggest import Suggestion, suggest
from tests.core.builders import cluster, named, pod

if TYPE_CHECKING:
    from podwall.model import Snapshot

__all__ = ["API", "CALLS", "DB", "DNS", "SHOP", "WEB", "found", "named_policy", "said"]

WEB, API, DB = (workload(f"shop/{name}") for name in ("web", "api", "db"))
SHOP = cluster(
    pod("shop/web", named("http", 8080)),
    pod("shop/api", named("http", 8080), named("metrics", 9090)),
    pod("shop/db", named("postgres", 5432)),
    pod("monitoring/prometheus"),
)
CALLS = allowed("web calls", WEB, API, 8080)
DNS = allow_to(KUBE_DNS, LOCAL_DNS, ports=DNS_PORTS)


def found(*expectations: Expectation, snapshot: Snapshot = SHOP) -> Suggestion:
    """Return what is suggested."""
    return suggest(snapshot, expectations)


def named_policy(suggestion: Suggestion, name: str) -> NetworkPolicy:
    """Return a suggested policy by its name."""
    (one,) = (each for each in suggestion.policies if each.name == name)
    return one


def said(suggestion: Suggestion) -> list[str]:
    """Return the findings in short."""
    return [f"{each.severity}[{each.id}]" for each in suggestion.findings]
