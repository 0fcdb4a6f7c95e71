"""Policies of other kinds than NetworkPolicy in a running cluster: listed, read, and decided by."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from podwall.live import KubeContext
from podwall.live.connection import ApiConnection, ApiRequest, ClusterError
from podwall.model import IpProtocol
from podwall.reachability import Verdict
from podwall.review import Review, review
from podwall.sources import ManifestOptions, source
from tests.live.lab import LabServer, created, path_of
from tests.live.objects import namespace, pod

_NPA, _CILIUM = "policy.networking.k8s.io/v1alpha2", "cilium.io/v2"
_CALICO = "crd.projectcalico.org/v1"
_KINDS: Final = {
    "clusternetworkpolicies": (_NPA, "ClusterNetworkPolicy", "Cluster"),
    "ciliumnetworkpolicies": (_CILIUM, "CiliumNetworkPolicy", "Namespaced"),
    "ciliumclusterwidenetworkpolicies": (_CILIUM, "CiliumClusterwideNetworkPolicy", "Cluster"),
    "ciliumcidrgroups": (_CILIUM, "CiliumCIDRGroup", "Cluster"),
    "tiers": (_CALICO, "Tier", "Cluster"),
    "globalnetworkpolicies": (_CALICO, "GlobalNetworkPolicy", "Cluster"),
    "networkpolicies": (_CALICO, "NetworkPolicy", "Namespaced"),
    "globalnetworksets": (_CALICO, "GlobalNetworkSet", "Cluster"),
}
_SPACE: Final = "kinds"
PODS: Final = [namespace(_SPACE), *(pod(_SPACE, each, app=each) for each in ("web", "db", "job"))]
_HERE: Final = {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": _SPACE}}}


def _made(plural: str, name: str, spec: Mapping[str, Any], **labels: str) -> dict[str, Any]:
    version, kind, scope = _KINDS[plural]
    where = {"namespace": _SPACE} if scope == "Namespaced" else {}
    metadata = {"name": name, "labels": labels, **where}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": dict(spec)}


OBJECTS: Final = {
    "clusternetworkpolicies": _made(
        "clusternetworkpolicies",
        "guard",
        {
            "tier": "Admin",
            "priority": 1,
            "subject": _HERE,
            "ingress": [{
                "action": "Deny",
                "from": [{"pods": {"podSelector": {"matchLabels": {"app": "job"}}}}],
            }],
        },
    ),
    "ciliumnetworkpolicies": _made(
        "ciliumnetworkpolicies",
        "db",
        {
            "endpointSelector": {"matchLabels": {"app": "db"}},
            "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}]}],
        },
    ),
    "ciliumclusterwidenetworkpolicies": _made(
        "ciliumclusterwidenetworkpolicies",
        "no-jobs",
        {
            "endpointSelector": {"matchLabels": {"app": "web"}},
            "enableDefaultDeny": {"ingress": False},
            "ingressDeny": [
                {"fromEndpoints": [{"matchLabels": {"app": "job"}}]},
                {"fromCIDRSet": [{"cidrGroupRef": "partners"}]},
            ],
        },
    ),
    "ciliumcidrgroups": _made(
        "ciliumcidrgroups", "partners", {"externalCIDRs": ["203.0.113.0/24"]}
    ),
    "tiers": _made("tiers", "security", {"order": 100}),
    "globalnetworkpolicies": _made(
        "globalnetworkpolicies",
        "security.db",
        {
            "tier": "security",
            "selector": "app == 'db'",
            "types": ["Ingress"],
            "ingress": [{"action": "Allow", "source": {"selector": "app == 'web' || who == 'us'"}}],
        },
    ),
    "networkpolicies": _made(
        "networkpolicies", "default.web", {"selector": "app == 'web'", "types": ["Ingress"]}
    ),
    "globalnetworksets": _made(
        "globalnetworksets", "partners", {"nets": ["203.0.113.0/24"]}, who="us"
    ),
}  # fmt: skip


def _definition(plural: str) -> dict[str, Any]:
    version, kind, scope = _KINDS[plural]
    group, _, name = version.partition("/")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }


def _path(plural: str) -> str:
    version, _, scope = _KINDS[plural]
    where = f"namespaces/{_SPACE}/" if scope == "Namespaced" else ""
    return f"/apis/{version}/{where}{plural}"


def _put(admin: ApiConnection, plural: str) -> None:
    """Create an object of a kind as soon as the server serves it."""
    for _ in range(100):
        try:
            admin.send(ApiRequest("POST", _path(plural), body=OBJECTS[plural]))
        except ClusterError as problem:
            if problem.reason == "AlreadyExists":
                return
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"`{plural}` are not served")


@pytest.fixture(scope="module")
def kubeconfig(lab: LabServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a cluster that has the kinds of every engine, with an object of each."""
    folder: Path = tmp_path_factory.mktemp("kinds")
    with lab.connection() as admin:
        created(admin, PODS)
        created(admin, [_definition(each) for each in _KINDS])
        for each in _KINDS:
            _put(admin, each)
        yield str(lab.kubeconfig(folder))
        for each in _KINDS:
            definition = _definition(each)
            name = definition["metadata"]["name"]
            admin.send(ApiRequest("DELETE", f"{path_of(definition)}/{name}"))
        for one in PODS[1:]:
            name = f"{path_of(one)}/{one['metadata']['name']}"
            admin.send(ApiRequest("DELETE", name, {"gracePeriodSeconds": 0}))


def _seen(kubeconfig: str, engine: str) -> Review:
    options = ManifestOptions(_SPACE, cluster=KubeContext(kubeconfig))
    return review(source("cluster", options), engine)


_MARKS: Final = {Verdict.DENIED: "", Verdict.UNDETERMINED: "?"}


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("cilium", "job>db job>web partner>db partner>web"),
        ("calico", "?job>db db>web job>web partner>web"),
        ("azure", ""),
        ("spec", "?db>web ?job>db ?job>web ?partner>db ?partner>web ?web>db"),
    ],
)
def test_the_kinds_of_an_engine_decide(kubeconfig: str, engine: str, expected: str) -> None:
    """Pods may have any address here, so that a set of networks of Calico's may mean one."""
    found = _seen(kubeconfig, engine).reachability
    ends = {each: f"{_SPACE}/{each}" for each in ("web", "db", "job")}
    outside = (each.id for each in found.externals if each.id.startswith("203.0.113."))
    ends["partner"] = next(outside, found.externals[0].id)
    verdicts = {
        f"{one}>{other}": found.verdict(ends[one], ends[other], IpProtocol.TCP, 80)
        for one in ends
        for other in ("web", "db")
        if one != other
    }
    marked = (f"{_MARKS[each]}{key}" for key, each in verdicts.items() if each in _MARKS)
    assert " ".join(sorted(marked)) == expected


def test_what_is_listed_is_all_that_is_there(kubeconfig: str) -> None:
    snapshot = _seen(kubeconfig, "spec").reading.snapshot
    assert [each.full_name for each in snapshot.tier_policies] == ["ClusterNetworkPolicy guard"]
    assert sorted(each.full_name for each in snapshot.cilium_policies) == [
        "CiliumClusterwideNetworkPolicy no-jobs",
        "CiliumNetworkPolicy kinds/db",
    ]
    assert sorted(each.full_name for each in snapshot.calico_policies) == [
        "Calico GlobalNetworkPolicy security.db",
        "Calico NetworkPolicy kinds/default.web",
    ]
    assert [each.name for each in snapshot.calico_tiers] == ["security"]
    assert [each.name for each in snapshot.calico_sets] == ["partners"]
    assert snapshot.unread_policies == ()
