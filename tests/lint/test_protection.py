"""What no policy protects, what is opened too far, and what the engine does not enforce."""

from __future__ import annotations

import pytest

from podwall.policies.errors import Severity
from tests.lint.cases import DENY, SHOP, findings, pod, policy, said, service

WEB, API = pod("web"), pod("api")
OF_WEB = "podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]"
EGRESS = "podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]"


@pytest.mark.parametrize(
    ("id_", "documents", "expected"),
    [
        pytest.param(
            "workload-not-isolated", (WEB, API, policy(OF_WEB)), ["2"], id="a pod in the open"
        ),
        pytest.param("workload-not-isolated", (WEB, API, DENY), [], id="a default deny"),
        pytest.param("workload-not-isolated", (WEB,), [], id="no policy at all"),
        pytest.param("no-policies", (WEB,), [""], id="no policy at all is told once"),
        pytest.param("no-policies", (WEB, DENY), [], id="a policy"),
        pytest.param(
            "namespace-without-default-deny", (SHOP, WEB, policy(OF_WEB)), ["1"], id="no default"
        ),
        pytest.param("namespace-without-default-deny", (SHOP, WEB, DENY), [], id="a default"),
        pytest.param(
            "open-to-everyone",
            (WEB, policy(f"{OF_WEB}, ingress: [{{}}]")),
            ["2 spec.ingress[0]"],
            id="a rule without peers",
        ),
        pytest.param(
            "open-to-everyone",
            (WEB, policy(f"{OF_WEB}, ingress: [{{from: [{{ipBlock: {{cidr: 0.0.0.0/0}}}}]}}]")),
            ["2 spec.ingress[0]"],
            id="the whole internet",
        ),
        pytest.param(
            "open-to-everyone",
            (WEB, policy(f"{OF_WEB}, ingress: [{{from: [{{podSelector: {{}}}}]}}]")),
            [],
            id="the own namespace",
        ),
        pytest.param(
            "open-to-every-namespace",
            (WEB, policy(f"{OF_WEB}, ingress: [{{from: [{{namespaceSelector: {{}}}}]}}]")),
            ["2 spec.ingress[0].from[0]"],
            id="every namespace",
        ),
        pytest.param(
            "egress-to-everyone",
            (WEB, policy(f"{EGRESS}, egress: [{{ports: [{{port: 443}}]}}]")),
            ["2 spec.egress[0]"],
            id="egress to everyone",
        ),
        pytest.param(
            "metadata-service-open",
            (WEB, policy(f"{EGRESS}, egress: [{{to: [{{ipBlock: {{cidr: 0.0.0.0/0}}}}]}}]")),
            ["2 spec.egress[0]"],
            id="a block with the metadata service in it",
        ),
        pytest.param(
            "metadata-service-open",
            (
                WEB,
                policy(
                    f"{EGRESS}, egress: [{{to: [{{ipBlock: {{cidr: 0.0.0.0/0,"
                    " except: [169.254.169.254/32]}}]}]"
                ),
            ),
            [],
            id="one without it",
        ),
        pytest.param(
            "metadata-service-open",
            (WEB, policy(f"{EGRESS}, egress: [{{ports: [{{port: 443}}]}}]")),
            [],
            id="another port",
        ),
        pytest.param(
            "two-elements-mean-or",
            (
                WEB,
                policy(
                    f"{OF_WEB}, ingress: [{{from:"
                    " [{namespaceSelector: {matchLabels: {a: b}}},"
                    " {podSelector: {matchLabels: {c: d}}}]}]"
                ),
            ),
            ["2 spec.ingress[0].from[1]"],
            id="two elements",
        ),
        pytest.param(
            "two-elements-mean-or",
            (
                WEB,
                policy(
                    f"{OF_WEB}, ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{a: b}}}},"
                    " podSelector: {matchLabels: {c: d}}}]}]"
                ),
            ),
            [],
            id="one element",
        ),
        pytest.param(
            "policy-in-system-namespace",
            (WEB, policy("podSelector: {}", where="kube-system")),
            ["2 metadata.namespace"],
            id="kube-system",
        ),
        pytest.param(
            "service-without-pods",
            (WEB, service("selector: {app: nobody}, ports: [{port: 80}]")),
            ["2 spec.selector"],
            id="a service for nobody",
        ),
        pytest.param(
            "service-without-pods",
            (WEB, service("selector: {app: web}, ports: [{port: 80}]")),
            [],
            id="for web",
        ),
        pytest.param(
            "host-network",
            (pod("agent", "hostNetwork: true"),),
            ["1 spec.hostNetwork"],
            id="a pod on the host network",
        ),
    ],
)
def test_protection(id_: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said(id_, *documents) == expected


V6 = policy(f"{OF_WEB}, ingress: [{{from: [{{ipBlock: {{cidr: 'fd00::/8'}}}}]}}]")
RANGE = policy(f"{OF_WEB}, ingress: [{{ports: [{{port: 1, endPort: 9}}]}}]")
SCTP = policy(f"{OF_WEB}, ingress: [{{ports: [{{port: 1, protocol: SCTP}}]}}]")
ANYWHERE = policy(f"{EGRESS}, egress: [{{to: [{{ipBlock: {{cidr: 0.0.0.0/0}}}}]}}]")
HTTP = "containers: [{ports: [{containerPort: %s, name: http}]}]"
NAMED = policy(
    f"{EGRESS}, egress: [{{to: [{{podSelector: {{matchLabels: {{tier: x}}}}}}],"
    " ports: [{port: http}]}]"
)
TWO_NUMBERS = (WEB, pod("a", HTTP % 80, tier="x"), pod("b", HTTP % 81, tier="x"), NAMED)
UNLISTED = NAMED.replace("[Egress]", "[Ingress]")
NAMED_ANYWHERE = policy(f"{EGRESS}, egress: [{{ports: [{{port: http}}]}}]")
B_HTTP = pod("b", HTTP % 81, tier="x")
NODE_PORT = service("type: NodePort, selector: {app: web}, ports: [{port: 80}]")
LOCAL = service(
    "type: NodePort, selector: {app: web}, ports: [{port: 80}], externalTrafficPolicy: Local"
)
BLOCKS = ", ".join(f"{{ipBlock: {{cidr: 10.{number}.0.0/16}}}}" for number in range(5))
MANY = policy(f"{OF_WEB}, ingress: [{{from: [{BLOCKS}]}}]")
CROWD = (
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: shop}, spec: "
    "{replicas: 20001, selector: {matchLabels: {app: d}}, template: "
    "{metadata: {labels: {app: d}}, spec: {containers: []}}}}"
)


@pytest.mark.parametrize(
    ("id_", "documents", "engine", "version", "expected"),
    [
        pytest.param("engine-missing", (WEB, DENY), "none", None, [""], id="no engine"),
        pytest.param("engine-missing", (WEB, DENY), "azure", None, [], id="an engine"),
        pytest.param(
            "engine-skips-policy",
            (WEB, V6),
            "azure",
            None,
            ["2 spec.ingress[0].from[0]"],
            id="IPv6 under azure",
        ),
        pytest.param("engine-skips-policy", (WEB, V6), "calico", None, [], id="IPv6 under calico"),
        pytest.param(
            "engine-applies-one-port",
            (WEB, RANGE),
            "cilium",
            "1.31",
            ["2 spec.ingress[0].ports[0]"],
            id="a range under an old cilium",
        ),
        pytest.param(
            "engine-applies-one-port", (WEB, RANGE), "cilium", "1.34", [], id="a newer cilium"
        ),
        pytest.param(
            "engine-skips-rule",
            TWO_NUMBERS,
            "cilium",
            None,
            ["4 spec.egress[0].ports[0]"],
            id="a name of two numbers under cilium",
        ),
        pytest.param("engine-skips-rule", TWO_NUMBERS, "azure", None, [], id="under azure"),
        pytest.param(
            "engine-skips-rule",
            (pod("web", HTTP % 8080), pod("b", HTTP % 81, tier="x"), NAMED),
            "cilium",
            None,
            ["3 spec.egress[0].ports[0]"],
            id="another number on a pod that the rule is not about",
        ),
        pytest.param(
            "engine-skips-rule",
            (pod("web", HTTP % 8080), pod("b", HTTP % 81, tier="x"), UNLISTED),
            "cilium",
            None,
            ["3 spec.egress[0].ports[0]"],
            id="in a direction that policyTypes does not list",
        ),
        pytest.param(
            "engine-skips-rule", (WEB, B_HTTP, NAMED), "cilium", None, [], id="a name of one number"
        ),
        pytest.param(
            "engine-opens-number", (WEB, B_HTTP, NAMED), "cilium", None, [], id="where it is meant"
        ),
        pytest.param(
            "engine-opens-number",
            (WEB, B_HTTP, pod("c", tier="x"), NAMED),
            "cilium",
            None,
            ["4 spec.egress[0].ports[0]"],
            id="the number on a pod without the name",
        ),
        pytest.param(
            "engine-opens-number",
            (WEB, B_HTTP, NAMED_ANYWHERE),
            "cilium",
            None,
            ["3 spec.egress[0].ports[0]"],
            id="the number outside of the cluster",
        ),
        pytest.param(
            "engine-opens-number", (WEB, B_HTTP, NAMED_ANYWHERE), "calico", None, [], id="calico"
        ),
        pytest.param(
            "engine-without-sctp",
            (WEB, SCTP),
            "cilium",
            None,
            ["2 spec.ingress[0].ports[0]"],
            id="SCTP under cilium",
        ),
        pytest.param(
            "engine-blocks-exclude-pods",
            (WEB, ANYWHERE),
            "cilium",
            None,
            ["2 spec.egress[0].to[0]"],
            id="a block for everything under cilium",
        ),
        pytest.param("engine-blocks-exclude-pods", (WEB, ANYWHERE), "azure", None, [], id="azure"),
        pytest.param(
            "service-bypasses-policies",
            (WEB, DENY, NODE_PORT),
            "azure",
            None,
            ["3"],
            id="a node port under azure",
        ),
        pytest.param(
            "service-bypasses-policies", (WEB, DENY, LOCAL), "azure", None, [], id="a local one"
        ),
        pytest.param(
            "service-bypasses-policies", (WEB, DENY, NODE_PORT), "cilium", None, [], id="cilium"
        ),
        pytest.param(
            "service-bypasses-policies",
            (WEB, V6, NODE_PORT),
            "azure",
            None,
            [],
            id="the only policy is one that azure skips",
        ),
        pytest.param("azure-too-many-pods", (CROWD,), "azure", None, [""], id="too many pods"),
        pytest.param("azure-too-many-pods", (CROWD,), "cilium", None, [], id="not for cilium"),
        pytest.param(
            "azure-many-ip-blocks", (WEB, MANY), "azure", None, ["2 spec"], id="five ip blocks"
        ),
        pytest.param("azure-engine-ends", (WEB,), "azure", None, [""], id="the end of azure"),
    ],
)
def test_engines(
    id_: str, documents: tuple[str, ...], engine: str, version: str | None, expected: list[str]
) -> None:
    assert said(id_, *documents, engine=engine, version=version) == expected


def test_opening_one_port_to_everyone_is_only_worth_knowing() -> None:
    rule = policy(f"{OF_WEB}, ingress: [{{ports: [{{port: 443}}]}}]")
    (finding,) = [each for each in findings((WEB, rule)) if each.id == "open-to-everyone"]
    assert finding.severity is Severity.INFO


def test_a_skipped_port_name_is_told_with_its_numbers() -> None:
    found = findings((pod("web", HTTP % 8080), B_HTTP, NAMED), engine="cilium")
    (skipped,) = [each for each in found if each.id == "engine-skips-rule"]
    assert skipped.message == (
        "Cilium skips the port: its name `http` stands for several numbers in the cluster: "
        "81 in `shop/b`, 8080 in `shop/web`"
    )


def test_a_port_name_that_becomes_a_number_is_told_with_who_gets_it() -> None:
    (opened,) = [
        each
        for each in findings((WEB, B_HTTP, NAMED_ANYWHERE), engine="cilium")
        if each.id == "engine-opens-number"
    ]
    assert opened.message == (
        "Cilium opens TCP 81 instead of the name `http`, "
        "also to addresses outside of the cluster and `shop/web`"
    )


def test_under_cilium_egress_rules_that_no_type_lists_cut_names_off() -> None:
    """They isolate there, so that lints which ask who is isolated must know."""
    unlisted = policy(
        "podSelector: {}, policyTypes: [Ingress], ingress: [{}],"
        " egress: [{to: [{podSelector: {}}]}]"
    )
    assert said("dns-blocked", WEB, unlisted, engine="cilium")
    assert not said("dns-blocked", WEB, unlisted, engine="azure")


IN_VAIN = "podSelector: {matchLabels: {pod-template-hash: abc}}"


def test_labels_that_the_engine_does_not_see_are_told_at_subject_and_peer() -> None:
    labelled = pod("web", **{"app": "web", "pod-template-hash": "abc"})
    subject = policy(f"{IN_VAIN}, policyTypes: [Ingress]", "closed")
    peer = policy(f"{OF_WEB}, ingress: [{{from: [{{{IN_VAIN}}}]}}]", "open")
    absent = "podSelector: {matchExpressions: [{key: pod-template-hash, operator: DoesNotExist}]}"
    excluding = policy(f"{OF_WEB}, ingress: [{{from: [{{{absent}}}]}}]", "excluding")
    documents = (labelled, subject, peer, excluding)
    found = findings(documents, engine="cilium")
    told = [each for each in found if each.id == "engine-overlooks-label"]
    assert [(each.place.path, each.message.partition(", so ")[2]) for each in told] == [
        ("spec.podSelector", "policy `shop/closed` selects nothing"),
        ("spec.ingress[0].from[0]", "the peer selects nothing"),
        ("spec.ingress[0].from[0]", "the peer excludes nothing by it"),
    ]
    assert not {"peer-without-pods", "policy-without-pods"} & {each.id for each in found}
    assert said("engine-overlooks-label", *documents, engine="calico") == []
