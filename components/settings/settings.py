"""The stack's configuration as one typed value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import add

from components.applications import Application, Images, shop, walkthrough
from components.settings.cluster import ClusterChoice, ClusterSettings, PodNetworking
from podwall.components.checks import check_at_least, refused
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.engine import NetworkEngine
from podwall.policies.presets import Step

__all__ = ["ApplicationName", "Settings"]


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
        """Refuse what the cluster refuses, at the key that said it."""
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
