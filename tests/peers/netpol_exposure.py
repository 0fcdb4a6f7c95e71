"""np-guard's `netpol list --exposure`, and what it says in the words of our own analysis.

Its ends that are no workloads are `entire-cluster`, pods of a namespace by its name
(`shop/[all pods]`, `shop/[pod with {app=web}]`), or of namespaces by their labels
(`[namespace with {env=dev}]/[all pods]`, `[all namespaces]/...`).
https://github.com/np-guard/netpol-analyzer/blob/main/docs/exposure_analysis.md
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from tests.peers.netpol import ports_in

__all__ = ["Exposed", "exposed", "exposed_in"]

ENTIRE_CLUSTER = "entire-cluster"
_ROWS = {
    Direction.INGRESS: ("ingress_exposure", "src"),
    Direction.EGRESS: ("egress_exposure", "dst"),
}
_OTHER_END = {"src": "dst", "dst": "src"}
_EXPRESSION = re.compile(r"\{Key:([^,]*),Operator:(\w+),Values:\[([^\]]*)\],\}")
_LABEL = re.compile(r"([^,{}=]+)=([^,{}]*)")


@dataclass(frozen=True)
class Exposed:
    """What some pods that nobody shows may do with a workload, on which ports.

    `namespaces` is the name of a namespace, or a selector: of all of them where it is empty.
    """

    workload: str
    direction: Direction
    pods: Selector
    namespaces: str | Selector
    ports: PortSet


def exposed(tool: str, folder: Path) -> list[Exposed]:
    """Return what the tool lists for the manifests in a folder, addresses apart."""
    options = ["-q", "--multiple-networks=false", "--exposure", "-o", "json"]
    ran = subprocess.run(
        [tool, "list", *options, "--dirpath", str(folder)], check=True, capture_output=True
    )
    return list(exposed_in(json.loads(ran.stdout or b"{}")))


def exposed_in(document: Any) -> Iterator[Exposed]:
    """Yield what a document lists."""
    results = (document.get("exposure_results") if isinstance(document, dict) else None) or {}
    for direction, (field, end) in _ROWS.items():
        for row in results.get(field) or ():
            if "[External]" in row[end]:
                continue
            workload = row[_OTHER_END[end]].partition("[")[0]
            namespaces, pods = _ends(row[end])
            yield Exposed(workload, direction, pods, namespaces, ports_in(row["conn"]))


def _ends(text: str) -> tuple[str | Selector, Selector]:
    if text == ENTIRE_CLUSTER:
        return Selector(), Selector()
    where, _, who = text.partition("/[")
    if where.startswith("["):
        return _selector(where), _selector(who)
    return where, _selector(who)


def _selector(text: str) -> Selector:
    """Read `pod with {app=web,{Key:role,Operator:NotIn,Values:[x y],}}`, or `all pods`."""
    asked = [
        SelectorRequirement(key, Operator(operator), tuple(sorted(values.split())))
        for key, operator, values in _EXPRESSION.findall(text)
    ]
    labels = _LABEL.findall(_EXPRESSION.sub("", text.partition("{")[2]))
    asked += [SelectorRequirement(key, Operator.IN, (value,)) for key, value in labels]
    return Selector(tuple(sorted(asked, key=lambda each: each.key)))
