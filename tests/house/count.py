"""What the house is measured by: modules, lines, class names that stand twice, import circles.

    python -m tests.house.count

A name is public if it stands in its module's `__all__` or has no underscore. A circle counts also
where an import is only for type checkers, or stands inside a function.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("podwall", "components")
MODULES = tuple(sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")))

# Pulumi names the types of the package's schema, and so those of every SDK, after these classes.
WIRE_TYPES = ROOT / "components" / "package"


def lines() -> int:
    """Return the number of lines of all production modules."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES)


def duplicate_names() -> dict[str, list[str]]:
    """Return the public class names that stand in more than one module, each with the modules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        if WIRE_TYPES not in path.parents:
            for name in _public_classes(ast.parse(path.read_text(encoding="utf-8"))):
                found[name].append(str(path.relative_to(ROOT)))
    return {name: modules for name, modules in sorted(found.items()) if len(modules) > 1}


def _public_classes(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name


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
    print(f"{len(MODULES)} modules, {lines():,} lines")
    print(f"class names that stand twice: {duplicate_names() or 'none'}")
    print(f"an import circle: {' -> '.join(circle()) or 'none'}")


if __name__ == "__main__":
    main()
