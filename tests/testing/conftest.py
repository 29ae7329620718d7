"""The fixtures that users get."""

import pytest
from argon2 import PasswordHasher

from mooring.platform import passwords

pytest_plugins = ["mooring.pytest_plugin"]


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 8, 1))
