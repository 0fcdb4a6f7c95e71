"""What a stand-in answers to the engine, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tests.engine.plugins.changes import Change, forces_replacement
from tests.engine.plugins.wire import Properties

__all__ = ["Absent", "Created", "Difference", "Provider", "Refused", "Resource"]


class Refused(Exception):  # noqa: N818 - reads as what it says
    """The cloud behind the stand-in would refuse this request."""


class Absent(Refused):
    """What was asked for does not exist."""


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource a request is about. `seed` makes generated names repeatable within a plan.

    `id` is what the cloud calls it, empty where it does not exist yet.
    """

    urn: str
    type: str
    seed: bytes = b""
    id: str = ""

    @property
    def name(self) -> str:
        """Return the logical name, which is the last part of the URN."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of inputs does: in place where `replaces` is empty."""

    changes: tuple[Change, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False

    @classmethod
    def between(
        cls, found: Iterable[Change], immutable: Iterable[str], *, delete_first: bool
    ) -> Difference:
        """Return the difference that `found` makes, deleting first only where it replaces."""
        kept, fixed = tuple(found), tuple(immutable)
        replaces = tuple(change.path for change in kept if forces_replacement(change, fixed))
        return cls(kept, replaces, delete_first and bool(replaces))


@dataclass(frozen=True, slots=True)
class Created:
    """A resource as the cloud reports it: `id` is empty where only a preview was made."""

    id: str
    outputs: Properties


class Provider(Protocol):
    """One stand-in. `version` is that of the SDK, so that the engine accepts it for the program."""

    version: str
    keeps_secrets: bool

    def difference_of_configuration(self, old: Properties, new: Properties) -> Difference:
        """Return what a change of the provider's own configuration does."""

    def configure(self, settings: Properties) -> None:
        """Remember the configuration of this run."""

    def checked(self, resource: Resource, old: Properties, new: Properties) -> Properties:
        """Return `new` with the names and defaults that the provider adds; `old` is {} at first."""

    def difference(self, resource: Resource, old: Properties, new: Properties) -> Difference:
        """Return what changing the inputs from `old` to `new` does."""

    def previewed(self, resource: Resource, inputs: Properties, state: Properties) -> Properties:
        """Return what is known of the outputs before it is done; `state` is {} for a creation."""

    def created(self, resource: Resource, inputs: Properties) -> Created:
        """Return the resource with its id."""

    def updated(self, resource: Resource, inputs: Properties, state: Properties) -> Properties:
        """Return the outputs after a change in place."""

    def read(
        self, resource: Resource, inputs: Properties, state: Properties
    ) -> tuple[Properties, Properties]:
        """Return the inputs and outputs that a refresh finds; raise `Absent` where it is gone.

        Without inputs it is an import, or read for the first time.
        """

    def deleted(self, resource: Resource) -> None:
        """Delete the resource, or raise `Refused`."""

    def invoked(self, token: str, arguments: Properties) -> Properties:
        """Return the result of a function of the provider."""
