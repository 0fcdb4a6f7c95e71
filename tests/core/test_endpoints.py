"""The endpoints of a reachability: their ids, their order, and what is said of unknown ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

import pytest

from podwall.model import Unknown
from podwall.policies.errors import InvalidValue
from podwall.reachability import ExternalRange, WorkloadEndpoint, reachability
from tests.core.builders import allow, block, cluster, pod, policy, verdict
from tests.core.clusters import Size, random_cluster


def ids(*workloads: object) -> list[str]:
    """Return the ids of workloads."""
    return [each.id for each in reachability(cluster(*workloads)).workloads]  # type: ignore[arg-type]  # workloads


class TestIds:
    def test_are_namespace_and_name(self) -> None:
        assert ids(pod("x/a"), pod("y/a")) == ["x/a", "y/a"]

    def test_have_the_kind_where_two_would_clash(self) -> None:
        assert ids(pod("x/a"), pod("x/a", kind="Deployment"), pod("x/b")) == [
            "x/Deployment/a",
            "x/Pod/a",
            "x/b",
        ]

    def test_of_a_namespace_that_is_not_known(self) -> None:
        somewhere = replace(pod("x/a"), namespace=Unknown("the namespace"))
        assert ids(somewhere) == ["?/a"]
        assert ids(somewhere, somewhere) == ["?/Pod/a", "?/Pod/a#2"]

    def test_of_what_is_declared_twice_is_one_and_the_last_counts(self) -> None:
        first, last = pod("x/a", labels={"app": "first"}), pod("x/a", labels={"app": "last"})
        (only,) = reachability(cluster(first, last)).workloads
        assert only.workload is last

    def test_of_the_outside_are_cidrs(self) -> None:
        rules = policy("x", ingress=(allow(block("128.0.0.0/1")),))
        found = reachability(cluster(pod("x/a"), rules))
        assert [each.id for each in found.externals] == ["0.0.0.0/1", "128.0.0.0/1", "::/0"]


class TestOneQuestion:
    """What is asked of one pair alone is what a reader of all pairs is told."""

    @pytest.mark.parametrize("seed", range(12))
    @pytest.mark.long(keep=3)
    def test_is_answered_as_among_all(self, seed: int) -> None:
        snapshot = random_cluster(Random(seed), Size(workloads=5, policies=5))
        whole = reachability(snapshot)
        names = [each.id for each in whole.endpoints]
        for source, destination in product(names[:7], names[:4]):
            alone = reachability(snapshot)
            assert alone.endpoint(source) == whole.endpoint(source)
            asked = alone.connection(source, destination)
            assert asked == whole.connection(source, destination)
            assert alone.ends.number(source) == whole.ends.number(source)

    def test_about_a_name_that_two_kinds_share_has_no_answer(self) -> None:
        twins = cluster(pod("x/a"), pod("x/a", kind="Deployment"), pod("x/b"))
        with pytest.raises(InvalidValue, match="no workload or external range `x/a`"):
            reachability(twins).connection("x/b", "x/a")
        found = reachability(twins).connection("x/b", "x/Pod/a")
        assert found.destination_id == "x/Pod/a"

    def test_about_a_name_in_the_cluster_finds_the_one_that_is_written(self) -> None:
        made_up = replace(pod("x/a"), also=("x/a-1f",))
        assert reachability(cluster(made_up)).endpoint("x/a-1f").id == "x/a"


class TestOrder:
    def test_is_by_id_and_then_by_address(self) -> None:
        found = reachability(cluster(pod("y/a"), pod("x/b"), pod("x/a")))
        assert [each.id for each in found.endpoints] == ["x/a", "x/b", "y/a", "0.0.0.0/0", "::/0"]
        kinds = [type(each) for each in found.endpoints]
        assert kinds == [WorkloadEndpoint] * 3 + [ExternalRange] * 2

    def test_of_the_document_does_not_matter(self) -> None:
        pods = [pod("y/a"), pod("x/b"), pod("x/a")]
        lines = {tuple(reachability(cluster(*each)).connections()) for each in (pods, pods[::-1])}
        assert len(lines) == 1


class TestAnEndpointThatIsNotThere:
    FOUND = reachability(cluster())

    @pytest.mark.parametrize(
        ("asked", "help_"),
        [
            pytest.param("x/aa", "did you mean `x/a`?", id="the nearest id"),
            pytest.param("b", "did you mean `x/b`?", id="a name without its namespace"),
            pytest.param("nothing like it", "`podwall reach` lists all endpoints", id="no idea"),
        ],
    )
    def test_is_a_mistake_with_a_remedy(self, asked: str, help_: str) -> None:
        with pytest.raises(InvalidValue) as caught:
            self.FOUND.endpoint(asked)
        assert caught.value.help == help_
        assert f"`{asked}`" in caught.value.message

    def test_as_either_end_of_a_flow(self) -> None:
        with pytest.raises(InvalidValue):
            self.FOUND.connection("x/a", "x/z")
        with pytest.raises(InvalidValue):
            verdict(self.FOUND, "x/z -> x/a")


def test_a_cluster_without_anything_has_the_outside_only() -> None:
    found = reachability(replace(cluster(), workloads=(), policies=()))
    assert [each.id for each in found.endpoints] == ["0.0.0.0/0", "::/0"]
    assert list(found.connections()) == []
