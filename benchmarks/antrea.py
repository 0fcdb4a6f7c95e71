"""The five large shapes of Antrea's own performance tests, as snapshots.

Those of `networkpolicy_controller_perf_test.go` in https://github.com/antrea-io/antrea. There the
policies deny egress as well, which would leave nothing to join; here they isolate ingress only.
"""

from __future__ import annotations

from benchmarks.parts import allowing, equal, namespace, pods, workload
from podwall.model import Snapshot

__all__ = [
    "cluster_scoped",
    "large_namespaces",
    "netpol_per_pod",
    "one_namespace",
    "small_namespaces",
]


def small_namespaces(count: int = 25_000) -> Snapshot:
    """25,000 namespaces, each of four pods and three policies: 100,000 pods, 75,000 policies."""
    names = [f"ns-{number}" for number in range(count)]
    apps = [("app-1", "scale-1"), ("app-2", "scale-2")]
    return Snapshot(
        namespaces=tuple(namespace(name, app=name) for name in names),
        workloads=tuple(
            workload(name, f"pod{number}", dict([apps[number // 2]]))
            for name in names
            for number in range(4)
        ),
        policies=tuple(
            policy
            for name in names
            for policy in (
                allowing(name, "default-deny-all", equal()),
                *(allowing(name, f"np-{key}", equal(**{key: value}), pods(**{key: value}))
                  for key, value in apps),
            )
        ),
        complete=True,
    )  # fmt: skip


def large_namespaces(count: int = 100, apps: int = 100) -> Snapshot:
    """100 namespaces, each of 100 apps with ten pods: 100,000 pods, 10,100 policies."""
    names = [f"ns-{number}" for number in range(count)]
    labels = [{f"app-{number}": f"scale-{number}"} for number in range(apps)]
    return Snapshot(
        namespaces=tuple(namespace(name, app=name) for name in names),
        workloads=tuple(
            workload(name, f"pod-{app}-{number}", each)
            for name in names
            for app, each in enumerate(labels)
            for number in range(10)
        ),
        policies=tuple(
            policy
            for name in names
            for policy in (
                allowing(name, "default-deny-all", equal()),
                *(allowing(name, f"np-{app}", equal(**each), pods(**each))
                  for app, each in enumerate(labels)),
            )
        ),
        complete=True,
    )  # fmt: skip


def one_namespace(count: int = 10_000) -> Snapshot:
    """One namespace, in which each of 10,000 policies selects all 10,000 pods on both ends."""
    label = {"app-1": "scale-1"}
    return Snapshot(
        namespaces=(namespace("ns", app="ns"),),
        workloads=tuple(workload("ns", f"pod-{number}", label) for number in range(count)),
        policies=tuple(
            allowing("ns", f"np-{number}", equal(**label), pods(**label)) for number in range(count)
        ),
        complete=True,
    )


def netpol_per_pod(count: int = 10_000) -> Snapshot:
    """One namespace with a policy for each of its 10,000 pods, which lets in one other pod."""
    labels = [{"app": f"scale-{number}"} for number in range(count)]
    return Snapshot(
        namespaces=(namespace("ns", app="ns"),),
        workloads=tuple(workload("ns", f"pod-{n}", each) for n, each in enumerate(labels)),
        policies=tuple(
            allowing("ns", f"np-{n}", equal(**each), pods(**labels[n ^ 1]))
            for n, each in enumerate(labels)
        ),
        complete=True,
    )


def cluster_scoped(count: int = 1_000) -> Snapshot:
    """1,000 namespaces of 100 pods; each of 10,000 policies lets in pods of ten namespaces."""
    companies = [f"company-{number % max(count // 10, 1)}" for number in range(count)]
    names = [f"{company}-{number}" for number, company in enumerate(companies)]
    labels = [{"app": f"scale-{number}"} for number in range(10)]
    return Snapshot(
        namespaces=tuple(
            namespace(name, company=company) for name, company in zip(names, companies, strict=True)
        ),
        workloads=tuple(
            workload(name, f"pod-{app}-{number}", each)
            for name in names
            for app, each in enumerate(labels)
            for number in range(10)
        ),
        policies=tuple(
            allowing(name, f"np-{app}", equal(**each), pods(equal(company=company), **each))
            for name, company in zip(names, companies, strict=True)
            for app, each in enumerate(labels)
        ),
        complete=True,
    )
