"""Open a source: what a path, the standard input or a running cluster shows, or several as one.

A path is a file, a folder, `-`, or the word `cluster`, which is the running one. What a file holds
decides what it is: manifests, a preview, an exported stack, or a plan that `podwall preview` wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from podwall.live import KubeContext
from podwall.policies.errors import InvalidValue, Place, SourceError
from podwall.policies.rules import check_name
from podwall.policies.syntax import dns_label_problem
from podwall.reading import Document, KeptReadings, ObjectStatus
from podwall.reading.ledger import single_objects
from podwall.sources.files import STDIN, ParsedDocuments, read_bytes, refuse_dense
from podwall.sources.folders import NoChartError, read_folder
from podwall.sources.model import RELEASE, ManifestOptions, Source, SourceKind, Stage
from podwall.sources.yaml_documents import (
    BrokenJsonError,
    duplicate_keys,
    json_manifests,
    looks_like_json,
    parse_manifests,
    parsed_values,
)

if TYPE_CHECKING:
    from podwall.live.cluster import ClusterReading  # it brings the client, which files need not
    from podwall.sources.pulumi_documents import PulumiPreview  # manifests wait for no plan

__all__ = [
    "CLUSTER",
    "in_namespace",
    "merged",
    "running_cluster",
    "source",
    "source_of_cluster",
    "sources",
    "with_options",
]

CLUSTER: Final = "cluster"
"""The word that stands for the running cluster, where paths are given."""


def running_cluster(options: ManifestOptions) -> Source:
    """Return what the running cluster shows, one namespace of it if the options name one.

    Raises:
        SourceError: it can't be read.
        MissingExtra: `podwall[live]` is not installed.
    """
    from podwall.live.cluster import read_cluster  # noqa: PLC0415 - files need no client

    return source_of_cluster(read_cluster(options.cluster, options.namespace))


def source_of_cluster(found: ClusterReading, kept: KeptReadings | None = None) -> Source:
    """Return what was read of a cluster as a source; `kept` is what was read of it before."""
    return Source(
        SourceKind.CLUSTER,
        CLUSTER,
        Stage(found.documents, found.cluster),
        findings=found.findings,
        complete=found.whole,
        others=found.others,
        notes=(found.note,),
        kept=kept,
    )


#: The kinds that are in no namespace. https://kubernetes.io/docs/reference/kubernetes-api/
_OF_THE_CLUSTER: Final = frozenset(
    [
        "APIService",
        "AdminNetworkPolicy",
        "BaselineAdminNetworkPolicy",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "CiliumClusterwideNetworkPolicy",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PodSecurityPolicy",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "ServiceCIDR",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
        "VolumeSnapshotClass",
        "VolumeSnapshotContent",
    ]
)
#: How the kinds of others are called that are in no namespace, such as ClusterIssuer.
_OTHERS_OF_THE_CLUSTER: Final = re.compile("(Cluster|Global)[A-Z]")


def in_namespace(documents: Iterable[Document], namespace: str) -> Iterator[Document]:
    """Yield every object, each in a namespace: its own where it names one, else the one given.

    Only a server knows the kinds of others that are in no namespace. Here their name decides.

    >>> pod, role = ({"kind": kind, "metadata": {"name": "web"}} for kind in ("Pod", "ClusterRole"))
    >>> [each.manifest["metadata"] for each in in_namespace(map(Document, (pod, role)), "shop")]
    [{'name': 'web', 'namespace': 'shop'}, {'name': 'web'}]
    """
    for document in single_objects(documents):
        yield replace(document, manifest=_placed(document.manifest, namespace))


def _placed(manifest: Any, namespace: str) -> Any:
    """Return an object with its namespace; what is no object stays as it is, to be reported."""
    metadata = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    if not isinstance(metadata, Mapping) or not _needs_one(manifest, metadata):
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": namespace}}


def _needs_one(manifest: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    kind = str(manifest.get("kind"))
    return (
        metadata.get("namespace") in (None, "")
        and kind not in _OF_THE_CLUSTER
        and not _OTHERS_OF_THE_CLUSTER.match(kind)
    )


def merged(sources: Sequence[Source]) -> Source:
    """Return one source with the documents of all, each at its own place.

    What a preview, a state or a plan says beyond its objects stays: what is there before, and what
    happens on the way. Manifests beside it are there before and afterwards.

    Raises:
        InvalidValue: two of them are of Pulumi, each with a plan of its own.
    """
    of_pulumi = [each for each in sources if each.kind is not SourceKind.MANIFESTS]
    if len(sources) == 1:
        return sources[0]
    if len(of_pulumi) > 1:
        raise InvalidValue(
            f"`{of_pulumi[0].name}` and `{of_pulumi[1].name}` are both of Pulumi, "
            "and only one of several sources can be",
            help="give one of them, beside manifests",
        )
    first = of_pulumi[0] if of_pulumi else sources[0]
    others = [each for each in sources if each is not first]
    return replace(
        first,
        name=", ".join(each.name for each in sources),
        planned=_joined([each.planned for each in (first, *others)]),
        deployed=first.deployed and _joined([first.deployed, *(each.planned for each in others)]),
        findings=tuple(finding for each in sources for finding in each.findings),
        complete=all(each.complete for each in sources),
        texts={name: text for each in sources for name, text in each.texts.items()},
        others=tuple(entry for each in sources for entry in each.others),
        notes=tuple(note for each in sources for note in each.notes),
    )


def _joined(stages: Sequence[Stage]) -> Stage:
    """Return the documents of all, with the cluster that the first declares."""
    documents = tuple(document for stage in stages for document in stage.documents)
    brought = tuple(policy for stage in stages for policy in stage.brought)
    return replace(stages[0], documents=documents, brought=brought)


_SEE_LOG: Final = "the log of the command that should have written it says why"
GIVE: Final = (
    "give manifests in YAML or JSON, or the output of `pulumi preview --json --show-sames`"
)


_PLAIN: Final = ManifestOptions()
_GIVE_FOLDER: Final = "give the folder that it is in, which is built as a whole"
_OF_FOLDERS: Final = {"it is made for helm", "it is made for kustomize"}
_GIVE_PREVIEW: Final = "leave SOURCE out to read the program itself, or give that folder"


def source(path: str, options: ManifestOptions = _PLAIN) -> Source:
    """Return the source at a path: a file, a folder, `-` for the standard input, or `cluster`.

    The word is the running cluster; a file or folder of that name is `./cluster`. A file is
    manifests (YAML or JSON), `pulumi preview --json`, `pulumi stack export`, or a plan that
    `podwall preview` wrote, which its content tells.

    Args:
        path: where to read.
        options: what is said of manifests beside what they say themselves.

    Raises:
        SourceError: nothing could be read there: the path does not exist, is neither YAML nor
            JSON, or has no Kubernetes object.
        InvalidValue: what Pulumi or podwall would have written has a part that neither writes, or
            an option is no value for what is read.
        MissingExtra: reading a cluster needs `podwall[live]`.
    """
    return sources([path], options)


def sources(paths: Sequence[str], options: ManifestOptions = _PLAIN) -> Source:
    """Return the source at a path, or those at several as one.

    Args:
        paths: where to read; one at least.
        options: what is said of manifests; values are for the charts among them.

    Raises:
        SourceError: as `source` does.
        InvalidValue: as `source` does, or two are of Pulumi.
    """
    if CLUSTER in paths:
        return _running(paths, options)
    found = _all_opened(paths, options)
    manifests = [each for each in found if each.kind is SourceKind.MANIFESTS]
    placed = [
        with_options(each, options) if each in manifests or not manifests else each
        for each in found
    ]
    return merged(placed)


def _running(paths: Sequence[str], options: ManifestOptions) -> Source:
    """Return the running cluster, which nothing else is put beside.

    Raises:
        InvalidValue: there are other paths, too, or it may be a path itself.
    """
    if Path(CLUSTER).exists() and options.cluster == KubeContext():
        raise InvalidValue(
            f"`{CLUSTER}` is the running cluster, and there is also a file or folder of that name",
            help=f"write `./{CLUSTER}` for that one, or name the cluster with --context",
        )
    if len(paths) > 1:
        raise InvalidValue(
            "a cluster is read as a whole, and nothing can be put beside it",
            help="compare the two, as in `podwall diff cluster manifests/`",
        )
    return running_cluster(options)


def _all_opened(paths: Sequence[str], options: ManifestOptions) -> list[Source]:
    """Return every source; values and a release need one chart, and not one in each."""
    without = replace(options, values=(), release=RELEASE)
    found: list[Source] = []
    lacking: list[NoChartError] = []
    for path in paths:
        try:
            found.append(_opened(path, options))
        except NoChartError as problem:
            lacking.append(problem)
            if len(lacking) == len(paths):
                raise
            found.append(_opened(path, without))
    return found


def with_options(found: Source, options: ManifestOptions) -> Source:
    """Return a source in the namespace that its manifests are deployed to.

    Raises:
        InvalidValue: it is no name of a namespace, or the source has no manifests.
    """
    namespace = options.namespace
    if namespace is None:
        return found
    check_name(namespace, "namespace", dns_label_problem)
    if found.kind is not SourceKind.MANIFESTS:
        raise InvalidValue(
            f"`{found.name}` is no manifests, and a namespace is chosen for these alone",
            help="Pulumi's objects are in the namespace that their program or provider gives them",
        )
    documents = tuple(in_namespace(found.planned.documents, namespace))
    return replace(found, planned=replace(found.planned, documents=documents))


def _opened(path: str, options: ManifestOptions) -> Source:
    if path != STDIN and Path(path).is_dir():
        return _of_manifests(path, read_folder(path, options))
    if options.about_charts:
        raise NoChartError(path, options.about_charts)
    name, data = read_bytes(path)
    if not data.strip():
        raise SourceError("is empty", help=_SEE_LOG, place=Place(name))
    refuse_dense(data, name)
    values = _json_values(data)
    if values is None:
        return _of_manifests(name, parse_manifests(data, name))
    found = _of_pulumi(name, values)
    if found is None:
        return _of_manifests(name, json_manifests(data, values, name))
    return replace(found, findings=(*duplicate_keys(data, name), *found.findings))


def _json_values(data: bytes) -> list[Any] | None:
    try:
        return parsed_values(data) if looks_like_json(data) else None
    except BrokenJsonError:
        return None


def _of_pulumi(name: str, values: list[Any]) -> Source | None:
    from podwall.plan.plan_json import is_plan, plan_in  # noqa: PLC0415 - as above
    from podwall.sources.pulumi_documents import (  # noqa: PLC0415 - as above
        is_events,
        is_preview,
        preview_in,
        preview_in_events,
    )
    from podwall.sources.stacks import source_of_plan  # noqa: PLC0415 - as above
    from podwall.sources.states import (  # noqa: PLC0415 - as above
        is_state,
        state_findings,
        state_plan,
    )

    place = Place(name)
    if is_events(values):
        return _of_preview(name, preview_in_events(values, place))
    if len(values) != 1:
        return None
    if is_preview(values[0]):
        return _of_preview(name, preview_in(values[0], place))
    if is_state(values[0]):
        plan, findings = state_plan(values[0], place), state_findings(values[0], place)
        return source_of_plan(SourceKind.STATE, name, plan, findings=findings)
    if is_plan(values[0]):
        return source_of_plan(SourceKind.PROGRAM, name, plan_in(values[0], place))
    return None


def _of_preview(name: str, preview: PulumiPreview) -> Source:
    from podwall.sources.pulumi_documents import gaps  # noqa: PLC0415 - as above
    from podwall.sources.stacks import source_of_steps  # noqa: PLC0415 - as above

    findings = gaps(preview, Place(name))
    return source_of_steps(SourceKind.PREVIEW, name, preview, findings=findings)


def _of_manifests(name: str, parsed: ParsedDocuments) -> Source:
    if not parsed.documents:
        raise _nothing_in(name, parsed)
    return Source(
        SourceKind.MANIFESTS,
        name,
        planned=Stage(parsed.documents, brought=parsed.brought),
        findings=parsed.findings,
        texts=parsed.texts,
        others=parsed.others,
        notes=parsed.notes,
    )


def _nothing_in(name: str, parsed: ParsedDocuments) -> SourceError:
    if parsed.findings:
        first = parsed.findings[0]
        return SourceError(first.message, help=first.help or GIVE, place=first.place)
    left = [each for each in parsed.others if each.status is ObjectStatus.UNREAD]
    if left:
        message = f"there is nothing to read but `{left[0].place}`: {left[0].reason}"
        return SourceError(message, help=_GIVE_PREVIEW, place=Place(name))
    why = {each.reason for each in parsed.others}
    message = f"`{name}` has no Kubernetes object{f': {min(why)}' if len(why) == 1 else ''}"
    help_ = _GIVE_FOLDER if why and why <= _OF_FOLDERS else GIVE
    return SourceError(message, help=help_, place=Place(name))
