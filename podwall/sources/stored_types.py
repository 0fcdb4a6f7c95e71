"""What the API server has stored for policies that do not write `policyTypes`.

The directions that a policy isolates are computed when it is made, and not again when it is
applied: egress rules that come later have no effect, and isolation stays when they go. A preview
shows what is stored; of manifests nobody knows whether they replace or apply.

https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from podwall.policies.unknown import Unknown
from podwall.reading import Document
from podwall.reading.documents import single_objects
from podwall.sources.model import Source

__all__ = ["with_types_in_doubt"]


def with_types_in_doubt(before: Source, after: Source) -> Source:
    """Return what comes, its egress in doubt where it depends on what the server has stored."""
    if before.plan is not None or after.plan is not None:
        return after
    old = dict(_egress(before.planned.documents))
    if not old:
        return after
    listed = tuple(_in_doubt(each, old) for each in single_objects(after.planned.documents))
    return replace(after, planned=replace(after.planned, documents=listed))


def _egress(documents: Iterable[Document]) -> Iterable[tuple[tuple[str, str], bool]]:
    """Yield whether policies have egress rules, of those that do not write `policyTypes`."""
    for each in single_objects(documents):
        found = _without_types(each.manifest)
        if found is not None:
            yield found


def _without_types(manifest: Any) -> tuple[tuple[str, str], bool] | None:
    if not isinstance(manifest, Mapping) or manifest.get("kind") != "NetworkPolicy":
        return None
    metadata, spec = manifest.get("metadata"), manifest.get("spec")
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        return None
    if spec.get("policyTypes") or manifest.get("apiVersion") != "networking.k8s.io/v1":
        return None
    name = (str(metadata.get("namespace") or "default"), str(metadata.get("name")))
    return name, bool(spec.get("egress"))


def _in_doubt(document: Document, old: Mapping[tuple[str, str], bool]) -> Document:
    found = _without_types(document.manifest)
    if found is None or old.get(found[0], found[1]) == found[1]:
        return document
    cause = Unknown(
        f"NetworkPolicy `{'/'.join(found[0])}` does not write `policyTypes`, and what is stored "
        "stays when it is applied"
    )
    spec = {**document.manifest["spec"], "policyTypes": ["Ingress", cause]}
    return replace(document, manifest={**document.manifest, "spec": spec})
