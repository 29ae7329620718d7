"""The service market: an account activates service packages, then authorizes them to its applications.

domain-rules.md section 9, contract README.md section 2 item 4: a package that is not activated is 91007, one that is
activated but not authorized 91005.
"""

import msgspec

from mooring.store import UniqueViolation
from mooring.store import accounts as statements

from .entities import PACKAGE_PREFIXES, PACKAGES
from .errors import Conflict, Missing
from .ledger import Actor, Ledger

__all__ = ["ServiceMarket", "ServicePackage", "check_package"]

_NAMES = {
    "product-and-device-management": "Product and Device Management",
    "message-subscription": "Message Subscription",
    "end-user-management": "End User Management",
    "binding-management": "Binding Management",
}


class ServicePackage(msgspec.Struct, frozen=True):
    """One package of the market as an account sees it; `activated_at` is epoch ms or None."""

    package: str
    name: str
    services: tuple[str, ...]
    activated_at: int | None


def check_package(package: str) -> None:
    """Raises Missing for a package that the market does not offer."""
    if package not in PACKAGES:
        raise Missing(
            "no_such_package",
            f"there is no service package {package!r}; the market offers {', '.join(PACKAGES)}",
        )


class ServiceMarket:
    """Lists, activates and deactivates the service packages of an account."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def packages(self, account_id: int) -> list[ServicePackage]:
        """Every package on offer."""
        account = self._ledger.directory.account(account_id)
        activated = account.packages if account is not None else {}
        return [
            ServicePackage(package, _NAMES[package], PACKAGE_PREFIXES[package], activated.get(package))
            for package in PACKAGES
        ]

    async def activate(self, actor: Actor, package: str) -> ServicePackage:
        """Switch a package on. Raises Missing, Conflict when it is on already."""
        check_package(package)
        row = statements.PackageRow(actor.account_id, package, self._ledger.clock.now_ms())
        try:
            await self._ledger.commit(
                actor,
                "package.activate",
                ("package", package),
                statements.ACTIVATE_PACKAGE.of(row),
                changed=[("account", actor.account_id)],
            )
        except UniqueViolation:
            raise Conflict("package_active", f"service package {package} is activated already") from None
        return self._package(actor.account_id, package)

    async def deactivate(self, actor: Actor, package: str) -> ServicePackage:
        """Switch a package off; calls to it answer 91007 from now on. Raises Missing, Conflict when it is off."""
        check_package(package)
        if self._package(actor.account_id, package).activated_at is None:
            raise Conflict("package_inactive", f"service package {package} is not activated")
        await self._ledger.commit(
            actor,
            "package.deactivate",
            ("package", package),
            statements.DEACTIVATE_PACKAGE(for_account=actor.account_id, named=package),
            changed=[("account", actor.account_id)],
        )
        return self._package(actor.account_id, package)

    def _package(self, account_id: int, package: str) -> ServicePackage:
        return next(found for found in self.packages(account_id) if found.package == package)
