"""Flow records, one a line: Hubble's exports, and Azure's container network logs.

Three forms are read, also mixed, and also compressed by gzip, as rotation leaves them:

- what Hubble's exporter and `hubble observe -o jsonpb` write: `{"flow": {...}, "node_name": ...}`;
  AKS leaves the same in `/var/log/acns/hubble/events.log` on its nodes.
  https://docs.cilium.io/en/stable/observability/hubble/configuration/export/
  https://github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto
- the flow alone, as older versions of `hubble observe -o json` print it;
- a row of the table `ContainerNetworkLogs` (before: `RetinaNetworkFlowLogs`) of a Log Analytics
  workspace, whose columns hold JSON as text.
  https://learn.microsoft.com/azure/aks/container-network-observability-logs

What a record means:

- A reply (`is_reply`) proves the connection that it answers, so its ends are turned around. Whether
  a record is a reply is not known where the field is left out; the flags of TCP may still tell.
  Otherwise the record says nothing about who is the client, and is not counted.
- A drop never says whether it is a reply. Replies belong to connections that were admitted, so what
  a policy drops is the beginning of one. What is dropped for another reason is not counted.
- Each node records its part of the way. What arrives at a pod (`TO_ENDPOINT`), comes in
  (`INGRESS`), is answered or leaves the cluster has passed; what only leaves a node may be dropped
  on another.
- Before a service is translated, the destination is the service's address, which Hubble calls
  `world`: it is no address outside of the cluster, and the translated record follows.
"""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from podwall.model import IpProtocol
from podwall.observed import RESERVED, Fate, FlowRecords, NotCounted, SeenEnd, SeenFlow
from podwall.policies.errors import Place, SourceError
from podwall.policies.wording import shown
from podwall.sources.files import STDIN, STDIN_NAME, unreadable

__all__ = ["flows_in"]

_MOST_BYTES: Final = 1 << 20
"""A longer line is no record: it is not kept, and said."""


class _Fields(msgspec.Struct):
    """Some of the fields of a record; all others are passed over."""


class _Controller(_Fields):
    name: str | None = None
    kind: str | None = None


class _End(_Fields):
    identity: int | None = None
    namespace: str | None = None
    labels: list[str] | None = None
    pod_name: str | None = None
    workloads: list[_Controller] | None = None


class _Addresses(_Fields):
    source: str | None = None
    destination: str | None = None


class _Flags(_Fields):
    syn: bool = msgspec.field(name="SYN", default=False)
    ack: bool = msgspec.field(name="ACK", default=False)


class _Ports(_Fields):
    source_port: int | None = None
    destination_port: int | None = None
    flags: _Flags | None = None


class _Layer4(_Fields):
    tcp: _Ports | None = msgspec.field(name="TCP", default=None)
    udp: _Ports | None = msgspec.field(name="UDP", default=None)
    sctp: _Ports | None = msgspec.field(name="SCTP", default=None)
    icmp4: Any = msgspec.field(name="ICMPv4", default=None)
    icmp6: Any = msgspec.field(name="ICMPv6", default=None)


class _Named(_Fields):
    name: str | None = None


class _Counts(_Fields):
    """How many flows a record stands for, where flows are aggregated."""

    ingress_flow_count: int | None = None
    egress_flow_count: int | None = None
    unknown_direction_flow_count: int | None = None

    @property
    def total(self) -> int:
        counts = (
            self.ingress_flow_count,
            self.egress_flow_count,
            self.unknown_direction_flow_count,
        )
        return sum(each or 0 for each in counts)


_NO_END: Final = msgspec.Raw(b"null")


class _Flow(_Fields):
    time: str | None = None
    verdict: str | None = None
    drop_reason_desc: str | None = None
    ip: _Addresses | None = msgspec.field(name="IP", default=None)
    l4: _Layer4 | None = None
    source: msgspec.Raw = _NO_END
    destination: msgspec.Raw = _NO_END
    type: str | None = msgspec.field(name="Type", default=None)
    is_reply: bool | None = None
    reply: bool | None = None
    destination_service: _Named | None = None
    extensions: _Counts | None = None
    traffic_direction: str | None = None
    trace_observation_point: str | None = None


class _Lost(_Fields):
    num_events_lost: int | None = None


class _Exported(_Fields):
    """A line of an export: a flow, or something else that happened."""

    flow: _Flow | None = None
    lost_events: _Lost | None = None
    agent_event: Any = None
    debug_event: Any = None
    node_status: Any = None

    @property
    def is_other(self) -> bool:
        others = (self.agent_event, self.debug_event, self.node_status)
        return any(each is not None for each in others)


_EXPORTED: Final = msgspec.json.Decoder(_Exported, strict=False)
_ALONE: Final = msgspec.json.Decoder(_Flow, strict=False)
_END: Final = msgspec.json.Decoder(_End | None, strict=False)
_ANYTHING: Final = msgspec.json.Decoder(dict[str, Any])
_REFUSALS: Final = (msgspec.DecodeError, UnicodeError)


def flows_in(paths: Iterable[str], records: FlowRecords) -> Iterator[SeenFlow]:
    """Yield the flows of files of records, one line in memory at a time.

    Args:
        paths: of files, or `-` for the standard input.
        records: counts what becomes of each line.

    Raises:
        SourceError: a file can't be read, or none of its lines is a record.
    """
    for path in paths:
        before = records.lines - records.unreadable
        with _opened(path) as (name, stream):
            yield from _flows(name, stream, records)
        if records.lines - records.unreadable == before:
            raise _no_records(name, records)


def _no_records(name: str, records: FlowRecords) -> SourceError:
    first = next((each for each in records.findings if each.place.source == name), None)
    return SourceError(
        f"`{name}` has no flow record"
        + (f": line {first.place.line} {first.message.partition(': ')[2]}" if first else ""),
        help="give what Hubble exports as JSON, or rows of ContainerNetworkLogs, one a line",
        place=Place(name),
    )


@contextmanager
def _opened(path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Open a file, through gzip where it is compressed."""
    try:
        raw: Any = sys.stdin.buffer if path == STDIN else Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as problem:
        raise unreadable(path, problem) from problem
    name = STDIN_NAME if path == STDIN else path
    stream: Any = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)
    try:
        packed = stream.peek(2)[:2] == b"\x1f\x8b"
        unpacked: Any = gzip.GzipFile(fileobj=stream) if packed else stream
        yield name, unpacked
    except (EOFError, gzip.BadGzipFile, OSError) as problem:
        if isinstance(problem, SourceError):
            raise
        raise SourceError(f"`{name}` could not be read to its end: {problem}",
                          place=Place(name)) from problem  # fmt: skip
    finally:
        if path != STDIN:
            raw.close()


def _flows(name: str, stream: IO[bytes], records: FlowRecords) -> Iterator[SeenFlow]:
    for number, line in enumerate(_lines(stream), 1):
        place = Place(name, number)
        if line is None:
            records.refuse(f"it is longer than {_MOST_BYTES:,} bytes", place)
        elif line.strip():
            try:
                flow = _flow(line, records)
            except _REFUSALS as problem:
                records.refuse(_reason(problem), place)
            else:
                if flow is not None:
                    yield flow


def _reason(problem: Exception) -> str:
    """Return what is wrong in a message of its own form: small letter, no period."""
    text = str(problem).rstrip(".")
    return text if text[:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """Yield the lines, None for one that is too long."""
    while line := stream.readline(_MOST_BYTES + 1):
        if len(line) <= _MOST_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_MOST_BYTES)
        yield None


def _flow(line: bytes, records: FlowRecords) -> SeenFlow | None:
    """Return the flow that a line tells of, or count why it tells of none."""
    exported = _EXPORTED.decode(line)
    flow = exported.flow
    if flow is None:
        if exported.lost_events is not None:
            records.lost += exported.lost_events.num_events_lost or 0
        if exported.lost_events is not None or exported.is_other:
            records.not_counted[NotCounted.OTHER_EVENT] += 1
            return None
        flow = _flow_alone(line)
    records.note_time(flow.time or "")
    seen = _meaning(flow)
    if isinstance(seen, NotCounted):
        records.not_counted[seen] += 1
        return None
    records.counted += 1
    return seen


def _flow_alone(line: bytes) -> _Flow:
    """Return a flow that stands alone, or in the columns of a table."""
    fields = _ANYTHING.decode(line)
    if "Verdict" in fields or "SourcePodName" in fields:
        return _of_columns(fields)
    if "verdict" in fields or "IP" in fields:
        return _ALONE.decode(line)
    raise msgspec.ValidationError(
        f"it has neither `flow` nor `verdict` nor `Verdict`, but {shown(', '.join(fields))}"
    )


def _of_columns(row: dict[str, Any]) -> _Flow:
    """Return a row of the table as a flow: the reverse of what fills the table."""
    more = _inner(row.get("AdditionalFlowData"))
    services = _inner(row.get("Service"))
    counts = {
        "ingress_flow_count": row.get("IngressFlowCount"),
        "egress_flow_count": row.get("EgressFlowCount"),
        "unknown_direction_flow_count": row.get("UnknownDirectionFlowCount"),
    }
    plain = {
        "time": row.get("TimeGenerated"),
        "verdict": row.get("Verdict"),
        "drop_reason_desc": row.get("DropReason"),
        "IP": _inner(row.get("IP")),
        "l4": _inner(row.get("Layer4")),
        "source": _end_of_columns(row, "Source", more),
        "destination": _end_of_columns(row, "Destination", more),
        "Type": row.get("FlowType"),
        "is_reply": None if row.get("Reply") in {None, ""} else row["Reply"],
        "destination_service": {"name": services.get("DestinationService")},
        "extensions": counts,
        "traffic_direction": row.get("TrafficDirection"),
        "trace_observation_point": row.get("TraceObservationPoint"),
    }
    return _ALONE.decode(msgspec.json.encode(plain))


def _end_of_columns(row: dict[str, Any], side: str, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "identity": row.get(f"{side}Identity") or None,
        "namespace": row.get(f"{side}Namespace"),
        "pod_name": row.get(f"{side}PodName"),
        "labels": more.get(f"{side}Labels"),
        "workloads": _inner_list(row.get(f"{side}Workloads")),
    }


def _inner(value: Any) -> dict[str, Any]:
    """Return a column that holds an object, as text or as it is; empty is an empty one."""
    if isinstance(value, str) and value:
        return _ANYTHING.decode(value)
    return value if isinstance(value, dict) else {}


def _inner_list(value: Any) -> list[Any]:
    found = msgspec.json.decode(value) if isinstance(value, str) and value else value
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


_PASSED: Final = frozenset({"FORWARDED", "REDIRECTED", "AUDIT"})
"""What passed: on its way, to a proxy, or although a policy would have denied it."""

_BY_POLICY: Final = frozenset({"POLICY_DENIED", "POLICY_DENY", "POLICY DENIED"})


def _meaning(flow: _Flow) -> SeenFlow | NotCounted:
    verdict = flow.verdict or ""
    if flow.type == "SOCK" or verdict not in _PASSED | {"DROPPED"}:
        return NotCounted.NO_VERDICT
    ports = _ports(flow.l4)
    if ports is None:
        return NotCounted.NO_PORT
    protocol, client_port, server_port, flags = ports
    if verdict == "DROPPED":
        is_by_policy = (flow.drop_reason_desc or "").upper() in _BY_POLICY and flow.type != "L7"
        is_reply = False if is_by_policy and not (flags and flags.syn and flags.ack) else None
        if is_reply is None:
            return NotCounted.OTHER_DROP
    else:
        is_reply = _is_reply(flow, protocol, flags)
    if is_reply is None:
        return NotCounted.NO_DIRECTION
    if not is_reply and _is_before_service(flow):
        return NotCounted.BEFORE_SERVICE
    return _seen(flow, protocol, client_port if is_reply else server_port, is_reply=is_reply)


def _seen(
    flow: _Flow, protocol: IpProtocol, port: int | None, *, is_reply: bool
) -> SeenFlow | NotCounted:
    if protocol is not IpProtocol.OTHER and not port:
        return NotCounted.NO_PORT
    addresses = flow.ip or _Addresses()
    ends = (
        _seen_end(bytes(flow.source), addresses.source),
        _seen_end(bytes(flow.destination), addresses.destination),
    )
    source, destination = reversed(ends) if is_reply else ends
    fate = _fate(flow, ends[1], is_reply=is_reply)
    times = max(flow.extensions.total if flow.extensions else 0, 1)
    return SeenFlow(source, destination, protocol, port or 0, fate, times)


def _fate(flow: _Flow, destination: SeenEnd, *, is_reply: bool) -> Fate:
    if flow.verdict == "DROPPED":
        return Fate.DENIED
    arrived = flow.trace_observation_point == "TO_ENDPOINT"
    outside = not destination.namespace and bool(destination.reserved)
    ended = is_reply or arrived or outside or flow.type == "L7"
    return Fate.PASSED if ended or flow.traffic_direction == "INGRESS" else Fate.LEFT


def _is_reply(flow: _Flow, protocol: IpProtocol, flags: _Flags | None) -> bool | None:
    """Return whether a record is of a reply, None where that is not known."""
    if flow.is_reply is not None:
        return flow.is_reply
    if flow.reply:
        return True
    if protocol is IpProtocol.TCP and flags is not None and flags.syn:
        return flags.ack
    return None


def _is_before_service(flow: _Flow) -> bool:
    named = flow.destination_service is not None and bool(flow.destination_service.name)
    return named and not (_END.decode(flow.destination) or _End()).pod_name


def _ports(
    layer: _Layer4 | None,
) -> tuple[IpProtocol, int | None, int | None, _Flags | None] | None:
    """Return the protocol, the ports of source and destination, and the flags."""
    if layer is None:
        return None
    for protocol, each in (
        (IpProtocol.TCP, layer.tcp),
        (IpProtocol.UDP, layer.udp),
        (IpProtocol.SCTP, layer.sctp),
    ):
        if each is not None:
            return protocol, each.source_port, each.destination_port, each.flags
    if layer.icmp4 is not None or layer.icmp6 is not None:
        return IpProtocol.OTHER, None, None, None
    return None


_LOCAL_IDENTITY: Final = 1 << 24
_SCOPES: Final = {1: "world", 2: "remote-node"}
"""What identities are that only one node knows, by their highest bits: address ranges, nodes.

https://github.com/cilium/cilium/blob/main/pkg/identity/numericidentity.go
"""
_MOST_ENDS: Final = 65_536
_KEYS: Final = ("k8s:", "container:", "unspec:", "any:")


@lru_cache(maxsize=_MOST_ENDS)
def _seen_end(written: bytes, address: str | None) -> SeenEnd:
    """Return an end by what the record says of it; few ends are in millions of records."""
    end = _END.decode(written) or _End()
    controller = end.workloads[0] if end.workloads else _Controller()
    plain, reserved = list[tuple[str, str]](), set[str]()
    for text in end.labels or ():
        source, _, rest = text.partition(":")
        if source == "reserved":
            reserved.add(rest)
        elif not rest.startswith("io.kubernetes.pod.") and "io.cilium.k8s." not in text:
            kept = rest if f"{source}:" in _KEYS else text
            key, _, value = kept.partition("=")
            plain.append((key, value))
    if not end.namespace and not reserved and end.identity:
        number = end.identity
        word = RESERVED.get(number) or _SCOPES.get(number // _LOCAL_IDENTITY)
        reserved |= {word} if word else set()
    return SeenEnd(
        "" if end.namespace else address or "",
        end.namespace or "",
        end.pod_name or "",
        controller.name or "",
        controller.kind or "",
        tuple(sorted(plain)),
        frozenset(reserved),
    )
