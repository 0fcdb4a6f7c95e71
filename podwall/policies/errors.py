"""What can be wrong with a value, as exceptions and as findings, and where it is written.

    PodwallError
    ├── InvalidValue     a value the builder was given is not allowed (also a ValueError)
    ├── InvalidManifest  a document that the API server would refuse (also a ValueError)
    ├── SourceError      a file, command or cluster that could not be read (also an OSError)
    └── MissingExtra     a package is missing that an extra of podwall brings (also an ImportError)

A `Finding` is a problem as a value: something a person should know that stops nothing. Messages are
lower case, have no final period, put user input in backticks and name the Kubernetes field path
first; what to do about it stands apart, in `help`. `Unknown` is a value that is known only after
deployment.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from podwall.quick_dataclass import dataclass

__all__ = [
    "Finding",
    "InvalidManifest",
    "InvalidValue",
    "MissingExtra",
    "Place",
    "PodwallError",
    "Severity",
    "SourceError",
    "Unknown",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document or a value was written.

    `source` is a file path, `<stdin>`, a URN or a cluster's name; `line` counts from 1; `path` is a
    Kubernetes field path such as `spec.ingress[0].ports[1].endPort`.

    >>> str(Place("shop.yaml", 12, "spec.podSelector"))
    'shop.yaml:12 spec.podSelector'
    """

    source: str = ""
    line: int | None = None
    path: str = ""

    def __str__(self) -> str:
        """Write the place as `source:line path`, leaving out what is not known."""
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        return " ".join(part for part in (where, self.path) if part)

    def at(self, path: str) -> Place:
        """Return the place of a field inside this one.

        >>> str(Place("shop.yaml", 12, "spec").at("podSelector"))
        'shop.yaml:12 spec.podSelector'
        """
        joined = f"{self.path}{path}" if path.startswith("[") else f"{self.path}.{path}".strip(".")
        return Place(self.source, self.line, joined)


class PodwallError(Exception):
    """A problem with the user's input, said in one line with its place and a remedy."""

    def __init__(self, message: str, *, help: str = "", place: Place | None = None) -> None:  # noqa: A002 - the word users read
        """Keep `message` (what is wrong), `help` (what to do) and `place` (where) apart."""
        super().__init__(message)
        self.message = message
        self.help = help
        self.place = place or Place()

    def __str__(self) -> str:
        """Write `place: message`, without the help."""
        where = str(self.place)
        return f"{where}: {self.message}" if where else self.message


class InvalidValue(PodwallError, ValueError):  # noqa: N818 - reads as what it says
    """A value that the builder was given is not one that Kubernetes or Azure accepts.

    `value` is what was given; `place.path` is the Kubernetes field it was meant for.
    """

    def __init__(
        self,
        message: str,
        *,
        help: str = "",  # noqa: A002 - the word users read
        place: Place | None = None,
        value: object = None,
    ) -> None:
        """Keep the refused `value` beside the message, the help and the place."""
        super().__init__(message, help=help, place=place)
        self.value = value


class InvalidManifest(PodwallError, ValueError):  # noqa: N818 - reads as what it says
    """A document is not one that the Kubernetes API server accepts."""


class SourceError(PodwallError, OSError):
    """A file, a command or a cluster could not be read."""


class MissingExtra(PodwallError, ImportError):  # noqa: N818 - reads as what it says
    """A part of podwall was asked for whose packages are not installed; the message says how."""


class Severity(StrEnum):
    """How much a finding matters, most severe first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing: a stable `id`, its severity, its place, and what to do.

    `message` and `help` follow the rules of `podwall.policies.errors`; `link` is the source of
    the rule.

    >>> print(Finding("cidr-host-bits", Severity.WARNING, "host bits are set in `10.0.0.1/24`"))
    warning[cidr-host-bits]: host bits are set in `10.0.0.1/24`
    """

    id: str
    severity: Severity
    message: str
    place: Place = field(default_factory=Place)
    help: str = ""
    link: str = ""

    def __str__(self) -> str:
        """Write the finding as `severity[id]: place: message`."""
        where = f"{self.place}: " if str(self.place) else ""
        return f"{self.severity.value}[{self.id}]: {where}{self.message}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands where a document has a value that is known only after deployment (a Pulumi output).

    The language never writes one; readers meet them in previews. `cause` says, for people, which
    value is missing and why. An unknown is never allowed and never denied: whatever depends on it
    is undetermined, and names this cause.

    >>> print(Unknown("the cidr of policy `shop/api`"))
    unknown: the cidr of policy `shop/api`
    """

    cause: str

    def __str__(self) -> str:
        """Write the unknown with its cause."""
        return f"unknown: {self.cause}"
