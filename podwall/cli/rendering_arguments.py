"""The arguments about what helm renders and kustomize builds."""

from __future__ import annotations

from argparse import ArgumentParser

from podwall.aks.limits import NEWEST_VERSION

__all__ = ["add_charts"]


def add_charts(parser: ArgumentParser) -> None:
    """Add what charts do not say themselves, and what kustomize may do."""
    parser.add_argument(
        "--values",
        metavar="FILE",
        action="append",
        default=[],
        help="values of a chart, as for helm; can be given several times",
    )
    parser.add_argument(
        "--release",
        metavar="NAME",
        default="release-name",
        help="the name of a chart's release (default: release-name)",
    )
    parser.add_argument(
        "--kube-version",
        metavar="VERSION",
        default=NEWEST_VERSION,
        help="the version of Kubernetes that charts are rendered for, as for helm "
        f"(default: {NEWEST_VERSION}, the newest that AKS runs)",
    )
    parser.add_argument(
        "--api-versions",
        metavar="API",
        action="append",
        default=[],
        help="an API that the cluster has beside Kubernetes' own, such as cilium.io/v2, as charts "
        "ask for it; can be given several times",
    )
    parser.add_argument(
        "--allow-network",
        action="store_true",
        help="let kustomize fetch what a kustomization names on the network "
        "(default: such a folder is refused)",
    )
