#!/usr/bin/env bash
# kr8s: `Deployment.pods()` asks for `matchLabels` alone, so it returns pods that the Deployment does not own.
#
# What surprises: a Deployment's selector is `matchLabels` and `matchExpressions` together. kr8s makes the query of the former and drops the latter
# in silence, so the pods of every Deployment that shares the labels come back as this one's. With expressions alone it is a KeyError.
#
# Why it matters: stable and canary, told apart by `track NotIn (canary)`, are one set of pods to a script that asks which pods a NetworkPolicy
# must select, or probes from "the Deployment's pods": it tests, and reports on, pods with other labels, to which other policies apply.
# Label selectors of NetworkPolicies have the same two parts, and there both count.
#
# Documented: no.
#
# Needs bash, python3 (3.10 or newer) with pip, and a package index. It asks a server of a few lines on the loopback, which notes the query.
# Output seen with kr8s 0.20.15:
#:
#: selector: app=web, track notin (canary)
#: asked for: app=web
set -euo pipefail
export LC_ALL=C

unable() { echo "$1" >&2; exit 2; }
python3 -m pip --version >/dev/null 2>&1 || unable "needs python3 with pip on PATH"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/probe.py" <<'PYTHON'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

ASKED = []


class Server(BaseHTTPRequestHandler):
    """An API server without a single object, which notes what it is asked for."""

    def do_GET(self):
        url = urlsplit(self.path)
        ASKED.extend(parse_qs(url.query).get("labelSelector", []))
        pods = {"name": "pods", "kind": "Pod", "namespaced": True, "singularName": "pod", "shortNames": ["po"], "verbs": ["list"]}
        answer = {
            "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
            "/api": {"versions": ["v1"]},
            "/api/v1": {"groupVersion": "v1", "resources": [pods]},
            "/apis": {"groups": []},
        }.get(url.path.rstrip("/"), {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []})
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Say nothing."""


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = {
    "apiVersion": "v1", "kind": "Config", "current-context": "here",
    "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
    "users": [{"name": "here", "user": {}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
}  # fmt: skip
with open(sys.argv[1], "w", encoding="utf-8") as kubeconfig:
    json.dump(config, kubeconfig)

import kr8s  # noqa: E402 - after the server
from kr8s.objects import Deployment  # noqa: E402

deployment = Deployment(
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "selector": {
                "matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["canary"]}],
            }
        },
    },
    api=kr8s.api(kubeconfig=sys.argv[1]),
)
list(deployment.pods())
print("selector: app=web, track notin (canary)")
print("asked for:", ", ".join(ASKED))
PYTHON

python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$folder/lib" kr8s==0.20.15 2>"$folder/log" ||
    { cat "$folder/log" >&2; unable "kr8s 0.20.15 can't be installed"; }
PYTHONPATH="$folder/lib" python3 "$folder/probe.py" "$folder/kubeconfig" >"$folder/got"

sed -n 's/^#: //p' "$0" >"$folder/seen"
if ! diff -u --label "seen before" --label "now" "$folder/seen" "$folder/got"; then
    echo "kr8s asks for other pods than it did" >&2
    exit 1
fi
echo "as before: the expressions are left out of the query"
