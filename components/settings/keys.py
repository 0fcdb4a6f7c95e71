"""Which configuration key said what an argument of the cluster says."""

from __future__ import annotations

from podwall.components.reading import camel_case

__all__ = ["key_of"]

_TOP_LEVEL = ("engine", "kubernetes_version", "location")
_PARTS = {
    "access.api_server.": "",
    "access.sign_in.": "entra.",
    "access.": "",
    "addons.": "",
    "lifecycle.": "",
    "pod_network.": "",
    "cluster_name": "name",
}


def key_of(argument: str) -> str:
    """Return the configuration key of a cluster argument.

    >>> key_of("engine"), key_of("pod_network")
    ('engine', 'podNetworking')
    >>> key_of("access.sign_in.admin_groups"), key_of("user_pools[batch].zones")
    ('cluster.entra.adminGroups', 'cluster.userPools[batch].zones')
    """
    if argument in _TOP_LEVEL:
        return camel_case(argument)
    if argument == "pod_network":
        return "podNetworking"
    part = next((part for part in _PARTS if argument.startswith(part)), "")
    inside = _PARTS.get(part, "") + argument.removeprefix(part)
    return ".".join(["cluster", *map(camel_case, inside.split("."))])
