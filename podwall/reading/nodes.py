"""Read the addresses of nodes: of nodes that are here, and of those that pods say they run on.

https://kubernetes.io/docs/reference/node/node-status/#addresses
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from podwall.model import IpAddress, SnapshotNode
from podwall.reading.metadata import ManifestObject

__all__ = ["node_name", "nodes"]


def nodes(items: Iterable[ManifestObject]) -> tuple[SnapshotNode, ...]:
    """Return the nodes that objects tell of and that have an address, by name.

    What can't be understood of a status is left aside: nobody writes one by hand.
    """
    found: defaultdict[str, dict[IpAddress, None]] = defaultdict(dict)
    for item in items:
        for name, address in _addresses(item):
            found[name][address] = None
    return tuple(SnapshotNode(name, tuple(found[name])) for name in sorted(found))


def node_name(manifest: Mapping[str, Any]) -> str | None:
    """Return the node that a Pod runs on, None where that is not said."""
    spec = manifest.get("spec")
    name = spec.get("nodeName") if isinstance(spec, Mapping) else None
    return name if isinstance(name, str) and name else None


def _addresses(item: ManifestObject) -> Iterator[tuple[str, IpAddress]]:
    status = item.manifest.get("status")
    if item.group or not isinstance(status, Mapping):
        return
    name = item.name if item.kind == "Node" else node_name(item.manifest)
    written = _of_node(status) if item.kind == "Node" else _of_host(status)
    if item.kind in {"Node", "Pod"} and name is not None:
        yield from ((name, each) for text in written if (each := _address(text)) is not None)


def _of_node(status: Mapping[str, Any]) -> Iterator[Any]:
    yield from (each.get("address") for each in _mappings(status.get("addresses")))


def _of_host(status: Mapping[str, Any]) -> Iterator[Any]:
    yield status.get("hostIP")
    yield from (each.get("ip") for each in _mappings(status.get("hostIPs")))


def _mappings(listed: Any) -> list[Mapping[str, Any]]:
    some = listed if isinstance(listed, list | tuple) else ()
    return [each for each in some if isinstance(each, Mapping)]


def _address(written: Any) -> IpAddress | None:
    try:
        return ip_address(written) if isinstance(written, str) else None
    except ValueError:
        return None
