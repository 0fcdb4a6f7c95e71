"""The endpoints of a cluster with their ids, in the order in which connections are told."""

from __future__ import annotations

from collections import Counter, defaultdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from podwall.model import Unknown
from podwall.policies.errors import InvalidValue
from podwall.reachability.addresses import first_address, networks
from podwall.reachability.values import Endpoint, ExternalRange, WorkloadEndpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podwall.model import Workload
    from podwall.reachability.atoms import Atoms
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.pod_classes import PodClasses

__all__ = ["Endpoints"]


class Endpoints:
    """Workloads by id, then external ranges by address; `element` has each one's class or part.

    `places` has for each workload by id its place among the cluster's workloads.
    """

    def __init__(
        self, workloads: Sequence[Workload], classes: PodClasses, addresses: Atoms
    ) -> None:
        """Name the workloads, and write the address parts as networks."""
        named = sorted(zip(_ids(workloads), range(len(workloads)), strict=True))
        self.workloads = tuple(WorkloadEndpoint(name, workloads[n]) for name, n in named)
        outside = sorted(
            (
                (network, part)
                for part, ranges in enumerate(addresses.ranges())
                for network in networks(ranges)
            ),
            key=lambda pair: first_address(pair[0]),
        )
        self.externals = tuple(ExternalRange(network) for network, _ in outside)
        self.places: IntArray = np.array([number for _, number in named], dtype=np.int64)
        inside = classes.of_workload[self.places]
        parts = np.array([part for _, part in outside], dtype=np.int64)
        self.element: IntArray = np.concatenate([inside, parts + len(classes)])
        self.all: tuple[Endpoint, ...] = (*self.workloads, *self.externals)
        self._number = {each.id: number for number, each in enumerate(self.all)}

    def number(self, endpoint_id: str) -> int:
        """Return an endpoint's place in `all`.

        Raises:
            InvalidValue: there is no endpoint with that id.
        """
        number = self._number.get(endpoint_id)
        if number is None:
            raise _unknown_endpoint(endpoint_id, self._number)
        return number


def _ids(workloads: Sequence[Workload]) -> list[str]:
    """Return each workload's id: `namespace/name`, with the kind where two kinds would clash.

    Workloads whose namespace is unknown may still clash; the second is then `…#2`.
    """
    short = [f"{_namespace(each)}/{each.name}" for each in workloads]
    count = Counter(short)
    seen: defaultdict[str, int] = defaultdict(int)
    result = []
    for each, name in zip(workloads, short, strict=True):
        full = name if count[name] == 1 else f"{_namespace(each)}/{each.kind}/{each.name}"
        seen[full] += 1
        result.append(full if seen[full] == 1 else f"{full}#{seen[full]}")
    return result


def _namespace(workload: Workload) -> str:
    return "?" if isinstance(workload.namespace, Unknown) else workload.namespace


def _unknown_endpoint(endpoint_id: str, known: dict[str, int]) -> InvalidValue:
    """Return the error for an id that is not there, with the nearest one that is."""
    short = (name for name in known if name.split("/")[-1] == endpoint_id)
    near = [*short, *get_close_matches(endpoint_id, known, n=1)]
    help_ = f"did you mean `{near[0]}`?" if near else "`podwall reach` lists all endpoints"
    return InvalidValue(f"there is no workload or external range `{endpoint_id}`", help=help_)
