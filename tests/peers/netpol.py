"""np-guard's `netpol list`, and what it says in the words of our own analysis.

https://github.com/np-guard/netpol-analyzer
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from functools import reduce
from ipaddress import IPv4Address
from itertools import takewhile
from pathlib import Path

from podwall.model import IpProtocol
from podwall.portset import NO_PORTS, PortSet

__all__ = ["Connections", "End", "Range", "connections_in", "executable", "listed", "ports_in"]

Range = tuple[int, int]
"""The first and the last of some IPv4 addresses."""

End = str | Range
Connections = dict[tuple[End, End], PortSet]


def executable() -> str | None:
    """Return the path of the tool, if it is on PATH under one of its names."""
    return shutil.which("netpol") or shutil.which("netpol-analyzer") or shutil.which("netpolicy")


def listed(tool: str, folder: Path) -> Connections:
    """Return the connections that the tool lists for the manifests in a folder."""
    output = folder.with_suffix(".csv")
    options = ["-q", "--multiple-networks=false", "-o", "csv", "-f", str(output)]
    subprocess.run(
        [tool, "list", *options, "--dirpath", str(folder)], check=True, capture_output=True
    )
    return connections_in(output)


def connections_in(output: Path) -> Connections:
    """Return the connections in a CSV file that the tool has written, without exposure."""
    with output.open(encoding="utf-8", newline="") as lines:
        return {
            (_end(row["src"]), _end(row["dst"])): ports_in(row["conn"])
            for row in takewhile(_is_connection, csv.DictReader(lines))
        }


def _is_connection(row: Mapping[str, str]) -> bool:
    return not row["src"].startswith("Exposure Analysis")


def _end(text: str) -> End:
    """Read `x/web[Deployment]`, `0.0.0.0-127.255.255.255[External]`, or an end without a kind."""
    name, _, kind = text.removesuffix("]").partition("[")
    if kind != "External":
        return str(name)
    first, _, last = name.partition("-")
    return int(IPv4Address(first)), int(IPv4Address(last or first))


def ports_in(text: str) -> PortSet:
    """Read `TCP 80,443-445,UDP 53`; all connections are those of the three protocols."""
    if text in {"All Connections", "all ports"}:
        return _joined(
            PortSet.all_of(each) for each in (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)
        )
    parts = re.findall(r"(TCP|UDP|SCTP) ([\d,-]+)", text)
    return _joined(
        PortSet.of(IpProtocol(protocol), *map(int, each.split("-")))
        for protocol, ranges in parts
        for each in ranges.strip(",").split(",")
    )


def _joined(sets: Iterable[PortSet]) -> PortSet:
    return reduce(PortSet.__or__, sets, NO_PORTS)
