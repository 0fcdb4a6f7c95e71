#!/usr/bin/env bash
# pulumi-kubernetes: under Pulumi's mocks a ConfigGroup of `yaml` has its objects, one of `yaml.v2` has none.
#
# What surprises: both classes are called ConfigGroup and take the same text. That of `yaml` makes its objects in the program's process, so a
# mocked test sees them. That of `yaml.v2`, and the chart of `helm.v4`, are built by the provider, which mocks do not run: one resource
# is registered, with no child, and its `resources` are nothing; no error, no warning.
#
# Why it matters: after a move from `yaml` to `yaml.v2`, a test that walks over all NetworkPolicies and Deployments of a stack still
# passes, over none of them. "No policy admits everyone" holds because no policy is there; the deployment has them all.
#
# Documented: that v2 is a component of the provider is; what mocks make of it is not.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with pulumi 3.272.0, pulumi-kubernetes 4.34.2
# and PyYAML 6.0.3, by which the mocks answer the call that the older class makes:
#:
#: yaml: kubernetes:networking.k8s.io/v1:NetworkPolicy, kubernetes:yaml:ConfigGroup
#: yaml.v2: kubernetes:yaml/v2:ConfigGroup
#: helm.v4: kubernetes:helm.sh/v4:Chart
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
import sys

import pulumi
import yaml

MADE = []
TEXT = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{}]}
"""


class Mocks(pulumi.runtime.Mocks):
    """Remember what is made, and decode YAML as the provider would."""

    def new_resource(self, args):
        MADE.append(args.typ)
        return args.name, args.inputs

    def call(self, args):
        if args.token == "kubernetes:yaml:decode":
            return {"result": list(yaml.safe_load_all(args.args["text"]))}
        return {}


pulumi.runtime.set_mocks(Mocks())
from pulumi_kubernetes.helm.v4 import Chart  # noqa: E402 - after the mocks
from pulumi_kubernetes.yaml import ConfigGroup as OfThePast  # noqa: E402
from pulumi_kubernetes.yaml.v2 import ConfigGroup  # noqa: E402


@pulumi.runtime.test
def program():
    if sys.argv[1] == "yaml":
        OfThePast("policies", yaml=[TEXT])
    elif sys.argv[1] == "yaml.v2":
        ConfigGroup("policies", yaml=TEXT)
    else:
        Chart("policies", chart="./chart")


program()
print(f"{sys.argv[1]}: {', '.join(sorted(MADE))}")
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" pulumi==3.272.0 pulumi-kubernetes==4.34.2 PyYAML==6.0.3 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "pulumi 3.272.0, pulumi-kubernetes 4.34.2 and PyYAML 6.0.3 can't be installed"; }
for way in yaml yaml.v2 helm.v4; do
    PYTHONPATH="$folder/lib" python3 "$folder/probe.py" "$way" >>"$folder/got"
done

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "mocks make other objects of YAML than they did" >&2
    exit 1
fi
echo "as before: mocks see the policies of \`yaml\`, and none of \`yaml.v2\` or \`helm.v4\`"
