"""Policies with the names that namespaces have in the cluster, where Pulumi made these up.

A namespace is shown by what the program calls it, and so is what is written for it. A cluster knows
only the name that was made up when it was created; before that, nobody does.

https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from podwall.plan.documents import documents, stand_ins
from podwall.plan.model import Plan
from podwall.policies.rules import METADATA_NAME
from podwall.quick_dataclass import dataclass
from podwall.reading import shown_namespaces

__all__ = ["RealNames", "real_names"]

_SELECTOR: Final = "namespaceSelector"


@dataclass(frozen=True, slots=True)
class RealNames:
    """The names of namespaces in the cluster, by what they are shown as.

    `unmade` are those whose name is not made up yet.
    """

    made: Mapping[str, str]
    unmade: frozenset[str]

    def written(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return the manifest of a policy as the cluster knows the namespaces in it.

        >>> names = RealNames({"app": "app-1111aaaa"}, frozenset())
        >>> names.written({"metadata": {"name": "deny", "namespace": "app"}})
        {'metadata': {'name': 'deny', 'namespace': 'app-1111aaaa'}}
        """
        found: dict[str, Any] = self._replaced(manifest)
        metadata = found.get("metadata")
        if isinstance(metadata, dict) and metadata.get("namespace") in self.made:
            found["metadata"] = {**metadata, "namespace": self.made[metadata["namespace"]]}
        return found

    def missing(self, manifests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the namespaces that manifests name and the cluster will know by another name."""
        named = {name for each in manifests for name in _named(each)}
        yield from sorted(named & self.unmade)

    def _replaced(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                key: self._selector(each) if key == _SELECTOR else self._replaced(each)
                for key, each in value.items()
            }
        return [self._replaced(each) for each in value] if isinstance(value, list) else value

    def _selector(self, selector: Any) -> Any:
        """Return a selector of namespaces, which may name some by the label with their name."""
        found = dict(selector)
        labels = found.get("matchLabels") or {}
        if labels.get(METADATA_NAME) in self.made:
            found["matchLabels"] = {**labels, METADATA_NAME: self.made[labels[METADATA_NAME]]}
        if "matchExpressions" in found:
            found["matchExpressions"] = [
                self._condition(each) for each in found["matchExpressions"]
            ]
        return found

    def _condition(self, condition: Mapping[str, Any]) -> dict[str, Any]:
        if condition.get("key") != METADATA_NAME or "values" not in condition:
            return dict(condition)
        return {**condition, "values": [self.made.get(each, each) for each in condition["values"]]}


def _named(value: Any, key: str = "") -> Iterator[str]:
    """Yield every text that may name a namespace: the namespace itself, and values of selectors."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _named(each, inner)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each, key)
    elif isinstance(value, str) and key in {"namespace", METADATA_NAME, "values"}:
        yield value


def real_names(plan: Plan) -> RealNames:
    """Return the names of the namespaces of a plan that the program leaves to Pulumi."""
    shown = shown_namespaces(documents(plan))
    later = stand_ins(plan)
    return RealNames(
        {name: real for real, name in shown.items() if real not in later},
        frozenset(name for real, name in shown.items() if real in later),
    )
