"""The rules about a stack: what they refuse, accept, and can't tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as LATER

from tests.guardrails.packs import Told, cluster, judged, kubernetes, messages, objects, resource
from tests.lint.cases import DENY, SHOP, pod, policy

WEB = pod("web")
ANYONE = policy("podSelector: {}, ingress: [{}]", "anyone")
FROM_WEB = policy(
    "podSelector: {matchLabels: {app: api}}, "
    "ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]",
    "api",
)
DENY_INGRESS = policy("podSelector: {}, policyTypes: [Ingress]", "deny")
UNKNOWN_SELECTOR = policy(f"podSelector: {LATER}, policyTypes: [Ingress]", "deny")
UNKNOWN_RULES = policy(f"podSelector: {{}}, ingress: {LATER}", "deny")
UNKNOWN_TYPES = policy(f"podSelector: {{}}, policyTypes: [{LATER}]", "deny")
UNKNOWN_NAMESPACE = policy("podSelector: {}, policyTypes: [Ingress]", "deny", LATER)


@pytest.mark.parametrize(
    ("rule", "texts", "said"),
    [
        pytest.param(
            "namespace-without-default-deny",
            (SHOP, WEB),
            "namespace `shop` has no policy that denies ingress by default",
            id="a namespace without any policy",
        ),
        pytest.param(
            "namespace-without-default-deny",
            (SHOP,),
            "namespace `shop` has no policy that denies ingress by default",
            id="a namespace that is still empty",
        ),
        pytest.param(
            "namespace-without-default-deny",
            (WEB, FROM_WEB),
            "namespace `shop` has no policy that denies ingress by default",
            id="a namespace with a policy for some pods",
        ),
        pytest.param(
            "workload-open",
            (SHOP, WEB),
            "everyone may connect to `shop/web` on every port, from anywhere",
            id="a pod that nothing isolates",
        ),
        pytest.param(
            "workload-open",
            (DENY, WEB, ANYONE),
            "everyone may connect to `shop/web` on every port, from anywhere",
            id="a pod that a rule opens to everyone",
        ),
        pytest.param(
            "workload-open",
            (WEB, policy("podSelector: {}, ingress: [{ports: [{port: 443}]}]", "tls")),
            "everyone may connect to `shop/web` on TCP 443, from anywhere",
            id="a port that is open to everyone",
        ),
        pytest.param(
            "dns-cut-off",
            (DENY, WEB, policy("podSelector: {}, egress: [{ports: [{port: 443}]}]", "out")),
            "",
            id="egress without DNS",
        ),
        pytest.param(
            "selector-without-match",
            (WEB, policy("podSelector: {matchLabels: {app: wbe}}, ingress: []", "typo")),
            "spec.podSelector: ",
            id="a selector with a typing error",
        ),
        pytest.param(
            "object-refused",
            (WEB, policy("podSelector: {}, ingress: [{ports: [{port: 99999}]}]", "port")),
            "spec.ingress[0].ports[0].port: ",
            id="a port that does not exist",
        ),
        pytest.param(
            "lint",
            (WEB, policy("podSelector: {}, egress: [{}]", "out")),
            "spec.egress[0]: ",
            id="whatever else lint warns of",
        ),
        pytest.param(
            "workload-before-policies",
            (DENY_INGRESS, WEB),
            "`shop/web` may start before any policy isolates its ingress",
            id="a pod that waits for nothing",
        ),
    ],
)
def test_a_stack_is_refused(rule: str, texts: tuple[str, ...], said: str) -> None:
    found = messages(judged(objects(*texts)), rule)
    assert found
    assert found[0].startswith(said)


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        pytest.param("namespace-without-default-deny", (SHOP, DENY, WEB), id="denied by default"),
        pytest.param(
            "namespace-without-default-deny",
            (pod("agent", where="kube-system"),),
            id="Kubernetes' own namespaces are its own",
        ),
        pytest.param("workload-open", (DENY, WEB, FROM_WEB), id="closed to all, or all but some"),
        pytest.param("dns-cut-off", (DENY_INGRESS, WEB), id="nothing said of egress"),
        pytest.param("selector-without-match", (WEB, DENY), id="all pods"),
        pytest.param("object-refused", (SHOP, DENY, WEB), id="what is well written"),
        pytest.param("workload-before-policies", (SHOP, WEB), id="nothing to wait for"),
    ],
)
def test_a_stack_is_accepted(rule: str, texts: tuple[str, ...]) -> None:
    assert messages(judged(objects(*texts)), rule) == []


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        pytest.param(
            "namespace-without-default-deny", (SHOP, UNKNOWN_SELECTOR), id="selector of a deny"
        ),
        pytest.param("namespace-without-default-deny", (SHOP, UNKNOWN_TYPES), id="kinds of a deny"),
        pytest.param(
            "namespace-without-default-deny", (SHOP, UNKNOWN_NAMESPACE), id="namespace of a deny"
        ),
        pytest.param(
            "namespace-without-default-deny", (pod("web", where=LATER),), id="namespace of a pod"
        ),
        pytest.param("workload-open", (WEB, UNKNOWN_RULES), id="rules for a pod"),
        pytest.param("workload-open", (WEB, UNKNOWN_SELECTOR), id="pods of a policy"),
        pytest.param("workload-before-policies", (WEB, UNKNOWN_SELECTOR), id="order"),
        pytest.param(
            "workload-before-policies",
            (WEB, UNKNOWN_TYPES),
            id="order, where a policy may not isolate at all",
        ),
        pytest.param("known-only-after-deployment", (WEB, UNKNOWN_SELECTOR), id="lint"),
    ],
)
def test_an_unknown_is_undetermined_and_breaks_nothing(rule: str, texts: tuple[str, ...]) -> None:
    found = judged(objects(*texts))
    assert messages(found, rule) == []
    assert any(message.endswith(f"[{rule}]") for message in messages(found, "undetermined"))


def test_a_pod_that_waits_for_a_policy_is_accepted_however_indirectly() -> None:
    deny = kubernetes(DENY_INGRESS)
    middle = kubernetes(SHOP, dependencies=[deny["urn"]])
    web = kubernetes(WEB, dependencies=[middle["urn"]])
    assert messages(judged([cluster(), deny, middle, web]), "workload-before-policies") == []


CLOSED = (
    "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: deny, namespace: shop},"
    " spec: {endpointSelector: {}, ingress: [{}], egress: [{}]}}"
)
CLOSED_EVERYWHERE = (
    "{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: deny},"
    " spec: {endpointSelector: {}, ingress: [{}], egress: [{}]}}"
)


@pytest.mark.parametrize("written", [CLOSED, CLOSED_EVERYWHERE], ids=["own", "everywhere"])
@pytest.mark.parametrize(("engine", "denied"), [("cilium", True), ("azure", False)])
def test_a_policy_of_cilium_denies_by_default_where_it_is_enforced(
    written: str, engine: str, *, denied: bool
) -> None:
    profile = {"networkPlugin": "azure", "networkPolicy": engine}
    if engine == "cilium":
        profile |= {"networkDataplane": "cilium", "networkPluginMode": "overlay"}
    states = [cluster(profile), kubernetes(written), kubernetes(SHOP), kubernetes(WEB)]
    found = messages(judged(states), "namespace-without-default-deny")
    assert bool(found) is not denied


def _tiered(tier: str, ports: str = "", action: str = "Deny") -> str:
    return (
        "{apiVersion: policy.networking.k8s.io/v1beta1, kind: ClusterNetworkPolicy, metadata: "
        f"{{name: guard}}, spec: {{tier: {tier}, priority: 1, subject: {{namespaces: {{}}}}, "
        f"ingress: [{{action: {action}, from: [{{namespaces: {{}}}}]{ports}}}]}}}}"
    )


SSH = ", protocols: [{tcp: {destinationPort: {number: 22}}}]"
IN_CALICO = (
    "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: closed}, "
    "spec: {types: [Ingress]}}"
)


def _under(engine: str, version: str, *texts: str) -> list[Told]:
    """Return what the pack says of objects in a cluster of an engine and a version."""
    profile = {"networkPlugin": "azure", "networkPolicy": engine}
    if engine == "cilium":
        profile |= {"networkDataplane": "cilium", "networkPluginMode": "overlay"}
    states = [cluster(profile, kubernetesVersion=version), *map(kubernetes, texts)]
    return judged(states)


@pytest.mark.parametrize(
    ("engine", "version", "text", "said"),
    [
        ("azure", "1.36", _tiered("Admin"), "ClusterNetworkPolicy guard is written, and idle"),
        ("cilium", "1.36", _tiered("Admin"), "ClusterNetworkPolicy guard is written, and idle"),
        ("calico", "1.36", CLOSED, "CiliumNetworkPolicy shop/deny is written, and idle"),
        ("azure", "1.36", IN_CALICO, "Calico GlobalNetworkPolicy closed is written, and idle"),
    ],
)
def test_a_policy_of_a_kind_that_the_engine_does_not_enforce_is_refused(
    engine: str, version: str, text: str, said: str
) -> None:
    found = _under(engine, version, text, SHOP, WEB)
    assert messages(found, "policy-not-enforced")[0].startswith(f"{said} under {engine}")
    assert "idle" not in " ".join(messages(found, "lint"))
    assert messages(found, "namespace-without-default-deny") != []


def test_whether_a_later_version_enforces_a_kind_is_not_known() -> None:
    found = _under("cilium", "1.37", _tiered("Baseline"), SHOP, WEB)
    assert messages(found, "policy-not-enforced") == []
    assert messages(found, "namespace-without-default-deny") == []
    said = " ".join(messages(found, "undetermined"))
    assert "whether cilium enforces ClusterNetworkPolicy guard: ClusterNetworkPolicies came" in said
    assert "whether namespace `shop` denies ingress by default: whether Cilium enforces" in said


def test_a_policy_of_an_engine_that_nobody_knows_is_asked_for() -> None:
    found = judged([kubernetes(IN_CALICO), kubernetes(WEB)])
    said = " ".join(messages(found, "undetermined"))
    assert "whether the cluster enforces policy `Calico GlobalNetworkPolicy closed`" in said
    settings = {"policy-not-enforced": {"engine": "azure"}}
    refused = judged([kubernetes(IN_CALICO), kubernetes(WEB)], settings)
    assert "idle under azure" in messages(refused, "policy-not-enforced")[0]


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        pytest.param(_tiered("Baseline"), True, id="all ports"),
        pytest.param(_tiered("Baseline", SSH), False, id="one port alone"),
        pytest.param(_tiered("Admin", action="Pass"), False, id="passed on"),
    ],
)
def test_a_tier_denies_a_namespace_where_it_denies_all_ports(text: str, *, denied: bool) -> None:
    found = judged([kubernetes(text), kubernetes(SHOP), kubernetes(WEB)])
    assert bool(messages(found, "namespace-without-default-deny")) is not denied


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(
    ("engine", "text"), [("cilium", CLOSED), ("cilium", CLOSED_EVERYWHERE), ("calico", IN_CALICO)]
)
def test_a_pod_waits_for_policies_of_every_kind(engine: str, text: str, *, waits: bool) -> None:
    profile = {"networkPlugin": "azure", "networkPolicy": engine}
    if engine == "cilium":
        profile |= {"networkDataplane": "cilium", "networkPluginMode": "overlay"}
    closed = kubernetes(text)
    web = kubernetes(WEB, dependencies=[closed["urn"]] if waits else [])
    found = messages(judged([cluster(profile), closed, web]), "workload-before-policies")
    assert bool(found) is not waits


def test_policies_of_a_cluster_without_an_engine_are_idle() -> None:
    states = [cluster({"networkPlugin": "azure"}), kubernetes(DENY), kubernetes(WEB)]
    assert "idle" in messages(judged(states), "policy-not-enforced")[0]


def test_a_broken_expectation_is_refused_where_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "expectations.yaml"
    file.write_text(
        "expectations:\n"
        "  - {name: nobody reaches web, from: anything, to: shop/web, expect: denied}\n"
        "  - {name: web stays out, from: shop/web, to: internet, expect: denied}\n",
        encoding="utf-8",
    )
    settings = {"expectation-broken": {"file": str(file)}}
    open_ = messages(judged(objects(SHOP, WEB), settings), "expectation-broken")
    assert open_[0].startswith(f"{file}:2: expectation `nobody reaches web` is broken: ")
    assert open_[1].startswith(f"{file}:3: expectation `web stays out` is broken: ")
    assert messages(judged(objects(DENY, WEB), settings), "expectation-broken") == []
    unknown = judged(objects(WEB, UNKNOWN_RULES), settings)
    assert "nobody reaches web" in " ".join(messages(unknown, "undetermined"))


def test_a_file_of_expectations_that_is_not_there_is_refused() -> None:
    settings = {"expectation-broken": {"file": "nowhere.yaml"}}
    (told,) = [t for t in judged(objects(WEB), settings) if t.policy == "expectation-broken"]
    assert "nowhere.yaml" in told.message


def test_charts_are_beyond_sight() -> None:
    chart = resource("kubernetes:helm.sh/v3:Release", "nginx", {"chart": "nginx"})
    found = messages(judged([cluster(), chart]), "undetermined")
    assert any("`nginx` are not in the plan" in message for message in found)


def test_an_annotation_with_a_reason_silences_a_rule() -> None:
    silenced = (
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, annotations: "
        "{podwall.dev/ignore: 'namespace-without-default-deny: moves next week'}}}"
    )
    assert messages(judged(objects(silenced)), "namespace-without-default-deny") == []


DATABASE = (
    "{apiVersion: acme.example/v1, kind: Database, metadata: {name: orders, namespace: shop}}"
)
RELEASE = (
    "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, "
    "metadata: {name: redis, namespace: shop}, spec: {chart: {spec: {chart: redis}}}}"
)
GATEWAY = (
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, "
    "metadata: {name: front, namespace: shop}, spec: {gatewayClassName: x}}"
)
FAR = policy(
    "podSelector: {}, policyTypes: [Ingress], "
    "ingress: [{from: [{namespaceSelector: {matchLabels: {env: dev}}}]}]",
    "far",
)
DEV = (
    "`shop/web` is open to pods that the stack does not show: "
    "any pod of other namespaces with env=dev"
)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (
            DATABASE,
            "Database",
            "`shop/orders` is not read: Database of `acme.example` is not known",
        ),
        (RELEASE, "HelmRelease", "HelmRelease `shop/redis` is not read: it may bring pods"),
        (GATEWAY, "Gateway", "`shop/front` is not read: Gateway of `gateway.networking.k8s.io`"),
    ],
)
def test_what_is_not_read_is_named_until_somebody_says_that_it_is_no_matter(
    text: str, kind: str, said: str
) -> None:
    stack = objects(SHOP, DENY, WEB, text)
    found = judged(stack)
    assert any(each.startswith(said) for each in messages(found, "undetermined"))
    assert messages(found, "lint") == []
    may_open = any("whether everyone may connect" in each.message for each in found)
    assert may_open is (text != GATEWAY)
    accepted = {"accept_unread": [{"kind": kind, "reason": "brings no policy"}]}
    assert messages(judged(stack, {"remember-inputs": accepted}), "undetermined") == []


def test_a_policy_that_is_not_read_is_named() -> None:
    antrea = policy("appliedTo: []", "tier").replace(
        "networking.k8s.io/v1", "crd.antrea.io/v1beta1"
    )
    found = messages(judged(objects(SHOP, DENY, WEB, antrea)), "undetermined")
    assert any("NetworkPolicy `tier` is not read" in each for each in found)


def test_pods_that_the_stack_does_not_show_are_named_unless_it_shows_all() -> None:
    stack = objects(SHOP, DENY, WEB, FAR)
    assert [each[: len(DEV)] for each in messages(judged(stack), "workload-exposed")] == [DEV]
    whole = {"remember-inputs": {"closed": True}}
    assert messages(judged(stack, whole), "workload-exposed") == []


def test_a_stack_shows_not_all_beside_what_makes_pods() -> None:
    found = judged(objects(SHOP, DENY, WEB, FAR, GATEWAY), {"remember-inputs": {"closed": True}})
    assert any("the source is not closed" in each for each in messages(found, "undetermined"))
    assert messages(found, "workload-exposed")


def test_an_expectation_counts_pods_that_the_stack_does_not_show(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text("expectations: [{name: n, from: anything, to: shop/web, expect: denied}]\n")
    settings = {"expectation-broken": {"file": str(file)}}
    (said,) = messages(judged(objects(SHOP, DENY, WEB, FAR), settings), "expectation-broken")
    assert "env=dev" in said


def test_calm_a_namespace_with_peers_by_role_is_exposed_to_nobody() -> None:
    found = judged(objects(SHOP, DENY, WEB, pod("api"), FROM_WEB))
    assert messages(found, "workload-exposed") == []


def test_a_setting_of_what_is_not_read_needs_a_reason() -> None:
    wrong = {"remember-inputs": {"accept_unread": [{"kind": "Database"}]}}
    found = judged(objects(SHOP, DENY, WEB), wrong)
    assert any("reason: is missing" in each for each in messages(found, "remember-inputs"))
