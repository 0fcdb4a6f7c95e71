"""The stack's configuration: text from Pulumi into one typed value, or one clear refusal."""

from components.settings.cluster import (
    ClusterChoice,
    ClusterSettings,
    EntraSettings,
    PodNetworking,
    SystemPoolSettings,
    UserPoolSettings,
)
from components.settings.settings import (
    ApplicationName,
    ProgramRefusedError,
    Settings,
    read_settings,
    refusals_in_one_line,
    settings_of,
)

__all__ = [
    "ApplicationName",
    "ClusterChoice",
    "ClusterSettings",
    "EntraSettings",
    "PodNetworking",
    "ProgramRefusedError",
    "Settings",
    "SystemPoolSettings",
    "UserPoolSettings",
    "read_settings",
    "refusals_in_one_line",
    "settings_of",
]
