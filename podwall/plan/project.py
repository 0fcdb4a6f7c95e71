"""Find a Pulumi project and read what its files say, with the line on which each key stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from podwall.plan.messages import relative_path
from podwall.policies.errors import Place, SourceError
from podwall.policies.wording import guess
from podwall.quick_dataclass import dataclass
from podwall.yaml_values import PulumiScalars, yaml_values

__all__ = [
    "Project",
    "YamlFile",
    "default_stack",
    "did_you_mean",
    "find_project",
    "is_project",
    "read_project",
    "read_yaml",
    "stack_file",
    "stack_names",
]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The mapping that a file holds; `lines` gives the line of each key by its path."""

    path: str
    values: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def place(self, *keys: str) -> Place:
        """Return where a key stands, or the nearest key around it that is there.

        >>> YamlFile("Pulumi.yaml", {}, {("config",): 3}).place("config", "shop:step")
        Place(source='Pulumi.yaml', line=3, path='')
        """
        found = (self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines)
        return Place(self.path, next(found, None))


def read_yaml(path: Path, shown: str) -> YamlFile:
    """Return the mapping in the file at `path`, which messages call `shown`.

    Raises:
        SourceError: the file can't be read, is not YAML, or holds no mapping.
    """
    try:
        data = path.read_bytes()
        node = yaml.compose(data, Loader=yaml.SafeLoader)
        values = next((each.value for each in yaml_values(data, PulumiScalars)), None) or {}
    except OSError as problem:
        message = f"can't be read: {(problem.strerror or '').lower()}"
        raise SourceError(message, place=Place(shown)) from None
    except yaml.YAMLError as problem:
        raise _malformed(problem, shown) from None
    if not isinstance(values, dict):
        raise SourceError("expected a mapping of keys to values", place=Place(shown, 1))
    return YamlFile(shown, values, _lines(node, shown))


def _malformed(problem: Exception, shown: str) -> SourceError:
    mark = getattr(problem, "problem_mark", None)
    line = None if mark is None else mark.line + 1
    reason = getattr(problem, "problem", None) or "it is not UTF-8 text"
    return SourceError(f"malformed YAML: {reason}", place=Place(shown, line))


def _lines(root: yaml.Node | None, shown: str) -> dict[tuple[str, ...], int]:
    """Return the line of each key by its path; a key that stands twice is refused, as by Pulumi."""
    lines: dict[tuple[str, ...], int] = {}
    todo: list[tuple[yaml.Node | None, tuple[str, ...]]] = [(root, ())]
    while todo:
        node, path = todo.pop()
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            inner, line = (*path, str(key.value)), key.start_mark.line + 1
            if lines.setdefault(inner, line) != line:
                message = f"key `{key.value}` stands twice, first in line {lines[inner]}"
                raise SourceError(message, help="remove one", place=Place(shown, line))
            todo.append((value, inner))
    return lines


_PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")


@dataclass(frozen=True, slots=True)
class Project:
    """A Pulumi project: its folder, the program in it, and the configuration it declares."""

    name: str
    folder: Path
    main: Path
    file: YamlFile

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration that the project declares, by key."""
        declared = self.file.values.get("config")
        return declared if isinstance(declared, dict) else {}


def is_project(folder: Path) -> bool:
    """Return whether a folder itself is that of a Pulumi project."""
    return _project_file(folder) is not None


def find_project(start: Path) -> Path:
    """Return the folder of the project that `start` lies in, looking outwards as Pulumi does.

    Raises:
        SourceError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if _project_file(folder) is not None:
            return folder
    raise SourceError(
        "no Pulumi.yaml here or in any folder above",
        help="name what to read, as in `podwall reach manifests/`, or run podwall in the folder of "
        "a Pulumi project, or in one below it",
        place=Place(str(start)),
    )


def _project_file(folder: Path) -> Path | None:
    return next((folder / name for name in _PROJECT_FILES if (folder / name).is_file()), None)


def read_project(folder: Path) -> Project:
    """Return the project in `folder`.

    Raises:
        SourceError: its file is malformed, or it is not a Python program.
    """
    folder = find_project(folder)
    path = _project_file(folder)
    assert path is not None
    file = read_yaml(path, path.name)
    return Project(_name(file), folder, _main(folder, file), file)


def _name(file: YamlFile) -> str:
    name = file.values.get("name")
    if not isinstance(name, str) or not name:
        raise SourceError(
            "the project has no name", help="add `name: ...`", place=file.place("name")
        )
    return name


def _main(folder: Path, file: YamlFile) -> Path:
    """Return the program's file: `main` names it, or the folder that holds its `__main__.py`."""
    runtime = file.values.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise SourceError(
            f"podwall plans Python programs, and this one is `{language}`",
            help="plan it with the Pulumi CLI: `podwall preview --with pulumi`",
            place=file.place("runtime"),
        )
    entry = folder / str(file.values.get("main") or ".")
    main = entry if entry.suffix == ".py" else entry / "__main__.py"
    if not _is_file(main):
        raise SourceError("the program is missing", place=Place(relative_path(main, folder)))
    return main.resolve()


def _is_file(path: Path) -> bool:
    """Return whether there is a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def stack_names(folder: Path) -> tuple[str, ...]:
    """Return the stacks that have a configuration file, sorted."""
    names = (path.name for path in folder.glob("Pulumi.*.y*ml"))
    return tuple(sorted(name.split(".", 1)[1].rpartition(".")[0] for name in names))


def default_stack(folder: Path) -> str:
    """Return the stack that is meant where none is named: `dev`, or the only one.

    Where no stack has a file, because none is configured, it is `dev`.

    Raises:
        SourceError: it is not clear which one is meant.
    """
    known = stack_names(folder)
    if not known or "dev" in known:
        return "dev"
    if len(known) == 1:
        return known[0]
    listed = ", ".join(f"`{name}`" for name in known)
    raise SourceError(
        "no stack is named",
        help=f"name one with --stack: {listed}",
        place=Place(str(folder)),
    )


def stack_file(folder: Path, stack: str) -> YamlFile:
    """Return the configuration file of a stack.

    Pulumi makes such a file when something is configured. A project without any has stacks of any
    name, each with an empty file.

    Raises:
        SourceError: there is no such stack, or its file is malformed.
    """
    for suffix in ("yaml", "yml"):
        name = f"Pulumi.{stack}.{suffix}"
        if _is_file(folder / name):
            return read_yaml(folder / name, name)
    known = stack_names(folder)
    if not known:
        return YamlFile(f"Pulumi.{stack}.yaml", {}, {})
    raise SourceError(
        f"there is no stack `{stack}`: Pulumi.{stack}.yaml is missing",
        help=did_you_mean(stack, known),
    )


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a help line with the nearest of `known` words, or all of them.

    >>> did_you_mean("pord", ["dev", "prod"])
    'did you mean `prod`? there are `dev`, `prod`'
    """
    listed = f"there are {', '.join(f'`{name}`' for name in known)}" if known else ""
    return " ".join(filter(None, (guess(word, known), listed)))
