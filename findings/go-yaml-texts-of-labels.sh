#!/usr/bin/env bash
# sigs.k8s.io/yaml: into a typed NetworkPolicy the label `y` becomes the text "true", and the label's key `n` becomes "false".
#
# What surprises: three readers of the field's documents give one label three meanings. PyYAML's safe_load, of which the Kubernetes client
# for Python makes objects, takes `y` and `n` for texts (it knows yes, no, on and off only). sigs.k8s.io/yaml takes them for truth values,
# as YAML 1.1 has it, and then goes two ways: `YAMLToJSON`, which kubectl and the API server decode, leaves a truth value, which is
# refused as a label; `Unmarshal` into a Go type sees that text is wanted and makes one, "true", "8" of `010` and "1.1" of `1.10`.
#
# Why it matters: pods with `zone: y` made by Python carry "y"; a Go controller, test or analyser that reads the policy beside them
# by `yaml.Unmarshal` selects "true", so it protects, or admits, other pods, and says nothing. kubectl refuses the same file, so it does not
# show in what was applied. The text is changed where it was meant as a text, too: `version: 1.10` selects "1.1".
#
# Documented: that scalars follow YAML 1.1 is; that a typed target turns them into other texts stands in the code only.
#
# Needs bash, Go 1.24 or newer, python3 with pip, and their package indexes.
# Output seen with sigs.k8s.io/yaml 1.6.0, k8s.io/api and k8s.io/apimachinery 0.34.4, PyYAML 6.0.3:
#:
#: YAMLToJSON: {"false":8,"version":1.1,"zone":true}
#: Unmarshal:  {"false":"8","version":"1.1","zone":"true"}
#: API server's decoder: refused
#: PyYAML: {"n": 8, "version": 1.1, "zone": "y"}
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
metadata: {name: zone, namespace: shop}
spec: {podSelector: {matchLabels: {zone: y, n: 010, version: 1.10}}}
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
	"sigs.k8s.io/yaml"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	text, err := os.ReadFile("policy.yaml")
	must(err)

	// As it is: what kubectl sends.
	asJSON, err := yaml.YAMLToJSON(text)
	must(err)
	var plain struct {
		Spec struct {
			PodSelector struct {
				MatchLabels json.RawMessage `json:"matchLabels"`
			} `json:"podSelector"`
		} `json:"spec"`
	}
	must(json.Unmarshal(asJSON, &plain))
	fmt.Println("YAMLToJSON:", string(plain.Spec.PodSelector.MatchLabels))

	// Into the type.
	var policy networking.NetworkPolicy
	must(yaml.Unmarshal(text, &policy))
	labels, err := json.Marshal(policy.Spec.PodSelector.MatchLabels)
	must(err)
	fmt.Println("Unmarshal: ", string(labels))

	// As the API server decodes a body of YAML.
	scheme := runtime.NewScheme()
	must(networking.AddToScheme(scheme))
	options := serializer.SerializerOptions{Yaml: true}
	decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, options)
	outcome := "read"
	if _, _, err = decoder.Decode(text, nil, nil); err != nil {
		outcome = "refused"
	}
	fmt.Println("API server's decoder:", outcome)
}
GO

cat >"$folder/probe.py" <<'PYTHON'
import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as text:
    labels = yaml.safe_load(text)["spec"]["podSelector"]["matchLabels"]
print("PyYAML:", json.dumps(labels, sort_keys=True))
PYTHON

(
    cd "$folder"
    go mod init finding && go get sigs.k8s.io/yaml@v1.6.0 k8s.io/api@v0.34.4 k8s.io/apimachinery@v0.34.4 && go mod tidy &&
        go build -o probe .
) >"$folder/log" 2>&1 || { cat "$folder/log" >&2; unable "the Go modules can't be had or built"; }
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" PyYAML==6.0.3 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "PyYAML 6.0.3 can't be installed"; }
{
    (cd "$folder" && ./probe)
    PYTHONPATH="$folder/lib" python3 "$folder/probe.py" "$folder/policy.yaml"
} >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "the readers take the labels in another way than they did" >&2
    exit 1
fi
echo "as before: three readers, three labels"
