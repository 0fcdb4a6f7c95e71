"""Policies with tiers: what can be written is accepted, read back equal, and never empty."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podwall import policies
from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PORTS,
    ALL_TCP_PORTS,
    ClusterNetworkPolicy,
    InvalidValue,
    Place,
    PolicyTier,
    accept_from,
    accept_to,
    check_priorities,
    deny_from,
    deny_to,
    ip_block,
    namespace,
    tcp,
)
from podwall.policies.cluster_rules import (
    ClusterEgressRule,
    ClusterIngressRule,
    ClusterPods,
    TierAction,
)
from podwall.policies.ports import Port, Ports
from podwall.python_code import policies_module
from podwall.reading import Document, typed_policies
from podwall.reading.metadata import read_object
from podwall.reading.tier_refusals import tier_refusals
from tests.policies.strategies import (
    ANNOTATIONS,
    CONDITIONS,
    LABELLED_NAMESPACES,
    LABELS,
    NETWORKS,
    POD_GROUPS,
    POLICY_NAMES,
    PORTS,
)
from tests.python_code.modules import scope_of

DENY = "deny_from(namespace('bank'), ports=ALL_PORTS)"


def _is_numbered(entry: Port) -> bool:
    return not isinstance(entry.port, str) and (
        entry.end_port is None or entry.end_port != entry.port
    )


def _numbered(ports: Ports) -> Ports:
    entries = tuple(each for each in ports.entries or () if _is_numbered(each))
    return Ports(entries) if entries else ALL_PORTS


CLUSTER_PODS: st.SearchStrategy[ClusterPods] = st.one_of(
    POD_GROUPS,
    st.just(ALL_NAMESPACES),
    LABELLED_NAMESPACES,
    st.builds(
        lambda spaces, conditions: spaces.pods(conditions[0], *conditions[1]),
        st.just(ALL_NAMESPACES) | LABELLED_NAMESPACES,
        CONDITIONS,
    ),
)
_ACTIONS = st.sampled_from(TierAction)
_SOME_PORTS = PORTS.map(_numbered)
_NAMES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12)


def _several(peers: st.SearchStrategy[ClusterPods]) -> st.SearchStrategy[tuple[ClusterPods, ...]]:
    return st.lists(peers, min_size=1, max_size=3, unique=True).map(tuple)


INGRESS = st.builds(ClusterIngressRule, _ACTIONS, _several(CLUSTER_PODS), _SOME_PORTS, _NAMES)
EGRESS = st.builds(
    ClusterEgressRule,
    _ACTIONS,
    st.lists(CLUSTER_PODS | NETWORKS.map(ip_block), min_size=1, max_size=4, unique=True).map(tuple),
    _SOME_PORTS,
    _NAMES,
)
RULES_IN = st.lists(INGRESS, min_size=1, max_size=3, unique=True)
RULES_OUT = st.lists(EGRESS, min_size=1, max_size=3, unique=True)


@st.composite
def cluster_policies(draw: st.DrawFn) -> ClusterNetworkPolicy:
    """Draw any policy with a tier that the language can write."""
    ingress = draw(st.none() | RULES_IN)
    return ClusterNetworkPolicy(
        name=draw(POLICY_NAMES),
        tier=draw(st.sampled_from(PolicyTier)),
        priority=draw(st.integers(0, 1000)),
        subject=draw(CLUSTER_PODS),
        ingress=ingress,
        egress=draw(RULES_OUT if ingress is None else st.none() | RULES_OUT),
        labels=draw(LABELS),
        annotations=draw(ANNOTATIONS),
    )


@given(cluster_policies())
def test_nothing_that_can_be_written_is_refused(policy: ClusterNetworkPolicy) -> None:
    assert list(tier_refusals(read_object(policy.to_manifest(), Place()))) == []


@given(cluster_policies())
def test_reading_what_was_written_gives_the_same_policy(policy: ClusterNetworkPolicy) -> None:
    document = json.loads(json.dumps(policy.to_manifest()))
    found = typed_policies([Document(document)])
    assert [each for each, _ in found.cluster_policies] == [policy]
    assert [each for each in found.findings if each.severity == "error"] == []


@settings(max_examples=40)
@given(st.lists(cluster_policies(), min_size=1, max_size=3, unique_by=lambda each: each.name))
@pytest.mark.long
def test_a_module_makes_equal_policies(found: list[ClusterNetworkPolicy]) -> None:
    scope = scope_of(policies_module([], "Policies.", found))
    assert scope["CLUSTER_POLICIES"] == found


def test_all_ports_of_a_protocol_are_one_value_however_they_are_written() -> None:
    every = tcp(1, end_port=65535)
    assert deny_from(namespace("a"), ports=every) == deny_from(namespace("a"), ports=ALL_TCP_PORTS)


def test_blocks_that_follow_each_other_are_one_element() -> None:
    rule = deny_to(ip_block("10.0.0.0/8"), ip_block("fd00::/8"), namespace("a"), ports=ALL_PORTS)
    policy = ClusterNetworkPolicy(
        name="out", tier=PolicyTier.BASELINE, priority=0, subject=ALL_NAMESPACES, egress=[rule]
    )
    assert policy.to_manifest()["spec"]["egress"] == [
        {
            "action": "Deny",
            "to": [
                {"networks": ["10.0.0.0/8", "fd00::/8"]},
                {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "a"}}},
            ],
        }
    ]


def guard(**changed: str) -> str:
    """Return the call that makes a policy, with some arguments changed."""
    arguments = {
        "name": "'guard'",
        "tier": "PolicyTier.ADMIN",
        "priority": "5",
        "subject": "namespace('shop')",
        "ingress": f"[{DENY}]",
        **changed,
    }
    return f"ClusterNetworkPolicy({', '.join(f'{key}={each}' for key, each in arguments.items())})"


@pytest.mark.parametrize(
    ("call", "path", "help_"),
    [
        pytest.param(guard(ingress="None"), "spec", "list of rules", id="nothing said"),
        pytest.param(guard(ingress="[]"), "spec.ingress", "leave it out", id="no rule"),
        pytest.param(guard(ingress="DENY_ALL"), "spec.ingress", "deny_from", id="isolation"),
        pytest.param(guard(egress=f"[{DENY}]"), "spec.egress[0]", "deny_to", id="direction"),
        pytest.param(guard(ingress=f"[{DENY}, {DENY}]"), "spec.ingress[1]", "once", id="twice"),
        pytest.param(
            guard(ingress="[deny_from(namespace(f'a{n}'), ports=ALL_PORTS) for n in range(26)]"),
            "spec.ingress",
            "several policies",
            id="26 rules",
        ),
        pytest.param(guard(tier="'Admin'"), "spec.tier", "PolicyTier.ADMIN", id="a text as tier"),
        pytest.param(guard(priority="1001"), "spec.priority", "0 to 1000", id="1001"),
        pytest.param(guard(priority="-1"), "spec.priority", "0 to 1000", id="-1"),
        pytest.param(guard(priority="True"), "spec.priority", "0 to 1000", id="a boolean"),
        pytest.param(guard(subject="ALL_PODS"), "spec.subject", "ALL_NAMESPACES", id="own pods"),
        pytest.param(
            guard(subject="ip_block('10.0.0.0/8')"), "spec.subject", "namespace(", id="addresses"
        ),
        pytest.param(guard(name="'A b'"), "metadata.name", "`a-b`", id="a bad name"),
        pytest.param(
            "deny_from(pods(app='a'), ports=ALL_PORTS)", "ingress[].from[0]", "ALL_NAMESPACES",
            id="pods of no namespace",
        ),
        pytest.param(
            "deny_from(ip_block('10.0.0.0/8'), ports=ALL_PORTS)", "ingress[].from[0]",
            "a NetworkPolicy can", id="addresses of ingress",
        ),
        pytest.param(
            "deny_to(ip_block('10.0.0.0/8', except_=['10.1.0.0/16']), ports=ALL_PORTS)",
            "egress[].to[0]", "before this one", id="exceptions",
        ),
        pytest.param(
            "deny_to(ANYWHERE, ports=ALL_PORTS)", "egress[].to[0]", "ALL_NAMESPACES", id="anywhere"
        ),
        pytest.param(
            "ClusterEgressRule(TierAction.DENY, (), ALL_PORTS)", "egress[].to", "ALL_NAMESPACES",
            id="no peer",
        ),
        pytest.param(
            "ClusterEgressRule('Deny', (ALL_NAMESPACES,), ALL_PORTS)", "egress[].action",
            "accept_from", id="a text as action",
        ),
        pytest.param(
            "deny_to(ALL_NAMESPACES, ports=tcp('http'))", "egress[].protocols", "the number",
            id="a name of a port",
        ),
        pytest.param(
            "deny_to(ALL_NAMESPACES, ports=tcp(80, end_port=80))", "egress[].protocols",
            "leave `end_port` out", id="a range of one",
        ),
        pytest.param(
            "deny_to(ALL_NAMESPACES, ports=80)", "egress[].protocols", "tcp(80)", id="a number"
        ),
        pytest.param(
            "deny_to(ALL_NAMESPACES, ports=ALL_PORTS, name='a' * 101)", "egress[].name",
            "at most 100", id="a long name",
        ),
        pytest.param(
            "deny_to(namespace('a'), namespace('a'), ports=ALL_PORTS)", "egress[].to[1]", "once",
            id="a peer twice",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what_to_write(call: str, path: str, help_: str) -> None:
    names = {each: getattr(policies, each) for each in policies.__all__}
    with pytest.raises(InvalidValue) as refused:
        eval(call, names)  # noqa: S307 - our own texts
    assert refused.value.place.path == path
    assert help_ in (refused.value.help or "")


def _policy(name: str, priority: int, tier: PolicyTier = PolicyTier.ADMIN) -> ClusterNetworkPolicy:
    rules = [accept_from(namespace("ops"), ports=ALL_PORTS)]
    return ClusterNetworkPolicy(
        name=name, tier=tier, priority=priority, subject=namespace(name), ingress=rules
    )


def test_a_priority_is_one_policys_own_in_its_tier() -> None:
    check_priorities([_policy("a", 1), _policy("b", 2), _policy("c", 1, PolicyTier.BASELINE)])
    with pytest.raises(InvalidValue, match="`b` has priority 1 of the Admin tier, as has `a`"):
        check_priorities([_policy("a", 1), _policy("b", 1)])
    with pytest.raises(InvalidValue, match="`a` is given twice"):
        check_priorities([_policy("a", 1), _policy("a", 2)])


@pytest.mark.parametrize(
    "peer", [{"nodes": {}}, {"domainNames": ["example.org"]}], ids=["nodes", "names"]
)
def test_what_has_no_typed_form_is_named_and_left_out(peer: dict[str, object]) -> None:
    document = _out().to_manifest()
    document["spec"]["egress"][0] |= {"to": [peer], "action": "Accept"}
    found = typed_policies([Document(document)])
    assert found.cluster_policies == ()
    assert [(each.id, each.severity) for each in found.findings] == [("policy-not-kept", "error")]


def test_a_named_port_has_no_typed_form() -> None:
    document = _out().to_manifest()
    document["spec"]["egress"][0]["protocols"] = [{"destinationNamedPort": "http"}]
    finding = typed_policies([Document(document)]).findings[0]
    assert finding.place.path == "spec.egress[0].protocols[0].destinationNamedPort"


def _out() -> ClusterNetworkPolicy:
    rules = [accept_to(ALL_NAMESPACES, ports=ALL_PORTS)]
    return ClusterNetworkPolicy(
        name="out", tier=PolicyTier.ADMIN, priority=1, subject=ALL_NAMESPACES, egress=rules
    )
