"""Explanations: the same verdict as the analysis, every rule consulted, and the nearest miss."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from podwall.engines import ENGINES
from podwall.explain import Explanation, explain
from podwall.model import (
    IpProtocol,
    Operator,
    PodPeer,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    Unknown,
)
from podwall.policies.errors import InvalidValue, Place
from podwall.portset import ALL_PORTS
from podwall.reachability import Verdict, reachability
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    load_balancer,
    named,
    namespace,
    peers,
    pod,
    policy,
    selector,
    tcp,
)
from tests.core.clusters import Size, random_cluster
from tests.core.judged import probes
from tests.core.obscured import obscured

TCP = IpProtocol.TCP


def explained(snapshot: Snapshot, flow: str, port: int = 80, engine: str = "spec") -> Explanation:
    """Return the explanation of a TCP flow."""
    source, destination = flow.split(" -> ")
    return explain(reachability(snapshot, engine), source, destination, TCP, port)


def why(rule: Rule, flow: str = "y/b -> x/a", port: int = 80) -> str:
    """Return what is said of a pod's only ingress rule."""
    pods = (pod("x/a", named("web", 8080)), pod("y/b", labels={"app": "b", "tier": "t"}))
    snapshot = cluster(namespace("y", team="blue"), *pods, policy("x", ingress=(rule,)))
    (only,) = explained(snapshot, flow, port).ingress.policies
    return only.rules[0].why


MISSES = [
    pytest.param(
        allow(peers(app="b")),
        "it would match if the pod were in namespace x",
        id="the namespace of the policy",
    ),
    pytest.param(
        allow(PodPeer(selector(role="frontend"), EVERYTHING)),
        "it would match if the pod carried role=frontend",
        id="a label",
    ),
    pytest.param(
        allow(PodPeer(selector(role="frontend", app="b"), selector(team="red"))),
        "it would match if the pod's namespace carried team=red and the pod carried role=frontend",
        id="a label of the namespace and one of the pod",
    ),
    pytest.param(
        allow(PodPeer(EVERYTHING, selector(**{"kubernetes.io/metadata.name": "z"}))),
        "it would match if the pod were in namespace z",
        id="the namespace by its name",
    ),
    pytest.param(
        allow(
            PodPeer(
                Selector((SelectorRequirement("app", Operator.NOT_IN, ("b", "c")),)), EVERYTHING
            )
        ),
        "it would match if the pod did not carry app=b or app=c",
        id="a value that excludes it",
    ),
    pytest.param(
        allow(
            PodPeer(Selector((SelectorRequirement("tier", Operator.DOES_NOT_EXIST),)), EVERYTHING)
        ),
        "it would match if the pod did not carry the label tier",
        id="a key that excludes it",
    ),
    pytest.param(
        allow(PodPeer(Selector((SelectorRequirement("role", Operator.EXISTS),)), EVERYTHING)),
        "it would match if the pod carried the label role",
        id="a key that it lacks",
    ),
    pytest.param(
        allow(PodPeer(selector(a="1", b="2"), EVERYTHING), PodPeer(selector(c="3"), EVERYTHING)),
        "it would match if the pod carried c=3",
        id="the nearest of two peers",
    ),
    pytest.param(
        allow(PodPeer(EVERYTHING, EVERYTHING), ports=(tcp(443), PortRule(IpProtocol.UDP))),
        "it allows TCP 443, all UDP, not TCP 80",
        id="other ports",
    ),
    pytest.param(
        allow(ports=(tcp("web"),)),
        "it allows TCP web (here TCP 8080), not TCP 80",
        id="a port name that means another number here",
    ),
    pytest.param(
        allow(ports=(tcp("metrics"),)),
        "it allows TCP metrics (here no ports), not TCP 80",
        id="a port name that the destination does not have",
    ),
    pytest.param(
        allow(block("203.0.113.0/24", "203.0.113.7/32")),
        "it speaks of addresses in 203.0.113.0/24 except 203.0.113.7/32, and ip blocks are meant "
        "for addresses outside the cluster; engines differ on pod addresses",
        id="addresses elsewhere",
    ),
]


@pytest.mark.parametrize(("rule", "said"), MISSES)
def test_the_nearest_miss(rule: Rule, said: str) -> None:
    assert why(rule) == said


def test_a_peer_of_pods_misses_an_address() -> None:
    said = why(allow(PodPeer(EVERYTHING, EVERYTHING)), "0.0.0.0/0 -> x/a")
    assert said == "it speaks of pods, and the other end is outside the cluster"


def test_of_a_rule_for_both_an_address_misses_the_ip_block() -> None:
    both = Rule((PodPeer(selector(app="c")), block("192.0.2.0/24")))
    assert why(both, "0.0.0.0/1 -> x/a") == "it speaks of addresses in 192.0.2.0/24"


def test_what_is_not_known_is_not_called_a_miss() -> None:
    rule = Rule((PodPeer(selector(app="c")),))
    unknown = replace(policy("x", ingress=(rule,)), namespace=Unknown("the namespace"))
    found = explained(cluster(pod("x/a"), pod("y/b"), unknown), "y/b -> x/a")
    assert found.ingress.policies[0].rules[0].why == "it would match if the pod carried app=c"


def test_a_selector_misses_a_pod_on_the_host_network() -> None:
    rules = policy("y", egress=(allow(peers(app="node")),))
    snapshot = cluster(pod("y/a"), pod("y/node", host_network=True), rules)
    (only,) = explained(snapshot, "y/a -> y/node").egress.policies
    assert "to policies it is a node" in only.rules[0].why


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param(allow(), "it allows everyone on all ports", id="everyone"),
        pytest.param(
            allow(PodPeer(selector(app="b"), selector(team="blue")), ports=(tcp(80, 90),)),
            "it allows pods with app=b of namespaces with team=blue on TCP 80-90",
            id="pods of namespaces",
        ),
        pytest.param(
            allow(PodPeer(EVERYTHING, EVERYTHING)),
            "it allows every pod of every namespace on all ports",
            id="every pod",
        ),
        pytest.param(
            allow(Unknown("the frontend's labels")),
            "perhaps it allows peers that are not known yet (the frontend's labels) on all ports "
            "(the frontend's labels)",
            id="a peer that is not known",
        ),
    ],
)
def test_what_matched(rule: Rule, said: str) -> None:
    assert why(rule) == said


class TestSides:
    def test_both_are_told_and_the_one_that_denies_is_named(self) -> None:
        rules = (policy("y", egress=()), policy("x", ingress=(allow(),)))
        found = explained(cluster(*rules), "y/a -> x/a")
        assert [side.verdict for side in found.sides] == [Verdict.DENIED, Verdict.ALLOWED]
        assert found.verdict is Verdict.DENIED
        assert found.egress.why == "it is isolated and no rule allows it"
        assert found.egress.policies[0].why == "isolates the pod for egress and allows nothing"
        assert found.ingress.why == "a rule allows it"

    def test_a_pod_that_nothing_isolates_says_so(self) -> None:
        found = explained(cluster(), "y/a -> x/a")
        assert found.egress.why == "no policy isolates it for egress"
        assert found.egress.policies == ()

    def test_an_address_has_no_policies(self) -> None:
        found = explained(cluster(), "0.0.0.0/0 -> x/a")
        assert found.egress.why == "no policy isolates an address outside the cluster"

    def test_rules_have_places(self) -> None:
        rules = policy("x", name="p", ingress=(allow(peers(app="z")), allow()))
        placed = replace(rules, place=Place("shop.yaml", 7))
        (only,) = explained(cluster(placed), "y/a -> x/a").ingress.policies
        places = [str(rule.place) for rule in only.rules]
        assert places == ["shop.yaml:7 spec.ingress[0]", "shop.yaml:7 spec.ingress[1]"]
        assert [rule.verdict for rule in only.rules] == [Verdict.DENIED, Verdict.ALLOWED]
        assert only.name == "x/p"


class TestWhatHoldsBesideThePolicies:
    def test_the_own_node(self) -> None:
        snapshot = cluster(pod("x/a"), pod("y/n", host_network=True), policy("x", ingress=()))
        found = explained(snapshot, "y/n -> x/a")
        assert found.verdict is Verdict.UNDETERMINED
        (exemption,) = found.ingress.exemptions
        assert "own node" in exemption.says
        assert exemption.when == "perhaps"
        assert "own node" in found.undetermined[0].because

    def test_a_service_that_bypasses_them(self) -> None:
        service = load_balancer("x/web", 80, selector(app="a"))
        found = explained(cluster(service, policy("x", ingress=())), "y/a -> x/a", engine="azure")
        assert found.verdict is Verdict.ALLOWED
        (exemption,) = found.ingress.exemptions
        assert exemption.says.startswith("service `web`")
        assert exemption.when == "always"
        assert found.ingress.why == "it passes whatever the policies say"

    def test_a_service_is_not_told_of_about_ports_that_it_leaves_alone(self) -> None:
        service = load_balancer("x/web", 80, selector(app="a"))
        closed = cluster(service, policy("x", ingress=()))
        found = explained(closed, "y/a -> x/a", 81, engine="azure")
        assert found.verdict is Verdict.DENIED
        assert found.ingress.exemptions == ()

    def test_a_pod_itself(self) -> None:
        found = explained(cluster(policy("x", ingress=())), "x/a -> x/a")
        assert found.verdict is Verdict.ALLOWED
        assert "itself" in found.notes[0].says

    def test_a_cluster_without_an_engine(self) -> None:
        found = explained(cluster(policy("x", ingress=())), "y/a -> x/a", engine="none")
        assert found.verdict is Verdict.ALLOWED
        assert "nothing enforces" in found.notes[0].says


class TestWhatIsAsked:
    FOUND = reachability(cluster(policy("x", ingress=(allow(ports=(tcp(80), tcp(443))),))))

    def test_one_port(self) -> None:
        assert explain(self.FOUND, "y/a", "x/a", TCP, 80).verdict is Verdict.ALLOWED
        assert explain(self.FOUND, "y/a", "x/a", TCP, 81).verdict is Verdict.DENIED

    def test_a_port_without_a_protocol_is_one_of_tcp(self) -> None:
        assert str(explain(self.FOUND, "y/a", "x/a", port=80).asked) == "TCP 80"

    def test_everything(self) -> None:
        found = explain(self.FOUND, "y/a", "x/a")
        assert found.asked == ALL_PORTS
        assert found.verdict is Verdict.ALLOWED
        assert str(found.allowed) == "TCP 80, 443"

    def test_a_protocol(self) -> None:
        assert explain(self.FOUND, "y/a", "x/a", IpProtocol.UDP).verdict is Verdict.DENIED
        assert explain(self.FOUND, "y/a", "x/a", IpProtocol.OTHER).verdict is Verdict.DENIED

    def test_an_endpoint_that_is_not_there(self) -> None:
        with pytest.raises(InvalidValue):
            explain(self.FOUND, "y/a", "x/z", TCP, 80)

    def test_a_port_that_is_none(self) -> None:
        with pytest.raises(InvalidValue):
            explain(self.FOUND, "y/a", "x/a", TCP, 0)


def test_in_lines_of_text() -> None:
    rules = policy("x", name="deny", ingress=(allow(peers(app="b"), ports=(tcp(80),)),))
    assert str(explained(cluster(rules), "y/b -> x/a")).splitlines() == [
        "y/b -> x/a on TCP 80: denied",
        "  egress of y/b: allowed, no policy isolates it for egress",
        "  ingress of x/a: denied, it is isolated and no rule allows it",
        "    policy x/deny: denied, isolates the pod for ingress",
        "      spec.ingress[0]: denied, it would match if the pod were in namespace x",
    ]


@pytest.mark.parametrize("hidden", [0.0, 0.2], ids="{:.0%} of the values hidden".format)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.long(keep=2)
def test_the_explained_verdict_is_that_of_the_analysis(engine: str, hidden: float) -> None:
    for seed in range(3):
        rng = Random(f"{engine} {seed}")
        snapshot = random_cluster(rng, Size(4, 4))
        asked = rng.sample(probes(snapshot), 6)
        found = reachability(obscured(rng, snapshot, hidden), engine)
        for source in found.workloads:
            for destination in found.endpoints:
                for protocol, port in asked:
                    told = explain(found, source.id, destination.id, protocol, port)
                    expected = found.verdict(source.id, destination.id, protocol, port)
                    assert told.verdict is expected
                    assert str(told)
