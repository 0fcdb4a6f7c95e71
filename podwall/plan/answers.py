"""Answer what a program asks the cloud in Python: from the settings, else by stand-ins.

A function of a provider has two forms (https://www.pulumi.com/docs/iac/concepts/functions/provider-functions/).
The output form of an answer that nobody knows is an unknown output. The direct form returns in the
middle of the program, and is given a stand-in for every property of the answer.

What the settings answer (`podwall:answers` of the stack, by the function's token) is known in both
forms; properties that an answer leaves out are unknown one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, get_args, get_origin

import pulumi
import pulumi.runtime
from pulumi import _types

from podwall.plan.stand_ins import Decisions, stand_in, type_of
from podwall.plan.values import is_unknown
from podwall.policies.errors import SourceError
from podwall.policies.wording import guess

__all__ = ["answering"]

# A chart or folder that is not built has no objects here; it is named as unseen.
_BUILT_ELSEWHERE: Final = ("kubernetes:helm:template", "kubernetes:kustomize:directory")


@contextmanager
def answering(answers: Mapping[str, Any], decisions: Decisions) -> Iterator[None]:
    """Answer the functions of providers for as long as the body runs.

    The SDKs find these functions in the package, and what extracts a single value in the module.
    """
    module: Any = import_module("pulumi.runtime.invoke")  # the attribute is a function
    package: Any = pulumi.runtime
    asked = _Asked(answers, decisions, module.InvokeResult)
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

    def invoke(self, plain: Function) -> Function:
        """Return the direct form."""

        def asked(
            tok: str, props: Any, opts: Any = None, typ: Any = None, *rest: Any, **more: Any
        ) -> Any:
            if tok in self.answers:
                return self.result(self._known(tok, typ))
            found = plain(tok, props, opts, typ, *rest, **more)
            if not found.is_known and tok not in _BUILT_ELSEWHERE:
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
            found = await plain(tok, props, opts, typ, *rest, **more)
            nothing = found is None and tok not in _BUILT_ELSEWHERE
            return self._unknown(tok, typ) if nothing else found

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
