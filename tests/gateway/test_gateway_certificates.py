"""Devices over TLS: certificates of devices, their CAs, and passwords (domain-rules.md section 3)."""

import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from authority import LONG_AGO, Authority, Signed, fingerprint
from gateway.door import Door, until
from gateway.peer import report
from mooring.gateway import TlsError, make_self_signed, server_context, trust
from mooring.platform import Actor
from mooring.store import accounts, changes
from store.rows import account

YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


class TlsDoor:
    """A door whose TLS port believes the CAs that are proved, as `mooring up` has it."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door = door
        self.folder = folder
        self.server = folder / "tls.pem"

    async def listen(self) -> None:
        key = self.folder / "tls.key"
        make_self_signed(self.server, key, "localhost", datetime.datetime.now(datetime.UTC))
        context = server_context(self.server, key)
        certificates = self.door.platform.certificates
        trust(context, await certificates.verified())
        certificates.on_prove.append(lambda authority: trust(context, [authority]))
        self.door.tls_port = await self.door.listen(context)

    def plain(self) -> ssl.SSLContext:
        """A client that shows no certificate."""
        return ssl.create_default_context(cafile=self.server)

    def showing(self, certificate: Signed) -> ssl.SSLContext:
        return certificate.client_context(self.folder, self.server)

    async def prove(self, authority: Authority, actor: Actor | None = None) -> int:
        """Upload a CA and prove that it is the account's own; its id."""
        actor = actor or self.door.cloud.actor
        certificates = self.door.platform.certificates
        uploaded = await certificates.upload(actor, "Factory", authority.pem)
        await certificates.prove(actor, uploaded.id, authority.sign(uploaded.code).pem)
        return uploaded.id

    async def is_let_in(self, certificate: Signed, password: str | None = None) -> bool:
        """Connect once; what is refused must be so by 10430."""
        async with self.door.peer(tls=self.showing(certificate)) as peer:
            await peer.connect(password)
            await peer.subscribe()
            session = self.door.platform.sessions.of((await self.door.device()).id)
            if session is not None:
                await peer.acked(peer.publish(report(1)))
            else:
                assert await peer.refusal() == 10430
                await peer.closed()
        await self.door.gone()
        return session is not None


@pytest.fixture
async def tls(door: Door, tmp_path: Path) -> TlsDoor:
    made = TlsDoor(door, tmp_path)
    await made.listen()
    return made


@pytest.fixture
def authority() -> Authority:
    return Authority("Factory CA")


@pytest.fixture
async def proved(tls: TlsDoor, authority: Authority) -> int:
    return await tls.prove(authority)


# Passwords over TLS


async def test_dynamic_and_static_devices_connect_over_tls(door: Door, tls: TlsDoor) -> None:
    static = await door.add("STATIC01", auth_mode=1)
    async with door.peer(tls=tls.plain()) as peer:
        secret = (await door.first(peer)).device_secret
        await peer.acked(peer.publish(report(1)))
    for key, password in (("DK01", door.password(secret)), ("STATIC01", door.password(static))):
        async with door.peer(key, tls.plain()) as peer:
            await peer.connect(password)
            await peer.acked(peer.publish(report(2)))


async def test_tls_is_as_good_as_the_encryption_that_a_product_requires(door: Door, tls: TlsDoor) -> None:
    await door.change_product(require_encryption=True)
    async with door.peer(tls=tls.plain()) as peer:
        configuration = await door.first(peer)
        assert (configuration.device_secret is not None, configuration.session_key) == (True, None)


async def test_a_session_key_comes_over_tls_too_when_it_is_asked_for(door: Door, tls: TlsDoor) -> None:
    async with door.peer(tls=tls.plain()) as peer:
        assert (await door.first(peer, encrypted=True)).session_key is not None


@pytest.mark.usefixtures("proved")
async def test_a_certificate_does_not_replace_the_password_of_another_mode(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    await door.add(auth_mode=1)
    async with door.peer(tls=tls.showing(authority.sign("DK01"))) as peer:
        await peer.connect(None)
        await peer.subscribe()
        assert await peer.refusal() == 10424


# Certificates of devices


@pytest.mark.usefixtures("proved")
async def test_the_certificate_of_the_first_connection_is_that_of_every_later_one(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    await door.add(auth_mode=2)
    own, other = authority.sign("DK01"), authority.sign("DK01")
    assert await tls.is_let_in(own)
    device = await door.device()
    assert (device.fingerprint, device.is_verified) == (fingerprint(own), True)
    assert not await tls.is_let_in(other)
    assert await tls.is_let_in(own)
    assert (await door.device()).fingerprint == fingerprint(own)


@pytest.mark.usefixtures("proved")
@pytest.mark.parametrize("upper", [False, True])
async def test_a_fingerprint_that_was_given_must_be_that_of_the_certificate(
    door: Door, tls: TlsDoor, authority: Authority, upper: bool
) -> None:
    own, other = authority.sign("DK01"), authority.sign("DK01")
    given = fingerprint(own)
    await door.add(auth_mode=2, fingerprint=given.upper() if upper else given)
    assert not await tls.is_let_in(other)
    assert await tls.is_let_in(own)


@pytest.mark.usefixtures("proved")
async def test_after_a_reset_another_certificate_may_come(door: Door, tls: TlsDoor, authority: Authority) -> None:
    await door.add(auth_mode=2)
    old, new = authority.sign("DK01"), authority.sign("DK01")
    assert await tls.is_let_in(old)
    await door.platform.devices.reset(door.cloud.actor, door.product.product_key, "DK01")
    assert await tls.is_let_in(new)
    assert not await tls.is_let_in(old)


@pytest.mark.usefixtures("proved")
async def test_a_device_that_is_reset_is_cut(door: Door, tls: TlsDoor, authority: Authority) -> None:
    await door.add(auth_mode=2)
    async with door.peer(tls=tls.showing(authority.sign("DK01"))) as peer:
        await peer.connect(None)
        await peer.subscribe()
        await door.platform.devices.reset(door.cloud.actor, door.product.product_key, "DK01")
        await peer.closed()


@pytest.mark.usefixtures("proved")
async def test_without_a_certificate_a_device_of_this_mode_is_refused(door: Door, tls: TlsDoor) -> None:
    await door.add(auth_mode=2)
    async with door.peer(tls=tls.plain()) as peer:
        await peer.connect(door.first_password())
        await peer.subscribe()
        assert await peer.refusal() == 10430
    assert (await door.device()).fingerprint is None


@pytest.mark.usefixtures("proved")
async def test_of_two_first_certificates_at_once_one_is_pinned(door: Door, tls: TlsDoor, authority: Authority) -> None:
    await door.add(auth_mode=2)
    contexts = [tls.showing(authority.sign("DK01")) for _ in range(2)]
    async with door.peer(tls=contexts[0]) as first, door.peer(tls=contexts[1]) as second:
        for peer in (first, second):
            peer.mqtt.connect(peer.connect_packet(None), 0.0)
            peer.flush()
        for peer in (first, second):
            await peer.connected()
            await peer.subscribe()
        await until(lambda: door.gateway.metrics.refused["10430"] == 1)
        assert door.platform.sessions.count == 1


@pytest.mark.usefixtures("proved")
async def test_the_same_first_certificate_twice_at_once_is_let_in_twice(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    await door.add(auth_mode=2)
    context = tls.showing(authority.sign("DK01"))
    async with door.peer(tls=context) as first, door.peer(tls=context) as second:
        for peer in (first, second):
            peer.mqtt.connect(peer.connect_packet(None), 0.0)
            peer.flush()
        await until(lambda: door.gateway.metrics.connections == 1)
        await until(lambda: door.platform.sessions.count == 1)
    assert door.gateway.metrics.refused == {}


@pytest.mark.usefixtures("proved")
async def test_a_disabled_device_is_refused_whatever_it_shows(door: Door, tls: TlsDoor, authority: Authority) -> None:
    await door.add(auth_mode=2)
    await door.platform.devices.disable(door.cloud.actor, door.product.product_key, "DK01")
    assert not await tls.is_let_in(authority.sign("DK01"))
    assert (await door.device()).fingerprint is None


@pytest.mark.usefixtures("proved")
async def test_a_device_that_sends_a_password_as_well_gets_what_it_waits_for(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    """SDK 2.9.0 waits for its secret after step `0;` and for its key after a session flag of 0001."""
    await door.add(auth_mode=2)
    context = tls.showing(authority.sign("DK01"))
    async with door.peer(tls=context) as peer:
        configuration = await door.first(peer, encrypted=True)
        assert configuration.device_secret is not None
        assert configuration.session_key is not None
    async with door.peer(tls=context) as peer:
        assert (await door.first(peer)).device_secret == configuration.device_secret
    async with door.peer() as peer:
        await peer.connect(door.password(configuration.device_secret))
        await peer.subscribe()
        assert await peer.refusal() == 10430


# CAs


async def test_a_ca_that_is_proved_while_devices_are_served_is_believed(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    async with door.peer(tls=tls.plain()) as peer:
        await door.first(peer)
        await tls.prove(authority)
        await peer.acked(peer.publish(report(1)))
    await door.add("X5090002", auth_mode=2)
    async with door.peer("X5090002", tls.showing(authority.sign("X5090002"))) as peer:
        await peer.connect(None)
        await peer.acked(peer.publish(report(1)))


async def test_a_ca_that_is_deleted_vouches_for_nobody_any_more(
    door: Door, tls: TlsDoor, authority: Authority, proved: int
) -> None:
    await door.add(auth_mode=2)
    own = authority.sign("DK01")
    async with door.peer(tls=tls.showing(own)) as peer:
        await peer.connect(None)
        await peer.subscribe()
        await door.platform.certificates.delete(door.cloud.actor, proved)
        await peer.acked(peer.publish(report(1)))
    await door.gone()
    assert not await tls.is_let_in(own)


async def test_the_ca_of_another_account_vouches_for_nobody_here(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    other = Authority("Other CA")
    await door.platform.store.write(accounts.ADD_ACCOUNT.of(account(404, "Other")), *changes.record("account", 404, 1))
    await door.platform.directory.catch_up()
    await tls.prove(other, Actor(404, "stranger@example.com", "192.0.2.8"))
    await door.add(auth_mode=2)
    assert not await tls.is_let_in(other.sign("DK01"))


@pytest.mark.usefixtures("proved")
async def test_what_stands_below_the_ca_must_be_signed_by_it_itself(
    door: Door, tls: TlsDoor, authority: Authority
) -> None:
    await door.add(auth_mode=2)
    assert not await tls.is_let_in(Authority("Line 1", authority).sign("DK01"))


async def test_an_intermediate_ca_may_be_the_one_that_is_proved(door: Door, tls: TlsDoor, authority: Authority) -> None:
    line = Authority("Line 1", authority)
    await tls.prove(line)
    await door.add(auth_mode=2)
    assert await tls.is_let_in(line.sign("DK01"))


@pytest.fixture(params=["unproved", "unknown", "expired", "expired CA", "self-signed"])
async def not_believed(request: pytest.FixtureRequest, tls: TlsDoor, authority: Authority) -> AsyncIterator[Signed]:
    match request.param:
        case "unproved":
            await tls.door.platform.certificates.upload(tls.door.cloud.actor, "Factory", authority.pem)
            yield authority.sign("DK01")
        case "unknown":
            yield authority.sign("DK01")
        case "expired":
            await tls.prove(authority)
            yield authority.sign("DK01", until=YESTERDAY)
        case "expired CA":
            old = Authority("Old CA", until=YESTERDAY)
            await tls.prove(old)  # by the clock of the tests it is good still
            yield old.sign("DK01")
        case _:
            await tls.prove(authority)
            yield Authority("DK01")


async def test_a_certificate_that_nobody_vouches_for_ends_in_the_handshake(
    door: Door, tls: TlsDoor, not_believed: Signed
) -> None:
    await door.add(auth_mode=2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with door.peer(tls=tls.showing(not_believed)) as peer:
            await peer.connect(None)
    assert (await door.device()).fingerprint is None


# The server's own


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    files = tmp_path / "tls.pem", tmp_path / "tls.key"
    make_self_signed(*files, "198.51.100.7", LONG_AGO)
    before = [file.read_bytes() for file in files]
    make_self_signed(*files, "198.51.100.7", LONG_AGO)
    assert [file.read_bytes() for file in files] == before
    assert files[1].stat().st_mode & 0o777 == 0o600


def test_files_that_are_no_certificate_are_refused_by_name(tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    certificate.write_text("nothing")
    with pytest.raises(TlsError, match=r"tls\.pem"):
        server_context(certificate, key)
