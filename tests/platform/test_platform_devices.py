"""Devices: adding, finding, changing, deleting, secrets."""

import asyncio

import msgspec
import pytest

from databases import on_sqlite
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Invalid, LimitReached, Missing, Platform
from mooring.platform.device_input import DeviceChanges, DeviceFilter, NewDevice
from mooring.platform.devices import MAX_BATCH, Devices
from mooring.platform.entities import Product
from mooring.platform.journal import Journal
from mooring.platform.products import NewProduct
from mooring.platform.serial_numbers import MAX_NUMBERS, SerialNumbers
from mooring.platform.session import Session
from mooring.store import Query, Store, Vault, tables
from mooring.store import devices as statements
from mooring.store.logs import EventRow

EVENTS = Query(tables.event_log.select(), EventRow)


class FakeSessions:
    """Which devices are online, and which were cut."""

    def __init__(self) -> None:
        self.online: dict[int, Session] = {}
        self.cut: list[tuple[int, str, int | None]] = []

    def of(self, device_id: int) -> Session | None:
        return self.online.get(device_id)

    def all(self) -> list[Session]:
        return list(self.online.values())

    async def disconnect(self, device_id: int, reason: str, notice: int | None = None) -> None:
        self.cut.append((device_id, reason, notice))
        self.online.pop(device_id, None)


class NoLink:
    """A connection that nothing goes over."""

    def send(self, *arguments: object) -> None:
        raise AssertionError("nothing is sent")

    def close(self, reason: str, notice: int | None = None) -> None:
        raise AssertionError("nothing is closed")


@pytest.fixture
def sessions() -> FakeSessions:
    return FakeSessions()


@pytest.fixture
def devices(platform: Platform, vault: Vault, sessions: FakeSessions) -> Devices:
    journal = Journal(platform.store)
    return Devices(platform.ledger, vault, FakeEntropy("devices"), platform.products, sessions, journal)


async def test_a_dynamic_device_has_no_secret_and_its_key_for_a_name(
    devices: Devices, actor: Actor, product: Product, clock: FakeClock
) -> None:
    added = await devices.add(actor, product.product_key, NewDevice("DK00001"))
    assert added.secret is None
    device = added.device
    assert (device.name, device.sn, device.auth_mode) == ("DK00001", None, 0)
    assert device.client_id == f"qd{product.product_key}DK00001"
    assert (device.enabled, device.is_verified, device.is_virtual, device.online) == (True, False, False, False)
    assert device.created_at == clock.now_ms()
    assert await devices.one(actor.account_id, product.product_key, "DK00001") == device
    assert await devices.by_id(device.id) == device
    assert await devices.by_client_id(device.client_id) == device
    assert await devices.find(product.id, "dk00001") is None


async def test_a_static_device_gets_a_secret_which_is_sealed_and_shown_with_an_audit_entry(
    devices: Devices, platform: Platform, actor: Actor, product: Product
) -> None:
    added = await devices.add(actor, product.product_key, NewDevice("DK00001", "Lamp 1", "SN1", auth_mode=1))
    assert added.secret is not None
    text = added.secret.reveal()
    assert len(text) == 32
    assert set(text) <= set("0123456789abcdef")
    assert added.device.device_secret is not None
    assert text.encode() not in added.device.device_secret
    assert (added.device.name, added.device.sn) == ("Lamp 1", "SN1")
    assert await devices.show_secret(actor, product.product_key, "DK00001") == added.secret
    [shown, created, *_] = await platform.ledger.entries(actor.account_id)
    assert (shown.action, shown.target) == ("device.show_secret", f"{product.product_key}/DK00001")
    assert created.action == "device.create"
    assert text not in repr(added) + msgspec.json.encode(created.detail).decode()


@on_sqlite
@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewDevice("DK1"), "device_key"),
        (NewDevice("D" * 33), "device_key"),
        (NewDevice("DK-0001"), "device_key"),
        (NewDevice("DK00001", name="x" * 255), "name"),
        (NewDevice("DK00001", name="bell\a"), "name"),
        (NewDevice("DK00001", sn="a&b"), "sn"),
        (NewDevice("DK00001", sn="x" * 65), "sn"),
        (NewDevice("DK00001", auth_mode=3), "auth_mode"),
        (NewDevice("DK00001", auth_mode=0, fingerprint="a" * 40), "fingerprint"),
        (NewDevice("DK00001", auth_mode=2, fingerprint="a:" * 20), "fingerprint"),
    ],
)
async def test_what_breaks_a_rule_is_named(
    devices: Devices, actor: Actor, product: Product, new: NewDevice, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await devices.add(actor, product.product_key, new)
    assert refusal.value.field == field
    with pytest.raises(Invalid) as refusal:
        await devices.add_many(actor, product.product_key, [NewDevice("GOOD1"), new])
    assert refusal.value.field == f"devices[1].{field}"
    assert await devices.find(product.id, "GOOD1") is None


@on_sqlite
async def test_an_x509_device_keeps_its_fingerprint_in_lower_case(
    devices: Devices, actor: Actor, product: Product
) -> None:
    added = await devices.add(actor, product.product_key, NewDevice("DK00001", auth_mode=2, fingerprint="AB" * 20))
    assert added.secret is None
    assert added.device.fingerprint == "ab" * 20


@on_sqlite
async def test_an_http_product_has_no_static_devices(devices: Devices, platform: Platform, actor: Actor) -> None:
    product = await platform.products.create(actor, NewProduct("Beacon", net_way="5"))
    with pytest.raises(Invalid) as refusal:
        await devices.add(actor, product.product_key, NewDevice("DK00001", auth_mode=1))
    assert refusal.value.field == "auth_mode"


async def test_a_batch_is_added_as_a_whole_or_not_at_all(devices: Devices, actor: Actor, product: Product) -> None:
    added = await devices.add_many(
        actor, product.product_key, [NewDevice(f"BATCH{number:03}", sn=f"SN{number}") for number in range(MAX_BATCH)]
    )
    assert len(added) == MAX_BATCH
    for wrong, code in (
        ([NewDevice("NEW1"), NewDevice("BATCH007")], "device_key_taken"),
        ([NewDevice("NEW1"), NewDevice("NEW1")], "device_key_taken"),
        ([NewDevice("NEW1"), NewDevice("NEW2", sn="SN7")], "sn_taken"),
        ([NewDevice("NEW1", sn="S"), NewDevice("NEW2", sn="S")], "sn_taken"),
    ):
        with pytest.raises(Conflict) as refusal:
            await devices.add_many(actor, product.product_key, wrong)
        assert refusal.value.code == code
        assert refusal.value.wire == (70062 if code == "device_key_taken" else 50005)
    with pytest.raises(LimitReached):
        await devices.add_many(actor, product.product_key, [NewDevice("NEW1")] * (MAX_BATCH + 1))
    with pytest.raises(Invalid):
        await devices.add_many(actor, product.product_key, [])
    assert (await devices.page(product))[1] == MAX_BATCH


async def test_the_same_serial_number_may_be_in_two_products(
    devices: Devices, platform: Platform, actor: Actor, product: Product
) -> None:
    other = await platform.products.create(actor, NewProduct("Other"))
    await devices.add(actor, product.product_key, NewDevice("DK00001", sn="SN1"))
    await devices.add(actor, other.product_key, NewDevice("DK00001", sn="SN1"))
    with pytest.raises(Conflict):
        await devices.add(actor, other.product_key, NewDevice("DK00002", sn="SN1"))


async def test_keys_that_make_the_client_id_of_another_device_are_refused(
    devices: Devices, platform: Platform, actor: Actor
) -> None:
    keys = NewProduct("Short", product_key="pAAAA", product_secret="A" * 16)
    short = await platform.products.create(actor, keys)
    long = await platform.products.create(actor, msgspec.structs.replace(keys, name="Long", product_key="pAAAABBBB"))
    await devices.add(actor, short.product_key, NewDevice("BBBBCCCC"))
    with pytest.raises(Conflict) as refusal:
        await devices.add(actor, long.product_key, NewDevice("CCCC"))
    assert refusal.value.code == "client_id_taken"
    with pytest.raises(Conflict):
        await devices.ensure_registered(long, "CCCC")


async def test_a_device_that_registers_is_added_once(devices: Devices, actor: Actor, product: Product) -> None:
    first = await devices.ensure_registered(product, "DK00001")
    assert (first.auth_mode, first.device_secret) == (0, None)
    assert await devices.ensure_registered(product, "DK00001") == first
    with pytest.raises(Invalid):
        await devices.ensure_registered(product, "no key")


async def test_name_and_serial_number_change_and_the_session_sees_it(
    devices: Devices, actor: Actor, product: Product, sessions: FakeSessions, clock: FakeClock
) -> None:
    device = (await devices.add(actor, product.product_key, NewDevice("DK00001", "Lamp", "SN1"))).device
    session = sessions.online[device.id] = Session(1, device, NoLink(), "192.0.2.1", clock.now_ms())
    changed = await devices.update(actor, product.product_key, "DK00001", DeviceChanges(name=" Lamp 1 "))
    assert (changed.name, changed.sn) == ("Lamp 1", "SN1")
    assert changed.updated_at is not None
    assert session.device == changed
    changed = await devices.update(actor, product.product_key, "DK00001", DeviceChanges(sn=None))
    assert (changed.name, changed.sn) == ("Lamp 1", None)
    with pytest.raises(Invalid) as refusal:
        await devices.update(actor, product.product_key, "DK00001", DeviceChanges())
    assert refusal.value.wire == 50005
    with pytest.raises(Missing) as missing:
        await devices.update(actor, product.product_key, "DK00002", DeviceChanges(name="x"))
    assert missing.value.wire == 70130


async def test_of_two_changes_at_once_none_is_lost(devices: Devices, actor: Actor, product: Product) -> None:
    key = product.product_key
    await devices.add(actor, key, NewDevice("DK00001"))
    changes = [DeviceChanges(name="Lamp"), DeviceChanges(sn="SN1")]
    await asyncio.gather(*(devices.update(actor, key, "DK00001", change) for change in changes))
    device = await devices.one(actor.account_id, key, "DK00001")
    assert (device.name, device.sn) == ("Lamp", "SN1")


async def test_of_two_additions_at_once_one_is_refused(devices: Devices, actor: Actor, product: Product) -> None:
    key = product.product_key
    for _ in range(2):  # the second time the deleted device comes back
        batches = ([NewDevice("DK00001")], [NewDevice("DK00002"), NewDevice("DK00001")])
        outcomes = await asyncio.gather(
            *(devices.add_many(actor, key, batch) for batch in batches), return_exceptions=True
        )
        [refused] = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert isinstance(refused, Conflict)
        assert refused.wire == 70062
        [taken] = [batch for batch, outcome in zip(batches, outcomes, strict=True) if outcome is not refused]
        found, _ = await devices.page(product)
        assert {device.device_key for device in found} == {new.device_key for new in taken}
        for device in found:
            await devices.delete(actor, key, device.device_key)


async def test_of_two_deletions_at_once_one_finds_nothing(devices: Devices, actor: Actor, product: Product) -> None:
    key = product.product_key
    await devices.add(actor, key, NewDevice("DK00001"))
    outcomes = await asyncio.gather(*(devices.delete(actor, key, "DK00001") for _ in range(2)), return_exceptions=True)
    [refused] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(refused, Missing)
    assert refused.wire == 70130


async def test_a_batch_changes_as_a_whole_or_not_at_all(devices: Devices, actor: Actor, product: Product) -> None:
    key = product.product_key
    await devices.add_many(actor, key, [NewDevice("DK00001", sn="SN1"), NewDevice("DK00002")])
    free = DeviceChanges(sn=None, name="Free")
    changed = await devices.update_many(actor, key, [("DK00002", DeviceChanges(sn="SN1")), ("DK00001", free)])
    assert [(device.name, device.sn) for device in changed] == [("DK00002", "SN1"), ("Free", None)]
    second = "DK00002", DeviceChanges(name="Second")
    with pytest.raises(Conflict):
        await devices.update_many(actor, key, [("DK00001", DeviceChanges(sn="SN1")), second])
    with pytest.raises(Missing):
        await devices.update_many(actor, key, [second, ("DK00003", DeviceChanges(name="Third"))])
    with pytest.raises(Invalid) as refusal:
        await devices.update_many(actor, key, [second, second])
    assert refusal.value.field == "devices[1].device_key"
    assert (await devices.one(actor.account_id, key, "DK00002")).name == "DK00002"


async def test_a_disabled_device_is_cut_and_told_why(
    devices: Devices, actor: Actor, product: Product, sessions: FakeSessions
) -> None:
    key = product.product_key
    device = (await devices.add(actor, key, NewDevice("DK00001"))).device
    assert (await devices.disable(actor, key, "DK00001")).enabled is False
    assert sessions.cut == [(device.id, "disabled", 10430)]
    with pytest.raises(Conflict):
        await devices.disable(actor, key, "DK00001")
    assert (await devices.enable(actor, key, "DK00001")).enabled is True
    assert len(sessions.cut) == 1


async def test_a_deleted_device_is_gone_and_comes_back_with_its_id(
    devices: Devices, platform: Platform, actor: Actor, product: Product, sessions: FakeSessions, clock: FakeClock
) -> None:
    key = product.product_key
    heard: list[str] = []
    devices.on_delete.append(lambda device: heard.append(device.device_key))
    first = (await devices.add(actor, key, NewDevice("DK00001", "Lamp", "SN1", auth_mode=1))).device
    await platform.store.write(
        statements.SET_ONLINE(of_device=first.id, at=1), statements.ACTIVATE(of_device=first.id, at=1)
    )
    await devices.delete(actor, key, "DK00001")
    assert heard == ["DK00001"]
    assert sessions.cut == [(first.id, "deleted", None)]
    with pytest.raises(Missing):
        await devices.one(actor.account_id, key, "DK00001")
    assert (await devices.page(product))[1] == 0
    taken_over = await devices.add(actor, key, NewDevice("DK00002", sn="SN1"))
    assert taken_over.device.id != first.id
    clock.advance(1_000)
    again = await devices.ensure_registered(product, "DK00001")
    assert again.id == first.id
    assert (again.name, again.sn, again.auth_mode, again.device_secret) == ("DK00001", None, 0, None)
    assert (again.online, again.activated_at, again.created_at) == (False, None, clock.now_ms())
    await devices.delete(actor, key, "DK00001")
    added = await devices.add(actor, key, NewDevice("DK00001", "Lamp", auth_mode=1))
    assert added.device.id == first.id
    assert added.secret is not None
    assert devices.secret_of(added.device) == added.secret


async def test_a_reset_makes_the_device_authenticate_again(
    devices: Devices, store: Store, actor: Actor, product: Product, sessions: FakeSessions
) -> None:
    key = product.product_key
    modes = {"DYNAMIC1": 0, "STATIC01": 1, "X5090001": 2}
    for device_key, mode in modes.items():
        new = NewDevice(device_key, auth_mode=mode, fingerprint="ab" * 20 if mode == 2 else None)
        added = await devices.add(actor, key, new)
        if mode == 0:
            await store.write(statements.ISSUE_SECRET(of_device=added.device.id, new_secret=b"sealed"))
        kept = b"sealed" if mode == 0 else added.device.device_secret
        await store.write(statements.CONFIRM_SECRET(of_device=added.device.id, of_secret=kept))
        reset = await devices.reset(actor, key, device_key)
        assert (reset.device.secret_confirmed, reset.device.is_verified) == (False, False)
        assert reset.device.fingerprint is None
        assert sessions.cut.pop() == (added.device.id, "reset", None)
        if mode == 1:
            assert reset.secret is not None
            assert reset.secret != added.secret
            assert devices.secret_of(reset.device) == reset.secret
        else:
            assert reset.secret is None
            assert reset.device.device_secret is None
    assert [(row.type, row.code) for row in await store.read(EVENTS)] == [(6, "reset")] * 3


async def test_lists_are_filtered_and_paged_newest_first(
    devices: Devices, store: Store, actor: Actor, product: Product, platform: Platform, clock: FakeClock
) -> None:
    key = product.product_key
    for number in range(5):
        clock.advance(1_000)
        await devices.add(actor, key, NewDevice(f"DK0000{number}", f"Lamp_{number}", f"SN{number}", number % 2))
    first = await devices.one(actor.account_id, key, "DK00000")
    await store.write(statements.SET_ONLINE(of_device=first.id, at=1), statements.ACTIVATE(of_device=first.id, at=1))
    await devices.disable(actor, key, "DK00001")
    found, total = await devices.page(product, number=2, size=2)
    assert ([device.device_key for device in found], total) == (["DK00002", "DK00001"], 5)

    async def keys(**chosen: object) -> list[str]:
        shown, count = await devices.page(product, DeviceFilter(**chosen))  # type: ignore[arg-type]
        assert count == len(shown)
        return [device.device_key[-1] for device in shown]

    assert await keys(device_key="DK00003") == ["3"]
    assert await keys(device_key="DK0000") == []
    assert await keys(sn="SN4") == ["4"]
    assert await keys(name="lAMP_2") == ["2"]
    assert await keys(name="%") == []
    assert await keys(name="p_") == ["4", "3", "2", "1", "0"]
    assert await keys(text="sn3") == ["3"]
    assert await keys(online=True) == ["0"]
    assert await keys(activated=False) == ["4", "3", "2", "1"]
    assert await keys(enabled=False) == ["1"]
    assert await keys(auth_mode=1) == ["3", "1"]
    assert await keys(virtual=True) == []
    assert await keys(online=True, enabled=False) == []
    summary = await devices.summary(product)
    assert (summary.real, summary.virtual, summary.online, summary.activated) == (5, 0, 1, 1)
    other = await platform.products.create(actor, NewProduct("Other"))
    await devices.add(actor, other.product_key, NewDevice("OTHER"))
    assert (await devices.some(actor.account_id))[1] == 6
    assert (await devices.some(actor.account_id, DeviceFilter(text="other")))[1] == 1
    assert await devices.some(404) == ([], 0)
    for number, size in ((0, 10), (1, 0), (1, 1001)):
        with pytest.raises(Invalid):
            await devices.page(product, number=number, size=size)


async def test_devices_of_another_account_do_not_exist(
    devices: Devices, actor: Actor, stranger: Actor, product: Product
) -> None:
    await devices.add(actor, product.product_key, NewDevice("DK00001"))
    with pytest.raises(Missing):
        await devices.one(stranger.account_id, product.product_key, "DK00001")
    with pytest.raises(Missing):
        await devices.delete(stranger, product.product_key, "DK00001")


async def test_two_who_add_the_same_key_at_once_do_not_both_win(
    devices: Devices, actor: Actor, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_there(*_: object, **__: object) -> list[object]:
        return []

    await devices.add(actor, product.product_key, NewDevice("DK00001", sn="SN1"))
    monkeypatch.setattr(type(devices._store), "read", nothing_there)
    for new, code in ((NewDevice("DK00001"), "device_key_taken"), (NewDevice("DK00002", sn="SN1"), "sn_taken")):
        with pytest.raises(Conflict) as refusal:
            await devices.add(actor, product.product_key, new)
        assert refusal.value.code == code


async def test_a_product_with_devices_is_deleted_only_when_forced(
    devices: Devices, platform: Platform, actor: Actor, product: Product, sessions: FakeSessions
) -> None:
    device = (await devices.add(actor, product.product_key, NewDevice("DK00001"))).device
    sessions.online[device.id] = Session(1, device, NoLink(), "192.0.2.1", 1)
    with pytest.raises(Conflict) as refusal:
        await platform.products.delete(actor, product.product_key)
    assert (refusal.value.code, refusal.value.detail) == ("product_has_devices", {"devices": 1})
    await platform.products.delete(actor, product.product_key, force=True)
    assert sessions.cut == [(device.id, "product deleted", None)]
    assert await devices.by_id(device.id) is None


@on_sqlite
async def test_serial_numbers_are_different_and_readable(platform: Platform, actor: Actor, product: Product) -> None:
    numbers = SerialNumbers(platform.ledger, platform.products, FakeEntropy("numbers"))
    made = await numbers.make(actor, product.product_key, MAX_NUMBERS)
    assert len({number.sn for number in made}) == MAX_NUMBERS
    assert all(len(number.sn) == 15 and not set(number.sn) & set("01IOilo") for number in made)
    assert made[0].qr == f"pk={product.product_key}&sn={made[0].sn}&v=1"
    for count, wire in ((0, 5154), (MAX_NUMBERS + 1, 5155)):
        with pytest.raises((Invalid, LimitReached)) as refusal:
            await numbers.make(actor, product.product_key, count)
        assert refusal.value.wire == wire
    [entry, *_] = await platform.ledger.entries(actor.account_id)
    assert (entry.action, entry.detail) == ("device.make_serial_numbers", {"count": MAX_NUMBERS})
