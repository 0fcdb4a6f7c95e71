"""Serve one stand-in: `python -m tests.engine.plugins azure-native|kubernetes`."""

from __future__ import annotations

import sys

from tests.engine.plugins.azure_native import AzureNative
from tests.engine.plugins.kubernetes import Kubernetes
from tests.engine.plugins.provider import Provider
from tests.engine.plugins.server import serve

PROVIDERS: dict[str, type[Provider]] = {"azure-native": AzureNative, "kubernetes": Kubernetes}

if __name__ == "__main__":
    serve(sys.argv[1], PROVIDERS[sys.argv[1]]())
