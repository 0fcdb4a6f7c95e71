#!/usr/bin/env bash
# pulumi-policy for Python: in what a policy is given, an empty dictionary is equal to `{}`, an empty list is not equal to `[]`.
#
# What surprises: `args.props` is not made of dictionaries and lists but of views that watch for unknown values. The view of a dictionary is
# a `Mapping`, whose equality is that of its items. The view of a list is a `Sequence`, which brings no equality, so that it is
# equal to itself only. `props["spec"]["podSelector"] == {}` is true, `props["spec"]["ingress"] == []` is false, of the same policy;
# and a dictionary that has a list somewhere inside is equal to none. `json.dumps` and `isinstance(..., dict)` fail, too.
#
# Why it matters: "denies everything" is `ingress == []`, "open to everyone" is `ingress == [{}]`. Both are the obvious way to write a
# rule for NetworkPolicies, and both are false for ever: the first reports each default deny, the second finds no open one.
# A unit test that calls the rule with plain dictionaries is green. Ask for lengths and members, or copy the values first.
#
# Documented: no.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with pulumi-policy 1.21.0 and pulumi 3.272.0:
#:
#: podSelector == {}: True
#: ingress == []: False
#: egress == [{}]: False
#: spec == the same dictionary: False
#: isinstance(spec, dict): False
#: len(ingress) == 0: True
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
from pulumi_policy.proxy import unknown_checking_proxy

SPEC = {"podSelector": {}, "ingress": [], "egress": [{}]}
spec = unknown_checking_proxy({"spec": SPEC})["spec"]
print("podSelector == {}:", spec["podSelector"] == {})
print("ingress == []:", spec["ingress"] == [])
print("egress == [{}]:", spec["egress"] == [{}])
print("spec == the same dictionary:", spec == SPEC)
print("isinstance(spec, dict):", isinstance(spec, dict))
print("len(ingress) == 0:", len(spec["ingress"]) == 0)
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" pulumi==3.272.0 pulumi-policy==1.21.0 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "pulumi 3.272.0 and pulumi-policy 1.21.0 can't be installed"; }
PYTHONPATH="$folder/lib" python3 "$folder/probe.py" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "what policies are given compares in another way than it did" >&2
    exit 1
fi
echo "as before: no list that a policy is given is equal to a list"
