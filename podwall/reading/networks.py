"""Read the CIDRs of ip blocks the way the API server does, which is more lenient than the RFCs."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_interface
from typing import Any

from podwall.model import IpNetwork, Unknown
from podwall.reading.fields import Malformed, text

__all__ = ["has_host_bits", "parsed_network", "read_network"]

CIDR = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")
LEADING_ZEROS = re.compile(r"(?<![0-9a-fA-F:])0+(?=[0-9])")


def read_network(value: Any) -> IpNetwork | Unknown:
    """Return the network of a CIDR, with its host bits masked."""
    written = text(value)
    if isinstance(written, Unknown):
        return written
    network = parsed_network(written)
    if network is None:
        raise Malformed(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`")
    return network


def has_host_bits(cidr: str) -> bool:
    """Say whether a CIDR names an address inside its network instead of the network.

    >>> has_host_bits("10.0.0.1/8"), has_host_bits("10.0.0.0/8")
    (True, False)
    """
    network = parsed_network(cidr)
    return network is not None and ip_interface(_plain(cidr)).ip != network.network_address


@lru_cache(maxsize=65536)
def parsed_network(cidr: str) -> IpNetwork | None:
    """Return the masked network of a CIDR, or None if the API server would refuse it.

    Host bits and leading zeros are legal for ip blocks, for old objects' sake
    (https://github.com/kubernetes/enhancements/issues/4858).
    """
    if not CIDR.fullmatch(cidr):
        return None
    try:
        return ip_interface(_plain(cidr)).network
    except ValueError:
        return None


def _plain(cidr: str) -> str:
    return cidr if ":" in cidr else LEADING_ZEROS.sub("", cidr)
