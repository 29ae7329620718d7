"""The fixtures that users get."""

import pytest
from argon2 import PasswordHasher

from mooring.platform import passwords
from mooring.pytest_plugin import cloud, device, product, saas_app

__all__ = ["cheap_passwords", "cloud", "device", "product", "saas_app"]


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PasswordHasher", lambda **_: PasswordHasher(1, 8, 1))
