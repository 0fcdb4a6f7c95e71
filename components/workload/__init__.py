"""A hardened workload: a Deployment with its Service, account and budget, or one bare Pod."""

from components.workload.args import WorkloadArgs, WorkloadKind
from components.workload.component import Workload
from components.workload.ports import ContainerPort, Probe

__all__ = ["ContainerPort", "Probe", "Workload", "WorkloadArgs", "WorkloadKind"]
