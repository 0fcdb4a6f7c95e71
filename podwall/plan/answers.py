"""What a program asks for that is not here: of the cloud, of its configuration, of the network.

podwall asks for no passphrase, and opens no environment of Pulumi ESC. Such a value is a stand-in
of the type that the program asks for; what `--config` and `--secret` give is known.
https://www.pulumi.com/docs/iac/concepts/config/ https://www.pulumi.com/docs/esc/

The first version of these components reads its files in the program. Nothing is asked on the
network for a plan, and a server that is away would take the whole plan with it.
https://www.pulumi.com/registry/packages/kubernetes/api-docs/yaml/configfile/

A function of a provider has two forms (https://www.pulumi.com/docs/iac/concepts/functions/provider-functions/).
The output form of an answer that nobody knows is an unknown output. The direct form returns in the
middle of the program, and is given a stand-in for every property of the answer.

What the settings answer (`podwall:answers` of the stack, by the function's token) is known in both
forms; properties that an answer leaves out are unknown one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from importlib import import_module
from types import FunctionType
from typing import Any, Final, get_args, get_origin

import pulumi
import pulumi.runtime
from pulumi import _types

from podwall.plan.charts import BUILT_FUNCTIONS
from podwall.plan.masking import secret_texts
from podwall.plan.model import is_unknown
from podwall.plan.stand_ins import Decisions, UnknownText, stand_in, type_of
from podwall.policies.errors import Place, SourceError
from podwall.policies.wording import guess
from podwall.quick_dataclass import dataclass

__all__ = [
    "Unfetched",
    "answering",
    "secrets_noted",
    "unread_configuration",
]

_KINDS: Final = {"_get_bool": bool, "_get_float": float, "_get_int": int}


@contextmanager
def unread_configuration(environments: Sequence[str], decisions: Decisions) -> Iterator[None]:
    """Let a program read what is not known, for as long as the body runs.

    Args:
        environments: the environments of ESC that the stack has: each key that no file sets, one of
            them may set.
        decisions: where it is noted if the program decides by such a value.
    """
    config: Any = pulumi.Config
    plain = {name: getattr(config, name) for name in ("_get", "_get_object", *_KINDS)}
    config._get = _text(plain["_get"], environments, decisions)  # noqa: SLF001 - see below
    config._get_object = _object(plain["_get_object"], decisions)  # noqa: SLF001 - see below
    for name, kind in _KINDS.items():
        # Every public method of every release reads by these, and reads text in no other way.
        setattr(config, name, _typed(plain[name], kind, decisions))
    try:
        yield
    finally:
        for name, method in plain.items():
            setattr(config, name, method)


Reader = Callable[..., Any]


def _text(plain: Reader, environments: Sequence[str], decisions: Decisions) -> Reader:
    listed = ", ".join(f"`{each}`" for each in environments)

    def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
        found = plain(self, key, *rest, **more)
        if found is None and environments:
            cause = f"`{self.full_key(key)}`, which the environment {listed} may set"
            return stand_in(str, cause, decisions)
        if isinstance(found, str) and is_unknown(found) and not found.startswith(("{", "[")):
            return stand_in(str, f"`{self.full_key(key)}`, which is encrypted", decisions)
        return found

    return read


def _typed(plain: Reader, kind: type, decisions: Decisions) -> Reader:
    def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
        found = self._get(key)
        if isinstance(found, UnknownText):
            return stand_in(kind, found.podwall_cause, decisions)
        return plain(self, key, *rest, **more)

    return read


def _object(plain: Reader, decisions: Decisions) -> Reader:
    def read(self: Any, key: str, *rest: Any, **more: Any) -> Any:
        found = self._get(key)
        if isinstance(found, UnknownText):
            return stand_in(Any, found.podwall_cause, decisions)
        if isinstance(found, str) and is_unknown(found):
            cause = f"a part of `{self.full_key(key)}`, which is encrypted"
            return _with_stand_ins(json.loads(found), cause, decisions)
        return plain(self, key, *rest, **more)

    return read


def _with_stand_ins(value: Any, cause: str, decisions: Decisions) -> Any:
    match value:
        case str() if is_unknown(value):
            return stand_in(str, cause, decisions)
        case dict():
            return {key: _with_stand_ins(each, cause, decisions) for key, each in value.items()}
        case list():
            return [_with_stand_ins(each, cause, decisions) for each in value]
        case _:
            return value


@contextmanager
def secrets_noted(learn: Callable[[Iterator[str]], None]) -> Iterator[None]:
    """Give the texts that the program makes secret to `learn`, for as long as the body runs."""
    output: Any = pulumi.Output
    plain = output.secret

    def secret(value: Any) -> Any:
        found = plain(value)
        found.apply(lambda known: learn(secret_texts(known)))
        return found

    output.secret = staticmethod(secret)
    try:
        yield
    finally:
        output.secret = plain


_COMPONENTS: Final = ("kubernetes:yaml:ConfigFile", "kubernetes:yaml:ConfigGroup")
_READER: Final = "_read_url"


@dataclass(slots=True)
class Unfetched:
    """What is not fetched, with the program's line, for as long as `withheld` is entered."""

    lines: Decisions
    found: list[tuple[Place, str]] = field(default_factory=list)
    _plain: list[tuple[dict[str, Any], Any]] = field(default_factory=list)

    @contextmanager
    def withheld(self) -> Iterator[None]:
        """Give the SDK its own reader back at the end of the body."""
        try:
            yield
        finally:
            for names, reader in self._plain:
                names[_READER] = reader

    def before(self, kind: str, resource: object) -> None:
        """Keep a component of this type from fetching, before it reads its files.

        What its own code calls is replaced, wherever that is: an SDK that imports its modules when
        they are first used may have a second one of the same name.
        """
        for names in _globals(resource) if kind in _COMPONENTS else ():
            reader = names.get(_READER)
            if reader is not None and reader != self._read:
                self._plain.append((names, reader))
                names[_READER] = self._read

    def _read(self, url: str) -> str:
        self.found.append((self.lines.line(), url))
        return ""


def _globals(resource: object) -> Iterator[dict[str, Any]]:
    """Yield the names that the constructors of a resource see; a program may derive a class."""
    for each in type(resource).__mro__:
        constructor = vars(each).get("__init__")
        if isinstance(constructor, FunctionType):
            yield constructor.__globals__


Built = Callable[[str, Mapping[str, Any], str], Mapping[str, Any] | None]
"""Builds a chart or a folder for a component with a URN; None where it is not built, which has no
objects here then, and is named as unseen."""


@contextmanager
def answering(answers: Mapping[str, Any], decisions: Decisions, built: Built) -> Iterator[None]:
    """Answer the functions of providers for as long as the body runs.

    The SDKs find these functions in the package, and what extracts a single value in the module.
    """
    module: Any = import_module("pulumi.runtime.invoke")  # the attribute is a function
    package: Any = pulumi.runtime
    asked = _Asked(answers, decisions, module.InvokeResult, built)
    plain = {name: getattr(module, name) for name in ("invoke", "invoke_async", "invoke_output")}
    for name, function in plain.items():
        around = getattr(asked, name)(function)
        setattr(module, name, around)
        setattr(package, name, around)
    try:
        yield
    finally:
        for name, function in plain.items():
            setattr(module, name, function)
            setattr(package, name, function)


Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The three ways to ask, each around the SDK's own."""

    answers: Mapping[str, Any]
    decisions: Decisions
    result: Callable[[Any], Any]
    built: Built

    def invoke(self, plain: Function) -> Function:
        """Return the direct form."""

        def asked(
            tok: str, props: Any, opts: Any = None, typ: Any = None, *rest: Any, **more: Any
        ) -> Any:
            if tok in self.answers:
                return self.result(self._known(tok, typ))
            found = plain(tok, props, opts, typ, *rest, **more)
            if not found.is_known and tok not in BUILT_FUNCTIONS:
                found.value = self._unknown(tok, typ)
            return found

        return asked

    def invoke_async(self, plain: Function) -> Function:
        """Return the direct form that is awaited."""

        async def asked(
            tok: str, props: Any, opts: Any = None, typ: Any = None, *rest: Any, **more: Any
        ) -> Any:
            if tok in self.answers:
                return self._known(tok, typ)
            if tok in BUILT_FUNCTIONS:
                parent = getattr(opts, "parent", None)
                urn = await parent.urn.future() if parent is not None else ""
                return self.built(tok, props, urn or "")
            found = await plain(tok, props, opts, typ, *rest, **more)
            return self._unknown(tok, typ) if found is None else found

        return asked

    def invoke_output(self, plain: Function) -> Function:
        """Return the output form."""

        def asked(
            tok: str, props: Any, opts: Any = None, typ: Any = None, *rest: Any, **more: Any
        ) -> Any:
            if tok in self.answers:
                return pulumi.Output.from_input(self._known(tok, typ))
            return plain(tok, props, opts, typ, *rest, **more)

        return asked

    def _known(self, tok: str, kind: Any) -> Any:
        return _Shaping(tok, self.decisions).value(self.answers[tok], kind or Any)

    def _unknown(self, tok: str, kind: Any) -> Any:
        shaping = _Shaping(tok, self.decisions)
        return shaping.whole({}, kind) if kind else shaping.missing(Any)


@dataclass(frozen=True, slots=True)
class _Shaping:
    """Makes the answer of one function as the SDK's types would have it."""

    token: str
    decisions: Decisions

    def missing(self, kind: Any) -> Any:
        """Return a stand-in for what the answer does not say."""
        return stand_in(kind, f"the answer of `{self.token}`", self.decisions)

    def value(self, given: Any, kind: Any) -> Any:
        """Return a part of the answer."""
        kind = type_of(kind)
        if isinstance(given, str) and is_unknown(given):
            return self.missing(str)
        if isinstance(given, Mapping):
            return self._mapping(given, kind)
        if isinstance(given, Sequence) and not isinstance(given, str):
            return [self.value(item, _inner(kind)) for item in given]
        return given

    def _mapping(self, given: Mapping[str, Any], kind: Any) -> Any:
        if isinstance(kind, type) and _types.is_output_type(kind):
            return self.whole(given, kind)
        return {key: self.value(item, _inner(kind)) for key, item in given.items()}

    def whole(self, given: Mapping[str, Any], kind: type) -> Any:
        """Return an instance of an SDK's type, whose properties may have either of their names."""
        kinds = _types.output_type_types(kind)
        names = _types.resource_py_to_pulumi_names(kind)
        known = {names.get(key, key): item for key, item in given.items()}
        for name in sorted(known.keys() - kinds.keys()):
            raise SourceError(
                f"the answer of `{self.token}` has no `{name}`", help=guess(name, [*kinds])
            )
        values = {
            name: self.value(known[name], each) if name in known else self.missing(each)
            for name, each in kinds.items()
        }
        return _types.output_type_from_dict(kind, values)


def _inner(kind: Any) -> Any:
    """Return the type of the items of a list, or of the values of a mapping."""
    inner = get_args(kind) if get_origin(kind) else ()
    return inner[-1] if inner else Any
