"""End users, and the devices bound to them."""

from mooring.client import _operations as operations
from mooring.client._async.paging import AsyncPageList
from mooring.client._async.service import AsyncService
from mooring.client.types import BoundDevice, BoundUser, EndUser, UserDomain


class AsyncUsers(AsyncService):
    """End users of the Apps that the application may see. Contract: prefix `enduser`."""

    def domains(self, *, page_size: int = 100) -> AsyncPageList[UserDomain]:
        """Return the user domains; `page_size` is 1 to 1000."""
        return self._pages(operations.USER_DOMAIN_LIST, {}, page_size)

    def list(self, user_domain: str, *, page_size: int = 100) -> AsyncPageList[EndUser]:
        """Return the users of a domain; `page_size` is 1 to 1000."""
        return self._pages(operations.USER_LIST, {"userDomain": user_domain}, page_size)

    async def detail(self, uid: str) -> EndUser:
        """Return one user. Raises `NotFound`."""
        return await self._run(operations.USER_INFO({"uid": uid}))

    async def set_enabled(self, uid: str, enabled: bool) -> None:
        """Enable or disable a user."""
        await self._run(operations.USER_SET_STATUS({"uid": uid, "status": int(enabled)}))


class AsyncBindings(AsyncService):
    """Which user has which device. Contract: prefix `binding`."""

    def devices(self, uid: str, *, page_size: int = 100) -> AsyncPageList[BoundDevice]:
        """Return the devices that a user owns or was given; `page_size` is 1 to 1000."""
        return self._pages(operations.USER_DEVICE_LIST, {"uid": uid}, page_size)

    def users(
        self,
        *,
        product_key: str | None = None,
        uid: str | None = None,
        user_domain: str | None = None,
        page_size: int = 100,
    ) -> AsyncPageList[BoundUser]:
        """Return the users who have devices; product, user and domain narrow the list; `page_size` is 1 to 1000."""
        members = {"pk": product_key, "uid": uid, "userDomain": user_domain}
        return self._pages(operations.BIND_USER_LIST, members, page_size)

    async def verify_code(
        self, product_key: str, device_key: str, binding_code: str, *, binding: bool = False
    ) -> int | None:
        """Check a binding code; `binding` says that a binding is under way, and the device is told the outcome.

        Returns the number that the platform answers, whose meaning is not published. A wrong code is raised.
        """
        query = {"pk": product_key, "dk": device_key, "bindingCode": binding_code, "isBinding": int(binding) or None}
        return await self._run(operations.VERIFY_BINDING_CODE(query))
