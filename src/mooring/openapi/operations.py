"""Every operation that is served, by service in the order of the contract."""

from . import devicemgr, deviceshadow, devicestate, quecauth, quecdatastorage, quecproductmgr, quectsl

__all__ = ["OPERATIONS"]

OPERATIONS = (
    *quecauth.OPERATIONS,
    *quecproductmgr.OPERATIONS,
    *quectsl.OPERATIONS,
    *devicemgr.OPERATIONS,
    *deviceshadow.OPERATIONS,
    *devicestate.OPERATIONS,
    *quecdatastorage.OPERATIONS,
)
