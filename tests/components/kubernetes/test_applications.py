from __future__ import annotations

from typing import Any

import pytest

from components.applications import Application, Images, shop, walkthrough
from podwall.components.namespace_args import NamespaceArgs, PodSecurity
from podwall.components.workload_args import WorkloadArgs, WorkloadKind
from podwall.policies import InvalidValue, NetworkPolicy, Step, default_deny

IMAGES = Images()


def workload(name: str, namespace: str = "shop") -> WorkloadArgs:
    return WorkloadArgs(name=name, namespace=namespace, labels={"app": name}, image="a/b:1")


def named(application: Application, workload_id: str) -> WorkloadArgs:
    return next(each for each in application.workloads if each.id == workload_id)


@pytest.mark.parametrize("step", list(Step))
def test_the_walkthrough_is_one_backend_and_three_clients(step: Step) -> None:
    story = walkthrough(step, IMAGES)
    assert {each.id: dict(each.labels) for each in story.workloads} == {
        "starwind/backend": {"app": "webapp", "role": "backend"},
        "starwind/client-labelled": {"app": "webapp", "role": "frontend"},
        "starwind/client-unlabelled": {"app": "unknown"},
        "visitor/client-labelled": {"app": "webapp", "role": "frontend"},
    }
    assert {each.kind for each in story.workloads} == {WorkloadKind.POD}


@pytest.mark.parametrize("step", list(Step))
def test_the_walkthrough_has_no_policy_but_the_steps_own(step: Step) -> None:
    story = walkthrough(step, IMAGES)
    assert [policy.name for policy in story.policies] == ([] if step is Step.OPEN else ["backend"])
    assert all(not each.closing_policies for each in story.namespaces)


def test_the_walkthroughs_pods_are_restricted_all_the_same() -> None:
    assert {each.pod_security for each in walkthrough(Step.OPEN, IMAGES).namespaces} == {
        PodSecurity.RESTRICTED
    }


def test_the_backend_serves_with_the_command_of_its_image() -> None:
    backend = named(walkthrough(Step.OPEN, IMAGES), "starwind/backend")
    assert [(port.name, port.number) for port in backend.ports] == [("http", 80)]
    assert backend.command == backend.arguments == ()


def test_clients_end_at_once_when_they_are_told_to() -> None:
    client = named(walkthrough(Step.OPEN, IMAGES), "visitor/client-labelled")
    assert client.command[:2] == ("sh", "-c")
    assert client.command[2].startswith("trap 'exit 0' TERM;")


def test_images_are_configuration() -> None:
    images = Images(backend="lab.example/web:1", client="lab.example/sh:1")
    story = walkthrough(Step.OPEN, images)
    assert {each.image for each in story.workloads} == {"lab.example/web:1", "lab.example/sh:1"}


def test_the_shop_is_closed_in_both_directions_everywhere() -> None:
    closed = [each for each in shop(IMAGES, 3).namespaces if each.deny_ingress and each.deny_egress]
    assert [each.name for each in closed] == ["ingress", "monitoring", "shop"]


def test_every_connection_of_the_shop_has_both_sides() -> None:
    policies = [each for each in shop(IMAGES, 3).policies if each.name != "way-in"]
    assert [(each.namespace, *directions(each)) for each in policies] == [
        ("ingress", "Egress"),
        ("shop", "Ingress"),
        ("shop", "Egress"),
        ("shop", "Ingress"),
        ("shop", "Egress"),
        ("shop", "Ingress"),
        ("monitoring", "Egress"),
        ("shop", "Ingress"),
    ]


def directions(policy: NetworkPolicy) -> list[str]:
    return [str(direction) for direction in policy.policy_types]


def test_stateless_parts_have_as_many_pods_as_asked_and_the_data_has_one() -> None:
    counts = {each.name: each.pod_count for each in shop(IMAGES, 4).workloads}
    assert counts == {"gateway": 4, "prometheus": 1, "web": 4, "api": 4, "db": 1}


@pytest.mark.parametrize("replicas", [1, 3, 50])
def test_quotas_leave_room_for_a_rolling_update(replicas: int) -> None:
    story = shop(IMAGES, replicas)
    for namespace in story.namespaces:
        pods = sum(w.pod_count + 1 for w in story.workloads if w.namespace == namespace.name)
        assert namespace.quota is not None
        assert namespace.quota.pods is not None
        assert namespace.quota.pods >= pods


def test_policies_are_grouped_in_the_order_of_the_namespaces() -> None:
    grouped = shop(IMAGES, 2).policies_by_namespace
    assert list(grouped) == ["ingress", "monitoring", "shop"]
    assert walkthrough(Step.OPEN, IMAGES).policies_by_namespace == {}


SHOP = NamespaceArgs(name="shop")
WRONG: list[Any] = [
    pytest.param({"namespaces": (SHOP, SHOP)}, "namespaces: `shop` is given", id="a namespace"),
    pytest.param(
        {"namespaces": (SHOP,), "workloads": (workload("api"), workload("api"))},
        "workloads: `shop/api` is given twice",
        id="a workload",
    ),
    pytest.param(
        {"namespaces": (SHOP,), "policies": (default_deny("shop"), default_deny("shop"))},
        "policies: `shop/default-deny` is given twice",
        id="a policy",
    ),
    pytest.param(
        {"namespaces": (SHOP,), "workloads": (workload("api", "other"),)},
        "`api` is in `other`, which is not declared",
        id="a workload elsewhere",
    ),
    pytest.param(
        {"namespaces": (SHOP,), "policies": (default_deny("other"),)},
        "`default-deny` is in `other`, which is not declared",
        id="a policy elsewhere",
    ),
]


@pytest.mark.parametrize(("parts", "message"), WRONG)
def test_contradictory_applications_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Application(**parts)


def test_two_applications_that_use_one_name_cannot_be_added() -> None:
    with pytest.raises(InvalidValue, match="`shop` is given twice"):
        shop(IMAGES, 2) + Application(namespaces=(SHOP,))


def test_an_image_without_a_version_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="api: `whoami` has neither"):
        Images(api="whoami")
