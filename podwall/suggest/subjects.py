"""Which workloads get policies, by which selectors, and which can have none."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from podwall.model import Unknown
from podwall.policies import Finding, Severity
from podwall.policies.system_namespaces import is_system_namespace
from podwall.suggest.selectors import Chosen, Selectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podwall.reachability.values import WorkloadEndpoint

__all__ = ["UNDETERMINED", "Subjects"]

#: Findings after which it is not certain what the policies will do.
UNDETERMINED = frozenset({"expectation-undetermined", "workload-not-known", "labels-not-known"})


class Subjects:
    """The declared workloads as a suggestion sees them."""

    def __init__(self, workloads: Sequence[WorkloadEndpoint]) -> None:
        """Choose the selector of each workload that a selector can mean."""
        self.all = {each.id: each for each in workloads}
        by_namespace: defaultdict[str, list[WorkloadEndpoint]] = defaultdict(list)
        for each in workloads:
            if isinstance(each.workload.namespace, str):
                by_namespace[each.workload.namespace].append(each)
        self.chosen: dict[str, Chosen] = {}
        for among in by_namespace.values():
            selectors = Selectors(among)
            selectable = (each.id for each in among if each.workload.host_network is False)
            self.chosen.update({id_: selectors.of(id_) for id_ in selectable})
        self.closed = tuple(sorted(each for each in by_namespace if not is_system_namespace(each)))

    def in_closed(self) -> Iterator[tuple[str, str]]:
        """Yield the workloads that get policies, each with its namespace."""
        for id_ in self.chosen:
            namespace = str(self.all[id_].workload.namespace)
            if namespace in self.closed:
                yield id_, namespace

    def findings(self) -> Iterator[Finding]:
        """Yield what is to be said about workloads for which no policy can be written."""
        for id_, each in self.all.items():
            workload = each.workload
            unknown = (workload.namespace, workload.host_network)
            cause = next((part for part in unknown if isinstance(part, Unknown)), None)
            if cause is not None:
                yield Finding(
                    "workload-not-known",
                    Severity.WARNING,
                    f"no policy is suggested for `{id_}`: {cause.cause} is known only later",
                    workload.place,
                    "make the value known before deployment",
                )
            elif workload.host_network is True:
                yield Finding(
                    "workload-on-host-network",
                    Severity.WARNING,
                    f"`{id_}` uses the network of its node, where no policy isolates it",
                    workload.place,
                    "give it a network of its own, unless it has to have the node's",
                )
        spaces = {str(each.workload.namespace) for each in self.all.values()}
        for name in sorted(filter(is_system_namespace, spaces)):
            yield Finding(
                "system-namespace",
                Severity.INFO,
                f"`{name}` is a namespace of the system, and is left as it is",
                help="a default deny there would break the cluster",
            )
