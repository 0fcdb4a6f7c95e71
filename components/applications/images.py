"""The container images of the applications: configuration, with public defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields

from podwall.components.checks import check_image

__all__ = ["Images"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """An image for each part; all of them run as any user, with a file system that is read-only.

    Attributes:
        backend: the walkthrough's web server; must serve port 80 with the command it comes with.
        client: the walkthrough's probes; must have `sh`, `wget` and `nc`.
        gateway: the shop's way in; serves port 8080.
        web: the shop's pages; serves port 8080.
        api: the shop's interface; serves the port in `WHOAMI_PORT_NUMBER`.
        db: the shop's data; serves port 6379.
        prometheus: what scrapes the metrics.
    """

    backend: str = "ghcr.io/traefik/whoami:v1.11.0"
    client: str = "docker.io/library/busybox:1.37.0"
    gateway: str = "ghcr.io/nginxinc/nginx-unprivileged:1.29-alpine"
    web: str = "ghcr.io/nginxinc/nginx-unprivileged:1.29-alpine"
    api: str = "ghcr.io/traefik/whoami:v1.11.0"
    db: str = "docker.io/valkey/valkey:8.1-alpine"
    prometheus: str = "quay.io/prometheus/prometheus:v3.5.0"

    def __post_init__(self) -> None:
        """Check every reference."""
        for part in fields(self):
            check_image(getattr(self, part.name), part.name)
