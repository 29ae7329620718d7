"""Hashing of passwords, at the cost it has in earnest."""

import asyncio

import pytest

from mooring.platform import Secret
from mooring.platform.passwords import Passwords

PASSWORD = Secret("correct horse battery")


@pytest.fixture(autouse=True)
def cheap_passwords() -> None:
    """Not here."""


async def test_a_password_is_kept_as_argon2id_with_the_recommended_cost() -> None:
    assert (await Passwords().hash(PASSWORD)).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_equal_passwords_have_different_hashes() -> None:
    passwords = Passwords()
    assert await passwords.hash(PASSWORD) != await passwords.hash(PASSWORD)


@pytest.mark.parametrize("other", ["", "correct horse batter", "correct horse battery ", "Correct horse battery"])
async def test_only_the_same_password_fits(other: str) -> None:
    passwords = Passwords()
    kept = Secret(await passwords.hash(PASSWORD))
    assert await passwords.verify(kept, PASSWORD)
    assert not await passwords.verify(kept, Secret(other))


@pytest.mark.parametrize("kept", [None, Secret(""), Secret("$argon2id$"), Secret("correct horse battery")])
async def test_nobody_and_nonsense_are_verified_as_wrong(kept: Secret | None) -> None:
    assert not await Passwords().verify(kept, PASSWORD)


async def test_a_password_longer_than_any_allowed_one_does_not_fit_its_beginning() -> None:
    passwords = Passwords()
    kept = Secret(await passwords.hash(Secret("x" * 256)))
    assert not await passwords.verify(kept, Secret("x" * 257))
    assert not await passwords.verify(kept, Secret("x" * 1_000_000))


async def test_few_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    running, most = 0, 0
    to_thread = asyncio.to_thread

    async def counted(function: object, *arguments: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await to_thread(function, *arguments)  # type: ignore[arg-type]
        finally:
            running -= 1

    monkeypatch.setattr(asyncio, "to_thread", counted)
    await asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(6)))
    assert most == 2
