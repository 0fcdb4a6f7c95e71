"""Kinds that no API server knows, and which one is meant.

The group of an API that somebody else adds to a cluster has a dot, and those that end in `k8s.io`
and `kubernetes.io` are kept for Kubernetes itself, so that a kind which Kubernetes has nowhere but
in another of its groups is a typing error: the API server answers `no matches for kind`.

https://kubernetes.io/docs/reference/using-api/#api-groups
https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2337-k8s.io-group-protection
https://github.com/kubernetes/apiextensions-apiserver/blob/master/pkg/apis/apiextensions/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from podwall.reading.harmless_kinds import harmless

__all__ = ["meant_instead"]

#: The kinds that decide who reaches whom, by their `apiVersion`.
_DECIDING: Final = {
    "v1": "Namespace Pod ReplicationController Service",
    "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "CronJob Job",
    "networking.k8s.io/v1": "NetworkPolicy",
}
_VERSIONS: Final = {kind: version for version, kinds in _DECIDING.items() for kind in kinds.split()}
_PROTECTED: Final = (".k8s.io", ".kubernetes.io")
#: Groups of Kubernetes that once had these kinds, and groups of others that share a name with one.
_FORMER: Final = frozenset({("extensions", kind) for kind in _VERSIONS})
#: How alike two words are that are told apart by a typing error only, from 0 to 1.
_ALIKE: Final = 0.85


@lru_cache(4096)
def meant_instead(group: str, kind: str) -> tuple[str, str] | None:
    """Return the `apiVersion` and kind that are meant by ones which no API server knows.

    None of what there is, of what somebody else's API may have, and of what is like no kind that
    decides who reaches whom.

    >>> meant_instead("networking", "NetworkPolicy"), meant_instead("apps", "Statefulset")
    (('networking.k8s.io/v1', 'NetworkPolicy'), ('apps/v1', 'StatefulSet'))
    >>> meant_instead("apps", "Deployment"), meant_instead("crd.antrea.io", "NetworkPolicy")
    (None, None)
    """
    if (group, kind) in _FORMER or harmless(group, kind):
        return None
    meant = _alike(kind) if _is_of_kubernetes(group) else _nearly(group, kind)
    if meant is None or (_group(_VERSIONS[meant]), meant) == (group, kind):
        return None
    return _VERSIONS[meant], meant


def _is_of_kubernetes(group: str) -> bool:
    return "." not in group or group.endswith(_PROTECTED)


def _alike(kind: str) -> str | None:
    """Return the kind that one is, or nearly is, whatever its case and number."""
    lower = kind.lower()
    return next((each for each in _VERSIONS if lower in _spellings(each)), None) or next(
        (each for each in _VERSIONS if _similar(lower, each.lower())), None
    )


def _spellings(kind: str) -> Iterator[str]:
    lower = kind.lower()
    yield lower
    yield f"{lower.removesuffix('y')}ies" if lower.endswith("y") else f"{lower}s"


def _nearly(group: str, kind: str) -> str | None:
    """Return the kind, if the group is nearly the one that has it."""
    version = _VERSIONS.get(kind)
    return kind if version and _similar(group, _group(version)) else None


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _similar(left: str, right: str) -> bool:
    return left != right and SequenceMatcher(None, left, right).ratio() >= _ALIKE
