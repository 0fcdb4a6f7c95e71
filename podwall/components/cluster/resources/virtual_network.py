"""Virtual networks and subnets, without the SDK's classes for them.

`pulumi_azure_native.network` is 124 resources and 90,000 lines in one import, which takes as long
as Pulumi and every other SDK module of this component together (0.6 s each, bytecode cached). Two
resources with a few properties do not need it. Types, properties and defaults are the SDK's own; a
test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from pulumi import CustomResource, Output, ResourceOptions

__all__ = ["Properties", "Subnet", "VirtualNetwork"]

Properties = Mapping[str, Any]
"""The properties of a resource, in Azure's spelling."""


class VirtualNetwork(CustomResource):
    """An Azure virtual network (`azure-native:network:VirtualNetwork`)."""

    name: Output[str]

    def __init__(self, name: str, properties: Properties, opts: ResourceOptions) -> None:
        """Declare the network; its subnets are resources of their own."""
        defaults = {"enableDdosProtection": False, "enableVmProtection": False, "name": None}
        super().__init__(
            "azure-native:network:VirtualNetwork",
            name,
            {**defaults, **properties},
            _with_version(opts),
        )


class Subnet(CustomResource):
    """A subnet of a virtual network (`azure-native:network:Subnet`).

    Nothing leaves it by Azure's default way out, which can be said at creation only.
    """

    def __init__(self, name: str, properties: Properties, opts: ResourceOptions) -> None:
        """Declare the subnet."""
        defaults = {
            "defaultOutboundAccess": False,
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        }
        super().__init__(
            "azure-native:network:Subnet", name, {**defaults, **properties}, _with_version(opts)
        )


def _with_version(opts: ResourceOptions) -> ResourceOptions:
    return ResourceOptions.merge(opts, ResourceOptions(version=_sdk_version()))


@cache
def _sdk_version() -> str:
    return version("pulumi_azure_native")
