"""The workloads of a followed cluster, of which some change, each under a number that stays.

What changes is taken only where it is certain to leave all others what they are: by their names,
by the versions of IP that pods have, and by labels that are known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from podwall.lint.context import WorkloadIndex
from podwall.live.acting_policies import knows_labels
from podwall.model import Snapshot, SnapshotWorkload, Unknown
from podwall.quick_dataclass import dataclass
from podwall.reading import asked_controller_labels, with_controller_labels

__all__ = ["NO_WORKLOADS", "ChangedWorkload", "ChangingWorkloads", "WorkloadVersions"]


@dataclass(frozen=True, slots=True)
class WorkloadVersions:
    """Workloads before and after a change of objects that make pods, all of them as read.

    Their namespaces are declared, before and after.
    """

    before: tuple[SnapshotWorkload, ...] = ()
    after: tuple[SnapshotWorkload, ...] = ()

    def any(self) -> bool:
        """Return whether anything is other than it was."""
        return self.before != self.after


NO_WORKLOADS: Final = WorkloadVersions()


class ChangedWorkload(NamedTuple):
    """A workload under its number before and after a change; None: it is not there."""

    number: int
    before: SnapshotWorkload | None
    after: SnapshotWorkload | None

    @property
    def changes_ports(self) -> bool:
        """Whether the ports that pods declare are others than before."""
        none: tuple[object, object] = ((), None)
        before, after = (
            none if each is None else (each.ports, each.open_ports)
            for each in (self.before, self.after)
        )
        return before != after


class ChangingWorkloads:
    """The workloads of a cluster, of which some change, each under a number that stays."""

    def __init__(self, pods: WorkloadIndex, snapshot: Snapshot) -> None:
        self._pods, self._snapshot = pods, snapshot
        self._numbers = {_identity(each): n for n, each in enumerate(pods.workloads)}
        self._named: defaultdict[str, set[int]] = defaultdict(set)
        for number, each in enumerate(pods.workloads):
            self._named[each.full_name].add(number)
        workloads = pods.workloads
        self._versions = Counter(one.version for each in workloads for one in each.addresses)
        asking = (each for each in snapshot.policies if asked_controller_labels((each,)))
        self._asking = tuple(asking), snapshot.services

    @property
    def families(self) -> tuple[int, ...]:
        """The versions of IP of which pods have addresses."""
        return self._snapshot.ip_families or tuple(sorted(self._versions))

    def all(self) -> tuple[SnapshotWorkload, ...]:
        """Return all that are there."""
        return tuple(self._pods.workloads[each] for each in self._numbers.values())

    def at(self, number: int) -> SnapshotWorkload | None:
        """Return the workload with a number, None where it is not there any more."""
        return self._pods.workloads[number] if number in self._pods.numbers else None

    def namesakes(self, number: int) -> AbstractSet[int]:
        """Return the numbers of those that share a name with one, and its own."""
        return self._named.get(self._pods.name(number), frozenset())

    def numbered(self, versions: WorkloadVersions) -> list[ChangedWorkload] | None:
        """Return what changes under numbers, None where it is not certain to be by itself."""
        before: dict[_Identity, SnapshotWorkload] = {}
        after = {_identity(each): each for each in self._labelled(versions.after)}
        for was in self._labelled(versions.before):
            name = _identity(was)
            number = self._numbers.get(name)
            if number is None or self._pods.workloads[number] != was:
                return None
            before[name] = was
        new = {name: len(self._pods.workloads) + n for n, name in enumerate(after.keys() - before)}
        if any(name in self._numbers for name in new):
            return None
        found = [
            ChangedWorkload(self._numbers.get(name, new.get(name, -1)), old, now)
            for name in dict.fromkeys((*before, *sorted(new, key=new.__getitem__)))
            if (old := before.get(name)) != (now := after.get(name))
        ]
        return found if self._are_plain(found) else None

    def _labelled(self, workloads: tuple[SnapshotWorkload, ...]) -> tuple[SnapshotWorkload, ...]:
        return with_controller_labels(workloads, *self._asking)

    def _are_plain(self, changed: Iterable[ChangedWorkload]) -> bool:
        """Return whether names, labels and addresses leave all others what they are."""
        versions, names = self._versions.copy(), list[str]()
        for number, was, now in changed:
            for each in (was, now):
                if each is not None and not _is_plain(each):
                    return False
            for each, count in ((was, -1), (now, 1)):
                for one in () if each is None else each.addresses:
                    versions[one.version] += count
            name = (was or now or self._pods.workloads[number]).full_name
            names.append(name)
            if self._named.get(name, set()) - {number}:
                return False
        same = self._snapshot.ip_families or {*+versions} == {*self._versions}
        return bool(same) and len(set(names)) == len(names)

    def put(self, changed: ChangedWorkload) -> None:
        """Take a change."""
        number, was, now = changed
        for each, count in ((was, -1), (now, 1)):
            for one in () if each is None else each.addresses:
                self._versions[one.version] += count
        if was is not None and now is None:
            self._named[was.full_name].discard(number)
            del self._numbers[_identity(was)]
        if now is not None:
            self._named[now.full_name].add(number)
            self._numbers[_identity(now)] = number
        self._pods.put(number, now)


_Identity = tuple[str, str | Unknown, str]


def _identity(workload: SnapshotWorkload) -> _Identity:
    return workload.kind, workload.namespace, workload.name


def _is_plain(workload: SnapshotWorkload) -> bool:
    """Return whether it is known what policies look at."""
    return isinstance(workload.namespace, str) and knows_labels(workload.labels)
