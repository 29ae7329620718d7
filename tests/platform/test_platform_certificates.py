"""CA certificates: upload, proof of ownership, limits, whom they vouch for (domain-rules.md section 3)."""

import datetime

import msgspec
import pytest
from sqlalchemy import select

from authority import LONG_AGO, Authority, Signed, fingerprint
from databases import on_sqlite
from fakes import FakeClock
from mooring.platform import Actor, Conflict, Invalid, LimitReached, Missing, Platform
from mooring.platform.certificates import (
    CODE_LIFETIME_MS,
    MAX_CERTIFICATE_BYTES,
    MAX_CERTIFICATES,
    CaCertificate,
    Certificates,
    PeerCertificate,
)
from mooring.store import Query, Store, tables

DAY_MS = 86_400_000


class Audited(msgspec.Struct, frozen=True):
    action: str
    target: str
    detail: str


AUDIT = Query(select(tables.audit_log.c.action, tables.audit_log.c.target, tables.audit_log.c.detail), Audited)


@pytest.fixture
def certificates(platform: Platform) -> Certificates:
    return platform.certificates


@pytest.fixture
def authority() -> Authority:
    return Authority("Factory CA")


async def proved(certificates: Certificates, actor: Actor, authority: Authority) -> CaCertificate:
    made = await certificates.upload(actor, authority.built.subject.rfc4514_string(), authority.pem)
    return await certificates.prove(actor, made.id, authority.sign(made.code).pem)


def at(now_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)


# Upload


@pytest.mark.parametrize("form", ["pem", "der"])
async def test_a_ca_certificate_is_kept_until_it_is_proved(
    certificates: Certificates, actor: Actor, authority: Authority, clock: FakeClock, form: str
) -> None:
    made = await certificates.upload(actor, " Factory ", getattr(authority, form))
    assert made == CaCertificate(
        id=made.id,
        name="Factory",
        subject="CN=Factory CA",
        fingerprint=fingerprint(authority),
        code=made.code,
        code_expires_at=clock.now_ms() + CODE_LIFETIME_MS,
        verified_at=None,
        expires_at=int(authority.built.not_valid_after_utc.timestamp() * 1000),
        created_at=clock.now_ms(),
    )
    assert len(made.code) == 32
    assert await certificates.all(actor.account_id) == [made]
    assert await certificates.one(actor.account_id, made.id) == made
    assert await certificates.verified() == []


BAD = {
    "nothing": (b"", "certificate"),
    "no certificate": (b"\x30\x03\x02\x01\x01", "certificate"),
    "broken PEM": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
    "two": (Authority("One").pem + Authority("Two").pem, "certificate"),
    "a device's": (Authority("CA").sign("DK01").pem, "no_ca"),
    "no CA": (Authority("Server", is_ca=False).pem, "no_ca"),
    "no constraints": (Authority("Old", is_ca=None).der, "no_ca"),
    "expired": (Authority("Past", until=LONG_AGO + datetime.timedelta(days=1)).pem, "certificate_expired"),
    "too large": (b"-----BEGIN CERTIFICATE-----" + b"A" * MAX_CERTIFICATE_BYTES, "certificate_size"),
}


@on_sqlite
@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=list(BAD))
async def test_anything_else_is_refused(certificates: Certificates, actor: Actor, data: bytes, reason: str) -> None:
    with pytest.raises((Invalid, LimitReached)) as refused:
        await certificates.upload(actor, "Factory", data)
    assert (refused.value.code, refused.value.field) == (reason, "certificate")
    assert await certificates.all(actor.account_id) == []


@on_sqlite
@pytest.mark.parametrize("name", ["", " ", "x" * 51])
async def test_a_name_has_1_to_50_characters(
    certificates: Certificates, actor: Actor, authority: Authority, name: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await certificates.upload(actor, name, authority.pem)
    assert refused.value.field == "name"


async def test_an_account_has_a_certificate_once_another_may_have_it_too(
    certificates: Certificates, actor: Actor, stranger: Actor, authority: Authority
) -> None:
    await certificates.upload(actor, "Factory", authority.pem)
    with pytest.raises(Conflict) as refused:
        await certificates.upload(actor, "Again", authority.der)
    assert refused.value.code == "certificate_exists"
    await certificates.upload(stranger, "Factory", authority.pem)


async def test_an_account_has_ten(certificates: Certificates, actor: Actor, stranger: Actor) -> None:
    for number in range(MAX_CERTIFICATES):
        await certificates.upload(actor, f"CA {number}", Authority(f"CA {number}").pem)
    with pytest.raises(LimitReached) as refused:
        await certificates.upload(actor, "One more", Authority("One more").pem)
    assert refused.value.code == "certificate_limit"
    await certificates.upload(stranger, "Theirs", Authority("Theirs").pem)
    assert [made.name for made in await certificates.all(actor.account_id)] == [f"CA {n}" for n in range(10)]


# Proof


async def test_the_code_in_a_certificate_of_the_ca_proves_it(
    certificates: Certificates, actor: Actor, authority: Authority, clock: FakeClock
) -> None:
    heard: list[bytes] = []
    certificates.on_prove.append(heard.append)
    made = await certificates.upload(actor, "Factory", authority.pem)
    clock.advance(CODE_LIFETIME_MS - 1)
    shown = await certificates.prove(actor, made.id, authority.sign(made.code).der)
    assert shown.verified_at == clock.now_ms()
    assert heard == await certificates.verified() == [authority.der]
    for again in (
        certificates.prove(actor, made.id, authority.sign(made.code).pem),
        certificates.new_code(actor, made.id),
    ):
        with pytest.raises(Conflict) as refused:
            await again
        assert refused.value.code == "proved_already"


@on_sqlite
@pytest.mark.parametrize("case", ["another name", "another CA", "the CA itself", "no certificate", "upper case"])
async def test_no_other_certificate_proves_it(
    certificates: Certificates, actor: Actor, authority: Authority, case: str
) -> None:
    made = await certificates.upload(actor, "Factory", authority.pem)
    data, reason = {
        "another name": (authority.sign("0" * 32).pem, "wrong_code"),
        "another CA": (Authority("Factory CA").sign(made.code).pem, "not_signed"),
        "the CA itself": (authority.pem, "wrong_code"),
        "no certificate": (b"proof", "certificate"),
        "upper case": (authority.sign(made.code.upper() + "x").pem, "wrong_code"),
    }[case]
    with pytest.raises(Invalid) as refused:
        await certificates.prove(actor, made.id, data)
    assert refused.value.code == reason
    assert (await certificates.one(actor.account_id, made.id)).verified_at is None


async def test_an_old_code_proves_nothing_and_a_new_one_does(
    certificates: Certificates, actor: Actor, authority: Authority, clock: FakeClock
) -> None:
    made = await certificates.upload(actor, "Factory", authority.pem)
    clock.advance(CODE_LIFETIME_MS)
    with pytest.raises(Conflict) as refused:
        await certificates.prove(actor, made.id, authority.sign(made.code).pem)
    assert refused.value.code == "code_expired"
    renewed = await certificates.new_code(actor, made.id)
    assert renewed.code != made.code
    assert renewed.code_expires_at == clock.now_ms() + CODE_LIFETIME_MS
    with pytest.raises(Invalid):
        await certificates.prove(actor, made.id, authority.sign(made.code).pem)
    assert (await certificates.prove(actor, made.id, authority.sign(renewed.code).pem)).verified_at is not None


async def test_nobody_touches_the_certificates_of_another_account(
    certificates: Certificates, actor: Actor, stranger: Actor, authority: Authority
) -> None:
    made = await certificates.upload(actor, "Factory", authority.pem)
    assert await certificates.all(stranger.account_id) == []
    for attempt in (
        certificates.one(stranger.account_id, made.id),
        certificates.new_code(stranger, made.id),
        certificates.prove(stranger, made.id, authority.sign(made.code).pem),
        certificates.delete(stranger, made.id),
    ):
        with pytest.raises(Missing):
            await attempt
    assert await certificates.one(actor.account_id, made.id) == made


async def test_a_deleted_certificate_is_gone_and_may_come_again(
    certificates: Certificates, actor: Actor, authority: Authority
) -> None:
    made = await proved(certificates, actor, authority)
    await certificates.delete(actor, made.id)
    assert await certificates.verified() == []
    with pytest.raises(Missing):
        await certificates.delete(actor, made.id)
    assert (await certificates.upload(actor, "Again", authority.pem)).verified_at is None


async def test_each_change_is_audited(
    certificates: Certificates, actor: Actor, authority: Authority, store: Store
) -> None:
    made = await certificates.upload(actor, "Factory", authority.pem)
    await certificates.new_code(actor, made.id)
    code = (await certificates.one(actor.account_id, made.id)).code
    await certificates.prove(actor, made.id, authority.sign(code).pem)
    await certificates.delete(actor, made.id)
    rows = [row for row in await store.read(AUDIT) if row.target == "Factory" or "Factory" in row.target]
    assert [row.action for row in rows] == [
        f"ca_certificate.{done}" for done in ("upload", "new_code", "prove", "delete")
    ]
    assert not any(code in row.detail for row in rows)


# Vouching


async def vouches(certificates: Certificates, actor: Actor, certificate: Signed) -> bool:
    return await certificates.vouches(actor.account_id, PeerCertificate(certificate.der))


async def test_a_proved_ca_vouches_for_what_it_signed_itself(
    certificates: Certificates, actor: Actor, stranger: Actor, authority: Authority
) -> None:
    own = authority.sign("DK01")
    made = await certificates.upload(actor, "Factory", authority.pem)
    assert not await vouches(certificates, actor, own)
    await certificates.prove(actor, made.id, authority.sign(made.code).pem)
    assert await vouches(certificates, actor, own)
    assert not await vouches(certificates, stranger, own)
    assert not await vouches(certificates, actor, Authority("Factory CA").sign("DK01"))
    assert not await vouches(certificates, actor, Authority("Line", authority).sign("DK01"))
    await certificates.delete(actor, made.id)
    assert not await vouches(certificates, actor, own)


@on_sqlite
async def test_only_while_both_are_valid(certificates: Certificates, actor: Actor, clock: FakeClock) -> None:
    now = clock.now_ms()
    authority = Authority("Factory CA", until=at(now + 10 * DAY_MS))
    await proved(certificates, actor, authority)
    short = authority.sign("DK01", since=at(now + DAY_MS), until=at(now + 2 * DAY_MS))
    long = authority.sign("DK02")
    seen = []
    for _ in range(4):
        seen.append((await vouches(certificates, actor, short), await vouches(certificates, actor, long)))
        clock.advance(DAY_MS + 1_000)
    clock.advance(8 * DAY_MS)
    seen.append((await vouches(certificates, actor, short), await vouches(certificates, actor, long)))
    assert seen == [(False, True), (True, True), (False, True), (False, True), (False, False)]


@on_sqlite
async def test_what_is_no_certificate_has_nobody_to_vouch_for_it(
    certificates: Certificates, actor: Actor, authority: Authority
) -> None:
    await proved(certificates, actor, authority)
    assert not await certificates.vouches(actor.account_id, PeerCertificate(b"\x30\x03\x02\x01\x01"))


def test_a_fingerprint_is_sha1_in_lower_case(authority: Authority) -> None:
    assert PeerCertificate(authority.der).fingerprint == fingerprint(authority)
