"""The provider that engines of every language talk to."""

from pulumi import InputPropertyError, Inputs, ResourceOptions
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from podwall.policies.errors import PodwallError

__all__ = ["PackageProvider"]


class PackageProvider(ComponentProvider):
    """Makes components, and refuses wrong inputs as Pulumi's own providers do.

    `component_provider_host` starts the same provider, but would show a refusal as an unexpected
    error with a Python traceback, to people who may not write Python. Here it names the property.
    """

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Inputs,
        options: ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertyError: the component refuses an input.
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, PodwallError):
                raise _refusal(error.inner) from error
            raise


def _refusal(refused: PodwallError) -> InputPropertyError:
    remedy = f"; {refused.help}" if refused.help else ""
    return InputPropertyError(refused.place.path, f"{refused.message}{remedy}")
