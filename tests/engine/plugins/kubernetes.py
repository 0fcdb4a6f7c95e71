"""The Kubernetes stand-in: plans as pulumi-kubernetes does, with no API server behind it.

Where the kubeconfig is unknown the engine does not configure the plugin, and answers for it: inputs
unchanged, no outputs. What is left to model is naming, what replaces an object, and when a provider
is another cluster's (`DiffConfig`).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.engine.plugins.changes import changes
from tests.engine.plugins.kubeconfig import active_cluster
from tests.engine.plugins.provider import Absent, Created, Difference, Refused, Resource
from tests.engine.plugins.wire import UNKNOWN, Properties, has_unknown, plain

__all__ = ["OUTSIDE", "REFUSES", "STALLS", "Kubernetes"]

OUTSIDE = "PODWALL_STAND_IN_OUTSIDE"
"""Names a file: what others did to the objects of the cluster, by `Kind namespace/name`.

An object is what the file says, whatever was deployed, and gone where it says `null`.
"""

REFUSES = "PODWALL_STAND_IN_REFUSES"
"""Names what the API server refuses: `create deny` or `delete deny`, by the logical name."""

STALLS = "PODWALL_STAND_IN_STALLS"
"""Names the object whose creation does not end, by its logical name."""

_AUTONAMED = "pulumi.com/autonamed"
_CLUSTER_WIDE = {
    "Namespace",
    "Node",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
}
_IDENTIFIER = "clusterIdentifier"
_CONNECTION = ("kubeconfig", "context", "cluster")
_SELECTOR = ("spec.selector",)
_CONTAINER = (
    "args",
    "command",
    "env",
    "image",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "volumeMounts",
)
_IMMUTABLE = {
    "Deployment": _SELECTOR,
    "DaemonSet": _SELECTOR,
    "StatefulSet": (
        *_SELECTOR,
        "spec.serviceName",
        "spec.volumeClaimTemplates",
        "spec.podManagementPolicy",
    ),
    "Job": (*_SELECTOR, "spec.template", "spec.completions"),
    "Service": ("spec.clusterIP",),
    "RoleBinding": ("roleRef",),
    "Secret": ("type", "data", "stringData"),
    "ConfigMap": ("data", "binaryData"),
    "Pod": (
        *(f"spec.containers[].{leaf}" for leaf in _CONTAINER),
        *(
            "spec.hostNetwork",
            "spec.nodeSelector",
            "spec.securityContext",
            "spec.serviceAccountName",
            "spec.volumes",
        ),
        *("spec.automountServiceAccountToken", "spec.enableServiceLinks", "spec.restartPolicy"),
    ),
}
"""What an object of a kind cannot change in place, beside its name and namespace.

A NetworkPolicy is not here: its whole spec is changed in place.
"""


@dataclass(slots=True)
class Kubernetes:
    """Answers for every Kubernetes kind; see `tests.engine.plugins.provider.Provider`."""

    version: str = version("pulumi-kubernetes")
    keeps_secrets: bool = True
    _settings: Properties = field(default_factory=dict)

    def difference_of_configuration(self, old: Properties, new: Properties) -> Difference:
        """Return a replacement where the provider may now lead to another cluster.

        The same `clusterIdentifier` is the same cluster, whatever the kubeconfig says; another one
        is another; else an unknown kubeconfig, or another active cluster in it, replaces.
        """
        old, new = plain(old), plain(new)
        found = tuple(changes(old, new))
        if old.get(_IDENTIFIER) and old.get(_IDENTIFIER) == new.get(_IDENTIFIER):
            return Difference(found)
        return Difference(found, _other_cluster(old, new, {change.path for change in found}))

    def configure(self, settings: Properties) -> None:
        """Remember the kubeconfig: without one, no object can be created."""
        self._settings = plain(settings)

    def checked(self, resource: Resource, old: Properties, new: Properties) -> Properties:
        """Return `new` with a generated name and the default namespace where it has none."""
        metadata = dict(plain(new.get("metadata", {})))
        if "name" not in metadata:
            metadata = _autonamed(resource, metadata, old.get("metadata", {}))
        if new.get("kind") not in _CLUSTER_WIDE:
            metadata.setdefault("namespace", "default")
        return {**new, "metadata": metadata}

    def difference(self, resource: Resource, old: Properties, new: Properties) -> Difference:
        """Return what changes; an object that keeps a chosen name is deleted before the next."""
        del resource
        old, new = plain(old), plain(new)
        immutable = ("metadata.name", "metadata.namespace", *_IMMUTABLE.get(new["kind"], ()))
        same_place = all(_identity(old)[key] == _identity(new)[key] for key in (0, 1))
        return Difference.between(
            changes(old, new), immutable, delete_first=same_place and not _is_autonamed(new)
        )

    def previewed(self, resource: Resource, inputs: Properties, state: Properties) -> Properties:
        """Return the inputs where they are unknown in part, else what a dry run would show."""
        del state
        return inputs if has_unknown(inputs) else _live(resource, inputs)

    def created(self, resource: Resource, inputs: Properties) -> Created:
        """Return the object with the id `namespace/name`."""
        if not self._settings.get("kubeconfig"):
            message = "configured Kubernetes cluster is unreachable: no kubeconfig"
            raise Refused(message)
        if UNKNOWN in str(inputs):
            message = f"`{resource.name}` has an unknown input when it is created"
            raise Refused(message)
        _refused("create", resource)
        while os.environ.get(STALLS) == resource.name:
            time.sleep(1)
        namespace, name = _identity(plain(inputs))
        return Created(f"{namespace}/{name}" if namespace else name, _live(resource, inputs))

    def updated(self, resource: Resource, inputs: Properties, state: Properties) -> Properties:
        """Return the object after a change in place."""
        del state
        return _live(resource, inputs)

    def read(
        self, resource: Resource, inputs: Properties, state: Properties
    ) -> tuple[Properties, Properties]:
        """Return the object as it is in the cluster, and of it as inputs what the program states.

        What is imported, or read without being managed, has all of it as inputs.
        """
        objects = (
            json.loads(Path(os.environ[OUTSIDE]).read_text("utf-8"))
            if OUTSIDE in os.environ
            else {}
        )
        found = objects.get(f"{resource.type.rpartition(':')[2]} {resource.id}", plain(state))
        if not found:
            message = f"`{resource.id}` was not found"
            raise Absent(message)
        stated = {key: value for key, value in found.items() if key in (inputs or found)}
        return (inputs, state) if found == plain(state) else (stated, _live(resource, stated))

    def deleted(self, resource: Resource) -> None:
        """Delete the object, unless that is refused."""
        _refused("delete", resource)

    def invoked(self, token: str, arguments: Properties) -> Properties:
        """Refuse: the stand-in has no functions."""
        del arguments
        message = f"the stand-in has no function `{token}`"
        raise Refused(message)


def _refused(operation: str, resource: Resource) -> None:
    if os.environ.get(REFUSES) == f"{operation} {resource.name}":
        message = f"the API server refuses to {operation} `{resource.name}`"
        raise Refused(message)


def _other_cluster(old: Properties, new: Properties, changed: set[str]) -> tuple[str, ...]:
    replaces = (
        [_IDENTIFIER]
        if old.get(_IDENTIFIER) and new.get(_IDENTIFIER) and _IDENTIFIER in changed
        else []
    )
    unknown = [key for key in _CONNECTION if new.get(key) == UNKNOWN]
    if unknown:
        return (*replaces, unknown[0])
    clusters = [active_cluster(one.get("kubeconfig", "")) for one in (old, new)]
    if None not in clusters and clusters[0] != clusters[1]:
        replaces += [key for key in _CONNECTION if key in changed]
    return tuple(replaces)


def _autonamed(resource: Resource, metadata: Properties, old: Properties) -> Properties:
    suffix = hashlib.sha256(resource.seed or resource.urn.encode()).hexdigest()[:8]
    annotations = {**metadata.get("annotations", {}), _AUTONAMED: "true"}
    name = old["name"] if _AUTONAMED in old.get("annotations", {}) else f"{resource.name}-{suffix}"
    return {**metadata, "name": name, "annotations": annotations}


def _is_autonamed(manifest: Properties) -> bool:
    return _AUTONAMED in manifest.get("metadata", {}).get("annotations", {})


def _identity(manifest: Properties) -> tuple[str, str]:
    metadata = manifest.get("metadata", {})
    return metadata.get("namespace", ""), metadata.get("name", "")


def _live(resource: Resource, inputs: Properties) -> Properties:
    """Return the object as the API server shows it, with what the provider keeps beside it."""
    metadata: Any = dict(plain(inputs["metadata"]))
    if inputs["kind"] == "Namespace":
        name = {"kubernetes.io/metadata.name": metadata["name"]}
        metadata["labels"] = {**metadata.get("labels", {}), **name}
    metadata |= {
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "resourceVersion": "1",
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, resource.urn)),
    }
    kept = {
        "__inputs": inputs,
        "__initialApiVersion": inputs["apiVersion"],
        "__fieldManager": "pulumi-kubernetes-0",
    }
    return {**inputs, "metadata": metadata, **kept}
