"""Who reaches whom, as a test asks: statements that are true or explain themselves.

What a test names becomes an expectation first: ends as text or selections, ports as the typed ones
of `podwall.policies`. A check says whether it holds, why not in half a line, and every rule.

A workload is isolated where policies let nothing through but what a rule allows:
https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.expectations import Expectation, Kind, Outcome, Result, Selection, check, selection
from podwall.expectations.checking import no_such_workload
from podwall.explain import (
    Explanation,
    FlowAnswer,
    PolicyExplanation,
    SideExplanation,
    explain,
    ports_named,
    tier_decision,
)
from podwall.model import Rule, TierAction
from podwall.policies import ALL_PORTS, Direction, Port, Ports
from podwall.policies.errors import Finding, InvalidValue, Place, Severity
from podwall.portset import ALL_PORTS as ALL_POSSIBLE_PORTS
from podwall.quick_dataclass import dataclass
from podwall.reachability import Verdict
from podwall.reachability.matching import Match
from podwall.reports.explanation import Locate, explanation_text
from podwall.reports.words import listed, printable
from podwall.sources.expectations import expectations_in

if TYPE_CHECKING:
    from podwall.plan import Plan
    from podwall.reachability import Reachability

__all__ = [
    "RECENT",
    "Checked",
    "Reach",
    "reason",
    "selections",
]


_EndsLike = str | Selection | Iterable[str | Selection]

_EVERY: Final = "1-65535"
#: What `ALL_PORTS` means where it has to be said which ports are open.
_EVERY_PORT: Final = (f"{_EVERY}/tcp", f"{_EVERY}/udp", f"{_EVERY}/sctp")


def selections(ends: _EndsLike) -> tuple[Selection, ...]:
    """Return ends as selections; a text is read as in a file of expectations.

    Raises:
        InvalidValue: a text is no end of a connection.

    >>> [str(each) for each in selections(["shop/web", "203.0.113.7", "internet"])]
    ['shop/web', '203.0.113.7/32', 'internet']
    """
    if isinstance(ends, str):
        return (selection(ends),)
    if isinstance(ends, Iterable):
        return tuple(each for several in ends for each in selections(several))
    return (ends,)


def _ends_in_words(ends: tuple[Selection, ...]) -> str:
    """Return ends in words.

    >>> _ends_in_words(selections(["shop/web", "shop/api"]))
    'shop/web and shop/api'
    """
    return listed([str(each) for each in ends])


def _port_texts(ports: Ports) -> tuple[str, ...]:
    """Return ports as an expectation writes them; `ALL_PORTS`, any port at all, as none.

    Raises:
        InvalidValue: they are not typed ports.

    >>> from podwall.policies import tcp, udp
    >>> _port_texts(tcp(8000, end_port=8080) | udp(53) | tcp("metrics"))
    ('8000-8080/tcp', 'metrics/tcp', '53/udp')
    """
    if not isinstance(ports, Ports):
        raise InvalidValue(
            f"`{ports}` are not typed ports",
            help="write them as in a policy: `from podwall.policies import tcp`, then `tcp(8080)`",
            value=ports,
        )
    return tuple(map(_text, ports.entries or ()))


def _text(entry: Port) -> str:
    if entry.port is None:
        numbers = _EVERY
    else:
        numbers = f"{entry.port}-{entry.end_port}" if entry.end_port else str(entry.port)
    return f"{numbers}/{entry.protocol.lower()}"


def reason(result: Result) -> str:
    """Return what is not as stated, and the policy or rule that makes it so."""
    if result.flow is None:
        return result.reason
    return f"{result.reason}, {_cause(result.flow)}"


def _cause(flow: Explanation) -> str:
    if flow.verdict is Verdict.UNDETERMINED:
        return "; ".join(part.because for part in flow.undetermined)
    if flow.verdict is Verdict.DENIED:
        closed = [side for side in flow.sides if side.verdict is not Verdict.ALLOWED]
        return _of(closed[0], Verdict.DENIED) if closed else "no port is open at both ends"
    opened = Verdict.ALLOWED
    deciding = [side for side in flow.sides if side.policies or tier_decision(side.tiers, opened)]
    return _of((deciding or list(flow.sides))[-1], opened)


def _of(side: SideExplanation, verdict: Verdict) -> str:
    """Return the rule of a side that decides, else its policy, else the side itself."""
    if by_tier := tier_decision(side.tiers, verdict):
        return f"{side.direction.field} {verdict} by {by_tier}"
    for policy in reversed(side.policies):
        for rule in policy.rules:
            if rule.verdict is verdict:
                return f"{side.direction.field} {verdict} by {policy.title}: {rule.why}"
    for policy in side.policies:
        if policy.verdict is verdict:
            return f"{side.direction.field} {verdict} by {policy.title}"
    return f"{side.direction.field} of {side.subject.id} {side.verdict}: {side.why}"


_WIDTH: Final = 230
"""pytest cuts the middle out of what is longer than 240 characters."""

RECENT: Final[deque[Checked]] = deque(maxlen=1000)
"""What was asked last, for the explanation of a test that fails."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that was checked: true where it holds for certain.

    What depends on something that is known only after deployment is false, whether it is asked by
    `allows` or by `denies`. `repr` says in a line what is the case and why, `str` explains it rule
    by rule, as `podwall explain` does.
    """

    result: Result
    found: Reachability
    locate: Locate
    about: str = ""

    def __bool__(self) -> bool:
        """Whether the statement holds for certain."""
        return self.result.outcome is Outcome.PASS

    def __repr__(self) -> str:
        """Write the verdict and the reason on one line."""
        expected = self.result.expectation
        texts = {
            Outcome.PASS: f"{expected.kind}: {expected.name}",
            Outcome.FAIL: f"not {expected.kind}: {reason(self.result)}",
            Outcome.UNDETERMINED: f"undetermined: {reason(self.result)}",
        }
        shown = printable(texts[self.result.outcome])
        return f"<{shown if len(shown) <= _WIDTH else f'{shown[:_WIDTH]}…'}>"

    def __str__(self) -> str:
        """Write the verdict, and every rule that was consulted."""
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the explanation as lines."""
        holds = self.result.outcome is Outcome.PASS
        yield printable(self.result.expectation.name if holds else self.result.reason)
        flow = self._opposite().flow if holds else self.result.flow
        if flow is not None:
            _, *lines = explanation_text(FlowAnswer(flow), self.locate)
            yield from (f"  {line.rstrip()}" for line in lines if line.strip())
        if self.about:
            yield f"  ({self.about})"

    def _opposite(self) -> Result:
        """Return what becomes of the opposite statement: the flow that breaks it shows this one."""
        stated = self.result.expectation
        kind = Kind.DENIED if stated.kind is Kind.ALLOWED else Kind.ALLOWED
        opposite = replace(stated, kind=kind, ports=stated.ports or _EVERY_PORT)
        return next(iter(check(self.found, (opposite,))))


_DIRECTIONS: Final = ("ingress", "egress")


def _openings(found: Reachability, workload: str, direction: str | None) -> Iterator[str]:
    """Yield why a workload is not isolated, or not for certain; nothing where it is.

    Args:
        found: the analysis.
        workload: the id of a workload.
        direction: `ingress` or `egress`; None means both.

    Raises:
        InvalidValue: there is no such workload or direction.
    """
    if direction not in {None, *_DIRECTIONS}:
        raise InvalidValue(f"`{direction}` is no direction", help="say `ingress` or `egress`")
    if workload not in {each.id for each in found.workloads}:
        raise InvalidValue(no_such_workload(workload, found), value=workload)
    anyone = found.externals[0].id
    sides = {
        "ingress": explain(found, anyone, workload).ingress,
        "egress": explain(found, workload, anyone).egress,
    }
    for each in _DIRECTIONS if direction is None else (direction,):
        yield from _openings_of_side(sides[each], workload)


def _openings_of_side(side: SideExplanation, workload: str) -> Iterator[str]:
    tiers = [(tier, policy) for tier in side.tiers for policy in tier.policies]
    certain = [each for each in side.policies if each.selects is Match.YES]
    if not certain and not any(each.certainly_isolates for _, each in tiers):
        yield from _doubts(side, workload)
    for tier, tier_policy in tiers:
        for tier_rule in tier_policy.rules:
            if tier_rule.action == TierAction.ACCEPT and tier_rule.decides == ALL_POSSIBLE_PORTS:
                yield (
                    f"{workload} is open for {side.direction.field}: {tier_policy.title} in the "
                    f"{tier.title} allows everyone on all ports in {tier_rule.place.path}"
                )
    for policy in side.policies:
        for number, rule in enumerate(_rules(policy, side.direction)):
            if isinstance(rule, Rule) and rule.peers is None and rule.ports is None:
                yield (
                    f"{workload} is open for {side.direction.field}: {policy.title} "
                    f"allows everyone on all ports in spec.{side.direction.field}[{number}]"
                )


def _doubts(side: SideExplanation, workload: str) -> Iterator[str]:
    """Yield what is said where no policy selects the workload for certain."""
    of_tiers = [each for tier in side.tiers for each in tier.policies]
    perhaps = [each for each in of_tiers if any(rule.isolates for rule in each.rules)]
    if not side.policies and not perhaps:
        yield f"no policy isolates {workload} for {side.direction.field}"
        for tier_policy in of_tiers:
            yield f"  {tier_policy.title} decides what its rules name, and isolates nothing"
    else:
        yield f"it is not certain that a policy isolates {workload} for {side.direction.field}"
        yield from (f"  {each.title}: {each.why}" for each in side.policies)
        yield from (f"  {each.title}: {each.why}" for each in perhaps)


def _rules(policy: PolicyExplanation, direction: Direction) -> tuple[object, ...]:
    rules = policy.policy.ingress if direction is Direction.INGRESS else policy.policy.egress
    return rules if isinstance(rules, tuple) else ()


_ONE = {Kind.ALLOWED: "reaches", Kind.DENIED: "does not reach", Kind.ONLY: "reaches"}
_SEVERAL = {Kind.ALLOWED: "reach", Kind.DENIED: "do not reach", Kind.ONLY: "reach"}


def _itself(place: Place) -> Place:
    return place


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Reach:
    """Who can reach whom, with the statements that a test makes about it.

    An end is a workload (`shop/web`), an address or a range (`203.0.113.7`, `10.0.0.0/8`), a word
    of an expectations file (`internet`, `anything`, `outside shop`), a selection of
    `podwall.expectations`, or several of these. Ports are those of `policies`, as in `tcp(8080)`.
    An end or a port name that does not exist is an `InvalidValue` that names the nearest one.

    `found` is the analysis, `plan` the planned resources where a program was planned, `lint` finds
    what `podwall preview` and `podwall lint` warn of, `folder` is where the paths of expectations
    begin, and `about` says in a few words what was analysed.

    >>> from podwall.model import LabelMap, Policy, Selector, Snapshot, SnapshotWorkload
    >>> from podwall.reachability import reachability
    >>> from podwall.policies import tcp
    >>> pods = [SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("web", "db")]
    >>> deny = Policy("shop", "deny", Selector(), ingress=())
    >>> reach = Reach(reachability(Snapshot(workloads=tuple(pods), policies=(deny,))))
    >>> reach.denies("shop/web", "shop/db")
    <denied: shop/web does not reach shop/db on any port>
    >>> reach.allows("shop/web", "shop/db", tcp(5432))
    <not allowed: shop/web does not reach shop/db on TCP 5432, ingress denied by policy shop/deny>
    """

    found: Reachability
    plan: Plan | None = None
    lint: Callable[[], Iterable[Finding]] = tuple
    locate: Locate = _itself
    folder: Path = Path()
    about: str = ""

    def __repr__(self) -> str:
        """Write what was analysed."""
        return f"<reach{f' of {self.about}' if self.about else ''}>"

    def allows(self, source: _EndsLike, destination: _EndsLike, ports: Ports) -> Checked:
        """Return whether every source certainly reaches every destination on all the ports.

        Raises:
            InvalidValue: an end or a port does not exist.
        """
        __tracebackhide__ = True
        asked = _Question(
            Kind.ALLOWED, source, destination, ports, _port_texts(ports) or _EVERY_PORT
        )
        return self._remembered(asked)

    def denies(
        self, source: _EndsLike, destination: _EndsLike, ports: Ports = ALL_PORTS
    ) -> Checked:
        """Return whether certainly no source reaches any destination on any of the ports.

        Raises:
            InvalidValue: an end or a port does not exist.
        """
        __tracebackhide__ = True
        asked = _Question(Kind.DENIED, source, destination, ports, _port_texts(ports))
        return self._remembered(asked)

    def assert_only(
        self, sources: _EndsLike, destination: _EndsLike, ports: Ports = ALL_PORTS
    ) -> None:
        """Assert that exactly the sources reach the destination on the ports, and nothing else.

        Each source must reach it on all the ports, or without ports on any.

        Raises:
            AssertionError: something else does, or one of them does not, or it is not certain.
            InvalidValue: an end or a port does not exist.
        """
        __tracebackhide__ = True
        checked = self._checked(
            _Question(Kind.ONLY, sources, destination, ports, _port_texts(ports))
        )
        if not checked:
            first, *rest = checked.lines()
            expected = f"  expected: {checked.result.expectation.name}"
            raise AssertionError("\n".join([first, expected, *rest]))

    def assert_isolated(self, workload: str, direction: str | None = None) -> None:
        """Assert that policies isolate a workload: nothing passes but what a rule allows.

        That is so where a policy selects it, for `ingress` and `egress` alike unless `direction`
        names one of them, and no rule allows everyone on all ports. Who still gets through is what
        `assert_only` is about.

        Raises:
            AssertionError: it is not isolated, or not for certain.
            InvalidValue: there is no such workload.
        """
        __tracebackhide__ = True
        open_ = list(_openings(self.found, workload, direction))
        if open_:
            raise AssertionError(self._message(open_))

    def assert_expectations(self, *expectations: Expectation | str | Path) -> None:
        """Assert that expectations are fulfilled: values, or the files that hold them.

        The path of a file begins at the project's folder.

        Raises:
            AssertionError: at least one is broken, or not certainly fulfilled.
            SourceError: a file could not be read.
            InvalidValue: something in a file is not understood.
        """
        __tracebackhide__ = True
        stated = [value for each in expectations for value in self._stated(each)]
        if not stated:
            raise InvalidValue("no expectation is given", help="as in `expectations.yaml`")
        results = check(self.found, stated)
        broken = [each for each in results if each.outcome is not Outcome.PASS]
        if broken:
            raise AssertionError(self._message(self._broken(broken, results)))

    def assert_no_findings(self, level: str = "warning") -> None:
        """Assert that there is no finding of a level or above: `error`, `warning` or `info`.

        Raises:
            AssertionError: there is one.
            InvalidValue: there is no such level.
        """
        __tracebackhide__ = True
        levels = list(Severity)
        if level not in levels:
            raise InvalidValue(f"`{level}` is no level", help=f"one of {', '.join(levels)}")
        counted = levels[: levels.index(Severity(level)) + 1]
        findings = [each for each in self.lint() if each.severity in counted]
        if findings:
            raise AssertionError(self._message(map(_with_help, findings)))

    def _remembered(self, asked: _Question) -> Checked:
        """Return a statement, and remember it for the report of the test that fails by it."""
        __tracebackhide__ = True
        checked = self._checked(asked)
        RECENT.append(checked)
        return checked

    def _checked(self, asked: _Question) -> Checked:
        __tracebackhide__ = True
        expectation = asked.expectation()
        (result,) = check(self.found, (expectation,))
        if result.outcome is not Outcome.PASS and result.flow is None:
            raise _meaningless(result, self.found)
        return Checked(result, self.found, self.locate, self.about)

    def _stated(self, given: Expectation | str | Path) -> tuple[Expectation, ...]:
        return (
            (given,)
            if isinstance(given, Expectation)
            else expectations_in(str(self.folder / given))
        )

    def _broken(self, broken: Sequence[Result], results: Sequence[Result]) -> Iterator[str]:
        yield f"{len(broken)} of {len(results)} expectations are not fulfilled"
        for each in broken:
            place = f" ({each.expectation.place})" if str(each.expectation.place) else ""
            yield f"{each.outcome}: {each.expectation.name}{place}"
            yield from (f"  {line}" for line in Checked(each, self.found, self.locate).lines())

    def _message(self, lines: Iterable[str]) -> str:
        about = [f"  ({self.about})"] if self.about else []
        return "\n".join([*lines, *about])


class _Question(NamedTuple):
    """A statement as a test writes it; `texts` are the ports as an expectation writes them."""

    kind: Kind
    sources: _EndsLike
    destinations: _EndsLike
    ports: Ports
    texts: tuple[str, ...]

    def expectation(self) -> Expectation:
        """Return it as an expectation, which is called what it says."""
        sources, destinations = selections(self.sources), selections(self.destinations)
        verbs = _SEVERAL if len(sources) > 1 else _ONE
        only = "only " if self.kind is Kind.ONLY else ""
        ends = f"{_ends_in_words(sources)} {verbs[self.kind]} {_ends_in_words(destinations)}"
        name = f"{only}{ends}{self._where()}"
        return Expectation(name, self.kind, sources, destinations, self.texts)

    def _where(self) -> str:
        if self.ports != ALL_PORTS:
            return f" on {self.ports}"
        return {Kind.ALLOWED: " on all ports", Kind.DENIED: " on any port", Kind.ONLY: ""}[
            self.kind
        ]


def _meaningless(result: Result, found: Reachability) -> InvalidValue:
    """Return why a statement means nothing here, with the nearest name that would."""
    _, _, why = result.reason.rpartition("selects nothing: ")
    stated = result.expectation
    for end in found.workloads if why.startswith("no destination") else ():
        if any(str(each) == end.id for each in stated.destinations):
            for port in stated.ports:
                try:
                    ports_named(port, end)
                except InvalidValue as problem:
                    return InvalidValue(f"{problem.message}, {problem.help}", value=port)
    return InvalidValue(why)


def _with_help(finding: Finding) -> str:
    return f"{finding}\n  help: {finding.help}" if finding.help else str(finding)
