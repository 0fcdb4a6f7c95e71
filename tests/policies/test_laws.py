"""The laws of the values that are sets: order and repetition say nothing."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.policies import (
    ALL_PORTS,
    ALL_SCTP_PORTS,
    ALL_TCP_PORTS,
    ALL_UDP_PORTS,
    IpBlock,
    Labels,
    LabelSelector,
    Operator,
    Port,
    Ports,
    Requirement,
    in_,
    ip_block,
    not_in,
    pods,
    tcp,
    udp,
)
from tests.policies.strategies import CONDITIONS, LABELS, PORTS, REQUIREMENTS, ip_blocks

OPPOSITES = {
    Operator.IN: Operator.NOT_IN,
    Operator.NOT_IN: Operator.IN,
    Operator.EXISTS: Operator.DOES_NOT_EXIST,
    Operator.DOES_NOT_EXIST: Operator.EXISTS,
}


class TestPortsAreASetOfWrittenEntriesUnderUnion:
    @given(PORTS, PORTS)
    def test_order_says_nothing(self, one: Ports, two: Ports) -> None:
        assert one | two == two | one
        assert hash(one | two) == hash(two | one)

    @given(PORTS, PORTS, PORTS)
    def test_grouping_says_nothing(self, one: Ports, two: Ports, three: Ports) -> None:
        assert (one | two) | three == one | (two | three)

    @given(PORTS)
    def test_repetition_says_nothing(self, ports: Ports) -> None:
        assert ports | ports == ports

    @given(PORTS)
    def test_all_ports_include_every_other(self, ports: Ports) -> None:
        assert ports | ALL_PORTS == ALL_PORTS == ALL_PORTS | ports

    @given(PORTS, PORTS)
    def test_a_union_has_the_entries_of_both_and_no_other(self, one: Ports, two: Ports) -> None:
        union = one | two
        if union.entries is None:
            assert None in (one.entries, two.entries)
        else:
            assert set(union.entries) == {*(one.entries or ()), *(two.entries or ())}

    @given(st.permutations([tcp(80), tcp("http"), udp(53), ALL_TCP_PORTS, tcp(80, end_port=90)]))
    def test_any_order_of_any_kind_is_the_same_value(self, ports: list[Ports]) -> None:
        union = ports[0] | ports[1] | ports[2] | ports[3] | ports[4]
        assert str(union) == "TCP all ports, TCP 80, TCP 80-90, TCP http, UDP 53"


class TestPortsAreWhatIsWrittenAndNotWhatItMeans:
    """An engine that does not know `endPort` opens only the first port of a range."""

    def test_neighbours_are_not_a_range(self) -> None:
        assert tcp(80) | tcp(81) != tcp(80, end_port=81)

    def test_a_range_of_one_port_is_written_as_a_range(self) -> None:
        assert tcp(80, end_port=80) != tcp(80)

    def test_every_port_of_each_protocol_is_not_every_port(self) -> None:
        assert ALL_TCP_PORTS | ALL_UDP_PORTS | ALL_SCTP_PORTS != ALL_PORTS

    def test_a_port_is_not_a_set_of_ports(self) -> None:
        with pytest.raises(TypeError):
            _ = tcp(80) | 81  # type: ignore[operator]  # an untyped caller


class TestLabelsAreAMapping:
    @given(LABELS)
    def test_they_equal_the_mapping_they_are_made_of(self, labels: dict[str, str]) -> None:
        assert Labels(labels) == labels
        assert dict(Labels(labels)) == labels
        assert len(Labels(labels)) == len(labels)

    @given(LABELS, st.randoms())
    def test_order_says_nothing(self, labels: dict[str, str], random: Random) -> None:
        shuffled = list(labels.items())
        random.shuffle(shuffled)
        assert hash(Labels(dict(shuffled))) == hash(Labels(labels))

    def test_they_cannot_be_changed(self) -> None:
        with pytest.raises(TypeError):
            Labels({"app": "web"})["app"] = "api"  # type: ignore[index]  # an untyped caller

    def test_they_show_themselves(self) -> None:
        assert repr(Labels({"b": "", "a": "1"})) == "Labels({'a': '1', 'b': ''})"


class TestSelectorsAreASetOfRequirements:
    @given(LABELS, st.lists(REQUIREMENTS), st.randoms())
    @pytest.mark.long
    def test_order_and_repetition_say_nothing(
        self, labels: dict[str, str], requirements: list[Requirement], random: Random
    ) -> None:
        shuffled = requirements * 2
        random.shuffle(shuffled)
        written = LabelSelector(Labels(labels), tuple(requirements))
        assert LabelSelector(Labels(labels), tuple(shuffled)) == written

    @given(CONDITIONS, CONDITIONS, LABELS)
    @pytest.mark.long
    def test_more_conditions_select_no_more(
        self,
        one: tuple[dict[str, str], list[Requirement]],
        two: tuple[dict[str, str], list[Requirement]],
        labels: dict[str, str],
    ) -> None:
        narrow = LabelSelector(Labels({**two[0], **one[0]}), (*one[1], *two[1]))
        wide = LabelSelector(Labels(one[0]), tuple(one[1]))
        assert not narrow.matches(labels) or wide.matches(labels)

    @given(REQUIREMENTS, LABELS)
    def test_a_requirement_and_its_opposite_divide_all_labels(
        self, requirement: Requirement, labels: dict[str, str]
    ) -> None:
        opposite = replace(requirement, operator=OPPOSITES[requirement.operator])
        assert requirement.matches(labels) is not opposite.matches(labels)

    def test_the_same_selection_may_be_written_in_two_ways(self) -> None:
        assert pods(in_("app", "web")) != pods(app="web")

    def test_values_are_a_set(self) -> None:
        assert in_("app", "b", "a") == in_("app", "a", "b")
        assert in_("app", "a") != not_in("app", "a")


class TestIpBlocksAreABlockAndASetOfExceptions:
    @given(ip_blocks(), st.randoms())
    def test_order_and_repetition_say_nothing(self, block: IpBlock, random: Random) -> None:
        shuffled = [*block.except_, *block.except_]
        random.shuffle(shuffled)
        assert IpBlock(block.cidr, tuple(shuffled)) == block

    @given(ip_blocks())
    def test_a_block_can_be_written_as_it_is_shown(self, block: IpBlock) -> None:
        cidr, _, exceptions = str(block).partition(" except ")
        assert ip_block(cidr, except_=exceptions.split(", ") if exceptions else ()) == block

    @given(ip_blocks())
    def test_exceptions_are_smaller_and_inside(self, block: IpBlock) -> None:
        for exception in block.except_:
            assert exception.prefixlen > block.cidr.prefixlen
            assert exception[0] in block.cidr
            assert exception[-1] in block.cidr


def test_a_port_is_shown_as_people_say_it() -> None:
    entries = (tcp(80) | udp("dns") | tcp(8000, end_port=8999)).entries
    assert entries is not None
    assert [str(each) for each in entries] == ["TCP 80", "TCP 8000-8999", "UDP dns"]
    assert isinstance(entries[0], Port)
    assert str(ALL_PORTS) == "all ports"
