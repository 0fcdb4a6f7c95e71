"""Who can reach whom as JSON, in the format `podwall/reach/v2`: whole, or as a stream of lines.

A pair of workloads or ranges that is not listed is denied. Protocols are TCP, UDP and SCTP; port
ranges are inclusive, sorted and merged, within 1 to 65535. The stream is the same document, with
one line for each workload and each connection: there may be millions.

The format `podwall/reach/v1` is the same without pods that are not shown; `podwall/reach-groups/v1`
has groups in place of pairs, which do not grow with the square of what is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from podwall.documents import TypedDocument, about
from podwall.focus import Focus, NarrowedAnswer
from podwall.model import Unknown
from podwall.policies.rules import Direction
from podwall.reachability import Connection, Reachability, UnseenPods, WorkloadEndpoint
from podwall.reports.findings.documents import ReadingDocument
from podwall.reports.formats import (
    EngineName,
    PortsDocument,
    UndeterminedPortsDocument,
    ports_documents,
    undetermined_documents,
)
from podwall.reports.reach.rows import LineFormat, pair_lines
from podwall.rule_parts import selector_text
from podwall.streams import shown_json
from podwall.verdict_table import connection_groups, spans_of

__all__ = [
    "FocusDocument",
    "ReachDocument",
    "ReachDocumentV1",
    "ReachGroupsDocument",
    "UnseenPodsDocument",
    "WorkloadDocument",
    "focus_document",
    "groups_stream",
    "reach_document",
    "reach_stream",
    "reach_stream_v1",
    "workload_document",
]


class WorkloadDocument(TypedDocument):
    """Pods that are alike. Null stands for what is not known yet."""

    id: Annotated[
        str,
        about(
            "`namespace/name`, with the kind between them where two would clash; an "
            "unknown namespace is `?`."
        ),
    ]
    namespace: str | None
    name: str
    kind: str
    labels: Annotated[dict[str, str | None], about("A value that is not known yet is null.")]
    replicas: Annotated[int, Meta(ge=0)] | None


class ConnectionDocument(TypedDocument):
    """What passes between two ends: workloads, or addresses outside the cluster as a CIDR."""

    source: str
    destination: str
    allowed: tuple[PortsDocument, ...]
    undetermined: tuple[UndeterminedPortsDocument, ...]


class UnseenPodsDocument(TypedDocument):
    """Pods that the source does not show, by labels in the form that `kubectl -l` reads.

    They are of namespaces that it shows, or of others by the labels of these.
    """

    id: Annotated[str, about("As in `exposure`, and as `podwall explain` reads it.")]
    pods: Annotated[str, about("The labels of the pods; empty for all.")]
    namespaces: Annotated[tuple[str, ...], about("Namespaces that are shown; empty for others.")]
    other_namespaces: Annotated[
        str | None,
        about(
            "The labels of namespaces that are not shown, empty for all of them; null where the "
            "pods are of namespaces that are shown."
        ),
    ]


_Way = Literal["ingress", "egress"]
_WAYS: Final[dict[Direction | None, _Way | None]] = {
    None: None,
    Direction.INGRESS: "ingress",
    Direction.EGRESS: "egress",
}


class FocusDocument(TypedDocument):
    """Which connections are asked for, in the words of the command line."""

    ends: Annotated[tuple[str, ...], about("One of these is at either end; empty for all.")]
    direction: Annotated[_Way | None, about("Of the `ends`; null where both are meant.")]
    sources: Annotated[tuple[str, ...], about("One of these is the source; empty for all.")]
    destinations: Annotated[tuple[str, ...], about("One of these is the destination.")]
    port: Annotated[str, about("The ports that are shown; empty for all.")]


class ReachDocumentV1(ReadingDocument, tag_field="format", tag="podwall/reach/v1"):
    """What `podwall reach -o json --format-version 1` prints: who can reach whom of those shown."""

    engine: EngineName
    workloads: tuple[WorkloadDocument, ...]
    connections: Annotated[
        tuple[ConnectionDocument, ...],
        about("Pairs between which something passes, or may. A pair that is not listed is denied."),
    ]


class ReachDocument(ReadingDocument, tag_field="format", tag="podwall/reach/v2"):
    """What `podwall reach -o json` prints: who can reach whom, and on which ports."""

    engine: EngineName
    closed: Annotated[
        bool, about("Whether there are no pods but those shown: `unseen` and `exposure` are empty.")
    ]
    workloads: tuple[WorkloadDocument, ...]
    connections: Annotated[
        tuple[ConnectionDocument, ...],
        about("Pairs between which something passes, or may. A pair that is not listed is denied."),
    ]
    exposure: Annotated[
        tuple[ConnectionDocument, ...],
        about(
            "The same between a workload and pods that are not shown, each one of `unseen`. Pods "
            "that no listed class contains are denied, but for twins: those that carry the labels "
            "by which a rule names a workload that is shown may do what it may."
        ),
    ]
    unseen: Annotated[
        tuple[UnseenPodsDocument, ...], about("The pods that are not shown, by their ids.")
    ]
    focus: Annotated[
        FocusDocument | UnsetType,
        about(
            "Stands where a part was asked for: nothing is said of connections that were not, and "
            "`workloads` are the ends of those that were."
        ),
    ] = UNSET


class PortsPairDocument(TypedDocument):
    """Ports that a side allows, and those of which it is not known whether it does."""

    allowed: tuple[PortsDocument, ...]
    undetermined: tuple[PortsDocument, ...]


class GroupDocument(TypedDocument):
    """Sources and destinations, each a number into `sets`, and a number into `ports`."""

    sources: Annotated[int, Meta(ge=0)]
    destinations: Annotated[int, Meta(ge=0)]
    ports: Annotated[int, Meta(ge=0)]


Span = tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]]


class ReachGroupsDocument(ReadingDocument, tag_field="format", tag="podwall/reach-groups/v1"):
    """What `podwall reach -o groups` prints: the whole answer, as large as what is written."""

    engine: EngineName
    closed: Annotated[
        bool, about("Whether there are no pods but those shown: `unseen` and `exposure` are empty.")
    ]
    workloads: Annotated[
        tuple[WorkloadDocument, ...],
        about(
            "Their indices, and then those of `externals`, are the numbers that sets consist of."
        ),
    ]
    externals: Annotated[
        tuple[str, ...], about("Ranges of addresses outside the cluster, as CIDR.")
    ]
    single_pods: Annotated[
        tuple[Span, ...],
        about(
            "Workloads that are one pod, as spans of indices: each reaches itself on every port, "
            "whatever the groups say."
        ),
    ]
    ports: tuple[PortsPairDocument, ...]
    sets: Annotated[
        tuple[tuple[Span, ...], ...],
        about("Each a list of inclusive spans of indices, in ascending order."),
    ]
    egress: Annotated[
        tuple[GroupDocument, ...],
        about(
            "What sources may send. A pair passes on the ports that some group here and some group "
            "of `ingress` allows, both containing it; where one of them allows and the other does "
            "not know, or neither knows, it is undetermined. Two externals are no pair."
        ),
    ]
    ingress: Annotated[tuple[GroupDocument, ...], about("What destinations may receive.")]
    exposure: Annotated[
        tuple[ConnectionDocument, ...],
        about("As in the JSON format: connections with pods that are not shown, one by one."),
    ]
    unseen: Annotated[
        tuple[UnseenPodsDocument, ...], about("The pods that are not shown, by their ids.")
    ]


def reach_document(reachability: Reachability | NarrowedAnswer, **reading: Any) -> ReachDocument:
    """Return a reachability, or a part of it, with the `reading_fields` of its source."""
    found = (each for each in reachability.connections() if each.has_ports)
    exposure = [each for each in reachability.exposures() if each.has_ports]
    return ReachDocument(
        reachability.engine.name,
        reachability.is_closed,
        tuple(map(workload_document, reachability.workloads)),
        tuple(_connection(each.source_id, each) for each in found),
        tuple(_connection(each.source_id, each) for each in exposure),
        tuple(map(_unseen_document, _unseen(exposure))),
        focus=focus_document(reachability.focus)
        if isinstance(reachability, NarrowedAnswer)
        else UNSET,
        **reading,
    )


def focus_document(asked: Focus) -> FocusDocument:
    """Return what is asked for as a document."""
    return FocusDocument(
        asked.ends, _WAYS[asked.direction], asked.sources, asked.destinations, asked.port
    )


def _unseen(exposure: Iterable[Connection]) -> list[UnseenPods]:
    """Return the pods that are not shown, each once, by their ids."""
    found = {each.unseen for each in exposure}
    return sorted((each for each in found if each is not None), key=lambda each: each.id)


def _unseen_document(pods: UnseenPods) -> UnseenPodsDocument:
    shown = pods.namespaces if isinstance(pods.namespaces, tuple) else ()
    others = None if isinstance(pods.namespaces, tuple) else selector_text(pods.namespaces)
    return UnseenPodsDocument(pods.id, selector_text(pods.pods), shown, others)


def workload_document(endpoint: WorkloadEndpoint) -> WorkloadDocument:
    """Return one workload as a document."""
    workload = endpoint.workload
    return WorkloadDocument(
        endpoint.id,
        _known(workload.namespace),
        workload.name,
        workload.kind,
        {key: _known(value) for key, value in workload.labels.items},
        _known(workload.replicas),
    )


def _known(value: Any) -> Any:
    """Return a value, or None where only deployment decides it."""
    return None if isinstance(value, Unknown) else value


def _connection(source_id: str, connection: Connection) -> ConnectionDocument:
    return ConnectionDocument(
        source_id,
        connection.destination_id,
        ports_documents(connection.allowed),
        undetermined_documents(connection.undetermined),
    )


def reach_stream(reachability: Reachability, **reading: Any) -> Iterator[str]:
    """Yield the text of the document, piece by piece, with the `reading_fields` of its source."""
    name, closed = reachability.engine.name, reachability.is_closed
    bare = ReachDocument(name, closed, (), (), (), (), **reading)
    unseen: set[UnseenPods] = set()
    lines = {
        "workloads": _workload_lines(reachability),
        "connections": pair_lines(reachability, _FORM),
        "exposure": _exposure_lines(reachability, unseen),
        "unseen": _unseen_lines(unseen),
    }
    return _streamed(msgspec.to_builtins(bare), lines)


def reach_stream_v1(reachability: Reachability, **reading: Any) -> Iterator[str]:
    """Yield the text of the document as it was before pods counted that are not shown."""
    bare = ReachDocumentV1(reachability.engine.name, (), (), **reading)
    lines = {
        "workloads": _workload_lines(reachability),
        "connections": pair_lines(reachability, _FORM),
    }
    return _streamed(msgspec.to_builtins(bare), lines)


def groups_stream(reachability: Reachability, **reading: Any) -> Iterator[str]:
    """Yield the text of the whole answer as groups, with the `reading_fields` of its source."""
    groups = connection_groups(reachability)
    externals = tuple(each.id for each in reachability.externals)
    alone = spans_of(n for n, each in enumerate(reachability.workloads) if each.is_one_pod)
    name, closed = reachability.engine.name, reachability.is_closed
    bare = ReachGroupsDocument(
        name, closed, (), externals, alone, (), (), (), (), (), (), **reading
    )
    unseen: set[UnseenPods] = set()
    lines = {
        "workloads": _workload_lines(reachability),
        "ports": _lines(PortsPairDocument(*map(ports_documents, each)) for each in groups.ports),
        "sets": _lines(groups.sets),
        "egress": _lines(GroupDocument(*each) for each in groups.egress),
        "ingress": _lines(GroupDocument(*each) for each in groups.ingress),
        "exposure": _exposure_lines(reachability, unseen),
        "unseen": _unseen_lines(unseen),
    }
    return _streamed(msgspec.to_builtins(bare), lines)


def _lines(values: Iterable[Any]) -> Iterator[str]:
    return (f",\n{_json(each)}" for each in values)


def _streamed(bare: Mapping[str, Any], lines: Mapping[str, Iterator[str]]) -> Iterator[str]:
    """Yield a document whose long lists come line by line, each line with a comma before it."""
    beginning = "{"
    for key, value in bare.items():
        yield f"{beginning}{_json(key)}: "
        beginning = ",\n"
        if key in lines:
            yield "["
            yield next(lines[key], "").removeprefix(",")
            yield from lines[key]
            yield "]"
        else:
            yield _json(value)
    yield "}\n"


def _workload_lines(reachability: Reachability) -> Iterator[str]:
    return (f",\n{_json(workload_document(each))}" for each in reachability.workloads)


def _exposure_lines(reachability: Reachability, unseen: set[UnseenPods]) -> Iterator[str]:
    """Yield a line for each connection with unseen pods, and add these pods to a set."""
    # By identity, as pods of thousands of namespaces are hashed by all of their names.
    known: dict[int, UnseenPods] = {}
    for each in reachability.exposures():
        if each.has_ports and each.unseen is not None:
            if id(each.unseen) not in known:
                known[id(each.unseen)] = each.unseen
                unseen.add(each.unseen)
            yield f",\n{_json(_connection(each.source_id, each))}"


def _unseen_lines(unseen: Collection[UnseenPods]) -> Iterator[str]:
    """Yield a line for each of some pods, which may all be added before the first is asked for."""
    for each in sorted(unseen, key=lambda pods: pods.id):
        yield f",\n{_json(_unseen_document(each))}"


def _beginning(source_id: str) -> str:
    return f',\n{{"source":{_json(source_id)},'


def _ending(connection: Connection) -> str:
    if not connection.has_ports:
        return ""
    return _json(_connection("", connection)).removeprefix('{"source":"",')


def _json(value: Any) -> str:
    return shown_json(msgspec.json.encode(value).decode())


_FORM: Final = LineFormat(_beginning, _ending)
