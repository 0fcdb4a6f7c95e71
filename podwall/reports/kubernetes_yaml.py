"""Write one Kubernetes object as YAML that every Kubernetes tool reads back the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

__all__ = ["kubernetes_yaml"]

_FIRST: Final = ("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations")
# Texts that YAML 1.1, YAML 1.2 or Go take for a number or a boolean, and PyYAML does not.
_LOOKS_TYPED: Final = re.compile(r"[-+.\d]|[yYnN]$")


class _Dumper(yaml.SafeDumper):
    """Quotes more than it has to, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        """Indent a list inside a mapping, as Kubernetes' own documentation does."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if _LOOKS_TYPED.match(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def kubernetes_yaml(manifest: Mapping[str, Any]) -> str:
    r"""Return a manifest as a YAML document.

    >>> print(kubernetes_yaml({"kind": "Pod", "apiVersion": "v1", "spec": {"port": "1e3"}}), end="")
    apiVersion: v1
    kind: Pod
    spec:
      port: "1e3"
    """
    return yaml.dump(
        _ordered(manifest), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000
    )


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
