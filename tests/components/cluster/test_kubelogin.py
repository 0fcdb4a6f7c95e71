"""The kubeconfig signs in the way that was asked for."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from podwall.components.cluster import LoginMode
from podwall.components.cluster.resources import with_login
from tests.components.harness import KUBECONFIG

ALL = ["get-token", "--login", "devicecode", "--server-id", "s", "--client-id", "c"]


def arguments(kubeconfig: str) -> list[str]:
    found: list[str] = yaml.safe_load(kubeconfig)["users"][0]["user"]["exec"]["args"]
    return found


@pytest.mark.parametrize("mode", [mode for mode in LoginMode if mode != "devicecode"])
def test_the_browsers_client_is_left_out(mode: LoginMode) -> None:
    found = arguments(with_login(KUBECONFIG, mode))
    assert found == ["get-token", "--login", mode.value, "--server-id", "s"]


def test_the_browser_keeps_its_client() -> None:
    found = arguments(with_login(KUBECONFIG, LoginMode.DEVICE_CODE))
    assert found == [*ALL, "--tenant-id", "t"]


@pytest.mark.parametrize(
    "user",
    [
        {"name": "admin", "user": {"token": "t"}},
        {"name": "other", "user": {"exec": {"command": "aws", "args": ["--login", "x"]}}},
    ],
)
def test_other_users_are_left_alone(user: dict[str, Any]) -> None:
    document = {"apiVersion": "v1", "users": [user]}
    found = with_login(yaml.safe_dump(document), LoginMode.AZURE_CLI)
    assert yaml.safe_load(found) == document


def test_a_kubeconfig_without_users_stays_one() -> None:
    assert yaml.safe_load(with_login("kind: Config\nusers: null\n", LoginMode.AZURE_CLI))
