"""The fixtures that users get."""

from mooring.pytest_plugin import cloud, device, product, saas_app

__all__ = ["cloud", "device", "product", "saas_app"]
