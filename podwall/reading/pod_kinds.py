"""Kinds whose controllers make pods from words of their own, and the labels that these pods get.

An object with a template of pods needs no line here, but for what its controller adds. Of any other
the labels come from the documentation or the code of its operator: `source` says from where. An
option of the operator itself, or a webhook, can add labels that nothing written shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final

from podwall.quick_dataclass import dataclass

__all__ = ["POD_KINDS", "MadePods", "PodKind"]


@dataclass(frozen=True, slots=True)
class MadePods:
    """Pods that a controller makes of an object, alike among each other.

    Fields are paths, `spec.podMetadata.labels`. Where `each` is the path of a list there are pods
    for each of its elements, whose own fields begin with `each.`.

    `name` is what they are called, `{name}` being that of the object, `{namespace}` its namespace,
    and `{each}` the name of the element. `labels` are set by the controller, in the same way; None
    is a value that nothing written tells. `labels_from` are fields of labels that users choose, the
    later over the earlier, and `template` a template of pods. `replicas_from` is how many they are
    (of a DaemonSet: empty). `needs` is a field without which there are none.

    They carry no other labels if `all_labels`; else they may.
    """

    name: str = "{name}"
    labels: Mapping[str, str | None] = field(default_factory=dict)
    labels_from: tuple[str, ...] = ()
    template: str = ""
    replicas_from: str = "spec.replicas"
    host_network_from: str = ""
    each: str = ""
    needs: str = ""
    all_labels: bool = False


@dataclass(frozen=True, slots=True)
class PodKind:
    """A kind of objects that pods are made of, and where it is documented.

    `makes_policies`: its operator makes NetworkPolicies for these pods, too.
    """

    group: str
    kind: str
    pods: tuple[MadePods, ...]
    source: str = ""
    makes_policies: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """The group and the kind."""
        return self.group, self.kind


_PROMETHEUS: Final = "https://prometheus-operator.dev/docs/api-reference/api/"


def _monitoring(kind: str, called: str, *own: str) -> PodKind:
    """Return a kind of the Prometheus operator, which documents all labels that it sets.

    `own` are those whose value is the name of the object.
    """
    named = ("app.kubernetes.io/instance", *own)
    labels: dict[str, str | None] = {
        "app.kubernetes.io/name": called,
        "app.kubernetes.io/managed-by": "prometheus-operator",
        "app.kubernetes.io/version": None,
        **dict.fromkeys(named, "{name}"),
    }
    if "operator.prometheus.io/name" in own:
        labels["operator.prometheus.io/shard"] = None
    made = MadePods(
        labels=labels,
        labels_from=("spec.podMetadata.labels",),
        host_network_from="spec.hostNetwork",
        all_labels=True,
    )
    return PodKind("monitoring.coreos.com", kind, (made,), _PROMETHEUS)


_VIRTUAL: Final = (
    "https://github.com/kubevirt/kubevirt/blob/main/pkg/virt-controller/services/template.go"
)
_STRIMZI: Final = (
    "https://github.com/strimzi/strimzi-kafka-operator/blob/main/"
    "operator-common/src/main/java/io/strimzi/operator/common/model/Labels.java"
)


def _strimzi(kind: str, *parts: tuple[str, str, str]) -> PodKind:
    """Return a kind of Strimzi: parts by suffix of their name, type, and field of the spec.

    Brokers that belong to pools of nodes are made of these, and then have no number here.
    """
    made = (
        MadePods(
            f"{{name}}-{suffix}",
            {
                "strimzi.io/cluster": "{name}",
                "strimzi.io/kind": kind,
                "strimzi.io/name": f"{{name}}-{suffix}",
                "strimzi.io/component-type": type_,
                "app.kubernetes.io/name": type_,
                "app.kubernetes.io/instance": "{name}",
                "app.kubernetes.io/part-of": "strimzi-{name}",
                "app.kubernetes.io/managed-by": "strimzi-cluster-operator",
            },
            ("metadata.labels", f"{at}.template.pod.metadata.labels"),
            replicas_from=f"{at}.replicas",
            needs=f"{at}.replicas" if suffix == "kafka" else at,
        )
        for suffix, type_, at in parts
    )
    return PodKind("kafka.strimzi.io", kind, tuple(made), _STRIMZI, makes_policies=True)


_ELASTIC: Final = "https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s/network-policies"
_ELASTIC_NODES: Final = (
    "https://github.com/elastic/cloud-on-k8s/blob/main/pkg/controller/elasticsearch/label/label.go"
)


def _elastic(group: str, kind: str, type_: str, key: str) -> PodKind:
    """Return a kind of Elastic's operator that has one template for all its pods."""
    labels = {"common.k8s.elastic.co/type": type_, key: "{name}"}
    found = [
        MadePods(labels=labels, template=f"spec.{at}podTemplate", replicas_from=count, needs=needs)
        for at, count, needs in _elastic_templates(kind)
    ]
    return PodKind(f"{group}.k8s.elastic.co", kind, tuple(found), _ELASTIC)


def _elastic_templates(kind: str) -> Iterator[tuple[str, str, str]]:
    if kind in {"Agent", "Beat"}:
        yield "deployment.", "spec.deployment.replicas", "spec.deployment"
        yield "daemonSet.", "", "spec.daemonSet"
        if kind == "Agent":
            yield "statefulSet.", "spec.statefulSet.replicas", "spec.statefulSet"
    else:
        yield "", "spec.count", ""


_POSTGRES: Final = "https://cloudnative-pg.io/documentation/current/labels_annotations/"
_RABBIT: Final = "https://github.com/rabbitmq/cluster-operator/blob/main/internal/metadata/label.go"
_CASSANDRA: Final = (
    "https://github.com/k8ssandra/cass-operator/blob/master/apis/cassandra/v1beta1/"
    "cassandradatacenter_types.go"
)
_REDIS: Final = (
    "https://github.com/spotahome/redis-operator/blob/master/operator/redisfailover/service/"
    "generator.go"
)
_OT_REDIS: Final = "https://github.com/OT-CONTAINER-KIT/redis-operator/tree/main/internal/k8sutils"
_MONGO: Final = (
    "https://github.com/mongodb/mongodb-kubernetes-operator/blob/master/controllers/construct/"
    "mongodbstatefulset.go"
)
_ROLLOUTS: Final = "https://argo-rollouts.readthedocs.io/en/stable/features/specification/"
_KRUISE: Final = "https://openkruise.io/docs/user-manuals/cloneset/"
_KNATIVE: Final = (
    "https://github.com/knative/serving/blob/main/pkg/reconciler/revision/resources/meta.go"
)
_CONFIGS: Final = "https://docs.openshift.com/container-platform/latest/rest_api/workloads_apis/deploymentconfig-apps-openshift-io-v1.html"


def _templated(group: str, kind: str, source: str) -> PodKind:
    """Return a kind with one template; what its controller adds is said where it is asked for."""
    made = MadePods(template="spec.template", all_labels=True, needs="spec.template")
    return PodKind(group, kind, (made,), source)


def _redis(kind: str, setup: str, *roles: str) -> PodKind:
    """Return a kind of the operator of OT-Container-Kit, with the roles of its pods."""
    made = tuple(
        MadePods(
            f"{{name}}{role}",
            {"app": f"{{name}}{role}", "redis_setup_type": setup, "role": role.strip("-") or setup},
            ("metadata.labels",),
            replicas_from="spec.clusterSize",
        )
        for role in roles
    )
    return PodKind("redis.redis.opstreelabs.in", kind, made, _OT_REDIS)


#: Pods of a workflow say whether they have come to their end, which changes.
_OF_WORKFLOW: Final[Mapping[str, str | None]] = {
    "workflows.argoproj.io/workflow": "{name}",
    "workflows.argoproj.io/completed": None,
}
_WORKFLOWS: Final = (
    "https://github.com/argoproj/argo-workflows/blob/main/workflow/controller/workflowpod.go"
)
_TEKTON: Final = "https://tekton.dev/docs/pipelines/labels/"
_KINDS: Final = (
    # Templates of pods, with what the controller adds.
    PodKind(
        "argoproj.io",
        "Rollout",
        (
            MadePods(template="spec.template", all_labels=True, needs="spec.template"),
            # The template is that of another object, which then makes none of these pods itself.
            MadePods(needs="spec.workloadRef"),
        ),
        _ROLLOUTS,
    ),
    PodKind(
        "argoproj.io",
        "Workflow",
        (
            MadePods(
                "{name}-{each}",
                _OF_WORKFLOW,
                ("spec.podMetadata.labels", "each.metadata.labels"),
                each="spec.templates",
            ),
            MadePods(labels=_OF_WORKFLOW, needs="spec.workflowTemplateRef"),
        ),
        _WORKFLOWS,
    ),
    PodKind(
        "argoproj.io",
        "CronWorkflow",
        (
            MadePods(
                "{name}-{each}",
                dict.fromkeys(_OF_WORKFLOW),
                ("spec.workflowSpec.podMetadata.labels", "each.metadata.labels"),
                each="spec.workflowSpec.templates",
            ),
            MadePods(
                labels=dict.fromkeys(_OF_WORKFLOW), needs="spec.workflowSpec.workflowTemplateRef"
            ),
        ),
        _WORKFLOWS,
    ),
    *(
        PodKind(
            "tekton.dev",
            kind,
            (
                MadePods(
                    labels={"app.kubernetes.io/managed-by": "tekton-pipelines", label: "{name}"},
                    labels_from=("metadata.labels",),
                ),
            ),
            _TEKTON,
        )
        for kind, label in (
            ("TaskRun", "tekton.dev/taskRun"),
            ("PipelineRun", "tekton.dev/pipelineRun"),
        )
    ),
    PodKind(
        "",
        "PodTemplate",
        (MadePods(template="template", all_labels=True, replicas_from=""),),
        "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-template-v1/",
    ),
    PodKind(
        "apps.openshift.io",
        "DeploymentConfig",
        (
            MadePods(
                labels={"deploymentconfig": "{name}"},
                template="spec.template",
                all_labels=True,
            ),
        ),
        _CONFIGS,
    ),
    *(
        _templated("apps.kruise.io", kind, _KRUISE)
        for kind in ("CloneSet", "StatefulSet", "DaemonSet")
    ),
    *(
        PodKind(
            "serving.knative.dev",
            kind,
            (
                MadePods(
                    labels={f"serving.knative.dev/{own}": "{name}"},
                    template="spec.template",
                    replicas_from="spec.no-number",
                ),
            ),
            _KNATIVE,
        )
        for kind, own in (("Service", "service"), ("Configuration", "configuration"))
    ),
    # The Prometheus operator.
    _monitoring("Prometheus", "prometheus", "prometheus", "operator.prometheus.io/name"),
    _monitoring("PrometheusAgent", "prometheus-agent", "operator.prometheus.io/name"),
    _monitoring("Alertmanager", "alertmanager", "alertmanager"),
    _monitoring("ThanosRuler", "thanos-ruler", "thanos-ruler"),
    # Virtual machines: a pod has the labels of its machine.
    *(
        PodKind(
            "kubevirt.io",
            kind,
            (
                MadePods(
                    labels={"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": None},
                    labels_from=(labels,),
                    replicas_from=replicas,
                ),
            ),
            _VIRTUAL,
        )
        for kind, labels, replicas in (
            ("VirtualMachine", "spec.template.metadata.labels", "one"),
            ("VirtualMachineInstance", "metadata.labels", "one"),
            ("VirtualMachineInstanceReplicaSet", "spec.template.metadata.labels", "spec.replicas"),
        )
    ),
    # Kafka.
    _strimzi(
        "Kafka",
        ("kafka", "kafka", "spec.kafka"),
        ("zookeeper", "zookeeper", "spec.zookeeper"),
        ("entity-operator", "entity-operator", "spec.entityOperator"),
        ("kafka-exporter", "kafka-exporter", "spec.kafkaExporter"),
        ("cruise-control", "cruise-control", "spec.cruiseControl"),
    ),
    PodKind(
        "kafka.strimzi.io",
        "KafkaNodePool",
        (
            MadePods(
                labels={
                    "strimzi.io/kind": "Kafka",
                    "strimzi.io/name": None,
                    "strimzi.io/component-type": "kafka",
                    "strimzi.io/pool-name": "{name}",
                    "app.kubernetes.io/name": "kafka",
                    "app.kubernetes.io/managed-by": "strimzi-cluster-operator",
                },
                labels_from=("metadata.labels", "spec.template.pod.metadata.labels"),
            ),
        ),
        _STRIMZI,
        makes_policies=True,
    ),
    _strimzi("KafkaConnect", ("connect", "kafka-connect", "spec")),
    _strimzi("KafkaMirrorMaker2", ("mirrormaker2", "kafka-mirror-maker-2", "spec")),
    _strimzi("KafkaBridge", ("bridge", "kafka-bridge", "spec")),
    # Databases and queues.
    PodKind(
        "postgresql.cnpg.io",
        "Cluster",
        (
            MadePods(
                labels={
                    "cnpg.io/cluster": "{name}",
                    "cnpg.io/instanceName": None,
                    "cnpg.io/podRole": "instance",
                    "cnpg.io/instanceRole": None,
                },
                labels_from=("spec.inheritedMetadata.labels",),
                replicas_from="spec.instances",
            ),
            MadePods(
                "{name}-jobs",
                {"cnpg.io/cluster": "{name}", "cnpg.io/jobRole": None},
                ("spec.inheritedMetadata.labels",),
                replicas_from="",
            ),
        ),
        _POSTGRES,
    ),
    PodKind(
        "postgresql.cnpg.io",
        "Pooler",
        (
            MadePods(
                labels={"cnpg.io/poolerName": "{name}", "cnpg.io/podRole": "pooler"},
                template="spec.template",
                replicas_from="spec.instances",
            ),
        ),
        _POSTGRES,
    ),
    PodKind(
        "elasticsearch.k8s.elastic.co",
        "Elasticsearch",
        (
            MadePods(
                "{name}-{each}",
                {
                    "common.k8s.elastic.co/type": "elasticsearch",
                    "elasticsearch.k8s.elastic.co/cluster-name": "{name}",
                    "elasticsearch.k8s.elastic.co/statefulset-name": "{name}-es-{each}",
                },
                template="each.podTemplate",
                replicas_from="each.count",
                each="spec.nodeSets",
            ),
        ),
        _ELASTIC_NODES,
    ),
    *(
        _elastic(group, kind, type_, f"{group}.k8s.elastic.co/name")
        for group, kind, type_ in (
            ("kibana", "Kibana", "kibana"),
            ("apm", "ApmServer", "apm-server"),
            ("beat", "Beat", "beat"),
            ("agent", "Agent", "agent"),
            ("enterprisesearch", "EnterpriseSearch", "enterprise-search"),
            ("maps", "ElasticMapsServer", "maps"),
            ("logstash", "Logstash", "logstash"),
        )
    ),
    PodKind(
        "cassandra.datastax.com",
        "CassandraDatacenter",
        (
            MadePods(
                labels={
                    "cassandra.datastax.com/cluster": None,
                    "cassandra.datastax.com/datacenter": None,
                    "cassandra.datastax.com/rack": None,
                },
                labels_from=("spec.additionalLabels",),
                template="spec.podTemplateSpec",
                replicas_from="spec.size",
            ),
        ),
        _CASSANDRA,
    ),
    PodKind(
        "rabbitmq.com",
        "RabbitmqCluster",
        (
            MadePods(
                labels={
                    "app.kubernetes.io/name": "{name}",
                    "app.kubernetes.io/component": "rabbitmq",
                    "app.kubernetes.io/part-of": None,
                },
                labels_from=("metadata.labels",),
                template="spec.override.statefulSet.spec.template",
            ),
        ),
        _RABBIT,
    ),
    PodKind(
        "databases.spotahome.com",
        "RedisFailover",
        tuple(
            MadePods(
                f"{short}-{{name}}",
                {
                    "app.kubernetes.io/name": "{name}",
                    "app.kubernetes.io/component": role,
                    "app.kubernetes.io/part-of": "redis-failover",
                },
                replicas_from=f"spec.{role}.replicas",
                host_network_from=f"spec.{role}.hostNetwork",
            )
            for short, role in (("rfr", "redis"), ("rfs", "sentinel"))
        ),
        _REDIS,
    ),
    _redis("RedisCluster", "cluster", "-leader", "-follower"),
    _redis("Redis", "standalone", ""),
    PodKind(
        "mongodbcommunity.mongodb.com",
        "MongoDBCommunity",
        (
            MadePods(
                labels={"app": None},
                labels_from=("spec.statefulSet.spec.template.metadata.labels",),
                replicas_from="spec.members",
            ),
        ),
        _MONGO,
    ),
)


POD_KINDS: Final[Mapping[tuple[str, str], PodKind]] = MappingProxyType(
    {each.key: each for each in _KINDS}
)
"""The kinds that are known, by group and kind."""
