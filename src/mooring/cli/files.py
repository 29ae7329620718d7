"""Files that appear whole or not at all."""

import os
from pathlib import Path

from .failure import Failure

__all__ = ["write_atomically"]


def write_atomically(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that readers see the old or the new one. `mode` is what a new file gets. Raises Failure."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise Failure(f"cannot write {path}: not a regular file")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None
