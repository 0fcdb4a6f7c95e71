"""The stack's configuration: text from Pulumi into one typed value, or one clear refusal."""

from components.settings.cluster import ClusterSettings, EntraSettings, PodNetworking
from components.settings.documents import settings_of
from components.settings.pools import SystemPoolSettings, UserPoolSettings
from components.settings.settings import ApplicationName, Settings

__all__ = [
    "ApplicationName",
    "ClusterSettings",
    "EntraSettings",
    "PodNetworking",
    "Settings",
    "SystemPoolSettings",
    "UserPoolSettings",
    "settings_of",
]
