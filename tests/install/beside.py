"""A project of a user whose own folders have the names that podwall's rooms have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

__all__ = ["CONNECTION", "OWN", "Shape", "project_beside"]

OWN = ("components", "policies", "guardrails", "tests")
CONNECTION = ("shop/web", "shop/api")


class Shape(StrEnum):
    """What the user's own code is: packages, folders without `__init__.py`, or single modules."""

    PACKAGES = "packages"
    FOLDERS = "folders"
    MODULES = "modules"


_PROGRAM = """
import pulumi

{imports}
from podwall.components import ContainerPort, NetworkPolicies, Workload, WorkloadArgs
from podwall.components import Namespace, NamespaceArgs
from podwall.policies import connection, tcp

web, api = (
    WorkloadArgs(
        name=name, namespace="shop", labels={{"app": name}}, image=f"example.com/{{name}}:1",
        ports=(ContainerPort(name="http", number=8080),),
    )
    for name in ("web", "api")
)
Namespace("shop", NamespaceArgs(name="shop"))
NetworkPolicies("shop", connection(web.peer, api.peer, tcp(8080)))
for each in (web, api):
    Workload(each.id, each)
pulumi.export("mine", [{names}])
"""

_TEST = """
from podwall.policies import tcp


def test_web_reaches_the_interface(reach):
    assert reach.allows("shop/web", "shop/api", tcp(8080))
    assert reach.denies("shop/api", "shop/web")
"""


def project_beside(folder: Path, shape: Shape) -> Path:
    """Write a project into a folder, and return the folder.

    Its program imports something of its own under each of the names `OWN`, and exports what it got.
    Its tests are in `tests/`, or beside the program where that is a module.
    """
    where = "" if shape is Shape.MODULES else ".mine"
    imports = "\n".join(f"from {name}{where} import MINE as {name}_" for name in OWN)
    program = _PROGRAM.format(imports=imports, names=", ".join(f"{name}_" for name in OWN))
    files = {
        "Pulumi.yaml": "name: beside\nruntime: {name: python, options: {virtualenv: .venv}}\n",
        "__main__.py": program,
        "test_shop.py" if shape is Shape.MODULES else "tests/test_shop.py": _TEST,
    }
    for name in OWN:
        own = f"MINE = {f'own {name}'!r}\n"
        files[f"{name}.py" if shape is Shape.MODULES else f"{name}/mine.py"] = own
        if shape is Shape.PACKAGES:
            files[f"{name}/__init__.py"] = ""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder
