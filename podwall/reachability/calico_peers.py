"""Whom the selectors and networks of Calico's rules mean, as peers of rules with tiers.

How it works: a selector is written as the ways in which it holds, each of which is a selector of
Kubernetes (see `calico_labels` for single tests).

What asks for labels and addresses together is certain where the addresses are those of all pods, or
of none. What is said otherwise is perhaps.
https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#entityrule
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from podwall.calico import (
    EVERYTHING,
    OUTSIDE_OF_NAMESPACES,
    AllOf,
    AnyOf,
    CalicoEnd,
    CalicoPolicy,
    CalicoSet,
    Expression,
    LabelTest,
    Not,
    alternatives,
    holds,
)
from podwall.model import (
    EMPTY_SELECTOR,
    EntityPeer,
    IpNetwork,
    IpPeer,
    Operator,
    Peer,
    PodPeer,
    PortRule,
    Selector,
    SelectorRequirement,
    Service,
    Snapshot,
    Unknown,
)
from podwall.policies.addresses import is_strictly_inside
from podwall.policies.rules import METADATA_NAME
from podwall.reachability.engine_labels import (
    CALICO_NAME,
    CALICO_NAMESPACE,
    OF_NAMESPACE,
    TextLabels,
    label_of,
)
from podwall.reachability.matching import FAMILIES, Match, address_bounds, block_ranges

__all__ = ["CalicoPeers", "Meant", "perhaps"]

Meant = tuple[Peer, ...] | None
"""Whom a rule means; None is everyone."""

_Ports = tuple[PortRule | Unknown, ...] | None


def perhaps(peers: Meant, why: Unknown) -> tuple[Peer, ...]:
    """Return peers of which it is not known whether they are meant."""
    if peers is None:
        return (why,)
    return tuple(
        replace(each, pods=replace(each.pods, unknown=why)) if isinstance(each, PodPeer) else why
        for each in peers
    )


class CalicoPeers:
    """Whom rules mean in one cluster."""

    def __init__(self, snapshot: Snapshot, sets: Sequence[CalicoSet]) -> None:
        """Take what the answers depend on."""
        self._snapshot = snapshot
        self._sets = sets
        self._spaces = {each.name: dict(each.labels.items) for each in snapshot.namespaces}
        self._texts = TextLabels(snapshot)
        versions = {each.version for each in snapshot.pod_cidrs} | set[int]()
        versions = versions or set(snapshot.ip_families)
        self._families = tuple(
            each for each in FAMILIES if not versions or each.version in versions
        )
        self._pods_at = address_bounds(snapshot.pod_cidrs, self._families)

    def subjects(self, policy: CalicoPolicy, own: CalicoEnd) -> tuple[PodPeer, ...]:
        """Return the pods that a policy is about, as one or several selectors.

        `own` is what a rule asks of the policy's own pods.
        """
        spaces = policy.namespaces if policy.namespace is None else _named(policy.namespace)
        if own.is_anyone:
            return tuple(self._pods(policy.selector, spaces))
        wanted = AllOf((policy.selector, _wanted(own)))
        there = AllOf((spaces, self._spaces_of(policy, own) or EVERYTHING))
        return tuple(self._by_address(own, self._pods(wanted, there)))

    def of(self, policy: CalicoPolicy, end: CalicoEnd, version: int | None) -> Meant:
        """Return whom the source or the destination of a rule means."""
        if end.service is not None:
            return self._backends(end.service)
        selectors = (end.selector, end.not_selector, end.namespaces, end.accounts)
        if any(each is not None for each in selectors):
            return self._of_version(tuple(self._selected(policy, end)), version)
        blocks = _blocks(end.nets, end.not_nets)
        if version is None or blocks is not None:
            return self._of_version(blocks, version)
        inside = self._is_of(version)
        name = f"everyone by IPv{version}"
        return (EntityPeer(name, inside, inside, ipv4=version == _V4, ipv6=version == _V6),)

    def ports(self, end: CalicoEnd) -> _Ports:
        """Return the ports that the endpoints of a service have as a destination."""
        assert end.service is not None
        service = self._service(end.service)
        if service is None or service.selector is None:
            return None
        return tuple(PortRule(each.protocol, each.target) for each in service.ports)

    def _service(self, key: tuple[str, str]) -> Service | None:
        found = [each for each in self._snapshot.services if (each.namespace, each.name) == key]
        return found[-1] if found else None

    def _backends(self, key: tuple[str, str]) -> Meant:
        """Return the pods behind a service; those on the network of nodes only perhaps."""
        namespace, name = key
        service = self._service(key)
        if service is None and self._snapshot.complete:
            return ()
        if service is None or service.selector is None:
            return (Unknown(f"the endpoints of service `{namespace}/{name}` are not written"),)
        pods = PodPeer(service.selector, _space_selector(namespace))
        on_hosts = [
            each for each in self._snapshot.workloads
            if each.namespace == namespace and each.host_network is not False
        ]  # fmt: skip
        if not on_hosts:
            return (pods,)
        why = Unknown(f"which nodes are endpoints of service `{namespace}/{name}`")
        return (pods, EntityPeer(f"nodes behind `{namespace}/{name}`", nodes=why))

    def _is_of(self, version: int) -> bool | Unknown:
        """Return whether pods are reached by one version of IP, and not by the other one too."""
        versions = {each.version for each in self._families}
        if version not in versions:
            return False
        both = Unknown(f"a rule is only for connections by IPv{version}")
        return True if versions == {version} else both

    def _of_version(self, peers: Meant, version: int | None) -> Meant:
        """Return those of some peers that connections by one version of IP come from."""
        if version is None or peers is None:
            return peers
        inside = self._is_of(version)
        found: list[Peer] = []
        for each in peers:
            match each:
                case PodPeer() if isinstance(inside, Unknown):
                    found += perhaps((each,), inside)
                case PodPeer() if not inside:
                    pass
                case IpPeer(network) if network.version != version:
                    pass
                case EntityPeer():
                    found.append(
                        replace(
                            each,
                            nodes=_both(each.nodes, inside),
                            ipv4=each.ipv4 if version == _V4 else False,
                            ipv6=each.ipv6 if version == _V6 else False,
                        )
                    )
                case _:
                    found.append(each)
        return tuple(found)

    def _spaces_of(self, policy: CalicoPolicy, end: CalicoEnd) -> Expression | None:
        """Return what an end asks of namespaces; the own one, if it asks for labels alone."""
        if end.namespaces is not None or policy.namespace is None:
            return end.namespaces
        labels = (end.selector, end.not_selector, end.accounts)
        return _named(policy.namespace) if any(each is not None for each in labels) else None

    def _selected(self, policy: CalicoPolicy, end: CalicoEnd) -> Iterator[Peer]:
        wanted, spaces = _wanted(end), self._spaces_of(policy, end)
        by_labels = (spaces, end.selector, end.accounts)
        left_out = end.not_selector is not None and all(each is None for each in by_labels)
        gaps = tuple(self._left_out(end)) if left_out else ()
        if spaces != OUTSIDE_OF_NAMESPACES:
            pods = self._pods(wanted, spaces or EVERYTHING)
            yield from self._beside(gaps, self._by_address(end, pods))
        for each in self._sets:
            if self._is_chosen(each, wanted, spaces):
                yield from _within(each.nets, end)
        if left_out:
            yield from self._everything_else(end, gaps)

    def _by_address(self, end: CalicoEnd, pods: Iterable[PodPeer]) -> Iterator[PodPeer]:
        """Yield selectors of pods, as far as their addresses are among those asked for."""
        blocks = _blocks(end.nets, end.not_nets)
        if blocks is None:
            yield from pods
            return
        match = self._where(tuple(each for each in blocks if isinstance(each, IpPeer)))
        if match is Match.NO:
            return
        why = Unknown("a rule asks for addresses beside labels, and where pods are is not known")
        for each in pods:
            yield each if match is Match.YES else replace(each, pods=_doubted(each.pods, why))

    def _where(self, blocks: tuple[IpPeer, ...]) -> Match:
        """Return whether all pods have addresses in some blocks, or may have, or none has."""
        return self._pods_at.within(block_ranges(blocks))

    def _left_out(self, end: CalicoEnd) -> Iterator[CalicoSet]:
        """Yield the sets that a `notSelector` means; what is in them is left out by address."""
        assert end.not_selector is not None
        for each in self._sets:
            if self._is_chosen(each, end.not_selector, None):
                yield each

    def _beside(self, gaps: Sequence[CalicoSet], pods: Iterable[PodPeer]) -> Iterator[PodPeer]:
        """Yield pods without those whose addresses a set has that is left out."""
        blocks = tuple(IpPeer(net) for each in gaps for net in each.nets)
        match = self._where(blocks) if blocks else Match.NO
        if match is Match.YES:
            return
        for each in pods:
            why = Unknown(f"a rule leaves out the networks of `{gaps[0].name}`") if gaps else None
            doubt = why if match is Match.MAYBE else None
            yield each if doubt is None else replace(each, pods=_doubted(each.pods, doubt))

    def _is_chosen(self, each: CalicoSet, wanted: Expression, spaces: Expression | None) -> bool:
        """Return whether a set has labels that are asked for, its namespace's among them."""
        if each.namespace is None:
            return (spaces is None or _holds_outside(spaces)) and holds(wanted, dict(each.labels))
        there = {**self._spaces.get(each.namespace, {}), METADATA_NAME: each.namespace}
        known = {key: value for key, value in there.items() if isinstance(value, str)}
        named = {**known, CALICO_NAME: each.namespace}
        own = {**{f"{OF_NAMESPACE}{key}": value for key, value in named.items()},
               **dict(each.labels), CALICO_NAMESPACE: each.namespace}  # fmt: skip
        inside = spaces is None or (spaces != OUTSIDE_OF_NAMESPACES and holds(spaces, named))
        return inside and holds(wanted, own)

    def _everything_else(self, end: CalicoEnd, gaps: Sequence[CalicoSet]) -> Iterator[Peer]:
        """Yield what is no pod, of which a `notSelector` alone leaves out nothing but sets."""
        meant: bool | Unknown = True
        if gaps:
            meant = Unknown(f"a rule leaves out the networks of `{gaps[0].name}`")
        if end.nets or end.not_nets:
            meant = Unknown("a rule asks for addresses beside labels")
        yield EntityPeer("everything that is no pod", False, meant, meant, meant)

    def _pods(self, pods: Expression, spaces: Expression) -> Iterator[PodPeer]:
        """Yield selectors of pods and namespaces which together mean what two expressions mean."""
        of_pods, of_spaces = alternatives(pods), alternatives(spaces)
        if of_pods is None or of_spaces is None:
            yield _doubtful("a selector holds in too many ways")
            return
        for way in of_pods:
            for space in of_spaces:
                found = self._pod_peer(way, space)
                if found is not None:
                    yield found

    def _pod_peer(
        self, way: Iterable[tuple[Expression, bool]], space: Iterable[tuple[Expression, bool]]
    ) -> PodPeer | None:
        """Return the pods of one way in which two expressions hold; None if no pod can be."""
        own: list[SelectorRequirement] = []
        theirs: list[SelectorRequirement] = []
        unknown = None
        tests = [*((each, True, wanted) for each, wanted in way),
                 *((each, False, wanted) for each, wanted in space)]  # fmt: skip
        for test, is_pods, wanted in tests:
            if not isinstance(test, LabelTest):
                if wanted:
                    return None
                continue
            if is_pods and test.key == _ORCHESTRATOR:
                if holds(test, {_ORCHESTRATOR: "k8s"}) is not wanted:
                    return None
                continue
            key, of_space = label_of(test.key, is_pods=is_pods)
            made = self._texts.requirement(replace(test, key=key), of_space=of_space, wanted=wanted)
            if isinstance(made, Unknown):
                unknown = made
            else:
                (theirs if of_space else own).append(made)
        return PodPeer(Selector(tuple(own), unknown), Selector(tuple(theirs)))


_V4: Final = 4
_V6: Final = 6
_ORCHESTRATOR: Final = "projectcalico.org/orchestrator"


def _both(one: bool | Unknown, other: bool | Unknown) -> bool | Unknown:  # noqa: FBT001 - answers
    """Return whether two things are so."""
    if one is False or other is False:
        return False
    return one if isinstance(one, Unknown) else other


def _named(namespace: str) -> Expression:
    return LabelTest(METADATA_NAME, "in", (namespace,))


def _space_selector(namespace: str) -> Selector:
    return Selector((SelectorRequirement(METADATA_NAME, Operator.IN, (namespace,)),))


def _wanted(end: CalicoEnd) -> Expression:
    """Return what an end asks of labels."""
    parts = [each for each in (end.accounts, end.selector) if each is not None]
    return AllOf((*parts, Not(end.not_selector)) if end.not_selector is not None else tuple(parts))


def _doubted(selector: Selector, why: Unknown) -> Selector:
    return replace(selector, unknown=selector.unknown or why)


def _doubtful(cause: str) -> PodPeer:
    return PodPeer(Selector((), Unknown(cause)), EMPTY_SELECTOR)


def _holds_outside(spaces: Expression) -> bool:
    """Return whether a selector of namespaces holds for what is in none, and has no such labels.

    `all()` is all that is in a namespace.
    """
    match spaces:
        case Not(part):
            return not _holds_outside(part)
        case AllOf(parts):
            return bool(parts) and all(map(_holds_outside, parts))
        case AnyOf(parts):
            return any(map(_holds_outside, parts))
        case LabelTest():
            return holds(spaces, {})
        case _:
            return True


def _blocks(nets: Iterable[IpNetwork], left_out: Iterable[IpNetwork]) -> Meant:
    """Return addresses, those of pods and nodes included; None is everyone."""
    listed, gaps = tuple(nets), tuple(left_out)
    if not listed and not gaps:
        return None
    return tuple(
        IpPeer(net, tuple(each for each in gaps if is_strictly_inside(each, net)))
        for net in listed or FAMILIES
        if not any(each == net or is_strictly_inside(net, each) for each in gaps)
    )


def _within(nets: Iterable[IpNetwork], end: CalicoEnd) -> Iterator[IpPeer]:
    """Yield the networks of a set, as far as an end asks for addresses beside labels."""
    asked = _blocks(end.nets, end.not_nets)
    for net in nets:
        for block in (IpPeer(net),) if asked is None else asked:
            if not isinstance(block, IpPeer):
                continue
            same = block.network == net
            if same or is_strictly_inside(block.network, net):
                yield block
            elif is_strictly_inside(net, block.network):
                cut = block.exceptions
                if not any(each == net or is_strictly_inside(net, each) for each in cut):
                    yield IpPeer(net, tuple(e for e in cut if is_strictly_inside(e, net)))
