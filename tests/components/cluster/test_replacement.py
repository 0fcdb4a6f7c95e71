"""A change that makes a cluster or a pool anew is known, and says what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pulumi import Output, ResourceHookArgs
from pulumi._types import input_type_py_to_pulumi_names
from pulumi_azure_native.containerservice import (
    AgentPoolNetworkProfileArgs,
    ContainerServiceNetworkProfileArgs,
    ManagedClusterAgentPoolProfileArgs,
    ManagedClusterArgs,
)

from podwall.aks.resource_types import (
    CLUSTER_LEAVES,
    POOL_LEAVES,
    cluster_replacements,
    pool_replacements,
)
from podwall.components.cluster import (
    AksCluster,
    EngineChange,
    ExistingNetwork,
    ManagedDisk,
    NetworkEngine,
    NewNetwork,
    NodeSubnet,
    Overlay,
    PodSubnet,
    ServiceNetwork,
    SystemPool,
    UserPool,
)
from podwall.components.cluster.aks_cluster import refuse_changes
from podwall.components.cluster.fixed import fixed_changes, fixed_leaves, sdk_name
from podwall.policies.errors import InvalidValue, Unknown
from tests.components.cluster.leaves import REPLACES_A_CLUSTER, REPLACES_A_POOL
from tests.components.cluster.sent import declared
from tests.components.cluster.values import NODES, PODS, cluster
from tests.components.harness import deploy


def nested(path: str, value: object) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    before, after = (fixed_leaves("shop", cluster(**each)) for each in (old, new))
    return [str(change) for change in fixed_changes(before, after)]


def test_the_tables_are_those_of_the_sources() -> None:
    assert tuple(CLUSTER_LEAVES) == REPLACES_A_CLUSTER
    assert tuple(POOL_LEAVES) == REPLACES_A_POOL


@pytest.mark.parametrize("path", REPLACES_A_CLUSTER)
def test_every_leaf_is_noticed_when_it_changes_comes_or_goes(path: str) -> None:
    for old, new in (("a", "b"), (None, "b"), ("a", None)):
        before, after = (nested(path, each) if each else {} for each in (old, new))
        (found,) = cluster_replacements(before, after)
        assert (found.path, found.old, found.new, found.is_certain) == (path, old, new, True)
        assert found.instead


@pytest.mark.parametrize("path", REPLACES_A_POOL)
def test_every_leaf_of_a_pool_is_noticed(path: str) -> None:
    (found,) = pool_replacements(nested(path, 1), nested(path, 2))
    assert str(found) == f"{path}: `1` -> `2`"


def test_one_leaf_of_a_pool_inside_the_cluster_replaces_the_cluster() -> None:
    def inputs(tag: str, size: str, name: str = "system") -> dict[str, Any]:
        tags = {"nodePublicIPTags": [{"tag": tag}]}
        return {"agentPoolProfiles": [{"name": name, "vmSize": size, "networkProfile": tags}]}

    (found,) = cluster_replacements(inputs("a", "small"), inputs("b", "large"))
    assert found.path == "agentPoolProfiles[system].networkProfile.nodePublicIPTags"
    assert cluster_replacements(inputs("a", "small"), inputs("b", "small", "other")) == ()


@pytest.mark.parametrize(
    ("azures", "arguments"),
    [
        pytest.param(REPLACES_A_CLUSTER, ManagedClusterArgs, id="a cluster"),
        pytest.param(REPLACES_A_POOL, ManagedClusterAgentPoolProfileArgs, id="a pool"),
    ],
)
def test_a_leaf_is_found_by_the_name_that_the_sdk_has_for_it(
    azures: tuple[str, ...], arguments: type
) -> None:
    parts = {part for path in azures for part in path.split(".")}
    known: dict[str, str] = {}
    inner = (ContainerServiceNetworkProfileArgs, AgentPoolNetworkProfileArgs)
    for each in (arguments, *inner):
        known |= {azure: sdk for sdk, azure in input_type_py_to_pulumi_names(each).items()}
    # The resource, as against its class of arguments, calls it `resource_name_`.
    known |= {"resourceName": "resource_name_"}
    assert {part: sdk_name(part) for part in parts} == {part: known[part] for part in parts}


@pytest.mark.parametrize("path", ["networkProfile.networkPolicy", "networkProfile", "location"])
def test_a_value_that_is_unknown_may_replace_the_cluster(path: str) -> None:
    inputs = {"networkProfile": {"networkPolicy": "azure"}, "location": "westeurope"}
    unknown = {**inputs, **nested(path, Unknown("the value"))}
    found = cluster_replacements(inputs, unknown)
    assert found
    assert not any(each.is_certain for each in found)


def test_nothing_is_replaced_when_nothing_changes() -> None:
    inputs = {"networkProfile": {"networkPolicy": "azure"}, "tags": {"a": "b"}}
    assert cluster_replacements(inputs, {**inputs, "tags": {}}) == ()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param({}, {"tags": {"a": "b"}}, [], id="tags"),
        pytest.param({}, {"user_pools": (UserPool(name="more"),)}, [], id="another pool"),
        pytest.param(
            {},
            {"engine": NetworkEngine.CALICO},
            ["networkProfile.networkPolicy: `azure` -> `calico`"],
            id="another engine",
        ),
        pytest.param(
            {"pod_network": NodeSubnet()},
            {"pod_network": Overlay(), "system_pool": SystemPool(max_pods=30)},
            [
                "networkProfile.networkPluginMode: `unset` -> `overlay`",
                "networkProfile.podCidr: `unset` -> `10.244.0.0/16`",
            ],
            id="an overlay where there was none",
        ),
        pytest.param(
            {},
            {"services": ServiceNetwork("10.1.0.0/16")},
            [
                "networkProfile.serviceCidr: `10.0.0.0/16` -> `10.1.0.0/16`",
                "networkProfile.dnsServiceIP: `10.0.0.10` -> `10.1.0.10`",
            ],
            id="another service range",
        ),
        pytest.param(
            {},
            {"system_pool": SystemPool(os_disk=ManagedDisk())},
            ["systemPool.osDiskType: `Ephemeral` -> `Managed`"],
            id="another disk of the system pool",
        ),
        pytest.param(
            {},
            {"network": NewNetwork(node_subnet="10.224.32.0/20")},
            [],
            id="a subnet, which is a resource of its own",
        ),
    ],
)
def test_what_the_component_can_not_change(
    old: dict[str, Any], new: dict[str, Any], found: list[str]
) -> None:
    assert changes(old, new) == found


def test_what_was_not_written_down_is_not_compared() -> None:
    assert fixed_changes({}, fixed_leaves("shop", cluster())) == ()


def test_what_an_older_version_wrote_down_is_compared() -> None:
    written = {
        "networkProfile": {
            "networkPlugin": "azure",
            "networkPluginMode": "overlay",
            "networkDataplane": "azure",
            "networkPolicy": "azure",
            "podCidr": "10.244.0.0/16",
            "serviceCidr": "10.0.0.0/16",
            "dnsServiceIP": "10.0.0.10",
            "outboundType": "loadBalancer",
        },
        "dnsPrefix": "shop",
        "location": "unset",
        "resourceName": "unset",
        "systemPool": {
            "name": "system",
            "vmSize": "Standard_D4ds_v5",
            "maxPods": 250.0,
            "availabilityZones": [],
            "osDiskType": "Ephemeral",
            "osDiskSizeGB": 128.0,
            "enableEncryptionAtHost": False,
        },
    }
    same = cluster(system_pool=SystemPool(zones=()))
    assert fixed_changes(written, fixed_leaves("shop", same)) == ()
    other = cluster(system_pool=SystemPool(zones=("1",)), location="westeurope")
    assert [str(each) for each in fixed_changes(written, fixed_leaves("shop", other))] == [
        "location: `unset` -> `westeurope`",
        "systemPool.availabilityZones: `[]` -> `['1']`",
    ]


@pytest.mark.long
def test_what_another_resource_tells_is_left_out() -> None:
    def recorded(wrap: Callable[[str], Any]) -> dict[str, Any]:
        def program() -> None:
            network = ExistingNetwork(node_subnet_id=wrap(NODES), pod_subnet_id=wrap(PODS))
            group = wrap("group")
            args = cluster(resource_group=group, pod_network=PodSubnet(), network=network)
            AksCluster("shop", args)

        return deploy(program).one("AksCluster").inputs

    later, named = recorded(Output.from_input), recorded(str)
    assert "resourceGroupName" not in later
    assert later["systemPool"].keys().isdisjoint({"vnetSubnetID", "podSubnetID"})
    assert later["systemPool"]["podIPAllocationMode"] == "DynamicIndividual"
    assert (named["resourceGroupName"], named["systemPool"]["vnetSubnetID"]) == ("group", NODES)
    assert fixed_changes(later, named) == fixed_changes(named, later) == ()


def update(old: dict[str, Any], new: dict[str, Any]) -> ResourceHookArgs:
    return ResourceHookArgs("urn", "", "shop", "podwall:index:AksCluster", new, old)


def test_a_change_is_refused_with_everything_that_changes_and_what_to_do() -> None:
    old = fixed_leaves("shop", cluster())
    new = fixed_leaves("shop", cluster(engine=NetworkEngine.CILIUM))
    with pytest.raises(InvalidValue) as caught:
        refuse_changes(update(old, new))
    for words in (
        "networkProfile.networkPolicy: `azure` -> `cilium`",
        "networkProfile.networkDataplane: `azure` -> `cilium`",
        "az aks update --network-dataplane cilium",
        "EngineChange.ALREADY_MIGRATED",
    ):
        assert caught.value.message.count(words) == 1


def test_an_update_that_changes_nothing_fixed_goes_on() -> None:
    leaves = fixed_leaves("shop", cluster())
    refuse_changes(update(leaves, leaves))
    refuse_changes(ResourceHookArgs("urn", "", "shop", "podwall:index:AksCluster"))


@pytest.mark.parametrize(
    ("change", "hooks"),
    [
        (EngineChange.REFUSE, ["shop: settings that can't change"]),
        (EngineChange.ALREADY_MIGRATED, []),
    ],
)
@pytest.mark.long(keep=1)
def test_the_component_is_guarded_unless_it_is_told_otherwise(
    change: EngineChange, hooks: list[str]
) -> None:
    found = declared(cluster(engine_change=change)).one("AksCluster")
    assert list(found.request.hooks.before_update) == hooks
    assert not found.request.hooks.before_delete
    assert found.inputs["networkProfile"]["networkPolicy"] == "azure"
