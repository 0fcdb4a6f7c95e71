"""Flow records as Hubble and Azure write them, made up and small."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["WORLD", "flow_record", "lines", "pod", "table_row"]

WORLD: dict[str, Any] = {"identity": 2, "labels": ["reserved:world"]}


def pod(
    namespace: str, workload: str, kind: str = "Deployment", name: str = "", **labels: str
) -> dict[str, Any]:
    """Return a pod of a controller as an end of a flow."""
    return {
        "ID": 7,
        "identity": 40_000,
        "namespace": namespace,
        "labels": [
            *(f"k8s:{key}={value}" for key, value in labels.items()),
            f"k8s:io.kubernetes.pod.namespace={namespace}",
            f"k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name={namespace}",
        ],
        "pod_name": name or f"{workload}-7c9d8b6f5-x2v4q",
        "workloads": [{"name": workload, "kind": kind}] if workload else [],
    }


def flow_record(
    source: dict[str, Any],
    destination: dict[str, Any],
    port: int = 80,
    protocol: str = "TCP",
    addresses: tuple[str, str] = ("10.0.0.1", "10.0.0.2"),
    **fields: Any,
) -> dict[str, Any]:
    """Return a record of a connection that arrived; `fields` replace those of the flow."""
    flow = {
        "time": "2026-11-30T08:15:00.123456789Z",
        "uuid": "0b1c",
        "verdict": "FORWARDED",
        "IP": {"source": addresses[0], "destination": addresses[1], "ipVersion": "IPv4"},
        "l4": {protocol: {"source_port": 50_000, "destination_port": port}},
        "source": source,
        "destination": destination,
        "Type": "L3_L4",
        "node_name": "aks-nodepool1-0",
        "event_type": {"type": 4},
        "traffic_direction": "INGRESS",
        "trace_observation_point": "TO_ENDPOINT",
        "is_reply": False,
        **fields,
    }
    kept = {key: value for key, value in flow.items() if value is not None}
    return {"flow": kept, "node_name": "aks-nodepool1-0", "time": flow["time"]}


def table_row(
    source: dict[str, Any], destination: dict[str, Any], port: int = 80, **columns: Any
) -> dict[str, Any]:
    """Return a connection as a row of ContainerNetworkLogs, with JSON as text in its columns."""
    row: dict[str, Any] = {
        "TimeGenerated": "2026-11-30T08:15:00Z",
        "Verdict": "FORWARDED",
        "IP": json.dumps({"source": "10.0.0.1", "destination": "10.0.0.2"}),
        "Layer4": json.dumps({"TCP": {"source_port": 50_000, "destination_port": port}}),
        "FlowType": "L3_L4",
        "Reply": False,
        "TrafficDirection": "INGRESS",
        "TraceObservationPoint": "TO_ENDPOINT",
        "AdditionalFlowData": json.dumps(
            {"SourceLabels": source.get("labels"), "DestinationLabels": destination.get("labels")}
        ),
    }
    for side, end in (("Source", source), ("Destination", destination)):
        row[f"{side}Identity"] = end["identity"]
        if "namespace" in end:
            row[f"{side}Namespace"] = end["namespace"]
            row[f"{side}PodName"] = end["pod_name"]
            row[f"{side}Workloads"] = json.dumps(end["workloads"])
    return {**row, **columns}


def lines(*records: dict[str, Any] | str) -> bytes:
    """Return records as JSON lines; a text stands for itself."""
    texts = (each if isinstance(each, str) else json.dumps(each) for each in records)
    return "".join(f"{each}\n" for each in texts).encode()
