"""The stack's own files, read as Pulumi reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ROOT", "as_text", "declared", "stack_values"]

ROOT = Path(__file__).resolve().parents[2]


def declared() -> dict[str, dict[str, Any]]:
    """Return the configuration that the project declares."""
    declarations: dict[str, dict[str, Any]] = _yaml("Pulumi.yaml")["config"]
    return declarations


def stack_values(stack: str, **overrides: object) -> dict[str, str]:
    """Return a stack's configuration values, with the project's defaults under them."""
    defaults = {f"podwall:{key}": each["default"] for key, each in declared().items()}
    chosen = {f"podwall:{key}": value for key, value in overrides.items()}
    values = {**defaults, **_yaml(f"Pulumi.{stack}.yaml")["config"], **chosen}
    return {key: as_text(value) for key, value in values.items()}


def as_text(value: object) -> str:
    """Return a value as Pulumi hands it to a program."""
    return value if isinstance(value, str) else json.dumps(value)


def _yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())
