"""Arguments that the tests of this folder start from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podwall.components.cluster import AksClusterArgs, ExistingNetwork
from podwall.policies.errors import InvalidValue

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"
NETWORK = (
    f"{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets"
)
NODES, PODS, API_SERVER = f"{NETWORK}/nodes", f"{NETWORK}/pods", f"{NETWORK}/api"
ZONE = (
    f"{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/privateDnsZones"
    "/privatelink.westeurope.azmk8s.io"
)
REGISTRY = f"{SUBSCRIPTION}/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/shop"
WORKSPACE = f"{SUBSCRIPTION}/resourceGroups/r/providers/Microsoft.OperationalInsights/workspaces/w"


def cluster(**changes: object) -> AksClusterArgs:
    """Return the arguments of an ordinary cluster, with changes."""
    return AksClusterArgs(**{"kubernetes_version": "1.36", **changes})  # type: ignore[arg-type]  # the tests' changes are checked at run time


def existing(**changes: object) -> ExistingNetwork:
    """Return a network that exists, with changes."""
    return ExistingNetwork(**{"node_subnet_id": NODES, **changes})  # type: ignore[arg-type]  # the tests' changes are checked at run time


def refused(make: Callable[[], object], argument: str, words: str) -> None:
    """Assert that `make` is refused at `argument`, for a reason with these words, with a remedy."""
    with pytest.raises(InvalidValue) as caught:
        make()
    assert caught.value.place.path == argument
    assert words in caught.value.message
    assert caught.value.help
    assert not caught.value.message.endswith(".")
