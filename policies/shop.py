"""Who may connect to whom in the shop: five connections, and no other.

The shop's namespaces deny all else, in both directions (`components.applications`).
"""

from __future__ import annotations

from typing import Final

from podwall.policies import ANYWHERE, NetworkPolicy, allow_from, connection, namespace, pods, tcp

__all__ = ["SHOP_POLICIES"]

_GATEWAY: Final = namespace("ingress").pods(app="gateway")
_PROMETHEUS: Final = namespace("monitoring").pods(app="prometheus")
_WEB: Final = namespace("shop").pods(app="web")
_API: Final = namespace("shop").pods(app="api")
_DB: Final = namespace("shop").pods(app="db")

_HTTP: Final = tcp(8080)
_DATA: Final = tcp(6379)

SHOP_POLICIES: Final[tuple[NetworkPolicy, ...]] = (
    NetworkPolicy(
        name="way-in",
        namespace="ingress",
        pod_selector=pods(app="gateway"),
        ingress=[allow_from(ANYWHERE, ports=_HTTP)],
    ),
    *connection(_GATEWAY, _WEB, _HTTP),
    *connection(_WEB, _API, _HTTP),
    *connection(_API, _DB, _DATA),
    *connection(_PROMETHEUS, _API, _HTTP),
)
