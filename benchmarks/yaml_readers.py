"""Measure how fast YAML and JSON readers take 10,000 Kubernetes documents.

    .venv/bin/python benchmarks/yaml_readers.py [DOCUMENTS]

Readers that are not installed are passed over; decision 0003 says which were compared.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import suppress
from importlib import import_module
from itertools import islice

import msgspec
import yaml

from podwall.sources.yaml_documents import parse_yaml
from podwall.yaml_values import yaml_values

ROUNDS = 3
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: w{i}
  namespace: ns{ns}
spec:
  replicas: 3
  selector:
    matchLabels: {{app: app{i}}}
  template:
    metadata:
      labels:
        app: app{i}
        tier: t{tier}
        version: "{version}"
    spec:
      containers:
      - name: main
        image: registry.example/app:{version}
        ports:
        - containerPort: 8080
          name: http
        - containerPort: 9090
          name: metrics
          protocol: TCP
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
"""
POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: p{i}
  namespace: ns{ns}
spec:
  podSelector:
    matchLabels:
      app: app{i}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: app{other}
    - namespaceSelector:
        matchLabels:
          team: t{tier}
      podSelector:
        matchExpressions:
        - {{key: tier, operator: In, values: [t1, t2]}}
    ports:
    - protocol: TCP
      port: 8080
    - port: metrics
  egress:
  - to:
    - ipBlock:
        cidr: 10.{tier}.0.0/16
    ports:
    - port: 53
      protocol: UDP
"""


def documents(count: int) -> Iterator[str]:
    """Yield a Deployment and a NetworkPolicy in turn."""
    for i in range(count):
        values = {"i": i, "ns": i // 10, "tier": i % 5, "version": i % 7, "other": i * 7 % count}
        yield DEPLOYMENT.format(**values)
        yield POLICY.format(**values)


def readers(text: str) -> Iterator[tuple[str, Callable[[], Sized]]]:
    """Yield every reader that is installed."""
    data = text.encode()
    as_json = msgspec.json.encode(list(yaml.load_all(text, yaml.CSafeLoader)))
    yield "podwall", lambda: parse_yaml(data, "x").documents
    yield "podwall, without its fast path", lambda: list(yaml_values(data))
    yield "PyYAML CSafeLoader", lambda: list(yaml.load_all(text, yaml.CSafeLoader))
    for name, module, function in (
        ("ruamel.yaml, safe", "ruamel.yaml", "YAML"),
        ("ryaml", "ryaml", "loads_all"),
        ("py-yaml12", "yaml12", "parse_yaml"),
        ("libfyaml", "libfyaml", "loads_all"),
        ("fastyaml-rs", "fast_yaml", "safe_load_all"),
        ("rustyyaml", "rustyyaml", "load_all"),
    ):
        with suppress(ImportError, AttributeError):
            load = getattr(import_module(module), function)
            yield name, lambda load=load: _loaded(load, text)  # type: ignore[misc]  # bound early
    yield "json", lambda: json.loads(as_json)
    yield "msgspec.json", lambda: msgspec.json.decode(as_json)


def _loaded(load: Callable[..., Sized], text: str) -> Sized:
    if load.__name__ == "YAML":
        return list(load(typ="safe").load_all(text))  # type: ignore[attr-defined]  # ruamel's own
    if load.__name__ == "parse_yaml":
        return load(text, multi=True)
    documents: Iterable[object] = load(text)  # type: ignore[assignment]  # one by one
    return list(documents)


def fastest(read: Callable[[], Sized]) -> float:
    """Return the fewest CPU seconds of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        read()
        times.append(time.process_time() - start)
        gc.collect()
    return min(times)


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    text = "---\n".join(islice(documents(count // 2), count))
    gc.disable()
    print(f"{count} documents, {len(text) / 1e6:.1f} MB of YAML, collector off, best of {ROUNDS}\n")
    print("| reader | CPU s | µs a document |\n|---|---|---|")
    for name, read in readers(text):
        seconds = fastest(read)
        print(f"| {name} | {seconds:.2f} | {seconds / count * 1e6:.0f} |")


if __name__ == "__main__":
    main()
