"""Why one flow passes or does not, from the replay of its pair: every rule, and the nearest miss.

The nearest miss of a rule is the least that would have to be different for it to match.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Final

from podwall.explain.tiers import (
    TierExplanation,
    tier_explanations,
    tier_lines,
    tier_reason,
)
from podwall.explain.wording import blocks_text, peer_conditions, peer_text, ports_text
from podwall.model import (
    NETWORK_POLICY,
    EntityPeer,
    IpPeer,
    IpProtocol,
    PodPeer,
    Policy,
    Rule,
    Unknown,
)
from podwall.policies.errors import Place
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability import Reachability
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.matching import Match, host_match
from podwall.reachability.replay import (
    PeerReplay,
    PolicyReplay,
    RuleReplay,
    SideReplay,
    namespaces_of,
)
from podwall.reachability.values import (
    AnyEndpoint,
    Bounds,
    ExternalRange,
    Undetermined,
    UnseenPods,
    Verdict,
    WorkloadEndpoint,
)

__all__ = [
    "Explanation",
    "ExplanationNote",
    "PolicyExplanation",
    "RuleExplanation",
    "SideExplanation",
    "explain",
    "explain_ports",
    "peer_miss",
    "port_miss",
]


@dataclass(frozen=True, slots=True)
class ExplanationNote:
    """Something that holds beside the policies: an exemption or a trait of the engine.

    `when` is `always`, or `perhaps` where it depends on something that is not known.
    """

    says: str
    link: str
    when: str = "always"


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """One rule: where it stands, what of the asked ports it allows here, and why.

    `why` says what matched, or the nearest miss: the least that would have to be different.
    """

    place: Place
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class PolicyExplanation:
    """A policy that isolates the pod: the verdict of its rules together, and each rule."""

    policy: Policy
    selects: Match
    verdict: Verdict
    why: str
    rules: tuple[RuleExplanation, ...]

    @property
    def name(self) -> str:
        """The policy as `namespace/name`."""
        return self.policy.full_name

    @property
    def title(self) -> str:
        """The policy with where it is written, if that is known: `policy shop/web (a.yaml:3)`."""
        where = str(self.policy.place)
        named = f"policy {self.name}" if self.policy.kind == NETWORK_POLICY else self.name
        return f"{named}{where and f' ({where})'}"


@dataclass(frozen=True, slots=True)
class SideExplanation:
    """One end of the flow: the rules of `subject` in one direction.

    `why` says in a sentence why this end lets the flow pass, or does not.
    """

    direction: Direction
    subject: AnyEndpoint
    verdict: Verdict
    why: str
    policies: tuple[PolicyExplanation, ...]
    exemptions: tuple[ExplanationNote, ...]
    tiers: tuple[TierExplanation, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict on a flow, both ends, and what else is to be known.

    Asked about several ports at once, the verdict is `allowed` if some of them are, and `allowed`
    and `undetermined` are the ports. `notes` are what the engine adds to the rules.
    """

    source: AnyEndpoint
    destination: AnyEndpoint
    asked: PortSet
    verdict: Verdict
    allowed: PortSet
    undetermined: tuple[Undetermined, ...]
    egress: SideExplanation
    ingress: SideExplanation
    notes: tuple[ExplanationNote, ...]

    @property
    def sides(self) -> tuple[SideExplanation, SideExplanation]:
        """Egress of the source, then ingress of the destination."""
        return self.egress, self.ingress

    def lines(self) -> Iterator[str]:
        """Yield the explanation as lines of plain text, indented by two spaces for each level."""
        yield f"{self.source.id} -> {self.destination.id} on {self.asked}: {self.verdict}"
        for part in self.undetermined:
            yield f"  {part.ports} undetermined: {part.because}"
        for side in self.sides:
            yield from (f"  {line}" for line in _side_lines(side))
        for note in self.notes:
            yield f"  note: {note.says} ({note.link})"

    def __str__(self) -> str:
        """Write all lines."""
        return "\n".join(self.lines())


def _side_lines(side: SideExplanation) -> Iterator[str]:
    yield f"{side.direction.field} of {side.subject.id}: {side.verdict}, {side.why}"
    yield from (f"  {line}" for line in tier_lines(side.tiers, first=True))
    for policy in side.policies:
        yield f"  {policy.title}: {policy.verdict}, {policy.why}"
        yield from (f"    {rule.place.path}: {rule.verdict}, {rule.why}" for rule in policy.rules)
    yield from (f"  {line}" for line in tier_lines(side.tiers, first=False))
    for exemption in side.exemptions:
        yield f"  {exemption.when}: {exemption.says} ({exemption.link})"


Miss = tuple[int, str]
"""How many conditions fail, and the sentence."""

_FAR: Final = 8
"""As many failing conditions does it count that a peer can't match an end of this kind at all."""
_FARTHEST: Final = 9
"""As many does it count that ip blocks do not mean a pod: people write them for the outside."""


def peer_miss(
    cluster: EnforcedCluster, policy: Policy, rule: RuleReplay, other: AnyEndpoint
) -> str:
    """Return why no peer of a rule is the other endpoint: the nearest, and of such the first."""
    missing = (_peer_miss(cluster, policy, each, other) for each in rule.peers)
    return min(missing, key=itemgetter(0), default=(0, "it names no peer"))[1]


def _peer_miss(
    cluster: EnforcedCluster, policy: Policy, replay: PeerReplay, other: AnyEndpoint
) -> Miss:
    peer = replay.peer
    if isinstance(peer, tuple):
        distance = 1 if isinstance(other, ExternalRange) else _FARTHEST
        return distance, _block_miss(cluster, peer, other)
    if isinstance(peer, EntityPeer):
        return _FAR, f"it speaks of {peer.name}"
    if isinstance(other, ExternalRange):
        return _FAR, "it speaks of pods, and the other end is outside the cluster"
    assert isinstance(peer, PodPeer)
    pods = other if isinstance(other, UnseenPods) else other.workload
    if isinstance(other, WorkloadEndpoint) and host_match(other.workload) is Match.YES:
        return _FAR, "no selector matches a pod on the host network: to policies it is a node"
    failing = [
        each.words
        for each in peer_conditions(policy, peer)
        if each.match(cluster, pods) is Match.NO
    ]
    return len(failing), f"it would match if {' and '.join(failing)}"


def _block_miss(cluster: EnforcedCluster, blocks: tuple[IpPeer, ...], other: AnyEndpoint) -> str:
    written = blocks_text(blocks)
    if isinstance(other, ExternalRange):
        return f"it speaks of {written}"
    engine = cluster.engine
    on_host = isinstance(other, WorkloadEndpoint) and host_match(other.workload) is Match.YES
    fact = engine.nodes_by_block if on_host else engine.pods_by_block
    return f"it speaks of {written}, and {fact.says}"


def port_miss(rule: Rule | Unknown, allowed: PortSet, asked: PortSet) -> str:
    """Return why a rule whose peers match does not allow the asked ports."""
    ports = None if isinstance(rule, Unknown) else rule.ports
    written = ports_text(ports)
    same = written == str(allowed).replace(";", ",")
    meaning = "" if same else f" (here {allowed})"
    return f"it allows {written}{meaning}, not {asked}"


_ITSELF = ExplanationNote(
    "a pod always reaches itself on its own address",
    "https://github.com/kubernetes/kubernetes/issues/95879",
)


def explain(
    reachability: Reachability,
    source: str,
    destination: str,
    protocol: IpProtocol | None = None,
    port: int | None = None,
) -> Explanation:
    """Return why a flow passes, or does not.

    Args:
        reachability: the analysis that gave the verdict.
        source: the id of the endpoint that connects.
        destination: the id of the endpoint that is connected to.
        protocol: None asks about all of them.
        port: None asks about every port of the protocol.

    Raises:
        InvalidValue: there is no such endpoint or port.
    """
    return explain_ports(reachability, source, destination, _asked(protocol, port))


def explain_ports(
    reachability: Reachability, source: str, destination: str, asked: PortSet
) -> Explanation:
    """Return why flows on any of the asked ports pass, or do not.

    Raises:
        InvalidValue: there is no such endpoint.
    """
    connection = reachability.connection(source, destination)
    replay = reachability.replay(source, destination)
    explainer = _Explainer(reachability.cluster, asked)
    undetermined = tuple(
        Undetermined(part.ports & asked, part.because)
        for part in connection.undetermined
        if part.ports & asked
    )
    allowed = connection.allowed & asked
    return Explanation(
        source=connection.source,
        destination=connection.destination,
        asked=asked,
        verdict=_verdict(allowed, undetermined),
        allowed=allowed,
        undetermined=undetermined,
        egress=explainer.side(replay.egress, connection.destination),
        ingress=explainer.side(replay.ingress, connection.source),
        notes=tuple(_notes(reachability, connection.source, connection.destination)),
    )


def _asked(protocol: IpProtocol | None, port: int | None) -> PortSet:
    if protocol is None:
        return ALL_PORTS if port is None else PortSet.of(IpProtocol.TCP, port)
    if port is None or protocol is IpProtocol.OTHER:
        return PortSet.all_of(protocol)
    return PortSet.of(protocol, port)


def _verdict(allowed: PortSet, undetermined: object) -> Verdict:
    if allowed:
        return Verdict.ALLOWED
    return Verdict.UNDETERMINED if undetermined else Verdict.DENIED


def _notes(
    reachability: Reachability, source: AnyEndpoint, destination: AnyEndpoint
) -> Iterator[ExplanationNote]:
    """Yield what holds for the pair whatever the policies say."""
    engine = reachability.engine
    if not engine.enforces:
        yield ExplanationNote(engine.pods_by_block.says, engine.pods_by_block.link)
    if source == destination and isinstance(source, WorkloadEndpoint):
        yield _ITSELF


class _Explainer:
    """Explains the sides of one flow."""

    def __init__(self, cluster: EnforcedCluster, asked: PortSet) -> None:
        self._cluster = cluster
        self._asked = asked

    def side(self, side: SideReplay, other: AnyEndpoint) -> SideExplanation:
        """Explain one side."""
        policies = tuple(self._policy(side, each, other) for each in side.policies)
        exemptions = (*self._exemptions(side), *self._hidden(side), *_unread(side))
        verdict = self._of(side.allowed)
        why = _side_reason(side, verdict, policies, self._asked)
        tiers = tier_explanations(self._cluster, side, self._asked, other)
        return SideExplanation(
            side.direction, side.subject, verdict, why, policies, exemptions, tiers
        )

    def _exemptions(self, side: SideReplay) -> Iterator[ExplanationNote]:
        """Yield what lets some of the asked ports pass whatever the policies say."""
        for each in side.exemptions:
            verdict = self._of(each.allowed)
            if verdict is not Verdict.DENIED:
                when = "always" if verdict is Verdict.ALLOWED else "perhaps"
                yield ExplanationNote(each.says, each.link, when)

    def _hidden(self, side: SideReplay) -> Iterator[ExplanationNote]:
        """Yield the services that keep some of the asked ports from being certain."""
        named = {each.says for each in side.exemptions}
        for each in side.hidden:
            if each.says not in named and each.allowed.may & self._asked:
                yield ExplanationNote(each.says, each.link, "perhaps")

    def _policy(
        self, side: SideReplay, replay: PolicyReplay, other: AnyEndpoint
    ) -> PolicyExplanation:
        rules = tuple(self._rule(side, replay.policy, each, other) for each in replay.rules)
        selects = replay.selects.match
        verb = "isolates" if selects is Match.YES else "may isolate"
        why = f"{verb} the pod for {side.direction.field}"
        if selects is Match.MAYBE:
            why += f" ({'; '.join(replay.selects.causes)})"
        if not rules:
            why += " and allows nothing"
        verdict = self._of(replay.allowed)
        return PolicyExplanation(replay.policy, selects, verdict, why, rules)

    def _rule(
        self, side: SideReplay, policy: Policy, rule: RuleReplay, other: AnyEndpoint
    ) -> RuleExplanation:
        written = "" if isinstance(rule.rule, Unknown) else rule.rule.written
        place = policy.place.at(written or f"spec.{side.direction.field}[{rule.index}]")
        verdict = self._of(rule.allowed)
        if verdict is Verdict.DENIED:
            return RuleExplanation(place, verdict, self._miss(policy, rule, other))
        why = _match(policy, rule)
        if verdict is Verdict.UNDETERMINED:
            why = f"perhaps {why} ({'; '.join(rule.allowed.causes)})"
        return RuleExplanation(place, verdict, why)

    def _miss(self, policy: Policy, rule: RuleReplay, other: AnyEndpoint) -> str:
        if rule.matches.match is Match.NO:
            return peer_miss(self._cluster, policy, rule, other)
        return port_miss(rule.rule, rule.ports.may, self._asked)

    def _of(self, bounds: Bounds) -> Verdict:
        must, may = bounds.must & self._asked, bounds.may & self._asked
        return _verdict(must, may - must)


def _unread(side: SideReplay) -> Iterator[ExplanationNote]:
    """Yield the policies that are not read and may decide otherwise."""
    for each in side.unread:
        yield ExplanationNote(each.cause, each.link, "perhaps")


def _side_reason(
    side: SideReplay, verdict: Verdict, policies: tuple[PolicyExplanation, ...], asked: PortSet
) -> str:
    if side.unread:
        return "it depends on what is not read"
    if side.tiers and verdict is Verdict.UNDETERMINED:
        return "it depends on what is not known"
    by_tier = tier_reason(side, verdict, asked)
    if by_tier or not side.policies:
        return by_tier or _not_isolated(side)
    return _policy_reason(verdict, policies)


def _policy_reason(verdict: Verdict, policies: tuple[PolicyExplanation, ...]) -> str:
    match verdict:
        case Verdict.ALLOWED if all(each.verdict is Verdict.DENIED for each in policies):
            return "it passes whatever the policies say"
        case Verdict.ALLOWED:
            return "a rule allows it"
        case Verdict.DENIED:
            return "it is isolated and no rule allows it"
        case Verdict.UNDETERMINED:
            return "it depends on what is not known"


def _not_isolated(side: SideReplay) -> str:
    subject = side.subject
    if isinstance(subject, ExternalRange):
        return "no policy isolates an address outside the cluster"
    if isinstance(subject, UnseenPods) and not namespaces_of(subject):
        return "their namespaces are not shown, nor is any policy there, so they count as open"
    return f"no policy isolates it for {side.direction.field}"


def _match(policy: Policy, rule: RuleReplay) -> str:
    """Return what a rule allows, in words."""
    if isinstance(rule.rule, Unknown):
        return f"it allows anything ({rule.rule.cause})"
    ports = ports_text(rule.rule.ports)
    if rule.rule.peers is None:
        return f"it allows everyone on {ports}"
    matching = next(each for each in rule.peers if each.answer.match is rule.matches.match)
    return f"it allows {peer_text(matching.peer, str(policy.namespace))} on {ports}"
