"""The `mooring` command. Each command imports what it needs when it runs, so that help stays quick."""

from .main import main

__all__ = ["main"]
