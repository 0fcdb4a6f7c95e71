"""The entry point of the component package; `pulumi package add` starts it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Pulumi runs this folder as a program, which puts the folder on the path, not the repository.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from pulumi.provider import main

    from components.package import provider

    main(provider(), sys.argv[1:])
