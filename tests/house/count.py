"""What the house is measured by: modules, lines, class names that stand twice, import circles.

    python -m tests.house.count

A name is public if it stands in its module's `__all__` or has no underscore. A circle counts also
where an import is only for type checkers, or stands inside a function.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("podwall", "components")
MODULES = tuple(sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")))

# Pulumi names the types of the package's schema, and so those of every SDK, after its classes,
# which have the names of what they stand for.
PACKAGE = ROOT / "components" / "package"
WIRE_TYPES = frozenset(
    {
        "AksCluster",
        "AdvancedNetworking",
        "ContainerPort",
        "DualStack",
        "Egress",
        "Entra",
        "Identities",
        "IpBlock",
        "LabelSelector",
        "Namespace",
        "Network",
        "NetworkPolicies",
        "Principal",
        "Probe",
        "Quota",
        "Resources",
        "ServiceNetwork",
        "UserPool",
        "Workload",
    }
)


def lines() -> int:
    """Return the number of lines of all production modules."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES)


def duplicate_names() -> dict[str, list[str]]:
    """Return the public class names that stand in more than one module, each with the modules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    classes: set[str] = set()
    for path in MODULES:
        for name, is_class in _public_types(ast.parse(path.read_text(encoding="utf-8"))):
            if PACKAGE not in path.parents or name not in WIRE_TYPES:
                found[name].append(str(path.relative_to(ROOT)))
                classes.update({name} if is_class and not name.startswith("_") else ())
    return {name: found[name] for name in sorted(classes) if len(found[name]) > 1}


def _public_types(module: ast.Module) -> Iterator[tuple[str, bool]]:
    """Yield the names of classes, and of what is written like one: aliases such as `A = B | C`."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield node.name, True
        elif isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call):
            yield from ((each.id, False) for each in node.targets if isinstance(each, ast.Name))


def circle() -> list[str]:
    """Return the modules of an import circle in order, none if there is no circle."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def main() -> None:
    """Print what is counted."""
    counted = (
        f"{len(MODULES)} modules, {lines():,} lines",
        f"class names that stand twice: {duplicate_names() or 'none'}",
        f"an import circle: {' -> '.join(circle()) or 'none'}",
    )
    sys.stdout.write("\n".join(counted) + "\n")


if __name__ == "__main__":
    main()
