"""Every operation that is served, by service in the order of the contract."""

from . import (
    devicemgr,
    devicemgr_changes,
    devicemgr_gateways,
    deviceshadow,
    devicestate,
    quecauth,
    quecdatastorage,
    quecproductmgr,
    quectsl,
)

__all__ = ["OPERATIONS"]

OPERATIONS = (
    *quecauth.OPERATIONS,
    *quecproductmgr.OPERATIONS,
    *quectsl.OPERATIONS,
    *devicemgr.OPERATIONS,
    *devicemgr_gateways.OPERATIONS,
    *devicemgr_changes.OPERATIONS,
    *deviceshadow.OPERATIONS,
    *devicestate.OPERATIONS,
    *quecdatastorage.OPERATIONS,
)
