"""Read the pods that controllers of other APIs make of their objects.

What a kind makes stands in a table; of any other kind it is what it has a template of: an object
with `metadata` and a `spec` with `containers`, in a field whose name ends in `template`. Nobody
says what the controller of such a kind adds, so that its pods may carry more labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from podwall.model import LabelMap, SnapshotWorkload, Unknown
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed, flag, mapping, number
from podwall.reading.known_kinds import harmless
from podwall.reading.metadata import ManifestObject, read_labels
from podwall.reading.pod_kinds import MadePods, PodKind
from podwall.reading.workloads import MANY, read_template

__all__ = ["PodKinds", "made_pods", "with_referred_templates"]

PodKinds = Mapping[tuple[str, str], PodKind]
_DEEPEST: Final = 8
#: What tells the elements of a list apart to people.
_NAMES: Final = ("name", "groupName", "role")
_COUNTS: Final = ("replicas", "size")
_TEMPLATE: Final = ("template", "templatespec")
#: Steps of a path that say nothing of what is there.
_EMPTY_STEPS: Final = frozenset({"spec", "template", "podTemplate", "podTemplateSpec"})


def made_pods(item: ManifestObject, kinds: PodKinds) -> tuple[SnapshotWorkload, ...]:
    """Return the pods that a controller makes of an object of another API, none if it makes none.

    An object that can't be read as what its kind says may make any pods of its namespace.
    """
    kind = kinds.get((item.group, item.kind))
    if kind is not None:
        return tuple(each for made in kind.pods for each in _of_kind(item, made))
    if harmless(item.group, item.kind):
        return ()
    return tuple(_of_shape(item))


#: Objects whose template a Rollout may take, where they have it.
_REFERRED: Final = {
    ("apps", "Deployment"): "spec.template",
    ("apps", "ReplicaSet"): "spec.template",
    ("", "PodTemplate"): "template",
}


def with_referred_templates(items: Iterable[ManifestObject]) -> list[ManifestObject]:
    """Return objects with the template in each Rollout that refers to one among them.

    https://argo-rollouts.readthedocs.io/en/stable/migrating/#reference-deployment-from-rollout

    The pods of the Deployment itself may be there, too: it is scaled down when and if the Rollout
    says so. Where it is not read, nothing tells the labels of the pods.
    """
    listed = list(items)
    if not any(map(_refers, listed)):
        return listed
    by_name = {
        (each.group, each.kind, each.namespace, each.name): _at(each.manifest, path)
        for each in listed
        if (path := _REFERRED.get((each.group, each.kind)))
    }
    return [_with_template(each, by_name) if _refers(each) else each for each in listed]


def _refers(item: ManifestObject) -> bool:
    is_rollout = (item.group, item.kind) == ("argoproj.io", "Rollout")
    return is_rollout and isinstance(_at(item.manifest, "spec.workloadRef"), Mapping)


def _with_template(item: ManifestObject, by_name: Mapping[Any, Any]) -> ManifestObject:
    reference = _at(item.manifest, "spec.workloadRef")
    version, kind, name = (reference.get(key) for key in ("apiVersion", "kind", "name"))
    if not all(isinstance(each, str) for each in (version, kind, name, item.namespace)):
        return item
    group = version.rpartition("/")[0]
    template = by_name.get((group, kind, item.namespace, name))
    if template is None or _at(item.manifest, "spec.template") is not None:
        return item
    spec = {key: each for key, each in item.manifest["spec"].items() if key != "workloadRef"}
    return replace(item, manifest={**item.manifest, "spec": {**spec, "template": template}})


def _of_kind(item: ManifestObject, made: MadePods) -> Iterator[SnapshotWorkload]:
    if made.needs and _at(item.manifest, made.needs) is None:
        return
    if not made.each:
        yield _Reader(item, made, None).workload()
        return
    elements = _at(item.manifest, made.each)
    if isinstance(elements, Unknown):
        yield _Reader(item, made, elements).workload()
    for index, each in enumerate(elements if isinstance(elements, list | tuple) else ()):
        yield _Reader(item, made, each, index).workload()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the pods of one element of a list, or those of the whole object."""

    item: ManifestObject
    made: MadePods
    element: Any
    index: int = 0

    def workload(self) -> SnapshotWorkload:
        found = self._of_template()
        host = self._value(self.made.host_network_from)
        return replace(
            found,
            name=self._text(self.made.name),
            labels=self._labels(found.labels),
            replicas=self._replicas(),
            host_network=_read(flag, host, found.host_network),
        )

    def _of_template(self) -> SnapshotWorkload:
        """Return the pods as their template has them; what containers are added is not known."""
        template = self._value(self.made.template)
        whole = self.made.all_labels and bool(self.made.template)
        try:
            found = read_template(self.item, MANY, mapping({} if template is None else template))
        except Malformed as problem:
            unknown = Unknown(f"the template of {self._object}, which {problem.message}")
            found = read_template(self.item, MANY, unknown)
        if not whole and found.service_account == "default":
            account = Unknown(f"the service account of the pods of {self._object}")
            found = replace(found, service_account=account)
        if whole or found.open_ports is not None:
            return found
        return replace(found, open_ports=Unknown(f"the ports of the pods of {self._object}"))

    def _labels(self, template: LabelMap) -> LabelMap:
        labels, more = dict(template.items), template.more
        for path in self.made.labels_from:
            given = _labels_of(self._value(path))
            labels.update(given.items)
            more = more or given.more
        for key, value in self.made.labels.items():
            labels[key] = self._set(key, value)
        if more is None and not self.made.all_labels:
            more = Unknown(f"further labels that the pods of {self._object} may get")
        return LabelMap.of(labels, more)

    def _set(self, key: str, value: str | None) -> str | Unknown:
        if value is not None and self.item.generated is None:
            return self._text(value)
        return Unknown(f"label `{key}`, which the pods of {self._object} get")

    def _replicas(self) -> int | Unknown:
        if not self.made.replicas_from:
            return MANY
        written = self._value(self.made.replicas_from)
        unknown = Unknown(f"the number of pods of {self._object}")
        return unknown if written is None else _read(number, written, unknown)

    def _value(self, path: str) -> Any:
        if not path:
            return None
        first, _, rest = path.partition(".")
        return _at(self.element, rest) if first == "each" else _at(self.item.manifest, path)

    def _text(self, pattern: str) -> str:
        namespace = self.item.namespace
        known = {
            "{name}": self.item.name,
            "{namespace}": namespace if isinstance(namespace, str) else "",
            "{each}": _name(self.element, self.index),
        }
        for key, value in known.items():
            pattern = pattern.replace(key, value)
        return pattern

    @property
    def _object(self) -> str:
        return f"{self.item.kind} `{self.item.name}`"


class _Template(NamedTuple):
    """Where an object has a template of pods, and the words that tell it apart from others."""

    path: tuple[str, ...]
    words: tuple[str, ...]


def _of_shape(item: ManifestObject) -> Iterator[SnapshotWorkload]:
    found = list(_templates(item.manifest.get("spec"), ("spec",), ()))
    marked = Counter(each.words for each in found)
    for each in found:
        words = each.words if marked[each.words] == 1 else each.path
        name = "-".join(("{name}", *words)) if len(found) > 1 else "{name}"
        beside = _walk(item.manifest, each.path[:-1])
        count = next((key for key in _COUNTS if _at(beside, key) is not None), _COUNTS[0])
        made = MadePods(name, template=f"each.{each.path[-1]}", replicas_from=f"each.{count}")
        yield _Reader(item, made, beside).workload()


def _templates(value: Any, path: tuple[str, ...], words: tuple[str, ...]) -> Iterator[_Template]:
    """Yield the templates of pods inside a value, but none inside another one."""
    if len(path) > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            if str(key).lower().endswith(_TEMPLATE) and _is_template(each):
                yield _Template((*path, str(key)), words)
            else:
                own = () if key in _EMPTY_STEPS else (str(key),)
                yield from _templates(each, (*path, str(key)), (*words, *own))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _templates(each, (*path, str(index)), (*words[:-1], _name(each, index)))


def _is_template(value: Any) -> bool:
    spec = value.get("spec") if isinstance(value, Mapping) else None
    containers = spec.get("containers") if isinstance(spec, Mapping) else None
    return isinstance(containers, list | tuple) and any(
        isinstance(each, Mapping) for each in containers
    )


def _name(element: Any, index: int) -> str:
    given = (_at(element, key) for key in _NAMES)
    return next((each for each in given if isinstance(each, str) and each), str(index))


def _at(value: Any, path: str) -> Any:
    return _walk(value, tuple(path.split(".")))


def _walk(value: Any, steps: tuple[str, ...]) -> Any:
    """Return what some steps lead to, an `Unknown` on the way, or None."""
    for step in steps:
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _read(read: Callable[[Any], Any], value: Any, absent: Any) -> Any:
    """Return what `read` makes of a value that nobody checks; `absent` where it is none."""
    try:
        return absent if value is None else read(value)
    except Malformed:
        return absent


def _labels_of(value: Any) -> LabelMap:
    """Return labels that users choose; what is no labels to us may be some to the controller."""
    unknown = LabelMap(more=Unknown("labels that are not written as such"))
    return LabelMap() if value is None else _read(read_labels, value, unknown)
