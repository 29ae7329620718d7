"""Accounts, administrators, their passwords and their management tokens (domain-rules.md section 1)."""

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from mooring.store import UniqueViolation, Vault, Write, WriteRefused
from mooring.store import accounts as statements

from .addresses import parse_addresses
from .entities import Account, Administrator, ManageToken
from .errors import Conflict, Denied, Invalid, Missing
from .fields import check_key, check_range, check_text
from .ledger import Actor, Ledger
from .logins import Logins
from .passwords import Passwords
from .roles import Role
from .secret import Secret
from .sources import BASE62, Entropy, random_text

__all__ = ["Accounts", "Bootstrap", "Identity", "NewToken"]

_EMAIL = r"[^@\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}@[^@\s\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,189}"
_TOKEN_PREFIX = "mrg_"
_TOKEN_CHARACTERS = 43
_PASSWORD_CHARACTERS = 20
_SESSION_MS = 12 * 3_600_000
_MAX_TOKEN_DAYS = 3_650
_DAY_MS = 86_400_000


class Bootstrap(msgspec.Struct, frozen=True):
    """What the first start made: printed once, kept nowhere in clear."""

    account: Account
    email: str
    password: Secret


class NewToken(msgspec.Struct, frozen=True):
    """A token just made; `text` is shown this once."""

    token: ManageToken
    text: Secret


class Identity(msgspec.Struct, frozen=True):
    """Who a bearer token speaks for."""

    token: ManageToken
    administrator: Administrator
    account: Account


class Accounts:
    """The people side of the platform."""

    def __init__(self, ledger: Ledger, vault: Vault, entropy: Entropy, passwords: Passwords) -> None:
        self._ledger = ledger
        self._directory = ledger.directory
        self._entropy = entropy
        self._passwords = passwords
        self.logins = Logins(ledger, vault, entropy, passwords)

    async def bootstrap(self, email: str, password: Secret | None = None) -> Bootstrap | None:
        """One enterprise account and one administrator on an empty database; None when there is an account already.

        Without `password` a one-time password is made, which its owner must change at the first login.
        """
        if any(True for _ in self._directory.accounts()):
            return None
        check_key("email", email, _EMAIL, "an e-mail address")
        clear = password or self._one_time_password()
        now, account_id = self._ledger.clock.now_ms(), self._ledger.ids.next()
        administrator = await self._administrator_row(account_id, email, clear, Role.OWNER, one_time=password is None)
        row = statements.AccountRow(
            id=account_id,
            name="Mooring",
            kind="ent",
            address_list_enabled=False,
            allowed_addresses="[]",
            created_at=now,
            updated_at=None,
        )
        try:
            await self._ledger.commit(
                Actor(account_id, "mooring", "local"),
                "account.create",
                ("account", row.name),
                statements.ADD_ACCOUNT.of(row),
                statements.ADD_ADMINISTRATOR.of(administrator),
                changed=[("account", account_id), ("administrator", administrator.id)],
                detail={"administrator": email},
            )
        except UniqueViolation:  # another process started first
            await self._directory.catch_up()
            return None
        account = self._directory.account(account_id)
        if account is None:
            raise Conflict("account_lost", "the account was removed while it was made")
        return Bootstrap(account, email, clear)

    # Administrators

    def administrators(self, account_id: int) -> list[Administrator]:
        """Administrators of an account, oldest first."""
        return [found for found in self._directory.administrators() if found.account_id == account_id]

    def administrator(self, account_id: int, administrator_id: int) -> Administrator:
        """A member of an account. Raises Missing."""
        found = self._directory.administrator(administrator_id)
        if found is None or found.account_id != account_id:
            raise Missing("no_such_administrator", f"there is no administrator {administrator_id}")
        return found

    async def add_administrator(
        self, actor: Actor, email: str, role: Role = Role.OWNER
    ) -> tuple[Administrator, Secret]:
        """A new member with a one-time password. Raises Invalid, Conflict."""
        check_key("email", email, _EMAIL, "an e-mail address")
        password = self._one_time_password()
        row = await self._administrator_row(actor.account_id, email, password, role, one_time=True)
        try:
            await self._ledger.commit(
                actor,
                "administrator.create",
                ("administrator", email),
                statements.ADD_ADMINISTRATOR.of(row),
                changed=[("administrator", row.id)],
            )
        except UniqueViolation:
            raise Conflict("email_taken", f"there is an administrator {email} already", field="email") from None
        return self.administrator(actor.account_id, row.id), password

    async def delete_administrator(self, actor: Actor, administrator_id: int) -> None:
        """Remove a member and every token of theirs. Raises Missing, Conflict for the last owner."""
        member = self.administrator(actor.account_id, administrator_id)
        write = statements.DELETE_ADMINISTRATOR(administrator_id=administrator_id)
        await self._change_member(actor, member, "administrator.delete", write)

    async def set_role(self, actor: Actor, administrator_id: int, role: Role) -> Administrator:
        """Give a member another role, at once for what they have open, too. Raises Missing, Conflict for the last
        owner."""
        member = self.administrator(actor.account_id, administrator_id)
        if member.role is role:
            return member
        now = self._ledger.later_than(member.updated_at)
        write = statements.SET_ROLE(administrator_id=administrator_id, new_role=role.value, now=now)
        await self._change_member(actor, member, "administrator.set_role", write, detail={"role": role.value})
        return self.administrator(actor.account_id, administrator_id)

    async def set_enabled(self, actor: Actor, administrator_id: int, *, enabled: bool) -> Administrator:
        """Let a member in, or keep them out: every token of theirs ends.

        Raises Missing, Conflict for the last owner who is enabled.
        """
        member = self.administrator(actor.account_id, administrator_id)
        if member.enabled is enabled:
            return member
        now = self._ledger.later_than(member.updated_at)
        if enabled:
            write = statements.ENABLE_ADMINISTRATOR(administrator_id=administrator_id, now=now)
            await self._change_member(actor, member, "administrator.enable", write)
        else:
            write = statements.DISABLE_ADMINISTRATOR(administrator_id=administrator_id, now=now)
            tokens = statements.DELETE_TOKENS_OF(administrator_id=administrator_id)
            await self._change_member(actor, member, "administrator.disable", write, tokens)
        return self.administrator(actor.account_id, administrator_id)

    async def unlock(self, actor: Actor, administrator_id: int) -> Administrator:
        """Forget a member's failed logins, so that they may try again at once. Raises Missing."""
        member = self.administrator(actor.account_id, administrator_id)
        if not member.failed_logins:
            return member
        await self._ledger.commit(
            actor,
            "administrator.unlock",
            ("administrator", member.email),
            statements.FORGET_FAILED_LOGINS(administrator_id=administrator_id).must("administrator"),
            changed=[("administrator", administrator_id)],
        )
        return self.administrator(actor.account_id, administrator_id)

    async def _change_member(
        self,
        actor: Actor,
        member: Administrator,
        action: str,
        write: Write,
        *others: Write,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """What must leave an owner."""
        try:
            await self._ledger.commit(
                actor,
                action,
                ("administrator", member.email),
                statements.LOCK_ACCOUNT(account_id=actor.account_id),
                write.must("administrator"),
                *others,
                changed=[("administrator", member.id)],
                detail=detail,
            )
        except WriteRefused:
            await self._directory.catch_up()
            self.administrator(actor.account_id, member.id)
            raise Conflict("last_owner", "the last owner of an account stays") from None

    async def reset_password(self, actor: Actor, administrator_id: int) -> Secret:
        """A new one-time password; every token of the administrator ends. Raises Missing."""
        administrator = self.administrator(actor.account_id, administrator_id)
        password = self._one_time_password()
        await self._set_password(actor, administrator, password, one_time=True)
        return password

    async def change_password(self, administrator: Administrator, address: str, old: Secret, new: Secret) -> None:
        """The administrator's own change; every token of theirs ends. Raises Denied, Invalid."""
        if not await self._passwords.verify(administrator.password_hash, old):
            raise _wrong_password()
        if old == new:
            raise Invalid("password_same", "the new password equals the old one", field="new_password")
        actor = Actor(administrator.account_id, administrator.email, address)
        try:
            await self._set_password(actor, administrator, new, one_time=False)
        except WriteRefused:  # it was reset while the old one was verified
            raise _wrong_password() from None

    # Tokens

    async def log_in(self, email: str, password: Secret, address: str, code: str | None = None) -> NewToken:
        """A token of 12 hours for e-mail, password and, where it is asked for, the code of an authenticator app.

        Raises Denied: `wrong_credentials`, which does not say what was wrong, `member_disabled`, `code_required`,
        `wrong_code`, `locked`.
        """
        found, note = await self.logins.check(email, password, address, code)
        actor = Actor(found.account_id, email, address)
        expires_at = self._ledger.clock.now_ms() + _SESSION_MS
        return await self._make_token(actor, found, "login", expires_at, "administrator.log_in", note)

    async def make_token(
        self, administrator: Administrator, address: str, name: str, days: int | None = None
    ) -> NewToken:
        """A named token of an administrator, for `days` days or without end. Raises Invalid."""
        name = check_text("name", name, low=1, high=50)
        expires_at = None
        if days is not None:
            check_range("days", days, 1, _MAX_TOKEN_DAYS)
            expires_at = self._ledger.clock.now_ms() + days * _DAY_MS
        actor = Actor(administrator.account_id, administrator.email, address)
        return await self._make_token(actor, administrator, name, expires_at, "token.create")

    def tokens(self, account_id: int) -> list[tuple[ManageToken, Administrator]]:
        """Living tokens of the account's administrators, oldest first."""
        now = self._ledger.clock.now_ms()
        pairs = ((token, self._directory.administrator(token.administrator_id)) for token in self._directory.tokens())
        return [
            (token, administrator)
            for token, administrator in pairs
            if administrator is not None and administrator.account_id == account_id and _alive(token, now)
        ]

    async def revoke_token(self, actor: Actor, token_id: int, by: Administrator | None = None) -> None:
        """End a token at once; a member ends their own, or as an owner anybody's. Raises Missing, Denied."""
        for token, administrator in self.tokens(actor.account_id):
            if token.id == token_id:
                if by is not None and administrator.id != by.id and not by.role.covers(Role.OWNER):
                    raise Denied("role_not_enough", "only an owner ends tokens of others")
                await self._ledger.commit(
                    actor,
                    "token.revoke",
                    ("token", token.name),
                    statements.DELETE_TOKEN(token_id=token_id),
                    changed=[("administrator", administrator.id)],
                )
                return
        raise Missing("no_such_token", f"there is no token {token_id}")

    def identify(self, text: str) -> Identity | None:
        """Who a bearer token speaks for; None when it is unknown, ended or expired."""
        digest = _digest(text)
        token = self._directory.token(digest)
        if token is None or not hmac.compare_digest(token.digest, digest):
            return None
        administrator = self._directory.administrator(token.administrator_id)
        account = self._directory.account(administrator.account_id) if administrator is not None else None
        if administrator is None or account is None or not _alive(token, self._ledger.clock.now_ms()):
            return None
        return Identity(token, administrator, account)

    async def forget_expired_tokens(self) -> None:
        """Drop tokens whose time is over."""
        now = self._ledger.clock.now_ms()
        if any(not _alive(token, now) for token in self._directory.tokens()):
            await self._ledger.store.write(statements.DELETE_EXPIRED_TOKENS(now=now))

    # The account itself

    async def rename(self, actor: Actor, name: str) -> Account:
        """Change the account's name. Raises Invalid."""
        name = check_text("name", name, low=1, high=50)
        await self._ledger.commit(
            actor,
            "account.rename",
            ("account", name),
            statements.SET_NAME(account_id=actor.account_id, new_name=name, now=self._ledger.clock.now_ms()),
            changed=[("account", actor.account_id)],
        )
        return self._account(actor.account_id)

    async def set_addresses(self, actor: Actor, *, enabled: bool, addresses: list[str]) -> Account:
        """The account's IP white list; when enabled, OpenAPI keys work only from these addresses. Raises Invalid."""
        entries = parse_addresses(addresses)
        if enabled and not entries:
            raise Invalid("address_list_empty", "an enabled IP white list needs at least one address")
        await self._ledger.commit(
            actor,
            "account.set_addresses",
            ("account", self._account(actor.account_id).name),
            statements.SET_ADDRESSES(
                account_id=actor.account_id,
                enabled=enabled,
                addresses=msgspec.json.encode(entries).decode(),
                now=self._ledger.clock.now_ms(),
            ),
            changed=[("account", actor.account_id)],
            detail={"enabled": enabled, "addresses": entries},
        )
        return self._account(actor.account_id)

    def _account(self, account_id: int) -> Account:
        account = self._directory.account(account_id)
        if account is None:
            raise Missing("no_such_account", f"there is no account {account_id}")
        return account

    def _one_time_password(self) -> Secret:
        return Secret(random_text(self._entropy, BASE62, _PASSWORD_CHARACTERS))

    async def _administrator_row(
        self, account_id: int, email: str, password: Secret, role: Role, *, one_time: bool
    ) -> statements.AdministratorRow:
        return statements.AdministratorRow(
            id=self._ledger.ids.next(),
            account_id=account_id,
            email=email,
            password_hash=await self._passwords.hash(password),
            password_one_time=one_time,
            role=role.value,
            failed_logins=0,
            locked_until=None,
            totp_secret=None,
            totp_step=None,
            enabled=True,
            last_login_at=None,
            created_at=self._ledger.clock.now_ms(),
            updated_at=None,
        )

    async def _set_password(
        self, actor: Actor, administrator: Administrator, password: Secret, *, one_time: bool
    ) -> None:
        await self._ledger.commit(
            actor,
            "administrator.reset_password" if one_time else "administrator.change_password",
            ("administrator", administrator.email),
            statements.SET_PASSWORD(
                administrator_id=administrator.id,
                seen_hash=administrator.password_hash.reveal(),
                new_hash=await self._passwords.hash(password),
                one_time=one_time,
                now=self._ledger.clock.now_ms(),
            ).must(f"administrator {administrator.email}"),
            statements.DELETE_TOKENS_OF(administrator_id=administrator.id),
            changed=[("administrator", administrator.id)],
        )

    async def _make_token(
        self,
        actor: Actor,
        administrator: Administrator,
        name: str,
        expires_at: int | None,
        action: str,
        note: Write | None = None,
    ) -> NewToken:
        text = _TOKEN_PREFIX + random_text(self._entropy, BASE62, _TOKEN_CHARACTERS)
        row = statements.TokenRow(
            id=self._ledger.ids.next(),
            administrator_id=administrator.id,
            name=name,
            token_hash=_digest(text),
            created_at=self._ledger.clock.now_ms(),
            expires_at=expires_at,
        )
        write = statements.ADD_TOKEN.of(row, seen_hash=administrator.password_hash.reveal()).must("administrator")
        try:
            await self._ledger.commit(
                actor,
                action,
                ("token", name),
                *([] if note is None else [note]),  # first: its lock of the member is the stronger one
                write,
                changed=[("administrator", administrator.id)],
            )
        except WriteRefused:
            raise Denied("wrong_credentials", "the password was changed meanwhile; log in again") from None
        token = ManageToken(row.id, row.administrator_id, name, row.token_hash, row.created_at, expires_at)
        return NewToken(token, Secret(text))


def _wrong_password() -> Denied:
    return Denied("wrong_password", "the present password is wrong", field="old_password")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _alive(token: ManageToken, now_ms: int) -> bool:
    return token.expires_at is None or now_ms < token.expires_at
