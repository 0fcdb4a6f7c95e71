"""What a lint is, and what it looks at: a snapshot, who can reach whom in it, and the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from podwall.engines import Engine
from podwall.lint.workload_index import WorkloadIndex
from podwall.model import Peer, Policy, PortRule, Rule, Snapshot
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.rules import Direction
from podwall.reachability import Reachability
from podwall.reachability.cluster import rules_of
from podwall.reachability.policy_reader import PolicyReader

__all__ = [
    "Diagnostic",
    "Lint",
    "LintContext",
    "PeerAt",
    "PortAt",
    "RuleAt",
    "quoted_name",
]


class RuleAt(NamedTuple):
    """A rule that is known, with its policy and its field path."""

    policy: Policy
    direction: Direction
    path: str
    rule: Rule

    @property
    def place(self) -> Place:
        """Where the rule is written."""
        return self.policy.place.at(self.path)


class PeerAt(NamedTuple):
    """A peer of a rule, with its place."""

    at: RuleAt
    place: Place
    peer: Peer


class PortAt(NamedTuple):
    """An entry of a rule's ports, with its place."""

    at: RuleAt
    place: Place
    port: PortRule


class LintContext:
    """A snapshot with its reachability, and ways to walk over its policies."""

    def __init__(self, reachability: Reachability) -> None:
        """Take what was analysed."""
        self.reachability = reachability
        self.snapshot: Snapshot = reachability.snapshot
        self.engine: Engine = reachability.engine

    @cached_property
    def pods(self) -> WorkloadIndex:
        """The workloads by namespace and labels."""
        return WorkloadIndex(self.snapshot)

    @cached_property
    def _endpoints(self) -> dict[int, str]:
        ids = {id(each.workload): each.id for each in self.reachability.workloads}
        workloads = enumerate(self.snapshot.workloads)
        return {number: ids[id(each)] for number, each in workloads if id(each) in ids}

    def endpoint(self, number: int) -> str | None:
        """Return the id under which a workload is an endpoint; None if another overwrites it."""
        return self._endpoints.get(number)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """The policies as the engine reads them, those too that it does not enforce."""
        reader = PolicyReader(self.engine, self.snapshot.kubernetes_version)
        return tuple(map(reader.policy, self.snapshot.policies))

    @cached_property
    def rules(self) -> tuple[RuleAt, ...]:
        """All rules that are known, of both directions."""
        return tuple(
            RuleAt(policy, direction, f"spec.{direction.field}[{index}]", rule)
            for policy in self.policies
            for direction in Direction
            for index, rule in enumerate(rules_of(policy, direction) or ())
            if isinstance(rule, Rule)
        )

    @cached_property
    def peers(self) -> tuple[PeerAt, ...]:
        """All peers that rules name."""
        return tuple(self._peers())

    @cached_property
    def ports(self) -> tuple[PortAt, ...]:
        """All ports that rules list, as far as they are known as entries."""
        return tuple(self._ports())

    def _peers(self) -> Iterator[PeerAt]:
        for at in self.rules:
            for index, peer in enumerate(at.rule.peers if isinstance(at.rule.peers, tuple) else ()):
                yield PeerAt(at, at.place.at(f"{at.direction.peers_field}[{index}]"), peer)

    def _ports(self) -> Iterator[PortAt]:
        for at in self.rules:
            for index, port in enumerate(at.rule.ports if isinstance(at.rule.ports, tuple) else ()):
                if isinstance(port, PortRule):
                    yield PortAt(at, at.place.at(f"ports[{index}]"), port)


def quoted_name(policy: Policy) -> str:
    """Return a policy's name for people."""
    return f"`{policy.full_name}`"


class Diagnostic(NamedTuple):
    """What a lint says about one place; its own help and severity count where none is given."""

    place: Place
    message: str
    help: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Lint:
    """One lint: a stable `id`, how much it matters, what to do, and the source of the rule."""

    id: str
    severity: Severity
    check: Callable[[LintContext], Iterator[Diagnostic]]
    help: str
    link: str = ""

    def findings(self, context: LintContext) -> Iterator[Finding]:
        """Yield the findings of this lint in a context."""
        for place, message, help_, severity in self.check(context):
            yield Finding(
                self.id,
                severity or self.severity,
                message,
                place,
                help_ or self.help,
                self.link,
            )
