"""The script of a client runs under a real `sh`, with an `nc` that answers as the port says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from podwall.model import IpProtocol
from podwall.reachability import Verdict
from podwall.verify import Agreement, ConnectionProbe, Observation, ProbeOutcome, compared
from podwall.verify.temporary import AddressAttempt, ProbePace, command, observations

QUICK: Final = ProbePace(wait=1, settle=0, tries=2, rounds=1, together=3)

# The address is `node` for the client's own node; ports say how an attempt ends.
_NC: Final = """#!/bin/sh
case "$*" in
  --help) echo "$NC_HELP" >&2; exit 1 ;;
esac
echo "$*" >> "$SEEN"
case "$*" in
  *" 10250 -e true") [ "$NODE_WORKS" = yes ] || { echo "nc: timed out" >&2; exit 1; }; exit 0 ;;
  *" 1 -e true"|*"-z "*" 1") exit 0 ;;
  *" 2 -e true") echo "nc: can't connect (10.0.0.1): Connection refused" >&2; exit 1 ;;
  *" 3 -e true") echo "nc: timed out" >&2; exit 1 ;;
  *" 4 -e true") [ -e "$SEEN.later" ] && exit 0; : > "$SEEN.later"; echo "timed out" >&2; exit 1 ;;
  *" 5 -e true") echo "nc: can't connect: No route to host" >&2; exit 1 ;;
  *" 6 -e true") echo "nc: can't connect: Connection reset by peer" >&2; exit 1 ;;
  *" 8 -e true") [ -e "$SEEN.gone" ] || { : > "$SEEN.gone"; exit 0; }; echo timed out >&2; exit 1 ;;
  *" 7 -e true") printf 'a"b\\\\\\n\\033[31m odd' >&2; exit 9 ;;
esac
exit 1
"""
# A server of names: by its port it answers, says that it knows no such name, refuses or is silent.
_NSLOOKUP: Final = """#!/bin/sh
case "$*" in
  --help) echo "BusyBox v1" >&2; exit 1 ;;
esac
echo "nslookup $*" >> "$SEEN"
for where; do :; done
case "$where" in
  *:1) echo "Server: b"; echo "Address: b:1"; exit 0 ;;
  *:2) echo "** server can't find probe.podwall.invalid: NXDOMAIN"; exit 1 ;;
  *:3) echo "nslookup: read: Connection refused"; echo ";; connection timed out"; exit 1 ;;
  *:4) echo ";; connection timed out; no servers could be reached"; exit 1 ;;
  node:10250) [ "$NODE_WORKS" = yes ] && echo "nslookup: read: Connection refused"; exit 1 ;;
esac
exit 1
"""
_BUSYBOX: Final = "Usage: nc [-wN] IPADDR PORT [-e PROG]"
ALLOWED = Observation(ProbeOutcome.CONNECTED, 1, controlled=True)


def _run(
    folder: Path, attempts: Sequence[AddressAttempt], **environment: str
) -> tuple[Mapping[int, Observation], list[str]]:
    nc = folder / "nc"
    nc.write_text(_NC, encoding="utf-8")
    nc.chmod(0o755)
    (folder / "nslookup").write_text(_NSLOOKUP, encoding="utf-8")
    (folder / "nslookup").chmod(0o755)
    words, own = command(attempts, QUICK)
    given = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "NODE": "node",
        "NODE_WORKS": "yes",
        "NC_HELP": _BUSYBOX,
        "SEEN": str(folder / "seen"),
    }
    done = subprocess.run(
        words, env={**given, **own, **environment}, capture_output=True, check=True, timeout=600
    )
    return observations(done.stdout), (folder / "seen").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("port", "should_pass", "outcome", "attempts"),
    [
        (1, True, ProbeOutcome.CONNECTED, 1),
        (1, False, ProbeOutcome.CONNECTED, 2),
        (2, True, ProbeOutcome.REFUSED, 1),
        (2, False, ProbeOutcome.REFUSED, 2),
        (3, True, ProbeOutcome.TIMED_OUT, 2),
        (3, False, ProbeOutcome.TIMED_OUT, 1),
        (5, False, ProbeOutcome.UNREACHABLE, 1),
        (6, False, ProbeOutcome.RESET, 1),
        (7, False, ProbeOutcome.NOT_OBSERVED, 1),
    ],
)
@pytest.mark.long(keep=1)
def test_how_an_attempt_ends_and_how_often_it_is_made(
    tmp_path: Path, port: int, *, should_pass: bool, outcome: ProbeOutcome, attempts: int
) -> None:
    asked = [AddressAttempt(0, "a", 1, True), AddressAttempt(5, "b", port, should_pass)]
    seen, _ = _run(tmp_path, asked)
    assert seen[0] == ALLOWED
    assert (seen[5].outcome, seen[5].attempts) == (outcome, attempts)
    assert seen[5].controlled


def test_a_first_failure_of_what_is_allowed_is_not_believed(tmp_path: Path) -> None:
    seen, _ = _run(tmp_path, [AddressAttempt(0, "a", 1, True), AddressAttempt(1, "b", 4, True)])
    # The control makes the first attempt on port 1 only.
    assert seen[1] == Observation(ProbeOutcome.CONNECTED, 2, controlled=True)


def test_the_control_is_what_is_allowed_then_the_node(tmp_path: Path) -> None:
    _, calls = _run(tmp_path, [AddressAttempt(0, "a", 2, True)])
    assert not any("10250" in each for each in calls)
    (tmp_path / "more").mkdir()
    seen, calls = _run(tmp_path / "more", [AddressAttempt(0, "a", 3, False)])
    assert "node 10250" in calls[0]
    assert seen[0].controlled


def test_a_client_that_reaches_nothing_is_not_controlled(tmp_path: Path) -> None:
    attempts = [AddressAttempt(0, "a", 3, True), AddressAttempt(1, "b", 3, False)]
    seen, _ = _run(tmp_path, attempts, NODE_WORKS="no")
    assert [seen[each].controlled for each in (0, 1)] == [False, False]


def test_silence_counts_only_where_the_control_is_reached_right_after_it(tmp_path: Path) -> None:
    attempts = [AddressAttempt(0, "a", 8, True), AddressAttempt(1, "b", 3, False)]
    seen, _ = _run(tmp_path, attempts)
    found = [(seen[each].outcome, seen[each].attempts, seen[each].controlled) for each in (0, 1)]
    assert found == [(ProbeOutcome.TIMED_OUT, 2, False)] * 2
    denied = ConnectionProbe("x/b", "x/a", 80, Verdict.DENIED)
    assert compared(denied, seen[1]).agreement is Agreement.NOT_OBSERVED


def test_the_node_alone_is_no_control_for_what_is_denied_where_something_is_allowed(
    tmp_path: Path,
) -> None:
    attempts = [AddressAttempt(0, "a", 3, True), AddressAttempt(1, "b", 3, False)]
    seen, _ = _run(tmp_path, attempts)
    assert [seen[each].controlled for each in (0, 1)] == [True, False]


def test_more_attempts_than_are_made_together_are_all_made(tmp_path: Path) -> None:
    attempts = [AddressAttempt(each, "a", 1 + each % 2, True) for each in range(20)]
    seen, _ = _run(tmp_path, attempts)
    assert sorted(seen) == list(range(20))


def test_an_nc_that_runs_no_program_is_asked_to_scan(tmp_path: Path) -> None:
    seen, calls = _run(tmp_path, [AddressAttempt(0, "a", 1, True)], NC_HELP="usage: nc [-vz] host")
    assert seen[0].outcome is ProbeOutcome.CONNECTED
    assert calls[-1].startswith("-v -z -w 1")


def test_an_image_without_nc_is_named() -> None:
    seen = observations(b'{"probe":0,"attempts":1,"status":127,"message":"sh: nc: not found"}')
    assert seen[0].reason == "the image has no `nc`, which makes the connections"


def test_a_kernel_without_sctp_is_named() -> None:
    # As ncat 7.93 says it.
    said = "libnsock nsock_make_socket(): Socket trouble: Protocol not supported Ncat: ..."
    line = {"probe": 0, "protocol": "SCTP", "attempts": 1, "status": 1, "message": said}
    seen = observations(json.dumps(line).encode())
    assert seen[0].reason == "the kernel of the client's node has no SCTP"


@pytest.mark.parametrize(
    "log", [b"", b"\xff\xfe\n", b'{"probe":1,"atte', b"[]\n", b'{"probe":"x"}']
)
def test_a_log_that_is_cut_or_odd_says_nothing(log: bytes) -> None:
    assert observations(log) == {}


def test_the_script_needs_nothing_but_sh_nc_and_tools_of_busybox() -> None:
    script = command((), QUICK)[0][2]
    for word in ("[[", "local ", "function ", "<<<", "$'", "seq "):
        assert word not in script
    assert re.search(r"\bexec\b", script) is None


def _udp(number: int, port: int, *, should_pass: bool = True, address: str = "b") -> AddressAttempt:
    return AddressAttempt(number, address, port, should_pass, IpProtocol.UDP)


@pytest.mark.parametrize(
    ("port", "should_pass", "outcome", "attempts"),
    [
        (1, True, ProbeOutcome.CONNECTED, 1),
        (2, True, ProbeOutcome.CONNECTED, 1),
        (3, True, ProbeOutcome.REFUSED, 1),
        (3, False, ProbeOutcome.REFUSED, 2),
        (4, False, ProbeOutcome.TIMED_OUT, 1),
        (4, True, ProbeOutcome.TIMED_OUT, 2),
    ],
    ids=["answers", "knows-no-name", "refuses", "refuses-although-denied", "silent", "is-shut"],
)
def test_how_an_attempt_over_udp_ends(
    tmp_path: Path, port: int, *, should_pass: bool, outcome: ProbeOutcome, attempts: int
) -> None:
    seen, _ = _run(tmp_path, [_udp(7, port, should_pass=should_pass)])
    assert (seen[7].outcome, seen[7].attempts) == (outcome, attempts)
    assert seen[7].controlled


def test_silence_over_udp_needs_a_control_over_udp(tmp_path: Path) -> None:
    attempts = [AddressAttempt(0, "a", 1, True), _udp(1, 4, should_pass=False)]
    seen, _ = _run(tmp_path, attempts, NODE_WORKS="no")
    assert seen[0].controlled
    assert not seen[1].controlled


def test_the_port_of_an_address_of_ipv6_stands_outside_of_brackets(tmp_path: Path) -> None:
    _, calls = _run(tmp_path, [_udp(0, 1, address="fd00::4")])
    assert calls[-1].endswith(" probe.podwall.invalid [fd00::4]:1")


def test_attempts_over_udp_come_last_and_one_after_the_other() -> None:
    mixed = [*(_udp(each, 1) for each in range(3)), AddressAttempt(9, "a", 1, True)]
    words, environment = command(mixed, QUICK)
    assert [each.rpartition(",")[2] for each in environment["PROBES"].split()] == [
        "TCP", "UDP", "UDP", "UDP"
    ]  # fmt: skip
    assert words[0] == "sh"


def test_sctp_needs_an_image_that_has_ncat(tmp_path: Path) -> None:
    attempt = AddressAttempt(0, "a", 1, True, IpProtocol.SCTP)
    seen, _ = _run(
        tmp_path, [attempt, AddressAttempt(1, "a", 1, True)], PATH=_without_ncat(tmp_path)
    )
    assert seen[0].outcome is ProbeOutcome.NOT_OBSERVED
    assert seen[0].reason == "the image has no `ncat`, which makes the connections"


def _without_ncat(folder: Path) -> str:
    """Return a path of programs that a client needs, and no other."""
    own = folder / "bin"
    own.mkdir()
    for each in ("sh", "grep", "tr", "tail", "sleep", "cat"):
        (own / each).symlink_to(shutil.which(each) or each)
    return f"{folder}:{own}"
