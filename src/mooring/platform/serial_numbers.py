"""New serial numbers for a product: 15 letters and digits that nobody mistakes for each other, and what a QR code of
one says (domain-rules.md section 4)."""

from collections.abc import Sequence

import msgspec

from .errors import Invalid, LimitReached
from .ledger import Actor, Ledger
from .products import Products
from .sources import Entropy, random_text

__all__ = ["MAX_NUMBERS", "SerialNumber", "SerialNumbers", "qr_text"]

MAX_NUMBERS = 10_000  # of one call
_LENGTH = 15
# Without 0 1 I O. 15 of them are 75 bits: no look-up is needed for none to come twice, ever.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class SerialNumber(msgspec.Struct, frozen=True):
    """One number and the text of its QR code."""

    sn: str
    qr: str


def qr_text(product_key: str, sn: str) -> str:
    """What the QR code of a device says to applications that bind it."""
    return f"pk={product_key}&sn={sn}&v=1"


class SerialNumbers:
    """Makes numbers; a number becomes a device's when it is given to it."""

    def __init__(self, ledger: Ledger, products: Products, entropy: Entropy) -> None:
        self._ledger = ledger
        self._products = products
        self._entropy = entropy

    async def make(self, actor: Actor, product_key: str, count: int) -> Sequence[SerialNumber]:
        """`count` different numbers. Raises Missing, Invalid (5154), LimitReached (5155)."""
        self._products.one(actor.account_id, product_key)
        if count < 1:
            raise Invalid("range", "at least one number must be asked for", field="count", wire=5154)
        if count > MAX_NUMBERS:
            message = f"{count} numbers are asked for; one call makes {MAX_NUMBERS}"
            raise LimitReached("serial_number_limit", message, field="count", wire=5155)
        numbers: dict[str, None] = {}
        while len(numbers) < count:
            numbers[random_text(self._entropy, _ALPHABET, _LENGTH)] = None
        await self._ledger.commit(
            actor, "device.make_serial_numbers", ("product", product_key), detail={"count": count}
        )
        return [SerialNumber(number, qr_text(product_key, number)) for number in numbers]
