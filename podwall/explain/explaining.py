"""From the replay of a pair to the explanation of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.explain.explanation import (
    Explanation,
    Note,
    PolicyExplanation,
    RuleExplanation,
    SideExplanation,
)
from podwall.explain.misses import peer_miss, port_miss
from podwall.explain.wording import peer_text, ports_text
from podwall.model import Protocol, Unknown
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability.matching import Match
from podwall.reachability.values import Undetermined, Verdict, WorkloadEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Policy
    from podwall.reachability import Reachability
    from podwall.reachability.bounds import Bounds
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.replayed import PolicyReplay, RuleReplay, SideReplay
    from podwall.reachability.values import Endpoint

__all__ = ["explain", "explain_ports"]

_ITSELF = Note(
    "a pod always reaches itself on its own address",
    "https://github.com/kubernetes/kubernetes/issues/95879",
)


def explain(
    reachability: Reachability,
    source: str,
    destination: str,
    protocol: Protocol | None = None,
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


def _asked(protocol: Protocol | None, port: int | None) -> PortSet:
    if protocol is None:
        return ALL_PORTS if port is None else PortSet.of(Protocol.TCP, port)
    if port is None or protocol is Protocol.OTHER:
        return PortSet.all_of(protocol)
    return PortSet.of(protocol, port)


def _verdict(allowed: PortSet, undetermined: object) -> Verdict:
    if allowed:
        return Verdict.ALLOWED
    return Verdict.UNDETERMINED if undetermined else Verdict.DENIED


def _notes(reachability: Reachability, source: Endpoint, destination: Endpoint) -> Iterator[Note]:
    """Yield what holds for the pair whatever the policies say."""
    engine = reachability.engine
    if not engine.enforces:
        yield Note(engine.pods_by_block.says, engine.pods_by_block.link)
    if source == destination and isinstance(source, WorkloadEndpoint):
        yield _ITSELF


class _Explainer:
    """Explains the sides of one flow."""

    def __init__(self, cluster: Cluster, asked: PortSet) -> None:
        self._cluster = cluster
        self._asked = asked

    def side(self, side: SideReplay, other: Endpoint) -> SideExplanation:
        """Explain one side."""
        policies = tuple(self._policy(side, each, other) for each in side.policies)
        exemptions = tuple(self._exemptions(side))
        verdict = self._of(side.allowed)
        why = _side_reason(side, verdict, policies)
        return SideExplanation(side.direction, side.subject, verdict, why, policies, exemptions)

    def _exemptions(self, side: SideReplay) -> Iterator[Note]:
        """Yield what lets some of the asked ports pass whatever the policies say."""
        for each in side.exemptions:
            verdict = self._of(each.allowed)
            if verdict is not Verdict.DENIED:
                when = "always" if verdict is Verdict.ALLOWED else "perhaps"
                yield Note(each.says, each.link, when)

    def _policy(self, side: SideReplay, replay: PolicyReplay, other: Endpoint) -> PolicyExplanation:
        rules = tuple(self._rule(side, replay.policy, each, other) for each in replay.rules)
        selects = replay.selects.match
        verb = "isolates" if selects is Match.YES else "may isolate"
        why = f"{verb} the pod for {side.direction}"
        if selects is Match.MAYBE:
            why += f" ({'; '.join(replay.selects.causes)})"
        if not rules:
            why += " and allows nothing"
        verdict = self._of(replay.allowed)
        return PolicyExplanation(replay.policy, selects, verdict, why, rules)

    def _rule(
        self, side: SideReplay, policy: Policy, rule: RuleReplay, other: Endpoint
    ) -> RuleExplanation:
        place = policy.place.at(f"spec.{side.direction}[{rule.index}]")
        verdict = self._of(rule.allowed)
        if verdict is Verdict.DENIED:
            return RuleExplanation(place, verdict, self._miss(policy, rule, other))
        why = _match(policy, rule)
        if verdict is Verdict.UNDETERMINED:
            why = f"perhaps {why} ({'; '.join(rule.allowed.causes)})"
        return RuleExplanation(place, verdict, why)

    def _miss(self, policy: Policy, rule: RuleReplay, other: Endpoint) -> str:
        if rule.matches.match is Match.NO:
            return peer_miss(self._cluster, policy, rule, other)
        return port_miss(rule.rule, rule.ports.may, self._asked)

    def _of(self, bounds: Bounds) -> Verdict:
        must, may = bounds.must & self._asked, bounds.may & self._asked
        return _verdict(must, may - must)


def _side_reason(
    side: SideReplay, verdict: Verdict, policies: tuple[PolicyExplanation, ...]
) -> str:
    if not isinstance(side.subject, WorkloadEndpoint):
        return "no policy isolates an address outside the cluster"
    if not side.policies:
        return f"no policy isolates it for {side.direction}"
    match verdict:
        case Verdict.ALLOWED if all(each.verdict is Verdict.DENIED for each in policies):
            return "it passes whatever the policies say"
        case Verdict.ALLOWED:
            return "a rule allows it"
        case Verdict.DENIED:
            return "it is isolated and no rule allows it"
        case Verdict.UNDETERMINED:
            return "it depends on what is not known"


def _match(policy: Policy, rule: RuleReplay) -> str:
    """Return what a rule allows, in words."""
    if isinstance(rule.rule, Unknown):
        return f"it allows anything ({rule.rule.cause})"
    ports = ports_text(rule.rule.ports)
    if rule.rule.peers is None:
        return f"it allows everyone on {ports}"
    matching = next(each for each in rule.peers if each.answer.match is rule.matches.match)
    return f"it allows {peer_text(matching.peer, str(policy.namespace))} on {ports}"
