"""The web console: pages written by the server, one style sheet, one small script, nothing from any other host.

A page, an action, a stream or a download is a value (`page`), as an endpoint of the management API is. Pages are made
of `parts` over `html`, which escapes every text. Nothing here decides: roles and rules are the platform's.
"""

from .app import create_console

__all__ = ["create_console"]
