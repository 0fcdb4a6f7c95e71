"""Who makes the plan: the Pulumi CLI, which is asked for its own, or podwall in this process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from podwall.documents import convert
from podwall.on_demand import needing
from podwall.plan.configuration import GivenConfiguration
from podwall.plan.messages import EngineDiagnostic, diagnostic_findings, is_program, relative_path
from podwall.plan.model import Plan
from podwall.plan.project import default_stack, find_project
from podwall.policies.errors import Place, SourceError
from podwall.sources.model import Source, SourceKind
from podwall.sources.pulumi_documents import preview_in
from podwall.sources.rendering import objects_of
from podwall.sources.stacks import source_of_program, source_of_steps

__all__ = [
    "Planner",
    "program_source",
    "pulumi_preview",
    "source_of_preview",
]


_FRAME = re.compile(r'File "(.+)", line (\d+)')


def _is_installed() -> bool:
    """Return whether `pulumi` is on the PATH."""
    return shutil.which("pulumi") is not None


def _selected_stack(folder: Path, stack: str | None) -> str | None:
    """Return the name of `stack`, by default the selected one, if Pulumi knows it."""
    done = _pulumi(folder, stack, "stack", "--show-name")
    return done.stdout.strip() or None if done.returncode == 0 else None


def pulumi_preview(folder: Path, stack: str | None, given: GivenConfiguration) -> Mapping[str, Any]:
    """Return the document of `pulumi preview --json --show-sames`.

    Raises:
        SourceError: Pulumi failed; the message is its first diagnostic. Or secrets are given, which
            a preview takes from the stack's file only.
    """
    if not _is_installed():
        raise SourceError(
            "`pulumi` is not on the PATH",
            help="install it from https://www.pulumi.com/docs/install, or use `--with embedded`",
        )
    for key in given.secrets:
        raise SourceError(
            "the Pulumi CLI takes secrets from the stack's file only",
            help=f"set it: `pulumi config set --secret {key} VALUE`, or use `--with embedded`",
            place=Place("--secret"),
        )
    with _configured(folder, stack, given.values) as options:
        done = _pulumi(folder, stack, "preview", "--json", "--show-sames", *options)
    document = _document(done.stdout)
    if done.returncode != 0 or document is None:
        raise _failed(done, document or {}, folder)
    return document


@contextmanager
def _configured(
    folder: Path, stack: str | None, values: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """Yield the options that give values to `pulumi preview`.

    It writes them to the stack's file: here to a copy of it, which is gone afterwards.
    """
    if not values:
        yield ()
        return
    name = (stack or _selected_stack(folder, None) or "").rpartition("/")[2]
    own = folder / f"Pulumi.{name}.yaml"
    with TemporaryDirectory() as made:
        copy = Path(made) / own.name
        copy.write_bytes(own.read_bytes() if own.is_file() else b"{}")
        pairs = [word for key, value in values.items() for word in ("--config", f"{key}={value}")]
        yield ("--config-file", str(copy), *pairs)


def _pulumi(folder: Path, stack: str | None, *command: str) -> subprocess.CompletedProcess[str]:
    chosen = ("--stack", stack) if stack else ()
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    environment.pop("PULUMI_ENABLE_STREAMING_JSON_PREVIEW", None)
    return subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
        ["pulumi", *command, *chosen, "--non-interactive", "--color", "never"],  # noqa: S607 - the user's own
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _document(output: str) -> Mapping[str, Any] | None:
    try:
        document = json.loads(output)
    except json.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _failed(
    done: subprocess.CompletedProcess[str], document: Mapping[str, Any], folder: Path
) -> SourceError:
    texts = (*_errors(document), done.stderr, done.stdout)
    printed = next((lines for lines in map(_lines, texts) if lines), [])
    return SourceError(
        _message(printed) or f"it ended with exit code {done.returncode}",
        help="`--with embedded` plans without the Pulumi CLI",
        place=_place(printed, folder) or Place("pulumi preview"),
    )


def _errors(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors in a preview's document."""
    place = Place("pulumi preview", path="diagnostics")
    for each in convert(document.get("diagnostics") or [], list[EngineDiagnostic], place):
        if each.severity == "error":
            yield each.message


def _message(lines: Sequence[str]) -> str:
    """Return the first line; of an announced traceback, what was raised as well."""
    first = next(iter(lines), "").removeprefix("error: ").rstrip(".")
    whole = f"{first} {lines[-1]}" if first.endswith(":") else first
    return whole[:1].lower() + whole[1:]


def _place(lines: Sequence[str], folder: Path) -> Place | None:
    """Return the innermost line of the program in a traceback, if there is one."""
    frames = (_FRAME.match(line) for line in reversed(lines))
    found = [(Path(frame[1]), int(frame[2])) for frame in frames if frame]
    return next(
        (Place(relative_path(p, folder), n) for p, n in found if is_program(p, folder)), None
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class Planner(StrEnum):
    """Who makes the plan; `AUTO` is the Pulumi CLI where it is installed and has the stack."""

    AUTO = "auto"
    PULUMI = "pulumi"
    EMBEDDED = "embedded"


def program_source(  # noqa: PLR0913 - what is planned, by whom, and what is told on the way
    folder: Path,
    stack: str | None,
    planner: Planner,
    write: Callable[[str], None],
    given: GivenConfiguration | None = None,
    *,
    loaded: Callable[[], object] = lambda: None,
) -> Source:
    """Return what the program will deploy whose project `folder` lies in.

    Without a `stack`, Pulumi plans the selected one, and podwall the one that is called `dev` or is
    the only one. Where nobody chose the planner, `write` is given a sentence that names it.
    Configuration that is `given` goes over what the stack's file says, and into no file. Before a
    program runs in this process, `loaded` is called: what planning needs has been imported then.

    Raises:
        SourceError: there is no project or no stack, or planning fails.
    """
    project = find_project(folder)
    given = given or GivenConfiguration()
    if planner is Planner.AUTO:
        planner, reason = _chosen(project, stack, given)
        write(reason)
    if planner is Planner.PULUMI:
        return source_of_preview(pulumi_preview(project, stack, given))
    with needing("pulumi", "planning a program without the Pulumi CLI"):
        from podwall.plan.embedded import embedded_plan  # noqa: PLC0415 - manifests need no Pulumi

    loaded()
    plan = embedded_plan(project, stack or default_stack(project), given, objects_of)
    return source_of_program(plan, project)


def _chosen(folder: Path, stack: str | None, given: GivenConfiguration) -> tuple[Planner, str]:
    if given.secrets:
        return Planner.EMBEDDED, "planning without the Pulumi CLI, which is given no secrets"
    if not _is_installed():
        return Planner.EMBEDDED, "planning without the Pulumi CLI, which is not on the PATH"
    name = _selected_stack(folder, stack)
    if name is None:
        which = f"no stack `{stack}`" if stack else "no stack selected"
        return Planner.EMBEDDED, f"planning without the Pulumi CLI, which has {which}"
    return Planner.PULUMI, f"planning stack `{name}` with the Pulumi CLI"


def source_of_preview(document: Mapping[str, Any]) -> Source:
    """Return what the program of a `pulumi preview --json` will deploy, with what it logged.

    Raises:
        InvalidValue: no engine writes such a preview.
    """
    preview = preview_in(document, Place("pulumi preview"))
    read = source_of_steps(SourceKind.PROGRAM, "", preview)
    plan = read.plan or Plan("", "")
    asked_for = {each.urn: each for each in plan.afterwards().resources}
    warnings = tuple(diagnostic_findings(preview.diagnostics or (), asked_for))
    return replace(read, name=plan.project, plan=replace(plan, warnings=warnings))
