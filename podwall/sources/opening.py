"""Open a source by its path, whatever kind of source it is."""

from __future__ import annotations

from pathlib import Path

from podwall.sources.files import STDIN, read_bytes
from podwall.sources.manifests import parse_manifests, read_folder
from podwall.sources.parsed import Parsed
from podwall.sources.source import Source, SourceKind, Stage
from policies.errors import Place, SourceError
from policies.findings import Finding

__all__ = ["source"]


def source(path: str) -> Source:
    """Return the source at a path: a file, a folder, or `-` for the standard input.

    Raises `SourceError` if nothing could be read there: the path does not exist, is not YAML or
    JSON at all, or has no Kubernetes object.
    """
    if path != STDIN and Path(path).is_dir():
        return _of_manifests(path, read_folder(path))
    name, data = read_bytes(path)
    return _of_manifests(name, parse_manifests(data, name))


def _of_manifests(name: str, parsed: Parsed) -> Source:
    if not parsed.documents:
        raise _nothing_in(name, parsed.findings)
    return Source(SourceKind.MANIFESTS, name, Stage(parsed.documents), findings=parsed.findings)


def _nothing_in(name: str, findings: tuple[Finding, ...]) -> SourceError:
    if findings:
        first = findings[0]
        return SourceError(first.message, help=first.help, place=first.place)
    return SourceError(
        f"`{name}` has no Kubernetes object",
        help="give manifests, or the output of `pulumi preview --json --show-sames`",
        place=Place(name),
    )
