"""What a member of an account may do: a viewer looks, a developer changes, an owner also says who may."""

from enum import Enum

__all__ = ["Role"]


class Role(Enum):
    """Roles from the least to the most; each covers those before it."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    OWNER = "owner"

    def covers(self, needed: "Role") -> bool:
        """Whether this role is enough where `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
