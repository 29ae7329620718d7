"""How subscriptions are shown wherever they are listed."""

from collections.abc import Sequence

from mooring.platform.routes import Subscription

from .html import Child, Html, tag
from .page import View
from .parts import Column, badge, link, moment

__all__ = ["CODES", "LEVELS", "kinds", "running_badge", "subject", "subscription_columns"]

LEVELS = {"product": "Product", "device": "Device", "saas": "SaaS application", "domain": "End users"}
"""English names of the levels."""

CODES = {
    1: "Online and offline",
    2: "Device state",
    3: "Uplink, raw",
    4: "Downlink, raw",
    5: "Command accepted by the device",
    6: "Properties",
    7: "Event: information",
    8: "Event: warning",
    9: "Event: fault",
    10: "Services",
    11: "Location query",
    12: "Location, raw",
    13: "Location",
    14: "Bindings",
    15: "Device information",
    16: "Rule engine (never sent)",
    101: "Product information",
    102: "Device information",
    103: "Thing model",
    104: "Product authorization",
    105: "User domain authorization",
    201: "End user information",
}
"""English names of the numbers of kinds of messages."""


def kinds(view: View, codes: Sequence[int]) -> Html:
    """Kinds of messages by name and number."""
    return tag.span([(badge(f"{code} {view.t(CODES[code])}"), " ") for code in codes])


def running_badge(view: View, one: Subscription) -> Html:
    """Whether it runs."""
    return badge(view.t("Running"), "good") if one.running else badge(view.t("Stopped"))


def subject(view: View, one: Subscription) -> Child:
    """What a subscription is about."""
    if one.level == "domain":
        return tag.code(one.user_domain or "")
    if one.product_key is None:
        app = view.platform.directory.app(one.app_id)
        return None if app is None else link(app.name, "/saas-apps/{app_id}", app_id=app.id)
    product = link(one.product_key, "/products/{product_key}", product_key=one.product_key)
    if one.device_key is None:
        return product
    path = "/devices/{product_key}/{device_key}"
    return product, " / ", link(one.device_key, path, product_key=one.product_key, device_key=one.device_key)


def subscription_columns(view: View) -> list[Column[Subscription]]:
    """Columns for lists of subscriptions."""
    t = view.t

    def queue(one: Subscription) -> Html:
        return link(view.platform.subscriptions.queue_of(one).name, "/queues/{id}", id=one.queue_id)

    return [
        Column(t("Name"), lambda one: link(one.name, "/subscriptions/{id}", id=one.id)),
        Column(t("State"), lambda one: running_badge(view, one)),
        Column(t("Level"), lambda one: t(LEVELS[one.level])),
        Column(t("About"), lambda one: subject(view, one)),
        Column(t("Queue"), queue),
        Column(t("Created"), lambda one: moment(one.created_at)),
    ]
