"""Kinds that cannot change who reaches whom, and kinds that no API server knows.

The group of an API that somebody else adds to a cluster has a dot, and those that end in `k8s.io`
and `kubernetes.io` are kept for Kubernetes itself, so that a kind which Kubernetes has nowhere but
in another of its groups is a typing error: the API server answers `no matches for kind`.

https://kubernetes.io/docs/reference/using-api/#api-groups
https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/2337-k8s.io-group-protection
https://github.com/kubernetes/apiextensions-apiserver/blob/master/pkg/apis/apiextensions/validation/validation.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

__all__ = [
    "changes_on_admission",
    "harmless",
    "makes_pods_alone",
    "meant_instead",
]

#: By reason and group, all kinds that Kubernetes has or had from 1.20 to 1.36 and that are no pods,
#: policies or what makes them: those that `register.go` of each group registers in
#: https://github.com/kubernetes/api and apiextensions-apiserver beside it, and what
#: was removed before: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
_OF_KUBERNETES: Final[Mapping[str, Mapping[str, str]]] = {
    "it holds data that pods use": {
        "": "ConfigMap Secret",
    },
    "it says who may use the API": {
        "": "ServiceAccount",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
        "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle PodCertificateRequest",
    },
    "it limits, scales or schedules pods that are declared elsewhere": {
        "": "LimitRange ResourceQuota",
        "autoscaling": "HorizontalPodAutoscaler",
        "autoscaling.k8s.io": "VerticalPodAutoscaler",
        "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
        "node.k8s.io": "RuntimeClass",
        "policy": "PodDisruptionBudget PodSecurityPolicy",
        "extensions": "PodSecurityPolicy",
        "resource.k8s.io": "DeviceClass DeviceTaintRule PodScheduling PodSchedulingContext "
        "ResourceClaim ResourceClaimParameters ResourceClaimTemplate ResourceClass "
        "ResourceClassParameters ResourcePoolStatusRequest ResourceSlice",
        "scheduling.k8s.io": "PodGroup PriorityClass Workload",
    },
    "it is storage": {
        "": "PersistentVolume PersistentVolumeClaim",
        "snapshot.storage.k8s.io": "VolumeSnapshot VolumeSnapshotClass VolumeSnapshotContent",
        "storage.k8s.io": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment "
        "VolumeAttributesClass",
    },
    "it extends the API, and is no object of the kinds that it declares": {
        "apiextensions.k8s.io": "CustomResourceDefinition",
        "apiregistration.k8s.io": "APIService",
    },
    "it can refuse objects, and changes none": {
        "admissionregistration.k8s.io": "ValidatingAdmissionPolicy "
        "ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
    },
    "it routes requests to services, and policies act on the pods behind them": {
        "extensions": "Ingress",
        "networking.k8s.io": "Ingress IngressClass IPAddress ServiceCIDR",
    },
    "it says which addresses pods get, and lets nobody in or out": {
        "networking.k8s.io": "ClusterCIDR",
    },
    "it asks something of the API, and is never stored": {
        "": "EphemeralContainers PodStatusResult SerializedReference",
        "admission.k8s.io": "AdmissionReview",
        "apidiscovery.k8s.io": "APIGroupDiscovery",
        "apiextensions.k8s.io": "ConversionReview",
        "apps": "DeploymentRollback Scale",
        "authentication.k8s.io": "SelfSubjectReview TokenRequest TokenReview",
        "authorization.k8s.io": "LocalSubjectAccessReview SelfSubjectAccessReview "
        "SelfSubjectRulesReview SubjectAccessReview",
        "autoscaling": "Scale",
        "extensions": "DeploymentRollback Scale",
        "imagepolicy.k8s.io": "ImageReview",
        "policy": "Eviction",
    },
    "no API server since Kubernetes 1.20 has this kind": {
        "admissionregistration.k8s.io": "ExternalAdmissionHookConfiguration "
        "InitializerConfiguration",
        "auditregistration.k8s.io": "AuditSink",
        "extensions": "ThirdPartyResource",
        "settings.k8s.io": "PodPreset",
    },
    "of a node only the addresses matter, which are read": {
        "": "Node",
    },
    "the cluster keeps it for itself": {
        "": "Binding ComponentStatus Endpoints Event RangeAllocation",
        "apps": "ControllerRevision",
        "coordination.k8s.io": "Lease LeaseCandidate",
        "discovery.k8s.io": "EndpointSlice",
        "events.k8s.io": "Event",
        "internal.apiserver.k8s.io": "StorageVersion",
        "metrics.k8s.io": "NodeMetrics PodMetrics",
    },
}

_MEASURES: Final = "it says what is measured, and when to alarm"
_ROUTES: Final = "it routes requests to services, and policies act on the pods behind them"
_SECRETS: Final = "it asks for data that pods use"
_INSIDE: Final = "it is about what is inside of a service, such as its users or queues"
_CONTROLS: Final = "it limits, scales or schedules pods that are declared elsewhere"
_FETCHES: Final = "it says where something is fetched from, and applies nothing"
_REFUSES: Final = "it can refuse objects, and changes none"
_REFUSES_NONE: Final = "it says which tokens are valid, and by itself asks for none"
_STAGED: Final = "a staged policy is looked at, and enforced nowhere"
_OF_HOSTS: Final = "it is about traffic of a host itself, which is out of scope"
_OF_NETWORK: Final = "it is about addresses and routes, and lets nobody in or out"
_TEMPLATES: Final = "it is what other objects refer to, and runs nothing itself"
_KEPT: Final = "the cluster keeps it for itself"

#: By group and reason, the kinds of APIs that others add to a cluster; `*` is every kind.
_OF_OTHERS: Final[Mapping[str, Mapping[str, str]]] = {
    "monitoring.coreos.com": {
        _MEASURES: "AlertmanagerConfig PodMonitor Probe PrometheusRule ScrapeConfig ServiceMonitor"
    },
    "azmonitoring.coreos.com": {_MEASURES: "PodMonitor ServiceMonitor"},
    "operator.victoriametrics.com": {
        _MEASURES: "VMAlertmanagerConfig VMNodeScrape VMPodScrape VMProbe VMRule VMScrapeConfig "
        "VMServiceScrape VMStaticScrape VMUser"
    },
    "monitoring.googleapis.com": {
        _MEASURES: "ClusterPodMonitoring ClusterRules GlobalRules PodMonitoring Rules"
    },
    "grafana.integreatly.org": {
        _MEASURES: "GrafanaAlertRuleGroup GrafanaContactPoint GrafanaDashboard GrafanaDatasource "
        "GrafanaFolder GrafanaMuteTiming GrafanaNotificationPolicy"
    },
    "telemetry.istio.io": {_MEASURES: "Telemetry"},
    "security.istio.io": {_REFUSES_NONE: "RequestAuthentication"},
    "chaos-mesh.org": {_CONTROLS: "PodChaos StressChaos TimeChaos"},
    "cert-manager.io": {_SECRETS: "Certificate CertificateRequest"},
    "certmanager.k8s.io": {_SECRETS: "Certificate"},
    "spire.spiffe.io": {_SECRETS: "ClusterFederatedTrustDomain ClusterSPIFFEID ClusterStaticEntry"},
    "trust.cert-manager.io": {_SECRETS: "Bundle"},
    "external-secrets.io": {
        _SECRETS: "ClusterExternalSecret ClusterSecretStore ExternalSecret PushSecret SecretStore"
    },
    "generators.external-secrets.io": {_SECRETS: "*"},
    "bitnami.com": {_SECRETS: "SealedSecret"},
    "secrets-store.csi.x-k8s.io": {_SECRETS: "SecretProviderClass SecretProviderClassPodStatus"},
    "secrets.hashicorp.com": {_SECRETS: "*"},
    "spv.no": {_SECRETS: "AzureKeyVaultSecret"},
    "aadpodidentity.k8s.io": {_SECRETS: "AzureIdentity AzureIdentityBinding"},
    "gateway.networking.k8s.io": {
        _ROUTES: "BackendTLSPolicy GRPCRoute GatewayClass HTTPRoute ReferenceGrant TCPRoute "
        "TLSRoute UDPRoute"
    },
    "networking.istio.io": {
        _ROUTES: "DestinationRule Gateway ProxyConfig ServiceEntry VirtualService WorkloadEntry "
        "WorkloadGroup"
    },
    "traefik.io": {_ROUTES: "*"},
    "traefik.containo.us": {_ROUTES: "*"},
    "projectcontour.io": {_ROUTES: "HTTPProxy TLSCertificateDelegation"},
    "getambassador.io": {
        _ROUTES: "Host KubernetesEndpointResolver Listener Mapping TCPMapping TLSContext"
    },
    "configuration.konghq.com": {_ROUTES: "*"},
    "k8s.nginx.org": {_ROUTES: "GlobalConfiguration TransportServer VirtualServer"},
    "cilium.io": {
        _OF_NETWORK: "CiliumBGPAdvertisement CiliumBGPClusterConfig CiliumBGPNodeConfig "
        "CiliumBGPNodeConfigOverride CiliumBGPPeerConfig CiliumBGPPeeringPolicy CiliumCIDRGroup "
        "CiliumL2AnnouncementPolicy CiliumLoadBalancerIPPool CiliumPodIPPool",
        _KEPT: "CiliumEndpoint CiliumEndpointSlice CiliumExternalWorkload CiliumIdentity "
        "CiliumNode CiliumNodeConfig",
    },
    "crd.projectcalico.org": {
        _OF_NETWORK: "BGPConfiguration BGPFilter BGPPeer BlockAffinity GlobalNetworkSet IPAMBlock "
        "IPAMConfig IPAMHandle IPPool IPReservation NetworkSet",
        _KEPT: "CalicoNodeStatus ClusterInformation KubeControllersConfiguration",
        _STAGED: "StagedGlobalNetworkPolicy StagedKubernetesNetworkPolicy StagedNetworkPolicy",
        _OF_HOSTS: "HostEndpoint",
    },
    "projectcalico.org": {
        _OF_NETWORK: "BGPConfiguration BGPFilter BGPPeer GlobalNetworkSet IPPool IPReservation "
        "NetworkSet",
        _STAGED: "StagedGlobalNetworkPolicy StagedKubernetesNetworkPolicy StagedNetworkPolicy",
        _OF_HOSTS: "HostEndpoint",
    },
    "k8s.cni.cncf.io": {_OF_NETWORK: "NetworkAttachmentDefinition"},
    "kuma.io": {
        _MEASURES: "MeshAccessLog MeshMetric MeshTrace",
        _ROUTES: "MeshCircuitBreaker MeshHealthCheck MeshLoadBalancingStrategy MeshRateLimit "
        "MeshRetry MeshTimeout MeshService MeshMultiZoneService MeshGatewayRoute HostnameGenerator",
        _KEPT: "Dataplane DataplaneInsight MeshInsight ServiceInsight ZoneInsight",
    },
    "consul.hashicorp.com": {
        _ROUTES: "ControlPlaneRequestLimit ExportedServices JWTProvider SamenessGroup "
        "ServiceDefaults ServiceResolver ServiceRouter ServiceSplitter",
    },
    "appmesh.k8s.aws": {_ROUTES: "BackendGroup GatewayRoute VirtualRouter VirtualService"},
    "apisix.apache.org": {
        _ROUTES: "ApisixClusterConfig ApisixConsumer ApisixPluginConfig ApisixRoute ApisixTls "
        "ApisixUpstream"
    },
    "split.smi-spec.io": {_ROUTES: "TrafficSplit"},
    "specs.smi-spec.io": {_ROUTES: "HTTPRouteGroup TCPRoute UDPRoute"},
    "tekton.dev": {_TEMPLATES: "ClusterTask Pipeline StepAction Task"},
    "triggers.tekton.dev": {
        _TEMPLATES: "ClusterInterceptor ClusterTriggerBinding Interceptor Trigger TriggerBinding"
    },
    "route.openshift.io": {_ROUTES: "Route"},
    "elbv2.k8s.aws": {_ROUTES: "IngressClassParams TargetGroupBinding"},
    "networking.gke.io": {_ROUTES: "FrontendConfig ManagedCertificate"},
    "cloud.google.com": {_ROUTES: "BackendConfig", _CONTROLS: "ComputeClass"},
    "autoscaling.k8s.elastic.co": {_CONTROLS: "ElasticsearchAutoscaler"},
    "instancetype.kubevirt.io": {_TEMPLATES: "*"},
    "migrations.kubevirt.io": {_CONTROLS: "MigrationPolicy"},
    "migration.k8s.io": {_KEPT: "StorageVersionMigration"},
    "storagemigration.k8s.io": {_KEPT: "StorageVersionMigration"},
    "helm.openshift.io": {_FETCHES: "HelmChartRepository ProjectHelmChartRepository"},
    "config.openshift.io": {_KEPT: "ClusterOperator ClusterVersion"},
    "appgw.ingress.k8s.io": {_ROUTES: "*"},
    "alb.networking.azure.io": {_ROUTES: "BackendTLSPolicy FrontendTLSPolicy HealthCheckPolicy"},
    "caching.internal.knative.dev": {_FETCHES: "Image"},
    "networking.internal.knative.dev": {_ROUTES: "ClusterDomainClaim Ingress ServerlessService"}
    | {_SECRETS: "Certificate"},
    "externaldns.k8s.io": {_ROUTES: "DNSEndpoint"},
    "metallb.io": {
        _ROUTES: "BFDProfile BGPAdvertisement BGPPeer Community IPAddressPool L2Advertisement"
    },
    "rabbitmq.com": {
        _INSIDE: "Binding Exchange Federation Permission Policy Queue SchemaReplication Shovel "
        "TopicPermission User Vhost"
    },
    "kafka.strimzi.io": {_INSIDE: "KafkaConnector KafkaRebalance KafkaTopic KafkaUser"},
    "postgresql.cnpg.io": {
        _INSIDE: "Backup ClusterImageCatalog Database DatabaseRole ImageCatalog Publication "
        "ScheduledBackup Subscription"
    },
    "k8s.mariadb.com": {_INSIDE: "Database Grant SqlJob User"},
    "eventing.keda.sh": {_CONTROLS: "*"},
    "keda.sh": {_CONTROLS: "ClusterTriggerAuthentication ScaledObject TriggerAuthentication"},
    "karpenter.sh": {_CONTROLS: "*"},
    "karpenter.azure.com": {_CONTROLS: "*"},
    "karpenter.k8s.aws": {_CONTROLS: "*"},
    "argoproj.io": {
        _CONTROLS: "AnalysisTemplate AppProject ClusterAnalysisTemplate ClusterWorkflowTemplate "
        "WorkflowTemplate"
    },
    "flagger.app": {_CONTROLS: "AlertProvider MetricTemplate"},
    "monitoring.openshift.io": {_MEASURES: "AlertRelabelConfig AlertingRule"},
    "source.toolkit.fluxcd.io": {
        _FETCHES: "Bucket GitRepository HelmChart HelmRepository OCIRepository"
    },
    "image.toolkit.fluxcd.io": {_FETCHES: "ImagePolicy ImageRepository ImageUpdateAutomation"},
    "notification.toolkit.fluxcd.io": {_MEASURES: "Alert Provider Receiver"},
    "image.openshift.io": {_FETCHES: "Image ImageStream ImageStreamTag"},
    "console.openshift.io": {"it is about the console": "*"},
    "security.openshift.io": {_REFUSES: "SecurityContextConstraints"},
    "templates.gatekeeper.sh": {_REFUSES: "ConstraintTemplate"},
    "constraints.gatekeeper.sh": {_REFUSES: "*"},
    "config.gatekeeper.sh": {_REFUSES: "Config"},
    "kyverno.io": {
        _REFUSES: "CleanupPolicy ClusterCleanupPolicy ClusterPolicy GlobalContextEntry Policy "
        "PolicyException"
    },
    "app.k8s.io": {"it describes objects that are declared elsewhere": "Application"},
    "velero.io": {
        "it keeps copies, and brings none back": "Backup BackupStorageLocation Schedule "
        "VolumeSnapshotLocation"
    },
}
_ELSEWHERE: Final = "it is about what is outside of this cluster"
#: The ends of groups whose objects are resources of a cloud, or other clusters.
_CLOUDS: Final = (
    ".azure.com",  # https://azure.github.io/azure-service-operator/
    ".services.k8s.aws",  # https://aws-controllers-k8s.github.io/community/
    ".cnrm.cloud.google.com",  # https://cloud.google.com/config-connector/docs/
    ".upbound.io",  # https://marketplace.upbound.io/
    "cluster.x-k8s.io",  # https://cluster-api.sigs.k8s.io/
)
#: Of these a controller may make pods, of which nothing written tells the labels: a proxy for a
#: gateway, a server that answers a challenge. https://gateway-api.sigs.k8s.io/
#: https://cert-manager.io/docs/configuration/acme/http01/
_PODS_ALONE: Final = {
    "gateway.networking.k8s.io": "Gateway ListenerSet XListenerSet",
    "cert-manager.io": "ClusterIssuer Issuer",
    "certmanager.k8s.io": "ClusterIssuer Issuer",
    "acme.cert-manager.io": "Challenge Order",
}
_REASONS: Final = {
    (group, kind): reason
    for reason, groups in _OF_KUBERNETES.items()
    for group, kinds in groups.items()
    for kind in kinds.split()
} | {
    (group, kind): reason
    for group, reasons in _OF_OTHERS.items()
    for reason, kinds in reasons.items()
    for kind in kinds.split()
}


def harmless(group: str, kind: str) -> str:
    """Return why no object of a kind can change who reaches whom; nothing where one may.

    >>> harmless("", "ConfigMap"), harmless("argoproj.io", "Rollout")
    ('it holds data that pods use', '')
    """
    known = _REASONS.get((group, kind)) or _REASONS.get((group, "*"), "")
    return known or (_ELSEWHERE if group.endswith(_CLOUDS) else "")


def makes_pods_alone(group: str, kind: str) -> bool:
    """Return whether a controller may make pods of an object, and makes no policies.

    >>> makes_pods_alone("gateway.networking.k8s.io", "Gateway")
    True
    """
    return kind in _PODS_ALONE.get(group, "").split()


def changes_on_admission(group: str, kind: str) -> bool:
    """Return whether an object may let others be changed as they are made, and makes none.

    https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/

    >>> changes_on_admission("admissionregistration.k8s.io", "MutatingWebhookConfiguration")
    True
    """
    return group == "admissionregistration.k8s.io" and kind.startswith("Mutating")


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
