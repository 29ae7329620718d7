"""Bindings and shares against a small model: whatever users do in whatever order, the same people have the device."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from databases import empty, open_store
from fakes import FakeClock, FakeEntropy
from home import Home, make_home
from mooring.platform import Actor, Conflict, Missing, Platform
from mooring.platform.products import ALTERNATE, MULTI, SINGLE, ProductChanges
from mooring.platform.sharing import NewShare
from mooring.store import Vault

_T = TypeVar("_T")
USERS = 3
STEP_MS = 1_000
ALWAYS = 10**15


@dataclass
class Model:
    """`own` holds users with a binding of their own, `given` receiver → (code, owner, until); `codes` are open."""

    mode: int
    now: int = 0
    own: set[int] = field(default_factory=set)
    void: set[int] = field(default_factory=set)
    given: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    codes: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    def living(self, user: int) -> bool:
        return user in self.given and self.given[user][2] > self.now

    def holders(self) -> set[int]:
        return self.own | {user for user in self.given if self.living(user)}

    def bind(self, user: int) -> bool:
        if user in self.own or (self.mode == SINGLE and self.own):
            return False
        if self.mode == ALTERNATE:
            for other in set(self.own):
                self._drop(other)
        self.given.pop(user, None)
        self.void.discard(user)
        self.own.add(user)
        return True

    def unbind(self, user: int) -> bool:
        if user in self.own:
            self._drop(user)
        elif self.living(user):
            del self.given[user]
        elif user in self.void:
            self.void.discard(user)
        else:
            return False
        return True

    def accept(self, user: int, code: str) -> bool:
        owner, accept_until, until, cover = self.codes.get(code, (-1, 0, 0, 1))
        if owner not in self.own or owner == user or user in self.own or min(accept_until, until) <= self.now:
            return False
        if self.living(user):
            before = self.given[user][2]
            if cover == 3 and until < before:
                return False
            if cover == 2:
                until = ALWAYS if ALWAYS in (before, until) else before + until - self.now
        self.void.discard(user)
        self.given[user] = code, owner, until
        del self.codes[code]
        return True

    def cancel(self, user: int, code: str) -> bool:
        if code in self.codes and self.codes[code][0] == user:
            del self.codes[code]
            return True
        for receiver, (given, owner, _) in list(self.given.items()):
            if given == code and owner == user:
                del self.given[receiver]
                return True
        return False

    def reset(self) -> None:
        self.void |= self.own | {user for user in self.given if self.living(user)}
        self.own.clear()
        self.given.clear()
        self.codes.clear()

    def _drop(self, user: int) -> None:
        self.own.discard(user)
        self.given = {receiver: entry for receiver, entry in self.given.items() if entry[1] != user}
        self.codes = {code: entry for code, entry in self.codes.items() if entry[0] != user}


class BindingMachine(RuleBasedStateMachine):
    codes = Bundle("codes")

    def __init__(self, database: Path | str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.home = self.runner.run(self._open(database))

    async def _open(self, database: Path | str) -> Home:
        store = await open_store(database)
        platform = await Platform.open(store, Vault(bytes(32)), clock=self.clock, entropy=FakeEntropy())
        made = await platform.accounts.bootstrap("admin@example.com")
        assert made is not None
        home = await make_home(platform, Actor(made.account.id, "admin", "local"))
        self.uids = [await home.user(number) for number in range(USERS)]
        return home

    def teardown(self) -> None:
        self.runner.run(self.home.platform.store.close())
        self.runner.close()

    def done(self, act: Callable[[], Awaitable[_T]]) -> tuple[bool, _T | None]:
        """Whether it was done, and what came of it."""

        async def run() -> tuple[bool, _T | None]:
            try:
                return True, await act()
            except (Conflict, Missing):
                return False, None

        return self.runner.run(run())

    @initialize(mode=st.sampled_from((MULTI, SINGLE, ALTERNATE)))
    def choose(self, mode: int) -> None:
        products, key = self.home.platform.products, self.home.product.product_key
        if mode != self.home.product.bind_mode:
            self.runner.run(products.update(self.home.actor, key, ProductChanges(bind_mode=mode)))
        self.model = Model(mode)

    @rule(user=st.integers(0, USERS - 1))
    def bind(self, user: int) -> None:
        assert self.done(lambda: self.home.bind(self.uids[user]))[0] == self.model.bind(user)

    @rule(user=st.integers(0, USERS - 1))
    def unbind(self, user: int) -> None:
        assert self.done(lambda: self.home.unbind(self.uids[user]))[0] == self.model.unbind(user)

    @rule(
        target=codes,
        user=st.integers(0, USERS - 1),
        accept_steps=st.integers(1, 4),
        use_steps=st.none() | st.integers(1, 6),
        cover=st.sampled_from((1, 2, 3)),
    )
    def share(self, user: int, accept_steps: int, use_steps: int | None, cover: int) -> Any:
        now = self.clock.now_ms()
        new = NewShare(
            *self.home.keys,
            accept_until=now + accept_steps * STEP_MS,
            use_until=None if use_steps is None else now + use_steps * STEP_MS,
            cover=cover,
        )
        sharing = self.home.platform.sharing
        done, made = self.done(lambda: sharing.share(self.home.actor, self.uids[user], new))
        assert done == (user in self.model.own)
        if made is None:
            return multiple()
        until = ALWAYS if use_steps is None else self.model.now + use_steps
        self.model.codes[made.code] = user, self.model.now + accept_steps, until, cover
        return made.code

    @rule(user=st.integers(0, USERS - 1), code=codes)
    def accept(self, user: int, code: str) -> None:
        done, _ = self.done(lambda: self.home.platform.sharing.accept(self.home.actor, self.uids[user], code))
        assert done == self.model.accept(user, code)

    @precondition(lambda self: self.model.own)
    @rule(data=st.data(), use_steps=st.none() | st.integers(1, 6), cover=st.sampled_from((1, 2, 3)))
    def give(self, data: st.DataObject, use_steps: int | None, cover: int) -> None:
        """A share that is accepted at once, most often by somebody who has one already."""
        owner = data.draw(st.sampled_from(sorted(self.model.own)))
        guests = sorted(user for user in self.model.given if self.model.living(user))
        receiver = data.draw(st.sampled_from(guests or range(USERS)))
        self.accept(receiver, self.share(owner, 1, use_steps, cover))

    @precondition(lambda self: self.model.own)
    @rule(data=st.data(), steps=st.tuples(st.integers(2, 6), st.integers(2, 6)), cover=st.sampled_from((1, 2, 3)))
    def give_twice(self, data: st.DataObject, steps: tuple[int, int], cover: int) -> None:
        """A share on top of another one."""
        owner = data.draw(st.sampled_from(sorted(self.model.own)))
        receiver = data.draw(st.sampled_from(range(USERS)))
        self.accept(receiver, self.share(owner, 1, steps[0], 1))
        self.accept(receiver, self.share(owner, 1, steps[1], cover))

    @rule(user=st.integers(0, USERS - 1), code=codes)
    def cancel(self, user: int, code: str) -> None:
        done, _ = self.done(lambda: self.home.platform.sharing.cancel(self.home.actor, self.uids[user], code))
        assert done == self.model.cancel(user, code)

    @rule()
    def reset(self) -> None:
        self.runner.run(self._end_shares())
        assert self.done(lambda: self.home.platform.devices.reset(self.home.actor, *self.home.keys))[0]
        self.model.reset()

    @rule(steps=st.integers(1, 3))
    def wait(self, steps: int) -> None:
        self.clock.advance(steps * STEP_MS)
        self.model.now += steps

    @rule()
    def end_shares(self) -> None:
        self.runner.run(self._end_shares())

    async def _end_shares(self) -> None:
        await self.home.platform.bindings.expire_due()
        self.model.given = {user: entry for user, entry in self.model.given.items() if self.model.living(user)}

    @invariant()
    def the_same_people_have_the_device(self) -> None:
        held = self.runner.run(self.home.bindings())
        valid = {binding.uid: binding for binding in held if binding.status == 1}
        assert set(valid) == {self.uids[user] for user in self.model.holders()}
        for user in self.model.holders():
            binding = valid[self.uids[user]]
            assert binding.is_own == (user in self.model.own)
            if not binding.is_own:
                until = self.model.given[user][2]
                ahead = None if until == ALWAYS else (until - self.model.now) * STEP_MS
                assert binding.expires_at == (None if ahead is None else self.clock.now_ms() + ahead)


def test_bindings_do_as_the_model_does(database: Path | str, tmp_path: Path) -> None:
    copies = iter(range(10_000))

    def machine() -> RuleBasedStateMachine:
        if isinstance(database, Path):
            return BindingMachine(Path(shutil.copy(database, tmp_path / f"{next(copies)}.sqlite3")))
        asyncio.run(empty(database))
        return BindingMachine(database)

    examples = 30 if isinstance(database, Path) else 8
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]  # anything that makes one
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate],  # to shrink a failure takes minutes; the seed repeats it
        ),
    )
