"""What a temporary client runs, and how its log is read.

One container makes all attempts of its client and writes each result as a line of JSON, so that
nothing has to be executed in a pod. First comes the control: something that the client is allowed
to reach has to be reached, else its own node (the kubelet's port, open or refused), for otherwise
its silence proves nothing. An attempt that does not end as predicted is made again, with longer
pauses, since an engine learns of a fresh pod only after seconds.

The script is POSIX sh and needs `nc`: busybox's, or another one that has `-z`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from podwall.verify.comparing import Observation, ProbeOutcome

__all__ = ["AddressAttempt", "ProbePace", "command", "observations"]


@dataclass(frozen=True, slots=True)
class AddressAttempt:
    """An attempt to connect to an address; `number` is that of its probe."""

    number: int
    address: str
    port: int
    should_pass: bool


@dataclass(frozen=True, slots=True)
class ProbePace:
    """How patient a client is, in seconds and times.

    `wait` is how long an attempt waits for an answer, `settle` the pause between the control and
    the first attempt, `tries` how often an attempt is made that does not end as predicted, with
    pauses of 1, 2, 3 seconds and so on, and `rounds` how often the control is tried. `together`
    attempts are made at a time.

    The measured engines know a fresh pod within 2 seconds.
    """

    wait: int = 2
    settle: int = 3
    tries: int = 5
    rounds: int = 5
    together: int = 8

    def seconds(self, attempts: int) -> int:
        """Return how long so many attempts take at most, from the start of the container.

        >>> ProbePace().seconds(8) < ProbePace().seconds(9) < 120
        True
        """
        one = self.tries * self.wait + sum(range(self.tries))
        control = self.rounds * (_MOST_CONTROLS * self.wait + 1) + self.wait
        return control + self.settle + one * -(-attempts // self.together)


_MOST_CONTROLS: Final = 3
_KUBELET: Final = 10250

_SCRIPT: Final = r"""
quiet() { tr -cd 'A-Za-z0-9 .:,()/-' | tail -c 200; }
if nc --help 2>&1 | grep -q -e '-e PROG'; then
  loud=; nc --help 2>&1 | grep -q -e '-v' && loud=-vv
  reach() { nc $loud -w "$WAIT" "$1" "$2" -e true </dev/null 2>&1; }
else
  reach() { nc -v -z -w "$WAIT" "$1" "$2" </dev/null 2>&1; }
fi
attempt() { said=$(reach "$1" "$2"); status=$?; }
passed() { [ "$status" = 0 ] || case "$said" in *refused*) true ;; *) false ;; esac; }
control() {
  for line in $CONTROLS; do
    attempt "${line%,*}" "${line#*,}"
    if passed; then reached=$line; return 0; fi
  done
  return 1
}
probe() {
  times=0
  while :; do
    times=$((times + 1)); attempt "$2" "$3"
    if passed; then seen=pass; else seen=fail; fi
    [ "$seen" = "$4" ] || [ "$times" -ge "$TRIES" ] && break
    sleep "$times"
  done
  printf '{"probe":%s,"attempts":%s,"status":%s,"message":"%s"}\n' \
    "$1" "$times" "$status" "$(printf %s "$said" | quiet)"
}
reached=
round=0
while [ "$round" -lt "$ROUNDS" ] && [ -n "$CONTROLS" ]; do
  round=$((round + 1)); control && break; sleep 1
done
if [ -z "$reached" ]; then
  CONTROLS="$NODE,__KUBELET__"; control
fi
printf '{"reached":"%s"}\n' "$reached"
sleep "$SETTLE"
count=0
for line in $PROBES; do
  old=$IFS; IFS=,; set -- $line; IFS=$old
  probe "$@" &
  count=$((count + 1)); [ $((count % TOGETHER)) = 0 ] && wait
done
wait
printf '{"done":%s}\n' "$count"
""".replace("__KUBELET__", str(_KUBELET))


def command(
    attempts: Iterable[AddressAttempt], pace: ProbePace
) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Return the command of a client's container, and its environment without `NODE`.

    `NODE` is the address of the node that the pod is on.
    """
    listed = tuple(attempts)
    allowed = (f"{each.address},{each.port}" for each in listed if each.should_pass)
    controls = list(dict.fromkeys(allowed))[:_MOST_CONTROLS]
    probes = (
        f"{each.number},{each.address},{each.port},{'pass' if each.should_pass else 'fail'}"
        for each in listed
    )
    environment = {
        "CONTROLS": " ".join(controls),
        "PROBES": " ".join(probes),
        "ROUNDS": str(pace.rounds),
        "SETTLE": str(pace.settle),
        "TOGETHER": str(pace.together),
        "TRIES": str(pace.tries),
        "WAIT": str(pace.wait),
    }
    return ("sh", "-c", _SCRIPT), environment


class _Line(msgspec.Struct):
    """A line of the log: of the control, or of one probe."""

    reached: str | None = None
    probe: int | None = None
    attempts: int = 0
    status: int = 0
    message: str = ""


_DECODER: Final = msgspec.json.Decoder(_Line)


def observations(log: bytes) -> Mapping[int, Observation]:
    """Return what was observed, by the number of the probe; lines that are cut say nothing.

    >>> control = b'{"reached":"10.0.0.4,80"}'
    >>> probe = b'{"probe":3,"attempts":1,"status":1,"message":"nc: timed out"}'
    >>> seen = observations(control + bytes([10]) + probe)[3]
    >>> seen.outcome.value, seen.controlled
    ('timed out', True)
    """
    lines = list(_lines(log))
    controlled = any(each.reached for each in lines)
    return {
        each.probe: _observed(each, controlled=controlled)
        for each in lines
        if each.probe is not None
    }


def _lines(log: bytes) -> Iterator[_Line]:
    for line in log.splitlines():
        try:
            yield _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeError):
            continue


_WORDS: Final = (
    (ProbeOutcome.REFUSED, re.compile("refused")),
    (ProbeOutcome.RESET, re.compile("reset")),
    (ProbeOutcome.TIMED_OUT, re.compile("timed out|timeout")),
    (ProbeOutcome.UNREACHABLE, re.compile("unreachable|no route")),
    (ProbeOutcome.UNRESOLVED, re.compile("bad address|not known|resol")),
)


def _observed(line: _Line, *, controlled: bool) -> Observation:
    if line.status == 0:
        return Observation(ProbeOutcome.CONNECTED, line.attempts, controlled=controlled)
    message = line.message.lower()
    for outcome, words in _WORDS:
        if words.search(message):
            return Observation(outcome, line.attempts, controlled=controlled)
    if "not found" in message:
        reason = "the image has no `nc`, which makes the connections"
    else:
        reason = f"the client ends with status {line.status} and says `{line.message}`"
    return Observation(attempts=line.attempts, controlled=controlled, reason=reason)
