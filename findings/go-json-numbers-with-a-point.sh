#!/usr/bin/env bash
# Kubernetes' Go types: the port `80.0` is a port in YAML, and an error in JSON, for the same decoder. Python writes `80.0`.
#
# What surprises: Kubernetes reads YAML by making JSON of it, so the two are taken for one language. On that way `80.0` becomes `80`.
# As JSON the same number stays `80.0`, which neither IntOrString (`port`) nor int32 (`endPort`) takes. Two documents of equal
# value, one of them valid YAML *and* JSON: it depends on how the reader was told to read it.
#
# Why it matters: Pulumi hands every number on as a floating point one (protobuf knows no other), so what a mock or a policy is given for
# `port: 5432` is `5432.0` in Python. `json.dumps` writes it with the point: a manifest that was exported from a mocked test
# or a policy pack is refused as .json and read as .yaml, and a validator that took the YAML for a check of the JSON was wrong.
#
# Documented: no.
#
# Needs bash, Go 1.24 or newer, and the Go module index. Output seen with k8s.io/api and k8s.io/apimachinery 0.34.4:
#:
#: {"port": 80} as JSON: {"port":80}
#: {"port": 80} as YAML: {"port":80}
#: {"port": 80.0} as JSON: refused
#: {"port": 80.0} as YAML: {"port":80}
#: {"port": 80, "endPort": 90.0} as JSON: refused
#: {"port": 80, "endPort": 90.0} as YAML: {"port":80,"endPort":90}
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
command -v go >/dev/null || unable "needs go on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/main.go" <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
)

const policy = `{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a"},
"spec": {"podSelector": {}, "ingress": [{"ports": [%s]}]}}`

func main() {
	scheme := runtime.NewScheme()
	if err := networking.AddToScheme(scheme); err != nil {
		panic(err)
	}
	for _, port := range []string{`{"port": 80}`, `{"port": 80.0}`, `{"port": 80, "endPort": 90.0}`} {
		for _, language := range []string{"JSON", "YAML"} {
			options := serializer.SerializerOptions{Yaml: language == "YAML"}
			decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, options)
			object, _, err := decoder.Decode([]byte(fmt.Sprintf(policy, port)), nil, nil)
			outcome := []byte("refused")
			if err == nil {
				outcome, err = json.Marshal(object.(*networking.NetworkPolicy).Spec.Ingress[0].Ports[0])
				if err != nil {
					panic(err)
				}
			}
			fmt.Printf("%s as %s: %s\n", port, language, outcome)
		}
	}
}
GO

(
    cd "$folder"
    go mod init finding && go get k8s.io/api@v0.34.4 k8s.io/apimachinery@v0.34.4 && go mod tidy && go build -o probe .
) >"$folder/log" 2>&1 || { cat "$folder/log" >&2; unable "the Go modules can't be had or built"; }
"$folder/probe" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "numbers with a point are read in another way than they were" >&2
    exit 1
fi
echo "as before: a port with a point is one in YAML, and none in JSON"
