"""Documents that are nearly right: every field takes good and bad values in turn."""

from __future__ import annotations

import random
from typing import Any

Json = Any

# Not 80.0, which the server refuses in JSON: Pulumi hands every number over as a float.
PORT_NUMBERS: list[Json] = [80, 1, 65535, 0, -1, 65536, 80.5, "80", "http", "HTTP", "a-b"]
PORT_NAMES: list[Json] = ["", "-a", "a--b", "1a", "averylongportname", None, True, [], {}]
END_PORTS: list[Json] = [80, 90, 79, 65535, 65536, 0, None, "90", 90.5]
PROTOCOLS: list[Json] = ["TCP", "UDP", "SCTP", "tcp", "ICMP", "", None, 6]
KEYS: list[Json] = ["app", "a/b", "example.com/app", "/app", "a/", "app_", "a b", "", "A.b-c_d"]
VALUES: list[Json] = ["web", "", "a b", "x" * 63, "x" * 64, "-a", "a-", None, 1, True]
OPERATORS: list[Json] = ["In", "NotIn", "Exists", "DoesNotExist", "in", "", None, "Gt"]
BLOCKS: list[Json] = [
    "10.0.0.0/8",
    "10.0.0.1/8",
    "10.0.0.1/32",
    "0.0.0.0/0",
    "::/0",
    "2001:db8::/32",
]
BAD_BLOCKS: list[Json] = [
    "10.0.0.0",
    "10.0.0.0/33",
    "999.0.0.0/8",
    "",
    None,
    "::1",
    "010.0.0.0/8",
    "a/8",
]
EXCEPTIONS: list[Json] = [
    "10.1.0.0/16",
    "10.0.0.0/8",
    "11.0.0.0/16",
    "10.0.0.0/7",
    "::/1",
    "10.1.0.1/16",
]
TYPES: list[Json] = ["Ingress", "Egress", "ingress", "", None]
NAMES: list[Json] = ["web", "a.b", "Web", "a_b", "-a", "a-", "x" * 253, "x" * 254, "1"]


def policy(rng: random.Random) -> Json:
    """Return a document; about half of them are acceptable."""
    spec = {"podSelector": _selector(rng), **_maybe(rng, "policyTypes", _types)}
    for direction in ("ingress", "egress"):
        spec |= _maybe(rng, direction, lambda r, d=direction: _several(r, lambda q: _rule(q, d)))
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _mostly_first(rng, NAMES), **_maybe(rng, "labels", _labels, 0.1)},
        "spec": spec,
    }


APIS = {
    "CronJob": "batch/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "Namespace": "v1",
    "Pod": "v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Service": "v1",
    "StatefulSet": "apps/v1",
}
COUNTS: list[Json] = [1, 0, 3, -1]
CONTAINER_PORTS: list[Json] = [80, 1, 65535, 0, -1, 65536, "80", None]
CONTAINER_NAMES: list[Json] = ["http", "a", "", "HTTP", "80", "a--b", "averylongportname", None]
SERVICE_NAMES: list[Json] = ["http", "a", "a.b", "HTTP", "", None]
TYPES_OF_SERVICE: list[Json] = ["ClusterIP", "NodePort", "LoadBalancer", "Nodeport", "", None]
# Not "1": up to Kubernetes 1.34 a service's name may not begin with a digit, and may since.
OBJECT_NAMES: list[Json] = [name for name in NAMES if name != "1"] + ["x" * 52, "x" * 53, "x" * 63]


def other_object(rng: random.Random) -> Json:
    """Return a workload, a namespace or a service; about half of them are acceptable."""
    kind = rng.choice(sorted(APIS))
    specs = {"CronJob": _cron_job, "Job": _job, "Namespace": _nothing, "Pod": _pod}
    specs |= {"ReplicationController": _replication_controller, "Service": _service}
    return {
        "apiVersion": APIS[kind],
        "kind": kind,
        "metadata": {"name": _mostly_first(rng, OBJECT_NAMES), **_maybe(rng, "labels", _labels)},
        "spec": specs.get(kind, _controller)(rng),
    }


def _nothing(_: random.Random) -> Json:
    return {}


def _pod(rng: random.Random, restart: str = "Always") -> Json:
    containers = [
        {"name": name, "image": "x", **_maybe(rng, "ports", _container_ports)}
        for name in ("a", "b")[: rng.choice([1, 2])]
    ]
    return {"containers": containers, "restartPolicy": restart}


def _container_ports(rng: random.Random) -> Json:
    return _several(rng, _container_port)


def _container_port(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "containerPort", lambda r: _mostly_first(r, CONTAINER_PORTS), 0.97),
        **_maybe(rng, "name", lambda r: _mostly_first(r, CONTAINER_NAMES)),
        **_maybe(rng, "protocol", lambda r: _mostly_first(r, PROTOCOLS), 0.3),
    }


def _template(rng: random.Random, restart: str = "Always") -> Json:
    metadata = {**_maybe(rng, "labels", _labels, 0.95)}
    return {"metadata": metadata, "spec": _pod(rng, restart)}


def _controller(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "replicas", lambda r: _mostly_first(r, COUNTS)),
        **_maybe(rng, "selector", _selector, 0.95),
        **_maybe(rng, "template", _template, 0.97),
        "serviceName": "x",
    }


def _replication_controller(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "replicas", lambda r: _mostly_first(r, COUNTS)),
        **_maybe(rng, "selector", _labels),
        **_maybe(rng, "template", _template, 0.97),
    }


def _job(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "parallelism", lambda r: _mostly_first(r, COUNTS)),
        **_maybe(rng, "template", lambda r: _template(r, "Never"), 0.97),
    }


def _cron_job(rng: random.Random) -> Json:
    job = {**_maybe(rng, "spec", _job, 0.97)}
    return {"schedule": "0 0 * * *", **_maybe(rng, "jobTemplate", lambda _: job, 0.97)}


def _service(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "type", lambda r: _mostly_first(r, TYPES_OF_SERVICE)),
        **_maybe(rng, "selector", _labels),
        **_maybe(rng, "ports", _service_ports, 0.97),
        **_maybe(rng, "clusterIP", lambda _: "None", 0.1),
    }


def _service_ports(rng: random.Random) -> Json:
    """Return ports of different numbers: of equal ones a server also compares the protocols."""
    return [_service_port(rng, 80 + each) for each in range(rng.choice([0, 1, 1, 1, 2]))]


def _service_port(rng: random.Random, number: int) -> Json:
    return {
        **_maybe(rng, "port", lambda r: _mostly_first(r, [number, *CONTAINER_PORTS[2:]]), 0.97),
        **_maybe(rng, "targetPort", lambda r: _mostly_first(r, CONTAINER_PORTS + CONTAINER_NAMES)),
        **_maybe(rng, "name", lambda r: _mostly_first(r, SERVICE_NAMES)),
        **_maybe(rng, "protocol", lambda r: _mostly_first(r, PROTOCOLS), 0.3),
    }


def _rule(rng: random.Random, direction: str) -> Json:
    peers = "from" if direction == "ingress" else "to"
    return {
        **_maybe(rng, "ports", lambda r: _several(r, _port)),
        **_maybe(rng, peers, lambda r: _several(r, _peer)),
    }


def _port(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "port", lambda r: _mostly_first(r, PORT_NUMBERS + PORT_NAMES), 0.8),
        **_maybe(rng, "endPort", lambda r: _mostly_first(r, END_PORTS), 0.2),
        **_maybe(rng, "protocol", lambda r: _mostly_first(r, PROTOCOLS)),
    }


def _peer(rng: random.Random) -> Json:
    if rng.random() < 0.3:
        return {"ipBlock": _block(rng), **_maybe(rng, "podSelector", _selector, 0.05)}
    return {
        **_maybe(rng, "podSelector", _selector, 0.7),
        **_maybe(rng, "namespaceSelector", _selector),
    }


def _block(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "cidr", lambda r: _mostly_first(r, BLOCKS + BAD_BLOCKS), 0.97),
        **_maybe(rng, "except", lambda r: _several(r, lambda q: _mostly_first(q, EXCEPTIONS)), 0.3),
    }


def _selector(rng: random.Random) -> Json:
    return {
        **_maybe(rng, "matchLabels", _labels),
        **_maybe(rng, "matchExpressions", lambda r: _several(r, _expression), 0.3),
    }


def _labels(rng: random.Random) -> Json:
    return {_mostly_first(rng, KEYS): _mostly_first(rng, VALUES)}


def _expression(rng: random.Random) -> Json:
    return {
        "key": _mostly_first(rng, KEYS),
        "operator": _mostly_first(rng, OPERATORS),
        **_maybe(rng, "values", lambda r: _several(r, lambda q: _mostly_first(q, VALUES))),
    }


def _types(rng: random.Random) -> Json:
    return [_mostly_first(rng, TYPES) for _ in range(rng.choice([0, 1, 1, 2, 2, 3]))]


def _several(rng: random.Random, item: Any) -> Json:
    return [item(rng) for _ in range(rng.choice([0, 1, 1, 2]))]


def _maybe(rng: random.Random, field: str, value: Any, share: float = 0.5) -> dict[str, Json]:
    return {field: value(rng)} if rng.random() < share else {}


def _mostly_first(rng: random.Random, values: list[Json]) -> Json:
    """Pick among all values, and far more often among the first, which are good."""
    return rng.choice(values) if rng.random() < 0.12 else values[0]
