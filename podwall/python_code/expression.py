"""Python expressions as values, and their text as `ruff format` leaves it.

Only what the language of policies needs: names, literals, calls, methods of what a call returned,
lists, mappings, and unions with `|`. What does not fit on a line is written one part a line, with a
comma behind the last, and the formatter never joins that again.
https://docs.astral.sh/ruff/formatter/black/
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from podwall.quick_dataclass import dataclass

__all__ = [
    "LINE_LENGTH",
    "Argument",
    "Call",
    "DictCode",
    "Expression",
    "ListCode",
    "Literal",
    "MethodName",
    "NameCode",
    "UnionCode",
    "call_code",
    "imports",
    "names_in",
    "source_of",
    "text_literal",
    "texts_code",
]

LINE_LENGTH: Final = 100
_STEP: Final = 4
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class NameCode:
    """A name that is imported, or given in the module itself."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal, as it is written."""

    code: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; `keyword` is empty for a positional one."""

    value: Expression
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class MethodName:
    """A method of what an expression gives."""

    of: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call; `spread`: one argument a line, whether they would fit on one or not."""

    function: NameCode | MethodName
    arguments: tuple[Argument, ...]
    spread: bool = False


@dataclass(frozen=True, slots=True)
class ListCode:
    """A list."""

    items: tuple[Expression, ...]
    spread: bool = False


@dataclass(frozen=True, slots=True)
class DictCode:
    """A mapping of texts to expressions."""

    items: tuple[tuple[str, Expression], ...]
    spread: bool = False


@dataclass(frozen=True, slots=True)
class UnionCode:
    """Expressions that are united with `|`."""

    parts: tuple[Expression, ...]


Expression = NameCode | Literal | Call | MethodName | ListCode | DictCode | UnionCode


def text_literal(text: str) -> Literal:
    r"""Return the literal of a text, in the quotes that need fewer escapes.

    Whatever does not show, or turns the direction of writing around, is escaped: a text can neither
    end its literal nor look like something else.

    >>> text_literal('say "hello"\n\u202e').code
    '\'say "hello"\\n\\u202e\''
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    return Literal(f"{quote}{''.join(_escaped(each, quote) for each in text)}{quote}")


def _escaped(character: str, quote: str) -> str:
    if character == quote:
        return f"\\{character}"
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable() and unicodedata.category(character) != "Cf":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()


def names_in(expression: Expression) -> Iterator[str]:
    """Yield every name that an expression mentions, in order and with repetitions."""
    if isinstance(expression, NameCode):
        yield expression.name
    for part in _parts(expression):
        yield from names_in(part)


def _parts(expression: Expression) -> Iterator[Expression]:
    match expression:
        case Call(function, arguments):
            yield function
            yield from (each.value for each in arguments)
        case MethodName(of):
            yield of
        case ListCode(items) | UnionCode(items):
            yield from items
        case DictCode(pairs):
            yield from (value for _, value in pairs)
        case _:
            pass


def source_of(expression: Expression, indent: int = 0, before: int = 0, after: int = 0) -> str:
    """Return the text of an expression; it has no line break where it fits on a line.

    Args:
        expression: what is written.
        indent: how far the line is indented on which it begins.
        before: how many columns are taken on that line before it.
        after: how many columns are needed behind its end.
    """
    flat = _flat(expression)
    fits = before + len(flat) + after <= LINE_LENGTH
    return flat if fits and not _is_spread(expression) else _broken(expression, indent)


def _is_spread(expression: Expression) -> bool:
    own = isinstance(expression, Call | ListCode | DictCode) and expression.spread
    return own or any(map(_is_spread, _parts(expression)))


def _flat(expression: Expression) -> str:
    match expression:
        case NameCode(code) | Literal(code):
            return code
        case MethodName(of, name):
            return f"{_flat(of)}.{name}"
        case Call(function, arguments):
            return f"{_flat(function)}({', '.join(map(_flat_argument, arguments))})"
        case ListCode(items):
            return f"[{', '.join(map(_flat, items))}]"
        case DictCode(items):
            return f"{{{', '.join(f'{_key(key)}{_flat(value)}' for key, value in items)}}}"
        case UnionCode(parts):
            return " | ".join(map(_flat, parts))


def _flat_argument(argument: Argument) -> str:
    return f"{_keyword(argument)}{_flat(argument.value)}"


def _keyword(argument: Argument) -> str:
    return f"{argument.keyword}=" if argument.keyword else ""


def _key(key: str) -> str:
    return f"{text_literal(key).code}: "


def _broken(expression: Expression, indent: int) -> str:
    match expression:
        case Call(function, arguments) if arguments:
            opening = f"{_function(function, indent)}("
            return _block(
                opening, [(_keyword(each), each.value) for each in arguments], ")", indent
            )
        case ListCode(items) if items:
            return _block("[", [("", each) for each in items], "]", indent)
        case DictCode(pairs) if pairs:
            return _block("{", [(_key(key), value) for key, value in pairs], "}", indent)
        case UnionCode(parts):
            return _broken_union(parts, indent)
        case _:
            return _flat(expression)


def _function(function: NameCode | MethodName, indent: int) -> str:
    if isinstance(function, NameCode):
        return function.name
    method = f".{function.name}"
    return source_of(function.of, indent, indent, len(method) + 1) + method


def _block(opening: str, parts: list[tuple[str, Expression]], closing: str, indent: int) -> str:
    inner = indent + _STEP
    lines = [
        f"{' ' * inner}{head}{source_of(part, inner, inner + len(head), 1)},"
        for head, part in parts
    ]
    return "\n".join([opening, *lines, f"{' ' * indent}{closing}"])


def _broken_union(parts: tuple[Expression, ...], indent: int) -> str:
    margin = " " * (indent + _STEP)
    flat = [_flat(part) for part in parts]
    joined = " | ".join(flat)
    if len(margin) + len(joined) > LINE_LENGTH:
        joined = f"\n{margin}| ".join(flat)
    return f"(\n{margin}{joined}\n{' ' * indent})"


def texts_code(texts: Mapping[str, str]) -> DictCode:
    """Return the expression of a mapping of texts."""
    return DictCode(tuple((key, text_literal(value)) for key, value in texts.items()))


def call_code(
    function: str,
    positional: Iterable[Expression] = (),
    keywords: Mapping[str, Expression] | None = None,
    *,
    spread: bool = False,
) -> Call:
    """Return the call of a function by its name."""
    named = (Argument(value, keyword) for keyword, value in (keywords or {}).items())
    return Call(NameCode(function), (*map(Argument, positional), *named), spread)


def imports(expressions: Iterable[Expression]) -> str:
    """Return the import statement of the names that expressions mention.

    >>> imports([NameCode("pods"), NameCode("ALL_PODS"), NameCode("pods")])
    'from podwall.policies import ALL_PODS, pods'
    """
    names = sorted({name for each in expressions for name in names_in(each)})
    line = f"from podwall.policies import {', '.join(names)}"
    if len(line) <= LINE_LENGTH:
        return line
    return "\n".join(["from podwall.policies import (", *(f"    {name}," for name in names), ")"])
