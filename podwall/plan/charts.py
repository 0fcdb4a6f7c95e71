"""Charts and kustomizations beside a program, as what a tool can build of them without a cluster.

Four classes of the Kubernetes SDK name a folder in ways of their own: a `Chart` of `helm.v3`, whose
options come as one JSON text, a `Chart` of `helm.v4`, a `Release`, and a `Directory` of either
version. What is fetched, what runs a program of its own and what only deployment tells is not
built, and `NotBuiltError` carries the reason.

https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/invoke_helm_template.go
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/helm/v4/chart.go
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/helm_release.go
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/kustomize/v2/directory.go
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from podwall.plan.autonaming import AUTONAMED
from podwall.plan.model import UNKNOWN, is_marked, is_unknown
from podwall.policies.errors import SourceError
from podwall.quick_dataclass import dataclass
from podwall.reading import Document

__all__ = [
    "ASKING_COMPONENTS",
    "BUILT_COMPONENTS",
    "BUILT_FUNCTIONS",
    "LATER",
    "RELEASE",
    "Build",
    "Hooks",
    "LocalChart",
    "LocalKustomization",
    "NotBuiltError",
    "asked_of_function",
    "asked_of_inputs",
    "marked_as_made_up",
    "namespace_made",
    "namespace_of_function",
    "not_built",
]

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_CHART: Final = "kubernetes:helm.sh/v4:Chart"
_DIRECTORY: Final = "kubernetes:kustomize/v2:Directory"

#: The types whose objects the provider makes of a folder.
BUILT_COMPONENTS: Final = (_CHART, _DIRECTORY, RELEASE)

#: The functions with which the SDK's own code has a folder built.
BUILT_FUNCTIONS: Final = ("kubernetes:helm:template", "kubernetes:kustomize:directory")


#: The types of components whose own code, in the SDK, asks for that.
ASKING_COMPONENTS: Final = ("kubernetes:helm.sh/v3:Chart", "kubernetes:kustomize:Directory")


class Hooks(Enum):
    """Which of the objects that a chart makes beside the release are there afterwards."""

    NONE = "none"
    ALL_BUT_TESTS = "all but tests"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class LocalChart:
    """A chart in a folder, and what helm is given of the release.

    `files` are texts of values, the later over the earlier, and `values` go over all of them.
    """

    folder: str
    release: str
    namespace: str
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    files: tuple[str, ...] = ()
    hooks: Hooks = Hooks.ALL_BUT_TESTS
    crds: bool = True
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalKustomization:
    """A folder that kustomize builds."""

    folder: str


Build = Callable[[LocalChart | LocalKustomization], Sequence[Document]]
"""Builds the objects of a folder, each at its place.

It raises a `SourceError` where there is no tool, or where the tool refuses.
"""


class NotBuiltError(Exception):
    """Why the objects of a chart or a folder are not in the plan, in words."""


def not_built(_asked: LocalChart | LocalKustomization) -> Sequence[Document]:
    """Build nothing, for a plan in which no tool may run.

    Raises:
        SourceError: always.
    """
    raise SourceError("no tool may run to build it")


def asked_of_function(token: str, arguments: Mapping[str, Any]) -> LocalChart | LocalKustomization:
    """Return what one of `BUILT_FUNCTIONS` is to build.

    Raises:
        NotBuiltError: it is not in a folder here, or not known.

    >>> asked_of_function("kubernetes:kustomize:directory", {"directory": "."})
    LocalKustomization(folder='.')
    """
    if token == BUILT_FUNCTIONS[1]:
        return LocalKustomization(_local(_text(arguments, "directory"), "kustomization"))
    text = arguments.get("jsonOpts")
    if not isinstance(text, str) or is_unknown(text):
        raise NotBuiltError(LATER)
    options = json.loads(text)
    return LocalChart(
        folder=_chart_folder(options),
        release=_text(options, "release_name"),
        namespace=_text(options, "namespace") or "default",
        values=options.get("values") or {},
        hooks=Hooks.ALL if options.get("include_test_hook_resources") else Hooks.ALL_BUT_TESTS,
        crds=not options.get("skip_crd_rendering"),
        kube_version=_text(options, "kube_version"),
        api_versions=tuple(options.get("api_versions") or ()),
    )


def namespace_of_function(arguments: Mapping[str, Any]) -> str:
    """Return where objects belong that name no namespace; empty for that of the provider."""
    text = arguments.get("jsonOpts")
    options = json.loads(text) if isinstance(text, str) else {}
    return _text(options, "namespace")


#: Why what waits for a value is not built.
LATER: Final = "a part of what it is given is known only after deployment"


def _chart_folder(options: Mapping[str, Any]) -> str:
    path, chart = _text(options, "path"), _text(options, "chart")
    if not path:
        raise NotBuiltError(f"chart `{chart}` is fetched")
    return _local(str(Path(path, chart)), "chart")


def asked_of_inputs(
    type_: str, inputs: Mapping[str, Any], release: str, namespace: str
) -> LocalChart | LocalKustomization:
    """Return what one of `BUILT_COMPONENTS` is to build.

    Args:
        type_: the type of the resource.
        inputs: as the program sends them, nothing of them unknown.
        release: the name of a release that is given none.
        namespace: that of the provider, for what is given none.

    Raises:
        NotBuiltError: it is not in a folder here, runs something else, or is not known.
    """
    if type_ == _DIRECTORY:
        return LocalKustomization(_local(_text(inputs, "directory"), "kustomization"))
    given = _revealed(inputs)
    if _holds_unknown(given):
        raise NotBuiltError(LATER)
    _refuse_what_is_run(given)
    return LocalChart(
        folder=_local(_text(given, "chart"), "chart"),
        release=_text(given, "name") or release,
        namespace=_text(given, "namespace") or namespace,
        values=_values(type_, given),
        files=tuple(_texts(given.get("valueYamlFiles") or [])),
        hooks=Hooks.ALL_BUT_TESTS if type_ == RELEASE else Hooks.NONE,
        crds=not given.get("skipCrds"),
    )


#: What would fetch a chart, or run a program over what is built.
_ELSEWHERE: Final = {
    "postRenderer": "a program that is not run changes what it renders",
    "postrender": "a program that is not run changes what it renders",
    "dependencyUpdate": "its dependencies are fetched",
    "verify": "its signature is not verified",
    "reuseValues": "it keeps values of an earlier release",
}


def _refuse_what_is_run(given: Mapping[str, Any]) -> None:
    repository = given.get("repositoryOpts")
    if isinstance(repository, Mapping) and repository.get("repo"):
        raise NotBuiltError(f"chart `{_text(given, 'chart')}` is fetched")
    for key, reason in _ELSEWHERE.items():
        if given.get(key):
            raise NotBuiltError(reason)


def _local(folder: str, what: str) -> str:
    if not Path(folder).is_dir():
        called = f"{what} `{folder}`" if folder else f"the {what}"
        raise NotBuiltError(f"{called} is in no folder here")
    return folder


def _text(values: Mapping[str, Any], key: str) -> str:
    found = values.get(key)
    if isinstance(found, str) and is_unknown(found):
        raise NotBuiltError(LATER)
    if found is not None and not isinstance(found, str):
        raise NotBuiltError(f"its `{key}` is no text")
    return found or ""


def namespace_made(type_: str, inputs: Mapping[str, Any], namespace: str) -> Document | None:
    """Return the Namespace that helm makes for a release that asks for it, None for all others."""
    if type_ != RELEASE or inputs.get("createNamespace") is not True:
        return None
    metadata = {"name": namespace, "labels": {"name": namespace}}
    return Document({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def marked_as_made_up(document: Document, release: str) -> Document:
    """Return an object with Pulumi's mark of a made up name, if it has that of a release in it."""
    metadata = document.manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(name, str) or release not in name:
        return document
    annotations = {**(metadata.get("annotations") or {}), AUTONAMED: "true"}
    manifest = {**document.manifest, "metadata": {**metadata, "annotations": annotations}}
    return replace(document, manifest=manifest)


def _values(type_: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values; in those of a Release, what is null says nothing unless it is allowed."""
    values = given.get("values") or {}
    if type_ != RELEASE or given.get("allowNullValues"):
        return values if isinstance(values, Mapping) else {}
    found: Mapping[str, Any] = _without_nulls(values)
    return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _texts(files: Any) -> Iterator[str]:
    """Yield the texts of values that are given as assets."""
    for each in files if isinstance(files, list) else [files]:
        asset = each if isinstance(each, Mapping) else {}
        if isinstance(text := asset.get("text"), str) and text:
            yield text
        elif isinstance(path := asset.get("path"), str) and path:
            yield _read(path)
        else:
            raise NotBuiltError("a file of its values is fetched")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise NotBuiltError(f"its values in `{path}` can't be read") from None


def _revealed(value: Any) -> Any:
    """Return what a program sends without the marks in it: of secrets, outputs and files."""
    if isinstance(value, Mapping):
        if is_marked(value) and "value" in value:
            return _revealed(value["value"])
        if is_marked(value) and not _ASSET.intersection(value):
            return UNKNOWN
        return {key: _revealed(each) for key, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list) else value


_ASSET: Final = frozenset({"text", "path", "uri", "assets"})


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_unknown(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return any(map(_holds_unknown, value))
    return isinstance(value, str) and is_unknown(value)
