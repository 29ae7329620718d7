"""End users: registering, finding, changing, disabling, deleting, tokens (domain-rules.md section 12).

Rows are read from the database, not from the directory: there may be millions.
"""

from collections.abc import Sequence

import msgspec

from mooring.store import UniqueViolation, Write, WriteRefused
from mooring.store import bindings as binding_statements
from mooring.store import devices as device_statements
from mooring.store import end_user_apps as app_statements
from mooring.store import end_users as statements

from . import loading
from .binding_book import CHANGED, BindingBook
from .binding_rules import leave
from .device_input import skip_of
from .end_user_apps import EndUserApps
from .end_user_entities import EndUser, EndUserApp, binding, end_user
from .end_user_input import EndUserChanges, NewEndUser, changed, checked
from .end_user_news import EndUserNews, News, UserNews
from .errors import Conflict, Missing
from .fields import like_pattern
from .ledger import Actor, Ledger
from .numbers import Numbers
from .user_tokens import IssuedUserToken, UserTokens

__all__ = ["EndUserChanges", "EndUsers", "NewEndUser"]

_FIRST = 100_001  # number of a uid
_ATTEMPTS = 5
_ALL = 100_000


class EndUsers:
    """What administrators and SaaS applications do with end users."""

    def __init__(
        self, ledger: Ledger, apps: EndUserApps, book: BindingBook, tokens: UserTokens, news: EndUserNews
    ) -> None:
        self._ledger = ledger
        self._store = ledger.store
        self._apps = apps
        self._book = book
        self._tokens = tokens
        self._news = news
        self._numbers = Numbers(ledger.store, "end_user", first=_FIRST)

    # Finding

    async def find(self, uid: str) -> EndUser | None:
        """A user by uid, of any account. Raises StoreUnavailable."""
        found = await self._store.read(statements.BY_UID, of_uid=uid)
        return end_user(found[0]) if found else None

    async def by_id(self, user_id: int) -> EndUser | None:
        """A user by id."""
        found = await self._store.read(statements.BY_ID, user_id=user_id)
        return end_user(found[0]) if found else None

    async def one(self, account_id: int, uid: str) -> tuple[EndUser, EndUserApp]:
        """A user of the account and the App of the user. Raises Missing."""
        user = await self.find(uid)
        app = self._ledger.directory.end_user_app(user.end_user_app_id) if user is not None else None
        if user is None or app is None or app.account_id != account_id:
            raise Missing("no_such_end_user", f"there is no user {uid!r}", wire=5033)
        return user, app

    async def some(
        self, app: EndUserApp, text: str = "", *, skip: int = 0, rows: int = 100
    ) -> tuple[list[EndUser], int]:
        """At most `rows` users of an App after the first `skip`, newest first, and how many there are; `text` is part
        of uid, nickname, phone or e-mail."""
        chosen = {"of_app": app.id, "like_text": like_pattern(text)}
        [total] = await self._store.scan(statements.COUNT, **chosen)
        found = await self._store.scan(statements.PAGE, **chosen, rows=rows, skip=skip) if total.rows > skip else []
        return [end_user(row) for row in found], total.rows

    async def page(self, app: EndUserApp, number: int, size: int) -> tuple[list[EndUser], int]:
        """Page `number` of the users of an App. Raises Invalid."""
        return await self.some(app, skip=skip_of(number, size), rows=size)

    # Changing

    async def create(self, actor: Actor, end_user_app_id: int, new: NewEndUser) -> EndUser:
        """Register a user. Raises Missing, Invalid, Conflict (5002 for the phone, 5039 for the e-mail)."""
        app = self._apps.one(actor.account_id, end_user_app_id)
        profile, number = checked(new)
        user = EndUser(
            id=self._ledger.ids.next(),
            uid="",
            end_user_app_id=app.id,
            enabled=True,
            token_generation=0,
            registered_at=self._ledger.clock.now_ms(),
            last_login_at=None,
            updated_at=None,
            **profile,  # type: ignore[arg-type]  # checked
        )

        async def add(taken: int, taking: Write) -> None:
            await self._add(actor, app, msgspec.structs.replace(user, uid=f"C{taken}"), taking)

        taken = await self._numbers.take(number, add)
        return msgspec.structs.replace(user, uid=f"C{taken}")

    async def _add(self, actor: Actor, app: EndUserApp, user: EndUser, taking: Write) -> None:
        members = msgspec.structs.asdict(user)
        try:
            await self._commit(
                actor,
                "end_user.create",
                user,
                app_statements.LOCK(end_user_app=app.id).must(f"App {app.name}"),
                taking,
                statements.ADD(**{**members, "third_party": _encoded(members)}),
                detail={"user_domain": app.user_domain},
                news=[UserNews(app, user, "add", user.registered_at)],
            )
        except UniqueViolation as error:
            raise _taken(error) from None

    async def update(self, actor: Actor, uid: str, changes: EndUserChanges) -> EndUser:
        """Change the profile. Raises Missing, Invalid, Conflict (5062 when nothing differs)."""
        user, app = await self.one(actor.account_id, uid)
        after = changed(user, changes)
        differs = [name for name, value in after.items() if value != getattr(user, name)]
        later = msgspec.structs.replace(user, **after)
        write = statements.UPDATE(
            user_id=user.id,
            seen_updated_at=user.updated_at,
            now=self._ledger.later_than(user.updated_at),
            **{f"new_{name}": value for name, value in {**after, "third_party": _encoded(after)}.items()},
        ).must(f"user {uid}")
        news = [UserNews(app, later, "update", self._ledger.clock.now_ms())]
        try:
            # What people wrote about themselves stays out of the audit log.
            await self._commit(actor, "end_user.update", user, write, detail={"members": differs}, news=news)
        except UniqueViolation as error:
            raise _taken(error) from None
        return (await self.one(actor.account_id, uid))[0]

    async def set_enabled(self, actor: Actor, uid: str, *, enabled: bool) -> EndUser:
        """Let a user in again, or keep the user out: every token and every session ends at once. Nothing happens when
        it is so already. Raises Missing."""
        user, _ = await self.one(actor.account_id, uid)
        if user.enabled == enabled:
            return user
        write = statements.SET_ENABLED(
            user_id=user.id,
            new_enabled=enabled,
            generations=0 if enabled else 1,
            now=self._ledger.later_than(user.updated_at),
        ).must(f"user {uid}")
        await self._commit(actor, "end_user.enable" if enabled else "end_user.disable", user, write)
        return (await self.one(actor.account_id, uid))[0]

    async def delete(self, actor: Actor, uid: str) -> None:
        """Delete a user with every binding and share; tokens and sessions end at once. Raises Missing, Conflict."""
        for _ in range(_ATTEMPTS):
            user, app = await self.one(actor.account_id, uid)
            writes, news, bound = await self._departure(user)
            news.append(UserNews(app, user, "delete", self._ledger.clock.now_ms()))
            try:
                await self._ledger.commit(
                    actor,
                    "end_user.delete",
                    ("end_user", uid),
                    *writes,
                    statements.LOCK(user_id=user.id).must(f"user {uid}"),
                    # Nothing may be left that the news above do not name.
                    binding_statements.DELETE_OF_USER(user_id=user.id).must(CHANGED, rows=0),
                    statements.DELETE(user_id=user.id).must(f"user {uid}"),
                    changed=[("end_user", user.id), *(("bindings", device_id) for device_id in bound)],
                    detail={"id": user.id, "user_domain": app.user_domain},
                    messages=self._news.messages(news),
                )
            except WriteRefused as error:
                if error.guard != CHANGED:
                    raise
                continue
            return
        raise Conflict("busy", f"the bindings of user {uid} change all the time; try again")

    async def _departure(self, user: EndUser) -> tuple[list[Write], list[News], list[int]]:
        """Writes that end what a user has and shares, the news of it, and the devices concerned."""
        now = self._ledger.clock.now_ms()
        mine = await self._store.scan(binding_statements.OF_USER, user_id=user.id, now=_EVER, rows=_ALL, skip=0)
        given = await self._store.scan(binding_statements.GIVEN_BY, user_id=user.id)
        concerned = sorted({binding(row).device_id for row in [*mine, *given]})
        writes: list[Write] = []
        news: list[News] = []
        for device_id in concerned:
            held = await self._book.held(device_id)
            found = await self._store.read(device_statements.BY_ID, device_id=device_id)
            if not found:
                continue  # deleted meanwhile, with its bindings
            more, told = self._book.writes(loading.device(found[0]), held, leave(held.bindings, user.id, now))
            writes += more
            news += told
        return writes, news, concerned

    # Tokens

    async def issue_token(self, actor: Actor, uid: str) -> IssuedUserToken:
        """An access token of a user; the user counts as logged in. Raises Missing, and Conflict (5486) while the user
        or the App is disabled."""
        user, app = await self.one(actor.account_id, uid)
        if not (user.enabled and app.enabled):
            what = f"user {uid}" if app.enabled else f"App {app.name}"
            raise Conflict("end_user_disabled", f"{what} is disabled", wire=5486)
        login = statements.SET_LOGIN(
            user_id=user.id, seen_generation=user.token_generation, now=self._ledger.clock.now_ms()
        )
        await self._ledger.commit(
            actor, "end_user.issue_token", ("end_user", uid), login.must(f"user {uid}"), detail={"id": user.id}
        )
        return self._tokens.issue(user)

    async def admitted(self, uid: str, token: str) -> EndUser | None:
        """The user of this uid when the token is the user's and alive, and user and App are enabled. Raises
        StoreUnavailable."""
        claims = self._tokens.read(token)
        if claims is None or claims.sub != uid:
            return None
        return await self.still_admitted(claims.user_id, claims.generation)

    async def still_admitted(self, user_id: int, generation: int) -> EndUser | None:
        """The user while tokens of this generation are alive, and user and App are enabled."""
        user = await self.by_id(user_id)
        app = self._ledger.directory.end_user_app(user.end_user_app_id) if user is not None else None
        if user is None or app is None or not (user.enabled and app.enabled) or user.token_generation != generation:
            return None
        return user

    async def _commit(
        self,
        actor: Actor,
        action: str,
        user: EndUser,
        *writes: Write,
        detail: dict[str, object] | None = None,
        news: Sequence[News] = (),
    ) -> None:
        await self._ledger.commit(
            actor,
            action,
            ("end_user", user.uid),
            *writes,
            changed=[("end_user", user.id)],
            detail={"id": user.id, **(detail or {})},
            messages=self._news.messages(news),
        )


_EVER = 0  # a time at which no share has run out yet


def _encoded(profile: dict[str, object]) -> str:
    return msgspec.json.encode(profile["third_party"]).decode()


def _taken(error: UniqueViolation) -> Conflict:
    for field, wire in (("phone", 5002), ("email", 5039)):
        if field in error.columns:
            return Conflict(f"{field}_taken", f"a user of the App has this {field} already", field=field, wire=wire)
    return Conflict("uid_taken", "there is a user of this uid already", field="uid")
