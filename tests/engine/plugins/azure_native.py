"""The Azure stand-in: names, plans and refuses as azure-native does, and keeps nothing.

Like the provider, it marks almost every computed output of a planned change as unknown, deletes
before it replaces where the program chose the name, and answers a question about a cluster that
does not exist yet with an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.engine.plugins.azure_kinds import kind_of
from tests.engine.plugins.changes import changes
from tests.engine.plugins.kubeconfig import credentials
from tests.engine.plugins.provider import Absent, Created, Difference, Refused, Resource
from tests.engine.plugins.wire import UNKNOWN, Properties, has_unknown

__all__ = ["DRIFT", "AzureNative"]

DRIFT = "PODWALL_STAND_IN_DRIFT"
"""Names a JSON file: what somebody changed in Azure, `{end of URN: {property path: value}}`."""

_CREATE_FIRST = "__createBeforeDelete"
_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_IDENTITY = "11111111-1111-1111-1111-111111111111"
_CLUSTER = "azure-native:containerservice:ManagedCluster"


@dataclass(slots=True)
class AzureNative:
    """Answers for every azure-native resource type, as `Provider` describes."""

    version: str = version("pulumi-azure-native")
    keeps_secrets: bool = False
    _settings: Properties = field(default_factory=dict)
    _clusters: dict[str, Properties] = field(default_factory=dict)

    def difference_of_configuration(self, old: Properties, new: Properties) -> Difference:
        """Return no difference: the provider never replaces itself."""
        del old, new
        return Difference()

    def configure(self, settings: Properties) -> None:
        """Remember the configuration: it may name a location, for the groups that name none."""
        self._settings = settings

    def checked(self, resource: Resource, old: Properties, new: Properties) -> Properties:
        """Return `new` with a name and a location where the program gave none."""
        if resource.type.endswith(":ResourceGroup") and "location" not in new:
            new = {**new, "location": self._location()}
        name = kind_of(resource.type).names[-1]
        if name in new:
            return new
        if name in old:
            return {**new, name: old[name], _CREATE_FIRST: old.get(_CREATE_FIRST, True)}
        return {**new, name: _generated(resource), _CREATE_FIRST: True}

    def difference(self, resource: Resource, old: Properties, new: Properties) -> Difference:
        """Return what changes; immutable are the id's names and what the type adds."""
        self._remember(resource, old)
        kind = kind_of(resource.type)
        immutable = {*kind.names, "resourceGroupName", *kind.immutable}
        delete_first = not old.get(_CREATE_FIRST, False)
        return Difference.between(changes(old, new), immutable, delete_first=delete_first)

    def previewed(self, resource: Resource, inputs: Properties, state: Properties) -> Properties:
        """Return the inputs, and of an update the `name` and `location`; the rest is unknown."""
        computed: Properties = dict.fromkeys(
            (*kind_of(resource.type).computed, "name", "type"), UNKNOWN
        )
        known: Properties = {key: state[key] for key in ("name", "location") if key in state}
        return {**_reported(inputs, resource), **computed, **known}

    def created(self, resource: Resource, inputs: Properties) -> Created:
        """Return the resource under the id that Azure would give it."""
        if has_unknown(inputs):
            message = f"`{resource.name}` has an unknown input when it is created"
            raise Refused(message)
        identifier = _identifier(resource, inputs)
        outputs = self._outputs(resource, inputs, identifier)
        return Created(identifier, outputs)

    def updated(self, resource: Resource, inputs: Properties, state: Properties) -> Properties:
        """Return the outputs after a change in place."""
        del state
        return self._outputs(resource, inputs, _identifier(resource, inputs))

    def read(
        self, resource: Resource, inputs: Properties, state: Properties
    ) -> tuple[Properties, Properties]:
        """Return what is there: the state, and what the file named by `DRIFT` says has changed.

        A changed output becomes an input, as in the provider, so that a program which is changed
        to agree has nothing left to do.
        """
        self._remember(resource, inputs)
        for path, value in _drift(resource.urn):
            inputs, state = _replaced(inputs, path, value), _replaced(state, path, value)
        return inputs, state

    def deleted(self, resource: Resource) -> None:
        """Forget the resource: nothing stands in the way."""

    def invoked(self, token: str, arguments: Properties) -> Properties:
        """Return the answer to a function: cluster credentials or who is signed in."""
        if "ManagedCluster" in token and token.endswith("Credentials"):
            return self._credentials(token, arguments)
        if token.endswith(":getClientConfig"):
            return {
                "subscriptionId": _SUBSCRIPTION,
                "tenantId": _IDENTITY,
                "clientId": _IDENTITY,
                "objectId": _IDENTITY,
            }
        message = f"the stand-in has no function `{token}`"
        raise Refused(message)

    def _location(self) -> str:
        if "location" not in self._settings:
            message = "missing required property 'location'. Either set it explicitly or configure"
            raise Refused(f"{message} it with 'pulumi config set azure-native:location <value>'.")
        return str(self._settings["location"])

    def _credentials(self, token: str, arguments: Properties) -> Properties:
        name = arguments.get("resourceName", "")
        if name not in self._clusters:
            message = f"ResourceNotFound: the cluster `{name}` was not found"
            raise Absent(message)
        if "Admin" in token and self._clusters[name].get("disableLocalAccounts"):
            message = "Getting static credential isn't allowed: local accounts are disabled"
            raise Refused(message)
        return credentials(name, str(arguments.get("format", "azure")))

    def _outputs(self, resource: Resource, inputs: Properties, identifier: str) -> Properties:
        self._remember(resource, inputs)
        name = identifier.rsplit("/", 1)[-1]
        found = {**_reported(inputs, resource), "name": name, "type": identifier.split("/")[-2]}
        if resource.type.endswith(":UserAssignedIdentity"):
            return {**found, "principalId": _IDENTITY, "clientId": _IDENTITY, "tenantId": _IDENTITY}
        if resource.type == _CLUSTER:
            return {**found, **_cluster(name, inputs)}
        return found

    def _remember(self, resource: Resource, inputs: Properties) -> None:
        if resource.type == _CLUSTER:
            self._clusters[inputs.get("resourceName", resource.name)] = inputs


def _generated(resource: Resource) -> str:
    """Return a name nobody else has, which for a role assignment is a UUID and nothing more."""
    seed = hashlib.sha256(resource.seed or resource.urn.encode()).hexdigest()
    if resource.type.endswith(":RoleAssignment"):
        return str(uuid.UUID(seed[:32], version=4))
    return f"{resource.name}{seed[:8]}"


def _identifier(resource: Resource, inputs: Properties) -> str:
    kind = kind_of(resource.type)
    path = kind.path.format_map({name: inputs[name] for name in kind.names})
    if resource.type.endswith(":ResourceGroup"):
        return f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/{path}"
    group = inputs.get("resourceGroupName")
    scope = (
        f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/{group}"
        if group
        else inputs.get("scope", "")
    )
    return f"{scope}/providers/{path}"


def _reported(inputs: Properties, resource: Resource) -> Properties:
    """Return the inputs as Azure repeats them: a list of identities comes back as a map."""
    found = {key: value for key, value in inputs.items() if key != _CREATE_FIRST}
    identity = inputs.get("identity")
    if isinstance(identity, dict) and isinstance(identity.get("userAssignedIdentities"), list):
        identities = identity["userAssignedIdentities"]
        found["identity"] = {**identity, "userAssignedIdentities": _by_id(identities)}
    if resource.type == _CLUSTER and "oidcIssuerProfile" in found:
        found["oidcIssuerProfile"] = {**found["oidcIssuerProfile"], "issuerURL": UNKNOWN}
    return found


def _by_id(identities: list[Any]) -> Any:
    if has_unknown(identities):
        return UNKNOWN
    return {one: {"clientId": _IDENTITY, "principalId": _IDENTITY} for one in identities}


def _cluster(name: str, inputs: Properties) -> Properties:
    kubelet = {"clientId": _IDENTITY, "objectId": _IDENTITY, "resourceId": f"/kubelet/{name}"}
    issuer = {
        **inputs.get("oidcIssuerProfile", {}),
        "issuerURL": f"https://oidc.example.test/{name}/",
    }
    return {
        "fqdn": f"{name}.example.test",
        "provisioningState": "Succeeded",
        "resourceUID": hashlib.sha256(name.encode()).hexdigest()[:24],
        "currentKubernetesVersion": inputs.get("kubernetesVersion", "1.36"),
        "nodeResourceGroup": inputs.get("nodeResourceGroup", f"MC_{name}"),
        "identityProfile": {"kubeletidentity": kubelet},
        "oidcIssuerProfile": issuer,
    }


def _drift(urn: str) -> Iterator[tuple[str, object]]:
    path = os.environ.get(DRIFT)
    drifts = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    for end, changed in drifts.items():
        if urn.endswith(end):
            yield from changed.items()


def _replaced(properties: Properties, path: str, value: object) -> Properties:
    """Return `properties` with the value at the dotted `path`.

    >>> _replaced({"sku": {"tier": "Free", "name": "Base"}}, "sku.tier", "Standard")
    {'sku': {'tier': 'Standard', 'name': 'Base'}}
    """
    head, _, rest = path.partition(".")
    inner = _replaced(properties.get(head, {}), rest, value) if rest else value
    return {**properties, head: inner}
