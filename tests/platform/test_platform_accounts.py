"""Accounts, administrators, passwords and management tokens."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from databases import on_sqlite, open_store
from fakes import FakeClock, FakeEntropy
from mooring.platform import Actor, Conflict, Denied, Invalid, Missing, Platform, Secret
from mooring.platform.accounts import Accounts
from mooring.platform.entities import Administrator
from mooring.store import Store, Vault
from mooring.store import accounts as statements

PASSWORD = Secret("correct horse battery")
HOURS = 3_600_000
DAYS = 24 * HOURS


@pytest.fixture
def accounts(platform: Platform) -> Accounts:
    return platform.accounts


@pytest.fixture
async def first(accounts: Accounts, actor: Actor) -> Administrator:
    [administrator] = accounts.administrators(actor.account_id)
    return administrator


@pytest.fixture
async def second(accounts: Accounts, actor: Actor) -> Administrator:
    """Another administrator, whose password is PASSWORD."""
    administrator, password = await accounts.add_administrator(actor, "second@example.com")
    await accounts.change_password(administrator, "192.0.2.9", password, PASSWORD)
    return accounts.administrators(actor.account_id)[1]


# The first start


async def test_the_first_start_makes_an_enterprise_account_with_one_administrator(accounts: Accounts) -> None:
    made = await accounts.bootstrap("admin@example.com")
    assert made is not None
    assert (made.account.kind, made.account.packages, made.account.address_list_enabled) == ("ent", {}, False)
    [administrator] = accounts.administrators(made.account.id)
    assert (administrator.email, administrator.password_one_time) == ("admin@example.com", True)


async def test_the_one_time_password_opens_the_account(accounts: Accounts) -> None:
    made = await accounts.bootstrap("admin@example.com")
    assert made is not None
    token = await accounts.log_in("admin@example.com", made.password, "192.0.2.7")
    identity = accounts.identify(token.text.reveal())
    assert identity is not None
    assert identity.administrator.password_one_time


async def test_a_given_password_is_no_one_time_password(accounts: Accounts) -> None:
    made = await accounts.bootstrap("admin@example.com", PASSWORD)
    assert made is not None
    [administrator] = accounts.administrators(made.account.id)
    assert not administrator.password_one_time
    await accounts.log_in("admin@example.com", PASSWORD, "192.0.2.7")


async def test_a_later_start_makes_nothing(platform: Platform, actor: Actor) -> None:
    version = platform.directory.version
    assert await platform.accounts.bootstrap("other@example.com") is None
    assert platform.directory.version == version


@on_sqlite
@pytest.mark.parametrize(
    "email", ["", "admin", "@example.com", "admin@", "a b@c", "a@b\n", "a@b@c", "\x00@b", "\ud800@b", "a" * 65 + "@b"]
)
async def test_what_is_no_email_address_is_refused(accounts: Accounts, platform: Platform, email: str) -> None:
    with pytest.raises(Invalid) as caught:
        await accounts.bootstrap(email)
    assert caught.value.field == "email"
    assert list(platform.directory.accounts()) == []


async def test_of_two_processes_that_start_first_one_makes_the_account(
    store: Store, vault: Vault, clock: FakeClock
) -> None:
    both = [await Platform.open(store, vault, clock=clock, entropy=FakeEntropy(name)) for name in ("one", "two")]
    made = await asyncio.gather(*(platform.accounts.bootstrap("admin@example.com") for platform in both))
    assert sorted(entry is None for entry in made) == [False, True]
    for platform in both:
        await platform.directory.catch_up()
        assert len(list(platform.directory.accounts())) == 1


# Logging in


@on_sqlite
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("second@example.com", Secret("wrong password")),
        ("second@example.com", Secret("")),
        ("second@example.com", Secret(PASSWORD.reveal().upper())),
        ("nobody@example.com", PASSWORD),
        ("", PASSWORD),
    ],
)
async def test_a_failed_login_does_not_say_what_was_wrong(
    accounts: Accounts, second: Administrator, email: str, password: Secret
) -> None:
    with pytest.raises(Denied) as caught:
        await accounts.log_in(email, password, "192.0.2.9")
    assert (caught.value.code, str(caught.value)) == ("wrong_credentials", "e-mail or password is wrong")


@on_sqlite
async def test_a_login_lasts_12_hours(accounts: Accounts, second: Administrator, clock: FakeClock) -> None:
    token = await accounts.log_in(second.email, PASSWORD, "192.0.2.9")
    clock.advance(12 * HOURS - 1)
    assert accounts.identify(token.text.reveal()) is not None
    clock.advance(1)
    assert accounts.identify(token.text.reveal()) is None


@on_sqlite
async def test_a_login_says_who_it_is(accounts: Accounts, second: Administrator) -> None:
    token = await accounts.log_in(second.email, PASSWORD, "192.0.2.9")
    identity = accounts.identify(token.text.reveal())
    assert identity is not None
    said = (identity.administrator.email, identity.account.id, identity.token.name)
    assert said == (second.email, second.account_id, "login")


async def test_a_login_that_began_with_the_old_password_gets_no_token(
    accounts: Accounts, actor: Actor, second: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = accounts._passwords.verify

    async def verify_while_it_is_reset(kept: Secret | None, password: Secret) -> bool:
        fits = await verify(kept, password)
        await accounts.reset_password(actor, second.id)
        return fits

    monkeypatch.setattr(accounts._passwords, "verify", verify_while_it_is_reset)
    with pytest.raises(Denied):
        await accounts.log_in(second.email, PASSWORD, "192.0.2.9")
    assert accounts.tokens(actor.account_id) == []


async def test_a_login_of_an_administrator_who_is_deleted_meanwhile_gets_no_token(
    accounts: Accounts, actor: Actor, second: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = accounts._passwords.verify

    async def verify_while_it_is_deleted(kept: Secret | None, password: Secret) -> bool:
        fits = await verify(kept, password)
        await accounts.delete_administrator(actor, second.id)
        return fits

    monkeypatch.setattr(accounts._passwords, "verify", verify_while_it_is_deleted)
    with pytest.raises(Denied):
        await accounts.log_in(second.email, PASSWORD, "192.0.2.9")


# Tokens


@on_sqlite
async def test_a_token_for_days_ends_with_the_last_of_them(
    accounts: Accounts, first: Administrator, clock: FakeClock
) -> None:
    token = await accounts.make_token(first, "192.0.2.7", "ci", 30)
    clock.advance(30 * DAYS - 1)
    assert accounts.identify(token.text.reveal()) is not None
    clock.advance(1)
    assert accounts.identify(token.text.reveal()) is None


@on_sqlite
async def test_a_token_without_days_does_not_end(accounts: Accounts, first: Administrator, clock: FakeClock) -> None:
    token = await accounts.make_token(first, "192.0.2.7", "ci")
    clock.advance(36_500 * DAYS)
    assert accounts.identify(token.text.reveal()) is not None


@on_sqlite
@pytest.mark.parametrize(
    ("name", "days", "field"),
    [
        ("", 1, "name"),
        (" ", 1, "name"),
        ("x" * 51, 1, "name"),
        ("a\nb", 1, "name"),
        ("ci", 0, "days"),
        ("ci", 3651, "days"),
    ],
)
async def test_a_token_keeps_to_the_rules(
    accounts: Accounts, first: Administrator, name: str, days: int, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await accounts.make_token(first, "192.0.2.7", name, days)
    assert caught.value.field == field


@on_sqlite
@pytest.mark.parametrize("text", ["", "mrg_", "mrg_" + "x" * 43, "\ud800", "x" * 100_000])
async def test_a_text_that_is_no_token_is_nobody(accounts: Accounts, first: Administrator, text: str) -> None:
    await accounts.make_token(first, "192.0.2.7", "ci")
    assert accounts.identify(text) is None


async def test_a_revoked_token_ends_at_once(accounts: Accounts, actor: Actor, first: Administrator) -> None:
    kept, revoked = [await accounts.make_token(first, "192.0.2.7", name) for name in ("kept", "revoked")]
    await accounts.revoke_token(actor, revoked.token.id)
    assert accounts.identify(revoked.text.reveal()) is None
    assert accounts.identify(kept.text.reveal()) is not None


async def test_a_token_is_revoked_once(accounts: Accounts, actor: Actor, first: Administrator) -> None:
    token = await accounts.make_token(first, "192.0.2.7", "ci")
    await accounts.revoke_token(actor, token.token.id)
    with pytest.raises(Missing):
        await accounts.revoke_token(actor, token.token.id)


async def test_a_token_of_another_account_is_not_there(
    accounts: Accounts, stranger: Actor, first: Administrator
) -> None:
    token = await accounts.make_token(first, "192.0.2.7", "ci")
    assert accounts.tokens(stranger.account_id) == []
    with pytest.raises(Missing):
        await accounts.revoke_token(stranger, token.token.id)


@on_sqlite
async def test_living_tokens_are_listed_oldest_first(
    accounts: Accounts, actor: Actor, first: Administrator, clock: FakeClock
) -> None:
    for name, days in (("one", None), ("short", 1), ("two", 3)):
        await accounts.make_token(first, "192.0.2.7", name, days)
    clock.advance(DAYS)
    assert [(token.name, owner) for token, owner in accounts.tokens(actor.account_id)] == [
        ("one", first),
        ("two", first),
    ]


async def test_expired_tokens_leave_the_database(
    accounts: Accounts, first: Administrator, store: Store, clock: FakeClock
) -> None:
    for name, days in (("short", 1), ("long", 3), ("endless", None)):
        await accounts.make_token(first, "192.0.2.7", name, days)
    clock.advance(2 * DAYS)
    await accounts.forget_expired_tokens()
    assert [row.name for row in await store.read(statements.TOKENS)] == ["long", "endless"]


async def test_the_database_holds_no_token_in_clear(accounts: Accounts, first: Administrator, store: Store) -> None:
    token = await accounts.make_token(first, "192.0.2.7", "ci")
    [row] = await store.read(statements.TOKENS)
    assert token.text.reveal().encode() not in row.token_hash
    assert len(row.token_hash) == 32


# Passwords

Ending = Callable[[Accounts, Actor, Administrator], Awaitable[object]]
ENDINGS: dict[str, Ending] = {
    "own change": lambda accounts, _, owner: accounts.change_password(owner, "x", PASSWORD, Secret("another password")),
    "reset": lambda accounts, actor, owner: accounts.reset_password(actor, owner.id),
    "deletion": lambda accounts, actor, owner: accounts.delete_administrator(actor, owner.id),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_tokens_end_with_the_password_they_were_made_under(
    accounts: Accounts, actor: Actor, second: Administrator, ending: Ending
) -> None:
    login = await accounts.log_in(second.email, PASSWORD, "192.0.2.9")
    token = await accounts.make_token(second, "192.0.2.9", "ci")
    await ending(accounts, actor, second)
    assert [accounts.identify(made.text.reveal()) for made in (login, token)] == [None, None]


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_the_old_password_opens_nothing_any_more(
    accounts: Accounts, actor: Actor, second: Administrator, ending: Ending
) -> None:
    await ending(accounts, actor, second)
    with pytest.raises(Denied):
        await accounts.log_in(second.email, PASSWORD, "192.0.2.9")


async def test_tokens_of_others_live_on(
    accounts: Accounts, actor: Actor, first: Administrator, second: Administrator
) -> None:
    token = await accounts.make_token(first, "192.0.2.7", "ci")
    await accounts.reset_password(actor, second.id)
    assert accounts.identify(token.text.reveal()) is not None


async def test_a_changed_password_is_the_owners(accounts: Accounts, actor: Actor, second: Administrator) -> None:
    assert not second.password_one_time
    await accounts.log_in(second.email, PASSWORD, "192.0.2.9")


async def test_a_reset_password_is_a_one_time_password(accounts: Accounts, actor: Actor, second: Administrator) -> None:
    password = await accounts.reset_password(actor, second.id)
    assert accounts.administrators(actor.account_id)[1].password_one_time
    await accounts.log_in(second.email, password, "192.0.2.9")


@on_sqlite
@pytest.mark.parametrize(
    ("old", "new", "refusal", "code"),
    [
        (Secret("wrong password"), Secret("another password"), Denied, "wrong_password"),
        (PASSWORD, PASSWORD, Invalid, "password_same"),
        (PASSWORD, Secret("x" * 9), Invalid, "password_length"),
        (PASSWORD, Secret("x" * 257), Invalid, "password_length"),
    ],
)
async def test_a_password_change_keeps_to_the_rules(
    accounts: Accounts, second: Administrator, old: Secret, new: Secret, refusal: type[Exception], code: str
) -> None:
    with pytest.raises(refusal) as caught:
        await accounts.change_password(second, "192.0.2.9", old, new)
    assert getattr(caught.value, "code", None) == code
    assert new.reveal() not in str(caught.value)
    await accounts.log_in(second.email, PASSWORD, "192.0.2.9")


@on_sqlite
@pytest.mark.parametrize("length", [10, 256])
async def test_a_password_has_10_to_256_characters(accounts: Accounts, second: Administrator, length: int) -> None:
    await accounts.change_password(second, "192.0.2.9", PASSWORD, Secret("密" * length))
    await accounts.log_in(second.email, Secret("密" * length), "192.0.2.9")


async def test_a_change_that_began_with_the_old_password_does_not_undo_a_reset(
    accounts: Accounts, actor: Actor, second: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = accounts._passwords.verify

    async def verify_while_it_is_reset(kept: Secret | None, password: Secret) -> bool:
        fits = await verify(kept, password)
        await accounts.reset_password(actor, second.id)
        return fits

    monkeypatch.setattr(accounts._passwords, "verify", verify_while_it_is_reset)
    with pytest.raises(Denied):
        await accounts.change_password(second, "192.0.2.9", PASSWORD, Secret("another password"))
    assert accounts.administrators(actor.account_id)[1].password_one_time


# Administrators


async def test_an_email_address_belongs_to_one_administrator(
    accounts: Accounts, actor: Actor, second: Administrator
) -> None:
    with pytest.raises(Conflict) as caught:
        await accounts.add_administrator(actor, second.email)
    assert (caught.value.code, caught.value.field) == ("email_taken", "email")


async def test_the_last_administrator_stays(accounts: Accounts, actor: Actor, first: Administrator) -> None:
    with pytest.raises(Conflict) as caught:
        await accounts.delete_administrator(actor, first.id)
    assert caught.value.code == "last_owner"
    assert accounts.administrators(actor.account_id) == [first]


async def test_a_deleted_administrator_is_gone(
    accounts: Accounts, actor: Actor, first: Administrator, second: Administrator
) -> None:
    await accounts.delete_administrator(actor, second.id)
    assert accounts.administrators(actor.account_id) == [first]
    with pytest.raises(Missing):
        await accounts.delete_administrator(actor, second.id)


async def test_of_the_last_two_administrators_deleted_at_once_one_stays(
    accounts: Accounts, actor: Actor, first: Administrator, second: Administrator
) -> None:
    outcomes = await asyncio.gather(
        *(accounts.delete_administrator(actor, owner.id) for owner in (first, second)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict]
    assert len(accounts.administrators(actor.account_id)) == 1


async def test_an_administrator_of_another_account_is_not_there(
    accounts: Accounts, stranger: Actor, first: Administrator
) -> None:
    assert accounts.administrators(stranger.account_id) == []
    with pytest.raises(Missing):
        await accounts.delete_administrator(stranger, first.id)
    with pytest.raises(Missing):
        await accounts.reset_password(stranger, first.id)


# The account


async def test_an_account_is_renamed(accounts: Accounts, actor: Actor) -> None:
    assert (await accounts.rename(actor, "  Harbour  ")).name == "Harbour"


@on_sqlite
@pytest.mark.parametrize("name", ["", " ", "x" * 51, "a\tb"])
async def test_an_account_name_has_1_to_50_characters(accounts: Accounts, actor: Actor, name: str) -> None:
    with pytest.raises(Invalid):
        await accounts.rename(actor, name)


async def test_the_white_list_of_an_account_is_kept_in_canonical_form(accounts: Accounts, actor: Actor) -> None:
    account = await accounts.set_addresses(actor, enabled=True, addresses=["10.0.0.1", "2001:DB8::/32", "10.0.0.1"])
    assert (account.address_list_enabled, account.allowed_addresses) == (True, ("10.0.0.1/32", "2001:db8::/32"))
    assert account.address_list is not None


async def test_a_white_list_that_is_off_is_kept_and_not_applied(accounts: Accounts, actor: Actor) -> None:
    account = await accounts.set_addresses(actor, enabled=False, addresses=["10.0.0.1"])
    assert (account.allowed_addresses, account.address_list) == (("10.0.0.1/32",), None)


@on_sqlite
@pytest.mark.parametrize("addresses", [[], ["10.0.0.1", "nowhere"]])
async def test_a_white_list_that_is_on_needs_real_addresses(
    accounts: Accounts, actor: Actor, addresses: list[str]
) -> None:
    with pytest.raises(Invalid):
        await accounts.set_addresses(actor, enabled=True, addresses=addresses)


async def test_everything_is_there_after_a_restart(
    platform: Platform, actor: Actor, second: Administrator, database: object, vault: Vault, clock: FakeClock
) -> None:
    token = await platform.accounts.make_token(second, "192.0.2.9", "ci")
    again = await open_store(database)  # type: ignore[arg-type]
    restarted = await Platform.open(again, vault, clock=clock, entropy=FakeEntropy("again"))
    assert restarted.accounts.administrators(actor.account_id) == platform.accounts.administrators(actor.account_id)
    assert restarted.accounts.identify(token.text.reveal()) == platform.accounts.identify(token.text.reveal())
    await again.close()
