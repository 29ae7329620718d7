"""IP white lists against the standard library's idea of networks; domain-rules.md section 9."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.platform import Invalid, LimitReached
from mooring.platform.addresses import MAX_ADDRESSES, AddressList, parse_addresses

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def mapped(network: IPv4Network) -> IPv6Network:
    """The same network in the form ::ffff:a.b.c.d."""
    return IPv6Network((0xFFFF << 32 | int(network.network_address), network.prefixlen + 96))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    if draw(st.booleans()):
        return IPv4Network((draw(st.ip_addresses(v=4)), draw(st.integers(0, 32))), strict=False)
    return IPv6Network((draw(st.ip_addresses(v=6)), draw(st.integers(0, 128))), strict=False)


@st.composite
def addresses(draw: st.DrawFn, known: list[Network]) -> Address:
    """Often inside or right beside one of the known networks."""
    if not known or draw(st.booleans()):
        return draw(st.ip_addresses())
    network = draw(st.sampled_from(known))
    edge = draw(st.sampled_from([network.network_address, network.broadcast_address]))
    number = int(edge) + draw(st.integers(-1, 1))
    highest = 2**network.max_prefixlen - 1
    return type(edge)(min(max(number, 0), highest))


def plain(address: Address) -> Address:
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@given(st.lists(networks(), max_size=5), st.data())
def test_a_list_allows_exactly_the_addresses_in_its_networks(known: list[Network], data: st.DataObject) -> None:
    address = plain(data.draw(addresses(known)))
    entries = AddressList(parse_addresses([str(network) for network in known]))
    expected = any(address.version == network.version and address in network for network in known)
    assert entries.allows(str(address)) is expected


@given(st.lists(networks(), max_size=5), st.ip_addresses(v=4))
def test_a_caller_in_mapped_form_is_the_ipv4_caller(known: list[Network], address: IPv4Address) -> None:
    entries = AddressList(parse_addresses([str(network) for network in known]))
    assert entries.allows(f"::ffff:{address}") is entries.allows(str(address))


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_an_entry_in_mapped_form_is_the_ipv4_entry(first: IPv4Address, prefix: int, caller: IPv4Address) -> None:
    network = IPv4Network((first, prefix), strict=False)
    assert parse_addresses([str(mapped(network))]) == parse_addresses([str(network)])
    assert AddressList(parse_addresses([str(mapped(network))])).allows(str(caller)) is (caller in network)


@given(st.lists(networks(), max_size=10))
def test_parsing_what_was_parsed_changes_nothing(known: list[Network]) -> None:
    parsed = parse_addresses([str(network) for network in known])
    assert parse_addresses(parsed) == parsed


@pytest.mark.parametrize(
    ("entry", "canonical"),
    [
        ("10.1.2.3", "10.1.2.3/32"),
        (" 10.1.2.3\n", "10.1.2.3/32"),
        ("10.1.2.0/24", "10.1.2.0/24"),
        ("10.1.2.0/255.255.255.0", "10.1.2.0/24"),
        ("2001:DB8:0:0::1", "2001:db8::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
        ("::ffff:10.1.2.0/120", "10.1.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_an_entry_has_one_form(entry: str, canonical: str) -> None:
    assert parse_addresses([entry]) == (canonical,)
    assert ip_network(canonical).compressed == canonical


def test_an_entry_counts_once() -> None:
    assert parse_addresses(["10.0.0.1", "10.0.0.1/32", "::1", "0::1"]) == ("10.0.0.1/32", "::1/128")


@pytest.mark.parametrize(
    "entry", ["", "host.example.com", "10.0.0.256", "10.0.0.1/24", "10.0.0.1/33", "1", "10.0.0.1-9"]
)
def test_what_is_no_address_is_refused_by_name(entry: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_addresses(["10.0.0.1", entry])
    assert caught.value.field == "allowed_addresses"
    assert entry in str(caught.value)


def test_a_list_has_a_limit_that_is_named() -> None:
    full = [f"10.0.{number // 256}.{number % 256}" for number in range(MAX_ADDRESSES)]
    assert len(parse_addresses(full)) == MAX_ADDRESSES
    with pytest.raises(LimitReached, match=str(MAX_ADDRESSES)):
        parse_addresses([*full, "10.9.9.9"])


@pytest.mark.parametrize("caller", [None, "", "unix", "10.0.0.1.example.com", "[::1]", "10.0.0.1:80"])
def test_a_caller_without_an_address_is_on_no_list(caller: str | None) -> None:
    assert AddressList(("0.0.0.0/0", "::/0")).allows(caller) is False


def test_an_empty_list_allows_nobody() -> None:
    assert AddressList(()).allows("10.0.0.1") is False


def test_the_zone_of_a_link_local_caller_does_not_count() -> None:
    assert AddressList(("fe80::/10",)).allows("fe80::1%eth0")


def test_versions_do_not_mix() -> None:
    assert not AddressList(("::/0",)).allows("10.0.0.1")
    assert not AddressList(("0.0.0.0/0",)).allows("2001:db8::1")
