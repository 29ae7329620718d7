"""Style sheet, scripts and icon, from the package. Their addresses carry a digest, so that browsers keep them."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import PurePath

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .page import ROOT

__all__ = ["Assets", "asset"]

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def _files() -> dict[str, bytes]:
    folder = files(__package__).joinpath("static")
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if PurePath(entry.name).suffix in _TYPES}


def _content(name: str) -> bytes:
    return _files()[name]


@cache
def asset(name: str) -> str:
    """The address of a file in a page."""
    return f"{ROOT}/static/{name}?{hashlib.sha256(_content(name)).hexdigest()[:12]}"


class Assets:
    """Answers for these files and no other."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One file."""
        name = Request(scope).path_params["name"]
        if name not in _files():
            await Response(status_code=404)(scope, receive, send)
            return
        await Response(_content(name), headers=_HEADERS, media_type=_TYPES[PurePath(name).suffix])(scope, receive, send)
