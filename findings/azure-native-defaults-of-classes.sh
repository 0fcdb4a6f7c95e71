#!/usr/bin/env bash
# pulumi-azure-native for Python: the same network profile sends other values as a class than as a dictionary.
#
# What surprises: Pulumi's Python SDKs take a nested argument as a class or as a dictionary, and both are meant to be equal ways to
# write it. `ContainerServiceNetworkProfileArgs` fills in four values that nobody wrote (`podCidr`, `serviceCidr`,
# `dnsServiceIP`, `outboundType`), `LocalDNSProfileArgs` a fifth (`mode`), in the program's process. The dictionary of the same content fills in none.
#
# Why it matters: AKS then gets a pod range that was not asked for, also where pods have addresses of a subnet (no `networkPluginMode`),
# where no such range exists. Who rewrites a class as a dictionary or back, "without a change", changes the cluster's network
# profile, of which the ranges can't change in place: the provider plans a replacement of the cluster. A tool that reads
# `podCidr` from a program's plan takes the SDK's value for the author's, and answers for ip blocks by it.
#
# Documented: no. The docstring of `pod_cidr` says that it is for kubenet, and no class says that it fills anything in.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with pulumi 3.272.0 and pulumi-azure-native 3.29.0,
# under Pulumi's mocks, which show what a program sends:
#:
#: class networkProfile: {"dnsServiceIP": "10.0.0.10", "networkPlugin": "azure", "networkPolicy": "cilium", "outboundType": "loadBalancer", "podCidr": "10.244.0.0/16", "serviceCidr": "10.0.0.0/16"}
#: dict  networkProfile: {"networkPlugin": "azure", "networkPolicy": "cilium"}
#: class localDNSProfile: {"mode": "Preferred"}
#: dict  localDNSProfile: {}
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
import json

import pulumi

SENT = {}


class Mocks(pulumi.runtime.Mocks):
    """Remember what each resource sends."""

    def new_resource(self, args):
        SENT[args.name] = args.inputs
        return args.name, args.inputs

    def call(self, args):
        return {}


pulumi.runtime.set_mocks(Mocks())
from pulumi_azure_native import containerservice as aks  # noqa: E402 - after the mocks


@pulumi.runtime.test
def program():
    network = {"network_plugin": "azure", "network_policy": "cilium"}
    for name, profile, dns in (
        ("class", aks.ContainerServiceNetworkProfileArgs(**network), aks.LocalDNSProfileArgs()),
        ("dict ", network, {}),
    ):
        aks.ManagedCluster(name, resource_group_name="group", network_profile=profile)
        aks.AgentPool(f"{name} pool", resource_group_name="group", resource_name_="cluster",
                      local_dns_profile=dns)  # fmt: skip


program()
for part, suffix in (("networkProfile", ""), ("localDNSProfile", " pool")):
    for name in ("class", "dict "):
        print(f"{name} {part}: {json.dumps(SENT[name + suffix][part], sort_keys=True)}")
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" pulumi==3.272.0 pulumi-azure-native==3.29.0 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "pulumi 3.272.0 and pulumi-azure-native 3.29.0 can't be installed"; }
PYTHONPATH="$folder/lib" python3 "$folder/probe.py" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "the class and the dictionary differ in another way than they did" >&2
    exit 1
fi
echo "as before: the class sends ranges that nobody wrote, the dictionary none"
