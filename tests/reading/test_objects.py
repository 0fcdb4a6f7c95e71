"""Which objects make the snapshot: lists, repetitions, owners, namespaces, other kinds."""

from __future__ import annotations

import pytest

from podwall.model import LabelMap, Unknown
from podwall.policies.errors import Severity
from podwall.reading import Document, ObjectStatus, snapshot
from tests.reading.written import ids, policy_text, read, seen

POD = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}"
NAME = "kubernetes.io/metadata.name"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{{apiVersion: v1, kind: List, items: [{POD}]}}", id="List"),
        pytest.param(
            "{apiVersion: v1, kind: List,"
            f" items: [{{apiVersion: v1, kind: List, items: [{POD}]}}]}}",
            id="a List in a List",
        ),
        pytest.param(
            "{apiVersion: v1, kind: PodList, items: [{metadata: {name: web, namespace: shop}}]}",
            id="a typed list, whose items tell no kind",
        ),
    ],
)
def test_lists_are_taken_apart(text: str) -> None:
    (pod,) = seen(text).workloads
    assert (pod.namespace, pod.name, pod.kind) == ("shop", "web", "Pod")


@pytest.mark.parametrize("items", ["", ", items: ", ", items: []"])
def test_a_list_may_be_empty(items: str) -> None:
    assert read(f"{{apiVersion: v1, kind: List{items}}}").ledger == ()


def test_a_kind_that_only_ends_like_a_list_does_not_vanish() -> None:
    reading = read("{apiVersion: acme.example/v1, kind: AllowList, metadata: {name: a}, spec: {}}")
    assert [(str(each), each.status.value) for each in reading.ledger] == [
        ("AllowList a", "unread")
    ]
    assert len(reading.snapshot.unread_policies) == 1


def test_a_broken_item_of_a_list_spoils_no_other() -> None:
    reading = read(f"{{apiVersion: v1, kind: List, items: [{POD}, 7, {{kind: Pod}}]}}")
    assert [pod.name for pod in reading.snapshot.workloads] == ["web"]
    assert ids(reading) == ["malformed-object items[1]", "malformed-object items[2].apiVersion"]


def quiet_policy(ingress: str) -> str:
    return policy_text(f"{{podSelector: {{}}, policyTypes: [Ingress], ingress: {ingress}}}")


def test_of_two_policies_of_one_name_the_last_one_wins() -> None:
    reading = read(quiet_policy("[{}]") + "\n---\n" + quiet_policy("[]"))
    assert [policy.ingress for policy in reading.snapshot.policies] == [()]
    (finding,) = reading.findings
    assert (finding.id, finding.severity) == ("duplicate-object", Severity.ERROR)
    assert "first at test.yaml:2" in finding.message


def test_the_same_object_twice_is_only_worth_knowing() -> None:
    reading = read(f"{POD}\n---\n{POD}")
    assert len(reading.snapshot.workloads) == 1
    assert [finding.severity for finding in reading.findings] == [Severity.INFO]


def test_a_namespace_that_is_written_twice_is_in_no_namespace_itself() -> None:
    one, other = (
        f"{{apiVersion: v1, kind: Namespace, metadata: {{name: blue{more}}}}}"
        for more in ("", ", labels: {team: b}")
    )
    (finding,) = read(f"{one}\n---\n{other}").findings
    assert finding.message.startswith("Namespace blue is written twice, differently")


def test_objects_of_one_name_in_two_namespaces_are_two() -> None:
    assert len(seen(f"{POD}\n---\n{POD.replace('shop', 'tools')}").workloads) == 2


def test_generated_names_are_told_apart() -> None:
    pod = "{apiVersion: v1, kind: Pod, metadata: {generateName: web-}}"
    names = [workload.name for workload in seen(f"{pod}\n---\n{pod}").workloads]
    assert names == ["web-GENERATED", "web-GENERATED2"]


MADE = "selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}}"


def owned(kind: str, name: str, owner: str) -> str:
    owner_kind, owner_name = owner.split("/")
    return f"""
    apiVersion: {"v1" if kind == "Pod" else "apps/v1"}
    kind: {kind}
    metadata:
      name: {name}
      namespace: shop
      labels: {{app: web}}
      ownerReferences: [{{controller: true, kind: {owner_kind}, name: {owner_name}}}]
    spec: {{{"" if kind == "Pod" else MADE}}}
    """


def test_what_a_controller_made_is_not_counted_again() -> None:
    deployment = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, "
        f"spec: {{{MADE}}}}}"
    )
    replica_set = owned("ReplicaSet", "web-1", "Deployment/web")
    pod = owned("Pod", "web-1-a", "ReplicaSet/web-1")
    kinds = [item.kind for item in seen(f"{pod}\n---{replica_set}\n---\n{deployment}").workloads]
    assert kinds == ["Deployment"]


def test_a_policy_and_a_service_that_a_controller_owns_act_as_any_other() -> None:
    """Operators do so: it is their pods alone for which a controller stands."""
    deployment = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, "
        f"spec: {{{MADE}}}}}"
    )
    owner = "ownerReferences: [{controller: true, kind: Deployment, name: web}]"
    metadata = f"metadata: {{name: web, namespace: shop, {owner}}}"
    policy = (
        f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, {metadata}, "
        "spec: {podSelector: {}, policyTypes: [Ingress]}}"
    )
    service = f"{{apiVersion: v1, kind: Service, {metadata}, spec: {{ports: [{{port: 80}}]}}}}"
    found = seen(f"{deployment}\n---\n{policy}\n---\n{service}")
    assert [each.full_name for each in found.policies] == ["shop/web"]
    assert [each.name for each in found.services] == ["web"]


@pytest.mark.parametrize("annotation", ["load-balancer-source-ranges", "azure-allowed-ip-ranges"])
def test_an_annotation_may_say_whom_a_load_balancer_lets_in(annotation: str) -> None:
    key = f"service.beta.kubernetes.io/{annotation}"
    service = (
        "{{apiVersion: v1, kind: Service, metadata: {{name: web, annotations: {{{}: '{}'}}}}, "
        "spec: {{type: LoadBalancer, ports: [{{port: 80}}]}}}}"
    )
    (said,) = seen(service.format(key, "198.51.100.0/24")).services
    assert said.source_ranges == Unknown(f"annotation `{key}` says whom the load balancer lets in")
    (empty,) = seen(service.format(key, "")).services
    assert empty.source_ranges == ()


def test_a_pod_whose_controller_is_not_here_counts() -> None:
    assert len(seen(owned("Pod", "web-1-a", "ReplicaSet/web-1")).workloads) == 1


def test_a_namespace_carries_its_name_as_a_label() -> None:
    (namespace,) = seen("{apiVersion: v1, kind: Namespace, metadata: {name: x}}").namespaces
    assert namespace.labels == LabelMap.of({NAME: "x"})


def test_a_forged_name_label_is_overwritten() -> None:
    reading = read(
        f"{{apiVersion: v1, kind: Namespace, metadata: {{name: x, labels: {{{NAME}: z}}}}}}"
    )
    (namespace,) = reading.snapshot.namespaces
    assert namespace.labels == LabelMap.of({NAME: "x"})
    assert ids(reading) == [f"forged-namespace-name metadata.labels[{NAME}]"]


def test_a_namespace_that_only_objects_name_may_have_any_other_label() -> None:
    (namespace,) = seen(POD).namespaces
    assert namespace.labels.items == ((NAME, "shop"),)
    assert namespace.labels.more == Unknown(
        "the labels of namespace `shop`, which the source does not declare"
    )


def test_namespace_default_has_no_other_label() -> None:
    (namespace,) = seen("{apiVersion: v1, kind: Pod, metadata: {name: web}}").namespaces
    assert namespace.labels == LabelMap.of({NAME: "default"})


def test_a_complete_source_leaves_nothing_open() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}
    (namespace,) = snapshot([Document(pod)], complete=True).snapshot.namespaces
    assert namespace.labels == LabelMap.of({NAME: "shop"})


def test_other_kinds_are_counted_and_passed_over() -> None:
    reading = read(f"{{apiVersion: v1, kind: Secret, metadata: {{name: s}}}}\n---\n{POD}")
    assert reading.findings == ()
    ledger = {(each.kind, each.status) for each in reading.ledger}
    assert ledger == {("Secret", ObjectStatus.HARMLESS), ("Pod", ObjectStatus.READ)}


def test_policies_of_other_apis_are_worth_a_warning() -> None:
    reading = read("{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: x}}")
    assert ids(reading) == ["policy-kind-not-analysed"]


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        pytest.param("extensions/v1beta1", "NetworkPolicy", id="the old policies"),
        pytest.param("apps/v1beta2", "Deployment", id="old deployments"),
        pytest.param("batch/v1beta1", "CronJob", id="old cron jobs"),
    ],
)
def test_versions_that_no_api_server_knows_any_more(api: str, kind: str) -> None:
    reading = read(f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: x}}}}")
    assert ids(reading) == ["removed-api-version apiVersion"]
    assert reading.snapshot.workloads == ()
