"""Programs of the system that nobody here wrote."""

import os
import shutil
import subprocess

import pytest

__all__ = ["program", "run"]

_WITHIN_S = 60


def program(name: str, package: str) -> str:
    """The path of a program; the test is skipped without it, and in CI it fails."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing; Debian package {package}")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return found


def run(*command: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run a program to its end, which must be a success."""
    ended = subprocess.run(command, input=stdin, capture_output=True, timeout=_WITHIN_S)
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    return ended
