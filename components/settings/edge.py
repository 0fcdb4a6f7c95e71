"""Where the program meets Pulumi: configuration comes in, refusals go out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pulumi import RunError, get_project
from pulumi.runtime.config import CONFIG, get_config_env

from components.settings.settings import Settings, settings_of
from podwall.policies.errors import InvalidValue, PodwallError

__all__ = ["ProgramRefusedError", "read_settings", "refusals_in_one_line"]


class ProgramRefusedError(InvalidValue, RunError):
    """A refusal that the Pulumi CLI shows as one line, without a traceback.

    The whole of it is in the message; `__cause__` is the refusal with its place and help apart.
    """


def read_settings() -> Settings:
    """Return what the stack's configuration says; every key in our namespace must be known.

    Raises:
        InvalidValue: an unknown key or a value that is not allowed.
    """
    # `pulumi.Config` can be asked for a key, but not for the keys that nobody knows.
    return settings_of({**get_config_env(), **CONFIG.get()}, get_project())


@contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """Turn a refusal into an error that `pulumi up` shows as one line."""
    try:
        yield
    except PodwallError as refusal:
        remedy = f"; {refusal.help}" if refusal.help else ""
        raise ProgramRefusedError(f"{refusal}{remedy}") from refusal
