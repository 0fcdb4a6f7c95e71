"""Refuses a preview that would make the cluster anew without anybody having asked for it.

A program sees no state, but Pulumi hands it to a hook before an update. The component therefore
records the leaves that can't change as its own inputs, and a hook on the component compares them.
Nothing is bound to deletions, so `pulumi destroy` needs no program.
"""

from __future__ import annotations

from pulumi import (
    ResourceHook,
    ResourceHookArgs,
    ResourceHookBinding,
    ResourceHookOptions,
    ResourceOptions,
)

from podwall.components.cluster.fixed import fixed_changes
from podwall.components.cluster.replacement import EngineChange
from podwall.policies.errors import InvalidValue

__all__ = ["guarded", "refuse_changes"]


def guarded(name: str, change: EngineChange, opts: ResourceOptions | None) -> ResourceOptions:
    """Return `opts` with the hook that refuses changes, unless `change` allows them."""
    given = opts or ResourceOptions()
    if change is not EngineChange.REFUSE:
        return given
    hook = ResourceHook(
        f"{name}: settings that can't change", refuse_changes, ResourceHookOptions(on_dry_run=True)
    )
    return ResourceOptions.merge(
        given, ResourceOptions(hooks=ResourceHookBinding(before_update=[hook]))
    )


def refuse_changes(update: ResourceHookArgs) -> None:
    """Refuse an update of the component in which a leaf changes that can't.

    Raises:
        InvalidValue: the message names every such leaf and what to do instead, because Pulumi
            shows nothing but the message.
    """
    changes = fixed_changes(update.old_inputs or {}, update.new_inputs or {})
    if changes:
        named = ", ".join(str(change) for change in changes)
        instead = "; ".join(dict.fromkeys(change.instead for change in changes))
        raise InvalidValue(
            f"the cluster `{update.name}` would have to be made anew ({named}); {instead}; once the"
            " live cluster is as the program says, set"
            " `engine_change=EngineChange.ALREADY_MIGRATED` for one deployment"
        )
