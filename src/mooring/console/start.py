"""The start page: devices, messages, API calls, queues, and what needs attention."""

from datetime import UTC, datetime

from mooring.platform.overview import AppCalls, Attention, QueueBacklog, Summary

from .html import Child, Html, tag
from .page import AnyRoute, Page, Shown, View, address
from .parts import Column, Series, card, empty, figures, lines, link, live, moment, table

__all__ = ["ATTENTION", "ROUTES"]

_REFRESH_S = 5
ATTENTION = {
    "queue_suspended": "Queue {name} is suspended: nobody consumed it for 30 days.",
    "queue_full": "Queue {name} is nearly full.",
    "queue_unread": "Messages wait in queue {name}, and nobody consumes.",
    "messages_lost": "Queue {name} has lost messages that were too old or too many.",
    "app_off": "SaaS application {name} cannot use the API: it or its API access is off.",
    "app_without_packages": "SaaS application {name} has no service package.",
    "product_without_model": "Product {name} has no released thing model.",
}
"""What is said of each `Attention.code`."""
_PAGES = {"queue": "/queues/{id}", "app": "/saas-apps/{id}", "product": "/products/{id}"}


async def _show_start(view: View) -> Shown:
    summary = await view.platform.overview.of(view.account_id)
    t = view.t
    numbers = figures(
        (t("Devices"), summary.devices.real, address("/devices")),
        (t("Online"), summary.devices.online, address("/devices", {"online": "true"})),
        (t("Activated"), summary.devices.activated, address("/devices", {"activated": "true"})),
        (t("Messages per minute"), _latest(summary), ""),
        (t("Messages in queues"), sum(queue.waiting for queue in summary.queues), address("/queues")),
    )
    body = live(
        "overview",
        _REFRESH_S,
        numbers,
        tag.div(_messages(view, summary), _attention(view, summary.attention), class_="columns"),
        tag.div(_calls(view, summary.apps), _queues(view, summary.queues), class_="columns"),
    )
    return Shown(t("Start"), body)


def _latest(summary: Summary) -> str:
    return f"{summary.messages[-1].per_minute:,.0f}" if summary.messages else "–"


def _messages(view: View, summary: Summary) -> Html:
    points = [(float(sample.at), sample.per_minute) for sample in summary.messages]
    title = view.t("Messages per minute")
    drawn = lines(title, [Series(title, points)], _clock) if points else empty(view.t("Counting begins now."))
    return card(title, drawn)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S} UTC"


def _attention(view: View, found: tuple[Attention, ...]) -> Html:
    title = view.t("Needs attention")
    if not found:
        return card(title, empty(view.t("Nothing needs attention.")))
    entries = (
        tag.li(link(view.t(ATTENTION[entry.code], name=entry.name), _PAGES[entry.kind], id=entry.id)) for entry in found
    )
    return card(title, tag.ul(entries))


def _calls(view: View, apps: tuple[AppCalls, ...]) -> Html:
    t = view.t
    title = t("API calls in 24 hours")
    columns: list[Column[AppCalls]] = [
        Column(t("SaaS application"), lambda app: link(app.name, "/saas-apps/{id}", id=app.app_id)),
        Column(t("Calls"), lambda app: f"{app.calls:,}", numeric=True),
        Column(t("Failures"), lambda app: f"{app.failures:,}", numeric=True),
    ]
    return card(title, table(columns, apps, title) if apps else empty(t("There is no SaaS application yet.")))


def _queues(view: View, queues: tuple[QueueBacklog, ...]) -> Html:
    t = view.t
    title = t("Message queues")

    def oldest(queue: QueueBacklog) -> Child:
        return moment(queue.oldest_at)

    columns: list[Column[QueueBacklog]] = [
        Column(t("Queue"), lambda queue: link(queue.name, "/queues/{id}", id=queue.queue_id)),
        Column(t("Waiting"), lambda queue: f"{queue.waiting:,}", numeric=True),
        Column(t("Consumers"), lambda queue: queue.consumers, numeric=True),
        Column(t("Oldest message"), oldest),
    ]
    return card(title, table(columns, queues, title) if queues else empty(t("There is no queue yet.")))


ROUTES: tuple[AnyRoute, ...] = (Page("/", _show_start),)
