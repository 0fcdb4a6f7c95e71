"""How a value that Azure refuses is refused: the argument, the reason, the remedy, the source.

`LEARN` is where Microsoft writes the rules; everything that quotes a page of them starts there.
"""

from __future__ import annotations

from podwall.policies.errors import InvalidValue, Place

__all__ = ["LEARN", "refusal"]


LEARN = "https://learn.microsoft.com/azure/aks"
"""Where the rules of Azure Kubernetes Service are written."""


def refusal(argument: str, reason: str, remedy: str, page: str = "") -> InvalidValue:
    """Return the error that refuses `argument`, to be raised by the caller.

    `page` is the page of Microsoft's AKS documentation that states the rule; it follows the remedy.

    >>> str(refusal("engine", "`kubenet` is not an engine", "choose `azure`"))
    'engine: `kubenet` is not an engine'
    >>> refusal("engine", "`kubenet` is retired", "choose `azure`", "use-network-policies").help
    'choose `azure` (https://learn.microsoft.com/azure/aks/use-network-policies)'
    """
    source = f" ({LEARN}/{page})" if page else ""
    return InvalidValue(reason, help=f"{remedy}{source}", place=Place(path=argument))
