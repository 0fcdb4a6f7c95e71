"""Which network policy engine runs in a cluster, seen by what its nodes run.

An engine is an agent on every node, so that a DaemonSet shows it. Whether it enforces what is
computed shows in three more things: whether its agents run on every node, whether a second engine
runs beside it (a cluster that is being moved from one to another), and how it is configured. What
is not certain of these is a finding, and where the engine itself is not certain it is none of those
that podwall knows: the specification's verdicts hold, and what engines decide differently is
undetermined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from podwall.live.objects import ControllerObject, NodeObject, PodObject
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.syntax import is_system_namespace
from podwall.policies.wording import listed
from podwall.quick_dataclass import dataclass

__all__ = ["NODE_TYPE", "Agents", "Enforcement", "agents_in", "enforcement"]


@dataclass(frozen=True, slots=True)
class _AgentKind:
    """An agent: the names of its DaemonSet, its image, and the engine (None: none of podwall's)."""

    title: str
    engine: str | None
    names: frozenset[str]
    image: re.Pattern[str]
    link: str


def _kind(title: str, engine: str | None, names: str, image: str, link: str) -> _AgentKind:
    pattern = re.compile(rf"(?:^|/)(?:{image})(?:[:@]|$)")
    return _AgentKind(title, engine, frozenset(names.split()), pattern, link)


_MIGRATE: Final = "https://learn.microsoft.com/azure/aks/migrate-from-npm-to-cilium-network-policy"
_USE: Final = "https://learn.microsoft.com/azure/aks/use-network-policies"
_KINDS: Final = (
    _kind("Azure Network Policy Manager", "azure", "azure-npm azure-npm-win", "azure-npm", _USE),
    _kind(
        "Calico",
        "calico",
        "calico-node calico-node-windows canal",
        "calico/node|node-windows",
        _USE,
    ),
    _kind("Cilium", "cilium", "cilium anetd", "cilium/cilium|cilium/cilium-ci|cilium", _USE),
    _kind(
        "kube-network-policies",
        None,
        "kube-network-policies",
        "kube-network-policies",
        "https://github.com/kubernetes-sigs/kube-network-policies",
    ),
    _kind("Antrea", None, "antrea-agent", "antrea/antrea-agent[a-z-]*", "https://antrea.io/docs/"),
    _kind("kube-router", None, "kube-router", "kube-router", "https://www.kube-router.io/docs/"),
    _kind("OVN-Kubernetes", None, "ovnkube-node", "ovn-kube[a-z-]*", "https://ovn-kubernetes.io/"),
    _kind("Weave Net", None, "weave-net", "weave-npc", "https://github.com/rajch/weave"),
    _kind("kindnet", None, "kindnet", "kindnetd", "https://kindnet.es/"),
    _kind(
        "Amazon VPC CNI",
        None,
        "aws-node",
        "aws-network-policy-agent|amazon/aws-network-policy-agent",
        "https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html",
    ),
)
#: Kubernetes in one program, with an engine inside it that no DaemonSet shows.
_EMBEDDED: Final = re.compile(r"\+(k3s|rke2|k0s)")


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents of one engine: their kind, their version, and the nodes on which they run."""

    kind: _AgentKind
    daemon_set: str
    namespace: str
    version: str
    nodes: frozenset[str]

    @property
    def engine(self) -> str | None:
        """The engine as podwall names it, None where it is another one."""
        return self.kind.engine

    @property
    def title(self) -> str:
        """The engine for people, with its version."""
        return f"{self.kind.title} {self.version}".strip()


def agents_in(
    daemon_sets: Iterable[ControllerObject], pods: Iterable[PodObject]
) -> tuple[Agents, ...]:
    """Return the agents of engines that run, or should run, in a cluster."""
    found = [(each, kind) for each in daemon_sets if (kind := _kind_of(each)) is not None]
    wanted = [each for each in found if _is_wanted(each[0])] or found
    where = _nodes_by_owner(pods) if wanted else {}
    return tuple(_agents(each, kind, where) for each, kind in wanted)


def _is_wanted(daemon_set: ControllerObject) -> bool:
    """Return whether a DaemonSet is meant for some node; what is left over of one is not."""
    status = daemon_set.status
    return status is None or status.desired_number_scheduled != 0


def _kind_of(daemon_set: ControllerObject) -> _AgentKind | None:
    """Return the engine whose agents a DaemonSet runs; its name alone tells it in the system."""
    images = list(_images(daemon_set))
    metadata = daemon_set.metadata
    names = {metadata.name} if is_system_namespace(metadata.namespace) else frozenset[str]()
    for each in _KINDS:
        if names & each.names or any(each.image.search(image) for image in images):
            return each
    return None


def _images(daemon_set: ControllerObject) -> Iterator[str]:
    template = daemon_set.spec.template if daemon_set.spec else None
    spec = template.spec if template else None
    yield from (each.image or "" for each in (spec.containers if spec else None) or ())


def _agents(
    daemon_set: ControllerObject, kind: _AgentKind, where: Mapping[tuple[str, str], frozenset[str]]
) -> Agents:
    metadata = daemon_set.metadata
    images = [each for each in _images(daemon_set) if kind.image.search(each)]
    nodes = where.get((metadata.namespace, metadata.name), frozenset())
    return Agents(kind, metadata.name, metadata.namespace, _version(images), nodes)


_VERSION: Final = re.compile(r":v?([0-9]+\.[0-9]+(?:\.[0-9]+)?)")


def _version(images: Sequence[str]) -> str:
    found = (_VERSION.search(each) for each in images)
    return next((each[1] for each in found if each), "")


def _nodes_by_owner(pods: Iterable[PodObject]) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the nodes on which pods of DaemonSets run, by the namespace and name of these."""
    nodes: dict[tuple[str, str], set[str]] = {}
    for each in pods:
        owners = each.metadata.owner_references or ()
        owner = next((one for one in owners if one.controller), None)
        if owner is None or owner.kind != "DaemonSet" or not _is_ready(each):
            continue
        node = each.spec.node_name if each.spec else None
        nodes.setdefault((each.metadata.namespace, owner.name), set()).add(node or "")
    return {owner: frozenset(names) for owner, names in nodes.items()}


def _is_ready(pod: PodObject) -> bool:
    conditions = (pod.status.conditions if pod.status else None) or ()
    return any(each.type == "Ready" and each.status == "True" for each in conditions)


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What enforces policies, and what is worth knowing of it.

    `engine` is as a snapshot names it, None where that is not certain; `title` is for people.
    `version` is that of all agents, None where they differ or show none.
    """

    engine: str | None
    title: str
    findings: tuple[Finding, ...] = ()
    version: str | None = None


def enforcement(
    agents: Sequence[Agents],
    nodes: Sequence[NodeObject] | None,
    settings: Mapping[str, str] | None,
    place: Place,
) -> Enforcement:
    """Return what enforces policies in a cluster.

    Args:
        agents: those that were found.
        nodes: all nodes of the cluster; None where they may not be read.
        settings: Cilium's own, None where it does not run or they may not be read.
        place: the cluster, for findings.
    """
    kinds = list(dict.fromkeys(each.kind for each in agents))
    if not kinds:
        return _without(nodes, place)
    findings = list(_gaps(agents, nodes, place))
    title = " and ".join(dict.fromkeys(each.title for each in agents))
    if len(kinds) > 1:
        return Enforcement(None, title, (_mixed(kinds, place), *findings))
    (kind,) = kinds
    if kind.engine is None:
        return Enforcement(None, title, (_other(kind, place), *findings))
    if kind.engine == "cilium":
        findings += _of_cilium(settings, place)
        if settings is not None and _ignores_policies(settings):
            return Enforcement("none", f"{title}, which enforces no policy", tuple(findings))
    versions = {each.version for each in agents}
    own = versions.pop() if len(versions) == 1 else None
    return Enforcement(kind.engine, title, tuple(findings), own or None)


def _without(nodes: Sequence[NodeObject] | None, place: Place) -> Enforcement:
    """Return what is known where no agent runs: an engine may also be inside of Kubernetes."""
    embedded = {found[1] for each in nodes or () if (found := _EMBEDDED.search(_kubelet(each)))}
    if not embedded:
        return Enforcement("none", "no network policy engine")
    name = min(embedded)
    message = f"{name} has an engine of its own inside, which is none of those that podwall knows"
    return Enforcement(None, f"the engine inside {name}", (_unknown_engine(message, place),))


def _kubelet(node: NodeObject) -> str:
    info = node.status.node_info if node.status else None
    return (info.kubelet_version if info else None) or ""


def _other(kind: _AgentKind, place: Place) -> Finding:
    message = f"{kind.title} enforces policies here, which is none of the engines of AKS"
    return _unknown_engine(message, place, kind.link)


def _unknown_engine(message: str, place: Place, link: str = "") -> Finding:
    return Finding(
        "engine-not-known",
        Severity.INFO,
        message,
        place,
        "verdicts are those of the specification; what engines decide differently is undetermined",
        link,
    )


def _mixed(kinds: Sequence[_AgentKind], place: Place) -> Finding:
    return Finding(
        "engines-mixed",
        Severity.ERROR,
        f"{listed([each.title for each in kinds])} run at once: until the move from one to the "
        "other has ended, it is not certain what is enforced on which node",
        place,
        "finish the move, or remove the engine that is left over; verdicts are those of the "
        "specification meanwhile, unless --engine names one",
        _MIGRATE,
    )


_MOST_NODES: Final = 3
NODE_TYPE: Final = "type"
#: The value of this label on nodes that are no machines: a pod there has no agent beside it.
_VIRTUAL: Final = "virtual-kubelet"


def _gaps(
    agents: Sequence[Agents], nodes: Sequence[NodeObject] | None, place: Place
) -> Iterator[Finding]:
    """Yield the nodes on which no agent runs: policies are not enforced for the pods there."""
    if nodes is None:
        yield Finding(
            "nodes-not-seen",
            Severity.WARNING,
            "the nodes may not be read, so it is not known whether the engine runs on each of them",
            place,
            "grant it: docs/live.md has the role that podwall needs",
        )
        return
    covered = frozenset[str]().union(*(each.nodes for each in agents))
    without = sorted(each.metadata.name for each in nodes if each.metadata.name not in covered)
    if without:
        names = [f"`{each}`" for each in without[:_MOST_NODES]]
        more = [f"{len(without) - len(names)} more"] if len(without) > len(names) else []
        title = listed(list(dict.fromkeys(each.kind.title for each in agents)))
        yield Finding(
            "engine-not-on-every-node",
            Severity.ERROR,
            f"{title} is not ready on {len(without)} of {len(nodes)} nodes, where nothing enforces "
            f"policies: {listed([*names, *more])}{_virtual(without, nodes)}",
            place,
            f"see why: `kubectl -n {agents[0].namespace} get pods -o wide`",
            _USE,
        )


def _virtual(names: Sequence[str], nodes: Sequence[NodeObject]) -> str:
    labels = {each.metadata.name: each.metadata.labels or {} for each in nodes}
    count = sum(labels[each].get(NODE_TYPE) == _VIRTUAL for each in names)
    return f" ({count} of them virtual)" if count else ""


_NEVER: Final = "never"


def _ignores_policies(settings: Mapping[str, str]) -> bool:
    """Return whether Cilium is told to enforce nothing.

    https://docs.cilium.io/en/stable/security/policy/intro/#policy-enforcement-modes
    """
    return settings.get("enable-policy") == _NEVER or (
        settings.get("enable-k8s-networkpolicy") == "false"
    )


_CILIUM: Final = "https://docs.cilium.io/en/stable/network/kubernetes/configuration/"


def _of_cilium(settings: Mapping[str, str] | None, place: Place) -> Iterator[Finding]:
    """Yield how Cilium is configured, where that is not what is computed."""
    if settings is None:
        yield Finding(
            "engine-settings-not-seen",
            Severity.WARNING,
            "the settings of Cilium (`cilium-config`) may not be read, and are taken for the usual",
            place,
            "grant it: docs/live.md has the role that podwall needs",
            _CILIUM,
        )
        return
    for key, usual, severity, message in _SETTINGS:
        value = settings.get(key) or usual
        if value != usual:
            yield Finding(
                "engine-settings",
                severity,
                f"`{key}` of Cilium is `{value}`: {message}",
                place,
                f"verdicts are those of `{usual or 'none'}`",
                _CILIUM,
            )


_SETTINGS: Final = (
    (
        "enable-policy",
        "default",
        Severity.ERROR,
        "with `never` no policy is enforced, with `always` pods without a policy are isolated too",
    ),
    (
        "enable-k8s-networkpolicy",
        "true",
        Severity.ERROR,
        "NetworkPolicies are not enforced",
    ),
    (
        "policy-cidr-match-mode",
        "",
        Severity.WARNING,
        "ip blocks match nodes or pods, too",
    ),
    ("enable-sctp", "false", Severity.INFO, "rules may list SCTP"),
)
