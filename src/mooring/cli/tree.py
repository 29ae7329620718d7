"""The whole command line as one group."""

from .lazy import lazy_group
from .main import HELP, PLACES

__all__ = ["root"]

root = lazy_group("mooring", HELP, PLACES)
