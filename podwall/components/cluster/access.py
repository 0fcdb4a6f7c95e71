"""Who can reach the API server and sign in, and the identities that the cluster acts as."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from podwall.aks import limits
from podwall.aks.limits import refusal
from podwall.components.cluster.networks import ipv4_range
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi import Input

__all__ = [
    "Access",
    "ApiServer",
    "Entra",
    "ExistingIdentity",
    "Identities",
    "LocalAccounts",
    "LoginMode",
    "Principal",
    "PrincipalType",
    "PrivateApiServer",
    "PublicApiServer",
    "Role",
    "SignIn",
]


_RANGES_PAGE = "api-server-authorized-ip-ranges"
_PRIVATE_PAGE = "private-clusters"


@dataclass(frozen=True, slots=True)
class PublicApiServer:
    """The API server has a public address.

    `authorized_ip_ranges` are the only ranges that may call it, where there are any: up to 200, or
    2,000 with VNet integration. Name the addresses of your pipelines; the cluster's own way out is
    added by AKS where it is the load balancer's, and must be named where it is not.
    See https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges.
    """

    authorized_ip_ranges: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is not a range of IPv4 addresses, and the range of everyone."""
        for text in self.authorized_ip_ranges:
            if ipv4_range(text, "access.api_server.authorized_ip_ranges").prefixlen == 0:
                raise refusal(
                    "access.api_server.authorized_ip_ranges",
                    f"`{text}` is every address, so it restricts nothing",
                    "name your own ranges, or leave it empty to say that anyone may call",
                    _RANGES_PAGE,
                )


@dataclass(frozen=True, slots=True)
class PrivateApiServer:
    """The API server has an address in the virtual network only.

    `private_dns_zone` is `system` (AKS makes a zone), `none` (DNS is yours; then a public name must
    exist), or the id of a zone `privatelink.<region>.azmk8s.io` or below; the component gives the
    cluster's identity the roles that a zone of yours needs. Whatever runs Pulumi and kubectl has to
    be inside the network. See https://learn.microsoft.com/azure/aks/private-clusters.
    """

    private_dns_zone: Input[str] = "system"
    public_fqdn: bool = False
    fqdn_subdomain: str | None = None

    def __post_init__(self) -> None:
        """Refuse clusters without any name, and a subdomain without a zone of yours."""
        if self.private_dns_zone == "none" and not self.public_fqdn:
            raise refusal(
                "access.api_server.private_dns_zone",
                "`none` without a public name leaves the API server without any name",
                "set `public_fqdn=True`, or choose `system` or the id of a zone",
                _PRIVATE_PAGE,
            )
        if self.has_own_zone != (self.fqdn_subdomain is not None):
            raise refusal(
                "access.api_server.fqdn_subdomain",
                "a zone of your own and a subdomain of it belong together",
                "give both, or neither",
                _PRIVATE_PAGE,
            )

    @property
    def has_own_zone(self) -> bool:
        """Whether the zone is one of yours."""
        return self.private_dns_zone not in ("system", "none")


ApiServer = PublicApiServer | PrivateApiServer
"""Whether the API server has a public address."""


class LoginMode(StrEnum):
    """How `kubelogin` proves who is asking; the choice is written into the kubeconfig.

    `AZURE_CLI` for people who ran `az login`; `WORKLOAD_IDENTITY` and `SERVICE_PRINCIPAL` for
    pipelines; `MANAGED_IDENTITY` on Azure machines; `DEVICE_CODE` asks in a browser.
    See https://azure.github.io/kubelogin/concepts/login-modes.html.
    """

    AZURE_CLI = "azurecli"
    WORKLOAD_IDENTITY = "workloadidentity"
    SERVICE_PRINCIPAL = "spn"
    MANAGED_IDENTITY = "msi"
    DEVICE_CODE = "devicecode"


class PrincipalType(StrEnum):
    """What kind of identity an object id belongs to."""

    GROUP = "Group"
    USER = "User"
    SERVICE_PRINCIPAL = "ServicePrincipal"


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone or something in Entra ID, by its object id."""

    object_id: Input[str]
    type: PrincipalType = PrincipalType.GROUP


@dataclass(frozen=True, slots=True)
class LocalAccounts:
    """Everyone with the kubeconfig is an administrator, and no one can be told apart.

    It needs nothing but the cluster, so it is the default; prefer `Entra` for anything shared.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Entra:
    """People and pipelines sign in with Entra ID, and Azure roles say what they may do.

    `admin_groups` are object ids of groups that administer the cluster. `admins` get the role
    *Azure Kubernetes Service RBAC Cluster Admin* on this cluster, `users` the *Cluster User* role
    (they may download the kubeconfig; what they may do inside is another role). Whoever runs
    Pulumi has to be among the administrators. Local accounts are off, because they are a way around
    Entra that no log names; `kubelogin` has to be installed where the kubeconfig is used.
    See https://learn.microsoft.com/azure/aks/manage-azure-rbac.
    """

    admin_groups: tuple[Input[str], ...] = ()
    admins: tuple[Principal, ...] = ()
    users: tuple[Principal, ...] = ()
    tenant_id: str | None = None
    azure_rbac: bool = True
    local_accounts: bool = False
    login: LoginMode = LoginMode.AZURE_CLI

    def __post_init__(self) -> None:
        """Refuse clusters that nobody can administer."""
        if not self.admin_groups and not self.admins:
            raise refusal(
                "access.sign_in.admin_groups",
                "nobody would be able to administer the cluster",
                "name a group of Entra ID in `admin_groups`, or someone in `admins`",
                "manage-azure-rbac",
            )
        if self.admins and not self.azure_rbac:
            raise refusal(
                "access.sign_in.admins",
                "roles of Azure mean nothing while `azure_rbac` is off",
                "set `azure_rbac=True`, or use `admin_groups`",
                "manage-azure-rbac",
            )


SignIn = LocalAccounts | Entra
"""How one signs in to the cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who can reach and use the API server.

    `vnet_integration` puts the API server into a subnet of the network, so that nodes reach it
    without a tunnel; it can't be taken back. `run_command` allows `az aks command invoke`, a way
    around every network rule.
    """

    api_server: ApiServer = PublicApiServer()
    vnet_integration: bool = False
    run_command: bool = False
    sign_in: SignIn = LocalAccounts()

    def __post_init__(self) -> None:
        """Refuse more authorised ranges than the API server takes."""
        if not isinstance(self.api_server, PublicApiServer):
            return
        most = limits.AUTHORIZED_RANGES
        if self.vnet_integration:
            most = limits.AUTHORIZED_RANGES_WITH_VNET_INTEGRATION
        if len(self.api_server.authorized_ip_ranges) > most:
            raise refusal(
                "access.api_server.authorized_ip_ranges",
                f"{len(self.api_server.authorized_ip_ranges)} ranges are more than {most}",
                "merge neighbouring ranges; with `vnet_integration`"
                f" {limits.AUTHORIZED_RANGES_WITH_VNET_INTEGRATION} are possible",
                _RANGES_PAGE,
            )


@dataclass(frozen=True, slots=True)
class ExistingIdentity:
    """A user-assigned managed identity of yours: its resource id and its principal id."""

    resource_id: Input[str]
    principal_id: Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Who the cluster is.

    `cluster` is what the control plane acts as; left out, the component makes one. It becomes
    Network Contributor on the cluster's subnets before the cluster exists.

    `kubelet` is what nodes act as, for instance to pull images; left out, AKS makes one. With one
    of yours the cluster's identity becomes Managed Identity Operator on it.

    `registries` are ids of container registries that nodes may pull from (role AcrPull).
    See https://learn.microsoft.com/azure/aks/use-managed-identity.
    """

    cluster: ExistingIdentity | None = None
    kubelet: ExistingIdentity | None = None
    registries: tuple[Input[str], ...] = ()


class Role(StrEnum):
    """Azure's built-in roles that the component assigns, by the id of their definition.

    See https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
    """

    NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
    MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
    PRIVATE_DNS_ZONE_CONTRIBUTOR = "b12aa53e-6015-4669-85d0-8515ebb3ae7f"
    ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    CLUSTER_ADMIN = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
    CLUSTER_USER = "4abbcc35-e782-43d8-92c5-2d3f1bd2253f"
