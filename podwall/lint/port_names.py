"""Port names of egress rules that an engine replaces by their number in the whole cluster.

It skips a name with several numbers, and opens a single one on every peer of the rule: whether
that peer calls a port so or not. Both are asked of what the analysis itself reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from podwall.lint.context import Diagnostic, Lint, LintContext, PortAt
from podwall.model import IpPeer, IpProtocol, PodPeer, SnapshotWorkload, Unknown
from podwall.policies.errors import Severity
from podwall.policies.rules import Direction
from podwall.reachability.port_rules import NamedPorts, seen_names
from podwall.reachability.values import Bounds

__all__ = ["PORT_NAME_LINTS"]


DOC: Final = "https://github.com/cilium/cilium/issues/30003"


class ReplacedName(NamedTuple):
    """A port name in an egress rule, and what the engine reads instead of it."""

    found: PortAt
    name: str
    protocol: IpProtocol
    instead: Bounds


def _skipped(context: LintContext) -> Iterator[Diagnostic]:
    for each in _replaced(context):
        if not each.instead.may:
            yield Diagnostic(
                each.found.place,
                f"{context.engine.title} skips the port: its name `{each.name}` stands for several "
                f"numbers in the cluster: {_numbers(context, each)}",
            )


def _opened(context: LintContext) -> Iterator[Diagnostic]:
    for each in _replaced(context):
        others = _others(context, each)
        if each.instead.must and others:
            yield Diagnostic(
                each.found.place,
                f"{context.engine.title} opens {each.instead.must} instead of the name "
                f"`{each.name}`, also to {others}",
            )


def _replaced(context: LintContext) -> Iterator[ReplacedName]:
    if not context.engine.enforces:
        return
    reader = context.reachability.cluster.ports
    for found in context.ports:
        name, protocol = found.port.port, found.port.protocol
        if found.at.direction is not Direction.EGRESS or not isinstance(name, str):
            continue
        if isinstance(protocol, IpProtocol):
            instead = reader.instead_of(name, protocol)
            if instead is not None:
                yield ReplacedName(found, name, protocol, instead)


def _numbers(context: LintContext, each: ReplacedName) -> str:
    """Return the numbers of a name, each with a pod that has it."""
    having: defaultdict[int, list[int]] = defaultdict(list)
    for number, workload in enumerate(context.snapshot.workloads):
        if workload.host_network is not True:
            for port in _seen(context, workload).ports:
                if (port.name, port.protocol) == (each.name, each.protocol):
                    having[port.number].append(number)
    return ", ".join(
        f"{number} in {context.pods.names(having[number], most=1)}" for number in sorted(having)
    )


def _seen(context: LintContext, workload: SnapshotWorkload) -> NamedPorts:
    return seen_names(context.engine, NamedPorts(workload.ports, workload.open_ports))


def _others(context: LintContext, each: ReplacedName) -> str:
    """Return who else gets the port than those who call one so, in words; mostly nobody."""
    peers = each.found.at.rule.peers
    if isinstance(peers, Unknown):
        return ""
    outside = peers is None or any(isinstance(peer, IpPeer) for peer in peers)
    pods = context.pods.names(_without_name(context, each))
    words = ["addresses outside of the cluster"] if outside else []
    return " and ".join([*words, *([pods] if pods else [])])


def _without_name(context: LintContext, each: ReplacedName) -> Iterator[int]:
    """Yield the pods that a rule certainly means, and that do not call the port so."""
    for number in sorted(_meant(context, each.found)):
        workload = context.snapshot.workloads[number]
        named = _seen(context, workload).resolve(each.name, each.protocol).may
        if workload.host_network is False and not named & each.instead.must:
            yield number


def _meant(context: LintContext, found: PortAt) -> frozenset[int]:
    peers = found.at.rule.peers
    if not isinstance(peers, tuple):
        return frozenset(range(len(context.snapshot.workloads)))
    pods = (peer for peer in peers if isinstance(peer, PodPeer))
    return frozenset().union(*(context.pods.of_peer(found.at.policy, each).must for each in pods))


PORT_NAME_LINTS: Final = (
    Lint(
        "engine-skips-rule",
        Severity.ERROR,
        _skipped,
        "write port numbers in egress rules",
        DOC,
    ),
    Lint(
        "engine-opens-number",
        Severity.WARNING,
        _opened,
        "write the port's number, or name only peers that have the port name",
        DOC,
    ),
)
