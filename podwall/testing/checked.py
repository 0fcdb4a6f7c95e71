"""A check of who reaches whom: whether it holds, why not in half a line, and every rule.

What a test names becomes an expectation first: ends as text or selections, ports as the typed ones
of `podwall.policies`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from podwall.expectations import Kind, Outcome, Result, Selection, check, selection
from podwall.explain import Explanation, FlowAnswer, SideExplanation
from podwall.policies import Port, Ports
from podwall.policies.errors import InvalidValue
from podwall.quick_dataclass import dataclass
from podwall.reachability import Verdict
from podwall.reports.explanation import Locate, explanation_text
from podwall.reports.words import listed, printable

if TYPE_CHECKING:
    from podwall.reachability import Reachability

__all__ = [
    "EVERY_PORT",
    "RECENT",
    "Checked",
    "EndsLike",
    "ends_in_words",
    "port_texts",
    "reason",
    "selections",
]


EndsLike = str | Selection | Iterable[str | Selection]

_EVERY: Final = "1-65535"
#: What `ALL_PORTS` means where it has to be said which ports are open.
EVERY_PORT: Final = (f"{_EVERY}/tcp", f"{_EVERY}/udp", f"{_EVERY}/sctp")


def selections(ends: EndsLike) -> tuple[Selection, ...]:
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


def ends_in_words(ends: tuple[Selection, ...]) -> str:
    """Return ends in words.

    >>> ends_in_words(selections(["shop/web", "shop/api"]))
    'shop/web and shop/api'
    """
    return listed([str(each) for each in ends])


def port_texts(ports: Ports) -> tuple[str, ...]:
    """Return ports as an expectation writes them; `ALL_PORTS`, any port at all, as none.

    Raises:
        InvalidValue: they are not typed ports.

    >>> from podwall.policies import tcp, udp
    >>> port_texts(tcp(8000, end_port=8080) | udp(53) | tcp("metrics"))
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
    isolating = [side for side in flow.sides if side.policies]
    return _of((isolating or list(flow.sides))[-1], Verdict.ALLOWED)


def _of(side: SideExplanation, verdict: Verdict) -> str:
    """Return the rule of a side that decides, else its policy, else the side itself."""
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
        opposite = replace(stated, kind=kind, ports=stated.ports or EVERY_PORT)
        return next(iter(check(self.found, (opposite,))))
