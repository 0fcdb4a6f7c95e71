"""What providers would answer in a preview, worked out without a provider.

Functions: only what can be known without an account is answered; the rest is unknown, as in a
preview that has to wait for a resource.

Outputs: an output that the inputs tell is known, every other one is unknown, field by field and
level by level, as in the azure-native provider (`PreviewOutputs` in
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/convert/previewOutputs.go).
What has one shape going in and another coming out is kept apart, such as the list of a cluster's
user-assigned identities, which comes back as a map.

Components: a `ConfigFile` or `ConfigGroup` of `yaml/v2` is a component whose files the Kubernetes
provider reads and whose objects it registers. That is done here by the rules of
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/yaml/v2/yaml.go.
So it does with what it builds of a chart or a kustomization, and helm with what is in a release:
`podwall.plan.charts` says what is built, and the objects are taken as those of a file are.
"""

from __future__ import annotations

import glob
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from pulumi._types import is_output_type, output_type_types, resource_types
from pulumi.runtime.proto import resource_pb2

from podwall.plan.documents import CLUSTER_WIDE
from podwall.plan.model import SECRET_MARK, UNKNOWN, is_marked
from podwall.plan.registration import plain, struct
from podwall.plan.sdk import put_program_line
from podwall.policies.errors import Place, SourceError
from podwall.quick_dataclass import dataclass
from podwall.reading import Document
from podwall.yaml_values import yaml_values

__all__ = [
    "PROVIDER_COMPONENTS",
    "ProviderObjects",
    "built_objects",
    "function_answer",
    "in_namespace",
    "preview_outputs",
    "provider_objects",
]


def function_answer(token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the function `token` answers, or None where only the cloud can tell.

    >>> function_answer("kubernetes:yaml:decode", {"text": "kind: Pod"})
    {'result': [{'kind': 'Pod'}]}
    """
    known = _KNOWN.get(token)
    return known(arguments) if known else None


def _decoded(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Decode YAML, as the Kubernetes provider does for `ConfigFile` and `ConfigGroup`."""
    return {"result": [value for value, _ in _documents(arguments.get("text", ""), "")]}


_KNOWN: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "kubernetes:yaml:decode": _decoded,
}


# The SDK offers the types of outputs nowhere else; its own deserializer reads them from here.


_SCALARS = (str, int, float, bool)


def preview_outputs(inputs: Mapping[str, Any], resource: type | None) -> dict[str, Any]:
    """Return the outputs that a preview knows, in the engine's own form.

    `resource` is the SDK's class of the resource; without one the inputs are returned as they are.
    A top-level output that is left out is unknown to the SDK.
    """
    if resource is None:
        return dict(inputs)
    kinds = resource_types(resource)
    return {key: _output(value, kinds[key]) for key, value in inputs.items() if key in kinds}


def _output(value: Any, kind: Any) -> Any:
    """Return an input as the output of type `kind`, or the unknown where it has another shape."""
    kind = _required(kind)
    origin = get_origin(kind) or kind
    if value == UNKNOWN or is_marked(value) or not isinstance(origin, type):
        return value
    if is_output_type(origin):
        return _object(value, output_type_types(origin))
    if get_args(kind):
        return _container(value, origin, get_args(kind))
    return value if issubclass(origin, Mapping) or isinstance(value, _SCALARS) else UNKNOWN


def _object(value: Any, kinds: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return UNKNOWN
    return {k: _output(value[k], kind) if k in value else UNKNOWN for k, kind in kinds.items()}


def _container(value: Any, origin: type, kinds: tuple[Any, ...]) -> Any:
    if issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {key: _output(item, kinds[1]) for key, item in value.items()}
    if not issubclass(origin, Mapping) and isinstance(value, list):
        return [_output(item, kinds[0]) for item in value]
    return UNKNOWN


def _required(kind: Any) -> Any:
    """Return `T` of an `Optional[T]`, `Any` of a wider choice, anything else as it is."""
    if get_origin(kind) not in {Union, types.UnionType}:
        return kind
    kinds = [option for option in get_args(kind) if option is not types.NoneType]
    return kinds[0] if len(kinds) == 1 else Any


#: The types of components whose objects the provider registers.
PROVIDER_COMPONENTS = ("kubernetes:yaml/v2:ConfigFile", "kubernetes:yaml/v2:ConfigGroup")

Request = resource_pb2.RegisterResourceRequest

_PATTERN = re.compile(r"(?:^|[^\\])[*?\[]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True, slots=True)
class ProviderObjects:
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


def built_objects(
    request: Request, documents: Iterable[Document], namespace: str
) -> ProviderObjects:
    """Return what is registered of what was built for the component that `request` asks for.

    `namespace` is where objects belong that name none; empty for that of the provider.
    """
    found = _Manifests()
    for each in documents:
        placed = in_namespace(each.manifest, namespace)
        found.add(placed, each.place.source, each.place.line or 0)
    return _registered(request, plain(request.object).get("resourcePrefix"), found)


def in_namespace(manifest: Any, namespace: str) -> Any:
    """Return an object in a namespace, unless it names one or can be in none.

    >>> in_namespace({"kind": "Pod", "metadata": {"name": "web"}}, "shop")["metadata"]
    {'name': 'web', 'namespace': 'shop'}
    """
    metadata = manifest.get("metadata") if isinstance(manifest, Mapping) else None
    is_free = isinstance(metadata, Mapping) and not metadata.get("namespace")
    if metadata is None or not namespace or not is_free or manifest.get("kind") in CLUSTER_WIDE:
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": namespace}}


def provider_objects(request: Request) -> ProviderObjects:
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
    return _registered(request, inputs.get("resourcePrefix"), found)


def _registered(request: Request, prefix: Any, found: _Manifests) -> ProviderObjects:
    chosen = request.name if prefix is None else prefix
    named = zip(_names(chosen, found.objects), found.objects, strict=True)
    requests = tuple(_request(request, name, *each) for name, each in named)
    return ProviderObjects(requests, tuple(dict.fromkeys(found.unseen)))


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
    try:
        for each in yaml_values(text.encode("utf-8", "surrogatepass")):
            if each.value:
                yield each.value, each.line + 1
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
    put_program_line(request, Path(file).resolve().as_uri() if file else "", line, parent)
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
