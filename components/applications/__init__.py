"""The applications that the stack can deploy, each one a value: namespaces, policies, workloads."""

from components.applications.application import Application, Images
from components.applications.shop import shop
from components.applications.walkthrough import walkthrough

__all__ = ["Application", "Images", "shop", "walkthrough"]
