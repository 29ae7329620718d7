"""Files that appear whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .failure import Failure

__all__ = ["write_atomically", "writing"]


def write_atomically(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that readers see the old or the new one. `mode` is what a new file gets. Raises Failure."""
    with writing(path, mode=mode) as file:
        file.write(content)


@contextlib.contextmanager
def writing(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to be written piece by piece, which takes its place when the block ends well. Raises Failure."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise Failure(f"cannot write {path}: not a regular file")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from None
