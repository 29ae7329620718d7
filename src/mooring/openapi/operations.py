"""Every operation that is served, by service in the order of the contract."""

from . import (
    binding,
    devicemgr,
    devicemgr_changes,
    devicemgr_gateways,
    deviceshadow,
    devicestate,
    enduser,
    quecauth,
    quecdatastorage,
    quecproductmgr,
    quecrule,
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
    *quecrule.OPERATIONS,
    *enduser.OPERATIONS,
    *binding.OPERATIONS,
)
