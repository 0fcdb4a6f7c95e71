"""The policies that AKS makes of managed namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from podwall.model import IpProtocol
from podwall.plan import Operation, Plan, PlannedResource
from podwall.plan.documents import documents, unseen_entries, with_known_namespaces
from podwall.policies.errors import Unknown
from podwall.reachability import Verdict, reachability
from podwall.reading import snapshot
from podwall.review import review
from podwall.sources import SourceKind, source_of_plan

TYPE = "azure-native:containerservice:ManagedNamespace"
VERSIONED = "azure-native_containerservice_v20260501:containerservice:ManagedNamespace"
ALLOWED, DENIED, LATER = Verdict.ALLOWED, Verdict.DENIED, Verdict.UNDETERMINED


def managed(type_: str = TYPE, name: str | None = "shop", **inputs: Any) -> PlannedResource:
    named = {"managedNamespaceName": name} if name else {}
    return PlannedResource(f"urn:{type_}::shop", type_, "shop", {**named, **inputs})


def pod(name: str) -> PlannedResource:
    type_, metadata = "kubernetes:core/v1:Pod", {"name": name, "namespace": "shop"}
    inputs = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}
    return PlannedResource(f"urn:{type_}::{name}", type_, name, inputs)


def verdicts(resource: PlannedResource) -> tuple[Verdict, ...]:
    """Return whether web reaches db, the outside reaches web, and web the outside."""
    plan = Plan("shop", "dev", (resource, pod("web"), pod("db")))
    found = reachability(snapshot(documents(plan)).snapshot)
    pairs = (("shop/web", "shop/db"), ("0.0.0.0/0", "shop/web"), ("shop/web", "0.0.0.0/0"))
    return tuple(found.verdict(*pair, IpProtocol.TCP, 80) for pair in pairs)


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        pytest.param(None, (ALLOWED, DENIED, ALLOWED), id="nothing said"),
        pytest.param({"ingress": "AllowAll"}, (ALLOWED, ALLOWED, ALLOWED), id="AllowAll"),
        pytest.param({"ingress": "denyall"}, (DENIED, DENIED, ALLOWED), id="DenyAll in lower case"),
        pytest.param({"egress": "DenyAll"}, (DENIED, DENIED, DENIED), id="no egress"),
        pytest.param(
            {"egress": "AllowSameNamespace"}, (ALLOWED, DENIED, DENIED), id="egress inside"
        ),
        pytest.param({"ingress": Unknown("later")}, (LATER, LATER, ALLOWED), id="known later"),
        pytest.param({"ingress": "Other"}, (LATER, LATER, ALLOWED), id="not known to podwall"),
    ],
)
@pytest.mark.parametrize("type_", [TYPE, VERSIONED])
@pytest.mark.parametrize("spelling", ["properties", "flat"])
def test_the_default_policy(
    default: Mapping[str, Any] | None, expected: Any, type_: str, spelling: str
) -> None:
    stated = {} if default is None else {"defaultNetworkPolicy": default}
    inputs = {"properties": stated} if spelling == "properties" else stated
    assert verdicts(managed(type_, **inputs)) == expected


@pytest.mark.parametrize("name", ["shop", None, Unknown("later")])
def test_what_is_put_into_it_by_its_output_is_in_it(name: Any) -> None:
    namespace = managed(managedNamespaceName=name, name=None)
    there = {"metadata": {"name": "web", "namespace": Unknown("known later")}}
    depends = {"metadata": (namespace.urn,)}
    web = replace(pod("web"), inputs={**pod("web").inputs, **there}, property_dependencies=depends)
    found = with_known_namespaces(Plan("shop", "dev", (namespace, web)))
    read = snapshot(documents(found)).snapshot
    is_known = not isinstance(name, Unknown)
    assert [each.full_name for each in read.workloads] == (["shop/web"] if is_known else ["?/web"])


def test_a_managed_namespace_that_goes_brings_nothing() -> None:
    gone = PlannedResource("urn", TYPE, "shop", {}, change=Operation.DELETE)
    assert documents(Plan("shop", "dev", (gone,))) == ()


def test_a_name_that_azure_makes_up_is_shown_as_the_program_calls_it() -> None:
    (namespace,) = snapshot(
        documents(Plan("shop", "dev", (managed(name=None),)))
    ).snapshot.namespaces
    assert namespace.name == "shop"


@pytest.mark.parametrize("package", ["azure-native:", "azure-native_containerservice_v20260501:"])
def test_what_a_fleet_puts_into_a_namespace_is_undetermined_and_named(package: str) -> None:
    type_ = f"{package}containerservice:FleetManagedNamespace"
    fleet = PlannedResource(f"urn:{type_}::all", type_, "all", {"managedNamespaceName": "shop"})
    other = replace(fleet, inputs={"managedNamespaceName": "tools"})
    for resource, expected in ((fleet, LATER), (other, ALLOWED)):
        plan = Plan("shop", "dev", (resource, pod("web"), pod("db")))
        found = review(source_of_plan(SourceKind.STATE, "shop", plan))
        verdict = found.reachability.verdict("shop/web", "shop/db", IpProtocol.TCP, 80)
        assert verdict is expected
        (entry,) = [each for each in found.unread if each.kind == "FleetManagedNamespace"]
        assert "puts into the clusters of its fleet" in entry.reason
    gone = replace(fleet, change=Operation.DELETE)
    assert not list(unseen_entries(Plan("shop", "dev", (gone,))))
