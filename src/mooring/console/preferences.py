"""What a person prefers: language and theme, kept in cookies of their browser."""

from mooring.platform import Invalid

from .frame import THEMES
from .page import Action, AnyRoute, Done, Form, View
from .requests import COOKIES
from .texts import LANGUAGES

__all__ = ["ROUTES"]


async def _prefer(view: View, form: Form) -> Done:
    chosen = {}
    for name, allowed in (("language", LANGUAGES), ("theme", THEMES)):
        value = form.text(name)
        if value not in allowed:
            raise Invalid("choice", f"{name} must be one of {', '.join(allowed)}", field=name)
        chosen[COOKIES[name]] = value
    return Done(cookies=chosen)


ROUTES: tuple[AnyRoute, ...] = (Action("/preferences", _prefer, role=None),)
