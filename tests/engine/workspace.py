"""A project and its stack in a folder of their own, worked on by the real Pulumi CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.engine.plugins.azure_native import AzureNative
from tests.engine.plugins.kubernetes import Kubernetes

__all__ = ["ROOT", "Document", "EngineFailed", "Workspace"]

ROOT = Path(__file__).resolve().parents[2]
Document = dict[str, Any]
_PLUGINS = {"azure-native": AzureNative().version, "kubernetes": Kubernetes().version}
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "out", "__pycache__", ".*_cache", ".hypothesis"
)


class EngineFailed(Exception):  # noqa: N818 - reads as what it says
    """The Pulumi CLI ended with an error; `output` is everything it wrote."""

    def __init__(self, command: tuple[str, ...], output: str) -> None:
        """Say which command failed and keep what it wrote."""
        super().__init__(f"pulumi {' '.join(command)}\n{output}")
        self.output = output


@dataclass(frozen=True, slots=True)
class Workspace:
    """One stack of one project. Its state, its plugins and the project lie below `folder`.

    `inside` is where the project is in what was copied. Secrets are encrypted with a passphrase; no
    plugin is downloaded, whatever the program asks for.
    """

    folder: Path
    stack: str = "dev"
    inside: str = ""

    @classmethod
    def of(cls, program: Path, folder: Path, stack: str = "dev", *, inside: str = "") -> Workspace:
        """Return a workspace with a copy of `program`, its environment being that of this test."""
        workspace = cls(folder, stack, inside)
        shutil.copytree(program, folder / "project", ignore=_NOT_COPIED)
        (folder / "project" / ".venv").symlink_to(sys.prefix)
        (folder / "state").mkdir()
        for name, version in _PLUGINS.items():
            workspace._install(name, version)
        return workspace

    @property
    def project(self) -> Path:
        """Return the folder of the Pulumi project."""
        return self.folder / "project" / self.inside

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables under which `pulumi`, and whatever starts it, finds this stack."""
        inherited = {key: value for key, value in os.environ.items() if "PULUMI" not in key}
        return inherited | {
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "not a secret",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "NO_COLOR": "1",
        }

    def copied_to(self, folder: Path) -> Workspace:
        """Return a second workspace in the same situation: project, state and plugins."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder, self.stack, self.inside)

    def pulumi(self, *command: str, **variables: str) -> str:
        """Run `pulumi` and return its standard output; raise `EngineFailed` where it fails."""
        done = subprocess.run(
            ["pulumi", *command, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EngineFailed(command, done.stdout + done.stderr)
        return done.stdout

    def podwall(self, *command: str) -> CompletedProcess[str]:
        """Run `podwall` in the project, whatever its exit code."""
        return subprocess.run(
            [sys.executable, "-m", "podwall", *command],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def configured(self, settings: Mapping[str, str]) -> Workspace:
        """Set configuration keys of the project, dotted ones inside objects, and return this."""
        for key, value in settings.items():
            self.pulumi("config", "set", "--path", key, value, "--stack", self.stack)
        return self

    def started(self) -> Workspace:
        """Make the stack, and return this workspace."""
        self.pulumi("stack", "init", self.stack)
        return self

    def preview(self, *options: str, **variables: str) -> Document:
        """Return the preview as one document, unchanged resources included."""
        return self._document("preview", "--json", "--show-sames", *options, **variables)

    def brief_preview(self, *options: str, **variables: str) -> Document:
        """Return the preview as one document, unchanged resources left out."""
        return self._document("preview", "--json", *options, **variables)

    def previewed(self, command: str, *options: str, **variables: str) -> Document:
        """Return what `refresh` or `destroy` would do, as one document."""
        return self._document(command, "--preview-only", "--json", *options, **variables)

    def events(self, *options: str, **variables: str) -> list[Document]:
        """Return the preview as the engine's own events, in the order they came."""
        streamed = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
        return self._events("preview", "--json", "--show-sames", *options, **variables, **streamed)

    def up(self, *options: str, **variables: str) -> str:
        """Deploy the program, and return what the CLI wrote."""
        asked = ("--yes", "--skip-preview", "--stack", self.stack, *options)
        return self.pulumi("up", *asked, **variables)

    def deployment_events(self, *options: str, **variables: str) -> list[Document]:
        """Deploy the program, and return the engine's own events, in the order they came."""
        return self._events("up", "--yes", "--skip-preview", "--json", *options, **variables)

    def refresh(self, **variables: str) -> str:
        """Bring the state to what is really there, and return what the CLI wrote."""
        return self.pulumi("refresh", "--yes", "--skip-preview", "--stack", self.stack, **variables)

    def destroy(self, *options: str) -> str:
        """Delete every resource, unless the preview finds that one is protected.

        `--skip-preview` would delete everything but the protected one.
        """
        return self.pulumi("destroy", "--yes", "--stack", self.stack, *options)

    def export(self) -> Document:
        """Return the state of the stack, secrets encrypted."""
        return self._document("stack", "export")

    def _document(self, *command: str, **variables: str) -> Document:
        found: Document = json.loads(self.pulumi(*command, "--stack", self.stack, **variables))
        return found

    def _events(self, *command: str, **variables: str) -> list[Document]:
        lines = self.pulumi(*command, "--stack", self.stack, **variables)
        return [json.loads(line) for line in lines.splitlines()]

    def with_plugin(self, name: str, version: str, command: str) -> Path:
        """Put a plugin where the CLI keeps those that it has downloaded, and return its program."""
        place = self.folder / "home" / "plugins" / f"resource-{name}-v{version}"
        place.mkdir(parents=True)
        script = place / f"pulumi-resource-{name}"
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script

    def _install(self, name: str, version: str) -> None:
        start = f'env PYTHONPATH="{ROOT}" "{sys.executable}" -P -m tests.engine.plugins {name}'
        self.with_plugin(name, version, start)
