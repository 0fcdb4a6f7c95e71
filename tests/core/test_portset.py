"""Port sets: the laws of sets, one form for one meaning, and how they read."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.model import IpProtocol
from podwall.policies.errors import InvalidValue
from podwall.portset import ALL_PORTS, FIRST_PORT, LAST_PORT, NO_PORTS, PortSet, merged
from podwall.reachability import arrays
from podwall.reachability.arrays import Atoms

TCP, UDP, SCTP, OTHER = IpProtocol

NEAR = st.sampled_from((1, 2, 3, 53, 54, 55, 80, 65534, 65535)) | st.integers(FIRST_PORT, LAST_PORT)
FLOWS = st.tuples(st.sampled_from(list(IpProtocol)), NEAR)


@st.composite
def port_sets(draw: st.DrawFn) -> PortSet:
    """Draw sets of a few ranges, sometimes with the other protocols."""
    result = PortSet(other=draw(st.booleans()))
    for _ in range(draw(st.integers(0, 4))):
        first, last = sorted((draw(NEAR), draw(NEAR)))
        result |= PortSet.of(draw(st.sampled_from((TCP, UDP, SCTP))), first, last)
    return result


@given(port_sets(), port_sets(), FLOWS)
def test_the_operators_are_those_of_sets(
    left: PortSet, right: PortSet, flow: tuple[IpProtocol, int]
) -> None:
    inside, beside = left.contains(*flow), right.contains(*flow)
    assert (left | right).contains(*flow) == (inside or beside)
    assert (left & right).contains(*flow) == (inside and beside)
    assert (left - right).contains(*flow) == (inside and not beside)


@given(port_sets(), port_sets())
def test_equal_sets_are_equal_values(left: PortSet, right: PortSet) -> None:
    assert (left | right) == (right | left)
    assert (left & right) == (right & left)
    assert (left - right) | (left & right) == left
    assert ALL_PORTS - (ALL_PORTS - left) == left
    assert (left - right) == left & (ALL_PORTS - right)
    assert hash(left | right) == hash(right | left)


@given(port_sets(), port_sets(), port_sets())
def test_the_laws_of_three(a: PortSet, b: PortSet, c: PortSet) -> None:
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert a & (b | c) == (a & b) | (a & c)
    assert a - (b | c) == (a - b) & (a - c)


@given(port_sets())
def test_the_form_is_canonical(ports: PortSet) -> None:
    for protocol in (TCP, UDP, SCTP):
        ranges = ports.ranges(protocol)
        assert all(FIRST_PORT <= first <= last <= LAST_PORT for first, last in ranges)
        assert all(low[1] + 1 < high[0] for low, high in pairwise(ranges))
    assert ports.ranges(OTHER) == ()
    assert ports.is_empty == (ports == NO_PORTS) == (not ports)


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        pytest.param(NO_PORTS, "no ports", id="nothing"),
        pytest.param(ALL_PORTS, "all ports", id="everything"),
        pytest.param(PortSet.of(TCP, 80), "TCP 80", id="one port"),
        pytest.param(PortSet.of(TCP, 80, 81) | PortSet.of(TCP, 82), "TCP 80-82", id="neighbours"),
        pytest.param(
            PortSet.of(UDP, 53) | PortSet.of(TCP, 443) | PortSet.of(TCP, 80),
            "TCP 80, 443; UDP 53",
            id="protocols in their order",
        ),
        pytest.param(PortSet.all_of(TCP), "all TCP", id="a whole protocol"),
        pytest.param(PortSet.all_of(OTHER), "other protocols", id="what has no ports"),
        pytest.param(
            ALL_PORTS - PortSet.all_of(OTHER), "all TCP; all UDP; all SCTP", id="all that has ports"
        ),
    ],
)
def test_how_it_reads(ports: PortSet, text: str) -> None:
    assert str(ports) == text


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(0, None, id="port 0"),
        pytest.param(65536, None, id="above the last port"),
        pytest.param(90, 80, id="reversed"),
    ],
)
def test_a_range_that_is_none_is_refused(first: int, last: int | None) -> None:
    with pytest.raises(InvalidValue):
        PortSet.of(TCP, first, last)


def test_parts_are_the_same_however_few_sets_are_looked_at_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose = random.Random(3)
    for _ in range(30):
        starts = ([choose.randrange(90) for _ in range(3)] for _ in range(choose.randrange(8)))
        sets = [merged((each, each + choose.randrange(9)) for each in some) for some in starts]
        whole = Atoms(sets, (0, 50, 100))
        with monkeypatch.context() as patch:
            patch.setattr(arrays, "_MOST_PIECES", 3)
            parts = Atoms(sets, (0, 50, 100))
        assert parts.ranges() == whole.ranges()
        assert [parts.of(each).tolist() for each in sets] == [whole.of(e).tolist() for e in sets]
