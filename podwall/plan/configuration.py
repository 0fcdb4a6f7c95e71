"""Read the configuration of a stack as Pulumi does: the project's declarations under the stack's.

https://www.pulumi.com/docs/iac/concepts/config/ says how the two files meet; what is checked here
is what `ValidateStackConfigAndApplyProjectConfig` of the Pulumi engine checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Final

from podwall.plan.masking import secret_texts
from podwall.plan.model import SECRET, UNKNOWN
from podwall.plan.project import Project, YamlFile
from podwall.policies.errors import Place, SourceError
from podwall.quick_dataclass import dataclass

__all__ = ["Configuration", "GivenConfiguration", "configuration", "place_in_files"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of a stack by full key (`project:name`), and which keys are secret.

    Values are text, as a program gets them: what is not text in the file is JSON here. An encrypted
    value is an unknown text, because podwall asks for no passphrase. `environments` are those of
    Pulumi ESC that the stack imports, which may set more. `answers` are podwall's own setting
    `podwall:answers`, by the tokens of functions: what the cloud would answer.
    """

    values: Mapping[str, str]
    secret_keys: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def secret_texts(self) -> Iterator[str]:
        """Yield the texts of secret values that are not encrypted: they stand in a file."""
        for text in (self.values[key] for key in self.secret_keys):
            if UNKNOWN not in text:
                yield from secret_texts(_parsed(text))


@dataclass(frozen=True, slots=True)
class GivenConfiguration:
    """Configuration that is given for one plan, over what the files say.

    A key without a namespace is the project's own. `secrets` are values like the others, but for
    that nothing shows them.
    """

    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Return whether anything is given."""
        return bool(self.values or self.secrets)

    def has(self, key: str, project: Project) -> bool:
        """Return whether a full key is given for a plan of the project."""
        return key in _full_keys({**self.values, **self.secrets}, project)


def configuration(
    project: Project, stack: YamlFile, given: GivenConfiguration | None = None
) -> Configuration:
    """Return the configuration of the stack whose file is `stack`.

    Defaults are those of the project. What is `given` comes last.

    Raises:
        SourceError: a key is malformed or missing, or a value is not of the declared type.
    """
    given = given or GivenConfiguration()
    over = _full_keys({**given.values, **given.secrets}, project)
    settled = _stack_config(stack, project.name) | over
    declared = {_full(key, project.name): (key, d) for key, d in project.config.items()}
    secrets = {full for full, (_, d) in declared.items() if isinstance(d, dict) and d.get("secret")}
    secrets |= _full_keys(given.secrets, project).keys()
    answers = _answers(settled.pop(ANSWERS, {}), stack)
    environments = tuple(_environments(stack.values.get("environment")))
    for full, (key, declaration) in declared.items():
        if full in settled:
            place = Place() if full in over else stack.place("config", full)
            _check_type(full, settled[full], declaration, place, is_secret=full in secrets)
        elif (default := _default(declaration)) is not None:
            settled[full] = default
        elif full.startswith(f"{project.name}:") and not environments:
            raise _missing(full, project.file.place("config", key), stack.path)
    return Configuration(
        {key: _text(value) for key, value in settled.items()},
        tuple(sorted(key for key in settled if key in secrets or _is_encrypted(settled[key]))),
        environments,
        answers,
    )


#: The key of the stack's configuration that holds what the cloud would answer a program.
ANSWERS: Final = "podwall:answers"


def _answers(given: Any, stack: YamlFile) -> Mapping[str, Any]:
    plain = _without_ciphertext(given)
    if isinstance(plain, dict) and all(isinstance(each, dict) for each in plain.values()):
        return plain
    raise SourceError(
        f"`{ANSWERS}` is a mapping of functions to what they answer, which is a mapping too",
        help="as in `azure-native:network:getVirtualNetwork: {location: westeurope}`",
        place=stack.place("config", ANSWERS),
    )


def _environments(written: Any) -> Iterator[str]:
    """Yield the environments that a stack imports; one that is written in the file has no name.

    https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
    """
    listed = written.get("imports") if isinstance(written, dict) else written
    for each in listed if isinstance(listed, list) else []:
        yield str(next(iter(each), "")) if isinstance(each, dict) else str(each)
    if isinstance(written, dict) and "values" in written:
        yield "of the stack's file"


def _full_keys(values: Mapping[str, Any], project: Project) -> dict[str, Any]:
    return {_full(key, project.name): value for key, value in values.items()}


def place_in_files(
    place: Place, stack: YamlFile, project: Project, given: GivenConfiguration | None = None
) -> Place:
    """Return where a file sets the configuration that `place.path` names, or `place` itself.

    The path of a part of an object is looked up as deep as the file has it. What is given for this
    plan is in no file.
    """
    if not place.path:
        return place
    keys = _path_keys(place.path)
    if given is not None and given.has(keys[0], project):
        return place
    for file, names in ((stack, keys), (project.file, [keys[0].rpartition(":")[2], "default"])):
        if ("config", names[0]) in file.lines:
            found = file.place("config", *names)
            return Place(found.source, found.line, place.path)
    return place


def _path_keys(path: str) -> list[str]:
    """Return the steps of a path: the full key, then the names inside its value.

    >>> _path_keys("shop:cluster.pools[0].labels[a.b/c]")
    ['shop:cluster', 'pools', 'labels', 'a.b/c']
    """
    steps = re.findall(r"\[([^\]]*)\]|([^.\[]+)", path)
    return [key or name for key, name in steps if not key.isdecimal()]


def _stack_config(stack: YamlFile, project: str) -> dict[str, Any]:
    config = stack.values.get("config") or {}
    if not isinstance(config, dict):
        raise SourceError("expected a mapping of keys to values", place=stack.place("config"))
    for key in config:
        if str(key).count(":") not in {1, 2}:
            raise SourceError(
                f"`{key}` is not a configuration key",
                help=f"a key is `namespace:name`, here perhaps `{project}:{key}`",
                place=stack.place("config", str(key)),
            )
    return {_full(key, project): value for key, value in config.items()}


def _full(key: str, project: str) -> str:
    """Return a key with its namespace; the old form `namespace:config:name` is the same key."""
    namespace, _, name = key.rpartition(":")
    return f"{namespace.removesuffix(':config') or project}:{name}"


def _default(declaration: Any) -> Any:
    if not isinstance(declaration, dict):
        return declaration
    return declaration.get("default", declaration.get("value"))


def _missing(key: str, place: Place, stack: str) -> SourceError:
    name = stack.removeprefix("Pulumi.").rpartition(".")[0]
    return SourceError(
        f"`{key}` is required and {stack} does not set it",
        help=f"set it: `pulumi config set --stack {name} {key} VALUE`, or give it: "
        f"`--config {key}=VALUE`",
        place=place,
    )


def _check_type(key: str, value: Any, declaration: Any, place: Place, *, is_secret: bool) -> None:
    kind = declaration.get("type") if isinstance(declaration, dict) else None
    if kind is None or _is_encrypted(value) or _fits(value, kind, declaration.get("items")):
        return
    shown = SECRET if is_secret else _text(value)
    raise SourceError(
        f"`{key}` is `{shown}`, which is not {_KINDS.get(kind, kind)}",
        help=f"declared in Pulumi.yaml as `type: {kind}`",
        place=place,
    )


_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "a mapping",
    "string": "text",
}


def _fits(value: Any, kind: str, items: Any) -> bool:
    """Return whether a value has a declared type; text that spells one is that type as well."""
    match kind:
        case "string":
            return isinstance(value, (str, int, float)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool) or value in {"true", "false"}
        case "integer":
            text = str(value).removeprefix("-")
            return not isinstance(value, bool) and text.isascii() and text.isdigit()
        case "array":
            inner = items if isinstance(items, dict) else {}
            return isinstance(value, list) and all(
                _fits(item, inner.get("type", ""), inner.get("items")) for item in value
            )
        case "object":
            return isinstance(value, dict)
        case _:
            return True


def _is_encrypted(value: Any) -> bool:
    match value:
        case {"secure": str()}:
            return True
        case dict():
            return any(map(_is_encrypted, value.values()))
        case list():
            return any(map(_is_encrypted, value))
        case _:
            return False


def _text(value: Any) -> str:
    plain = _without_ciphertext(value)
    if isinstance(plain, str) or plain is None:
        return plain or ""
    return json.dumps(plain, separators=(",", ":"))


def _parsed(text: str) -> Any:
    """Return what a text means as JSON, and the text itself where it is none."""
    try:
        return [json.loads(text), text]
    except ValueError:
        return text


def _without_ciphertext(value: Any) -> Any:
    match value:
        case {"secure": str()}:
            return f"{UNKNOWN}-encrypted"
        case dict():
            return {key: _without_ciphertext(item) for key, item in value.items()}
        case list():
            return [_without_ciphertext(item) for item in value]
        case _:
            return value
