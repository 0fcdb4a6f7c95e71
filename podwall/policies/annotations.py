"""Annotations: texts that people and tools attach to a policy, without a meaning to Kubernetes.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.syntax import label_key_problem
from podwall.policies.texts import TextMap, refuse_non_text
from podwall.policies.wording import shown

__all__ = ["LONGEST_ANNOTATIONS", "Annotations", "annotation_key_problem", "len_in_bytes"]

#: All keys and values of an object together, in bytes of UTF-8 (256 KiB).
LONGEST_ANNOTATIONS: Final = 256 * 1024


class Annotations(TextMap):
    """An immutable, hashable mapping of annotation keys to any text.

    >>> Annotations({"example.com/owner": "team a, floor 2"})
    Annotations({'example.com/owner': 'team a, floor 2'})
    """

    __slots__ = ()

    def __init__(
        self, annotations: Mapping[str, str] | None = None, *, path: str = "annotations"
    ) -> None:
        """Check and keep the annotations, of at most 256 KiB together."""
        super().__init__(annotations, path=path)
        size = sum(len_in_bytes(key) + len_in_bytes(value) for key, value in self.items())
        if size > LONGEST_ANNOTATIONS:
            raise InvalidValue(
                f"the annotations take {size} bytes, more than {LONGEST_ANNOTATIONS}",
                help="keep long texts elsewhere and annotate with a link",
                place=Place(path=path),
                value=size,
            )

    @staticmethod
    def check_key(key: object, place: Place) -> None:
        """Refuse a key that is no label key; unlike there, upper case is fine in its prefix."""
        refuse_non_text(key, place)
        if isinstance(key, str) and (problem := annotation_key_problem(key)):
            raise InvalidValue(
                f"{shown(key)} {problem}",
                help="an annotation key is a name such as `example.com/owner`",
                place=place,
                value=key,
            )


def annotation_key_problem(key: str) -> str | None:
    """Say why a text is not an annotation key."""
    return label_key_problem(key.lower())


def len_in_bytes(text: str) -> int:
    """Return the length of a text in UTF-8; JSON can hold surrogates, which UTF-8 cannot."""
    return len(text.encode(errors="surrogatepass"))
