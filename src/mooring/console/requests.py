"""What the console reads from a request: cookies, language, the form, and whether it comes from its own pages."""

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from .page import Form
from .refusals import Refusal
from .texts import LANGUAGES

__all__ = ["COOKIES", "SESSION", "check_origin", "csrf_of", "language_of", "read_form", "theme_of"]

SESSION = "mooring-session"
COOKIES = {"language": "mooring-language", "theme": "mooring-theme"}
"""What a person prefers; no secret."""

_BODY_LIMIT = 4 * 1024 * 1024
_FIELD_LIMIT = 20_000
_THEMES = ("auto", "light", "dark")


def csrf_of(session: str) -> str:
    """What forms of a session carry. Other sites cannot read it, and the session cannot be found from it."""
    return hmac.new(session.encode(), b"mooring console form", hashlib.sha256).hexdigest() if session else ""


def language_of(request: Request) -> str:
    """The language chosen, else that of the browser."""
    chosen = request.cookies.get(COOKIES["language"], "")
    if chosen in LANGUAGES:
        return chosen
    return "CN" if request.headers.get("accept-language", "").lower().startswith("zh") else "EN"


def theme_of(request: Request) -> str:
    """auto, light or dark."""
    chosen = request.cookies.get(COOKIES["theme"], "")
    return chosen if chosen in _THEMES else "auto"


def check_origin(request: Request) -> None:
    """See that a request that changes something comes from a page of this server. Raises Refusal.

    Browsers say so in Sec-Fetch-Site where the connection is trustworthy, else in Origin.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign:
        raise Refusal(403, "the request comes from a page of another site")


async def read_form(request: Request, csrf: str) -> Form:
    """The fields of a form; those of a session must carry its mark. Raises Refusal."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refusal(415, "a form is expected")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise Refusal(413, f"the form is longer than {_BODY_LIMIT} bytes, the limit")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELD_LIMIT)
    except (UnicodeDecodeError, ValueError):
        raise Refusal(400, "the form cannot be read") from None
    [sent] = fields.pop("csrf", [""])[:1]
    if csrf and not hmac.compare_digest(sent.encode(), csrf.encode()):
        raise Refusal(403, "the page is too old, or the form is not from this console; reload it")
    return Form(fields)
