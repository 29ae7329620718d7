"""IP white lists: IPv4, IPv6 and CIDR (domain-rules.md section 9). Checked on each call, so kept as number ranges."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from .errors import Invalid, LimitReached

__all__ = ["MAX_ADDRESSES", "AddressList", "parse_addresses"]

MAX_ADDRESSES = 256
_MAPPED = IPv6Network("::ffff:0:0/96")


class AddressList:
    """Which caller addresses are allowed. Made from the texts that `parse_addresses` returned."""

    __slots__ = ("_ranges",)

    def __init__(self, entries: Sequence[str]) -> None:
        networks = [ip_network(entry) for entry in entries]
        self._ranges = tuple(
            (network.version, int(network.network_address), int(network.broadcast_address)) for network in networks
        )

    def allows(self, address: str | None) -> bool:
        """Whether `address` (text of the peer) is on the list; an unknown address is not."""
        number = _number(address) if address else None
        if number is None:
            return False
        version, value = number
        return any(version == own and low <= value <= high for own, low, high in self._ranges)


@lru_cache(maxsize=4096)
def _number(address: str) -> tuple[int, int] | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.version, int(parsed)


def parse_addresses(entries: Sequence[str]) -> tuple[str, ...]:
    """The entries in canonical form, each once. Raises Invalid that names the entry, LimitReached."""
    if len(entries) > MAX_ADDRESSES:
        raise LimitReached("address_limit", f"{len(entries)} addresses given; at most {MAX_ADDRESSES} are allowed")
    found: dict[str, None] = {}
    for entry in entries:
        try:
            network = ip_network(entry.strip())
        except ValueError as error:
            raise Invalid("address", f"allowed_addresses: {error}", field="allowed_addresses") from None
        found[_plain(network).compressed] = None
    return tuple(found)


def _plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """IPv4 written as IPv6 (`::ffff:10.0.0.1`) as what it is; callers that come in this form are compared as IPv4."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - _MAPPED.prefixlen))
    return network
