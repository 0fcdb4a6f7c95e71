"""Names that Pulumi gives: those that it makes up, and those that a stack's configuration asks for.

A Kubernetes object without a name gets one from Pulumi: its resource's name, `-`, and random
characters. Until it exists nobody knows these; a stand-in that is spelt like such a name takes its
place, so that whatever a program makes of the name (`Output.concat`, a label, a selector) is read
as it will be, and means the same object wherever it is mentioned.

https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/metadata/naming.go

`pulumi:autonaming` says how objects are named that name themselves nothing: as their resource
(`verbatim`), by a pattern, or not at all (`disabled`); for all, for a provider or for a type. A
pattern with random characters leaves a name as unknown as it is without one.

https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming-configuration
https://github.com/pulumi/pulumi/blob/master/pkg/cmd/pulumi/autonaming/config.go
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from podwall.plan.model import is_marked, is_unknown
from podwall.policies.errors import SourceError
from podwall.quick_dataclass import dataclass

__all__ = [
    "AUTONAMED",
    "KEY",
    "Autonaming",
    "is_made_up",
    "stand_in",
    "stand_in_of",
]

AUTONAMED: Final = "pulumi.com/autonamed"
_LENGTH: Final = 8


def stand_in(urn: str, prefix: str) -> str:
    """Return what stands for the name of a resource: the same every time, and no other's.

    >>> stand_in("urn:pulumi:dev::shop::kubernetes:core/v1:Namespace::app", "app-")
    'app-628c3b92'
    """
    return f"{prefix}{hashlib.sha256(urn.encode()).hexdigest()[:_LENGTH]}"


def stand_in_of(metadata: Mapping[str, Any], urn: str, resource: str) -> str | None:
    """Return what stands for the name of an object with this metadata, which has none.

    `generateName` is a beginning that the program gives; without it that is the resource's name.
    None where the object has a name, or where only deployment tells how it begins.
    """
    prefix = metadata.get("generateName") or f"{resource}-"
    if metadata.get("name") or not isinstance(prefix, str):
        return None
    return stand_in(urn, prefix)


def is_made_up(metadata: Mapping[str, Any]) -> bool:
    """Return whether Pulumi or the API server makes up the name of an object, or did so.

    >>> is_made_up({"name": "app-628c3b92", "annotations": {"pulumi.com/autonamed": "true"}})
    True
    >>> is_made_up({"name": "app"})
    False
    """
    annotations = metadata.get("annotations")
    is_marked = isinstance(annotations, Mapping) and annotations.get(AUTONAMED) == "true"
    return is_marked or not metadata.get("name")


#: The key of the stack's configuration.
KEY: Final = "pulumi:autonaming"
_OBJECTS: Final = "kubernetes:"
_EXPRESSION: Final = re.compile(r"\$\{([^}]*)\}")
_MODES: Final = frozenset({"default", "disabled", "verbatim"})


@dataclass(frozen=True, slots=True)
class Autonaming:
    """How objects of one stack are named; by default as the Kubernetes provider names them.

    `values` is the whole configuration by full key, of which a pattern may take parts.
    """

    project: str
    stack: str
    values: Mapping[str, Any]

    def named(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the inputs of a resource with the name that it will have, if that is known.

        Args:
            type_: the type of the resource, with the API version.
            name: what the program calls it.
            inputs: as the program sends them.

        Raises:
            SourceError: the configuration names nothing, and neither do the inputs.

        >>> naming = Autonaming("shop", "dev", {KEY: {"pattern": "${stack}-${name}"}})
        >>> naming.named("kubernetes:core/v1:Namespace", "app", {})["metadata"]["name"]
        'dev-app'
        """
        metadata = inputs.get("metadata") or {}
        if not type_.startswith(_OBJECTS) or not _is_nameless(metadata):
            return inputs
        found = self._name(type_, name)
        if found is None:
            return inputs
        annotations = metadata.get("annotations") or {}
        if not isinstance(annotations, Mapping) or is_marked(annotations):
            annotations = {}  # only deployment tells the others
        marked = {**annotations, AUTONAMED: "true"}
        return {**inputs, "metadata": {**metadata, "name": found, "annotations": marked}}

    def _name(self, type_: str, name: str) -> str | None:
        chosen = self._chosen(type_)
        mode, pattern = chosen.get("mode"), chosen.get("pattern")
        if mode == "disabled":
            raise SourceError(
                f"`{name}` has no `metadata.name`, and `{KEY}` is disabled for it",
                help="name it, or let Pulumi name it: `mode: default`",
            )
        if mode == "verbatim":
            return name
        return self._filled(pattern, name) if isinstance(pattern, str) else None

    def _chosen(self, type_: str) -> Mapping[str, Any]:
        """Return what is configured most closely: for the type, its provider, or everything."""
        whole = _mapping(self.values.get(KEY))
        provider = _mapping(_mapping(whole.get("providers")).get("kubernetes"))
        own = _mapping(_mapping(provider.get("resources")).get(type_))
        found = next((each for each in (own, provider, whole) if _says(each)), {})
        mode = found.get("mode")
        if mode is not None and mode not in _MODES:
            raise SourceError(
                f"`{KEY}` has no mode `{mode}`", help=f"one of {', '.join(sorted(_MODES))}"
            )
        return found

    def _filled(self, pattern: str, name: str) -> str | None:
        """Return a pattern with its values, None where one of them is random or not known."""
        known = {"name": name, "project": self.project, "stack": self.stack}
        for expression in _EXPRESSION.findall(pattern):
            key = expression.removeprefix("config.")
            if key != expression:
                full = key if ":" in key else f"{self.project}:{key}"
                known[expression] = str(self.values.get(full) or "")
            if not known.get(expression) or is_unknown(known[expression]):
                return None
        return _EXPRESSION.sub(lambda match: known[match[1]], pattern)


def _is_nameless(metadata: Any) -> bool:
    if not isinstance(metadata, Mapping) or is_marked(metadata):
        return False
    return not metadata.get("name") and not metadata.get("generateName")


def _says(section: Mapping[str, Any]) -> bool:
    return section.get("mode") is not None or section.get("pattern") is not None


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping that is given as one, or as JSON; anything else says nothing."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}
