"""How a kubeconfig says that `kubelogin` signs in."""

from __future__ import annotations

from typing import Any

import yaml

from podwall.components.cluster.access import LoginMode

__all__ = ["login_arguments", "with_login"]

_OF_THE_BROWSER = ("--client-id", "--tenant-id")


def with_login(kubeconfig: str, mode: LoginMode) -> str:
    """Return `kubeconfig` with every `kubelogin` user signing in as `mode` says.

    AKS writes `devicecode`, which waits for a person and a browser; this does what
    `kubelogin convert-kubeconfig -l <mode>` would do.
    """
    document: dict[str, Any] = yaml.safe_load(kubeconfig)
    for user in document.get("users") or []:
        command = user.get("user", {}).get("exec")
        if command is not None and command.get("command") == "kubelogin":
            command["args"] = login_arguments(command.get("args") or [], mode)
    return yaml.safe_dump(document, sort_keys=False)


def login_arguments(arguments: list[str], mode: LoginMode) -> list[str]:
    """Return the arguments of `kubelogin get-token` for `mode`.

    The ids of AKS's own browser client are left out where another client signs in.

    >>> login_arguments(["--login", "devicecode", "--client-id", "c"], LoginMode.AZURE_CLI)
    ['--login', 'azurecli']
    """
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--login":
            kept += ["--login", mode.value]
            next(rest, None)
        elif argument in _OF_THE_BROWSER and mode is not LoginMode.DEVICE_CODE:
            next(rest, None)
        else:
            kept.append(argument)
    return kept
