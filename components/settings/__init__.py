"""The stack's configuration: text from Pulumi into one typed value, or one clear refusal."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import add
from typing import Any, Union, get_args, get_origin, get_type_hints

from pulumi import RunError, get_project
from pulumi.runtime.config import CONFIG, get_config_env

from components.applications import Application, Images, shop, walkthrough
from components.reading import camel_case, read
from components.settings.cluster import (
    ClusterChoice,
    ClusterSettings,
    PodNetworking,
)
from components.settings.parts import EntraSettings, SystemPoolSettings, UserPoolSettings
from podwall.aks.network_engine import NetworkEngine
from podwall.components.checks import check_at_least, refused
from podwall.components.cluster.args import AksClusterArgs
from podwall.policies.errors import InvalidValue, Place, PodwallError
from podwall.policies.presets import Step

__all__ = [
    "ApplicationName",
    "ClusterChoice",
    "ClusterSettings",
    "EntraSettings",
    "PodNetworking",
    "ProgramRefusedError",
    "Settings",
    "SystemPoolSettings",
    "UserPoolSettings",
    "read_settings",
    "refusals_in_one_line",
    "settings_of",
]


class ApplicationName(StrEnum):
    """The applications that a stack can deploy."""

    WALKTHROUGH = "walkthrough"
    SHOP = "shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the keys `podwall:...` say, each with its default.

    Attributes:
        step: the step of the walkthrough.
        engine: what enforces network policies in the cluster.
        pod_networking: where pods get their addresses.
        kubernetes_version: a minor version such as `1.36`, or `automatic` where
            `cluster.upgrades` chooses one.
        location: the Azure region.
        cluster: everything else about the cluster.
        applications: what runs in the cluster.
        images: the container images of the applications.
        replicas: pods of each stateless part of the shop.
    """

    step: Step = Step.OWN_NAMESPACE
    engine: NetworkEngine = NetworkEngine.AZURE
    pod_networking: PodNetworking = PodNetworking.OVERLAY
    kubernetes_version: str = "1.36"
    location: str = "westeurope"
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    applications: tuple[ApplicationName, ...] = (ApplicationName.WALKTHROUGH,)
    images: Images = field(default_factory=Images)
    replicas: int = 2
    cluster_args: AksClusterArgs = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what the cluster refuses, at the key that has the value."""
        check_at_least(self.replicas, 1, "replicas")
        if len(set(self.applications)) < len(self.applications):
            raise refused("applications", "an application is given twice", "give each once")
        choice = ClusterChoice(
            engine=self.engine,
            pod_networking=self.pod_networking,
            kubernetes_version=self.kubernetes_version,
            location=self.location,
        )
        object.__setattr__(self, "cluster_args", self.cluster.args(choice))

    @property
    def application(self) -> Application:
        """Return everything that runs in the cluster, as one application."""
        known: Mapping[ApplicationName, Callable[[], Application]] = {
            ApplicationName.WALKTHROUGH: lambda: walkthrough(self.step, self.images),
            ApplicationName.SHOP: lambda: shop(self.images, self.replicas),
        }
        return reduce(add, (known[name]() for name in self.applications), Application())


def settings_of(values: Mapping[str, str], project: str) -> Settings:
    """Return the settings of a stack's configuration values.

    Args:
        values: every configuration value by its full key; keys of other namespaces, such as
            `azure-native:location`, are for their providers.
        project: the namespace of our own keys.

    Raises:
        InvalidValue: an unknown key, a value of another type, or one that is not allowed; the
            message begins with the full key.

    >>> settings_of({"podwall:step": "open"}, "podwall").step
    <Step.OPEN: 'open'>
    >>> settings_of({"podwall:stepp": "open"}, "podwall")
    Traceback (most recent call last):
    podwall.policies.errors.InvalidValue: podwall:stepp: there is no field `stepp`, only ...
    """
    prefix = f"{project}:"
    given = {
        full.removeprefix(prefix): value
        for full, value in values.items()
        if full.startswith(prefix)
    }
    try:
        return read(Settings, {key: _parsed(key, value) for key, value in given.items()}, "")
    except InvalidValue as error:
        place = Place(path=f"{prefix}{error.place.path}")
        raise InvalidValue(error.message, help=error.help, place=place) from error


def _parsed(key: str, value: str) -> Any:
    """Return a value as a document: a text where the setting is one, or nothing else fits."""
    if key in _TEXTS:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # no JSON, or numbers and nesting beyond any setting
        return value


def _is_text(annotation: Any) -> bool:
    kinds = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    return any(isinstance(kind, type) and issubclass(kind, str | StrEnum) for kind in kinds)


_UNIONS = (Union, types.UnionType)
_TEXTS = {camel_case(name) for name, kind in get_type_hints(Settings).items() if _is_text(kind)}


class ProgramRefusedError(InvalidValue, RunError):
    """A refusal that the Pulumi CLI shows as one line, without a traceback.

    The whole of it is in the message; `__cause__` is the refusal with its place and help apart.
    """


def read_settings() -> Settings:
    """Return what the stack's configuration says; every key in our namespace must be known.

    Raises:
        InvalidValue: an unknown key or a value that is not allowed.
    """
    # `pulumi.Config` can be asked for a key, but not for the keys that nobody knows.
    return settings_of({**get_config_env(), **CONFIG.get()}, get_project())


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """Turn a refusal into an error that `pulumi up` shows as one line."""
    try:
        yield
    except PodwallError as refusal:
        remedy = f"; {refusal.help}" if refusal.help else ""
        raise ProgramRefusedError(f"{refusal}{remedy}") from refusal
