"""Every operation that is served, in the order of the contract."""

from . import quecauth, quecproductmgr, quectsl

__all__ = ["OPERATIONS"]

OPERATIONS = (*quecauth.OPERATIONS, *quecproductmgr.OPERATIONS, *quectsl.OPERATIONS)
