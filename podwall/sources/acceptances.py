"""What is accepted, from a YAML or JSON file: openings that somebody has looked at and means."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType, field

from podwall.documents import TypedDocument, about, convert, inside
from podwall.expectations import Acceptance
from podwall.policies.errors import InvalidValue, Place
from podwall.policies.wording import shown
from podwall.sources.expectations import EndsDocument, PortDocument, ends_of, statements_in

__all__ = ["AcceptedDocument", "acceptances_in", "read_acceptances"]

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
