#!/usr/bin/env bash
# Pulumi's mocks for Python: transforms are accepted and never called; the older transformations are called.
#
# What surprises: `pulumi.runtime.set_mocks` runs a program without an engine. `transformations` run in the program's process, so
# they act under mocks. Their successors, `transforms` and `register_resource_transform`, are called by the engine, so under
# mocks none is; no error, no warning, though the SDK has an error for an engine that knows none.
#
# Why it matters: a transform is the usual way to put a namespace, a label or a policy's peer on every object of a stack. The unit test sees
# the objects as they were before it: policies select other pods than after the deployment, and a test that all pods carry a label is
# red, one that none is exposed may be green, whatever the engine will do. Going from transformations to transforms,
# as the documentation advises, changes what the same tests see.
#
# Documented: that transforms are called by the engine is; that mocks leave them out is not.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with pulumi 3.272.0 and pulumi-kubernetes 4.34.2:
#:
#: transforms= of a resource: namespace dev
#: transformations= of a resource: namespace prod
#: register_stack_transformation: namespace prod
#: register_resource_transform: namespace dev
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
import sys

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
from pulumi_kubernetes.networking.v1 import NetworkPolicy  # noqa: E402 - after the mocks


def moved(args):
    """Put an object into the namespace `prod`, as either kind of function."""
    props = dict(args.props) | {"metadata": {"name": "closed", "namespace": "prod"}}
    if isinstance(args, pulumi.ResourceTransformArgs):
        return pulumi.ResourceTransformResult(props, args.opts)
    return pulumi.ResourceTransformationResult(props, args.opts)


def policy(name, **options):
    NetworkPolicy(name, metadata={"name": "closed", "namespace": "dev"}, spec={"pod_selector": {}},
                  opts=pulumi.ResourceOptions(**options))  # fmt: skip


@pulumi.runtime.test
def program():
    if sys.argv[1] == "options":
        policy("transformations= of a resource", transformations=[moved])
        policy("transforms= of a resource", transforms=[moved])
    elif sys.argv[1] == "transformation":
        pulumi.runtime.register_stack_transformation(moved)
        policy("register_stack_transformation")
    else:
        pulumi.runtime.register_resource_transform(moved)
        policy("register_resource_transform")


program()
for name in sorted(SENT, reverse=True):
    print(f"{name}: namespace {SENT[name]['metadata']['namespace']}")
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" pulumi==3.272.0 pulumi-kubernetes==4.34.2 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "pulumi 3.272.0 and pulumi-kubernetes 4.34.2 can't be installed"; }
for way in options transformation transform; do
    PYTHONPATH="$folder/lib" python3 "$folder/probe.py" "$way" >>"$folder/got"
done

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "mocks treat transforms in another way than they did" >&2
    exit 1
fi
echo "as before: mocks call transformations, and no transform"
