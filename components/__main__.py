"""The entry point of the component package; `pulumi package add` starts it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Pulumi runs this folder as a program, which puts the folder on the path, not the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from pulumi.provider.experimental import component_provider_host

    from components.package import COMPONENTS, NAME, VERSION

    component_provider_host(name=NAME, components=COMPONENTS, version=VERSION)
