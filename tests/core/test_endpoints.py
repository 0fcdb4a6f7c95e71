"""The endpoints of a reachability: their ids, their order, and what is said of unknown ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podwall.model import Unknown
from podwall.policies.errors import InvalidValue
from podwall.reachability import ExternalRange, WorkloadEndpoint, reachability
from tests.core.builders import allow, block, cluster, pod, policy, verdict


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
