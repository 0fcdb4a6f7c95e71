"""Policies with tiers that are idle, that contradict each other, or that nothing reaches."""

from __future__ import annotations

import pytest

from tests.lint.cases import DENY, SHOP, findings, pod, policy, said

WEB, API = pod("web"), pod("api")
EVERY = "{namespaces: {}}"


def tiered(name: str, tier: str, priority: int, *rules: str, subject: str = EVERY) -> str:
    spec = f"tier: {tier}, priority: {priority}, subject: {subject}, ingress: [{', '.join(rules)}]"
    api = "policy.networking.k8s.io/v1alpha2"
    meta = f"metadata: {{name: {name}}}"
    return f"{{apiVersion: {api}, kind: ClusterNetworkPolicy, {meta}, spec: {{{spec}}}}}"


def rule(action: str, peer: str = EVERY, more: str = "") -> str:
    return f"{{action: {action}, from: [{peer}]{more}}}"


OF_API = "{pods: {podSelector: {matchLabels: {app: api}}}}"
TCP_22 = ", protocols: [{tcp: {destinationPort: {number: 22}}}]"
BASE = tiered("base", "Baseline", 1, rule("Deny"))


@pytest.mark.parametrize(
    ("id_", "documents", "expected"),
    [
        pytest.param(
            "tier-rule-unreached",
            (WEB, tiered("a", "Admin", 1, rule("Deny"), rule("Accept", OF_API))),
            ["2 spec.ingress[1]"],
            id="a narrow rule after a broad one",
        ),
        pytest.param(
            "tier-rule-unreached",
            (WEB, tiered("a", "Admin", 1, rule("Deny", more=TCP_22), rule("Accept"))),
            [],
            id="a broad rule after a narrow one",
        ),
        pytest.param(
            "tier-rule-unreached",
            (WEB, tiered("a", "Admin", 1, rule("Pass")), tiered("b", "Admin", 2, rule("Deny"))),
            ["3 spec.ingress[0]"],
            id="in a policy of a later priority",
        ),
        pytest.param(
            "tier-rule-unreached",
            (WEB, tiered("a", "Admin", 1, rule("Pass")), BASE),
            [],
            id="in another tier",
        ),
        pytest.param(
            "equal-priorities",
            (WEB, API, tiered("a", "Admin", 1, rule("Deny")),
             tiered("b", "Admin", 1, rule("Accept", OF_API))),
            ["4"],
            id="two that disagree",
        ),
        pytest.param(
            "equal-priorities",
            (WEB, API, tiered("a", "Admin", 1, rule("Deny")),
             tiered("b", "Admin", 1, rule("Deny", OF_API))),
            [],
            id="two that agree",
        ),
        pytest.param(
            "equal-priorities",
            (WEB, API, tiered("a", "Admin", 1, rule("Deny", more=TCP_22)),
             tiered("b", "Admin", 1, rule("Accept", more=TCP_22.replace("22", "23")))),
            [],
            id="two about other ports",
        ),
        pytest.param(
            "pass-in-last-tier",
            (WEB, tiered("a", "Baseline", 1, rule("Pass"))),
            ["2 spec.ingress[0]"],
            id="nothing comes after the last tier",
        ),
        pytest.param("baseline-unreached", (SHOP, WEB, DENY, BASE), ["4"], id="all isolated"),
        pytest.param("baseline-unreached", (SHOP, WEB, BASE), [], id="nothing isolated"),
        pytest.param("policy-kind-idle", (WEB, BASE), [], id="no engine named"),
        pytest.param("no-policies", (WEB, BASE), [], id="tiers are policies, too"),
        pytest.param(
            "namespace-without-default-deny",
            (SHOP, WEB, BASE, policy("podSelector: {}, policyTypes: [Egress]")),
            [],
            id="a tier denies by default",
        ),
    ],
)  # fmt: skip
def test_what_is_found(id_: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said(id_, *documents, engine="spec") == expected


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("azure", "is written, and idle under azure: it enforces NetworkPolicies and no other"),
        ("cilium", "whether cilium enforces ClusterNetworkPolicy base is not known"),
        ("none", "is written, and idle under none"),
    ],
)
def test_what_no_engine_enforces_is_written_and_idle(engine: str, words: str) -> None:
    found = findings((WEB, BASE), engine)
    assert words in " ".join(each.message for each in found if each.id == "policy-kind-idle")


def cilium(name: str, spec: str, kind: str = "CiliumNetworkPolicy") -> str:
    there = ", namespace: shop" if kind == "CiliumNetworkPolicy" else ""
    meta = f"metadata: {{name: {name}{there}}}"
    return f"{{apiVersion: cilium.io/v2, kind: {kind}, {meta}, spec: {{{spec}}}}}"


NAMES = "{toFQDNs: [{matchName: example.org}]}"
DNS = (
    "{toEntities: [cluster], toPorts: [{ports: [{port: '53', protocol: UDP}],"
    " rules: {dns: [{matchPattern: '*'}]}}]}"
)
GET = (
    "{fromEntities: [all], toPorts: [{ports: [{port: '80', protocol: TCP}],"
    " rules: {http: [{method: GET}]}}]}"
)
CLOSED = "endpointSelector: {}, ingress: [{}], egress: [{}]"
WIDE = "CiliumClusterwideNetworkPolicy"


@pytest.mark.parametrize(
    ("id_", "document", "expected"),
    [
        pytest.param(
            "names-not-learnt", cilium("a", f"endpointSelector: {{}}, egress: [{NAMES}]"), ["2"],
            id="names without a rule for DNS",
        ),
        pytest.param(
            "names-not-learnt", cilium("a", f"endpointSelector: {{}}, egress: [{NAMES}, {DNS}]"),
            [], id="names with a rule for DNS",
        ),
        pytest.param(
            "dns-blocked", cilium("a", f"endpointSelector: {{}}, egress: [{NAMES}]"),
            ["2 spec.egress"],
            id="names cannot be asked for",
        ),
        pytest.param(
            "needs-advanced-networking", cilium("a", f"endpointSelector: {{}}, ingress: [{GET}]"),
            ["2"], id="requests",
        ),
        pytest.param(
            "no-policies", cilium("a", "endpointSelector: {}, ingress: [{}]"), [],
            id="a policy of Cilium's is one",
        ),
        pytest.param(
            "namespace-without-default-deny", cilium("a", CLOSED), [],
            id="it denies by default",
        ),
        pytest.param(
            "namespace-without-default-deny",
            cilium("a", CLOSED, WIDE), [],
            id="so does one of the cluster",
        ),
    ],
)  # fmt: skip
def test_policies_of_cilium(id_: str, document: str, expected: list[str]) -> None:
    assert said(id_, WEB, document, engine="cilium") == expected


def calico(name: str, ingress: str, more: str = "") -> str:
    meta = f"metadata: {{name: {name}}}"
    spec = f'selector: "has(app)", ingress: [{ingress}]{more}'
    api = "projectcalico.org/v3"
    return f"{{apiVersion: {api}, kind: GlobalNetworkPolicy, {meta}, spec: {{{spec}}}}}"


def tier(name: str, order: int) -> str:
    meta, spec = f"metadata: {{name: {name}}}", f"spec: {{order: {order}}}"
    return f"{{apiVersion: projectcalico.org/v3, kind: Tier, {meta}, {spec}}}"


PASS, ALLOW = "{action: Pass}", "{action: Allow}"
OF_WEB = "{action: Deny, source: {selector: \"app == 'web'\"}}"


@pytest.mark.parametrize(
    ("id_", "documents", "expected"),
    [
        pytest.param(
            "tier-rule-unreached", (calico("a", f"{ALLOW}, {OF_WEB}"),), ["2 spec.ingress[1]"],
            id="a rule after one that takes all",
        ),
        pytest.param(
            "tier-rule-unreached", (calico("a", ALLOW),), [],
            id="what a tier does at its end is written nowhere",
        ),
        pytest.param(
            "tier-rule-unreached",
            (tier("one", 1), tier("two", 2), calico("one.a", PASS, ", tier: one"),
             calico("two.a", OF_WEB, ", tier: two")),
            [],
            id="what a tier passes on, the next one gets",
        ),
        pytest.param(
            "tier-rule-unreached",
            (tier("one", 1), tier("two", 2), calico("one.a", ALLOW, ", tier: one"),
             calico("two.a", OF_WEB, ", tier: two")),
            ["5 spec.ingress[0]"],
            id="what a tier allows, the next one does not get",
        ),
        pytest.param(
            "equal-priorities",
            (calico("a", f"{OF_WEB}, {ALLOW}", ', serviceAccountSelector: "has(a) || has(b)"'),),
            [],
            id="a policy about pods in several ways has no priority of another",
        ),
        pytest.param(
            "equal-priorities",
            (calico("a-b", OF_WEB, ", order: 5"), calico("a", ALLOW, ", order: 5")),
            ["2"],
            id="one order, and names between which releases differ",
        ),
        pytest.param(
            "equal-priorities",
            (calico("a", OF_WEB, ", order: 5"), calico("b", ALLOW, ", order: 5")),
            [],
            id="one order, taken by name",
        ),
        pytest.param(
            "pass-in-last-tier", (calico("a", PASS),), ["2 spec.ingress[0]"],
            id="NetworkPolicies are in the tier that is left",
        ),
        pytest.param(
            "pass-in-last-tier", (tier("one", 1), calico("one.a", PASS, ", tier: one")), [],
            id="another tier comes before them",
        ),
        pytest.param(
            "source-ports",
            (calico("a", "{action: Allow, protocol: TCP, source: {ports: [80]}}"),),
            ["2 spec.ingress[0]"],
            id="a port at the wrong end",
        ),
        pytest.param(
            "source-ports",
            (calico("a", "{action: Allow, protocol: TCP, destination: {ports: [80]}}"),),
            [],
            id="a port at the right end",
        ),
        pytest.param(
            "requests-not-told-apart",
            (calico("a", "{action: Allow, http: {methods: [GET]}}"),),
            ["2 spec.ingress[0]"],
            id="requests",
        ),
    ],
)  # fmt: skip
def test_policies_of_calico(id_: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said(id_, WEB, *documents, engine="calico") == expected


def test_two_that_isolate_the_same_pods_leave_nothing_unreached() -> None:
    wide = (cilium(each, "endpointSelector: {}, ingress: [{}]", WIDE) for each in ("a", "b"))
    assert said("tier-rule-unreached", WEB, *wide, engine="cilium") == []
