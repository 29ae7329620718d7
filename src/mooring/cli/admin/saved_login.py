"""The login that `mooring admin login` keeps: `$XDG_CONFIG_HOME/mooring/login.json`, readable by its owner only."""

import os
from pathlib import Path

import msgspec

from mooring.cli.failure import Failure
from mooring.cli.files import write_atomically

__all__ = ["SavedLogin", "forget_login", "load_login", "login_path", "save_login"]


class SavedLogin(msgspec.Struct, frozen=True):
    """A token for the server at `url`; `expires_at` is epoch ms or None."""

    url: str
    email: str
    token: str
    expires_at: int | None

    def __repr__(self) -> str:
        return f"SavedLogin(url={self.url!r}, email={self.email!r})"


def login_path() -> Path:
    """Where the login is kept."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if os.path.isabs(given) else Path.home() / ".config"
    return base / "mooring" / "login.json"


def load_login() -> SavedLogin | None:
    """The saved login, None when there is none. Raises Failure when the file is not one."""
    path = login_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=SavedLogin)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Failure(f"{path} is not a saved login; run: mooring admin logout") from None


def save_login(login: SavedLogin) -> None:
    """Keep a login. Raises Failure."""
    path = login_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"cannot make {path.parent}: {error.strerror}") from None
    write_atomically(path, msgspec.json.format(msgspec.json.encode(login), indent=2) + b"\n", mode=0o600)


def forget_login() -> None:
    """Remove the saved login, when there is one. Raises Failure."""
    path = login_path()
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(f"cannot remove {path}: {error.strerror}") from None
