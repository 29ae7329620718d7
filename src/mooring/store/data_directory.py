"""The data directory: one process at a time, held by a lock that the system lets go when the process dies."""

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from .errors import DataDirectoryError, DirectoryInUse

__all__ = ["DataDirectory"]


class DataDirectory:
    """Made (mode 0700) when missing. `lock()` before anything is opened inside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: BinaryIO | None = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "mooring.sqlite3"

    @property
    def secret_key(self) -> Path:
        """The key file (`store.vault`)."""
        return self.path / "secret.key"

    @property
    def tls_certificate(self) -> Path:
        """The certificate that is made when none is given."""
        return self.path / "tls.crt"

    @property
    def tls_key(self) -> Path:
        """Its private key."""
        return self.path / "tls.key"

    @property
    def demo(self) -> Path:
        """`demo.json` of a demo run."""
        return self.path / "demo.json"

    def open(self) -> None:
        """Make the directory when missing and see that it can be used. Raises DataDirectoryError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.listdir(self.path)
        except OSError as error:
            raise DataDirectoryError(f"cannot use data directory {self.path}: {error.strerror}") from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise DataDirectoryError(f"cannot use data directory {self.path}: Permission denied")

    def lock(self) -> None:
        """Hold the directory until `unlock` or the end of the process. Raises DirectoryInUse, DataDirectoryError."""
        path = self.path / "mooring.lock"
        try:
            file = open(path, "a+b")  # noqa: SIM115 - held open on purpose
        except OSError as error:
            raise DataDirectoryError(f"cannot use data directory {self.path}: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read(20).decode("ascii", "replace").strip() or "unknown"
            file.close()
            raise DirectoryInUse(
                f"data directory {self.path} is in use by another Mooring (process {holder}); "
                "SQLite serves one process, use --store postgresql://… for several"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        self._lock = file

    def unlock(self) -> None:
        """Let the directory go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
