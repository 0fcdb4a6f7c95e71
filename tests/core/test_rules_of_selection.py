"""Who is isolated, and whom rules speak of: the numbered rules 1 to 10, 12, 20 to 22, 31 and 32.

The quotations are from https://kubernetes.io/docs/concepts/services-networking/network-policies/
and from the API's own comments. Rules 4, 5 and 11 are about documents, and the reader's to hold.
"""

from __future__ import annotations

import pytest

from podwall.model import (
    LabelMap,
    Operator,
    PodPeer,
    Selector,
    SelectorRequirement,
    SnapshotNamespace,
)
from tests.core.builders import (
    EVERYTHING,
    allow,
    cluster,
    namespace,
    peers,
    pod,
    policy,
    reaches,
    selector,
    tcp,
)

NAME = "kubernetes.io/metadata.name"


class TestRule1BothSidesMustAllow:
    """'For a connection to be allowed, both the egress policy and the ingress policy need to'."""

    def test_an_ingress_rule_does_not_open_what_egress_denies(self) -> None:
        both = cluster(policy("x", egress=()), policy("y", ingress=(allow(),)))
        assert not reaches(both, "x/a -> y/b")
        assert reaches(both, "y/b -> x/a")

    def test_an_egress_rule_does_not_open_what_ingress_denies(self) -> None:
        assert not reaches(
            cluster(policy("x", egress=(allow(),)), policy("y", ingress=())), "x/a -> y/b"
        )

    def test_isolation_is_for_each_pod_and_direction(self) -> None:
        one = cluster(policy("x", selector(app="a"), ingress=()))
        assert not reaches(one, "x/b -> x/a")
        assert reaches(one, "x/a -> x/b")


class TestRule2PoliciesAddUp:
    """'Network policies do not conflict; they are additive'."""

    def test_two_policies_on_one_pod_allow_what_either_allows(self) -> None:
        both = cluster(
            policy("x", ingress=(allow(ports=(tcp(80),)),)),
            policy("x", ingress=(allow(ports=(tcp(81),)),)),
        )
        assert [reaches(both, "y/a -> x/a", port) for port in (80, 81, 82)] == [True, True, False]

    @pytest.mark.parametrize("order", [1, -1], ids=["deny first", "allow first"])
    def test_allow_all_beats_deny_all_in_any_order(self, order: int) -> None:
        policies = [policy("x", ingress=()), policy("x", ingress=(allow(),))][::order]
        assert reaches(cluster(*policies), "y/a -> x/a")


def test_rule_3_the_empty_pod_selector_means_the_pods_of_the_namespace_only() -> None:
    deny = cluster(policy("x", EVERYTHING, ingress=()))
    assert not reaches(deny, "y/a -> x/a")
    assert not reaches(deny, "y/a -> x/b")
    assert reaches(deny, "x/a -> y/a")


class TestRule6NoRuleAndTheEmptyRule:
    """'If this field is empty then this NetworkPolicy does not allow any traffic'."""

    @pytest.mark.parametrize("source", ["x/b", "y/a", "0.0.0.0/0", "::/0"])
    def test_no_rule_lets_nobody_in_and_the_empty_rule_everybody(self, source: str) -> None:
        assert not reaches(cluster(policy("x", ingress=())), f"{source} -> x/a")
        assert reaches(cluster(policy("x", ingress=(allow(),))), f"{source} -> x/a")


def test_rule_7_a_rule_without_peers_is_for_everyone_on_its_ports() -> None:
    web = cluster(policy("x", ingress=(allow(ports=(tcp(80),)),)))
    for source in ("x/b", "y/a", "0.0.0.0/0", "::/0"):
        assert reaches(web, f"{source} -> x/a", 80)
        assert not reaches(web, f"{source} -> x/a", 81)


def test_rule_8_a_pod_selector_alone_means_the_same_namespace() -> None:
    own = cluster(policy("x", ingress=(allow(PodPeer(EVERYTHING)),)))
    assert reaches(own, "x/b -> x/a")
    assert not reaches(own, "y/b -> x/a")
    assert not reaches(own, "0.0.0.0/0 -> x/a")


class TestRule9ANamespaceSelectorAlone:
    """'This selects particular namespaces for which all Pods should be allowed'."""

    def test_means_all_pods_of_the_matching_namespaces(self) -> None:
        team = PodPeer(EVERYTHING, selector(team="blue"))
        some = cluster(namespace("y", team="blue"), policy("x", ingress=(allow(team),)))
        assert reaches(some, "y/a -> x/a")
        assert not reaches(some, "x/b -> x/a")

    def test_empty_means_every_namespace_and_no_address(self) -> None:
        every = cluster(policy("x", ingress=(allow(PodPeer(EVERYTHING, EVERYTHING)),)))
        assert reaches(every, "y/a -> x/a")
        assert reaches(every, "x/b -> x/a")
        assert not reaches(every, "0.0.0.0/0 -> x/a")


class TestRule10OneElementIsAndTwoAreOr:
    """'Be careful to use correct YAML syntax'."""

    NAMESPACES = (namespace("y", user="alice"), namespace("z", user="bob"))
    PODS = tuple(
        pod(f"{where}/{name}", labels={"role": name})
        for where in "xyz"
        for name in ("client", "db")
    )

    def reached(self, *each: PodPeer) -> list[str]:
        target = policy("x", selector(role="db"), ingress=(allow(*each),))
        snapshot = cluster(*self.NAMESPACES, *self.PODS, target)
        sources = [
            f"{p.namespace}/{p.name}" for p in self.PODS if (p.namespace, p.name) != ("x", "db")
        ]
        return [source for source in sources if reaches(snapshot, f"{source} -> x/db")]

    def test_both_selectors_in_one_peer_must_match(self) -> None:
        both = PodPeer(selector(role="client"), selector(user="alice"))
        assert self.reached(both) == ["y/client"]

    def test_two_peers_are_alternatives(self) -> None:
        alternatives = (PodPeer(EVERYTHING, selector(user="alice")), peers(role="client"))
        assert self.reached(*alternatives) == ["x/client", "y/client", "y/db"]


def test_rule_12_ports_and_peers_of_different_rules_do_not_mix() -> None:
    rules = (allow(peers(app="a"), ports=(tcp(80),)), allow(peers(app="b"), ports=(tcp(81),)))
    apart = cluster(
        pod("x/a"), pod("x/b"), pod("x/c"), policy("x", selector(app="c"), ingress=rules)
    )
    found = [reaches(apart, f"x/{name} -> x/c", port) for name in "ab" for port in (80, 81)]
    assert found == [True, False, False, True]


CASES_OF_RULE_20 = [
    pytest.param(Operator.IN, ("v",), [True, False, False], id="In needs the key and the value"),
    pytest.param(Operator.NOT_IN, ("v",), [False, True, True], id="NotIn matches without the key"),
    pytest.param(Operator.EXISTS, (), [True, True, False], id="Exists needs the key"),
    pytest.param(Operator.DOES_NOT_EXIST, (), [False, False, True], id="DoesNotExist needs none"),
]


class TestRule20Operators:
    """As in https://github.com/kubernetes/apimachinery/blob/master/pkg/labels/selector.go."""

    LABELS: tuple[dict[str, str], ...] = ({"k": "v"}, {"k": "other"}, {})

    @pytest.mark.parametrize(("operator", "values", "expected"), CASES_OF_RULE_20)
    def test_on_pods(
        self, operator: Operator, values: tuple[str, ...], expected: list[bool]
    ) -> None:
        peer = PodPeer(Selector((SelectorRequirement("k", operator, values),)))
        sources = (pod(f"x/s{n}", labels=labels) for n, labels in enumerate(self.LABELS))
        target = policy("x", selector(app="t"), ingress=(allow(peer),))
        snapshot = cluster(pod("x/t"), *sources, target)
        assert [reaches(snapshot, f"x/s{n} -> x/t") for n in range(3)] == expected

    @pytest.mark.parametrize(("operator", "values", "expected"), CASES_OF_RULE_20)
    def test_on_namespaces(
        self, operator: Operator, values: tuple[str, ...], expected: list[bool]
    ) -> None:
        peer = PodPeer(EVERYTHING, Selector((SelectorRequirement("k", operator, values),)))
        spaces = (
            SnapshotNamespace(f"n{n}", LabelMap.of(dict(each)))
            for n, each in enumerate(self.LABELS)
        )
        target = policy("x", selector(app="t"), ingress=(allow(peer),))
        sources = (pod(f"n{n}/s") for n in range(3))
        snapshot = cluster(pod("x/t"), *spaces, *sources, target)
        assert [reaches(snapshot, f"n{n}/s -> x/t") for n in range(3)] == expected

    def test_all_requirements_must_hold(self) -> None:
        both = selector(SelectorRequirement("k", Operator.EXISTS), app="a")
        target = policy("x", selector(app="t"), ingress=(allow(PodPeer(both)),))
        snapshot = cluster(
            pod("x/t"),
            pod("x/a"),
            pod("x/k", labels={"k": "1"}),
            pod("x/ak", labels={"k": "1", "app": "a"}),
            target,
        )
        found = [reaches(snapshot, f"x/{name} -> x/t") for name in ("a", "k", "ak")]
        assert found == [False, False, True]


def test_rule_21_an_empty_value_needs_the_key_with_an_empty_value() -> None:
    target = policy("x", selector(app="t"), ingress=(allow(peers(k="")),))
    snapshot = cluster(
        pod("x/t"),
        pod("x/none"),
        pod("x/empty", labels={"k": ""}),
        pod("x/full", labels={"k": "v"}),
        target,
    )
    found = [reaches(snapshot, f"x/{name} -> x/t") for name in ("none", "empty", "full")]
    assert found == [False, True, False]


class TestRule22TheNameLabel:
    """'The control plane sets an immutable label kubernetes.io/metadata.name on all namespaces'."""

    BY_NAME = allow(PodPeer(EVERYTHING, selector(**{NAME: "y"})))

    @pytest.mark.parametrize(
        "declared",
        [
            pytest.param((), id="in a namespace that is not declared"),
            pytest.param((namespace("y"),), id="in a declared namespace without labels"),
            pytest.param((namespace("y", **{NAME: "forged"}),), id="whatever the document claims"),
        ],
    )
    def test_is_always_there(self, declared: tuple[SnapshotNamespace, ...]) -> None:
        snapshot = cluster(*declared, policy("x", ingress=(self.BY_NAME,)))
        assert reaches(snapshot, "y/a -> x/a")
        assert not reaches(snapshot, "x/b -> x/a")

    def test_labels_of_pods_do_not_count(self) -> None:
        fake = pod("z/a", labels={NAME: "y"})
        snapshot = cluster(pod("x/a"), fake, policy("x", ingress=(self.BY_NAME,)))
        assert not reaches(snapshot, "z/a -> x/a")


@pytest.mark.parametrize(
    "dead",
    [
        pytest.param(policy("nowhere", ingress=()), id="in a namespace without pods"),
        pytest.param(
            policy("x", selector(app="none"), ingress=()), id="with a selector for nobody"
        ),
    ],
)
def test_rule_31_a_policy_that_selects_nothing_has_no_effect(dead: object) -> None:
    assert reaches(cluster(dead), "y/a -> x/a")  # type: ignore[arg-type]  # a Policy


def test_rule_31_a_policy_that_selects_only_pods_on_the_host_network_has_no_effect() -> None:
    node = pod("x/node", host_network=True)
    deny = policy("x", ingress=())
    assert reaches(cluster(node, pod("y/a"), deny), "y/a -> x/node")


def test_rule_32_of_two_policies_with_one_name_the_last_counts() -> None:
    first, last = policy("x", name="p", ingress=(allow(),)), policy("x", name="p", ingress=())
    assert not reaches(cluster(first, last), "y/a -> x/a")
    assert reaches(cluster(last, first), "y/a -> x/a")
