"""An application: what it is made of, before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podwall.components.checks import refused
from podwall.components.namespace_args import NamespaceArgs
from podwall.components.workload.args import WorkloadArgs
from podwall.policies.policy import NetworkPolicy
from podwall.policies.syntax import shown

__all__ = ["Application"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Namespaces, what runs in them, and who may connect to whom.

    Applications are added with `+`; a name that two of them use is refused.

    Raises:
        InvalidValue: two namespaces, workloads or policies of one name, or a workload or policy in
            a namespace that is not the application's own.
    """

    namespaces: tuple[NamespaceArgs, ...] = ()
    workloads: tuple[WorkloadArgs, ...] = ()
    policies: tuple[NetworkPolicy, ...] = ()

    def __post_init__(self) -> None:
        """Check that names are unique and namespaces are there."""
        _refuse_repeated("namespaces", (each.name for each in self.namespaces))
        _refuse_repeated("workloads", (each.id for each in self.workloads))
        _refuse_repeated("policies", (f"{each.namespace}/{each.name}" for each in self.policies))
        for each in self.workloads:
            self._refuse_foreign(each.name, each.namespace)
        for policy in self.policies:
            self._refuse_foreign(policy.name, policy.namespace)

    def __add__(self, other: Application) -> Application:
        """Return both applications as one."""
        return Application(
            namespaces=self.namespaces + other.namespaces,
            workloads=self.workloads + other.workloads,
            policies=self.policies + other.policies,
        )

    def _refuse_foreign(self, name: str, namespace: str) -> None:
        if namespace not in (each.name for each in self.namespaces):
            message = f"{shown(name)} is in {shown(namespace)}, which is not declared"
            raise refused("metadata.namespace", message, "add the namespace")

    @property
    def policies_by_namespace(self) -> Mapping[str, tuple[NetworkPolicy, ...]]:
        """Return the policies of each namespace that has some, in the order of the namespaces."""
        grouped = {
            each.name: tuple(policy for policy in self.policies if policy.namespace == each.name)
            for each in self.namespaces
        }
        return {name: policies for name, policies in grouped.items() if policies}


def _refuse_repeated(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise refused(kind, f"{shown(name)} is given twice")
        seen.add(name)
