"""Temporary pods: what they look like to policies, what they run, and how they go away.

One container makes all attempts of its client and writes each result as a line of JSON, so that
nothing has to be executed in a pod. First comes the control: something that the client is allowed
to reach has to be reached, else its own node (the kubelet's port, open or refused). Right after a
silence it has to be reached again, for otherwise the silence proves nothing: the network, or the
engine, may stand still. The node alone does not do for what is denied where something is allowed.
An attempt that does not end as predicted is made again, with longer pauses, since an engine learns
of a fresh pod only after seconds.

The script is POSIX sh and needs `nc`: busybox's, or another one that has `-z`. Over UDP a closed
port is answered by the host ("port unreachable", which reads as refused), so that a pod in which
nothing listens answers for certain; a question of DNS (`nslookup`) is what is sent, since servers
of names answer it. Hosts send few such answers to one client, one a second, so that these attempts
are made one after the other. SCTP needs `ncat`.
https://www.rfc-editor.org/rfc/rfc1122#page-77 (port unreachable)

A client has the labels of the workload that it stands for, in its namespace, so that policies take
it for one of its pods. Services do not: its readiness gate is never met. No controller adopts it,
since it has one: the owner of all pods of its run, which `cleanup` has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, Final

import msgspec

from podwall.model import IpProtocol, SelectorRequirement, Snapshot, SnapshotWorkload
from podwall.quick_dataclass import dataclass
from podwall.verify.comparing import RUN_LABEL, Observation, ProbeOutcome

__all__ = [
    "MANAGED_BY",
    "AddressAttempt",
    "ClientPod",
    "ProbePace",
    "ProbeRun",
    "client_manifest",
    "command",
    "namespace_manifest",
    "observations",
    "owned_labels",
    "owner_name",
    "pod_spec",
    "server_manifest",
    "stand_in_manifest",
    "used_keys",
]


@dataclass(frozen=True, slots=True)
class AddressAttempt:
    """An attempt to connect to an address; `number` is that of its probe."""

    number: int
    address: str
    port: int
    should_pass: bool
    protocol: IpProtocol = IpProtocol.TCP


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

    def seconds(self, attempts: int, by_turns: int = 0) -> int:
        """Return how long so many attempts take at most, from the start of the container.

        `by_turns` of them are made one after the other.

        >>> ProbePace().seconds(8) < ProbePace().seconds(9) < ProbePace().seconds(9, 1) < 300
        True
        """
        again = _MOST_CONTROLS * self.wait + self.wait
        one = self.tries * (self.wait + again) + sum(range(self.tries))
        control = self.rounds * (_MOST_CONTROLS * self.wait + 1) + self.wait
        together = -(-(attempts - by_turns) // self.together)
        return control * (1 + bool(by_turns)) + self.settle + one * (together + by_turns)


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
nameserver() {
  case "$1" in *:*) printf '[%s]:%s' "$1" "$2" ;; *) printf '%s:%s' "$1" "$2" ;; esac
}
query() {
  if nslookup --help 2>&1 | grep -q BusyBox; then
    nslookup -type=a "-timeout=$WAIT" -retry=2 "$QUESTION" "$(nameserver "$1" "$2")" </dev/null 2>&1
  else
    nslookup -type=a "-timeout=$WAIT" -retry=1 "-port=$2" "$QUESTION" "$1" </dev/null 2>&1
  fi
}
attempt() {
  case "$3" in
    UDP)
      said=$(query "$1" "$2"); status=1
      case "$said" in *"can't find"*|*Address:*) status=0 ;; esac ;;
    SCTP) said=$(ncat --sctp -v -z -w "$WAIT" "$1" "$2" </dev/null 2>&1); status=$? ;;
    *) said=$(reach "$1" "$2"); status=$? ;;
  esac
}
passed() { [ "$status" = 0 ] || case "$said" in *refused*) true ;; *) false ;; esac; }
controls() { case " $CONTROLS " in *",$asked "*) echo yes ;; *) echo no ;; esac; }
control() {
  for line in $CONTROLS; do
    old=$IFS; IFS=,; set -- $line; IFS=$old
    [ "$3" = "$asked" ] || continue
    attempt "$1" "$2" "$3"
    if passed; then reached=$line; return 0; fi
  done
  return 1
}
elsewhere() {
  control && return 0
  [ "$1" = pass ] || [ "$(controls)" = no ] || return 1
  case "$before " in *" $NODE,__KUBELET__,$asked "*) ;; *) return 1 ;; esac
  attempt "$NODE" __KUBELET__ "$asked"; passed
}
probe() {
  times=0; asked=$5
  while :; do
    times=$((times + 1)); attempt "$2" "$3" "$5"
    seen=pass; again=true
    if ! passed; then
      ended=$status; heard=$said; seen=fail
      elsewhere "$4" || again=false
      status=$ended; said=$heard
    fi
    [ "$seen" = "$4" ] && [ "$again" = true ] || [ "$times" -ge "$TRIES" ] && break
    sleep "$times"
  done
  printf '{"probe":%s,"protocol":"%s","attempts":%s,"status":%s,"again":%s,"message":"%s"}\n' \
    "$1" "$5" "$times" "$status" "$again" "$(printf %s "$said" | quiet)"
}
before=
for asked in $PROTOCOLS; do
  reached=
  round=0
  while [ "$(controls)" = yes ] && [ "$round" -lt "$ROUNDS" ]; do
    round=$((round + 1)); control && break; sleep 1
  done
  if [ -z "$reached" ]; then
    attempt "$NODE" __KUBELET__ "$asked"
    if passed; then reached="$NODE,__KUBELET__,$asked"; fi
  fi
  before="$before $reached"
  printf '{"protocol":"%s","reached":"%s"}\n' "$asked" "$reached"
done
sleep "$SETTLE"
count=0
for line in $PROBES; do
  old=$IFS; IFS=,; set -- $line; IFS=$old
  if [ "$5" = UDP ]; then probe "$@"; else probe "$@" & fi
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
    listed = sorted(attempts, key=lambda each: each.protocol is IpProtocol.UDP)
    protocols = list(dict.fromkeys(each.protocol for each in listed))
    probes = (
        f"{each.number},{each.address},{each.port},"
        f"{'pass' if each.should_pass else 'fail'},{each.protocol}"
        for each in listed
    )
    environment = {
        "CONTROLS": " ".join(line for each in protocols for line in _controls(listed, each)),
        "PROBES": " ".join(probes),
        "PROTOCOLS": " ".join(protocols),
        "QUESTION": _QUESTION,
        "ROUNDS": str(pace.rounds),
        "SETTLE": str(pace.settle),
        "TOGETHER": str(pace.together),
        "TRIES": str(pace.tries),
        "WAIT": str(pace.wait),
    }
    return ("sh", "-c", _SCRIPT), environment


_QUESTION: Final = "probe.podwall.invalid"


def _controls(attempts: Iterable[AddressAttempt], protocol: IpProtocol) -> list[str]:
    """Return what has to be reached first over a protocol."""
    allowed = (
        f"{each.address},{each.port},{protocol}"
        for each in attempts
        if each.should_pass and each.protocol is protocol
    )
    return list(dict.fromkeys(allowed))[:_MOST_CONTROLS]


class _Line(msgspec.Struct):
    """A line of the log: of one probe, and whether the control was reached after it; or another."""

    again: bool = False
    probe: int | None = None
    protocol: IpProtocol = IpProtocol.TCP
    attempts: int = 0
    status: int = 0
    message: str = ""


_DECODER: Final = msgspec.json.Decoder(_Line)


def observations(log: bytes) -> Mapping[int, Observation]:
    """Return what was observed, by the number of the probe; lines that are cut say nothing.

    >>> line = b'{"probe":3,"attempts":1,"status":1,"again":true,"message":"nc: timed out"}'
    >>> seen = observations(line)[3]
    >>> seen.outcome.value, seen.controlled
    ('timed out', True)
    """
    lines = list(_lines(log))
    return {each.probe: _observed(each) for each in lines if each.probe is not None}


def _lines(log: bytes) -> Iterator[_Line]:
    for line in log.splitlines():
        try:
            yield _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeError):
            continue


_WORDS: Final = (
    (ProbeOutcome.REFUSED, re.compile("refused")),
    (ProbeOutcome.RESET, re.compile("reset")),
    (ProbeOutcome.TIMED_OUT, re.compile("timed out|timeout|no servers could be reached")),
    (ProbeOutcome.UNREACHABLE, re.compile("unreachable|no route")),
    (ProbeOutcome.UNRESOLVED, re.compile("bad address|not known|resol")),
)


def _observed(line: _Line) -> Observation:
    controlled = line.again
    if line.status == 0:
        return Observation(ProbeOutcome.CONNECTED, line.attempts, controlled=controlled)
    message = line.message.lower()
    for outcome, words in _WORDS:
        if words.search(message):
            return Observation(outcome, line.attempts, controlled=controlled)
    if "not found" in message:
        reason = f"the image has no `{_PROGRAMS[line.protocol]}`, which makes the connections"
    elif "protocol not supported" in message:
        reason = f"the kernel of the client's node has no {line.protocol}"
    else:
        reason = f"the client ends with status {line.status} and says `{line.message}`"
    return Observation(attempts=line.attempts, controlled=controlled, reason=reason)


_PROGRAMS: Final = {IpProtocol.UDP: "nslookup", IpProtocol.SCTP: "ncat", IpProtocol.TCP: "nc"}

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_MANAGER: Final = "podwall"
_NOBODY: Final = 65534


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """How probes are made: from which image, under which name, how many clients at a time.

    `existing`: pods of the workloads make the attempts themselves, and none is made.
    """

    image: str
    run: str
    together: int = 8
    pace: ProbePace = field(default_factory=ProbePace)
    existing: bool = False


@dataclass(frozen=True, slots=True)
class ClientPod:
    """A pod that is to be made: for which workload, its name, and what it attempts if anything."""

    name: str
    namespace: str
    workload: SnapshotWorkload
    attempts: tuple[AddressAttempt, ...] = ()


def used_keys(snapshot: Snapshot) -> frozenset[str]:
    """Return the keys of labels by which policies and services select; others change no verdict."""
    parts = (snapshot.policies, snapshot.tier_policies, snapshot.services)
    return frozenset(each.key for each in _requirements((*parts, snapshot.unread_policies)))


def _requirements(value: object) -> Iterator[SelectorRequirement]:
    """Yield the requirements in a value of whatever kind of policy, wherever they stand."""
    if isinstance(value, SelectorRequirement):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _requirements(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _requirements(getattr(value, each.name))


def owned_labels(run: str) -> dict[str, str]:
    """Return the labels of all that a run makes."""
    return {MANAGED_BY: _MANAGER, RUN_LABEL: run}


def client_manifest(
    pod: ClientPod, how: ProbeRun, owner_uid: str, used: frozenset[str]
) -> Mapping[str, Any]:
    """Return a client, whose owner is there; `used` are the keys of labels that policies use.

    It has the label `app.kubernetes.io/managed-by` of podwall unless the workload has one, or a
    policy selects by it: the verdict would be another one.
    """
    words, environment = command(pod.attempts, how.pace)
    by_turns = sum(each.protocol is IpProtocol.UDP for each in pod.attempts)
    seconds = how.pace.seconds(len(pod.attempts), by_turns)
    return _borrowing(pod, pod_spec(how.image, words, environment, seconds), how, owner_uid, used)


def stand_in_manifest(
    pod: ClientPod, how: ProbeRun, owner_uid: str, used: frozenset[str], seconds: int
) -> Mapping[str, Any]:
    """Return a pod that stands for a server for so many seconds, and in which nothing listens.

    It has the names of the server's ports, by which rules may mean them.
    """
    spec = pod_spec(how.image, ("sh", "-c", f"sleep {seconds + _STARTING}"), {}, seconds)
    spec["containers"][0]["ports"] = [
        {"containerPort": each.number, "protocol": str(each.protocol), "name": each.name}
        for each in pod.workload.ports
        if each.name and not each.sidecar
    ]
    return _borrowing(pod, spec, how, owner_uid, used)


def _borrowing(
    pod: ClientPod,
    spec: Mapping[str, Any],
    how: ProbeRun,
    owner_uid: str,
    used: frozenset[str],
) -> Mapping[str, Any]:
    """Return a pod with the labels of a workload, to which no service sends anything."""
    own = {str(key): str(value) for key, value in pod.workload.labels.items}
    managed = {} if MANAGED_BY in {*own, *used} else {MANAGED_BY: _MANAGER}
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner_name(how.run), "uid": owner_uid}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "labels": {**own, **managed, RUN_LABEL: how.run},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {**spec, "readinessGates": [{"conditionType": "podwall.dev/never-ready"}]},
    }


def namespace_manifest(run: str, name: str) -> Mapping[str, Any]:
    """Return a namespace that is a run's own, and goes with it."""
    labels = {**owned_labels(run), "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def server_manifest(
    name: str, namespace: str, labels: Mapping[str, str], how: ProbeRun
) -> Mapping[str, Any]:
    """Return a pod that is connected to: it serves port 80 where its image can, else refuses."""
    spec = pod_spec(how.image, ("sh", "-c", _SERVER), {}, _SERVING)
    settings = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    security = {**spec["securityContext"], "sysctls": [settings]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {**spec, "securityContext": security},
    }


_SERVER: Final = "httpd -f -p 80 -h /tmp || while :; do sleep 3600; done"
_SERVING: Final = 1800


def owner_name(run: str) -> str:
    """Return what the owner of a run's pods, and its timer, are called."""
    return f"podwall-verify-{run}"


def pod_spec(
    image: str, words: Iterable[str], environment: Mapping[str, str], seconds: int
) -> dict[str, Any]:
    """Return the spec of a pod that the restricted profile admits.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    node = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}
    variables = [{"name": key, "value": value} for key, value in environment.items()]
    container = {
        "name": "probe",
        "image": image,
        "command": list(words),
        "env": [*variables, node],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "200m", "memory": "64Mi"},
        },
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "activeDeadlineSeconds": seconds + _STARTING,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }


_STARTING: Final = 90
"""So many seconds a pod may take until its container runs, the image included."""
