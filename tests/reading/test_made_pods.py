"""Which objects of other APIs make pods, and what is known of the labels of these."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from podwall.model import SnapshotWorkload, Unknown
from podwall.policies.errors import Place
from podwall.reachability import reachability
from podwall.reading import Document, ObjectStatus, SnapshotReading, snapshot
from podwall.reading.made_pods import made_pods
from podwall.reading.metadata import read_object
from podwall.reading.pod_kinds import POD_KINDS
from tests.reading.written import read

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "web", "ports": [{"name": "http", "containerPort": 8080}]}]},
}


def pods(api: str, kind: str, spec: Any, **fields: Any) -> tuple[SnapshotWorkload, ...]:
    metadata = {"name": "x", "namespace": "shop", **fields}
    manifest = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}
    return snapshot([Document(manifest)]).snapshot.workloads


def known(workload: SnapshotWorkload) -> dict[str, str]:
    return {key: value for key, value in workload.labels.items if isinstance(value, str)}


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("apps.kruise.io/v1alpha1", "CloneSet"),
        ("apps.kruise.io/v1beta1", "StatefulSet"),
    ],
)
def test_a_controller_that_adds_no_label_of_its_own_makes_what_a_deployment_makes(
    api: str, kind: str
) -> None:
    (found,) = pods(api, kind, {"replicas": 3, "template": TEMPLATE})
    assert (found.name, found.kind, found.replicas) == ("x", kind, 3)
    assert found.labels.items == (("app", "web"),)
    assert found.labels.more is None
    assert found.open_ports is None
    assert [port.name for port in found.ports] == ["http"]


@pytest.mark.parametrize(
    ("api", "kind", "spec"),
    [
        ("example.org/v1", "Frontend", {"template": TEMPLATE}),
        ("serving.knative.dev/v1", "Service", {"template": TEMPLATE}),
        ("jobset.x-k8s.io/v1alpha2", "JobSet", {"jobs": [{"template": {"template": TEMPLATE}}]}),
        ("keda.sh/v1alpha1", "ScaledJob", {"jobTargetRef": {"template": TEMPLATE}}),
        ("agones.dev/v1", "Fleet", {"template": {"spec": {"template": TEMPLATE}}}),
        ("example.org/v1", "Stage", {"podTemplate": TEMPLATE}),
        ("example.org/v1", "Stage", {"podTemplateSpec": TEMPLATE}),
    ],
)
def test_whatever_has_a_template_of_pods_makes_pods_that_may_carry_more_labels(
    api: str, kind: str, spec: Any
) -> None:
    (found,) = pods(api, kind, spec)
    assert found.name == "x"
    assert known(found)["app"] == "web"
    assert found.labels.more is not None
    assert found.open_ports is not None


def test_an_object_with_several_templates_makes_as_many_kinds_of_pods() -> None:
    spec = {
        "headGroupSpec": {"template": TEMPLATE},
        "workerGroupSpecs": [
            {"groupName": "small", "replicas": 2, "template": TEMPLATE},
            {"groupName": "large", "replicas": 5, "template": TEMPLATE},
        ],
    }
    found = pods("ray.io/v1", "RayCluster", spec)
    assert [(each.name, each.replicas) for each in found[1:]] == [("x-small", 2), ("x-large", 5)]
    assert found[0].name == "x-headGroupSpec"
    assert isinstance(found[0].replicas, Unknown)


def test_a_pod_template_of_the_core_api_counts() -> None:
    text = """
    apiVersion: v1
    kind: PodTemplate
    metadata: {name: x, namespace: shop}
    template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web}]}}
    """
    (found,) = read(text).snapshot.workloads
    assert found.labels.items == (("app", "web"),)


def test_openshift_adds_the_name_of_its_configuration() -> None:
    (found,) = pods("apps.openshift.io/v1", "DeploymentConfig", {"template": TEMPLATE})
    assert known(found) == {"app": "web", "deploymentconfig": "x"}


OPERATORS: list[tuple[str, str, Any, str, dict[str, str]]] = [
    ("monitoring.coreos.com/v1", "Prometheus", {}, "x", {"app.kubernetes.io/name": "prometheus"}),
    ("monitoring.coreos.com/v1", "Alertmanager", {}, "x", {"alertmanager": "x"}),
    ("monitoring.coreos.com/v1", "ThanosRuler", {}, "x", {"thanos-ruler": "x"}),
    ("kubevirt.io/v1", "VirtualMachine", {}, "x", {"kubevirt.io": "virt-launcher"}),
    ("kafka.strimzi.io/v1", "KafkaNodePool", {}, "x", {"strimzi.io/pool-name": "x"}),
    ("kafka.strimzi.io/v1", "KafkaConnect", {}, "x-connect", {"strimzi.io/name": "x-connect"}),
    ("postgresql.cnpg.io/v1", "Pooler", {}, "x", {"cnpg.io/poolerName": "x"}),
    ("kibana.k8s.elastic.co/v1", "Kibana", {}, "x", {"kibana.k8s.elastic.co/name": "x"}),
    ("cassandra.datastax.com/v1beta1", "CassandraDatacenter", {}, "x", {}),
    ("rabbitmq.com/v1beta1", "RabbitmqCluster", {}, "x", {"app.kubernetes.io/name": "x"}),
    ("mongodbcommunity.mongodb.com/v1", "MongoDBCommunity", {}, "x", {}),
    ("redis.redis.opstreelabs.in/v1beta2", "Redis", {}, "x", {"app": "x"}),
]


@pytest.mark.parametrize(
    ("api", "kind", "spec", "name", "labels"), OPERATORS, ids=[each[1] for each in OPERATORS]
)
def test_the_pods_of_an_operator_have_the_labels_that_it_sets(
    api: str, kind: str, spec: Any, name: str, labels: dict[str, str]
) -> None:
    (found,) = pods(api, kind, spec)
    assert (found.name, found.kind) == (name, kind)
    assert labels.items() <= known(found).items()
    assert found.open_ports is not None


def test_labels_that_users_choose_are_those_of_the_pods() -> None:
    chosen = {"podMetadata": {"labels": {"team": "metrics", "prometheus": "mine"}}}
    (found,) = pods("monitoring.coreos.com/v1", "Prometheus", chosen)
    assert known(found)["team"] == "metrics"
    assert known(found)["prometheus"] == "x", "what the operator sets is reserved"
    assert found.labels.more is None, "the operator documents every label that it sets"


def test_what_is_not_certain_of_an_operators_labels_is_not_known() -> None:
    (found,) = pods("kubevirt.io/v1", "VirtualMachine", {})
    unknown = [key for key, value in found.labels.items if isinstance(value, Unknown)]
    assert unknown == ["vm.kubevirt.io/name"]
    assert found.labels.more is not None


@pytest.mark.parametrize("labels", [7, {"app": ["web"]}, ["app"]])
def test_labels_in_another_form_may_be_any(labels: Any) -> None:
    (found,) = pods("monitoring.coreos.com/v1", "Prometheus", {"podMetadata": {"labels": labels}})
    assert found.labels.more is not None


def test_there_are_pods_only_of_the_parts_that_are_asked_for() -> None:
    spec: dict[str, Any] = {"kafka": {"replicas": 3}, "entityOperator": {}}
    found = pods("kafka.strimzi.io/v1", "Kafka", spec)
    assert [each.name for each in found] == ["x-kafka", "x-entity-operator"]
    assert found[0].replicas == 3
    assert pods("kafka.strimzi.io/v1", "Kafka", {"kafka": {}}) == (), "pools of nodes make them"


def test_each_set_of_nodes_makes_its_own_pods() -> None:
    nodes = [{"name": "hot", "count": 3, "podTemplate": TEMPLATE}, {"name": "cold", "count": 1}]
    found = pods("elasticsearch.k8s.elastic.co/v1", "Elasticsearch", {"nodeSets": nodes})
    assert [(each.name, each.replicas) for each in found] == [("x-hot", 3), ("x-cold", 1)]
    assert known(found[0])["app"] == "web"
    key = "elasticsearch.k8s.elastic.co/statefulset-name"
    assert [known(each)[key] for each in found] == ["x-es-hot", "x-es-cold"]


def test_a_cluster_of_postgres_makes_jobs_too_which_are_no_instances() -> None:
    found = pods("postgresql.cnpg.io/v1", "Cluster", {"instances": 3})
    assert [known(each).get("cnpg.io/podRole") for each in found] == ["instance", None]
    assert all(known(each)["cnpg.io/cluster"] == "x" for each in found)


def test_an_operator_that_makes_policies_leaves_its_own_pods_undetermined() -> None:
    text = """
    apiVersion: kafka.strimzi.io/v1
    kind: KafkaBridge
    metadata: {name: x, namespace: shop}
    spec: {replicas: 1}
    """
    (found,) = read(text).snapshot.unread_policies
    assert found.cause.startswith("KafkaBridge `shop/x` is not read, and may bring a policy")
    assert ("strimzi.io/cluster", ("x",)) in [
        (each.key, each.values) for each in found.pods.requirements
    ]


@pytest.mark.parametrize("kind", POD_KINDS.values(), ids=lambda kind: kind.kind)
@pytest.mark.parametrize(
    "spec", [None, {}, 7, [], {"template": 7}, {"nodeSets": 7}, {"template": {"spec": []}}]
)
def test_odd_objects_are_read_without_failing(kind: Any, spec: Any) -> None:
    manifest = {
        "apiVersion": f"{kind.group}/v1".removeprefix("/"),
        "kind": kind.kind,
        "metadata": {"name": "x"},
        "spec": spec,
    }
    item = read_object(manifest, Place())
    assert all(each.kind == kind.kind for each in made_pods(item, POD_KINDS))


def test_every_kind_of_the_table_says_where_it_is_documented() -> None:
    assert all(each.source.startswith("https://") for each in POD_KINDS.values())


def live(text: str) -> SnapshotReading:
    return read(dedent(text))


def test_what_an_operator_has_made_stands_for_itself() -> None:
    found = live("""
    apiVersion: monitoring.coreos.com/v1
    kind: Prometheus
    metadata: {name: watch, namespace: shop}
    ---
    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      name: prometheus-watch
      namespace: shop
      ownerReferences: [{apiVersion: v1, kind: Prometheus, name: watch, controller: true}]
    spec:
      selector: {matchLabels: {app: p}}
      template: {metadata: {labels: {app: p}}, spec: {containers: [{name: p}]}}
    """)
    assert [each.kind for each in found.snapshot.workloads] == ["StatefulSet"]


def test_a_rollout_stands_for_what_it_has_made() -> None:
    found = live("""
    apiVersion: argoproj.io/v1alpha1
    kind: Rollout
    metadata: {name: web, namespace: shop}
    spec: {template: {metadata: {labels: {app: p}}, spec: {containers: [{name: p}]}}}
    ---
    apiVersion: apps/v1
    kind: ReplicaSet
    metadata:
      name: web-1
      namespace: shop
      ownerReferences: [{apiVersion: v1, kind: Rollout, name: web, controller: true}]
    spec:
      selector: {matchLabels: {app: p}}
      template: {metadata: {labels: {app: p}}, spec: {containers: [{name: p}]}}
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: web-1-a
      namespace: shop
      labels: {app: p, rollouts-pod-template-hash: abc}
      ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, controller: true}]
    spec: {containers: [{name: p}]}
    """)
    assert [each.kind for each in found.snapshot.workloads] == ["Rollout"]


@pytest.mark.parametrize(
    ("api", "kind", "spec", "namespace"),
    [
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", {}, "shop"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", {"targetNamespace": "bank"}, "bank"),
        ("helm.cattle.io/v1", "HelmChart", {"targetNamespace": "bank"}, "bank"),
        ("argoproj.io/v1alpha1", "Application", {"destination": {"namespace": "bank"}}, "bank"),
        ("argoproj.io/v1alpha1", "Application", {"destination": {"namespace": "{{ns}}"}}, None),
        ("argoproj.io/v1alpha1", "Application", {}, None),
        ("argoproj.io/v1alpha1", "ApplicationSet", {}, None),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", {}, None),
        ("kyverno.io/v1", "ClusterPolicy", {"rules": [{"generate": {}}]}, None),
    ],
)
def test_what_brings_objects_is_not_read_and_may_bring_policies(
    api: str, kind: str, spec: Any, namespace: str | None
) -> None:
    metadata = {"name": "x", "namespace": "shop"}
    manifest = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}
    found = snapshot([Document(manifest)])
    (policy,) = found.snapshot.unread_policies
    assert (policy.brings, policy.namespace, policy.full_name) == (True, namespace, "shop/x")
    assert [each.id for each in found.findings] == ["brings-objects"]
    assert [each.status for each in found.ledger] == [ObjectStatus.UNREAD]


def test_a_policy_of_kyverno_that_only_refuses_is_harmless() -> None:
    text = """
    apiVersion: kyverno.io/v1
    kind: ClusterPolicy
    metadata: {name: x}
    spec:
      rules:
      - validate: {pattern: {spec: {template: {spec: {containers: [{name: "?*"}]}}}}}
    """
    found = read(text)
    assert not found.snapshot.workloads
    assert [each.status for each in found.ledger] == [ObjectStatus.HARMLESS]


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("monitoring.coreos.com/v1", "ServiceMonitor"),
        ("cert-manager.io/v1", "Certificate"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("traefik.io/v1alpha1", "Middleware"),
        ("constraints.gatekeeper.sh/v1beta1", "MustHaveOwner"),
    ],
)
def test_kinds_of_other_apis_that_change_nothing_are_harmless(api: str, kind: str) -> None:
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}}
    (entry,) = snapshot([Document(manifest)]).ledger
    assert entry.status is ObjectStatus.HARMLESS
    assert entry.reason


def deployment(name: str, labels: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {**TEMPLATE, "metadata": {"labels": labels}},
        },
    }


def rollout(**reference: str) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "shop"}
    to = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", **reference}
    spec = {"replicas": 3, "workloadRef": to}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata} | {
        "spec": spec
    }


def of_rollout(*manifests: dict[str, Any]) -> SnapshotWorkload:
    found = snapshot(map(Document, manifests)).snapshot.workloads
    (made,) = [each for each in found if each.kind == "Rollout"]
    return made


@pytest.mark.parametrize("first", [True, False])
def test_a_rollout_takes_the_template_of_the_deployment_that_it_refers_to(*, first: bool) -> None:
    others = [deployment("web", {"app": "web", "tier": "back"}), deployment("other", {"app": "o"})]
    made = of_rollout(*((rollout(), *others) if first else (*others, rollout())))
    assert made.labels.items == (("app", "web"), ("tier", "back"))
    assert made.labels.more is None
    assert (made.name, made.replicas) == ("x", 3)
    assert [port.name for port in made.ports] == ["http"]


def test_what_selects_the_deployments_pods_selects_those_of_the_rollout() -> None:
    deny = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]},
    }
    found = snapshot(map(Document, (deployment("web", {"app": "web"}), rollout(), deny))).snapshot
    reach = reachability(found)
    assert not reach.connection("0.0.0.0/0", "shop/x").allowed
    assert not reach.connection("0.0.0.0/0", "shop/x").undetermined


@pytest.mark.parametrize(
    "manifests",
    [
        pytest.param((rollout(),), id="not read"),
        pytest.param((rollout(name="other"), deployment("web", {"app": "web"})), id="another one"),
        pytest.param((rollout(kind="Job"), deployment("web", {"app": "web"})), id="another kind"),
        pytest.param(
            (rollout(apiVersion="example.org/v1"), deployment("web", {"app": "web"})),
            id="of another API",
        ),
        pytest.param(
            (rollout(), {**deployment("web", {"app": "w"}), "metadata": {"name": "web"}}),
            id="in another namespace",
        ),
    ],
)
def test_without_the_deployment_nothing_tells_the_labels_of_a_rollout(
    manifests: tuple[dict[str, Any], ...],
) -> None:
    assert isinstance(of_rollout(*manifests).labels.more, Unknown)


def test_the_labels_of_a_deployment_that_are_not_known_yet_are_not_known_of_the_rollout() -> None:
    made = of_rollout(deployment("web", {"app": Unknown("later")}), rollout())
    assert isinstance(dict(made.labels.items)["app"], Unknown)
