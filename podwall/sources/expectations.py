"""What is expected, and what is accepted, from a YAML or JSON file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from msgspec import UNSET, Meta, UnsetType, field

from podwall.documents import TypedDocument, about, convert, inside
from podwall.expectations import Acceptance, Expectation, Kind, Selection, pods, selection
from podwall.policies.errors import Finding, InvalidValue, Place, Severity, SourceError
from podwall.policies.wording import shown
from podwall.portset import FIRST_PORT, LAST_PORT
from podwall.reading import Document
from podwall.sources.files import ParsedDocuments, read_bytes
from podwall.sources.yaml_documents import parse_yaml
from podwall.sources.yaml_lines import exact_place, exact_places

__all__ = [
    "AcceptedDocument",
    "EndsDocument",
    "ExpectationsDocument",
    "PortDocument",
    "acceptances_in",
    "ends_of",
    "expectations_in",
    "read_acceptances",
    "read_expectations",
    "statements_in",
]

_WORD: Final = r"internet|anything|outside +[^\s/]+ *"
_WORKLOAD: Final = r"(?![0-9]+\.[0-9.]*/)[^\s/:]+(/[^\s/]+){1,2}"
_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"{_OCTET}(\.{_OCTET}){{3}}(/0*(3[0-2]|[12]?[0-9]))?"
_IPV6: Final = "[0-9a-fA-F]*:[0-9a-fA-F:.]*(/0*(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"
_NUMBER: Final = (
    "(?=[0-9]{1,5}(?![0-9]))0*(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}"
    "|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
)
_NAME: Final = "(?=[0-9-]*[A-Za-z])[A-Za-z0-9-]{1,15}"
_PROTOCOL: Final = "[tT][cC][pP]|[uU][dD][pP]|[sS][cC][tT][pP]"


def _like(pattern: str) -> Meta:
    """Return the pattern of a text, for editors; the reader has better words for what is wrong."""
    return Meta(extra_json_schema={"pattern": f"^({pattern})$"})


class PodsDocument(TypedDocument):
    """Pods by namespace and labels."""

    schema_rules: ClassVar[Any] = {
        "anyOf": [
            {"required": ["namespace"]},
            {"required": ["labels"], "properties": {"labels": {"minProperties": 1}}},
        ]
    }

    namespace: str | UnsetType = UNSET
    labels: dict[str, str] = field(default_factory=dict)


EndDocument = Annotated[str, _like(f"{_WORD}|{_WORKLOAD}|{_IPV4}|{_IPV6}")] | PodsDocument
EndsDocument = Annotated[
    EndDocument | Annotated[list[EndDocument], Meta(min_length=1)],
    about(
        "One end, or a list of them: a workload's id (`namespace/name` or "
        "`namespace/Kind/name`), `internet` (public addresses), `anything`, `outside NAMESPACE`, "
        "an address range, or pods by namespace and labels."
    ),
]
PortDocument = (
    Annotated[int, Meta(ge=FIRST_PORT, le=LAST_PORT)]
    | Annotated[str, _like(f"({_NUMBER}(-{_NUMBER})?|{_NAME})(/({_PROTOCOL}))?")]
)


class ExpectationDocument(TypedDocument, rename="kebab", kw_only=True):
    """Who may reach whom, or must not.

    The fields follow the rules of np-guard's corporate policies where they mean the same.
    https://github.com/np-guard/baseline-rules
    """

    schema_rules: ClassVar[Any] = {
        "oneOf": [{"required": ["only"]}, {"required": ["from", "expect"]}],
        "dependentSchemas": {"only": {"properties": {"from": False, "expect": False}}},
        "if": {"properties": {"expect": {"const": "allowed"}}, "required": ["expect"]},
        "then": {"required": ["ports"]},
    }

    name: Annotated[str, about("A sentence; no two expectations have the same.")]
    description: Annotated[str, about("Why this is expected.")] = ""
    from_: EndsDocument | UnsetType = field(name="from", default=UNSET)
    only: EndsDocument | UnsetType = UNSET
    to: EndsDocument
    ports: (
        Annotated[
            PortDocument | Annotated[list[PortDocument], Meta(min_length=1)],
            about(
                "`8080`, `53/udp`, `8000-8080`, or the name of a port of each "
                "destination. Left out where something is denied: any port."
            ),
        ]
        | UnsetType
    ) = UNSET
    expect: (
        Annotated[
            Literal["allowed", "denied"],
            about(
                "`allowed`: every source reaches every destination on all the ports. "
                "`denied`: none reaches any on any of them. With `only` instead of `from` it is "
                "left out: these reach `to`, and nothing else does."
            ),
        ]
        | UnsetType
    ) = UNSET
    may_be_empty: Annotated[
        bool,
        about("Whether it is fulfilled where an end selects nothing, or else fails."),
    ] = False

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        for name, given in (("from", self.from_), ("expect", self.expect)):
            if self.only is UNSET and given is UNSET:
                raise InvalidValue("is missing", help=_SIDES, place=Place(path=name))
            if self.only is not UNSET and given is not UNSET:
                problem = f"`{name}` does not go with `only`"
                raise InvalidValue(problem, help=_SIDES, place=Place(path=name))

    def expectation(self, place: Place) -> Expectation:
        """Return what it means; `place` is where it is written."""
        side, sources = ("from", self.from_) if self.only is UNSET else ("only", self.only)
        ports = self.ports if isinstance(self.ports, list) else [self.ports]
        ends = ends_of(sources, place.at(side)), ends_of(self.to, place.at("to"))
        try:
            return Expectation(
                self.name,
                Kind.ONLY if self.expect is UNSET else Kind(self.expect),
                *ends,
                tuple(str(each) for each in ports if each is not UNSET),
                self.may_be_empty,
                self.description,
                place,
            )
        except InvalidValue as problem:
            raise inside(problem, place) from None


_SIDES: Final = "say `from` and `expect`, or `only`: these reach `to`, and nothing else does"


class ExpectationsDocument(TypedDocument):
    """Who may reach whom, and who must not: read by `podwall check`."""

    expectations: Annotated[list[ExpectationDocument], Meta(min_length=1)]


def ends_of(value: Any, place: Place) -> tuple[Selection, ...]:
    """Return the selections that one end of a statement means."""
    if isinstance(value, list):
        return tuple(_end(each, place.at(f"[{number}]")) for number, each in enumerate(value))
    return (_end(value, place),)


def _end(value: str | PodsDocument, place: Place) -> Selection:
    try:
        if isinstance(value, str):
            return selection(value)
        return pods(None if value.namespace is UNSET else value.namespace, value.labels)
    except InvalidValue as problem:
        raise inside(problem, place) from None


def read_expectations(document: object, place: Place) -> tuple[Expectation, ...]:
    """Return the expectations of a document, in order.

    Args:
        document: what a YAML or JSON parser returned.
        place: where the document begins.

    Raises:
        InvalidValue: something is missing, unknown or malformed; its place has the field path.
    """
    read, seen = convert(document, ExpectationsDocument, place).expectations, set[str]()
    for number, each in enumerate(read):
        if each.name in seen:
            raise InvalidValue(
                f"{shown(each.name)} stands twice",
                help="give every expectation a name of its own",
                place=place.at(f"expectations[{number}].name"),
            )
        seen.add(each.name)
    here = place.at("expectations")
    return tuple(each.expectation(here.at(f"[{number}]")) for number, each in enumerate(read))


def expectations_in(path: str) -> tuple[Expectation, ...]:
    """Return the expectations of a file, each at its line.

    Raises:
        SourceError: the file could not be read, or is no YAML.
        InvalidValue: something in it is not understood; the place has file, line and field path.
    """
    return statements_in(path, "expectations", read_expectations)


S = TypeVar("S", Expectation, Acceptance)


def statements_in(
    path: str, what: str, read: Callable[[object, Place], tuple[S, ...]]
) -> tuple[S, ...]:
    """Return the statements of a file that holds one document, each at its line.

    Args:
        path: of a file, or `-`.
        what: the field with which the file begins.
        read: makes statements of the document.

    Raises:
        SourceError: the file could not be read, or is no YAML.
        InvalidValue: something in it is not understood; the place has file, line and field path.
    """
    name, data = _read(path, what)
    document = _single(parse_yaml(data, name), name, what)
    try:
        found = read(document.manifest, document.place)
        places = exact_places([each.place for each in found], {name: data})
        return tuple(replace(each, place=at) for each, at in zip(found, places, strict=True))
    except InvalidValue as problem:
        problem.place = exact_place(problem.place, {name: data})
        raise


def _single(parsed: ParsedDocuments, name: str, what: str) -> Document:
    for finding in filter(_is_fatal, parsed.findings):
        raise SourceError(finding.message, help=finding.help, place=finding.place)
    if len(parsed.documents) != 1:
        raise SourceError(
            f"holds {len(parsed.documents)} documents, and must hold one",
            help=f"begin it with `{what}:`",
            place=Place(name),
        )
    return parsed.documents[0]


def _read(path: str, what: str) -> tuple[str, bytes]:
    try:
        return read_bytes(path)
    except SourceError as problem:
        problem.help = f"give one file, which begins with `{what}:`"
        raise


def _is_fatal(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR or finding.id == "duplicate-key"


_DAY: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class AcceptanceDocument(TypedDocument, rename="kebab", kw_only=True):
    """Openings that are meant: who may begin to reach whom, and why."""

    from_: EndsDocument = field(name="from")
    to: EndsDocument
    ports: (
        Annotated[
            PortDocument | Annotated[list[PortDocument], Meta(min_length=1)],
            about(
                "`8080`, `53/udp`, `8000-8080`, or the name of a port of each destination. Left "
                "out: every port."
            ),
        ]
        | UnsetType
    ) = UNSET
    because: Annotated[str, about("Why it is meant, for those who read the pull request.")]
    until: Annotated[
        str,
        about(
            "The last day on which it counts, as `2027-01-31`. Left out: for good.",
            extra_json_schema={"pattern": _DAY},
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse what says nothing to a reader, and what is no day."""
        if not self.because.strip():
            raise InvalidValue("must not be empty", help=_REASON, place=Place(path="because"))
        if self.until and not _is_day(self.until):
            raise InvalidValue(
                f"{shown(self.until)} is not a day",
                help="as in `2027-01-31`",
                place=Place(path="until"),
                value=self.until,
            )

    def acceptance(self, place: Place) -> Acceptance:
        """Return what it means; `place` is where it is written."""
        ports = self.ports if isinstance(self.ports, list) else [self.ports]
        ends = ends_of(self.from_, place.at("from")), ends_of(self.to, place.at("to"))
        given = tuple(str(each) for each in ports if each is not UNSET)
        try:
            return Acceptance(self.because, *ends, given, self.until, place)
        except InvalidValue as problem:
            raise inside(problem, place) from None


_REASON: Final = "say why the opening is meant"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class AcceptedDocument(TypedDocument):
    """Openings that are meant: read by `podwall diff --accepted`."""

    accepted: list[AcceptanceDocument]


def read_acceptances(document: object, place: Place) -> tuple[Acceptance, ...]:
    """Return what a document accepts, in order.

    Args:
        document: what a YAML or JSON parser returned.
        place: where the document begins.

    Raises:
        InvalidValue: something is missing, unknown or malformed; its place has the field path.
    """
    read, here = convert(document, AcceptedDocument, place).accepted, place.at("accepted")
    return tuple(each.acceptance(here.at(f"[{number}]")) for number, each in enumerate(read))


def acceptances_in(path: str) -> tuple[Acceptance, ...]:
    """Return what a file accepts, each at its line.

    Raises:
        SourceError: the file could not be read, or is no YAML.
        InvalidValue: something in it is not understood; the place has file, line and field path.
    """
    return statements_in(path, "accepted", read_acceptances)
