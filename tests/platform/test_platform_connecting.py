"""The answer to a CONNECT, on both databases; what of it is on the wire is tested with the gateway."""

import asyncio

import pytest

from authority import Authority
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Limits, Platform
from mooring.platform.certificates import PeerCertificate
from mooring.platform.connecting import Admitted, Code, How, Step, Turned
from mooring.platform.device_input import NewDevice
from mooring.platform.entities import Device, Product
from mooring.platform.failures import MAX_OF_CLIENT
from mooring.platform.products import NewProduct
from mooring.platform.session import Session
from mooring.protocol.credentials import build_authentication, build_connection, client_id
from mooring.store import Store, StoreUnavailable, Vault

RAND = "0123456789abcdef"
HERE = "192.0.2.9"


class Porch:
    """Devices of one product that knock."""

    def __init__(self, platform: Platform, actor: Actor, product: Product) -> None:
        self.platform = platform
        self.actor = actor
        self.product = product

    async def knock(
        self,
        password: str | None,
        key: str = "DK01",
        certificate: PeerCertificate | None = None,
        *,
        secure: bool = False,
    ) -> Admitted | Turned:
        name = client_id(self.product.product_key, key)
        given = None if password is None else password.encode()
        return await self.platform.connecting.decide(name, given, certificate, address=HERE, secure=secure)

    async def enters(
        self, password: str | None, key: str = "DK01", certificate: PeerCertificate | None = None
    ) -> Admitted:
        verdict = await self.knock(password, key, certificate)
        assert isinstance(verdict, Admitted), verdict
        return verdict

    def step_0(self, key: str = "DK01", *, encrypted: bool = False) -> str:
        product = self.product
        secret = product.product_secret.reveal()
        return build_authentication(product.product_key, secret, key, RAND, session_encryption=encrypted)

    def step_1(self, secret: str | None, *, encrypted: bool = False) -> str:
        assert secret is not None
        return build_connection(self.product.product_secret.reveal(), secret, RAND, session_encryption=encrypted)

    async def add(self, key: str = "DK01", mode: int = 0) -> str | None:
        new = NewDevice(key, auth_mode=mode)
        added = await self.platform.devices.add(self.actor, self.product.product_key, new)
        return added.secret.reveal() if added.secret is not None else None

    async def device(self, key: str = "DK01") -> Device:
        await self.platform.journal.settle()
        found = await self.platform.devices.find(self.product.id, key)
        assert found is not None
        return found


@pytest.fixture
def porch(platform: Platform, actor: Actor, product: Product) -> Porch:
    return Porch(platform, actor, product)


class NoLink:
    def send(self, *_: object) -> None:
        raise AssertionError("nothing is sent")

    def close(self, *_: object) -> None:
        raise AssertionError("nothing is closed")


# Step 0


async def test_an_unknown_device_is_added_and_gets_a_secret_that_is_kept_first(porch: Porch) -> None:
    verdict = await porch.enters(porch.step_0())
    assert (verdict.step, verdict.session_encryption, verdict.session_key) == (Step.AUTHENTICATION, False, None)
    assert verdict.secret_to_deliver is not None
    assert len(verdict.secret_to_deliver) == 32
    device = await porch.device()
    kept = porch.platform.devices.secret_of(device)
    assert kept is not None
    assert kept.reveal() == verdict.secret_to_deliver
    assert (device.is_verified, device.secret_confirmed) == (True, False)
    assert verdict.device == device


async def test_nothing_shows_a_secret(porch: Porch) -> None:
    verdict = await porch.enters(porch.step_0(encrypted=True))
    shown = repr(verdict)
    assert verdict.secret_to_deliver is not None
    assert verdict.session_key is not None
    assert verdict.secret_to_deliver not in shown
    assert repr(verdict.session_key) not in shown


async def test_the_secret_is_the_same_until_it_is_known_to_have_arrived(porch: Porch) -> None:
    first, again = await porch.enters(porch.step_0()), await porch.enters(porch.step_0())
    assert first.secret_to_deliver == again.secret_to_deliver
    session = Session(1, again.device, NoLink(), HERE, 0)
    porch.platform.connecting.secret_arrived(session)
    porch.platform.connecting.secret_arrived(session)
    assert session.device.secret_confirmed
    assert (await porch.device()).secret_confirmed
    refused = await porch.knock(porch.step_0())
    assert isinstance(refused, Turned)
    assert (refused.code, refused.how, refused.device_id) == (10422, How.NOTICE, session.device.id)


async def test_many_first_attempts_at_once_make_one_device_with_one_secret(porch: Porch) -> None:
    verdicts = await asyncio.gather(*(porch.enters(porch.step_0()) for _ in range(5)))
    assert len({verdict.device.id for verdict in verdicts}) == 1
    assert len({verdict.secret_to_deliver for verdict in verdicts}) == 1


async def test_a_confirmation_of_an_old_secret_does_not_count_for_the_next(porch: Porch, actor: Actor) -> None:
    old = await porch.enters(porch.step_0())
    session = Session(1, old.device, NoLink(), HERE, 0)
    await porch.platform.devices.reset(actor, porch.product.product_key, "DK01")
    new = await porch.enters(porch.step_0())
    porch.platform.connecting.secret_arrived(session)
    assert not (await porch.device()).secret_confirmed
    assert new.secret_to_deliver != old.secret_to_deliver


async def test_a_deleted_device_registers_anew(porch: Porch, actor: Actor) -> None:
    first = await porch.enters(porch.step_0())
    await porch.enters(porch.step_1(first.secret_to_deliver))
    await porch.platform.devices.delete(actor, porch.product.product_key, "DK01")
    again = await porch.enters(porch.step_0())
    assert again.device.id == first.device.id
    assert again.secret_to_deliver != first.secret_to_deliver


# Step 1


@pytest.mark.parametrize("mode", [0, 1])
async def test_a_device_with_its_secret_comes_in_and_has_shown_that_it_has_it(porch: Porch, mode: int) -> None:
    secret = await porch.add(mode=mode)
    if mode == 0:
        secret = (await porch.enters(porch.step_0())).secret_to_deliver
    verdict = await porch.enters(porch.step_1(secret))
    assert (verdict.step, verdict.secret_to_deliver) == (Step.CONNECTION, None)
    device = await porch.device()
    assert (device.is_verified, device.secret_confirmed) == (True, True)
    assert verdict.device == device


async def test_each_connection_that_asks_gets_a_key_of_its_own(porch: Porch) -> None:
    secret = await porch.add(mode=1)
    keys = {(await porch.enters(porch.step_1(secret, encrypted=True))).session_key for _ in range(3)}
    assert len(keys) == 3
    assert {len(key) for key in keys if key is not None} == {16}


@pytest.mark.parametrize(
    ("key", "dynamic", "access_type", "how", "code"),
    [
        ("DK01", True, 0, How.HEAL, Code.DEVICE_NOT_FOUND),
        ("DK01", False, 0, How.NOTICE, Code.NOT_ACCEPTED),
        ("DK01", True, 2, How.NOTICE, Code.NOT_ACCEPTED),
        ("DK1", True, 0, How.NOTICE, Code.NOT_ACCEPTED),
        ("D" * 33, True, 0, How.NOTICE, Code.NOT_ACCEPTED),
    ],
    ids=["may register", "may not register", "sub-device", "key too short", "key too long"],
)
async def test_an_unknown_device_is_healed_only_where_step_0_would_be_taken(
    platform: Platform, actor: Actor, key: str, dynamic: bool, access_type: int, how: How, code: int
) -> None:
    new = NewProduct("Other", dynamic_authentication=dynamic, access_type=access_type)
    porch = Porch(platform, actor, await platform.products.create(actor, new))
    verdict = await porch.knock(porch.step_1("0" * 32), key)
    assert isinstance(verdict, Turned)
    assert (verdict.how, verdict.code, verdict.device_id) == (how, code, None)


# Certificates


@pytest.fixture
async def authority(platform: Platform, actor: Actor) -> Authority:
    made = Authority("Factory CA")
    row = await platform.certificates.upload(actor, "Factory", made.pem)
    await platform.certificates.prove(actor, row.id, made.sign(row.code).pem)
    return made


def shown(authority: Authority) -> PeerCertificate:
    return PeerCertificate(authority.sign("DK01").der)


async def test_the_first_certificate_is_pinned(porch: Porch, authority: Authority) -> None:
    await porch.add(mode=2)
    own, other = shown(authority), shown(authority)
    verdict = await porch.enters(None, certificate=own)
    assert verdict.step is Step.CERTIFICATE
    device = await porch.device()
    assert (device.fingerprint, device.is_verified) == (own.fingerprint, True)
    assert verdict.device == device
    refused = await porch.knock(None, certificate=other)
    assert isinstance(refused, Turned)
    assert (refused.code, refused.device_id) == (10430, device.id)
    await porch.enters(None, certificate=own)


@pytest.mark.parametrize("same", [True, False])
async def test_of_first_certificates_at_once_one_is_pinned(porch: Porch, authority: Authority, same: bool) -> None:
    await porch.add(mode=2)
    first = shown(authority)
    second = first if same else shown(authority)
    verdicts = await asyncio.gather(*(porch.knock(None, certificate=one) for one in (first, second)))
    entered = [verdict for verdict in verdicts if isinstance(verdict, Admitted)]
    assert len(entered) == (2 if same else 1)
    assert (await porch.device()).fingerprint in (first.fingerprint, second.fingerprint)


# What is not the device's fault


async def test_a_directory_that_is_behind_lets_nobody_in_and_holds_it_against_nobody(
    porch: Porch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(porch.platform.directory), "fresh", False)
        for _ in range(MAX_OF_CLIENT + 1):
            verdict = await porch.knock(porch.step_0())
            assert isinstance(verdict, Turned)
            assert (verdict.code, verdict.how) == (Code.INNER_SERVICE, How.NOTICE)
    await porch.enters(porch.step_0())


async def test_a_database_that_does_not_answer_is_10404(porch: Porch, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object, **__: object) -> object:
        raise StoreUnavailable("the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(porch.platform.devices, "find", fails)
        for _ in range(MAX_OF_CLIENT + 1):
            verdict = await porch.knock(porch.step_0())
            assert verdict == Turned(10404, How.NOTICE, "the database does not answer")
    await porch.enters(porch.step_0())


async def test_a_secret_that_cannot_be_opened_is_10404(porch: Porch, store: Store, clock: FakeClock) -> None:
    secret = (await porch.enters(porch.step_0())).secret_to_deliver
    other = Platform(store, Vault(bytes(32)), clock, FakeEntropy(), Limits())
    other.directory = porch.platform.directory
    other.connecting._directory = porch.platform.directory
    name = client_id(porch.product.product_key, "DK01")
    verdict = await other.connecting.decide(name, porch.step_1(secret).encode(), None, address=HERE, secure=False)
    assert isinstance(verdict, Turned)
    assert verdict.code == 10404


# Throttling


async def test_after_ten_refusals_even_the_right_password_is_not_looked_at(porch: Porch, clock: FakeClock) -> None:
    for _ in range(MAX_OF_CLIENT):
        assert isinstance(await porch.knock("nonsense"), Turned)
    verdict = await porch.knock(porch.step_0())
    assert isinstance(verdict, Turned)
    assert (verdict.code, verdict.how) == (Code.NOT_ACCEPTED, How.CLOSE)
    clock.advance(300_000)
    await porch.platform.directory.catch_up()
    await porch.enters(porch.step_0())


async def test_healing_counts_until_the_device_is_let_in(porch: Porch) -> None:
    for _ in range(MAX_OF_CLIENT - 1):
        verdict = await porch.knock(porch.step_1("0" * 32))
        assert isinstance(verdict, Turned)
        assert verdict.how is How.HEAL
    await porch.enters(porch.step_0())
    verdict = await porch.knock(porch.step_1("0" * 32))
    assert isinstance(verdict, Turned)
    assert verdict.how is How.HEAL
