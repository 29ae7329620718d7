"""Failed logins lock for longer and longer; codes of an authenticator app; roles and the last owner."""

import asyncio

import pytest

from fakes import FakeClock
from mooring.platform import Actor, Conflict, Denied, Platform, Role, Secret
from mooring.platform.accounts import Accounts
from mooring.platform.entities import Administrator
from mooring.platform.logins import FREE_FAILURES, locked_for_ms
from mooring.platform.one_time_codes import STEP_S, code_at

PASSWORD = Secret("correct horse battery")
WRONG = Secret("not this password")
HERE = "192.0.2.9"
STRANGER = "nobody@example.com"


@pytest.fixture
def accounts(platform: Platform) -> Accounts:
    return platform.accounts


@pytest.fixture
async def member(accounts: Accounts, actor: Actor) -> Administrator:
    """A developer whose password is PASSWORD."""
    made, password = await accounts.add_administrator(actor, "second@example.com", Role.DEVELOPER)
    await accounts.change_password(made, HERE, password, PASSWORD)
    return accounts.administrators(actor.account_id)[1]


async def fail(accounts: Accounts, email: str) -> str:
    with pytest.raises(Denied) as caught:
        await accounts.log_in(email, WRONG, HERE)
    return caught.value.code


def present(accounts: Accounts, member: Administrator) -> Administrator:
    return next(entry for entry in accounts.administrators(member.account_id) if entry.id == member.id)


def code_of(secret: Secret, clock: FakeClock, steps: int = 0) -> str:
    return code_at(secret, clock.now_ms() // (STEP_S * 1000) + steps)


# Locking


def test_each_failure_after_the_free_ones_locks_for_twice_as_long_up_to_an_hour() -> None:
    locks = [locked_for_ms(failures) // 1000 for failures in range(1, 15)]
    assert locks == [0] * FREE_FAILURES + [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


@pytest.mark.parametrize("email", ["second@example.com", STRANGER])
async def test_too_many_failures_lock_also_an_address_that_nobody_has(
    accounts: Accounts, member: Administrator, clock: FakeClock, email: str
) -> None:
    codes = [await fail(accounts, email) for _ in range(FREE_FAILURES + 2)]
    assert codes == ["wrong_credentials"] * (FREE_FAILURES + 1) + ["locked"]
    with pytest.raises(Denied) as caught:
        await accounts.log_in(email, PASSWORD, HERE)
    assert caught.value.detail == {"retry_after_s": 30}
    clock.advance(30_000)
    assert await fail(accounts, email) == "wrong_credentials"
    with pytest.raises(Denied, match="60 s"):
        await accounts.log_in(email, PASSWORD, HERE)


async def test_a_login_forgets_the_failures_and_what_is_open_goes_on_while_locked(
    accounts: Accounts, member: Administrator, clock: FakeClock
) -> None:
    open_session = await accounts.log_in(member.email, PASSWORD, HERE)
    for _ in range(FREE_FAILURES + 1):
        await fail(accounts, member.email)
    assert accounts.identify(open_session.text.reveal()) is not None
    clock.advance(30_000)
    await accounts.log_in(member.email, PASSWORD, HERE)
    assert (present(accounts, member).failed_logins, present(accounts, member).locked_until) == (0, None)


async def test_failures_are_audited_and_outlive_the_process(
    accounts: Accounts, member: Administrator, platform: Platform
) -> None:
    await fail(accounts, member.email)
    [entry] = [entry for entry in await platform.ledger.entries(member.account_id) if "failed" in entry.action]
    assert (entry.action, entry.address, entry.detail) == ("administrator.log_in_failed", HERE, {"failures": 1})
    await platform.directory.load()
    assert present(accounts, member).failed_logins == 1


async def test_a_new_one_time_password_opens_a_locked_member(
    accounts: Accounts, member: Administrator, actor: Actor
) -> None:
    for _ in range(FREE_FAILURES + 1):
        await fail(accounts, member.email)
    password = await accounts.reset_password(actor, member.id)
    await accounts.log_in(member.email, password, HERE)


async def test_an_owner_unlocks_a_member_who_keeps_the_password(
    accounts: Accounts, member: Administrator, actor: Actor
) -> None:
    for _ in range(FREE_FAILURES + 1):
        await fail(accounts, member.email)
    unlocked = await accounts.unlock(actor, member.id)
    assert (unlocked.failed_logins, unlocked.locked_until) == (0, None)
    await accounts.log_in(member.email, PASSWORD, HERE)


async def test_a_login_is_noted(accounts: Accounts, member: Administrator, clock: FakeClock) -> None:
    assert member.last_login_at is None
    clock.advance(1000)
    await accounts.log_in(member.email, PASSWORD, HERE)
    assert present(accounts, member).last_login_at == clock.now_ms()


async def test_a_member_logs_in_several_times_at_once(accounts: Accounts, member: Administrator) -> None:
    made = await asyncio.gather(*(accounts.log_in(member.email, PASSWORD, HERE) for _ in range(5)))
    assert all(accounts.identify(token.text.reveal()) for token in made)


# Switched off


async def test_a_disabled_member_is_kept_out_until_enabled(
    accounts: Accounts, member: Administrator, actor: Actor
) -> None:
    token = await accounts.log_in(member.email, PASSWORD, HERE)
    await accounts.set_enabled(actor, member.id, enabled=False)
    assert accounts.identify(token.text.reveal()) is None
    assert await fail(accounts, member.email) == "wrong_credentials"
    with pytest.raises(Denied) as caught:
        await accounts.log_in(member.email, PASSWORD, HERE)
    assert caught.value.code == "member_disabled"
    with pytest.raises(Denied):
        await accounts.make_token(present(accounts, member), HERE, "scripts")
    await accounts.set_enabled(actor, member.id, enabled=True)
    await accounts.log_in(member.email, PASSWORD, HERE)


async def test_an_owner_who_is_disabled_does_not_count_as_one(
    accounts: Accounts, member: Administrator, actor: Actor
) -> None:
    owner = accounts.administrators(actor.account_id)[0]
    await accounts.set_role(actor, member.id, Role.OWNER)
    await accounts.set_enabled(actor, member.id, enabled=False)
    for attempt in (
        accounts.set_enabled(actor, owner.id, enabled=False),
        accounts.set_role(actor, owner.id, Role.VIEWER),
        accounts.delete_administrator(actor, owner.id),
    ):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.code == "last_owner"


# Codes


async def switch_on(accounts: Accounts, member: Administrator, clock: FakeClock) -> Secret:
    secret, _ = accounts.logins.begin_codes(member)
    await accounts.logins.set_codes(member, HERE, secret, code_of(secret, clock))
    clock.advance(STEP_S * 1000)
    return secret


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    secret = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert code_at(secret, seconds // STEP_S) == code


async def test_a_login_needs_a_code_that_was_not_used(
    accounts: Accounts, member: Administrator, clock: FakeClock
) -> None:
    secret = await switch_on(accounts, member, clock)
    with pytest.raises(Denied) as caught:
        await accounts.log_in(member.email, PASSWORD, HERE)
    assert caught.value.code == "code_required"
    code = code_of(secret, clock)
    await accounts.log_in(member.email, PASSWORD, HERE, code)
    for used in (code, code_of(secret, clock, -1), "000000", "x", ""):
        with pytest.raises(Denied):
            await accounts.log_in(member.email, PASSWORD, HERE, used)
    clock.advance(STEP_S * 1000)
    await accounts.log_in(member.email, PASSWORD, HERE, code_of(secret, clock))


async def test_wrong_codes_lock_as_wrong_passwords_do(
    accounts: Accounts, member: Administrator, clock: FakeClock
) -> None:
    await switch_on(accounts, member, clock)
    for _ in range(FREE_FAILURES + 1):
        with pytest.raises(Denied):
            await accounts.log_in(member.email, PASSWORD, HERE, "000000")
    with pytest.raises(Denied, match="too many failed logins"):
        await accounts.log_in(member.email, PASSWORD, HERE, "000000")


async def test_codes_are_sealed_and_only_a_right_code_switches_them_on(
    accounts: Accounts, member: Administrator, clock: FakeClock
) -> None:
    secret, uri = accounts.logins.begin_codes(member)
    assert secret.reveal() in uri.reveal()
    with pytest.raises(Denied):
        await accounts.logins.set_codes(member, HERE, secret, "000000")
    assert present(accounts, member).totp_secret is None
    await accounts.logins.set_codes(member, HERE, secret, code_of(secret, clock))
    kept = present(accounts, member).totp_secret
    assert kept is not None
    assert secret.reveal().encode() not in kept
    with pytest.raises(Conflict):
        await accounts.logins.set_codes(present(accounts, member), HERE, secret, code_of(secret, clock))


async def test_the_password_and_an_owners_reset_switch_codes_off(
    accounts: Accounts, member: Administrator, clock: FakeClock, actor: Actor
) -> None:
    await switch_on(accounts, member, clock)
    with pytest.raises(Denied):
        await accounts.logins.clear_codes(present(accounts, member), HERE, WRONG)
    await accounts.logins.clear_codes(present(accounts, member), HERE, PASSWORD)
    assert present(accounts, member).totp_secret is None
    await switch_on(accounts, present(accounts, member), clock)
    await accounts.reset_password(actor, member.id)
    assert present(accounts, member).totp_secret is None


# Roles


def test_each_role_covers_those_below_it() -> None:
    covered = {role: [needed for needed in Role if role.covers(needed)] for role in Role}
    assert covered == {Role.VIEWER: [Role.VIEWER], Role.DEVELOPER: [Role.VIEWER, Role.DEVELOPER], Role.OWNER: [*Role]}


async def test_a_role_changes_at_once_for_what_is_open(accounts: Accounts, member: Administrator, actor: Actor) -> None:
    token = await accounts.log_in(member.email, PASSWORD, HERE)
    await accounts.set_role(actor, member.id, Role.VIEWER)
    identity = accounts.identify(token.text.reveal())
    assert identity is not None
    assert identity.administrator.role is Role.VIEWER


async def test_the_last_owner_stays_an_owner(accounts: Accounts, member: Administrator, actor: Actor) -> None:
    owner = accounts.administrators(actor.account_id)[0]
    for attempt in (accounts.set_role(actor, owner.id, Role.VIEWER), accounts.delete_administrator(actor, owner.id)):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.code == "last_owner"
    await accounts.set_role(actor, member.id, Role.OWNER)
    await accounts.set_role(actor, owner.id, Role.VIEWER)
    assert present(accounts, owner).role is Role.VIEWER


async def test_a_member_ends_only_their_own_tokens(accounts: Accounts, member: Administrator, actor: Actor) -> None:
    owner = accounts.administrators(actor.account_id)[0]
    own = await accounts.make_token(member, HERE, "own")
    other = await accounts.make_token(owner, HERE, "other")
    with pytest.raises(Denied):
        await accounts.revoke_token(actor, other.token.id, member)
    await accounts.revoke_token(actor, own.token.id, member)
