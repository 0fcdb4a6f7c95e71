"""The addresses of a pod that runs, which only its status tells.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from podwall.model import IpAddress

__all__ = ["running_at"]


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
