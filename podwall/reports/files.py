"""Files, written as a whole or not at all, or shown as a patch, and Kubernetes objects as YAML.

Every tool reads the YAML back the same. A plan is a folder of such files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher, unified_diff
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from podwall.plan.model import Steps, unknowns_in
from podwall.policies.errors import Place, SourceError, Unknown
from podwall.policies.wording import guess
from podwall.quick_dataclass import dataclass
from podwall.reading import Document, shown_namespaces
from podwall.reports.words import printable
from podwall.streams import shown_text
from podwall.yaml_values import written_yaml

_ALIKE: Final = 0.83
"""How alike two names of folders are that differ by a slip of the hand, from 0 to 1."""

__all__ = [
    "LeftOut",
    "Manifests",
    "kubernetes_yaml",
    "manifests",
    "unified_patch",
    "write_file",
    "write_files",
    "write_folder",
]


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Make `folder` hold exactly `files`, which are named by their path inside it.

    The files are written beside the folder first and then take its place, so that a failure leaves
    what was there before.

    Raises:
        SourceError: the folder can't be written.
    """
    _refuse_misspelt(folder.parent)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
            for name, text in files.items():
                path = Path(beside, "new", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            if folder.exists():
                folder.rename(Path(beside, "old"))
            Path(beside, "new").rename(folder)
    except OSError as problem:
        raise _unwritten(folder, problem) from problem


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into `folder`, each in the place of one of its name; others stay.

    Raises:
        SourceError: the folder or a file can't be written.
    """
    _refuse_misspelt(folder.parent)
    try:
        _write(folder, files)
    except OSError as problem:
        raise _unwritten(folder, problem) from problem


def write_file(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a text to `path`, in the place of what is there only if `replace` says so.

    Raises:
        SourceError: there is something already that is not to be replaced, or it can't be written.
    """
    if path.exists() and not replace:
        raise SourceError(
            "exists already", help="to replace it, say `--force`", place=Place(str(path))
        )
    _refuse_misspelt(path.parent)
    try:
        _write(path.parent, {path.name: text})
    except OSError as problem:
        raise _unwritten(path, problem) from problem


def _refuse_misspelt(folder: Path) -> None:
    """Stop where a folder on the way is not there, and one beside it has nearly its name.

    Raises:
        SourceError: there is such a one.
    """
    absent = [each for each in (folder, *folder.parents) if not each.exists()]
    missing = absent[-1] if absent else None
    if missing is None or not missing.parent.is_dir():
        return
    # Names, and not paths: two that begin alike are alike, however they end.
    beside = [each.name for each in missing.parent.iterdir() if each.is_dir()]
    if near := guess(missing.name, filter(partial(_differ_by_a_slip, missing.name), beside)):
        raise SourceError(
            "there is no such folder",
            help=f"{near} If a new one is meant, make it first",
            place=Place(str(missing)),
        )


def _differ_by_a_slip(name: str, other: str) -> bool:
    """Return whether two names are nearly one: `out-dev` beside `out` is meant as it is written."""
    return SequenceMatcher(None, name.lower(), other.lower()).ratio() >= _ALIKE


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".podwall-", dir=folder) as beside:
        for name, text in files.items():
            Path(beside, name).write_text(text, encoding="utf-8")
        for name in files:
            Path(beside, name).replace(folder / name)


def _unwritten(path: Path, problem: OSError) -> SourceError:
    reason = (problem.strerror or str(problem)).lower()
    return SourceError(f"can't be written: {reason}", place=Place(str(path)))


_NO_NEWLINE: Final = "\n\\ No newline at end of file\n"


def unified_patch(files: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    r"""Yield the lines of a patch; `files` has what they are and what they become, by name.

    >>> print("".join(unified_patch({"a.yaml": ("x: 1\n", "x: 2\n")})), end="")
    --- a/a.yaml
    +++ b/a.yaml
    @@ -1 +1 @@
    -x: 1
    +x: 2
    """
    for name, (before, after) in files.items():
        lines = (_lines(before), _lines(after))
        for line in unified_diff(*lines, f"a/{name}", f"b/{name}"):
            yield line if line.endswith("\n") else f"{line}{_NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """Return lines as git counts them: a line ends with a newline, and with nothing else."""
    *whole, last = text.split("\n")
    return [*(f"{each}\n" for each in whole), *([last] if last else [])]


_FIRST: Final = ("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations")


def kubernetes_yaml(manifest: Mapping[str, Any]) -> str:
    r"""Return a manifest as a YAML document.

    >>> print(kubernetes_yaml({"kind": "Pod", "apiVersion": "v1", "spec": {"port": "1e3"}}), end="")
    apiVersion: v1
    kind: Pod
    spec:
      port: "1e3"
    """
    return shown_text(written_yaml(_ordered(manifest)))


def _ordered(value: Any) -> Any:
    """Return a value with the keys that say what an object is before all others."""
    match value:
        case Mapping():
            return {key: _ordered(value[key]) for key in sorted(value, key=_rank)}
        case list() | tuple():
            return [_ordered(item) for item in value]
        case _:
            return value


def _rank(key: str) -> tuple[int, str]:
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


# The order in which `kubectl apply` has to make them: a pod needs its namespace and its policies.
_ORDER: Final = {
    "CustomResourceDefinition": 0,
    "Namespace": 1,
    "NetworkPolicy": 2,
    "Deployment": 4,
    "DaemonSet": 4,
    "StatefulSet": 4,
    "ReplicaSet": 4,
    "Job": 4,
    "CronJob": 4,
    "Pod": 4,
    "Service": 5,
}
_ANY_TIME: Final = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that can't be written before deployment, and why."""

    object: str
    because: str


@dataclass(frozen=True, slots=True)
class Manifests:
    """File names with their text, in the order of the names; and what is not among them."""

    files: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()


def manifests(documents: Iterable[Document], stand_ins: Collection[str] = frozenset()) -> Manifests:
    """Return every object as a file of its own.

    What is known only after deployment, or is secret, is left out of annotations, environments and
    data, and named in a comment. Anywhere else its absence would mean something else, so that the
    whole object is left out. So is one with a name that is made up later, for which one of
    `stand_ins` stands.
    """
    files: dict[str, str] = {}
    left_out = []
    listed = list(documents)
    names = shown_namespaces(listed)
    for document in listed:
        reason = _reason(document.manifest, stand_ins)
        if reason:
            left_out.append(LeftOut(_title(document, names), reason))
        else:
            files[_file_name(document.manifest)] = _file_text(document.manifest)
    return Manifests(MappingProxyType(dict(sorted(files.items()))), tuple(left_out))


def _reason(manifest: Mapping[str, Any], stand_ins: Collection[str]) -> str:
    """Return why an object can't be written, or nothing if it can."""
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    if fields.get("name", "") in {"", *stand_ins}:
        return "its name is made up when it is deployed"
    if fields.get("namespace") in stand_ins:
        return "the name of its namespace is made up when it is deployed"
    if any(name in text for name in stand_ins for text in _texts(manifest)):
        return "it mentions a name that is made up when it is deployed"
    needed = (each.cause for steps, each in unknowns_in(manifest) if not _is_optional(steps))
    return next(needed, "")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _is_optional(steps: Steps) -> bool:
    """Return whether an object stays what it is without the value that `steps` lead to."""
    match steps:
        case ("metadata", "annotations", *_) | ("data" | "stringData" | "binaryData", *_):
            return True
        case (*_, "env", int(), "value"):
            return True
        case _:
            return False


def _file_name(manifest: Mapping[str, Any]) -> str:
    """Return a name that no other object of the plan has, and that sorts where it belongs."""
    kind, metadata = manifest["kind"], manifest["metadata"]
    group = manifest["apiVersion"].rpartition("/")[0]
    names = [kind.lower(), metadata.get("namespace", ""), metadata["name"]]
    if kind not in _ORDER and group:
        names[0] = f"{names[0]}.{group}"
    return f"{_ORDER.get(kind, _ANY_TIME)}-{'-'.join(filter(None, names))}.yaml"


def _title(document: Document, names: Mapping[str, str]) -> str:
    manifest = document.manifest
    metadata = manifest.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    name = document.called or fields.get("name") or f"{fields.get('generateName', '')}..."
    namespace = fields.get("namespace")
    place = f"{names.get(namespace, namespace)}/" if isinstance(namespace, str) else ""
    return f"{manifest.get('kind')} {place}{name}"


def _file_text(manifest: Mapping[str, Any]) -> str:
    comments = "".join(
        f"# left out: {printable(each.cause)}\n" for _, each in unknowns_in(manifest)
    )
    return f"{comments}{kubernetes_yaml(_known(manifest))}"


def _known(value: Any) -> Any:
    match value:
        case Mapping():
            kept = {k: v for k, v in value.items() if not isinstance(v, Unknown)}
            return {key: _known(item) for key, item in kept.items()}
        case list() | tuple():
            return [_known(item) for item in value]
        case _:
            return value
