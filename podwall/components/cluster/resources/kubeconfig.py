"""The kubeconfig of a cluster, always secret, and how it signs in."""

from __future__ import annotations

import base64
from typing import Any

import yaml
from pulumi import Input, InvokeOutputOptions, Output
from pulumi_azure_native.containerservice import (
    ManagedCluster,
    list_managed_cluster_user_credentials_output,
)

from podwall.components.cluster.access import Entra, LoginMode, SignIn

__all__ = ["kubeconfig_of", "login_arguments", "with_login"]


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


def kubeconfig_of(cluster: ManagedCluster, group: Input[str], sign_in: SignIn) -> Output[str]:
    """Return the kubeconfig that signs in as `sign_in` says, as a secret.

    The name is an output of the cluster, so that a first preview does not ask Azure for the
    credentials of a cluster that is not there yet.
    """
    credentials = list_managed_cluster_user_credentials_output(
        resource_group_name=group,
        resource_name=cluster.name,
        format="exec",
        opts=InvokeOutputOptions(parent=cluster, depends_on=[cluster]),
    )
    return Output.secret(
        credentials.apply(lambda found: _kubeconfig(found.kubeconfigs[0].value, sign_in))
    )


def _kubeconfig(encoded: str, sign_in: SignIn) -> str:
    text = base64.b64decode(encoded).decode()
    return with_login(text, sign_in.login) if isinstance(sign_in, Entra) else text
