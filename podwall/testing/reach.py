"""Who reaches whom, as a test asks: statements that are true or explain themselves.

A workload is isolated where policies let nothing through but what a rule allows:
https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.expectations import Expectation, Kind, Outcome, Result, check
from podwall.expectations.checking import no_such_workload
from podwall.explain import PolicyExplanation, SideExplanation, explain, ports_named
from podwall.model import Rule
from podwall.policies import ALL_PORTS, Direction, Ports
from podwall.policies.errors import Finding, InvalidValue, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.reachability.matching import Match
from podwall.reports.explanation import Locate
from podwall.sources.expectations import expectations_in
from podwall.testing.checked import (
    EVERY_PORT,
    RECENT,
    Checked,
    EndsLike,
    ends_in_words,
    port_texts,
    selections,
)

if TYPE_CHECKING:
    from podwall.plan import Plan
    from podwall.reachability import Reachability

__all__ = ["Reach", "openings"]


_DIRECTIONS: Final = ("ingress", "egress")


def openings(found: Reachability, workload: str, direction: str | None) -> Iterator[str]:
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
        yield from _openings(sides[each], workload)


def _openings(side: SideExplanation, workload: str) -> Iterator[str]:
    certain = [each for each in side.policies if each.selects is Match.YES]
    if not certain:
        yield from _doubts(side, workload)
    for policy in side.policies:
        for number, rule in enumerate(_rules(policy, side.direction)):
            if isinstance(rule, Rule) and rule.peers is None and rule.ports is None:
                yield (
                    f"{workload} is open for {side.direction.field}: {policy.title} "
                    f"allows everyone on all ports in spec.{side.direction.field}[{number}]"
                )


def _doubts(side: SideExplanation, workload: str) -> Iterator[str]:
    """Yield what is said where no policy selects the workload for certain."""
    if not side.policies:
        yield f"no policy isolates {workload} for {side.direction.field}"
    else:
        yield f"it is not certain that a policy isolates {workload} for {side.direction.field}"
        yield from (f"  {each.title}: {each.why}" for each in side.policies)


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

    def allows(self, source: EndsLike, destination: EndsLike, ports: Ports) -> Checked:
        """Return whether every source certainly reaches every destination on all the ports.

        Raises:
            InvalidValue: an end or a port does not exist.
        """
        __tracebackhide__ = True
        asked = _Question(Kind.ALLOWED, source, destination, ports, port_texts(ports) or EVERY_PORT)
        return self._remembered(asked)

    def denies(self, source: EndsLike, destination: EndsLike, ports: Ports = ALL_PORTS) -> Checked:
        """Return whether certainly no source reaches any destination on any of the ports.

        Raises:
            InvalidValue: an end or a port does not exist.
        """
        __tracebackhide__ = True
        asked = _Question(Kind.DENIED, source, destination, ports, port_texts(ports))
        return self._remembered(asked)

    def assert_only(
        self, sources: EndsLike, destination: EndsLike, ports: Ports = ALL_PORTS
    ) -> None:
        """Assert that exactly the sources reach the destination on the ports, and nothing else.

        Each source must reach it on all the ports, or without ports on any.

        Raises:
            AssertionError: something else does, or one of them does not, or it is not certain.
            InvalidValue: an end or a port does not exist.
        """
        __tracebackhide__ = True
        checked = self._checked(
            _Question(Kind.ONLY, sources, destination, ports, port_texts(ports))
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
        open_ = list(openings(self.found, workload, direction))
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
    sources: EndsLike
    destinations: EndsLike
    ports: Ports
    texts: tuple[str, ...]

    def expectation(self) -> Expectation:
        """Return it as an expectation, which is called what it says."""
        sources, destinations = selections(self.sources), selections(self.destinations)
        verbs = _SEVERAL if len(sources) > 1 else _ONE
        only = "only " if self.kind is Kind.ONLY else ""
        ends = f"{ends_in_words(sources)} {verbs[self.kind]} {ends_in_words(destinations)}"
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
