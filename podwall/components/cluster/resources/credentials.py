"""The kubeconfig of a cluster, always secret."""

from __future__ import annotations

import base64

from pulumi import Input, InvokeOutputOptions, Output
from pulumi_azure_native.containerservice import (
    ManagedCluster,
    list_managed_cluster_user_credentials_output,
)

from podwall.components.cluster.access import Entra, SignIn
from podwall.components.cluster.resources.kubelogin import with_login

__all__ = ["kubeconfig_of"]


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
