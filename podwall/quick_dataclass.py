"""`dataclass` of the standard library, whose methods are written when they are first called.

A command loads some 180 dataclasses and makes instances of few. The standard library writes and
compiles six methods of each while it is imported: 0.1 s, a quarter of a small `podwall reach`.
Here the standard library still reads the fields, so that `fields`, `replace`, `asdict` and `match`
mean the same; but `__init__`, `__eq__` and `__hash__` are compiled when something first asks for
them, and what needs no code of its own (`__repr__`, refusing assignment, pickling) is shared.

    from podwall.quick_dataclass import dataclass     in place of dataclasses.dataclass

What it does not know (`order`, `InitVar`, `unsafe_hash`) is left to the standard library. To a type
checker it is the standard library's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, fields, is_dataclass
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass"]

_KNOWN: Final = frozenset({"frozen", "slots", "kw_only", "init", "repr", "eq"})


class _Factory:
    """The default of what a factory makes, shown as the standard library shows it."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY: Final = _Factory()


def _dataclass(cls: type | None = None, /, **options: bool) -> Any:
    """Return the class as a dataclass, with the options of `dataclasses.dataclass`.

    >>> @dataclass(frozen=True, slots=True)
    ... class Port:
    ...     "A port by its number."
    ...     number: int
    ...     protocol: str = "TCP"
    >>> Port(80)
    Port(number=80, protocol='TCP')
    >>> Port(80) == Port(80, "TCP"), Port(80) == Port(81), len({Port(80), Port(80)})
    (True, False, 1)
    >>> Port(80).number = 81
    Traceback (most recent call last):
    dataclasses.FrozenInstanceError: cannot assign to field 'number'
    """
    return _made(cls, options) if cls is not None else lambda given: _made(given, options)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass


def _made(cls: type, options: dict[str, bool]) -> type:
    if not options.keys() <= _KNOWN or _has_arguments_only(cls):
        return dataclasses.dataclass(**options)(cls)
    written = frozenset(name for name, value in vars(cls).items() if value is not None)
    frozen, eq = options.get("frozen", False), options.get("eq", True)
    # The standard library notes the fields alone. Of a frozen base it takes only a frozen class.
    inherits = any(is_dataclass(each) for each in cls.__mro__[1:])
    asked = {**options, "init": False, "repr": False, "eq": False, "frozen": frozen and inherits}
    made: type = dataclasses.dataclass(**asked)(cls)
    lazily = {"__init__": (_init, options.get("init", True)), "__eq__": (_eq, eq)}
    lazily["__hash__"] = (_hash, eq and frozen)
    for name, (write, wanted) in lazily.items():
        if wanted and name not in written:
            setattr(made, name, _WhenAsked(made, name, write))
    if options.get("repr", True) and "__repr__" not in written:
        _put(made, __repr__=_shown)
    if eq and not frozen and "__hash__" not in written:
        _put(made, __hash__=None)
    if frozen:
        _freeze(made, written, slots=options.get("slots", False))
    return made


def _has_arguments_only(cls: type) -> bool:
    return any("InitVar" in str(each) for each in vars(cls).get("__annotations__", {}).values())


def _freeze(cls: type, written: frozenset[str], *, slots: bool) -> None:
    cls.__dataclass_params__.frozen = True  # type: ignore[attr-defined] # of every dataclass
    _put(cls, __setattr__=_refuse_assignment, __delattr__=_refuse_deletion)
    if slots and "__getstate__" not in written:
        _put(cls, __getstate__=_state, __setstate__=_restore)


def _put(cls: type, **methods: object) -> None:
    for name, method in methods.items():
        setattr(cls, name, method)


class _WhenAsked:
    """A method that is written when it is looked up, and then takes its own place."""

    __slots__ = ("_cls", "_name", "_write")

    def __init__(self, cls: type, name: str, write: Callable[[type], Any]) -> None:
        self._cls, self._name, self._write = cls, name, write

    def __get__(self, instance: object, owner: type | None = None) -> object:
        method = self._write(self._cls)
        method.__name__ = self._name
        method.__qualname__ = f"{self._cls.__qualname__}.{self._name}"
        method.__module__ = self._cls.__module__
        setattr(self._cls, self._name, method)
        return method if instance is None else method.__get__(instance, owner)


def _init(cls: Any) -> Any:
    """Write `__init__`: fields in their order, those that are only given by name last."""
    given = [each for each in fields(cls) if each.init]
    by_name = [_parameter(each) for each in given if each.kw_only]
    by_place = [_parameter(each) for each in given if not each.kw_only]
    parameters = ["self", *by_place, *(["*"] if by_name else []), *by_name]
    lines = [line for each in fields(cls) for line in _assignment(cls, each)]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    names: dict[str, object] = {"_put": object.__setattr__, "_factory": _FACTORY}
    for each in fields(cls):
        names[f"_default_{each.name}"] = each.default
        names[f"_make_{each.name}"] = each.default_factory
        names[f"_put_{each.name}"] = getattr(getattr(cls, each.name, None), "__set__", None)
    method = _compiled(parameters, lines or ["pass"], names)
    method.__annotations__ = {each.name: each.type for each in given} | {"return": None}
    return method


def _parameter(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return f"{field.name}=_factory"
    return field.name if field.default is MISSING else f"{field.name}=_default_{field.name}"


def _assignment(cls: Any, field: Field[Any]) -> Iterator[str]:
    """Yield the line that sets a field: to what is given, or to its default.

    A slot is set by its own descriptor, which is quicker than asking `object` for it by name.
    """
    name = field.name
    value = name if field.init else f"_default_{name}"
    if field.default_factory is not MISSING:
        made = f"_make_{name}()"
        value = f"{made} if {name} is _factory else {name}" if field.init else made
    elif not field.init and field.default is MISSING:
        return
    if isinstance(getattr(cls, name, None), MemberDescriptorType):
        yield f"_put_{name}(self, {value})"
    elif cls.__dataclass_params__.frozen:
        yield f"_put(self, {name!r}, {value})"
    else:
        yield f"self.{name} = {value}"


def _eq(cls: Any) -> Any:
    """Write `__eq__`: field by field, the same one being equal, as tuples of them compare.

    Making two tuples of a dozen fields takes longer than looking at them until two differ.
    """
    names = [each.name for each in fields(cls) if each.compare]
    alike = [f"(self.{name} is other.{name} or self.{name} == other.{name})" for name in names]
    lines = ["if self is other: return True", "if other.__class__ is self.__class__:"]
    lines.append(f"    return True if {' and '.join(alike) or 'True'} else False")
    return _compiled(["self", "other"], [*lines, "return NotImplemented"], {})


def _hash(cls: Any) -> Any:
    names = [each.name for each in fields(cls) if _is_hashed(each)]
    return _compiled(["self"], [f"return hash({_tuple('self', names)})"], {})


def _is_hashed(field: Field[Any]) -> bool:
    return field.compare if field.hash is None else field.hash


def _tuple(end: str, names: Iterable[str]) -> str:
    return f"({''.join(f'{end}.{name}, ' for name in names)})"


def _compiled(parameters: Iterable[str], lines: Iterable[str], names: dict[str, object]) -> Any:
    body = "".join(f"    {line}\n" for line in lines)
    # The names of fields are identifiers: the standard library has checked them.
    exec(f"def _method({', '.join(parameters)}):\n{body}", names)  # noqa: S102 - as above
    return names.pop("_method")


def _shown(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_assignment(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore(self: Any, state: Sequence[object]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
