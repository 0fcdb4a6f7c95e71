"""A hardened workload: a Deployment with its Service, account and budget, or one bare Pod."""

from podwall.components.workload.args import WorkloadArgs, WorkloadKind
from podwall.components.workload.component import Workload
from podwall.components.workload.ports import ContainerPort, Probe

__all__ = ["ContainerPort", "Probe", "Workload", "WorkloadArgs", "WorkloadKind"]
