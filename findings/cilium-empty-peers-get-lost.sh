#!/usr/bin/env bash
# Cilium's own Go types: to read a policy and to write it back turns a rule for nobody into a rule for everybody.
#
# What surprises: in a CiliumNetworkPolicy a list of peers that is there and empty (`fromEndpoints: []`) selects nobody, while none at all
# beside `toPorts` selects everybody. Cilium's own reader keeps the two apart. The same type marks the field `omitempty`, by which Go's
# encoder leaves an empty list out. After one round trip through it, what no pod could use is open to all, the internet included.
#
# Why it matters: operators, migrations, backups and tests that read policies into `api.Rule` and write them (or compare what
# they wrote) hand on the opposite of what they got. In a NetworkPolicy empty and missing are the same, so that
# nobody who comes from there looks for it. A reader for other languages has to keep the two apart as well.
#
# Documented: that the empty list selects nobody, in comments of the type's code; that it does not survive, nowhere.
#
# Needs bash, Go 1.24 or newer, and the Go module index. Output seen with github.com/cilium/cilium 1.18.6:
#:
#: as written: {"fromEndpoints":[],"toPorts":[{"ports":[{"port":"5432","protocol":"TCP"}]}]}
#:   sources: nobody
#: read, written and read again: {"toPorts":[{"ports":[{"port":"5432","protocol":"TCP"}]}]}
#:   sources: no limit
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

	"github.com/cilium/cilium/pkg/policy/api"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func read(text []byte) *api.Rule {
	rule := api.NewRule()
	must(json.Unmarshal(text, rule))
	must(rule.Sanitize())
	return rule
}

func show(what string, ingress []byte, rule *api.Rule) {
	// For the agent nil is nobody, and a list without an entry is no limit.
	sources := "no limit"
	if rule.Ingress[0].GetSourceEndpointSelectorsWithRequirements(nil) == nil {
		sources = "nobody"
	}
	fmt.Printf("%s: %s\n  sources: %s\n", what, ingress, sources)
}

func main() {
	written := []byte(`{"fromEndpoints":[],"toPorts":[{"ports":[{"port":"5432","protocol":"TCP"}]}]}`)
	first := read([]byte(fmt.Sprintf(`{"endpointSelector":{},"ingress":[%s]}`, written)))
	show("as written", written, first)

	all, err := json.Marshal(first)
	must(err)
	ingress, err := json.Marshal(first.Ingress[0])
	must(err)
	show("read, written and read again", ingress, read(all))
}
GO

(
    cd "$folder"
    go mod init finding && go get github.com/cilium/cilium@v1.18.6 && go mod tidy && go build -o probe .
) >"$folder/log" 2>&1 || { cat "$folder/log" >&2; unable "the Go modules can't be had or built"; }
"$folder/probe" >"$folder/got" 2>&1

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "Cilium's types treat an empty list of peers in another way than they did" >&2
    exit 1
fi
echo "as before: a rule for nobody is written as a rule for everybody"
