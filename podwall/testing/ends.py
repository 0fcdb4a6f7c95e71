"""What a test names: ends as text or selections, ports as the typed ones of `policies`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from podwall.expectations import Selection, selection
from podwall.policies import Port, Ports
from podwall.policies.errors import InvalidValue
from podwall.reports.words import listed

__all__ = ["EVERY_PORT", "Ends", "port_texts", "selections", "written"]

Ends = str | Selection | Iterable[str | Selection]

_EVERY: Final = "1-65535"
#: What `ALL_PORTS` means where it has to be said which ports are open.
EVERY_PORT: Final = (f"{_EVERY}/tcp", f"{_EVERY}/udp", f"{_EVERY}/sctp")


def selections(ends: Ends) -> tuple[Selection, ...]:
    """Return ends as selections; a text is read as in a file of expectations.

    Raises:
        InvalidValue: a text is no end of a connection.

    >>> [str(each) for each in selections(["shop/web", "203.0.113.7", "internet"])]
    ['shop/web', '203.0.113.7/32', 'internet']
    """
    if isinstance(ends, str):
        return (selection(ends),)
    if isinstance(ends, Iterable):
        return tuple(each for several in ends for each in selections(several))
    return (ends,)


def written(ends: tuple[Selection, ...]) -> str:
    """Return ends in words.

    >>> written(selections(["shop/web", "shop/api"]))
    'shop/web and shop/api'
    """
    return listed([str(each) for each in ends])


def port_texts(ports: Ports) -> tuple[str, ...]:
    """Return ports as an expectation writes them; `ALL_PORTS`, any port at all, as none.

    Raises:
        InvalidValue: they are not typed ports.

    >>> from podwall.policies import tcp, udp
    >>> port_texts(tcp(8000, end_port=8080) | udp(53) | tcp("metrics"))
    ('8000-8080/tcp', 'metrics/tcp', '53/udp')
    """
    if not isinstance(ports, Ports):
        raise InvalidValue(
            f"`{ports}` are not typed ports",
            help="write them as in a policy: `from podwall.policies import tcp`, then `tcp(8080)`",
            value=ports,
        )
    return tuple(map(_text, ports.entries or ()))


def _text(entry: Port) -> str:
    if entry.port is None:
        numbers = _EVERY
    else:
        numbers = f"{entry.port}-{entry.end_port}" if entry.end_port else str(entry.port)
    return f"{numbers}/{entry.protocol.lower()}"
