#!/usr/bin/env bash
# sigs.k8s.io/yaml: `Unmarshal` takes `Ingress:` for `ingress:`; the API server's decoder, of the same project, does not.
#
# What surprises: `yaml.Unmarshal` ends in encoding/json, which finds a field whatever the case of its name. apimachinery decodes with
# sigs.k8s.io/json, which compares exactly. One document with `Ingress: [{}]` is a policy that admits everyone for a Go
# program that uses the first, and one without any rule, so that nobody gets in, for the cluster, which drops the field with a
# warning unless the request asks for strict validation. `UnmarshalStrict` takes the other case as well.
#
# Why it matters: tests of manifests, and controllers with policies in ConfigMaps, are mostly written with `yaml.Unmarshal`. They
# show traffic as allowed that the deployed policy denies (`Ingress`), or a direction as isolated that stays open
# (`PolicyTypes: [Ingress, Egress]`, which the server replaces by its default).
#
# Documented: encoding/json says so of itself; sigs.k8s.io/yaml does not repeat it for Kubernetes' types.
#
# Needs bash, Go 1.24 or newer, and the Go module index. Output seen with sigs.k8s.io/yaml 1.6.0, k8s.io/api and
# k8s.io/apimachinery 0.34.4:
#:
#: Unmarshal:            {"podSelector":{},"ingress":[{}],"policyTypes":["Ingress","Egress"]}
#: UnmarshalStrict:      {"podSelector":{},"ingress":[{}],"policyTypes":["Ingress","Egress"]}
#: API server's decoder: {"podSelector":{}}
#: its strict decoder:   refused
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
	"sigs.k8s.io/yaml"
)

const text = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}, Ingress: [{}], PolicyTypes: [Ingress, Egress]}
`

func show(reader string, policy *networking.NetworkPolicy, err error) {
	if err != nil {
		fmt.Println(reader, "refused")
		return
	}
	spec, err := json.Marshal(policy.Spec)
	if err != nil {
		panic(err)
	}
	fmt.Println(reader, string(spec))
}

func decoded(strict bool) (*networking.NetworkPolicy, error) {
	scheme := runtime.NewScheme()
	if err := networking.AddToScheme(scheme); err != nil {
		panic(err)
	}
	options := serializer.SerializerOptions{Yaml: true, Strict: strict}
	decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, options)
	object, _, err := decoder.Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, err
	}
	return object.(*networking.NetworkPolicy), nil
}

func main() {
	var loose, strict networking.NetworkPolicy
	show("Unmarshal:           ", &loose, yaml.Unmarshal([]byte(text), &loose))
	show("UnmarshalStrict:     ", &strict, yaml.UnmarshalStrict([]byte(text), &strict))
	policy, err := decoded(false)
	show("API server's decoder:", policy, err)
	policy, err = decoded(true)
	show("its strict decoder:  ", policy, err)
}
GO

(
    cd "$folder"
    go mod init finding && go get sigs.k8s.io/yaml@v1.6.0 k8s.io/api@v0.34.4 k8s.io/apimachinery@v0.34.4 && go mod tidy &&
        go build -o probe .
) >"$folder/log" 2>&1 || { cat "$folder/log" >&2; unable "the Go modules can't be had or built"; }
"$folder/probe" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "the readers treat the case of names in another way than they did" >&2
    exit 1
fi
echo "as before: open to one reader, closed to the other"
