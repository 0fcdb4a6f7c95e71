"""What the Kubernetes provider makes of a `ConfigFile` or `ConfigGroup` of `yaml/v2`.

Those are components of the provider: the program asks for one, and the provider reads its files and
registers the objects. A plan has no provider, so it is done here, by the rules of
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/yaml/v2/yaml.go.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime.proto import resource_pb2

from podwall.plan.structs import plain, struct
from podwall.plan.wire import SECRET_MARK, UNKNOWN, is_marked
from podwall.plan.yaml_file import PlainLoader
from podwall.policies.errors import Place, SourceError

__all__ = ["PROVIDED", "Provided", "provided"]

#: The types of components whose objects the provider registers.
PROVIDED = ("kubernetes:yaml/v2:ConfigFile", "kubernetes:yaml/v2:ConfigGroup")

Request = resource_pb2.RegisterResourceRequest

_PATTERN = re.compile(r"(?:^|[^\\])[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, slots=True)
class Provided:
    """What the provider registers below a component, and why some of it can't be told."""

    requests: tuple[Request, ...]
    unseen: tuple[str, ...]


@dataclass(slots=True)
class _Manifests:
    """The objects found so far, each with the file and line it is written at, and what is not."""

    objects: list[tuple[Mapping[str, Any], str, int]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def add_text(self, text: str, file: str = "") -> None:
        """Add the objects in a YAML text."""
        for value, line in _documents(text, file):
            self.add(value, file, line)

    def add(self, value: Any, file: str = "", line: int = 0) -> None:
        """Add an object, or those of a list of objects."""
        if value == UNKNOWN or is_marked(value):
            self.unseen.append("an object is known only after deployment, or secret")
        elif not isinstance(value, Mapping) or not {"apiVersion", "kind"} <= value.keys():
            raise SourceError(
                "a Kubernetes object needs `apiVersion` and `kind`",
                place=Place(file, line or None),
            )
        elif isinstance(value.get("items"), list):
            for item in value["items"]:
                self.add(item, file, line)
        else:
            self.objects.append((value, file, line))

    def add_files(self, name: Any, *, patterns: bool) -> None:
        """Add the objects of a file, or of all files that match a pattern."""
        if not isinstance(name, str) or UNKNOWN in name:
            self.unseen.append("the name of a file is known only after deployment, or secret")
        elif _URL.match(name):
            self.unseen.append(f"`{name}` is not fetched")
        elif patterns and _PATTERN.search(name):
            files = sorted(glob.glob(name, include_hidden=True))  # noqa: PTH207 - a pattern of the program's, relative or not
            if not files:
                self.unseen.append(f"no file matches `{name}`")
            for file in files:
                self.add_text(_text_of(file), file)
        else:
            self.add_text(_text_of(name), name)


def provided(request: Request) -> Provided:
    """Return what the provider registers for the component that `request` asks for.

    Files are looked for from the working directory, as the provider does.

    Raises:
        SourceError: a file can't be read, is no YAML, or holds what is no Kubernetes object.
    """
    inputs = plain(request.object)
    found = _Manifests()
    if "file" in inputs:
        found.add_files(inputs["file"], patterns=False)
    for name in _listed(inputs.get("files"), "files", found):
        found.add_files(name, patterns=True)
    text = inputs.get("yaml", "")
    if not isinstance(text, str) or UNKNOWN in text:
        found.unseen.append("`yaml` is known only after deployment, or secret")
    else:
        found.add_text(text)
    for value in _listed(inputs.get("objs"), "objs", found):
        found.add(value)
    prefix = inputs.get("resourcePrefix", request.name)
    named = zip(_names(prefix, found.objects), found.objects, strict=True)
    requests = tuple(_request(request, name, *each) for name, each in named)
    return Provided(requests, tuple(dict.fromkeys(found.unseen)))


def _listed(value: Any, key: str, found: _Manifests) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    found.unseen.append(f"`{key}` is known only after deployment, or secret")
    return []


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as problem:
        reason = (problem.strerror or "").lower()
        raise SourceError(f"`{file}` can't be read: {reason}") from None
    except UnicodeDecodeError:
        raise SourceError("it is not UTF-8 text", place=Place(file)) from None


def _documents(text: str, file: str) -> Iterator[tuple[Any, int]]:
    """Yield the documents of a YAML text that hold something, each with its line."""
    loader = PlainLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node) if node else None
            if node and value:
                yield value, node.start_mark.line + 1
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        reason = getattr(problem, "problem", None) or "it can't be parsed"
        raise SourceError(f"malformed YAML: {reason}", place=Place(file, line)) from None


def _names(prefix: Any, objects: Iterable[tuple[Mapping[str, Any], str, int]]) -> Iterator[str]:
    """Yield the names of the resources: `prefix-namespace/name`.

    Where a part of it is not known yet, the object's number stands for it.
    """
    for number, (manifest, _, _) in enumerate(objects):
        metadata = manifest.get("metadata")
        known = metadata if isinstance(metadata, Mapping) else {}
        parts = [known.get(key) for key in ("namespace", "name") if known.get(key)]
        whole = [str(part) for part in parts if isinstance(part, str) and UNKNOWN not in part]
        own = "/".join(whole) if parts and len(whole) == len(parts) else str(number)
        yield f"{prefix}-{own}" if isinstance(prefix, str) and prefix else own


def _request(
    parent: Request, name: str, manifest: Mapping[str, Any], file: str, line: int
) -> Request:
    """Return the registration of one object below the component that `parent` asks for."""
    request = Request(
        type=_token(str(manifest["apiVersion"]), str(manifest["kind"])),
        name=name,
        custom=True,
        object=struct(_hidden(manifest)),
        provider=parent.providers.get("kubernetes", parent.provider),
        dependencies=parent.dependencies,
        protect=parent.protect,
    )
    if deps := parent.propertyDependencies.get("objs"):
        for key in manifest:
            request.propertyDependencies[key].urns.extend(deps.urns)
    if file:
        frame = request.stackTrace.frames.add()
        frame.pc.uri, frame.pc.line = Path(file).resolve().as_uri(), line
    request.stackTrace.frames.extend(parent.stackTrace.frames)
    return request


def _token(version: str, kind: str) -> str:
    """Return the type token of a kind.

    >>> _token("v1", "Pod"), _token("networking.k8s.io/v1", "NetworkPolicy")
    ('kubernetes:core/v1:Pod', 'kubernetes:networking.k8s.io/v1:NetworkPolicy')
    """
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{kind}"


def _hidden(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with the data of a Secret marked as such, which the provider does too."""
    if (manifest["apiVersion"], manifest["kind"]) != ("v1", "Secret"):
        return manifest
    private = {"data", "stringData"} & manifest.keys()
    return {**manifest, **{key: {**SECRET_MARK, "value": manifest[key]} for key in private}}
