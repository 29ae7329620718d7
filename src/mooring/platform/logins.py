"""Who may log in: password, one-time code, and a delay that grows with each failure.

Failures of an e-mail address count until a login succeeds, also of one that nobody has, so that the answers do not tell
which exist. From the fifth on, each locks the address for twice as long as the one before, up to an hour. Guesses at
one address are looked at one after the other; what somebody has open already goes on.
"""

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from mooring.store import Vault, Write
from mooring.store import accounts as statements

from .entities import Administrator
from .errors import Conflict, Denied
from .ledger import Actor, Ledger
from .one_time_codes import matching_step, new_code_secret, setup_uri
from .passwords import Passwords
from .secret import Secret
from .sources import Entropy

__all__ = ["FREE_FAILURES", "Logins", "locked_for_ms"]

FREE_FAILURES = 4
_FIRST_LOCK_MS = 30_000
_LONGEST_LOCK_MS = 3_600_000
_STRANGERS = 10_000  # e-mail addresses that nobody has, remembered at most


def locked_for_ms(failures: int) -> int:
    """How long an address is locked after so many failures in a row."""
    if failures <= FREE_FAILURES:
        return 0
    return int(min(_FIRST_LOCK_MS * 2 ** min(failures - FREE_FAILURES - 1, 20), _LONGEST_LOCK_MS))


class Logins:
    """Checks who logs in, and keeps the second factor."""

    def __init__(self, ledger: Ledger, vault: Vault, entropy: Entropy, passwords: Passwords) -> None:
        self._ledger = ledger
        self._vault = vault
        self._entropy = entropy
        self._passwords = passwords
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._strangers: OrderedDict[str, tuple[int, int]] = OrderedDict()  # failures, locked until

    async def check(
        self, email: str, password: Secret, address: str, code: str | None = None
    ) -> tuple[Administrator, Write]:
        """The member whose e-mail and password these are, and whose code, where one is asked for; and what is to be
        written together with the login.

        Raises Denied: `locked` with `detail.retry_after_s`, `wrong_credentials`, `member_disabled`, `code_required`,
        `wrong_code`.
        """
        turn = self._turns.setdefault(email, asyncio.Lock())
        async with turn:
            member = self._member(email)
            self._refuse_locked(email, member)
            if not await self._passwords.verify(member.password_hash if member else None, password) or member is None:
                await self._note_failure(email, member, address)
                raise Denied("wrong_credentials", "e-mail or password is wrong")
            if not member.enabled:
                raise Denied("member_disabled", "this member is disabled; an owner can enable them")
            step = None
            if member.totp_secret is not None:
                if not code:
                    raise Denied("code_required", "a code of the authenticator app is needed", field="code")
                secret = Secret(self._vault.open(member.totp_secret, _context(member)))
                step = matching_step(secret, code, self._ledger.clock.now_ms(), member.totp_step)
                if step is None:
                    await self._note_failure(email, member, address)
                    raise Denied("wrong_code", "the code is wrong or was used already", field="code")
            note = statements.NOTE_LOGIN(
                administrator_id=member.id,
                seen_step=member.totp_step,
                step=member.totp_step if step is None else step,
                now=self._ledger.clock.now_ms(),
            )
            return member, note.must("code")

    def begin_codes(self, member: Administrator) -> tuple[Secret, Secret]:
        """A secret for an authenticator app, and its address for a QR code. Nothing is kept before a code of it is
        shown to `set_codes`."""
        secret = new_code_secret(self._entropy)
        return secret, setup_uri(secret, member.email)

    async def set_codes(self, member: Administrator, address: str, secret: Secret, code: str) -> None:
        """Ask for codes of this secret from now on. Raises Denied for a code that is not of it, Conflict when codes are
        asked for already."""
        if member.totp_secret is not None:
            raise Conflict("codes_on", "codes are asked for already; switch them off first")
        step = matching_step(secret, code, self._ledger.clock.now_ms(), None)
        if step is None:
            raise Denied("wrong_code", "the code is wrong; look at the clocks of both devices", field="code")
        sealed = self._vault.seal(secret.reveal(), _context(member))
        await self._keep_codes(member, address, "administrator.codes_on", sealed, step)

    async def clear_codes(self, member: Administrator, address: str, password: Secret) -> None:
        """Ask for codes no more. Raises Denied for a wrong password."""
        if not await self._passwords.verify(member.password_hash, password):
            raise Denied("wrong_password", "the password is wrong", field="password")
        await self._keep_codes(member, address, "administrator.codes_off", None, None)

    async def _keep_codes(
        self, member: Administrator, address: str, action: str, sealed: bytes | None, step: int | None
    ) -> None:
        await self._ledger.commit(
            Actor(member.account_id, member.email, address),
            action,
            ("administrator", member.email),
            statements.SET_CODES(administrator_id=member.id, sealed=sealed, step=step).must("administrator"),
            changed=[("administrator", member.id)],
        )

    def _member(self, email: str) -> Administrator | None:
        return next((entry for entry in self._ledger.directory.administrators() if entry.email == email), None)

    def _refuse_locked(self, email: str, member: Administrator | None) -> None:
        until = member.locked_until or 0 if member is not None else self._strangers.get(email, (0, 0))[1]
        left_ms = until - self._ledger.clock.now_ms()
        if left_ms > 0:
            seconds = -(-left_ms // 1000)
            message = f"too many failed logins; try again in {seconds} s"
            raise Denied("locked", message, detail={"retry_after_s": seconds})

    async def _note_failure(self, email: str, member: Administrator | None, address: str) -> None:
        now = self._ledger.clock.now_ms()
        if member is None:
            failures = self._strangers.pop(email, (0, 0))[0] + 1
            self._strangers[email] = failures, now + locked_for_ms(failures)
            if len(self._strangers) > _STRANGERS:
                self._strangers.popitem(last=False)
            return
        failures = member.failed_logins + 1
        await self._ledger.commit(
            Actor(member.account_id, member.email, address),
            "administrator.log_in_failed",
            ("administrator", member.email),
            statements.NOTE_FAILED_LOGIN(administrator_id=member.id, until=now + locked_for_ms(failures)),
            changed=[("administrator", member.id)],
            detail={"failures": failures},
        )


def _context(member: Administrator) -> str:
    """What a secret of codes is sealed for."""
    return f"administrators/totp_secret/{member.id}"
