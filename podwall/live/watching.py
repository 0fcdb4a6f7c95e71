"""Follow a cluster: what it shows changes as its objects do, and who changed them is kept.

One reading of everything at one moment comes first. From that version on, each kind is watched by a
thread of its own, which asks again where an answer ends (a server ends every watch after some
minutes), from the last version that it has seen: bookmarks keep that young where nothing changes.
Where the server has forgotten the version, the kind is listed again and compared, so that nothing
is missed. What the threads see goes into one queue; whoever reads it gets all that has come
together, once it is quiet for a moment.

Most events change nothing that decides who reaches whom, such as the status of pods: of an object
only the fields count that are kept, and an event that leaves them as they are is passed over.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, Final, Generic, Self, TypeVar, cast

import msgspec

from podwall.live import KubeContext
from podwall.live.cluster import (
    ClusterReading,
    ReadingScope,
    kubernetes_version,
    reading_of,
    says_ranges,
)
from podwall.live.connection import ApiConnection, ClusterError, connected
from podwall.live.copies import ObjectVersions, OwnedObjects, PodAddresses, objects_that_differ
from podwall.live.followed_index import NOTHING_DIFFERS, ObjectsThatDiffer
from podwall.live.listing import (
    ENDPOINT_SLICES,
    NAMESPACES,
    NODES,
    ApiKind,
    GatheredLists,
    gathered,
    listed,
    optional,
    other_policy_kinds,
)
from podwall.live.objects import NodeObject, PlainObject
from podwall.quick_dataclass import dataclass

__all__ = ["ClusterChange", "ClusterWatch", "Pace", "WatchedObject", "followed"]

O = TypeVar("O", bound=PlainObject)  # noqa: E741 - an object


@dataclass(frozen=True, slots=True)
class WatchedObject:
    """An object that was added, modified or deleted, by whom and when.

    `manager` is the field manager of this change, such as `kubectl-client-side-apply`, as far as
    the object remembers it. It is empty where that is not known, as of a deletion, or of one who
    has taken a field away and has no other: the object then remembers only who changed it before.
    """

    kind: str
    name: str
    event: str
    manager: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class ClusterChange:
    """What a cluster shows after some changes, and which they are.

    `reading` is None where they certainly decide nothing, as pods that come and go as copies, and
    where it is known one by one what they decide: that is what is `different` then.
    """

    reading: ClusterReading | None
    objects: tuple[WatchedObject, ...]
    different: ObjectsThatDiffer = NOTHING_DIFFERS


@dataclass(frozen=True, slots=True)
class Pace:
    """How a cluster is followed, in seconds.

    `quiet`: changes that come within it belong together, for at most `longest`. `watch`: how long
    one watch lasts before it is asked for again. `kinds`: how often the kinds of policies are
    looked up anew. `again`: the first pause after a fault, which doubles up to `watch`. A server
    that is silent for `watch` and a patient wait for an answer is taken for one that is gone.
    """

    quiet: float = 0.1
    longest: float = 0.5
    watch: int = 60
    kinds: float = 60
    again: float = 1


@contextmanager
def followed(context: KubeContext, namespace: str | None = None) -> Iterator[ClusterWatch]:
    """Give what follows a cluster, of one namespace or of all (None), until the body ends.

    Raises:
        SourceError: there is no such cluster in the kubeconfig, or signing in fails.
        MissingExtra: `podwall[live]` is not installed.
    """
    with connected(context) as connection, ClusterWatch(connection, namespace) as watch:
        yield watch


class _Manager(msgspec.Struct, rename="camel", frozen=True):
    manager: str = ""
    time: str = ""
    subresource: str = ""


class _Versioned(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    managed_fields: list[_Manager] | None = None


class _Marked(msgspec.Struct):
    """What of an event's object is not kept: its version, who changed it, or what is wrong."""

    metadata: _Versioned = msgspec.field(default_factory=_Versioned)
    code: int = 0
    message: str = ""


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_LINE: Final = msgspec.json.Decoder(_Line)
_MARKED: Final = msgspec.json.Decoder(_Marked)
_GONE: Final = 410
_PATIENCE: Final = 10
"""How many seconds threads have to end."""

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One event: an object of a kind as it is now, None where it is gone."""

    kind: ApiKind[Any]
    key: _Key
    object: PlainObject | None
    event: str
    marked: _Marked


class ClusterWatch:
    """A cluster that is followed, from its first reading on.

    It is a context manager, whose end stops every thread.
    """

    def __init__(
        self, connection: ApiConnection, namespace: str | None = None, pace: Pace | None = None
    ) -> None:
        """Follow the cluster at the other end; nothing is asked yet."""
        self._connection = connection
        self._namespace = namespace
        self._pace = pace or Pace()
        self._seen: Queue[_Seen | ClusterError] = Queue()
        self._stop = Event()
        self._objects: dict[ApiKind[Any], dict[_Key, PlainObject]] = {}
        self._threads: list[Thread] = []
        self._kinds_due = 0.0
        self._scope = ReadingScope(namespace)
        self._addresses = PodAddresses()
        self._owned: OwnedObjects | None = None
        self._managers: dict[tuple[ApiKind[Any], _Key], frozenset[_Manager]] = {}
        self._faults: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop following."""
        self.stop()

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong with the watches that get no answer at present, by the kinds they follow.

        What is known of these kinds may be old.
        """
        return dict(self._faults)

    def stop(self) -> None:
        """Stop following, and wait until nothing is asked any more."""
        self._stop.set()
        deadline = time.monotonic() + _PATIENCE
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < deadline:
                self._connection.interrupt()
                thread.join(0.05)

    def first(self) -> ClusterReading:
        """Return what the cluster shows at the beginning, and follow it from there.

        Raises:
            ClusterError: it does not answer, or refuses.
        """
        version = kubernetes_version(self._connection)
        self._scope = replace(self._scope, kubernetes=version)
        lists = gathered(self._connection, self._namespace)
        self._objects = {
            kind: {_key(each): each for each in objects} for kind, objects in lists.objects.items()
        }
        nodes = optional(self._connection, NODES)
        if nodes is not None:
            self._objects[NODES] = {_key(each): each for each in nodes}
        for kind in self._objects:
            if kind is ENDPOINT_SLICES or (self._namespace and kind is NAMESPACES):
                continue  # the first decides nothing, the second is beyond one namespace
            # Nodes are of another moment: they are listed again, and compared.
            self._follow(kind, "" if kind is NODES else lists.version)
        self._kinds_due = time.monotonic() + self._pace.kinds
        return self._reading(lists)

    def changes(self, most: float | None = None) -> Iterator[ClusterChange]:
        """Yield what the cluster shows after each change that may matter, as they come.

        Args:
            most: seconds after which it ends where nothing has come; None waits for ever.

        Raises:
            ClusterError: the cluster refuses to be followed any further.
        """
        self._owners()  # before anybody waits for it
        while not self._stop.is_set():
            batch = self._together(most)
            if not batch and not self._are_kinds_new():
                if most is not None:
                    return
                continue
            before = [(each, self._before(each)) for each in batch]
            changed = [(each, was) for each, was in before if was != each.object]
            if changed:
                yield self._change(changed)

    def now(self) -> ClusterReading:
        """Return what the cluster shows after all changes that were handed on.

        Raises:
            ClusterError: it does not answer.
        """
        return self._reading(None)

    def _change(self, changed: Sequence[tuple[_Seen, PlainObject | None]]) -> ClusterChange:
        objects = tuple(map(self._watched_object, (each for each, _ in changed)))
        found = [ObjectVersions(each.kind, each.key, was, each.object) for each, was in changed]
        name = self._connection.name
        different = objects_that_differ(found, self._objects, self._owners(), self._addresses, name)
        if different is None:
            return ClusterChange(self.now(), objects)
        return ClusterChange(None, objects, different)

    def _watched_object(self, seen: _Seen) -> WatchedObject:
        key = seen.kind, seen.key
        managers = frozenset(seen.marked.metadata.managed_fields or ())
        before = self._managers.pop(key, frozenset())
        if seen.object is not None:
            self._managers[key] = managers
        found = _Manager() if seen.object is None else _changed_by(managers, before, seen.event)
        name = "/".join(filter(None, seen.key))
        return WatchedObject(seen.kind.kind, name, _EVENTS[seen.event], found.manager, found.time)

    def _owners(self) -> OwnedObjects:
        if self._owned is None:
            self._owned = OwnedObjects(self._objects)
        return self._owned

    def _together(self, most: float | None) -> list[_Seen]:
        """Return the events that come within a moment of each other; none where none came."""
        begin = time.monotonic()
        wait = self._pace.kinds if most is None else most
        found = [*self._next(wait)]
        end = time.monotonic() + self._pace.longest if found else begin
        while time.monotonic() < end and (more := [*self._next(self._pace.quiet)]):
            found += more
        return found

    def _next(self, seconds: float) -> Iterator[_Seen]:
        try:
            found = self._seen.get(timeout=seconds)
        except Empty:
            return
        if isinstance(found, ClusterError):
            raise found
        yield found

    def _before(self, seen: _Seen) -> PlainObject | None:
        """Keep what an event says, and return what was known of the object."""
        objects = self._objects.setdefault(seen.kind, {})
        before = objects.get(seen.key)
        if seen.object is None:
            objects.pop(seen.key, None)
        else:
            objects[seen.key] = seen.object
        if self._owned is not None:
            self._owned.take(ObjectVersions(seen.kind, seen.key, before, seen.object))
        return before

    def _are_kinds_new(self) -> bool:
        """Follow the kinds of policies that have been added to the cluster meanwhile."""
        if time.monotonic() < self._kinds_due:
            return False
        self._kinds_due = time.monotonic() + self._pace.kinds
        new = [
            each for each in other_policy_kinds(self._connection).kinds if each not in self._objects
        ]
        for kind in new:
            self._objects[kind] = {}
            self._follow(kind, "")
        return bool(new)

    def _follow(self, kind: ApiKind[Any], version: str) -> None:
        link = _Link(
            self._connection, self._namespace, self._pace, self._seen, self._faults, self._stop
        )
        follower = _Follower(kind, link, version, dict(self._objects.get(kind, {})))
        thread = Thread(target=follower.run, name=f"watch {kind.plural}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _reading(self, lists: GatheredLists | None) -> ClusterReading:
        objects = {kind: tuple(each.values()) for kind, each in self._objects.items()}
        nodes = cast("Sequence[NodeObject] | None", objects.pop(NODES, None))
        now = GatheredLists(objects) if lists is None else lists
        found = reading_of(self._connection, now, nodes, self._scope)
        self._addresses = PodAddresses(found.cluster.pod_cidrs, says_ranges(nodes or ()))
        return found


def _key(found: PlainObject) -> _Key:
    return found.metadata.namespace, found.metadata.name


_EVENTS: Final = {"ADDED": "added", "MODIFIED": "modified", "DELETED": "deleted"}


_RECENT: Final = timedelta(seconds=10)
"""Who changed an object longer ago, by the clock here, has not made the change that just came."""


def _changed_by(managers: frozenset[_Manager], before: frozenset[_Manager], event: str) -> _Manager:
    """Return who has made a change: whoever is among the managers since then, or anew.

    Args:
        managers: those that the object remembers, with the time of their last change.
        before: those that it remembered before, as far as that is known.
        event: what happened to it.
    """
    new = managers - before
    last = max((each.time for each in new), default="")
    names = {each.manager for each in new if each.time == last}
    known = len(names) == 1 and (event == "ADDED" or _is_recent(last))
    return _Manager(names.pop(), last) if known else _Manager()


def _is_recent(time_: str) -> bool:
    try:
        return abs(datetime.now(UTC) - datetime.fromisoformat(time_)) < _RECENT
    except ValueError:
        return False  # none is known


@dataclass(frozen=True, slots=True)
class _Link:
    """What the followers of one cluster share."""

    connection: ApiConnection
    namespace: str | None
    pace: Pace
    seen: Queue[_Seen | ClusterError]
    faults: dict[str, str]
    stop: Event


_FINAL: Final = frozenset({401, 403, 404})


class _Follower(Generic[O]):
    """Follows one kind, and hands on every event; it ends with the watch, or with a refusal."""

    def __init__(
        self, kind: ApiKind[O], link: _Link, version: str, known: Mapping[_Key, O]
    ) -> None:
        self._kind = kind
        self._link = link
        self._version = version
        self._known = dict(known)
        self._decoder = msgspec.json.Decoder(kind.type)

    def run(self) -> None:
        pause = self._link.pace.again
        while not self._link.stop.is_set():
            try:
                if not self._version:
                    self._list()
                self._watch()
                pause = self._link.pace.again
            except ClusterError as problem:
                if problem.code == _GONE:
                    self._version = ""
                elif problem.code in _FINAL:
                    self._refused(problem)
                    return
                else:
                    self._link.faults[self._kind.plural] = problem.message
                    self._link.stop.wait(pause)
                    pause = min(pause * 2, self._link.pace.watch)

    def _refused(self, problem: ClusterError) -> None:
        """Hand on a refusal; a kind that somebody has taken away is no refusal, and is empty."""
        if problem.code == _NOT_FOUND:
            for key in tuple(self._known):
                self._hand_on(key, None, "DELETED", _Marked())
        else:
            self._link.seen.put(problem)

    def _list(self) -> None:
        """List the kind anew, and hand on what is different from what was known."""
        found = listed(self._link.connection, self._kind, self._link.namespace)
        now = {_key(each): each for each in found.items}
        for key in self._known.keys() - now.keys():
            self._hand_on(key, None, "DELETED", _Marked())
        for key, each in now.items():
            self._hand_on(key, each, "MODIFIED" if key in self._known else "ADDED", _Marked())
        self._version = found.version

    def _watch(self) -> None:
        link = self._link
        asked = link.connection.stream(
            self._kind.path(link.namespace),
            watch=True,
            allowWatchBookmarks=True,
            resourceVersion=self._version,
            timeoutSeconds=link.pace.watch,
        )
        with asked as lines:
            link.faults.pop(self._kind.plural, None)
            for line in lines:
                self._read(line)
                if link.stop.is_set():
                    return

    def _read(self, line: str) -> None:
        event = _LINE.decode(line)
        marked = _MARKED.decode(event.object)
        if event.type == "ERROR":
            status = {"code": marked.code, "message": marked.message}
            raise ClusterError(marked.message, place=self._link.connection.place, status=status)
        self._version = marked.metadata.resource_version
        if event.type in _EVENTS:
            found = self._decoder.decode(event.object)
            gone = event.type == "DELETED"
            self._hand_on(_key(found), None if gone else found, event.type, marked)

    def _hand_on(self, key: _Key, found: O | None, event: str, marked: _Marked) -> None:
        before = self._known.get(key)
        if before == found:
            return
        if found is None:
            del self._known[key]
        else:
            self._known[key] = found
        self._link.seen.put(_Seen(self._kind, key, found, event, marked))


_NOT_FOUND: Final = 404
