"""Ports, names, redundant rules, one-sided connections."""

from __future__ import annotations

import pytest

from podwall.policies.errors import Severity
from tests.lint.cases import DENY, findings, namespace, pod, policy, said, service

WEB = pod("web", "containers: [{ports: [{containerPort: 8080, name: http}]}]")
API = pod("api", "containers: [{ports: [{containerPort: 9090, name: http}]}]")
QUIET = pod("web", "containers: [{name: c}]")
TO_WEB = "podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]"
ALL = "podSelector: {}, policyTypes: [Ingress]"


def ingress(rules: str, of: str = TO_WEB, name: str = "p") -> str:
    return policy(f"{of}, ingress: [{rules}]", name)


@pytest.mark.parametrize(
    ("id_", "documents", "expected"),
    [
        pytest.param(
            "port-nobody-declares",
            (WEB, ingress("{ports: [{port: 80}]}")),
            ["2 spec.ingress[0].ports[0]"],
            id="a port that no container declares",
        ),
        pytest.param(
            "port-nobody-declares", (WEB, ingress("{ports: [{port: 8080}]}")), [], id="one it does"
        ),
        pytest.param(
            "port-nobody-declares", (QUIET, ingress("{ports: [{port: 80}]}")), [], id="none at all"
        ),
        pytest.param(
            "port-nobody-declares",
            (WEB, ingress("{ports: [{port: 8080, protocol: UDP}]}")),
            ["2 spec.ingress[0].ports[0]"],
            id="another protocol",
        ),
        pytest.param(
            "port-name-nobody-has",
            (WEB, ingress("{ports: [{port: metrics}]}")),
            ["2 spec.ingress[0].ports[0]"],
            id="a name that no pod has",
        ),
        pytest.param(
            "port-name-nobody-has", (WEB, ingress("{ports: [{port: http}]}")), [], id="one it has"
        ),
        pytest.param(
            "port-name-ambiguous",
            (WEB, API, ingress("{ports: [{port: http}]}", ALL)),
            ["3 spec.ingress[0].ports[0]"],
            id="a name of two numbers",
        ),
        pytest.param(
            "port-name-ambiguous",
            (WEB, API, ingress("{ports: [{port: http}]}")),
            [],
            id="a name of one number among those selected",
        ),
        pytest.param(
            "rule-swallowed",
            (WEB, ingress("{ports: [{port: 1}]}, {ports: [{port: 1}, {port: 2}]}")),
            ["2 spec.ingress[0]"],
            id="a rule with fewer ports",
        ),
        pytest.param(
            "rule-swallowed",
            (WEB, ingress("{ports: [{port: 1}]}, {ports: [{port: 1}]}")),
            ["2 spec.ingress[1]"],
            id="of two equal rules the second",
        ),
        pytest.param(
            "rule-swallowed",
            (WEB, ingress("{ports: [{port: 1}]}, {ports: [{port: 2}]}")),
            [],
            id="two rules that differ",
        ),
        pytest.param(
            "policy-without-effect",
            (WEB, ingress("{}", ALL, "all"), ingress("{ports: [{port: 1}]}", TO_WEB, "one")),
            ["3"],
            id="a policy under a broader one",
        ),
        pytest.param(
            "policy-without-effect",
            (WEB, DENY, ingress("{ports: [{port: 1}]}")),
            [],
            id="a policy that adds to a default deny",
        ),
        pytest.param(
            "policy-without-effect",
            (WEB, DENY, ingress("{}", ALL)),
            [],
            id="a default deny beside a policy for all pods",
        ),
    ],
)
def test_rules(id_: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said(id_, *documents) == expected


def test_the_port_of_a_service_is_told_from_that_of_its_pods() -> None:
    web = service("selector: {app: web}, ports: [{port: 80, targetPort: 8080}]", "web")
    (finding,) = [
        each
        for each in findings((WEB, web, ingress("{ports: [{port: 80}]}")))
        if each.id == "port-nobody-declares"
    ]
    assert "`80` is the port of service `web`" in finding.help
    assert "`8080`" in finding.help


EGRESS = (
    "podSelector: {matchLabels: {app: web}}, policyTypes: [Egress],"
    " egress: [{to: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 9090}]}]"
)
INGRESS = (
    "podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress],"
    " ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 9090}]}]"
)


@pytest.mark.parametrize(
    ("id_", "documents", "expected"),
    [
        pytest.param(
            "one-sided-egress",
            (WEB, API, DENY, policy(EGRESS)),
            ["4 spec.egress[0].to[0]"],
            id="the server lets nobody in",
        ),
        pytest.param(
            "one-sided-egress",
            (WEB, API, DENY, policy(EGRESS), policy(INGRESS, "q")),
            [],
            id="both sides agree",
        ),
        pytest.param("one-sided-egress", (WEB, API, policy(EGRESS)), [], id="the server is open"),
        pytest.param(
            "one-sided-ingress",
            (WEB, API, DENY, policy(INGRESS)),
            ["4 spec.ingress[0].from[0]"],
            id="the client is let out nowhere",
        ),
        pytest.param(
            "one-sided-ingress",
            (WEB, API, DENY, policy(INGRESS), policy(EGRESS.replace("9090", "9091"), "q")),
            ["4 spec.ingress[0].from[0]"],
            id="the client is let out to another port",
        ),
    ],
)
def test_sides(id_: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said(id_, *documents) == expected


KUBE_DNS = (
    "{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}},"
    " podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [%s]}"
)
UDP, TCP = "{port: 53, protocol: UDP}", "{port: 53, protocol: TCP}"


def egress(*rules: str) -> str:
    return policy(f"podSelector: {{}}, policyTypes: [Egress], egress: [{', '.join(rules)}]")


@pytest.mark.parametrize(
    ("rules", "udp", "tcp"),
    [
        pytest.param([], True, True, id="nothing is allowed"),
        pytest.param(["{ports: [{port: 443}]}"], True, True, id="only another port"),
        pytest.param([KUBE_DNS % f"{UDP}, {TCP}"], False, False, id="both protocols"),
        pytest.param([KUBE_DNS % UDP], False, True, id="only UDP"),
        pytest.param(["{}"], False, False, id="everything"),
        pytest.param(
            ["{to: [{podSelector: {}}], ports: [{port: 53, protocol: UDP}]}"],
            True,
            True,
            id="port 53, but of other pods",
        ),
        pytest.param(
            ["{to: [{ipBlock: {cidr: 169.254.10.10/32}}]}"], False, False, id="a block for LocalDNS"
        ),
        pytest.param(
            ["{to: [{namespaceSelector: {}}], ports: [{port: 1, endPort: 100, protocol: UDP}]}"],
            False,
            True,
            id="a range that has 53 in it",
        ),
    ],
)
def test_names(rules: list[str], *, udp: bool, tcp: bool) -> None:
    documents = (WEB, egress(*rules))
    assert bool(said("dns-blocked", *documents)) is udp
    assert bool(said("dns-over-tcp-blocked", *documents)) is tcp


def test_cutting_off_everything_is_only_worth_knowing() -> None:
    (finding,) = [each for each in findings((WEB, egress())) if each.id == "dns-blocked"]
    assert finding.severity is Severity.INFO


def test_workloads_under_the_same_policies_are_told_together() -> None:
    pods = [pod(f"web{number}") for number in range(5)]
    (finding,) = [each for each in findings((*pods, egress())) if each.id == "dns-blocked"]
    assert finding.message.startswith("`shop/web0`, `shop/web1`, `shop/web2` and 2 more may not")


def test_a_namespace_with_its_own_labels_does_not_matter_to_dns() -> None:
    rule = (
        "{to: [{namespaceSelector: {matchLabels: {team: a}}}], ports: [{port: 53, protocol: UDP}]}"
    )
    documents = (namespace("kube-system", team="b"), WEB, egress(rule))
    assert said("dns-blocked", *documents) == ["3 spec.egress"]
