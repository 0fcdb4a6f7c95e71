"""Services that the API server calls, behind policies that shut out the pods it calls through."""

from __future__ import annotations

import pytest

from podwall.policies.errors import Finding, Severity
from tests.lint.cases import DENY, findings, namespace, pod, policy, said, service

WEB = pod("web", "containers: [{ports: [{containerPort: 8080, name: https}]}]")
SERVICE = service("selector: {app: web}, ports: [{port: 443, targetPort: 8080}]")
REFERENCE = "service: {namespace: shop, name: s}"
RULES = "[{operations: [CREATE]}]"


def webhook(
    client: str = REFERENCE,
    more: str = "",
    kind: str = "ValidatingWebhookConfiguration",
    rules: str = RULES,
) -> str:
    return (
        f"{{apiVersion: admissionregistration.k8s.io/v1, kind: {kind}, metadata: {{name: w}}, "
        f"webhooks: [{{name: w.example.com, clientConfig: {{{client}}}, rules: {rules}{more}}}]}}"
    )


def from_peer(peer: str) -> str:
    rule = f"from: [{peer}], ports: [{{port: 8080}}]"
    return policy(f"podSelector: {{}}, policyTypes: [Ingress], ingress: [{{{rule}}}]", "open")


CONVERSION = (
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}, "
    "spec: {conversion: {strategy: Webhook, webhook: {clientConfig: {%s}}}}}"
)
EXTENSION = (
    "{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.example.com}, "
    "spec: {%s}}"
)
AGENTS = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}%s}"
AGENT = pod("konnectivity", where="kube-system", app="konnectivity-agent")
OTHER_PORT = service("selector: {app: web}, ports: [{port: 8443, targetPort: 8080}]")
BY_NAME = service("selector: {app: web}, ports: [{port: 443, targetPort: https}]")
CUT_OFF = policy("podSelector: {}, policyTypes: [Egress]", "agents", where="kube-system")
AT = "webhooks[0].clientConfig.service"


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        pytest.param((WEB, SERVICE, DENY, webhook()), [f"4 {AT}"], id="validating"),
        pytest.param(
            (WEB, SERVICE, DENY, webhook(kind="MutatingWebhookConfiguration")),
            [f"4 {AT}"],
            id="mutating",
        ),
        pytest.param(
            (WEB, SERVICE, DENY, CONVERSION % REFERENCE),
            ["4 spec.conversion.webhook.clientConfig.service"],
            id="of a conversion",
        ),
        pytest.param(
            (WEB, SERVICE, DENY, EXTENSION % REFERENCE), ["4 spec.service"], id="an API of its own"
        ),
        pytest.param((WEB, BY_NAME, DENY, webhook()), [f"4 {AT}"], id="a target port by name"),
        pytest.param((WEB, SERVICE, webhook()), [], id="no policy"),
        pytest.param((WEB, SERVICE, CUT_OFF, webhook()), [f"4 {AT}"], id="agents cut off"),
        pytest.param((WEB, SERVICE, DENY, AGENT, webhook()), [f"5 {AT}"], id="agents are shown"),
        pytest.param(
            (namespace("kube-system"), WEB, SERVICE, DENY, webhook()),
            [f"5 {AT}"],
            id="only their namespace is",
        ),
        pytest.param((WEB, DENY, webhook()), [], id="a service that is not shown"),
        pytest.param((WEB, OTHER_PORT, DENY, webhook()), [], id="another port of the service"),
        pytest.param((SERVICE, DENY, webhook()), [], id="a service without pods here"),
        pytest.param(
            (WEB, SERVICE, DENY, webhook("url: 'https://example.com'")), [], id="an address"
        ),
        pytest.param((WEB, SERVICE, DENY, webhook(rules="[]")), [], id="that is never called"),
        pytest.param((WEB, SERVICE, DENY, EXTENSION % "group: example.com"), [], id="a local API"),
        pytest.param(
            (WEB, SERVICE, DENY, from_peer(AGENTS % ""), webhook()), [], id="kube-system gets in"
        ),
        pytest.param(
            (
                WEB,
                SERVICE,
                DENY,
                from_peer(AGENTS % ", podSelector: {matchLabels: {app: konnectivity-agent}}"),
                webhook(),
            ),
            [],
            id="the agents get in",
        ),
        pytest.param(
            (
                WEB,
                SERVICE,
                DENY,
                from_peer(AGENTS % ", podSelector: {matchLabels: {app: coredns}}"),
                webhook(),
            ),
            [f"5 {AT}"],
            id="others of kube-system get in",
        ),
    ],
)
@pytest.mark.parametrize("engine", ["spec", "azure", "cilium"])
def test_calls(engine: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said("api-server-blocked", *documents, engine=engine) == expected


def _found(*documents: str, engine: str = "cilium", complete: bool = False) -> list[Finding]:
    found = findings(documents, engine, complete=complete)
    return [each for each in found if each.id == "api-server-blocked"]


def test_it_is_told_who_may_not_connect_to_what() -> None:
    (found,) = _found(WEB, SERVICE, DENY, webhook())
    assert found.severity is Severity.WARNING
    assert found.message == (
        "the API server can't call webhook `w.example.com`: pods `konnectivity-agent` of "
        "`kube-system` may not connect to `shop/web` on TCP 8080"
    )


@pytest.mark.parametrize(
    ("peer", "severity"),
    [
        pytest.param("{ipBlock: {cidr: 10.225.0.0/28}}", Severity.INFO, id="its subnet, perhaps"),
        pytest.param("{ipBlock: {cidr: 0.0.0.0/0}}", Severity.WARNING, id="all outside"),
    ],
)
def test_an_api_server_in_the_network_of_the_cluster_calls_from_its_subnet(
    peer: str, severity: Severity
) -> None:
    (found,) = _found(WEB, SERVICE, DENY, from_peer(peer), webhook())
    assert found.severity is severity
    assert "unless by API Server VNet Integration" in found.message


def test_a_public_address_of_the_api_server_lets_no_call_in() -> None:
    peer = from_peer("{ipBlock: {cidr: 20.1.2.3/32}}")
    (found,) = _found(WEB, SERVICE, DENY, peer, webhook())
    assert found.severity is Severity.WARNING
    assert "unless" not in found.message


def test_a_webhook_that_may_fail_is_only_worth_knowing() -> None:
    (found,) = _found(WEB, SERVICE, DENY, webhook(more=", failurePolicy: Ignore"))
    assert found.severity is Severity.INFO


def test_a_whole_cluster_without_such_pods_is_called_in_another_way() -> None:
    documents = (WEB, SERVICE, DENY, webhook())
    assert not _found(*documents, complete=True)
    assert _found(*documents, AGENT, complete=True)


@pytest.mark.parametrize(
    "client", ["service: text", "service: {namespace: shop, name: 1}", "service: {port: https}"]
)
def test_a_call_that_is_not_understood_is_none(client: str) -> None:
    assert not _found(WEB, SERVICE, DENY, webhook(client))
