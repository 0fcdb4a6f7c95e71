#!/usr/bin/env bash
# kubernetes 37 for Python: an ingress rule that is built by its own field's name admits everyone.
#
# What surprises: since 37 the models are pydantic's, and allow fields by name (`validate_by_name`) while they forbid whatever
# they don't know (`extra="forbid"`). The field of `V1NetworkPolicyIngressRule` for `from` is called `var_from`. By this name it
# can be read and assigned, and `model_fields` and `model_dump()` show it. The constructor takes it without an error, and
# leaves it out. So the copy `Rule(**rule.model_dump())`, which is right for every other model, is `{}`.
#
# Why it matters: in a NetworkPolicy a rule without `from` admits everyone. A list of peers becomes no list of peers, not an error.
# Up to 36 the same call is a TypeError. Egress rules (`to`) and ports are not concerned.
#
# Documented: no. The name is dropped on purpose in the generated code; the old one, `_from`, and the wire's, `from`, work.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. Output seen with kubernetes 36.0.3 and 37.0.2:
#:
#: 36.0.3 _from=: {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
#: 36.0.3 var_from=: TypeError
#: 37.0.2 _from=: {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
#: 37.0.2 var_from=: {}
#: 37.0.2 rule.var_from = ...: {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
#: 37.0.2 Rule(**rule.model_dump()): {}
#: 37.0.2 model_config: validate_by_name=True extra=forbid
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
import json
from importlib.metadata import version

from kubernetes import client

RELEASE = version("kubernetes")
Rule = client.V1NetworkPolicyIngressRule
web = client.V1NetworkPolicyPeer(pod_selector=client.V1LabelSelector(match_labels={"app": "web"}))


def show(what, made):
    """Print what the client would send of a rule, or the error."""
    try:
        sent = json.dumps(client.ApiClient().sanitize_for_serialization(made()))
    except TypeError as error:
        sent = type(error).__name__
    print(f"{RELEASE} {what}: {sent}")


def assigned():
    rule = Rule()
    rule.var_from = [web]
    return rule


show("_from=", lambda: Rule(_from=[web]))
show("var_from=", lambda: Rule(var_from=[web]))
if hasattr(Rule, "model_fields"):
    show("rule.var_from = ...", assigned)
    show("Rule(**rule.model_dump())", lambda: Rule(**Rule(_from=[web]).model_dump()))
    config = Rule.model_config
    print(f"{RELEASE} model_config: validate_by_name={config['validate_by_name']} extra={config['extra']}")
PYTHON

for release in 36.0.3 37.0.2; do
    python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/$release" "kubernetes==$release" 2>"$folder/log" ||
        { cat "$folder/log" >&2; unable "kubernetes $release can't be installed"; }
    PYTHONPATH="$folder/$release" python3 "$folder/probe.py" >>"$folder/got"
done

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "the client takes other names for \`from\` than it did" >&2
    exit 1
fi
echo "as before: built by its field's name, the rule admits everyone"
