"""Calico's own kinds as plain values: policies, tiers and sets of networks, and their selectors.

Labels of service accounts are here as well, for which Calico's rules can ask.

A selector is an expression over labels. What compares a label with a value is false where the label
is missing, but for `!=` and `not in`, which are true then.

    tier == 'front' && !has(legacy)        env in {'prod', 'test'} || team starts with 'pay'

https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selector
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import combinations, product
from typing import Final

from podwall.policies.addresses import IpNetwork
from podwall.policies.errors import Place, Unknown
from podwall.policies.rules import Direction
from podwall.quick_dataclass import dataclass
from podwall.rule_parts import LabelMap, PortRule

__all__ = [
    "ACCOUNT",
    "EVERYTHING",
    "OF_ACCOUNT",
    "OUTSIDE_OF_NAMESPACES",
    "REQUESTS",
    "SOURCE_PORTS",
    "AllOf",
    "AnyOf",
    "CalicoAccount",
    "CalicoEnd",
    "CalicoPolicy",
    "CalicoRule",
    "CalicoSet",
    "CalicoTier",
    "Expression",
    "LabelTest",
    "Not",
    "alternatives",
    "holds",
    "parsed",
    "prefixed",
    "text_stand_ins",
]


@dataclass(frozen=True, slots=True)
class LabelTest:
    """One comparison: `word` is `in`, `has`, `contains`, `starts with` or `ends with`."""

    key: str
    word: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    part: Expression


@dataclass(frozen=True, slots=True)
class AllOf:
    """All parts hold; without any, everything does."""

    parts: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class _OutsideOfNamespaces:
    """What is in no namespace, as `global()` says."""


Expression = LabelTest | Not | AllOf | AnyOf | _OutsideOfNamespaces

EVERYTHING: Final = AllOf()
OUTSIDE_OF_NAMESPACES: Final = _OutsideOfNamespaces()
REQUESTS: Final = "requests are told apart only where application layer policy is on"
SOURCE_PORTS: Final = "a rule asks for ports of the source"
"""Why it is not certain what a rule matches."""
ACCOUNT: Final = "projectcalico.org/serviceaccount"
"""The label that pods have of their service account's name."""
OF_ACCOUNT: Final = "pcsa."
"""What labels of a pod begin with that it has of its service account's labels."""

_TOKEN: Final = re.compile(
    r"""[ \t]*(?:'[^']*'|"[^"]*"|(?:has|all|global)\(|[A-Za-z0-9_./-]+|==|!=|&&|\|\||[!(){},])"""
)
_BLANK: Final = " \t"
_CALLS: Final = ("has(", "all(", "global(")
_END: Final = ""


def parsed(text: str) -> Expression:
    """Return what a selector says; an empty one is everything.

    Only spaces and tabs stand between words, no line ends, and none before the `(` of `has(key)`.

    Raises:
        ValueError: it is no selector.

    >>> parsed("app == 'db'")
    LabelTest(key='app', word='in', values=('db',))
    >>> parsed("app = 'db'")
    Traceback (most recent call last):
    ValueError: `= 'db'` is no part of a selector
    """
    if not text.strip(_BLANK):
        return EVERYTHING
    reader = _Parser(list(_tokens(text)))
    found = reader.any_of()
    if reader.next != _END:
        raise ValueError(f"`{reader.next}` is not expected here")
    return found


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip(_BLANK)):
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].strip()[:40]
            raise ValueError(f"`{rest or 'a line end'}` is no part of a selector")
        yield match[0].lstrip(_BLANK)
        at = match.end()


class _Parser:
    """Reads tokens: `||` binds less than `&&`, and that less than `!`."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def any_of(self) -> Expression:
        parts = [self._all_of()]
        while self._takes("||"):
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all_of(self) -> Expression:
        parts = [self._one()]
        while self._takes("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self) -> Expression:
        if self._takes("!"):
            return Not(self._one())
        if self._takes("("):
            found = self.any_of()
            self._must(")")
            return found
        call = next((each for each in _CALLS if self._takes(each)), None)
        return self._compared(self._word()) if call is None else self._called(call)

    def _called(self, call: str) -> Expression:
        found = LabelTest(self._word(), "has") if call == "has(" else None
        self._must(")")
        if found is not None:
            return found
        return EVERYTHING if call == "all(" else OUTSIDE_OF_NAMESPACES

    def _compared(self, key: str) -> Expression:
        if self._takes("=="):
            return LabelTest(key, "in", (self._text(),))
        if self._takes("!="):
            return Not(LabelTest(key, "in", (self._text(),)))
        word = self._word()
        if word == "contains":
            return LabelTest(key, word, (self._text(),))
        if word in {"startswith", "endswith"} or (
            word in {"starts", "ends"} and self._takes("with")
        ):
            return LabelTest(key, f"{word.removesuffix('with')} with", (self._text(),))
        if word == "notin" or (word == "not" and self._takes("in")):
            return Not(LabelTest(key, "in", self._texts()))
        if word == "in":
            return LabelTest(key, "in", self._texts())
        raise ValueError(f"`{word}` does not compare a label")

    def _texts(self) -> tuple[str, ...]:
        self._must("{")
        texts = []
        while self.next != "}":
            texts.append(self._text())
            if not self._takes(","):
                break
        self._must("}")
        return tuple(sorted(set(texts)))

    def _text(self) -> str:
        token = self.next
        if token[:1] not in {"'", '"'}:
            raise ValueError(f"`{token or 'the end'}` stands where a text in quotes has to be")
        self._at += 1
        return token[1:-1]

    def _word(self) -> str:
        token = self.next
        if not re.fullmatch(r"[A-Za-z0-9_./-]+", token):
            raise ValueError(f"`{token or 'the end'}` stands where a label has to be")
        self._at += 1
        return token

    def _takes(self, token: str) -> bool:
        if self.next != token:
            return False
        self._at += 1
        return True

    def _must(self, token: str) -> None:
        if not self._takes(token):
            raise ValueError(f"`{self.next or 'the end'}` stands where `{token}` has to be")


def holds(expression: Expression, labels: Mapping[str, str]) -> bool:
    """Return whether an expression holds for labels of something in no namespace.

    >>> holds(parsed("tier != 'front'"), {}), holds(parsed("tier == 'front'"), {})
    (True, False)
    """
    match expression:
        case LabelTest(key, word, values):
            return key in labels and _compares(word, labels[key], values)
        case Not(part):
            return not holds(part, labels)
        case AllOf(parts):
            return all(holds(each, labels) for each in parts)
        case AnyOf(parts):
            return any(holds(each, labels) for each in parts)
        case _:
            return True


def _compares(word: str, label: str, values: tuple[str, ...]) -> bool:
    match word:
        case "contains":
            return values[0] in label
        case "starts with":
            return label.startswith(values[0])
        case "ends with":
            return label.endswith(values[0])
        case _:
            return word == "has" or label in values


def prefixed(expression: Expression, prefix: str) -> Expression:
    """Return an expression with another beginning of all labels that it asks for."""
    match expression:
        case LabelTest(key):
            return replace(expression, key=f"{prefix}{key}")
        case Not(part):
            return Not(prefixed(part, prefix))
        case AllOf(parts):
            return AllOf(tuple(prefixed(each, prefix) for each in parts))
        case AnyOf(parts):
            return AnyOf(tuple(prefixed(each, prefix) for each in parts))
        case _:
            return expression


_BETWEEN: Final = "…"
_MOST_STAND_INS: Final = 256


def text_stand_ins(tests: Iterable[LabelTest]) -> tuple[str, ...] | None:
    """Return values that come out of some tests on one label in every way that any value can.

    What is between the texts is `…`, which stands for more text, and is in no label. None where
    there are too many.

    >>> text_stand_ins([LabelTest("team", "starts with", ("pay",))])
    ('…', 'pay…')
    """
    texts: dict[str, set[str]] = {"starts with": {""}, "ends with": {""}, "contains": set()}
    for test in tests:
        if test.word in texts:
            texts[test.word].update(test.values)
    inner = sorted(texts["contains"])
    count = len(texts["starts with"]) * len(texts["ends with"]) << len(inner)
    if count > _MOST_STAND_INS:
        return None
    parts = (some for size in range(len(inner) + 1) for some in combinations(inner, size))
    ways = product(sorted(texts["starts with"]), parts, sorted(texts["ends with"]))
    found = (_BETWEEN.join((first, *some, last)) for first, some, last in ways)
    return tuple(dict.fromkeys(found))


_Literal = tuple[LabelTest | _OutsideOfNamespaces, bool]
_MOST_ALTERNATIVES: Final = 64


def alternatives(expression: Expression) -> tuple[tuple[_Literal, ...], ...] | None:
    """Return the ways in which an expression holds: of each, every test has to come out so.

    None where there are too many.

    >>> alternatives(parsed("!(a == 'x' && has(b))"))
    (((LabelTest(key='a', word='in', values=('x',)), False),), ((LabelTest(key='b', word='has', \
values=()), False),))
    """
    return _ways(expression, True)


def _ways(
    expression: Expression,
    wanted: bool,  # noqa: FBT001 - how a test has to come out
) -> tuple[tuple[_Literal, ...], ...] | None:
    match expression:
        case Not(part):
            return _ways(part, not wanted)
        case AllOf(parts) | AnyOf(parts):
            inner = [_ways(each, wanted) for each in parts]
            known = [each for each in inner if each is not None]
            if len(known) < len(inner):
                return None
            return _joined(known, together=isinstance(expression, AllOf) is wanted)
        case LabelTest() | _OutsideOfNamespaces():
            return (((expression, wanted),),)


def _joined(
    inner: list[tuple[tuple[_Literal, ...], ...]], *, together: bool
) -> tuple[tuple[_Literal, ...], ...] | None:
    if not together:
        found = tuple(each for ways in inner for each in ways)
        return found if len(found) <= _MOST_ALTERNATIVES else None
    count = 1
    for ways in inner:
        count *= len(ways)
    if count > _MOST_ALTERNATIVES:
        return None
    return tuple(
        tuple(dict.fromkeys(each for way in ways for each in way)) for ways in product(*inner)
    )


@dataclass(frozen=True, slots=True)
class CalicoEnd:
    """`source` or `destination` of a rule; `doubts` are what is not modelled of it.

    A selector is None where it is not written. `accounts` is what is asked of the service accounts
    of pods, on the labels that pods have of these. `service` has the endpoints that are meant, by
    its namespace and name.
    """

    selector: Expression | None = None
    not_selector: Expression | None = None
    namespaces: Expression | None = None
    nets: tuple[IpNetwork, ...] = ()
    not_nets: tuple[IpNetwork, ...] = ()
    accounts: Expression | None = None
    service: tuple[str, str] | None = None
    doubts: tuple[str, ...] = ()

    @property
    def is_anyone(self) -> bool:
        """Whether it asks for nothing."""
        return self == CalicoEnd()


@dataclass(frozen=True, slots=True)
class CalicoRule:
    """A rule: `action` is `Allow`, `Deny` or `Pass`; `ports` None is everything.

    `index` is its place in the list, in which those that only log count as well. `ip_version` is
    4 or 6 where only connections of one are meant.
    """

    action: str
    source: CalicoEnd
    destination: CalicoEnd
    ports: tuple[PortRule | Unknown, ...] | None
    index: int
    doubts: tuple[str, ...] = ()
    ip_version: int | None = None


@dataclass(frozen=True, slots=True)
class CalicoPolicy:
    """A NetworkPolicy or, without a namespace, a GlobalNetworkPolicy of Calico's.

    `order` None is last. Of a direction in which it does not act the rules are None. `selector` may
    ask for what pods have of their service accounts.
    """

    kind: str
    name: str
    namespace: str | None
    tier: str
    order: float | None
    selector: Expression
    namespaces: Expression
    ingress: tuple[CalicoRule, ...] | None
    egress: tuple[CalicoRule, ...] | None
    place: Place = field(default_factory=Place, compare=False)

    @property
    def full_name(self) -> str:
        """The policy with its kind, and with its namespace if it has one."""
        within = "" if self.namespace is None else f"{self.namespace}/"
        return f"Calico {self.kind} {within}{self.name}"

    def rules(self, direction: Direction) -> tuple[CalicoRule, ...] | None:
        """Return the rules of a direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress


@dataclass(frozen=True, slots=True)
class CalicoAccount:
    """A service account with its labels, by which rules of Calico's can choose pods."""

    namespace: str
    name: str
    labels: LabelMap


@dataclass(frozen=True, slots=True)
class CalicoTier:
    """A tier: `order` None is last; `passes` says what becomes of what no policy of it matches."""

    name: str
    order: float | None
    passes: bool = False
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class CalicoSet:
    """A NetworkSet or, without a namespace, a GlobalNetworkSet: networks that have labels."""

    name: str
    namespace: str | None
    labels: tuple[tuple[str, str], ...]
    nets: tuple[IpNetwork, ...]
    place: Place = field(default_factory=Place, compare=False)
