"""What kustomize builds of a folder, and helm renders of a chart, though they may be a stranger's.

The tool gets an environment of its own: a home without settings, plugins, caches and credentials,
which is deleted afterwards; no cluster; and no way to the network: `git` may use no transport, and
HTTP is sent to a port on which nobody listens. It is ended where it takes too long or says too
much, with all that it started.

A kustomization is built through another one around it, in a temporary folder, that asks for the
origin of each object; nothing is written beside the kustomization itself. Of a chart, helm tells
the template of each object. So findings name the file that somebody can edit.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Timer
from typing import IO, Any, Final

from podwall.plan.charts import Hooks, LocalChart, LocalKustomization
from podwall.policies.errors import Place, SourceError
from podwall.reading import Document
from podwall.reading.ledger import named_in, single_objects
from podwall.sources.files import ParsedDocuments, read_file
from podwall.sources.kustomizations import included, kustomization_in
from podwall.sources.model import ManifestOptions
from podwall.sources.yaml_documents import parse_manifests

__all__ = [
    "built",
    "found_tool",
    "objects_of",
    "rendered",
    "tool_output",
]

MOST_SECONDS: Final = 60
MOST_BYTES: Final = 100_000_000
_LONGEST_MESSAGE: Final = 400
_MOST_READ: Final = 65_536
_NOWHERE: Final = "http://127.0.0.1:9"  # the port of `discard`, which nothing serves
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
_HOMES: Final = (
    "HOME",
    "USERPROFILE",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
)


def found_tool(*names: str) -> str | None:
    """Return the first of the commands that is on the PATH, None where none is."""
    return next((name for name in names if shutil.which(name)), None)


def tool_output(command: Sequence[str], *, network: bool = False) -> bytes:
    """Return what a command writes to its standard output.

    Args:
        command: the name of a command on the PATH, and its arguments.
        network: whether it gets the caller's own environment, and with it the network.

    Raises:
        SourceError: it can't be started, fails, takes too long or writes too much; the message is
            the first line of what it says.
    """
    with TemporaryDirectory(prefix="podwall-") as home, TemporaryFile() as errors_file:
        environment = os.environ if network else _environment(home)
        try:
            with _started(command, environment, errors_file) as process:
                data, code, late = _finished(process)
        except OSError as problem:
            raise SourceError(f"`{command[0]}` can't be started: {problem.strerror}") from problem
        if late:
            raise SourceError(f"`{command[0]}` took more than {MOST_SECONDS} s and was ended")
        if len(data) > MOST_BYTES:
            raise SourceError(f"`{command[0]}` wrote more than {MOST_BYTES // 10**6} MB")
        if code != 0:
            raise SourceError(_first_line(errors_file) or f"`{command[0]}` ended with {code}")
        return data


def _environment(home: str) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    return {
        **kept,
        **dict.fromkeys(_HOMES, home),
        **dict.fromkeys(proxies, _NOWHERE),
        "HELM_PLUGINS": str(Path(home, "plugins")),
        "KUBECONFIG": str(Path(home, "kubeconfig")),
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], errors_file: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - no shell, and the arguments are ours
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors_file,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            _end(process)


def _finished(process: subprocess.Popen[bytes]) -> tuple[bytes, int, bool]:
    """Return what a process wrote, its exit code, and if it had to be ended."""
    timer = Timer(MOST_SECONDS, _end, [process])
    timer.start()
    try:
        data = process.stdout.read(MOST_BYTES + 1) if process.stdout else b""
        if len(data) > MOST_BYTES:
            _end(process)
        return data, process.wait(), not timer.is_alive()
    finally:
        timer.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, with all that it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (AttributeError, OSError):  # no groups on Windows
            process.kill()


def _first_line(errors_file: IO[bytes]) -> str:
    """Return the first line that tells something, without the word that it is an error."""
    errors_file.seek(0)
    lines = errors_file.read(_MOST_READ).decode("utf-8", "replace").splitlines()
    spoken = [
        line.strip() for line in lines if line.strip() and not line.startswith(("#", "WARNING"))
    ]
    errors = [line for line in spoken if line.lower().startswith("error")] or spoken
    line = errors[0].removeprefix("Error: ").removeprefix("error: ") if errors else ""
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"


_BUILDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "kustomize": ("kustomize", "build"),
    "kubectl": ("kubectl", "kustomize"),
}
_AROUND: Final = "{}: ['{}']\nbuildMetadata: [originAnnotations]\n"
_ORIGIN: Final = "config.kubernetes.io/origin"
_ORIGIN_FILE: Final = re.compile(r"^(?:path|configuredIn): (.+)$", re.MULTILINE)
_SOURCE: Final = re.compile(rb"^# Source: (.+)$", re.MULTILINE)


def built(folder: str, options: ManifestOptions) -> ParsedDocuments:
    """Return what kustomize builds of a folder, each object at the place that it comes from.

    Raises:
        SourceError: neither kustomize nor kubectl is there, something would have to be fetched or
            run, or it can't be built.
    """
    _refuse_what_is_fetched(folder, network=options.network)
    words = _builder(folder)
    data, home = _built_with_origins(folder, words, network=options.network)
    parsed = parse_manifests(data, folder)
    origins = _Origins(folder, home)
    documents = tuple(map(origins.traced, parsed.documents))
    note = f"built `{folder}` with `{' '.join(words)}`"
    return replace(parsed, documents=documents, texts=origins.texts, notes=(note,))


def _refuse_what_is_fetched(folder: str, *, network: bool) -> None:
    for each in included(kustomization_in(folder)):
        read_file(str(each.file))  # kustomize would wait for ever on a pipe
        if each.inflates_charts:
            raise SourceError(
                "kustomize would have to run helm here, which podwall does not let it",
                help=f"build it, as in `kustomize build --enable-helm {folder} | podwall reach -`",
                place=Place(str(each.file)),
            )
        for path, address in () if network else each.addresses():
            raise SourceError(
                f"`{address}` is on the network, and kustomize may fetch nothing",
                help="allow it with `--allow-network`, or build it, as in "
                f"`kubectl kustomize {folder} | podwall reach -`",
                place=each.place(path),
            )


def _builder(folder: str) -> tuple[str, ...]:
    tool = found_tool(*_BUILDERS)
    if tool is None:
        raise SourceError(
            "is a kustomization, and neither `kustomize` nor `kubectl` is on the PATH to build it",
            help=f"build it where one is, as in `kubectl kustomize {folder} | podwall reach -`",
            place=Place(folder),
        )
    return _BUILDERS[tool]


def _built_with_origins(
    folder: str, words: Sequence[str], *, network: bool
) -> tuple[bytes, str | None]:
    """Return what is built, and the folder that its origins are relative to, if it has any.

    Where the one around it can't be built, the error is that of the kustomization alone, as people
    know it. One of a kubectl that is too old for origins can be built, and has none.
    """
    with TemporaryDirectory(prefix="podwall-") as temporary:
        home = os.path.realpath(temporary)
        target = os.path.relpath(os.path.realpath(folder), home).replace("'", "''")
        inner = kustomization_in(folder)
        field = "components" if inner and inner.is_component else "resources"
        Path(home, "kustomization.yaml").write_text(_AROUND.format(field, target), "utf-8")
        try:
            return tool_output((*words, home), network=network), home
        except SourceError:
            return _run((*words, folder), folder, network=network), None


def _run(command: Sequence[str], folder: str, *, network: bool = False) -> bytes:
    try:
        return tool_output(command, network=network)
    except SourceError as problem:
        problem.place = Place(folder)
        problem.help = f"`{' '.join(command[:2])} {folder}` says more"
        raise


class _Origins:
    """The files that a build was made of, and the place of each object in them."""

    def __init__(self, folder: str, home: str | None) -> None:
        """Take the folder as it was named, and the one that origins are relative to."""
        self._folder = folder
        self._home = home
        self._places: dict[str, list[tuple[str, str, Place]]] = {}
        self.texts: dict[str, bytes] = {}

    def traced(self, document: Document) -> Document:
        """Return an object at its place in the file that it comes from, else in the folder."""
        manifest, origin = _without_origin(document.manifest)
        file = self._file(origin)
        if file is None:
            return Document(manifest, Place(self._folder))
        return Document(manifest, self._place(file, *named_in(manifest)))

    def _file(self, origin: str) -> str | None:
        found = _ORIGIN_FILE.search(origin)
        if found is None or self._home is None or "repo:" in origin:
            return None
        path = os.path.normpath(os.path.join(self._home, found[1].strip("'\"")))  # noqa: PTH118 - not resolved
        inside = os.path.relpath(path, os.path.realpath(self._folder))
        return os.path.normpath(os.path.join(self._folder, inside))  # noqa: PTH118 - as above

    def _place(self, file: str, kind: str, name: str) -> Place:
        """Return where an object is in a file; kustomize may have put something around its name."""
        if file not in self._places:
            self._places[file] = self._objects_of(file)
        of_kind = [(own, place) for its, own, place in self._places[file] if its == kind]
        last = name.rpartition("/")[2]
        equal = [place for own, place in of_kind if own == last]
        inside = [place for own, place in of_kind if own and own in last]
        found = equal or inside
        return found[0] if len(found) == 1 else Place(file)

    def _objects_of(self, file: str) -> list[tuple[str, str, Place]]:
        try:
            self.texts[file] = read_file(file)[1]
        except SourceError:
            return []
        objects = single_objects(parse_manifests(self.texts[file], file).documents)
        named = ((*named_in(each.manifest), each.place) for each in objects)
        return [(kind, name.rpartition("/")[2], place) for kind, name, place in named]


def _without_origin(manifest: Any) -> tuple[Any, str]:
    """Return an object as it would be applied, and what kustomize tells of its origin."""
    metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict) or _ORIGIN not in annotations:
        return manifest, ""
    kept = {**manifest["metadata"], "annotations": dict(annotations)}
    origin = kept["annotations"].pop(_ORIGIN)
    if not kept["annotations"]:
        del kept["annotations"]
    return {**manifest, "metadata": kept}, str(origin)


def objects_of(asked: LocalChart | LocalKustomization) -> tuple[Document, ...]:
    """Return the objects of a chart or a kustomization that a program names.

    Raises:
        SourceError: there is no tool, it refuses, or what it builds can't be read.
    """
    parsed = (
        _rendered_for(asked)
        if isinstance(asked, LocalChart)
        else built(asked.folder, ManifestOptions())
    )
    for finding in parsed.findings:
        raise SourceError(finding.message, place=finding.place)
    return parsed.documents


def _rendered_for(chart: LocalChart) -> ParsedDocuments:
    """Return what helm renders of a chart; values are written into a folder that is deleted."""
    words = ["--include-crds"] if chart.crds else []
    words += _OF_HOOKS[chart.hooks]
    words.append(f"{_VERSION}{chart.kube_version or ManifestOptions().kube_version}")
    words += [f"--api-versions={each}" for each in chart.api_versions]
    with TemporaryDirectory(prefix="podwall-") as home:
        for number, text in enumerate((*chart.files, json.dumps(chart.values))):
            file = Path(home, f"{number}.yaml")
            file.write_text(text, encoding="utf-8")
            words.append(f"--values={file}")
        return _template(chart.folder, chart.release, [f"--namespace={chart.namespace}", *words])


_OF_HOOKS: Final[Mapping[Hooks, Sequence[str]]] = {
    Hooks.NONE: ("--no-hooks",),
    Hooks.ALL_BUT_TESTS: ("--skip-tests",),
    Hooks.ALL: (),
}


def rendered(folder: str, options: ManifestOptions) -> ParsedDocuments:
    """Return what helm renders of a chart, each object at the template that it comes from.

    What helm installs as it stands, in `crds/`, is among it, whatever it is. The pods of `helm
    test` are left out: nothing makes them when the chart is installed.

    Raises:
        SourceError: helm is not there, a file of values can't be read, or the chart can't be
            rendered.
    """
    words = ["--skip-tests", "--include-crds", f"{_VERSION}{options.kube_version}"]
    words += [f"--api-versions={each}" for each in options.api_versions]
    words += ["--namespace", options.namespace] if options.namespace else []
    words += [f"--values={read_file(file)[0]}" for file in options.values]
    return _template(folder, options.release, words)


def _template(folder: str, release: str, words: Sequence[str]) -> ParsedDocuments:
    if found_tool("helm") is None:
        raise SourceError(
            "is a chart, and `helm` is not on the PATH to render it",
            help=f"render it where it is, as in `helm template {folder} | podwall reach -`",
            place=Place(folder),
        )
    _refuse_links_out(folder)
    command = ("helm", "template", release, str(Path(folder).absolute()), *words)
    return _at_templates(_rendered(command, folder), folder)


_VERSION: Final = "--kube-version="


def _rendered(command: Sequence[str], folder: str) -> bytes:
    try:
        return _run(command, folder)
    except SourceError as problem:
        version = next((each for each in command if each.startswith(_VERSION)), "")
        if "kubeVersion" in problem.message:
            problem.help = (
                f"it is rendered for Kubernetes {version.removeprefix(_VERSION)}: say by "
                "`--kube-version` which one the cluster has"
            )
        raise


def _refuse_links_out(folder: str) -> None:
    """Refuse a chart with a link out of its folder, which helm would follow to any file."""
    top = Path(folder).resolve()
    for parent, folders, names in os.walk(folder):
        for path in (Path(parent, name) for name in (*folders, *names)):
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                raise SourceError(
                    f"leads out of the chart, to `{path.readlink()}`, and is not followed",
                    help="put the file itself in its place",
                    place=Place(str(path)),
                )


def _at_templates(data: bytes, folder: str) -> ParsedDocuments:
    parsed = parse_manifests(data, folder)
    templates = _Templates(folder, data)
    return replace(
        parsed,
        documents=tuple(replace(each, place=templates.of(each)) for each in parsed.documents),
        findings=tuple(replace(each, place=templates.at(each.place)) for each in parsed.findings),
        others=tuple(replace(each, place=templates.at(each.place)) for each in parsed.others),
        texts={},
        notes=(f"rendered `{folder}` with `helm template`",),
    )


class _Templates:
    """The templates of a chart, by the lines of what helm renders of them."""

    def __init__(self, folder: str, data: bytes) -> None:
        """Take the chart's folder, and what was rendered."""
        self._folder = folder
        marks = list(_SOURCE.finditer(data))
        self._lines = [data.count(b"\n", 0, each.start()) + 1 for each in marks]
        self._names = [each[1].decode("utf-8", "replace").strip() for each in marks]
        self._texts: dict[str, list[bytes]] = {}

    def at(self, place: Place) -> Place:
        """Return the template that a line is of; a template's own lines are others."""
        before = bisect_right(self._lines, place.line or 0)
        if not before:
            return Place(self._folder, path=place.path)
        _, _, inside = self._names[before - 1].partition("/")
        return Place(str(Path(self._folder, inside)), path=place.path)

    def of(self, document: Document) -> Place:
        """Return where an object's template says its kind, if it does so once."""
        place = self.at(document.place)
        kind, _ = named_in(document.manifest)
        wanted = {f"kind: {kind}".encode(), f'kind: "{kind}"'.encode()}
        found = [n for n, line in enumerate(self._text(place.source), 1) if line.strip() in wanted]
        return replace(place, line=found[0]) if len(found) == 1 else place

    def _text(self, file: str) -> list[bytes]:
        if file not in self._texts:
            try:
                self._texts[file] = read_file(file)[1].split(b"\n")
            except SourceError:
                self._texts[file] = []
        return self._texts[file]
