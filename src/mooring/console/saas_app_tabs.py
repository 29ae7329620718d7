"""The tabs of one SaaS application."""

from .html import Html
from .page import View
from .parts import tabs

__all__ = ["ONE", "TABS", "app_tabs"]

ONE = "/saas-apps/{app_id}"
TABS = {
    "settings": "Settings",
    "services": "Services",
    "products": "Products",
    "apps": "Apps",
    "subscriptions": "Subscriptions",
    "log": "API log",
    "statistics": "Statistics",
}
"""English names by the `tab` of the address."""


def app_tabs(view: View, current: str) -> Html:
    """The row of tabs."""
    return tabs(view, [(key, view.t(text)) for key, text in TABS.items()], current, view.t("SaaS application"))
