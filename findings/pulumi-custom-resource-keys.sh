#!/usr/bin/env bash
# pulumi-kubernetes for Python: `pod_selector` is sent as `podSelector`; `endpoint_selector` of a CustomResource is sent as it stands.
#
# What surprises: the same SDK takes dictionaries with Python's names for every kind that it knows, and translates them down to the
# last level, `from_` into `from`, too. `apiextensions.CustomResource` takes a dictionary just so, and translates nothing of `spec`,
# while its own arguments (`api_version`) are in Python's names. No check, no warning. It also goes the other way: in a NetworkPolicy
# `_from`, the name that the Kubernetes client for Python has for it, is sent as `_from`.
#
# Why it matters: who writes a CiliumNetworkPolicy or a Calico policy in the style of the NetworkPolicy above it sends fields that no
# reader knows: a peer that is not there. A mocked test that asks for the same names finds them. With a NetworkPolicy `_from` is no
# peer at all, so a rule for everyone, as soon as whoever takes the object drops unknown fields.
#
# Documented: the arguments of CustomResource are typed `Any`; the difference is said nowhere.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with pulumi 3.272.0 and pulumi-kubernetes
# 4.34.2, under Pulumi's mocks, which show what a program sends:
#:
#: NetworkPolicy: {"ingress": [{"_from": [{"podSelector": {}}]}, {"from": [{"podSelector": {}}]}], "podSelector": {}}
#: CiliumNetworkPolicy: {"endpoint_selector": {}, "ingress": [{"from_endpoints": [{}]}]}
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
from pulumi_kubernetes.apiextensions import CustomResource  # noqa: E402 - after the mocks
from pulumi_kubernetes.networking.v1 import NetworkPolicy  # noqa: E402


@pulumi.runtime.test
def program():
    NetworkPolicy(
        "NetworkPolicy",
        spec={
            "pod_selector": {},
            "ingress": [{"_from": [{"podSelector": {}}]}, {"from_": [{"pod_selector": {}}]}],
        },
    )
    CustomResource(
        "CiliumNetworkPolicy",
        api_version="cilium.io/v2",
        kind="CiliumNetworkPolicy",
        spec={"endpoint_selector": {}, "ingress": [{"from_endpoints": [{}]}]},
    )


program()
for kind in ("NetworkPolicy", "CiliumNetworkPolicy"):
    print(f"{kind}: {json.dumps(SENT[kind]['spec'], sort_keys=True)}")
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" \
    pulumi==3.272.0 pulumi-kubernetes==4.34.2 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "pulumi 3.272.0 and pulumi-kubernetes 4.34.2 can't be installed"; }
PYTHONPATH="$folder/lib" python3 "$folder/probe.py" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "names are translated in another way than they were" >&2
    exit 1
fi
echo "as before: a NetworkPolicy's names are translated, a CustomResource's are not"
