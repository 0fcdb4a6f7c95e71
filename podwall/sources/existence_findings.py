"""Say what a deployment does on its way that its result does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.plan.documents import NAMESPACE, identity_of
from podwall.plan.model import Operation, PlannedResource
from podwall.plan.providers import PROVIDER
from podwall.plan.values import kind_of
from podwall.policies.errors import Finding, Place, Severity
from podwall.sources.existence import Existence, Taking

__all__ = ["existence_findings", "lost_object"]

_RETAIN: Final = "https://www.pulumi.com/docs/iac/concepts/options/retainondelete/"
_DELETED_WITH: Final = "https://www.pulumi.com/docs/iac/concepts/options/deletedwith/"
_ALIASES: Final = "https://www.pulumi.com/docs/iac/concepts/options/aliases/"
_REFRESH: Final = "https://www.pulumi.com/docs/iac/cli/commands/pulumi_refresh/"
_NAMESPACES: Final = (
    "https://kubernetes.io/docs/tasks/administer-cluster/namespaces/#deleting-a-namespace"
)
_PROVIDERS: Final = "https://www.pulumi.com/docs/iac/concepts/resources/providers/"
_NAMED: Final = 3


def existence_findings(existence: Existence) -> Iterator[Finding]:
    """Yield what goes with something else, what stays, what is lost, and what others changed.

    A namespace or a provider that is replaced is always an error, and so is what takes with it
    something that the program keeps. A namespace that is deleted with everything that the program
    had in it is a warning, because others may have something in it.
    """
    yield from map(_taken, existence.takings)
    yield from (_lost(each) for each in existence.lost if each.type != NAMESPACE)
    retained = (each for each in existence.after.resources if each.change is Operation.RETAIN)
    yield from (_retained(each) for each in retained if each.options.retain_on_delete)
    for then, now in existence.drift:
        yield _drifted(then, now)


def _taken(taking: Taking) -> Finding:
    match taking.cause.type:
        case str() as type_ if type_ == NAMESPACE:
            return _namespace(taking)
        case str() as type_ if type_ == PROVIDER:
            return _provider(taking)
        case _:
            return _with_another(taking)


def _namespace(taking: Taking) -> Finding:
    is_error = taking.is_replaced or taking.taken
    return Finding(
        "namespace-replace" if taking.is_replaced else "namespace-delete",
        Severity.ERROR if is_error else Severity.WARNING,
        f"{_does(taking)}, with everything in it{_kept(taking)}",
        _place(taking.cause),
        "make a new namespace beside it, move what is in it, and delete the old one last",
        _NAMESPACES,
    )


def _provider(taking: Taking) -> Finding:
    return Finding(
        "provider-replace",
        Severity.ERROR,
        f"the deployment replaces the provider `{taking.cause.name}`, so that its objects are "
        f"deleted from one cluster and made in another{_kept(taking)}",
        _place(taking.cause),
        "keep the provider, and give what goes to another cluster a provider of its own",
        _PROVIDERS,
    )


def _with_another(taking: Taking) -> Finding:
    return Finding(
        "deleted-with",
        Severity.ERROR,
        f"{_does(taking)}, with which goes what the program keeps{_kept(taking)}",
        _place(taking.cause),
        "replace what goes with it in the same deployment (`--target-dependents`, `--replace`)",
        _DELETED_WITH,
    )


def _does(taking: Taking) -> str:
    does = "replaces" if taking.is_replaced else "deletes"
    return f"the deployment {does} {_called(taking.cause)}"


def _kept(taking: Taking) -> str:
    return f": {_listed(taking)} not made again" if taking.taken else ""


def _listed(taking: Taking) -> str:
    names = [_called(each) for each in taking.taken]
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED])
    if more > 0:
        return f"{shown} and {more} more are"
    return f"{shown} {'is' if len(names) == 1 else 'are'}"


def lost_object(id_: str, called: str, place: Place) -> Finding:
    """Return the finding on an object that is deleted after it was made under another name.

    Args:
        id_: what the finding is called.
        called: the object in words.
        place: where the program has it.
    """
    return Finding(
        id_,
        Severity.ERROR,
        f"the deployment makes {called} a second time and then deletes it: "
        "afterwards it is gone, or the deployment stops half-way",
        place,
        "keep the name that it has in the program, or give it `aliases` with the old one",
        _ALIASES,
    )


def _lost(resource: PlannedResource) -> Finding:
    return lost_object("object-lost", _called(resource), _place(resource))


def _retained(resource: PlannedResource) -> Finding:
    return Finding(
        "object-retained",
        Severity.WARNING,
        f"the program no longer has {_called(resource)}, and the cluster keeps it "
        "(`retainOnDelete`): it goes on having its effect",
        _place(resource),
        "delete it with kubectl where it is not meant to stay",
        _RETAIN,
    )


def _drifted(then: PlannedResource, now: PlannedResource | None) -> Finding:
    did = "deleted" if now is None else "changed"
    return Finding(
        f"{did}-outside",
        Severity.WARNING,
        f"others {did} {_called(then)} since the last deployment",
        _place(then),
        "find out who did, and put it into the program where it is meant to stay so",
        _REFRESH,
    )


def _called(resource: PlannedResource) -> str:
    identity = identity_of(resource)
    return f"{kind_of(resource.type)} `{resource.name}`" if identity is None else str(identity)


def _place(resource: PlannedResource) -> Place:
    return resource.place if resource.place.source else Place(resource.urn)
