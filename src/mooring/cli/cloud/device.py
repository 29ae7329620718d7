"""`mooring device …`: devices of a cloud, and simulated ones."""

from mooring.cli.lazy import lazy_group

from .device_places import HELP, PLACES

__all__ = ["device"]

device = lazy_group("device", HELP, PLACES)
