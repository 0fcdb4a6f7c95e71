#!/usr/bin/env bash
# kustomize: a label with `includeSelectors` is written into the peers of NetworkPolicies, strangers' pods included,
# and into no CiliumNetworkPolicy.
#
# What surprises: `labels` with `includeSelectors: true` (and its forerunner, `commonLabels`) puts a label on the pods of a kustomization
# and into the selectors that are meant to find them. In a NetworkPolicy it also goes into every `podSelector` of `from` and
# `to` that has `matchLabels`, whether or not a `namespaceSelector` beside it says that these are pods of another namespace, which the
# kustomization doesn't make and which never get the label. Selectors that are empty or have only `matchExpressions` stay as they are.
# A CiliumNetworkPolicy of the same words stays as it is, too. And `namespace: prod` renames the namespace `dev`, but leaves
# `kubernetes.io/metadata.name: dev` in selectors.
#
# Why it matters: the usual way out to kube-dns, and the way in for a Prometheus, close: no pod of `kube-system` has
# `team: shop`, so names stop to resolve. The policy in the repository is right, the one in the cluster is another; one of the two
# engines' kinds works and the other does not. What admitted the own namespace by name admits one that is gone.
#
# Documented: the list of fields is kustomize's built-in configuration; that peers of other namespaces are in it is said nowhere.
#
# Needs bash, Go 1.24 or newer, and the Go module index. Output seen with kustomize 5.7.1 (sigs.k8s.io/kustomize/kustomize/v5):
#:
#: spec:
#:   egress:
#:   - to:
#:     - namespaceSelector:
#:         matchLabels:
#:           kubernetes.io/metadata.name: kube-system
#:       podSelector:
#:         matchLabels:
#:           k8s-app: kube-dns
#:           team: shop
#:   ingress:
#:   - from:
#:     - namespaceSelector:
#:         matchLabels:
#:           kubernetes.io/metadata.name: dev
#:     - podSelector:
#:         matchExpressions:
#:         - key: app
#:           operator: Exists
#:   podSelector: {}
#: spec:
#:   egress:
#:   - toEndpoints:
#:     - matchLabels:
#:         k8s-app: kube-dns
#:         k8s:io.kubernetes.pod.namespace: kube-system
#:   endpointSelector: {}
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
command -v go >/dev/null || unable "needs go on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/base"

cat >"$folder/base/kustomization.yaml" <<'YAML'
namespace: prod
labels:
- pairs: {team: shop}
  includeSelectors: true
resources: [policies.yaml]
YAML
cat >"$folder/base/policies.yaml" <<'YAML'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a, namespace: dev}
spec:
  podSelector: {}
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: dev}}
    - podSelector: {matchExpressions: [{key: app, operator: Exists}]}
  egress:
  - to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
      podSelector: {matchLabels: {k8s-app: kube-dns}}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: b, namespace: dev}
spec:
  endpointSelector: {}
  egress:
  - toEndpoints:
    - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}
YAML

(
    cd "$folder"
    GOBIN="$folder" go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1
) 2>"$folder/log" || { cat "$folder/log" >&2; unable "kustomize 5.7.1 can't be had or built"; }
"$folder/kustomize" build "$folder/base" >"$folder/built"

# Of each policy, from `spec` to the next document; a NetworkPolicy comes after a CiliumNetworkPolicy in the output.
spec() {
    awk -v kind="kind: $1" '/^---$/ { here = 0; inside = 0 } $0 == kind { here = 1 } here && /^spec:/ { inside = 1 } inside' \
        "$folder/built"
}
{ spec NetworkPolicy; spec CiliumNetworkPolicy; } >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "kustomize writes the label into other selectors than it did" >&2
    exit 1
fi
echo "as before: kube-dns needs the kustomization's label in a NetworkPolicy, and not in a CiliumNetworkPolicy"
