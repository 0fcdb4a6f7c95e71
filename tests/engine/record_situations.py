"""Bring a workspace into each situation, and yield what the engine writes there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.engine.plugins.kubernetes import OUTSIDE, REFUSES, STALLS
from tests.engine.situations import SITUATIONS, Kind, Program, Situation
from tests.engine.workspace import ROOT, EngineFailed, Workspace

__all__ = ["recorded_situations"]

_LISTED = ROOT / "tests" / "engine" / "programs" / "listed"
_ONE_BY_ONE = ("--parallel", "1")
_PATIENCE = 120  # seconds until a deployment has begun what it is stopped at


def recorded_situations(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the name of each document, and the document: a list of lines for events."""
    deployed: dict[str, Workspace] = {}
    for situation in SITUATIONS:
        before = json.dumps(situation.before)
        if before not in deployed:
            deployed[before] = _deployed(situation, folder / f"before-{situation.name}")
        workspace = deployed[before].copied_to(folder / situation.name)
        yield from _documents(situation, _programmed(workspace, situation.after))


def _deployed(situation: Situation, folder: Path) -> Workspace:
    folder.mkdir()
    workspace = _programmed(Workspace.of(_LISTED, folder).started(), situation.before)
    workspace.up(*_ONE_BY_ONE, **_outside(workspace, situation))
    return workspace


def _programmed(workspace: Workspace, program: Program) -> Workspace:
    (workspace.project / "resources.json").write_text(json.dumps(program), encoding="utf-8")
    return workspace


def _outside(workspace: Workspace, situation: Situation) -> dict[str, str]:
    if situation.outside is None:
        return {}
    path = workspace.folder / "outside.json"
    path.write_text(json.dumps(situation.outside), encoding="utf-8")
    return {OUTSIDE: str(path)}


def _documents(situation: Situation, workspace: Workspace) -> Iterator[tuple[str, Any]]:
    variables = _outside(workspace, situation)
    if situation.fails or situation.stalls:
        _left_behind(situation, workspace)
        yield f"{situation.name}.state.json", workspace.export()
    asked = (*_ONE_BY_ONE, *situation.asked)
    for kind in situation.kinds:
        yield f"{situation.name}{kind}", _written(workspace, kind, asked, variables)


def _written(
    workspace: Workspace, kind: Kind, asked: tuple[str, ...], variables: dict[str, str]
) -> Any:
    match kind:
        case Kind.PREVIEW:
            return workspace.preview(*asked, **variables)
        case Kind.BRIEF:
            return workspace.brief_preview(*asked, **variables)
        case Kind.EVENTS:
            return workspace.events(*asked, **variables)
        case Kind.DEPLOYMENT:
            return workspace.deployment_events(*asked, **variables)
        case Kind.REFRESH:
            return workspace.previewed("refresh", *_ONE_BY_ONE, **variables)
        case Kind.DESTRUCTION:
            return workspace.previewed("destroy", *_ONE_BY_ONE, **variables)


def _left_behind(situation: Situation, workspace: Workspace) -> None:
    """Deploy what does not come to its end."""
    if situation.stalls:
        _interrupted(workspace, situation.stalls)
        return
    try:
        workspace.up(*_ONE_BY_ONE, **{REFUSES: situation.fails})
    except EngineFailed as failed:
        if "the API server refuses" not in failed.output:
            raise
    else:
        message = f"{situation.name}: nothing refused to {situation.fails}"
        raise AssertionError(message)


def _interrupted(workspace: Workspace, stalls: str) -> None:
    """Deploy, and kill the engine with its plugins once it is making the object `stalls`."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", workspace.stack]
    engine = subprocess.Popen(
        [*command, "--non-interactive", *_ONE_BY_ONE],
        cwd=workspace.project,
        env=workspace.environment | {STALLS: stalls},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until(workspace, f"::{stalls}")
    finally:
        os.killpg(engine.pid, signal.SIGKILL)
        engine.wait()
    workspace.pulumi("cancel", "--yes", workspace.stack)


def _wait_until(workspace: Workspace, pending: str) -> None:
    """Return once the state has an operation pending on the resource whose URN ends so."""
    checkpoints = workspace.folder / "state" / ".pulumi" / "stacks"
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if any(_is_pending(path, pending) for path in checkpoints.rglob("*.json")):
            return
        time.sleep(0.2)
    message = f"no operation was pending on `{pending}`"
    raise AssertionError(message)


def _is_pending(checkpoint: Path, end_of_urn: str) -> bool:
    text = checkpoint.read_text(encoding="utf-8")
    latest = json.loads(text).get("checkpoint", {}).get("latest", {}) if text.endswith("}") else {}
    pending = latest.get("pending_operations", [])
    return any(each["resource"]["urn"].endswith(end_of_urn) for each in pending)
