from __future__ import annotations

import pytest

from components.reading import camel_case
from components.settings import (
    ApplicationName,
    PodNetworking,
    ProgramRefusedError,
    Settings,
    refusals_in_one_line,
    settings_of,
)
from podwall.components.cluster import NetworkEngine
from podwall.policies import InvalidValue, PodwallError, Step
from tests.stack.documents import as_text, declared, stack_values


def test_the_defaults_in_pulumi_yaml_are_the_defaults_of_the_program() -> None:
    values = {f"podwall:{key}": as_text(each["default"]) for key, each in declared().items()}
    assert settings_of(values, "podwall") == settings_of({}, "podwall") == Settings()


def test_pulumi_yaml_declares_every_setting_and_describes_it() -> None:
    settings = {camel_case(name) for name in Settings.__dataclass_fields__} - {"clusterArgs"}
    assert set(declared()) == settings
    assert all(each["description"] for each in declared().values())


@pytest.mark.parametrize(("key", "choices"), [("step", Step), ("engine", NetworkEngine)])
def test_descriptions_name_every_choice(key: str, choices: type[Step | NetworkEngine]) -> None:
    assert all(choice.value in declared()[key]["description"] for choice in choices)


def test_the_dev_stack_is_the_walkthrough() -> None:
    settings = settings_of(stack_values("dev"), "podwall")
    assert settings.step is Step.OWN_NAMESPACE
    assert settings.engine is NetworkEngine.AZURE
    assert settings.pod_networking is PodNetworking.OVERLAY
    assert settings.applications == (ApplicationName.WALKTHROUGH,)


def test_the_prod_stack_is_hardened() -> None:
    settings = settings_of(stack_values("prod"), "podwall")
    cluster = settings.cluster
    assert settings.engine is NetworkEngine.CILIUM
    assert cluster.private
    assert cluster.protect
    assert cluster.entra is not None
    assert not cluster.entra.local_accounts
    assert cluster.maintenance is not None
    assert cluster.user_pools
    assert all(pool.zones == ("1", "2", "3") for pool in cluster.user_pools)
    assert all(each.deny_ingress and each.deny_egress for each in settings.application.namespaces)


def test_keys_of_other_namespaces_are_left_to_their_providers() -> None:
    values = {"azure-native:location": "northeurope", "step": "x", "aws:stepp": "y"}
    assert settings_of(values, "podwall") == Settings()


def test_both_applications_can_share_a_cluster() -> None:
    both = settings_of({"podwall:applications": '["walkthrough", "shop"]'}, "podwall").application
    assert {"starwind", "visitor", "ingress", "monitoring", "shop"} == {
        each.name for each in both.namespaces
    }


def test_a_cluster_can_be_empty() -> None:
    assert not settings_of({"podwall:applications": "[]"}, "podwall").application.namespaces


def test_azure_can_choose_the_version() -> None:
    values = {
        "podwall:kubernetesVersion": "automatic",
        "podwall:cluster": as_text({"upgrades": "stable"}),
    }
    assert settings_of(values, "podwall").cluster_args.kubernetes_version is None


WRONG = [
    pytest.param("stepp", "open", "podwall:stepp: there is no field `stepp`", "`step`", id="key"),
    pytest.param("Step", "open", "podwall:Step: there is no field `Step`", "`step`", id="its case"),
    pytest.param(
        "step",
        "own-namspace",
        "podwall:step: must be `open`, `deny-all`, `same-namespace`, `any-namespace` or "
        "`own-namespace`, is `own-namspace`",
        "did you mean `own-namespace`?",
        id="step",
    ),
    pytest.param("engine", "celium", "podwall:engine: must be", "mean `cilium`", id="engine"),
    pytest.param(
        "podNetworking", "flat", "podwall:podNetworking: must be `overlay`, ", "", id="pods"
    ),
    pytest.param("replicas", "two", "podwall:replicas: must be a whole", "", id="a word"),
    pytest.param("replicas", "2.5", "podwall:replicas: must be a whole", "", id="a half"),
    pytest.param("replicas", "9" * 5000, "podwall:replicas: must be a whole", "", id="huge"),
    pytest.param("replicas", "0", "podwall:replicas: `0` is less than 1", "", id="too few"),
    pytest.param("applications", "shop", "podwall:applications: must be a list", "", id="?"),
    pytest.param(
        "applications",
        ["shop", "walktrough"],
        "podwall:applications[1]: must be `walkthrough` or `shop`, is `walktrough`",
        "did you mean `walkthrough`?",
        id="an application",
    ),
    pytest.param(
        "applications", ["shop", "shop"], "podwall:applications: an application", "once", id="twice"
    ),
    pytest.param(
        "images", {"backnd": "x:1"}, "podwall:images.backnd: ", "`backend`", id="an image's key"
    ),
    pytest.param(
        "images", {"db": "valkey"}, "podwall:images.db: `valkey` has neither", "", id="an image"
    ),
    pytest.param("cluster", "big", "podwall:cluster: must be a mapping", "", id="no mapping"),
    pytest.param(
        "cluster",
        {"userPools": [{"name": "apps", "zone": ["1"]}]},
        "podwall:cluster.userPools[0].zone: there is no field `zone`",
        "did you mean `zones`?",
        id="deep inside",
    ),
    pytest.param(
        "cluster", {"userPools": [{}]}, "podwall:cluster.userPools[0].name: is", "", id="missing"
    ),
    pytest.param(
        "cluster",
        {"systemPool": {"zones": [1]}},
        "podwall:cluster.systemPool.zones[0]: must be text, is `1`",
        "",
        id="a number for a zone",
    ),
    pytest.param(
        "cluster",
        {"podCidr": "8.8.0.0/16"},
        "podwall:cluster.podCidr: `8.8.0.0/16` is not a private range",
        "RFC 1918",
        id="a public range",
    ),
    pytest.param(
        "cluster",
        {"private": True, "authorizedIpRanges": ["203.0.113.7/32"]},
        "podwall:cluster.authorizedIpRanges: a private API server",
        "",
        id="private and restricted",
    ),
    pytest.param(
        "cluster",
        {"entra": {"adminGroups": []}},
        "podwall:cluster.entra.adminGroups: nobody",
        "admin_groups",
        id="nobody",
    ),
    pytest.param(
        "cluster",
        {"maintenance": {"hours": 1}},
        "podwall:cluster.maintenance.hours: `1`",
        "4 to 24",
        id="a short window",
    ),
    pytest.param(
        "cluster",
        {"network": {"nodeSubnet": "192.168.0.0/24"}},
        "podwall:cluster.network.nodeSubnet: ",
        "",
        id="a subnet outside",
    ),
    pytest.param("kubernetesVersion", "latest", "podwall:kubernetesVersion: ", "1.3", id="version"),
    pytest.param(
        "kubernetesVersion", "automatic", "podwall:kubernetesVersion: ", "stable", id="nobody says"
    ),
]


@pytest.mark.parametrize(("key", "value", "message", "remedy"), WRONG)
def test_wrong_configuration_gives_one_message_with_its_key(
    key: str, value: object, message: str, remedy: str
) -> None:
    with pytest.raises(InvalidValue) as refusal:
        settings_of({f"podwall:{key}": as_text(value)}, "podwall")
    assert str(refusal.value).startswith(message)
    assert remedy in refusal.value.help
    assert "\n" not in f"{refusal.value}{refusal.value.help}"


def test_pod_cidr_is_for_overlays() -> None:
    values = {
        "podwall:podNetworking": "node-subnet",
        "podwall:cluster": as_text({"podCidr": "10.1.0.0/16"}),
    }
    with pytest.raises(InvalidValue, match=r"podwall:cluster.podCidr: `node-subnet` has no range"):
        settings_of(values, "podwall")


def test_a_refusal_leaves_the_program_as_one_line_that_pulumi_shows() -> None:
    with pytest.raises(ProgramRefusedError) as error, refusals_in_one_line():
        settings_of({"podwall:step": "opn"}, "podwall")
    assert str(error.value).endswith("is `opn`; did you mean `open`?")
    assert isinstance(error.value.__cause__, PodwallError)
