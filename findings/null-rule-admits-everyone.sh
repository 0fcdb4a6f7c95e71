#!/usr/bin/env bash
# Kubernetes' Go types: a dash with nothing behind it, in `ingress:`, is a rule that admits everyone. Python's readers say otherwise.
#
# What surprises: `ingress:` with a lone `-` is a list of one null. Go's decoder, and so the API server's, makes an empty rule of null, and an empty rule
# admits everyone: what looks like "nothing here" is `[{}]`, the opposite of `[]`. lightkube refuses the document, and
# PyYAML gives `[None]`, which code that skips empty entries takes for no rule, so for "denies all". In `from:` null becomes a peer
# without a selector, which the API server's validation refuses later.
#
# Why it matters: the lone dash is what a template leaves of an entry whose condition is false, and what is left of a rule that was commented out
# line by line. No reader of YAML complains, and what was meant to say nothing says everyone.
#
# Documented: no; it follows from Go's JSON.
#
# Needs bash, Go 1.24 or newer, python3 (3.10 or newer) with pip, and their package indexes. Output seen with k8s.io/api and
# k8s.io/apimachinery 0.34.4, lightkube 1.0.1 with lightkube-models 1.37.0.8, and PyYAML 6.0.3:
#:
#: API server's strict decoder: {"podSelector":{},"ingress":[{}],"policyTypes":["Ingress"]}
#: PyYAML: {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [null]}
#: lightkube: ValidationError
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
command -v go >/dev/null || unable "needs go on PATH"
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/policy.yaml" <<'YAML'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  -
    # from: [{podSelector: {matchLabels: {app: web}}}]
YAML

cat >"$folder/main.go" <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	text, err := os.ReadFile("policy.yaml")
	must(err)
	scheme := runtime.NewScheme()
	must(networking.AddToScheme(scheme))
	options := serializer.SerializerOptions{Yaml: true, Strict: true}
	decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, options)
	object, _, err := decoder.Decode(text, nil, nil)
	must(err)
	spec, err := json.Marshal(object.(*networking.NetworkPolicy).Spec)
	must(err)
	fmt.Println("API server's strict decoder:", string(spec))
}
GO

cat >"$folder/probe.py" <<'PYTHON'
import json
import sys

import yaml
from lightkube import codecs

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
print("PyYAML:", json.dumps(yaml.safe_load(text)["spec"]))
try:
    print("lightkube:", codecs.load_all_yaml(text))
except Exception as error:  # noqa: BLE001 - whatever it says is the finding
    print("lightkube:", type(error).__name__)
PYTHON

(
    cd "$folder"
    go mod init finding && go get k8s.io/api@v0.34.4 k8s.io/apimachinery@v0.34.4 && go mod tidy && go build -o probe .
) >"$folder/log" 2>&1 || { cat "$folder/log" >&2; unable "the Go modules can't be had or built"; }
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" \
    lightkube==1.0.1 lightkube-models==1.37.0.8 PyYAML==6.0.3 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "lightkube 1.0.1 and PyYAML 6.0.3 can't be installed"; }
{
    (cd "$folder" && ./probe)
    PYTHONPATH="$folder/lib" python3 "$folder/probe.py" "$folder/policy.yaml"
} >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "a null among the rules is read in another way than it was" >&2
    exit 1
fi
echo "as before: a lone dash admits everyone"
