"""The components for every language of Pulumi: typed dictionaries at the edge, the same rules.

`provider` is what engines of every language talk to.
"""

from __future__ import annotations

import re
from itertools import accumulate

from pulumi import ComponentResource, InputPropertyError, Inputs, ResourceOptions
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from components.package.cluster import AksCluster
from components.package.kubernetes import Namespace, NetworkPolicies, Workload
from components.reading import camel_case
from podwall.policies.errors import PodwallError

__all__ = ["AksCluster", "Namespace", "NetworkPolicies", "PackageProvider", "Workload", "provider"]


class PackageProvider(ComponentProvider):
    """Makes components, and refuses wrong inputs as Pulumi's own providers do.

    `component_provider_host` starts the same provider, but would show a refusal as an unexpected
    error with a Python traceback, to people who may not write Python. Here it names the property.
    """

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Inputs,
        options: ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertyError: the component refuses an input.
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, PodwallError):
                raise _refusal(error.inner) from error
            raise


def _refusal(refused: PodwallError) -> InputPropertyError:
    remedy = f"; {refused.help}" if refused.help else ""
    return InputPropertyError(_as_written(refused.place.path), f"{refused.message}{remedy}")


def _as_written(path: str) -> str:
    """Return the path of a property as the schema spells it; what is in brackets stays.

    >>> _as_written("user_pools[the_first].vm_size")
    'userPools[the_first].vmSize'
    """
    words = re.split(r"([.\[\]])", path)
    inside = [0, *accumulate((each == "[") - (each == "]") for each in words)]
    return "".join(
        word if depth else camel_case(word) for word, depth in zip(words, inside, strict=False)
    )


_COMPONENTS: list[type[ComponentResource]] = [AksCluster, Namespace, NetworkPolicies, Workload]
_VERSION = "0.1.0"


def provider() -> PackageProvider:
    """Return the provider of the package `podwall`; its schema comes from the annotations."""
    return PackageProvider(_COMPONENTS, "podwall", version=_VERSION)
